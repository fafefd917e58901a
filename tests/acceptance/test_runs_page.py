"""The page of runs, as operators use it: what runs, what waits, what failed, and repairing it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, expect

from tests.acceptance.axe import serious
from tests.acceptance.conftest import Visit
from tests.acceptance.person import Person
from tests.acceptance.server import Server
from tests.long import LONG
from tests.waiting import eventually_now

SEED = "note:60 nap:4 delivery:3 patient:1 letter:1 guard:1"
"""Seventy runs: two pages."""
NARROW = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def runs_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(
        tmp_path_factory.mktemp("runs"), program=("tests.acceptance.runs_app",), SEED=SEED
    )
    server.start()
    yield server
    server.kill()


@pytest.fixture
def server(runs_server: Server) -> Server:
    if not runs_server.alive:
        runs_server.start()
    return runs_server


@pytest.fixture
def fresh_server(tmp_path: Path) -> Iterator[Server]:
    """One that has never run anything."""
    server = Server(tmp_path, program=("tests.acceptance.runs_app",))
    server.start()
    yield server
    server.kill()


def start(server: Server, what: str) -> None:
    """Let runs begin: pairs of a workflow and a number."""
    file = server.data_dir / "beginning"
    file.write_text(what)
    file.rename(server.data_dir / f"start-{len(what)}")
    eventually_now(lambda: not list(server.data_dir.glob("start-*")))


def at(visit: Visit, server: Server, query: str = "", **options: object) -> Person:
    """Somebody on the page of runs, with its first rows."""
    person = visit(f"{server.url}/runs{query}", **options)
    expect(person.page.locator(".runs")).not_to_have_attribute("data-busy", "")
    return person


def rows(person: Person, status: str = "") -> Locator:
    return person.page.locator(f".runs-row[data-status={status}]" if status else ".runs-row")


def workflows(person: Person) -> set[str]:
    names = person.page.locator(".runs-row .runs-name").all_inner_texts()
    return {name.split()[0] for name in names}


def pill(person: Person, name: str) -> Locator:
    return person.page.get_by_role("group", name="Status").get_by_role(
        "button", name=re.compile(f"^{name}")
    )


def choose(person: Person, label: str, option: str) -> None:
    person.page.get_by_label(label, exact=True).select_option(label=option)


def asks(person: Person) -> dict[str, str]:
    """What the address asks for."""
    query = parse_qs(urlsplit(person.page.url).query)
    return {name: values[0] for name, values in query.items() if name != "bulk"}


def settled(person: Person) -> None:
    expect(person.page.locator(".runs")).not_to_have_attribute("data-busy", "")


# Looking


def test_one_click_shows_what_failed_and_why(server: Server, visit: Visit) -> None:
    ann = at(visit, server)
    expect(rows(ann)).to_have_count(50)
    pill(ann, "Failed").click()
    expect(rows(ann)).to_have_count(3)
    assert asks(ann) == {"status": "failed"}
    expect(rows(ann).first).to_contain_text(
        "drive: ConnectionError: The road to the harbour is closed."
    )
    expect(pill(ann, "Failed")).to_have_attribute("aria-pressed", "true")
    expect(pill(ann, "Failed")).to_contain_text("3")
    expect(pill(ann, "Done")).to_contain_text(re.compile("[1-9]"))
    pill(ann, "Waiting").click()
    expect(rows(ann, "waiting")).not_to_have_count(0)
    assert asks(ann) == {"status": "failed,waiting"}
    said = rows(ann).all_inner_texts()
    assert any(re.search(r"retrying \(2 of 5\) at \d\d:\d\d:\d\d", text) for text in said)
    assert any(re.search(r"sleeping until (\d+ \w+, )?\d\d:\d\d:\d\d", text) for text in said)
    assert any("waiting for event 'signed' until" in text for text in said)


def test_filters_stand_in_the_address_and_back_and_forward_lead_through_them(
    server: Server, visit: Visit
) -> None:
    ann = at(visit, server)
    choose(ann, "Workflow", "delivery")
    expect(rows(ann)).to_have_count(3)
    box = ann.page.get_by_role("searchbox", name="Search runs")
    box.fill("nobody has said this")
    expect(ann.page.get_by_role("heading", name="No run fits these filters")).to_be_visible()
    assert asks(ann) == {"workflow": "delivery", "text": "nobody has said this"}
    ann.page.go_back()
    expect(rows(ann)).to_have_count(3)
    expect(box).to_have_value("")
    ann.page.go_back()
    expect(rows(ann)).to_have_count(50)
    ann.page.go_forward()
    expect(rows(ann)).to_have_count(3)
    ann.page.reload()
    expect(rows(ann)).to_have_count(3)
    expect(ann.page.get_by_label("Workflow", exact=True)).to_have_value("delivery")
    # And so does another person, by the same address.
    bob = at(visit, server, f"?{urlsplit(ann.page.url).query}")
    expect(rows(bob)).to_have_count(3)
    bob.page.get_by_role("button", name="Clear filters").click()
    expect(rows(bob)).to_have_count(50)
    assert asks(bob) == {}


@pytest.mark.long
def test_what_is_wrong_in_an_address_is_said_and_the_rest_is_shown(
    server: Server, visit: Visit
) -> None:
    ann = at(visit, server, "?status=failed,broken&within=2h")
    expect(rows(ann)).to_have_count(3)
    alert = ann.page.locator(".runs-problems")
    expect(alert).to_contain_text("status=broken was ignored: a status is one of queued")
    expect(alert).to_contain_text("within=2h was ignored")


@pytest.mark.long
def test_a_time_is_that_of_the_place(server: Server, visit: Visit) -> None:
    ann = at(visit, server, "?workflow=delivery", timezone_id="Asia/Kolkata")
    expect(rows(ann)).to_have_count(3)
    choose(ann, "Started", "From … to …")
    ann.page.get_by_label("From", exact=True).fill("2020-06-01T05:30")
    ann.page.get_by_label("To", exact=True).fill("2020-06-02T05:30")
    ann.page.get_by_role("button", name="Apply").click()
    expect(ann.page.get_by_role("heading", name="No run fits these filters")).to_be_visible()
    assert asks(ann) == {
        "workflow": "delivery",
        "since": "2020-06-01T00:00Z",
        "until": "2020-06-02T00:00Z",
    }
    expect(ann.page.get_by_label("From", exact=True)).to_have_value("2020-06-01T05:30")
    choose(ann, "Started", "Last 24 hours")
    expect(rows(ann)).to_have_count(3)
    assert asks(ann) == {"workflow": "delivery", "within": "24h"}


@LONG
def test_pages_lead_through_all_runs_and_back(server: Server, visit: Visit) -> None:
    ann = at(visit, server, "?workflow=note")
    first = rows(ann).evaluate_all("rows => rows.map(row => row.dataset.run)")
    ann.page.get_by_role("link", name="Older").click()
    expect(rows(ann).first).not_to_have_attribute("data-run", first[0])
    settled(ann)
    rest = rows(ann).evaluate_all("rows => rows.map(row => row.dataset.run)")
    assert len(set(first)) == 50
    assert not set(first) & set(rest)
    assert len(first) + len(rest) >= 60
    ann.page.get_by_role("link", name="Newer").click()
    expect(rows(ann).first).to_have_attribute("data-run", first[0])
    ann.page.go_back()
    expect(rows(ann).first).to_have_attribute("data-run", rest[0])
    choose(ann, "Order", "Longest first")
    settled(ann)
    assert asks(ann) == {"workflow": "note", "sort": "longest"}


@pytest.mark.long
def test_a_saved_view_is_there_again_under_its_name(server: Server, visit: Visit) -> None:
    ann = at(visit, server, "?status=failed&workflow=delivery")
    ann.page.get_by_role("button", name="Views").click()
    dialog = ann.page.get_by_role("dialog", name="Saved views")
    dialog.get_by_label("Name", exact=True).fill("Closed roads")
    dialog.get_by_role("button", name="Save these filters").click()
    expect(dialog.get_by_role("link", name="Closed roads")).to_be_visible()
    bob = at(visit, server)
    bob.page.get_by_role("button", name="Views").click()
    bob.page.get_by_role("link", name="Closed roads").click()
    expect(rows(bob)).to_have_count(3)
    assert asks(bob) == {"status": "failed", "workflow": "delivery"}
    # Whoever follows sees it change, as the page is live.
    dialog.get_by_role("button", name="Rename Closed roads").click()
    dialog.get_by_label("New name of Closed roads").fill("Roads")
    dialog.get_by_role("button", name="Save", exact=True).click()
    bob.page.get_by_role("button", name="Views").click()
    expect(bob.page.get_by_role("link", name="Roads", exact=True)).to_be_visible()
    bob.page.get_by_role("button", name="Delete Roads").click()
    expect(dialog.get_by_text("You have not saved any yet.")).to_be_visible()


# Live


def test_rows_change_by_themselves_for_everybody(server: Server, visit: Visit) -> None:
    ann, bob = at(visit, server), at(visit, server, "?workflow=guard")
    running = rows(bob, "running")
    expect(running).to_have_count(1)
    expect(running.locator(".runs-took")).to_have_text(re.compile(r"\d+ s$"))
    before = running.locator(".runs-took").inner_text()
    expect(running.locator(".runs-took")).not_to_have_text(before)
    (server.data_dir / "gate").touch()
    for person in (ann, bob):
        expect(person.page.locator(".runs-row", has_text="guard")).to_have_attribute(
            "data-status", "done"
        )
    expect(pill(ann, "Running")).to_contain_text("0")
    (server.data_dir / "gate").unlink()
    # The newest come in above, where nobody reads.
    top = rows(ann).first.get_attribute("data-run")
    start(server, "note:2")
    expect(rows(ann).nth(2)).to_have_attribute("data-run", top or "")


@pytest.mark.long
def test_nothing_jumps_while_somebody_reads_and_new_runs_are_announced(
    server: Server, visit: Visit
) -> None:
    ann = at(visit, server)
    top = rows(ann).first.get_attribute("data-run") or ""
    ann.page.locator(".scroller").evaluate("one => one.scrollTo(0, 300)")
    ann.page.wait_for_timeout(300)
    start(server, "note:3")
    news = ann.page.get_by_role("button", name="3 new runs")
    expect(news).to_be_visible()
    expect(rows(ann).first).to_have_attribute("data-run", top)
    news.click()
    expect(rows(ann).nth(3)).to_have_attribute("data-run", top)
    expect(news).to_have_count(0)
    # The same while something is chosen.
    chosen = rows(ann).nth(1)
    chosen.get_by_role("checkbox").check()
    top = rows(ann).first.get_attribute("data-run") or ""
    start(server, "note:1")
    expect(ann.page.get_by_role("button", name="1 new run")).to_be_visible()
    expect(rows(ann).first).to_have_attribute("data-run", top)
    expect(rows(ann).nth(1).get_by_role("checkbox")).to_be_checked()
    ann.page.get_by_role("button", name="Clear selection").click()
    expect(rows(ann).nth(1)).to_have_attribute("data-run", top)


@pytest.mark.long
def test_the_first_run_comes_to_a_page_that_says_there_is_none(
    fresh_server: Server, visit: Visit
) -> None:
    ann, bob = at(visit, fresh_server), visit(fresh_server.url)
    expect(ann.page.get_by_role("heading", name="No runs yet")).to_be_visible()
    bob.say("Which herons nest here?")
    bob.sees_answer("done")
    answer = rows(ann, "done").filter(has_text="reply")
    expect(answer).to_have_count(1)
    # Nobody knows the price of this model.
    expect(answer.locator("[data-column=cost]")).to_contain_text("?")
    answer.get_by_role("link", name="Which herons nest here?").click()
    ann.sees_answer("done")
    ann.page.go_back()
    choose(ann, "Started by", "you")
    expect(rows(ann).filter(has_text="reply")).to_have_count(1)
    expect(ann.page.get_by_label("Agent", exact=True).locator("option")).not_to_have_count(1)
    choose(ann, "Model", "scripted:instant")
    expect(rows(ann)).to_have_count(1)
    assert asks(ann)["model"] == "scripted:instant"
    # One that nobody has called stands in the field all the same.
    ann.open(f"{fresh_server.url}/runs?model=openai:other")
    expect(ann.page.get_by_role("heading", name="No run fits these filters")).to_be_visible()
    expect(ann.page.get_by_label("Model", exact=True)).to_have_value("openai:other")
    choose(ann, "Model", "Any model")
    expect(rows(ann).filter(has_text="reply")).to_have_count(1)


# Repairing


def act(person: Person, action: str) -> Locator:
    """Press an action; the dialog that explains it."""
    bar = person.page.get_by_role("region", name="Selected runs")
    bar.get_by_role("button", name=action, exact=True).click()
    return person.page.get_by_role("alertdialog")


def select_all(person: Person) -> None:
    person.page.get_by_role("checkbox", name="Select all runs on this page").check()


@LONG
def test_what_failed_is_retried_at_once_and_everybody_sees_it(server: Server, visit: Visit) -> None:
    ann, bob = at(visit, server, "?workflow=delivery"), at(visit, server, "?workflow=delivery")
    expect(rows(ann, "failed")).to_have_count(3)
    select_all(ann)
    dialog = act(ann, "Cancel")
    expect(
        dialog.get_by_role("heading", name="None of these runs can be cancelled")
    ).to_be_visible()
    expect(dialog).to_contain_text("3 runs cannot: failed already")
    expect(dialog.get_by_role("button", name=re.compile("Cancel"))).to_have_count(0)
    dialog.get_by_role("button", name="Go back").click()
    (server.data_dir / "road").touch()
    dialog = act(ann, "Retry")
    expect(dialog.get_by_role("heading", name="Retry 3 runs?")).to_be_visible()
    expect(dialog).to_contain_text("They go on from the step that failed.")
    dialog.get_by_role("button", name="Retry 3").click()
    expect(ann.page.get_by_text("Retried 3 of 3 runs")).to_be_visible()
    for person in (ann, bob):
        expect(rows(person, "done")).to_have_count(3)
    (server.data_dir / "road").unlink()
    # What came of it is there after a reload, and its run is one like any other.
    ann.page.reload()
    expect(ann.page.get_by_text("Retried 3 of 3 runs")).to_be_visible()
    ann.page.get_by_role("button", name="Dismiss").click()
    expect(ann.page.get_by_text("Retried 3 of 3 runs")).to_have_count(0)
    assert "bulk" not in ann.page.url


@pytest.mark.long
def test_all_that_fit_are_paused_and_what_cannot_be_is_said(server: Server, visit: Visit) -> None:
    start(server, "nap:55")
    ann = at(visit, server, "?workflow=nap")
    expect(rows(ann, "waiting")).to_have_count(50)
    rows(ann).first.get_by_role("checkbox").check()
    dialog = act(ann, "Pause")
    expect(dialog.get_by_role("heading", name="Pause 1 run?")).to_be_visible()
    dialog.get_by_role("button", name="Pause 1").click()
    expect(ann.page.get_by_text("Paused 1 of 1 runs")).to_be_visible()
    expect(rows(ann, "paused")).to_contain_text("paused by you")
    select_all(ann)
    ann.page.get_by_role("button", name="Select all that fit").click()
    dialog = act(ann, "Pause")
    expect(dialog.get_by_role("heading", name="Pause 58 runs?")).to_be_visible()
    expect(dialog).to_contain_text("1 run cannot: paused already")
    dialog.get_by_role("button", name="Pause 58").click()
    # A reload, and a server that dies, in the middle of it.
    ann.page.wait_for_url(re.compile("bulk="))
    server.kill()
    server.start()
    ann.page.reload()
    expect(ann.page.get_by_text("Paused 58 of 58 runs")).to_be_visible(timeout=60_000)
    expect(rows(ann, "paused")).to_have_count(50)
    expect(pill(ann, "Paused")).to_contain_text("59")
    ann.complaints.clear()


# Everywhere


@LONG
def test_the_page_is_there_for_everybody(server: Server, visit: Visit) -> None:
    for options in (
        {"color_scheme": "light"},
        {"color_scheme": "dark"},
        {"viewport": NARROW, "color_scheme": "dark"},
    ):
        ann = at(visit, server, "?status=failed,waiting,paused", **options)
        rows(ann).first.get_by_role("checkbox").check()
        assert serious(ann.page) == []
        assert ann.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        ann.page.get_by_role("button", name="Views").click()
        ann.page.get_by_role("dialog", name="Saved views").wait_for()
        assert serious(ann.page) == []


@pytest.mark.long
def test_it_all_works_without_a_mouse(server: Server, visit: Visit) -> None:
    ann = at(visit, server)
    pill(ann, "All").focus()
    for _ in range(8):
        ann.page.keyboard.press("Tab")
    expect(pill(ann, "Failed")).to_be_focused()
    ann.page.keyboard.press("Space")
    assert asks(ann) == {"status": "failed"}
    # At once again: before the page is drawn for the first.
    ann.page.keyboard.press("Space")
    settled(ann)
    box = rows(ann).first.get_by_role("checkbox")
    box.focus()
    ann.page.keyboard.press("Space")
    bar = ann.page.get_by_role("region", name="Selected runs")
    expect(bar).to_contain_text("1 selected")
    bar.get_by_role("button", name="Pause").focus()
    ann.page.keyboard.press("Enter")
    dialog = ann.page.get_by_role("alertdialog")
    expect(dialog.get_by_role("button", name="Go back")).to_be_focused()
    ann.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(bar.get_by_role("button", name="Pause")).to_be_focused()
    link = rows(ann).first.locator(".runs-name")
    link.focus()
    ann.page.keyboard.press("Enter")
    ann.page.wait_for_url(re.compile(r"/runs/[0-9a-f]{32}"))


@pytest.mark.long
def test_runs_are_cards_where_the_page_is_narrow(server: Server, visit: Visit) -> None:
    ann = at(visit, server, "?workflow=delivery", viewport=NARROW)
    card = rows(ann).first
    width = card.bounding_box()
    assert width is not None
    assert width["width"] <= NARROW["width"]
    expect(card.locator(".runs-status")).to_be_visible()
    expect(ann.page.get_by_label("Workflow", exact=True)).to_be_hidden()
    ann.page.get_by_role("button", name="More filters").click()
    choose(ann, "Workflow", "Any workflow")
    expect(rows(ann)).to_have_count(50)
