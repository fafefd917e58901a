"""The overview, as an operator sees it: numbers, charts, tables, workers, what stands still."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Locator, expect

from tests.acceptance.conftest import Visit
from tests.acceptance.operations_server import PROGRAM, is_accessible, served
from tests.acceptance.person import Person
from tests.acceptance.server import ROOT, Server
from tests.long import LONG
from tests.waiting import eventually_now

NARROW = {"width": 390, "height": 844}
WIDE = {"width": 1440, "height": 900}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served(tmp_path_factory.mktemp("overview")) as server:
        yield server


@pytest.fixture
def second_worker(server: Server) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that carries runs out on the same database."""
    environment = os.environ | {"AGENTCHAT_DATA_DIR": str(server.data_dir), "SHIFT": "2"}
    process = subprocess.Popen(
        [sys.executable, "-m", *PROGRAM, "worker"], cwd=ROOT, env=environment
    )
    yield process
    process.kill()
    process.wait(60)


def at(visit: Visit, server: Server, query: str = "", **options: object) -> Person:
    """Somebody on the overview, with its first numbers."""
    person = visit(f"{server.url}/overview{query}", **options)
    expect(part(person, "ended")).to_be_visible()
    return person


def part(person: Person, name: str) -> Locator:
    return person.page.locator(f"[data-part={name}]")


def worker(person: Person, pid: int) -> Locator:
    return person.page.locator(f"[data-part=worker][data-pid='{pid}']")


def row(person: Person, table: str, name: str) -> Locator:
    return (
        part(person, table)
        .locator("tbody tr")
        .filter(has=person.page.get_by_role("rowheader", name=re.compile(f"^{name}")))
    )


def cell(person: Person, table: str, name: str, column: str) -> Locator:
    return row(person, table, name).locator(f"[data-column={column}]")


def press(person: Person, name: str, within: Locator | None = None) -> None:
    (within or person.page).get_by_role("button", name=name, exact=True).click()


def dialog(person: Person) -> Locator:
    return person.page.get_by_role("dialog")


def test_the_numbers_say_what_runs_and_what_came_of_it(server: Server, visit: Visit) -> None:
    ann = at(visit, server)
    expect(part(ann, "now-waiting")).to_have_text("1")
    expect(part(ann, "now-paused")).to_have_text("1")
    expect(part(ann, "now")).to_contain_text("Nothing waits")
    expect(part(ann, "ended")).to_have_text(re.compile(r"^\d+$"))
    expect(part(ann, "tokens")).to_have_text("38.4K")
    expect(cell(ann, "workflows", "digest", "success")).to_have_text("100 %")
    expect(cell(ann, "workflows", "import", "success")).to_have_text("0 %")
    expect(cell(ann, "workflows", "import", "failed")).to_have_text("2")
    expect(cell(ann, "agents", "editor", "tokens")).to_have_text("38.4K")
    expect(part(ann, "storage")).to_contain_text(re.compile(r"SQLite \d.*free on its disk"))
    # A price that nobody knows is not nothing.
    expect(part(ann, "cost")).to_have_text("$0.025+")
    expect(part(ann, "past")).to_contain_text("the price of 1 call is not known")
    expect(cell(ann, "models", "openai:gpt-4o-mini", "cost")).to_have_text("$0.025")
    expect(cell(ann, "models", "local:small", "cost")).to_have_text("Unknown")
    expect(cell(ann, "workflows", "import", "cost")).to_have_text("\u2013")


@pytest.mark.long
def test_links_lead_to_the_runs_with_the_filter_in_the_address(
    server: Server, visit: Visit
) -> None:
    ann = at(visit, server, "?range=7d")
    cell(ann, "workflows", "import", "failed").get_by_role("link").click()
    ann.page.wait_for_url(re.compile(r"/runs\?workflow=import&within=7d&status=failed$"))
    expect(ann.page.locator(".runs-row")).to_have_count(2)
    ann.page.go_back()
    ann.page.get_by_role("link", name="Waiting", exact=True).click()
    ann.page.wait_for_url(re.compile(r"/runs\?status=waiting$"))
    expect(ann.page.locator(".runs-row")).to_have_count(1)


