"""One run on its page: followed, looked into, and repaired, by two people at once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.acceptance.conftest import Visit
from tests.acceptance.person import Person
from tests.acceptance.server import Server
from tests.long import LONG
from tests.waiting import eventually_now


@pytest.fixture(scope="module")
def run_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("runs"), program=("tests.acceptance.run_app",))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def server(run_server: Server) -> Server:
    """One that answers, with the gate closed and nothing broken."""
    for name in ("gate", "broken", "paid"):
        (run_server.data_dir / name).unlink(missing_ok=True)
    return run_server


class Started:
    """Starts runs with keys of their own."""

    number = 0


def start(server: Server, workflow: str, **data: Any) -> str:
    """The id of a new run."""
    Started.number += 1
    key = f"run{Started.number}"
    draft = server.data_dir / "start" / f"{key}.draft"
    draft.write_text(json.dumps({"workflow": workflow, "data": data}))
    draft.rename(draft.with_suffix(".json"))
    made: Path = server.data_dir / "started" / key
    eventually_now(made.exists)
    return made.read_text()


def address(server: Server, run_id: str, **query: str) -> str:
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    return f"{server.url}/runs/{run_id}{f'?{asked}' if asked else ''}"


def both(visit: Visit, server: Server, run_id: str) -> tuple[Person, Person]:
    return visit(address(server, run_id)), visit(address(server, run_id))


def status_of(person: Person) -> Locator:
    return person.page.locator(".run-status")


def sees(person: Person, status: str) -> None:
    """Wait until the page says so."""
    expect(person.page.locator(".run-page")).to_have_attribute("data-status", status)


def chooses(person: Person, action: str) -> Locator:
    """Choose an action, among the buttons or in the menu, and return the dialog that asks."""
    actions = person.page.get_by_role("group", name="Actions")
    expect(actions).to_be_visible()
    button = actions.get_by_role("button", name=action, exact=True)
    if button.count():
        button.click()
    else:
        actions.get_by_role("button", name="More actions").click()
        person.page.get_by_role("menuitem", name=action, exact=True).click()
    dialog = person.page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    return dialog


def confirms(dialog: Locator) -> None:
    dialog.locator('button[type="submit"]').click()


def line_of(person: Person, key: str) -> Locator:
    return person.page.locator(f'.line[data-key="{key}"]')


def history_of(person: Person, server: Server, run_id: str) -> list[str]:
    """What was done to a run, newest first."""
    person.open(address(server, run_id, tab="history"))
    lines = person.page.locator(".run-audits li")
    expect(lines.first).to_be_visible()
    return [re.sub(r"^\S+\s+", "", " ".join(one.split())) for one in lines.all_inner_texts()]


# Followed and repaired


def test_a_run_fails_is_understood_and_repaired_before_two_people(
    visit: Visit, server: Server
) -> None:
    (server.data_dir / "broken").touch()
    run_id = start(server, "paperwork", customer="Ann", amount=12)
    ann, bob = both(visit, server, run_id)
    for person in (ann, bob):
        sees(person, "waiting")
        expect(status_of(person)).to_contain_text("waiting for event 'signed'")
    dialog = chooses(ann, "Send an event")
    expect(dialog.get_by_label("Event", exact=True)).to_have_value("signed")
    dialog.get_by_label("Payload").fill('"Bo')
    confirms(dialog)
    expect(dialog.get_by_role("alert")).to_contain_text("This is not JSON")
    dialog.get_by_label("Payload").fill("12")
    confirms(dialog)
    expect(dialog.get_by_role("alert")).to_contain_text("signed")
    dialog.get_by_label("Payload").fill('"Bo"')
    confirms(dialog)
    expect(dialog).to_be_hidden()
    for person in (ann, bob):
        sees(person, "failed")
        failure = person.page.locator("[data-part=failure]")
        expect(failure).to_contain_text("ConnectionError")
        expect(failure).to_contain_text("What to do: Look at the error")
        expect(failure).not_to_contain_text("hunter22")
        expect(line_of(person, "send")).to_have_attribute("data-status", "failed")
        expect(line_of(person, "send")).to_contain_text("3 tries")
    bob.page.get_by_role("link", name="Go to the failed step").click()
    panel = bob.page.get_by_role("complementary", name="Step send")
    expect(panel.locator(".run-tries li")).to_have_count(3)
    expect(panel).to_contain_text(f"{run_id}:send")
    (server.data_dir / "broken").unlink()
    dialog = chooses(bob, "Retry")
    expect(dialog).to_contain_text("This run goes on from 'send'")
    confirms(dialog)
    for person in (ann, bob):
        sees(person, "done")
    expect(panel.locator("[data-part=result]")).to_contain_text("sent to Ann")
    ann.page.get_by_role("link", name="Input and result").click()
    expect(ann.page.locator("[data-part=result]")).to_contain_text("signed by Bo")
    assert history_of(ann, server, run_id) == [
        "you retried it",
        "you sent it an event: signed",
    ]


def test_pause_resume_cancel_and_what_comes_too_late_is_told(visit: Visit, server: Server) -> None:
    run_id = start(server, "held")
    ann, bob = both(visit, server, run_id)
    for person in (ann, bob):
        sees(person, "running")
    expect(line_of(ann, "gate")).to_have_attribute("data-status", "running")
    dialog = chooses(ann, "Pause")
    expect(dialog).to_contain_text("The step at hand ('gate') is finished first.")
    confirms(dialog)
    for person in (ann, bob):
        expect(status_of(person)).to_contain_text("pausing after this step, by you")
    confirms(chooses(bob, "Resume"))
    expect(status_of(ann)).not_to_contain_text("pausing")
    # Bob thinks about it, and Ann is quicker.
    late = chooses(bob, "Cancel")
    expect(late).to_contain_text("'gate' is cut off. It may clean up for 30 seconds")
    kill = chooses(ann, "Kill")
    expect(kill).to_contain_text("'gate' may still have an effect outside")
    kill.locator('button[type="submit"]').dblclick()
    for person in (ann, bob):
        sees(person, "stopped")
        expect(status_of(person)).to_contain_text("stopped by you")
    expect(late).to_contain_text("The run has changed since: it is stopped now.")
    confirms(late)
    expect(late.get_by_role("alert")).to_have_text("Too late: this run is stopped already by you.")
    late.get_by_role("button", name="Leave it").click()
    expect(late).to_be_hidden()
    assert history_of(ann, server, run_id) == [
        "you killed it",
        "you resumed it",
        "you paused it",
    ]


@LONG
def test_a_retry_that_somebody_else_has_pressed_is_refused_with_words(
    visit: Visit, server: Server
) -> None:
    run_id = start(server, "held")
    ann, bob = both(visit, server, run_id)
    sees(ann, "running")
    confirms(chooses(ann, "Cancel"))
    for person in (ann, bob):
        sees(person, "stopped")
    late = chooses(bob, "Retry")
    confirms(chooses(ann, "Retry"))
    sees(bob, "running")
    confirms(late)
    expect(late.get_by_role("alert")).to_contain_text("This run is")
    expect(late.get_by_role("alert")).to_contain_text("only one that failed or was stopped")
    late.get_by_role("button", name="Leave it").click()
    (server.data_dir / "gate").touch()
    sees(bob, "done")
    assert history_of(ann, server, run_id) == ["you retried it", "you cancelled it"]


@pytest.mark.long
def test_a_run_is_run_again_with_other_arguments(visit: Visit, server: Server) -> None:
    run_id = start(server, "paperwork", customer="Ann", amount=12, note="password: hunter22")
    ann = visit(address(server, run_id))
    sees(ann, "waiting")
    dialog = chooses(ann, "Run again")
    expect(dialog).to_contain_text("A new run of paperwork begins")
    dialog.get_by_label("With other arguments").check()
    box = dialog.get_by_label("Arguments, as JSON")
    expect(box).to_have_value(re.compile('"amount": 12'))
    expect(box).to_have_value(re.compile("redacted"))
    box.fill('{"amount": "much"}')
    confirms(dialog)
    expect(dialog.get_by_role("alert")).to_contain_text("amount")
    box.fill("[12]")
    confirms(dialog)
    expect(dialog.get_by_role("alert")).to_contain_text("are an object")
    box.fill('{"amount": 99}')
    dialog.locator('button[type="submit"]').dblclick()
    expect(ann.page).not_to_have_url(re.compile(run_id))
    sees(ann, "waiting")
    expect(ann.page.locator(".run-facts")).to_contain_text("Run again from")
    ann.page.get_by_role("link", name="Input and result").click()
    expect(ann.page.locator("[data-part=input]")).to_contain_text('"amount": 99')
    expect(ann.page.locator("[data-part=input]")).to_contain_text("password: [redacted]")
    assert server.rows(f"SELECT count(*) FROM workflows WHERE origin_id = '{run_id}'") == [(1,)]
    kept = server.rows(f"SELECT data FROM workflows WHERE origin_id = '{run_id}'")
    assert json.loads(kept[0][0])["note"] == "password: hunter22"
    ann.page.locator(".run-facts").get_by_role("link", name="paperwork").click()
    expect(ann.page).to_have_url(re.compile(run_id))
    expect(ann.page.locator(".run-facts")).to_contain_text("Forks and reruns")


def test_a_run_is_forked_from_a_step_with_another_result_or_input(
    visit: Visit, server: Server
) -> None:
    (server.data_dir / "gate").touch()
    run_id = start(server, "held")
    ann = visit(address(server, run_id))
    sees(ann, "done")
    line_of(ann, "gate").get_by_role("link").click()
    panel = ann.page.get_by_role("complementary", name="Step gate")
    panel.get_by_role("button", name="Fork from here").click()
    dialog = ann.page.get_by_role("dialog")
    expect(dialog).to_contain_text("The step before it is copied and not done again")
    dialog.get_by_label("With another result").check()
    expect(dialog).to_contain_text("The step is not done: it has the result below.")
    box = dialog.get_by_label("Result of the step, as JSON")
    expect(box).to_have_value('"open"')
    box.fill('"ajar"')
    confirms(dialog)
    expect(ann.page).not_to_have_url(re.compile(run_id))
    sees(ann, "done")
    expect(ann.page.locator(".run-facts")).to_contain_text("at gate")
    ann.page.get_by_role("link", name="Input and result").click()
    expect(ann.page.locator("[data-part=result]")).to_contain_text('"ajar"')
    ann.open(address(server, run_id, step="before"))
    ann.page.get_by_role("button", name="Fork from here").click()
    dialog = ann.page.get_by_role("dialog")
    dialog.get_by_label("With another input").check()
    box = dialog.get_by_label("Input of the step, as JSON")
    expect(box).to_have_value(re.compile('"you"'))
    box.fill('"me"')
    confirms(dialog)
    expect(dialog.get_by_role("alert")).to_contain_text("is a list of its arguments")
    box.fill('["me"]')
    confirms(dialog)
    expect(ann.page).not_to_have_url(re.compile(run_id))
    sees(ann, "done")
    line_of(ann, "before").get_by_role("link").click()
    expect(ann.page.locator(".step-panel [data-part=result]")).to_contain_text("Dear me")


# Looked into


@pytest.mark.long
def test_a_nested_run_is_unfolded_and_led_to(visit: Visit, server: Server) -> None:
    run_id = start(server, "paperwork", customer="Ann", amount=12)
    ann = visit(address(server, run_id))
    line_of(ann, "letter").get_by_role("button", name="Show the steps of this run").click()
    nested = ann.page.get_by_role("group", name="letter")
    expect(nested.locator('[data-key="greet"]')).to_be_visible()
    nested.get_by_role("link", name="letter").click()
    sees(ann, "done")
    expect(ann.page.locator(".run-facts")).to_contain_text("Part of")


@pytest.mark.long
def test_logs_are_searched_and_come_live(visit: Visit, server: Server) -> None:
    run_id = start(server, "paperwork", customer="Ann", amount=12)
    ann = visit(address(server, run_id, tab="logs"))
    lines = ann.page.locator(".log-lines li")
    expect(lines).to_have_count(2)
    expect(lines.first).to_contain_text("begun for Ann")
    expect(lines.first).not_to_contain_text("secret-token")
    dialog = chooses(ann, "Send an event")
    dialog.get_by_label("Payload").fill('"Bo"')
    confirms(dialog)
    expect(lines).to_have_count(3)
    expect(lines.last).to_contain_text("signed by Bo")
    ann.page.get_by_label("How bad").select_option("error")
    expect(lines).to_have_count(1)
    ann.page.get_by_label("How bad").select_option("")
    ann.page.get_by_label("Search the log").fill("BOOKED")
    expect(lines).to_have_count(1)
    expect(lines.first).to_contain_text("booked")
    ann.page.get_by_role("link", name="Events", exact=True).click()
    expect(ann.page.locator(".run-events")).to_contain_text("sent by you, taken by signed")


@LONG
def test_the_whole_run_is_had_as_json(visit: Visit, server: Server) -> None:
    (server.data_dir / "gate").touch()
    run_id = start(server, "paperwork", customer="Ann", amount=12, note="password: hunter22")
    ann = visit(address(server, run_id, tab="json"))
    expect(ann.page.locator(".run-raw pre")).to_contain_text('"format": "agentchat.run/1"')
    with ann.page.expect_download() as download:
        ann.page.get_by_role("link", name="Download all of it").click()
    text = Path(download.value.path()).read_text()
    document = json.loads(text)
    assert document["run"]["id"] == run_id
    assert {step["key"] for step in document["steps"]} >= {"book", "letter"}
    assert not {"hunter22", "key-of-the-bank", "secret-token-1"} & set(re.findall(r"[\w-]+", text))
    gone = ann.page.request.get(f"{server.url}/export/runs/nosuchrun.json")
    assert (gone.status, gone.json()["error"] != "") == (404, True)


@pytest.mark.long
def test_a_long_run_stays_usable(visit: Visit, server: Server) -> None:
    run_id = start(server, "long", steps=420, fails=210)
    ann = visit(address(server, run_id))
    sees(ann, "done")
    lines = ann.page.locator(".line")
    expect(ann.page.locator(".run-pages")).to_contain_text("of 420 steps")
    assert lines.count() <= 100
    expect(line_of(ann, "item 419")).to_be_visible()
    ann.page.get_by_role("link", name="First", exact=True).click()
    expect(line_of(ann, "item 0")).to_be_visible()
    expect(lines).to_have_count(100)
    ann.page.get_by_role("link", name="Later").click()
    expect(line_of(ann, "item 100")).to_be_visible()
    ann.page.get_by_role("link", name="Newest").click()
    expect(line_of(ann, "item 419")).to_be_visible()
    strip = ann.page.locator("[data-part=strip]")
    expect(strip).to_have_attribute("aria-label", re.compile("420 steps over .*, 1 failed"))
    strip.locator(".strip-failed").click()
    expect(line_of(ann, "item 210")).to_be_visible()
    ann.page.get_by_role("button", name="Failed only").click()
    expect(lines).to_have_count(1)
    expect(line_of(ann, "item 210")).to_be_visible()
    ann.page.get_by_role("button", name="Failed only").click()
    ann.page.get_by_label("Find steps by name").fill("item 41")
    expect(lines).to_have_count(11)
    ann.page.get_by_label("Find steps by name").fill("nothing like it")
    expect(ann.page.locator(".run-timeline")).to_contain_text("No step fits.")
    ann.page.get_by_role("button", name="Show all steps").click()
    expect(line_of(ann, "item 419")).to_be_visible()


@pytest.mark.long
def test_the_keyboard_leads_through_the_timeline_and_back(visit: Visit, server: Server) -> None:
    run_id = start(server, "paperwork", customer="Ann", amount=12)
    ann = visit(address(server, run_id))
    first = line_of(ann, "book").get_by_role("link")
    first.focus()
    ann.page.keyboard.press("ArrowDown")
    expect(line_of(ann, "letter").get_by_role("link")).to_be_focused()
    ann.page.keyboard.press("ArrowUp")
    ann.page.keyboard.press("Enter")
    panel = ann.page.get_by_role("complementary", name="Step book")
    expect(panel).to_be_visible()
    panel.get_by_role("button", name="Close").focus()
    ann.page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(first).to_be_focused()
    dialog = chooses(ann, "Cancel")
    # What changes nothing has the focus.
    expect(dialog.get_by_role("button", name="Leave it")).to_be_focused()
    ann.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    sees(ann, "waiting")


@pytest.mark.long
def test_a_run_that_is_not_there_says_so(visit: Visit, server: Server) -> None:
    ann = visit(address(server, "nosuchrunatall"))
    expect(ann.page.locator("[data-part=missing]")).to_contain_text("There is no run here")
    run_id = start(server, "held")
    ann.open(address(server, run_id, step="no such step"))
    expect(ann.page.locator(".step-panel")).to_contain_text("no step of this name")


# Answers


@LONG
def test_an_answer_is_approved_and_stopped_on_the_page_of_its_run(
    visit: Visit, server: Server
) -> None:
    ann = visit(server.url)
    ann.say("pay Bo")
    thread = ann.in_thread()
    ann.sees_answer("running")
    [(run_id,)] = server.rows(
        "SELECT run_id FROM messages WHERE role = 'assistant' ORDER BY created_at DESC LIMIT 1"
    )
    bob = visit(address(server, run_id))
    sees(bob, "waiting")
    expect(status_of(bob)).to_contain_text("waiting for approval")
    card = bob.page.locator("[data-part=ask]")
    expect(card).to_contain_text("pay")
    dialog = chooses(bob, "Cancel")
    expect(dialog).to_contain_text("The answer ends at once, with the text so far")
    expect(dialog).to_contain_text("What it asks people is withdrawn.")
    confirms(dialog)
    sees(bob, "stopped")
    expect(card).to_have_count(0)
    ann.sees_answer("stopped")
    expect(ann.answer).to_contain_text("Stopped by you")
    dialog = chooses(bob, "Retry")
    expect(dialog).to_contain_text("what was asked in it is asked again")
    confirms(dialog)
    card.get_by_role("button", name="Approve", exact=True).click()
    sees(bob, "done")
    assert "paid 50 to Bo" in ann.sees_answer("done")
    assert (server.data_dir / "paid").read_text() == "50 Bo\n"
    bob.page.locator(".run-facts").get_by_role("link", name="pay Bo").click()
    bob.page.wait_for_url(re.compile(re.escape(thread)))
    expect(bob.answer).to_contain_text("That is done.")
    # And back: from the answer to its run, from a call of a tool to the step that made it.
    bob.answer.get_by_role("link", name="See the run that wrote this").click()
    bob.page.wait_for_url(re.compile(run_id))
    sees(bob, "done")
    bob.page.go_back()
    tool = bob.answer.locator("[data-part=tool]")
    tool.locator("summary").click()
    tool.get_by_role("link", name="See the step").click()
    panel = bob.page.get_by_role("complementary")
    expect(panel).to_contain_text("Tool pay")
    expect(panel).to_contain_text("paid 50 to Bo")
