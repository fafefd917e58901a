"""The page about schedules: made, changed, paused, run and deleted, while others look."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from tests.acceptance.conftest import Visit
from tests.acceptance.operations_server import is_accessible, served
from tests.acceptance.person import Person
from tests.acceptance.server import Server
from tests.long import LONG

NARROW = {"width": 390, "height": 844}
WIDE = {"width": 1440, "height": 900}
BERLIN = "Europe/Berlin"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served(tmp_path_factory.mktemp("schedules")) as server:
        yield server


def at(visit: Visit, server: Server, query: str = "", **options: object) -> Person:
    """Somebody in Berlin on the page, with what is there."""
    person = visit(f"{server.url}/schedules{query}", **{"timezone_id": BERLIN, **options})
    expect(person.page.locator("[data-part=schedule], [data-part=one]").first).to_be_visible()
    return person


def press(person: Person, name: str, within: Locator | None = None) -> None:
    (within or person.page).get_by_role("button", name=name, exact=True).click()


def dialog(person: Person) -> Locator:
    return person.page.get_by_role("dialog")


def field(person: Person, label: str) -> Locator:
    return dialog(person).get_by_label(label, exact=True)


def preview(person: Person) -> Locator:
    return person.page.locator("[data-part=preview]")


def line(person: Person, name: str) -> Locator:
    return person.page.locator(f"[data-part=schedule][data-name='{name}']")


def audits(server: Server, name: str) -> list[str]:
    return [
        action
        for (action,) in server.rows(
            "SELECT action FROM audits WHERE kind = 'schedule' AND subject_id IN (SELECT subject_id"
            f" FROM audits WHERE json_extract(detail, '$.name') = '{name}') ORDER BY id"
        )
    ]


def create(person: Person, name: str, spec: str = "30 7 * * *") -> None:
    """Make a schedule that naps."""
    press(person, "New schedule")
    field(person, "Name").fill(name)
    field(person, "Cron").fill(spec)
    field(person, "Workflow").select_option("nap")
    press(person, "Create", dialog(person))
    expect(dialog(person)).to_have_count(0)
    expect(line(person, name)).to_be_visible()


# Making one


def test_a_schedule_is_made_with_words_and_times_while_one_types(
    server: Server, visit: Visit
) -> None:
    ann, bob = at(visit, server), at(visit, server)
    press(ann, "New schedule")
    expect(field(ann, "Name")).to_be_focused()
    expect(field(ann, "Time zone")).to_have_value(BERLIN)
    field(ann, "Name").fill("Digest of the morning")
    field(ann, "Cron").fill("0 7 * * mon")
    expect(preview(ann)).to_contain_text("Mondays at 07:00 (Europe/Berlin)")
    expect(preview(ann).locator("time")).to_have_count(5)
    for text in preview(ann).locator("time").all_inner_texts():
        assert re.fullmatch(r"Mon,? \d+ \w+( \d{4})?,? (at )?07:00", text), text
    # In another zone, the viewer's time and that of the schedule are told.
    field(ann, "Time zone").fill("America/New_York")
    expect(preview(ann)).to_contain_text(re.compile(r"13:00.*07:00 in America/New_York"))
    field(ann, "Workflow").select_option("digest")
    expect(dialog(ann)).to_contain_text("Sum up what is new about a subject.")
    field(ann, "topic").fill("herons")
    field(ann, "pages").fill("5")
    field(ann, "tone").select_option("lively")
    field(ann, "loud").select_option("true")
    field(ann, "readers").fill('["Ann", "Bob"]')
    press(ann, "Create", dialog(ann))
    expect(dialog(ann)).to_have_count(0)
    for person in (ann, bob):
        shown = line(person, "Digest of the morning")
        expect(shown).to_contain_text("Mondays at 07:00 (America/New_York)")
        expect(shown.locator("[data-part=next]")).to_contain_text(re.compile("13:00.*07:00"))
    [(data, declared)] = server.rows(
        "SELECT data, declared FROM schedules WHERE name = 'Digest of the morning'"
    )
    assert json.loads(data) == {
        "topic": "herons", "pages": 5, "tone": "lively", "loud": True, "readers": ["Ann", "Bob"],
    }  # fmt: skip
    assert declared == 0


def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(
    server: Server, visit: Visit
) -> None:
    ann = at(visit, server)
    press(ann, "New schedule")
    field(ann, "Cron").fill("0 25 * * *")
    expect(dialog(ann)).to_contain_text("the hour '25' is wrong: 25 is out of range")
    expect(field(ann, "Cron")).to_have_attribute("aria-invalid", "true")
    field(ann, "Cron").fill("0 5 * * *")
    expect(field(ann, "Cron")).not_to_have_attribute("aria-invalid", "true")
    field(ann, "Time zone").fill("Mars/Base")
    expect(dialog(ann)).to_contain_text("The time zone 'Mars/Base' is unknown.")
    press(ann, "Create", dialog(ann))
    expect(dialog(ann)).to_contain_text("It needs a name.")
    expect(dialog(ann)).to_contain_text("Choose the workflow that it starts.")
    field(ann, "Name").fill("nightly")
    field(ann, "Workflow").select_option("digest")
    expect(dialog(ann)).to_contain_text("This is needed.")
    field(ann, "topic").fill("gulls")
    field(ann, "pages").fill("five")
    expect(dialog(ann)).to_contain_text("This is not a number.")
    field(ann, "pages").fill("5.5")
    field(ann, "Time zone").fill("UTC")
    press(ann, "Create", dialog(ann))
    expect(dialog(ann)).to_contain_text("The argument 'pages' of workflow 'digest' does not fit")
    field(ann, "pages").fill("5")
    press(ann, "Create", dialog(ann))
    expect(dialog(ann)).to_contain_text("There is a schedule named 'nightly' already.")
    expect(field(ann, "topic")).to_have_value("gulls")
    # A click beside it loses nothing.
    ann.page.mouse.click(5, 5)
    expect(field(ann, "topic")).to_have_value("gulls")
    press(ann, "Go back", dialog(ann))


@pytest.mark.long
def test_arguments_may_be_written_as_json(server: Server, visit: Visit) -> None:
    ann = at(visit, server)
    press(ann, "New schedule")
    field(ann, "Name").fill("As JSON")
    field(ann, "Workflow").select_option("digest")
    field(ann, "topic").fill("terns")
    press(ann, "Edit as JSON", dialog(ann))
    box = dialog(ann).get_by_role("textbox", name="Arguments")
    assert json.loads(box.input_value())["topic"] == "terns"
    box.fill('{"topic": ')
    expect(dialog(ann)).to_contain_text("This is not JSON.")
    box.fill('{"topic": "swans", "often": 1}')
    press(ann, "Create", dialog(ann))
    expect(dialog(ann)).to_contain_text("unexpected keyword argument 'often'")
    box.fill('{"topic": "swans", "pages": 9}')
    press(ann, "Edit as fields", dialog(ann))
    expect(field(ann, "pages")).to_have_value("9")
    press(ann, "Create", dialog(ann))
    expect(line(ann, "As JSON")).to_be_visible()
    [(data,)] = server.rows("SELECT data FROM schedules WHERE name = 'As JSON'")
    assert json.loads(data)["topic"] == "swans"


@pytest.mark.long
def test_intervals_have_a_start_an_end_and_ways_with_what_was_missed(
    server: Server, visit: Visit
) -> None:
    ann = at(visit, server)
    press(ann, "New schedule")
    field(ann, "Name").fill("Every so often")
    dialog(ann).get_by_text("Again and again").click()
    field(ann, "Every").fill("90")
    field(ann, "Unit").select_option("minutes")
    expect(preview(ann)).to_contain_text("Every 1 hour 30 minutes")
    dialog(ann).get_by_text("Start, end, missed times, overlaps").click()
    field(ann, "Not before").fill("2031-05-01T08:00")
    expect(preview(ann).locator("time").first).to_have_text(re.compile(r"1 May 2031,? (at )?08:00"))
    field(ann, "Not after").fill("2031-05-01T10:00")
    expect(preview(ann).locator("time")).to_have_count(2)
    field(ann, "Not after").fill("2030-05-01T10:00")
    expect(dialog(ann)).to_contain_text("A schedule cannot end")
    field(ann, "Not after").fill("")
    field(ann, "When times were missed").select_option("all")
    field(ann, "At most").fill("20")
    field(ann, "When its last run is not finished").select_option("queue")
    field(ann, "Jitter, seconds").fill("30")
    field(ann, "Workflow").select_option("nap")
    press(ann, "Create", dialog(ann))
    expect(line(ann, "Every so often")).to_be_visible()
    assert server.rows(
        "SELECT spec, missed, most_missed, overlap, jitter FROM schedules"
        " WHERE name = 'Every so often'"
    ) == [("5400.0", "all", 20, "queue", 30.0)]


# Changing one


@LONG
def test_of_two_who_change_it_at_once_the_second_is_told(server: Server, visit: Visit) -> None:
    ann, bob = at(visit, server), at(visit, server)
    create(ann, "Contested")
    for person in (ann, bob):
        press(person, "Edit Contested")
        expect(field(person, "Cron")).to_have_value("30 7 * * *")
    field(ann, "Cron").fill("0 8 * * *")
    field(bob, "Cron").fill("0 9 * * *")
    press(ann, "Save", dialog(ann))
    expect(dialog(ann)).to_have_count(0)
    expect(dialog(bob).get_by_role("alert")).to_contain_text("Somebody has changed this schedule")
    press(bob, "Save", dialog(bob))
    expect(dialog(bob).get_by_role("alert")).to_contain_text("nothing of yours was saved")
    expect(field(bob, "Cron")).to_have_value("0 9 * * *")
    press(bob, "Show it as it is now", dialog(bob))
    expect(field(bob, "Cron")).to_have_value("0 8 * * *")
    field(bob, "Cron").fill("0 10 * * *")
    press(bob, "Save", dialog(bob))
    for person in (ann, bob):
        expect(line(person, "Contested")).to_contain_text("Every day at 10:00")
    assert audits(server, "Contested") == ["create", "change", "change"]


@pytest.mark.long
def test_what_code_declares_cannot_be_edited_but_copied(server: Server, visit: Visit) -> None:
    ann = at(visit, server)
    shown = line(ann, "nightly")
    expect(shown).to_contain_text("By code")
    expect(ann.page.get_by_role("button", name="Edit nightly")).to_have_count(0)
    press(ann, "Copy nightly")
    expect(field(ann, "topic")).to_have_value("herons")
    expect(field(ann, "Time zone")).to_have_value("America/New_York")
    field(ann, "Name").fill("My nightly")
    press(ann, "Create", dialog(ann))
    expect(ann.page.get_by_role("button", name="Edit My nightly")).to_be_visible()
    shown.get_by_role("link", name="nightly").click()
    expect(ann.page.locator("[data-part=one]")).to_contain_text("would undo what is changed here")


# What is done to one


def test_it_is_paused_and_resumed_and_the_second_who_does_is_told(
    server: Server, visit: Visit
) -> None:
    ann, bob = at(visit, server), at(visit, server)
    create(ann, "Rests")
    press(ann, "Pause Rests")
    press(bob, "Pause Rests")
    press(ann, "Pause", dialog(ann))
    expect(dialog(ann)).to_have_count(0)
    expect(dialog(bob).get_by_role("alert")).to_have_text("It is paused already, by you.")
    expect(dialog(bob).get_by_role("button", name="Pause")).to_have_count(0)
    press(bob, "Go back", dialog(bob))
    for person in (ann, bob):
        expect(line(person, "Rests")).to_contain_text(re.compile("Paused.*paused by you"))
    press(bob, "Resume Rests")
    press(bob, "Resume", dialog(bob))
    for person in (ann, bob):
        expect(line(person, "Rests").locator("[data-part=next]")).to_contain_text("07:30")
    assert audits(server, "Rests") == ["create", "pause", "resume"]


@pytest.mark.long
def test_it_is_run_now_and_refused_while_that_run_is_active(server: Server, visit: Visit) -> None:
    ann, bob = at(visit, server), at(visit, server)
    create(ann, "Now and then")
    press(ann, "Run now Now and then")
    press(ann, "Run now", dialog(ann))
    expect(ann.page.get_by_role("status").get_by_text("A run was started.")).to_be_visible()
    for person in (ann, bob):
        expect(line(person, "Now and then").locator("[data-part=last]")).to_contain_text("Waiting")
    press(bob, "Run now Now and then")
    press(bob, "Run now", dialog(bob))
    expect(dialog(bob).get_by_role("alert")).to_contain_text("its runs may not overlap")
    press(bob, "Go back", dialog(bob))
    ann.page.get_by_role("link", name="See the run").click()
    ann.page.wait_for_url(re.compile(r"/runs/[0-9a-f-]+$"))
    expect(ann.page.get_by_role("main")).to_contain_text("nap")


@pytest.mark.long
def test_its_history_is_told_with_its_runs_and_what_people_did(
    server: Server, visit: Visit
) -> None:
    ann = at(visit, server)
    press(ann, "Run now nightly")
    press(ann, "Run now", dialog(ann))
    line(ann, "nightly").get_by_role("link", name="nightly").click()
    ann.page.wait_for_url(re.compile(r"\?schedule="))
    history = ann.page.locator("[data-part=history] tbody tr")
    expect(history.first).to_contain_text("started by you")
    expect(history.first).to_contain_text("Done")
    before = history.count()
    bob = at(visit, server, f"?{ann.page.url.split('?')[1]}")
    press(bob, "Run now nightly")
    press(bob, "Run now", dialog(bob))
    for person in (ann, bob):
        expect(person.page.locator("[data-part=history] tbody tr")).to_have_count(before + 1)
        expect(person.page.locator("[data-part=audits] li").first).to_contain_text("you ran it")
        expect(person.page.locator("[data-part=audits] li").last).to_contain_text("declared it")
    ann.page.get_by_role("link", name="All its runs").click()
    ann.page.wait_for_url(re.compile(r"/runs\?schedule="))
    expect(ann.page.locator(".runs-row")).to_have_count(before + 1)


@pytest.mark.long
def test_a_schedule_that_fires_shows_its_run_by_itself(server: Server, visit: Visit) -> None:
    ann, bob = at(visit, server), at(visit, server)
    press(ann, "New schedule")
    field(ann, "Name").fill("Pulse")
    dialog(ann).get_by_text("Again and again").click()
    field(ann, "Every").fill("2")
    field(ann, "Unit").select_option("seconds")
    field(ann, "Workflow").select_option("digest")
    field(ann, "topic").fill("pulses")
    press(ann, "Create", dialog(ann))
    for person in (ann, bob):
        expect(line(person, "Pulse").locator("[data-part=last]")).to_contain_text("Done")
    press(bob, "Delete Pulse")
    press(bob, "Delete", dialog(bob))
    expect(line(ann, "Pulse")).to_have_count(0)


@pytest.mark.long
def test_who_has_one_open_that_is_deleted_is_told_and_by_whom(server: Server, visit: Visit) -> None:
    ann, bob = at(visit, server), at(visit, server)
    create(ann, "Short-lived")
    line(bob, "Short-lived").get_by_role("link", name="Short-lived").click()
    expect(bob.page.locator("[data-part=one]")).to_be_visible()
    press(bob, "Edit Short-lived")
    press(ann, "Delete Short-lived")
    expect(dialog(ann)).to_contain_text("its history goes. Its runs stay.")
    press(ann, "Delete", dialog(ann))
    expect(line(ann, "Short-lived")).to_have_count(0)
    expect(dialog(bob).get_by_role("alert")).to_contain_text("Somebody has deleted this schedule")
    press(bob, "Save", dialog(bob))
    expect(dialog(bob)).to_contain_text("does not exist")
    press(bob, "Go back", dialog(bob))
    gone = bob.page.locator("[data-part=gone]")
    expect(gone).to_contain_text("This schedule is not there any more")
    expect(gone.locator("[data-part=audits] li").first).to_contain_text("you deleted it")


# For everybody


@LONG
@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_nobody_is_kept_out(server: Server, visit: Visit, scheme: str) -> None:
    for viewport in (WIDE, NARROW):
        ann = at(visit, server, viewport=viewport, color_scheme=scheme)

        def look(name: str, ann: Person = ann, width: int = viewport["width"]) -> None:
            is_accessible(ann)
            if shots := os.environ.get("SHOTS"):
                ann.page.screenshot(path=f"{shots}/schedules-{name}-{width}-{scheme}.png")

        look("list")
        press(ann, "Copy nightly")
        expect(preview(ann).locator("time")).to_have_count(5)
        look("form")
        field(ann, "Cron").fill("x")
        expect(field(ann, "Cron")).to_have_attribute("aria-invalid", "true")
        look("wrong")
        press(ann, "Go back", dialog(ann))
        line(ann, "nightly").get_by_role("link", name="nightly").click()
        expect(ann.page.locator("[data-part=one]")).to_be_visible()
        look("one")


@pytest.mark.long
def test_it_all_works_without_a_mouse(server: Server, visit: Visit) -> None:
    ann = at(visit, server)
    keys = ann.page.keyboard
    ann.page.get_by_role("button", name="New schedule").focus()
    keys.press("Enter")
    expect(field(ann, "Name")).to_be_focused()
    keys.type("By hand")
    field(ann, "Workflow").focus()
    keys.type("nap")
    expect(field(ann, "Workflow")).to_have_value("nap")
    field(ann, "Name").focus()
    keys.press("Enter")
    expect(dialog(ann)).to_have_count(0)
    expect(line(ann, "By hand")).to_be_visible()
    expect(ann.page.get_by_role("button", name="New schedule")).to_be_focused()
    ann.page.get_by_role("button", name="Pause By hand").press("Enter")
    dialog(ann).get_by_role("button", name="Pause").press("Enter")
    expect(ann.page.get_by_role("button", name="Resume By hand")).to_be_focused()
    ann.page.get_by_role("button", name="Delete By hand").focus()
    keys.press("Enter")
    expect(dialog(ann).get_by_role("button", name="Go back")).to_be_focused()
    keys.press("Tab")
    keys.press("Enter")
    expect(line(ann, "By hand")).to_have_count(0)
    # What had the focus is gone: it goes on from the page.
    expect(ann.page.locator("[data-page]")).to_be_focused()