def test_the_range_stands_in_the_address(server: Server, visit: Visit) -> None:
    ann = at(visit, server)
    ranges = ann.page.get_by_role("navigation", name="Time looked at")
    expect(ranges.get_by_role("link", name="Last 24 hours")).to_have_attribute(
        "aria-current", "page"
    )
    # In the sidebar the pages beside the list of runs are one place with it.
    place = ann.page.locator(".place-link[href='/runs']")
    expect(place).to_have_attribute("aria-current", "true")
    ranges.get_by_role("link", name="Last hour").click()
    ann.page.wait_for_url(re.compile(r"range=1h$"))
    expect(part(ann, "chart-runs")).to_contain_text("Over the last hour: 6 done, 2 failed")
    ann.page.reload()
    expect(ann.page.locator("[data-range='1h']")).to_be_visible()
    bob = at(visit, server, "?range=nonsense")
    expect(bob.page.locator("[data-range='24h']")).to_be_visible()


@pytest.mark.long
def test_charts_are_drawn_and_told_in_a_table(server: Server, visit: Visit) -> None:
    ann = at(visit, server, "?range=1h")
    runs = part(ann, "chart-runs")
    expect(runs.locator(".recharts-bar-rectangle path").first).to_be_visible()
    expect(
        ann.page.get_by_role("img", name=re.compile("^Runs that ended. Over the last hour: 6 done"))
    ).to_be_visible()
    runs.get_by_text("Show as a table").click()
    table = runs.get_by_role("table")
    expect(table.get_by_role("columnheader")).to_have_text(["From", "done", "failed", "stopped"])
    done = table.locator("tbody tr td:nth-of-type(1)").all_inner_texts()
    assert sum(map(int, done)) == 6
    cost = part(ann, "chart-cost")
    expect(cost).to_contain_text("at least $0.025; the price of 1 call is not known")
    loaded = [url for url in ann.requested if "overview_charts" in url]
    assert len(loaded) == 1


@pytest.mark.long
def test_no_other_page_loads_the_library_of_charts(server: Server, visit: Visit) -> None:
    ann = visit(f"{server.url}/schedules")
    expect(ann.page.locator("[data-part=schedule]").first).to_be_visible()
    ann.open(f"{server.url}/runs")
    ann.open(server.url)
    expect(ann.message_box).to_be_visible()
    assert [url for url in ann.requested if "overview_charts" in url] == []


@pytest.mark.long
def test_tables_are_sorted_by_any_column(server: Server, visit: Visit) -> None:
    ann = at(visit, server)
    table = part(ann, "workflows")
    names = table.locator("tbody th")
    expect(names.first).to_have_text("digest")
    press(ann, "Failed", table)
    expect(names.first).to_have_text("import")
    header = table.get_by_role("columnheader", name="Failed")
    expect(header).to_have_attribute("aria-sort", "descending")
    press(ann, "Failed", table)
    expect(header).to_have_attribute("aria-sort", "ascending")
    expect(names.last).to_have_text("import")
    # What there is no value of is last, whichever way.
    press(ann, "Success", table)
    assert table.locator("[data-column=success]").last.inner_text() == "\u2013"
    press(ann, "Success", table)
    expect(names.first).to_have_text("import")
    assert table.locator("[data-column=success]").last.inner_text() == "\u2013"


def test_numbers_move_in_every_browser(server: Server, visit: Visit) -> None:
    ann, bob = at(visit, server), at(visit, server)
    before = int(part(ann, "ended").inner_text())
    page = visit(f"{server.url}/schedules").page
    page.get_by_role("button", name="Run now nightly").click()
    page.get_by_role("dialog").get_by_role("button", name="Run now").click()
    for person in (ann, bob):
        expect(part(person, "ended")).to_have_text(str(before + 1))


def test_a_worker_that_dies_turns_red_by_itself(
    server: Server, visit: Visit, second_worker: subprocess.Popen[bytes]
) -> None:
    ann = at(visit, server)
    shown = worker(ann, second_worker.pid)
    expect(shown).to_have_attribute("data-state", "alive")
    expect(shown).to_contain_text(re.compile(r"heartbeat \d+(\.\d)? s ago"))
    second_worker.send_signal(signal.SIGKILL)
    expect(shown).to_have_attribute("data-state", "dead")
    expect(shown).to_contain_text("Died")
    expect(shown).to_have_css("border-color", re.compile(r"rgb\(17[0-9], 4[0-9], 3[0-9]\)"))
    # Whoever comes later sees it too.
    expect(worker(at(visit, server), second_worker.pid)).to_have_attribute("data-state", "dead")


@pytest.mark.long
def test_a_worker_that_hangs_turns_red_and_comes_back(
    server: Server, visit: Visit, second_worker: subprocess.Popen[bytes]
) -> None:
    ann = at(visit, server)
    shown = worker(ann, second_worker.pid)
    expect(shown).to_have_attribute("data-state", "alive")
    second_worker.send_signal(signal.SIGSTOP)
    expect(shown).to_have_attribute("data-state", "silent")
    second_worker.send_signal(signal.SIGCONT)
    expect(shown).to_have_attribute("data-state", "alive")


def write(server: Server, *statements: str) -> None:
    """Change rows as another process would."""
    with closing(sqlite3.connect(server.data_dir / "agentchat.db", timeout=10)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


@pytest.mark.long
def test_a_worker_whose_loop_stands_still_says_where(server: Server, visit: Visit) -> None:
    ann = at(visit, server)
    write(
        server,
        "INSERT INTO processes (name, host, pid, runs, lag_ms, stuck_since, stuck_in, started_at,"
        " beat_at) SELECT 'far:1:abc', 'far', 4242, 3, 0, started_at, 'shop.py, line 7, in sell',"
        " started_at, beat_at FROM processes ORDER BY beat_at DESC LIMIT 1",
    )
    shown = worker(ann, 4242)
    expect(shown).to_have_attribute("data-state", "stuck")
    expect(shown).to_contain_text("process 4242 on far")
    expect(shown).to_contain_text("3 runs")
    expect(shown.locator("pre")).to_have_text("shop.py, line 7, in sell")
    write(server, "DELETE FROM processes WHERE pid = 4242")
    expect(shown).to_have_count(0)


@pytest.mark.long
def test_very_many_are_not_counted_to_the_end(server: Server, visit: Visit) -> None:
    ann = at(visit, server)
    columns = [name for _, name, *_ in server.rows("PRAGMA table_info(workflows)")]
    # Of a workflow that this app does not have, so that nobody takes them.
    values = {"id": "'many-' || n", "status": "'queued'", "workflow": "'elsewhere'"}
    told = ", ".join(values.get(name, f'"{name}"') for name in columns)
    write(
        server,
        "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 10050)"
        f" INSERT INTO workflows SELECT {told} FROM number,"
        " (SELECT * FROM workflows WHERE workflow = 'nap')",
    )
    expect(part(ann, "now-queued")).to_have_text("10,000+")
    expect(cell(ann, "workflows", "elsewhere", "active")).to_have_text("10,000+")
    write(server, "DELETE FROM workflows WHERE workflow = 'elsewhere'")
    expect(part(ann, "now-queued")).to_have_text("0")


@LONG
def test_a_workflow_is_paused_and_resumed_before_everybodys_eyes(
    server: Server, visit: Visit
) -> None:
    ann, bob = at(visit, server), at(visit, server)
    press(ann, "Pause digest")
    press(bob, "Pause digest")
    expect(dialog(ann)).to_contain_text("No run of it begins or goes on")
    press(ann, "Pause", dialog(ann))
    expect(dialog(ann)).to_have_count(0)
    # The other had asked already: now there is nothing to do.
    expect(dialog(bob).get_by_role("alert")).to_have_text("Somebody has paused it meanwhile.")
    expect(dialog(bob).get_by_role("button", name="Pause")).to_have_count(0)
    press(bob, "Go back")
    for person in (ann, bob):
        expect(row(person, "workflows", "digest")).to_contain_text("Paused")
        expect(part(person, "rest")).to_contain_text(re.compile("digest paused by you"))
    press(bob, "Resume digest", part(bob, "rest"))
    press(bob, "Resume", dialog(bob))
    for person in (ann, bob):
        expect(part(person, "rest")).to_have_count(0)
        expect(person.page.get_by_role("button", name="Pause digest")).to_be_visible()
    assert server.rows("SELECT action FROM audits WHERE subject_id = 'digest' ORDER BY id") == [
        ("pause",), ("resume",),
    ]  # fmt: skip


@LONG
def test_what_the_start_held_is_told_and_can_be_tried_again(server: Server, visit: Visit) -> None:
    ann = at(visit, server)
    held = part(ann, "held")
    expect(held).to_contain_text("open the market")
    expect(held).to_contain_text("They go on by themselves at the next start")
    [(run_id,)] = server.rows("SELECT id FROM workflows WHERE workflow = 'shift'")
    expect(held.get_by_role("link", name=run_id[:8])).to_have_attribute("href", f"/runs/{run_id}")
    press(ann, f"Resume shift {run_id[:8]}")
    press(ann, "Resume", dialog(ann))
    expect(dialog(ann)).to_have_count(0)
    # The code still does not fit, so it is held once more.
    status = "SELECT status FROM workflows WHERE workflow = 'shift'"
    eventually_now(lambda: server.rows(status) == [("paused",)])
    expect(held).to_contain_text("open the market")


@LONG
@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_nobody_is_kept_out(server: Server, visit: Visit, scheme: str) -> None:
    for viewport in (WIDE, NARROW):
        ann = at(visit, server, "?range=1h", viewport=viewport, color_scheme=scheme)
        expect(ann.page.locator(".recharts-bar-rectangle path").first).to_be_visible()
        is_accessible(ann)
        if shots := os.environ.get("SHOTS"):
            ann.page.set_viewport_size({"width": viewport["width"], "height": 2200})
            ann.page.screenshot(path=f"{shots}/overview-{viewport['width']}-{scheme}.png")
            ann.page.set_viewport_size(viewport)  # type: ignore[arg-type]
        press(ann, "Pause digest")
        is_accessible(ann)
        press(ann, "Go back")


@pytest.mark.long
def test_it_all_works_without_a_mouse(server: Server, visit: Visit) -> None:
    ann = at(visit, server)
    button = ann.page.get_by_role("button", name="Pause nap")
    button.focus()
    ann.page.keyboard.press("Enter")
    expect(dialog(ann).get_by_role("button", name="Go back")).to_be_focused()
    ann.page.keyboard.press("Tab")
    expect(dialog(ann).get_by_role("button", name="Pause")).to_be_focused()
    ann.page.keyboard.press("Escape")
    expect(dialog(ann)).to_have_count(0)
    expect(button).to_be_focused()
    # What had the focus stays where it is, or else it goes on from the page.
    button.press("Enter")
    dialog(ann).get_by_role("button", name="Pause").press("Enter")
    expect(ann.page.get_by_role("button", name="Resume nap").last).to_be_focused()
    resume = part(ann, "rest").get_by_role("button", name="Resume nap")
    resume.press("Enter")
    dialog(ann).get_by_role("button", name="Resume").press("Enter")
    expect(resume).to_have_count(0)
    expect(ann.page.locator("[data-page]")).to_be_focused()
    link = ann.page.get_by_role("link", name="Last hour")
    link.focus()
    expect(link).to_have_css("outline-style", "solid")
    ann.page.keyboard.press("Enter")
    ann.page.wait_for_url(re.compile("range=1h"))
