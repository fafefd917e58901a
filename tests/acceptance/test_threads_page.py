"""The list of threads, as people keep it: pinned, filed, read, put away and had back."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from agentchat.ui import words_threads as words
from agentchat.ui.states.threads import PAGE
from tests.acceptance.conftest import Visit
from tests.acceptance.person import Person
from tests.acceptance.server import Server
from tests.acceptance.test_login_pages import is_fair
from tests.acceptance.test_page import PHONE
from tests.acceptance.test_sharing_page import Company, bob, company
from tests.long import LONG

__all__ = ["bob", "company"]


def begin(person: Person, *titles: str) -> None:
    """Start a thread for each of these titles, the last of which stays on the page."""
    for title in titles:
        person.page.get_by_role("link", name="agentchat", exact=True).click()
        expect(person.messages).to_have_count(0)
        person.say(title)
        person.in_thread()
        person.sees_answer("done")


def link(person: Person, title: str) -> Locator:
    return person.threads.filter(has_text=title)


def line(person: Person, title: str) -> Locator:
    return person.page.get_by_role("listitem").filter(has_text=title)


def group(person: Person, name: str) -> Locator:
    return person.page.get_by_role("navigation", name="Threads").get_by_role(
        "group", name=name, exact=True
    )


def choose(person: Person, title: str, *items: str) -> None:
    """Open the menu of a thread with the mouse, and take an item."""
    link(person, title).hover()
    line(person, title).get_by_role("button", name="Thread options").click()
    for item in items:
        person.page.get_by_role("menuitem", name=item, exact=True).click()


def undo_line(person: Person) -> Locator:
    return person.page.get_by_role("status", name=words.UNDO["region"])


@pytest.fixture
def ann(server: Server, visit: Visit) -> Person:
    return visit(server.url)


def test_threads_are_pinned_and_filed_and_folders_stay_as_they_were_left(ann: Person) -> None:
    begin(ann, "Alps in May", "Bread with rye")
    expect(group(ann, "Today").get_by_role("link")).to_contain_text(["Bread", "Alps"])

    choose(ann, "Alps", "Pin")
    expect(group(ann, "Pinned").get_by_role("link")).to_contain_text(["Alps"])
    choose(ann, "Bread", "Move to folder", "New folder…")
    ann.page.get_by_role("textbox", name="Name of the folder").fill("Kitchen")
    ann.page.keyboard.press("Enter")
    expect(group(ann, "Kitchen").get_by_role("link")).to_contain_text(["Bread"])
    expect(link(ann, "Bread")).to_be_focused()
    choose(ann, "Alps", "Unpin")
    expect(group(ann, "Today").get_by_role("link")).to_contain_text(["Alps"])
    choose(ann, "Alps", "Move to folder", "Kitchen")
    expect(group(ann, "Kitchen").get_by_role("link")).to_have_count(2)
    is_fair(ann.page)

    folder = group(ann, "Kitchen").get_by_role("button", name=re.compile("Kitchen"))
    folder.click()
    expect(link(ann, "Alps")).to_have_count(0)
    ann.page.reload()
    expect(folder).to_have_attribute("aria-expanded", "false")
    expect(link(ann, "Alps")).to_have_count(0)
    folder.click()
    choose(ann, "Alps", "Move to folder", "Out of its folder")
    choose(ann, "Bread", "Move to folder", "Out of its folder")
    expect(group(ann, "Kitchen")).to_have_count(0)


def test_everything_in_the_list_is_done_by_keyboard_and_the_focus_stays(ann: Person) -> None:
    begin(ann, "Canoe", "Dunes", "Estuary")
    keys = ann.page.keyboard
    link(ann, "Estuary").focus()
    keys.press("ArrowDown")
    expect(link(ann, "Dunes")).to_be_focused()
    keys.press("F2")
    box = ann.page.get_by_role("textbox", name="Title")
    expect(box).to_have_value("Dunes")
    box.fill("Never this")
    keys.press("Escape")
    expect(link(ann, "Dunes")).to_be_focused()
    keys.press("F2")
    box.fill("Deserts")
    keys.press("Enter")
    expect(link(ann, "Deserts")).to_be_focused()
    ann.page.reload()
    expect(link(ann, "Deserts")).to_be_visible()

    link(ann, "Deserts").focus()
    keys.press("Shift+F10")
    expect(ann.page.get_by_role("menuitem", name="Pin")).to_be_visible()
    keys.press("Escape")
    expect(link(ann, "Deserts")).to_be_focused()
    keys.press("Home")
    expect(link(ann, "Estuary")).to_be_focused()
    keys.press("ArrowDown")
    keys.press("Delete")
    expect(undo_line(ann)).to_contain_text("“Deserts” is deleted.")
    expect(link(ann, "Canoe")).to_be_focused()
    expect(link(ann, "Deserts")).to_have_count(0)
    # What undoes it comes behind the list.
    undo = ann.page.get_by_role("button", name="Undo")
    for _ in range(12):
        if undo.evaluate("it => it === document.activeElement"):
            break
        keys.press("Tab")
    expect(undo).to_be_focused()
    keys.press("Enter")
    expect(link(ann, "Deserts")).to_be_focused()
    expect(undo).to_have_count(0)
    is_fair(ann.page)


def test_a_deleted_thread_is_gone_for_everybody_and_had_back_from_its_page(
    ann: Person, server: Server, visit: Visit
) -> None:
    begin(ann, "Fjords of Norway")
    address = ann.in_thread()
    other = visit(address)
    choose(ann, "Fjords", "Delete")
    expect(undo_line(ann)).to_contain_text("is deleted")
    ann.page.wait_for_url(f"{server.url}/")
    expect(ann.message_box).to_be_focused()
    expect(link(other, "Fjords")).to_have_count(0)
    expect(other.page.get_by_text(re.compile("deleted", re.I)).first).to_be_visible()

    ann.page.get_by_role("link", name=words.DELETED).click()
    row = ann.page.get_by_role("main").get_by_role("listitem").filter(has_text="Fjords")
    expect(row).to_contain_text("kept until")
    is_fair(ann.page)
    row.get_by_role("button", name="Restore").click()
    expect(row).to_have_count(0)
    expect(link(ann, "Fjords")).to_be_visible()
    # Whoever had it open has it again, without a reload.
    expect(other.messages).to_have_count(2)

    choose(ann, "Fjords", "Delete")
    row.get_by_role("button", name="Delete for good").click()
    expect(row).to_contain_text("It cannot be had back")
    row.get_by_role("button", name="Keep").click()
    row.get_by_role("button", name="Delete for good").click()
    row.get_by_role("button", name="Delete for good").click()
    expect(row).to_have_count(0)
    ann.open(address)
    expect(ann.page.locator('[data-part="missing"]')).to_be_visible()


@LONG
def test_undo_leads_back_to_the_thread_that_was_on_the_page(ann: Person) -> None:
    begin(ann, "Glaciers")
    address = ann.in_thread()
    choose(ann, "Glaciers", "Delete")
    ann.page.get_by_role("button", name="Undo").click()
    ann.page.wait_for_url(address)
    expect(ann.messages).to_have_count(2)
    expect(link(ann, "Glaciers")).to_be_visible()


@LONG
def test_an_archived_thread_is_behind_a_link(ann: Person) -> None:
    begin(ann, "Harbours", "Islands")
    choose(ann, "Harbours", "Archive")
    expect(link(ann, "Harbours")).to_have_count(0)
    expect(undo_line(ann)).to_contain_text("“Harbours” is archived.")
    ann.page.get_by_role("link", name=words.ARCHIVED).click()
    row = ann.page.get_by_role("main").get_by_role("listitem").filter(has_text="Harbours")
    expect(row).to_be_visible()
    is_fair(ann.page)
    row.get_by_role("button", name="Back to the list").click()
    expect(row).to_have_count(0)
    expect(link(ann, "Harbours")).to_be_visible()


def test_what_is_new_is_marked_until_one_looks_and_then_in_no_tab(
    company: Company, bob: Person
) -> None:
    ann = company.ann
    ann.open(company.url)
    begin(ann, "Jungle paths")
    address = ann.in_thread()
    thread = address.rsplit("/", 1)[1]
    add_member(company, thread)
    bob.open(company.url)
    dot = line(bob, "Jungle").get_by_role("img", name=words.LIST["unread"])
    expect(dot).to_be_visible()
    second = bob.context.new_page()
    second.goto(company.url)
    elsewhere = second.get_by_role("listitem").filter(has_text="Jungle").get_by_role("img")
    expect(elsewhere).to_have_count(1)
    link(bob, "Jungle").click()
    expect(bob.messages).to_have_count(2)
    expect(elsewhere).to_have_count(0)
    expect(dot).to_have_count(0)

    # While he looks nothing is new to him; what comes when he looks elsewhere is.
    ann.say("And rivers?")
    expect(bob.messages).to_have_count(4)
    bob.sees_answer("done")
    expect(elsewhere).to_have_count(0)
    bob.page.get_by_role("link", name="agentchat", exact=True).click()
    expect(bob.messages).to_have_count(0)
    ann.say("And bridges?")
    expect(dot).to_be_visible()
    expect(elsewhere).to_have_count(1)
    choose(bob, "Jungle", "Mark as read")
    expect(dot).to_have_count(0)
    choose(bob, "Jungle", "Mark as unread")
    expect(dot).to_be_visible()

    # Whose it is not may leave, and not delete.
    line(bob, "Jungle").get_by_role("button", name="Thread options").click()
    expect(bob.page.get_by_role("menuitem", name="Delete")).to_have_count(0)
    expect(bob.page.get_by_role("menuitem", name="Rename")).to_have_count(0)
    bob.page.get_by_role("menuitem", name="Leave").click()
    expect(link(bob, "Jungle")).to_have_count(0)
    expect(undo_line(bob)).to_contain_text("You have left")
    expect(bob.page.get_by_role("button", name="Undo")).to_have_count(0)
    second.close()

    begin(ann, "Kayaks")
    choose(ann, "Jungle", "Share")
    expect(ann.page.get_by_role("dialog")).to_be_visible()
    assert ann.page.url == address


def add_member(company: Company, thread: str) -> None:
    """Share a thread with Bob, who may read it."""
    ann = company.ann.page
    ann.locator('[data-part="share"]').click()
    dialog = ann.get_by_role("dialog")
    dialog.get_by_label("Add a person").fill("bob")
    dialog.get_by_label("What they may do", exact=True).select_option("viewer")
    dialog.get_by_label("Add a person").press("Enter")
    expect(dialog.locator('[data-part="member"][data-name="Bob"]')).to_be_visible()
    ann.keyboard.press("Escape")


def fill(server: Server, number: int) -> None:
    """So many threads, each used a minute before the one that was made before it."""
    now = datetime.now(UTC)
    rows = [
        (
            f"filled-{n:05}",
            f"Filled {n:05}",
            f"{now - timedelta(minutes=n + 1):%Y-%m-%d %H:%M:%S.%f}",
        )
        for n in range(number)
    ]
    with sqlite3.connect(server.data_dir / "agentchat.db", timeout=20) as file:
        file.executemany(
            "INSERT INTO threads (id, owner_id, title, created_at, updated_at, length,"
            " second_message, state, agent, branch, titled_by)"
            " VALUES (?1, 'local', ?2, ?3, ?3, 0, 'queue', '{}', '', 0, 'person')",
            rows,
        )


@pytest.fixture
def nobodys(data_dir: Path) -> Iterator[Server]:
    """A server on which nobody has begun anything."""
    server = Server(data_dir, AGENTCHAT_MODEL="scripted:instant")
    server.start()
    yield server
    server.kill()


@LONG
def test_very_many_threads_come_by_scrolling_and_few_of_them_are_held(
    nobodys: Server, visit: Visit
) -> None:
    fill(nobodys, 20_000)
    ann = visit(f"{nobodys.url}/{words.ARCHIVE_PATH.strip('/')}", once=True)
    frames: list[str | bytes] = []

    def note(frame: str | bytes) -> None:
        frames.append(frame)

    ann.page.on("websocket", lambda socket: socket.on("framereceived", note))
    ann.open(nobodys.url)
    nav = ann.page.locator("nav.threads")
    expect(link(ann, "Filled 00050")).to_have_count(1)
    expect(link(ann, "Filled 00300")).to_have_count(0)
    held = numbers(ann)
    while held[-1] < 600:
        nav.evaluate("it => it.scrollTop = it.scrollHeight")
        expect(link(ann, f"Filled {held[-1] + 1:05}")).to_have_count(1)
        before, held = held, numbers(ann)
        assert len(held) <= 2 * PAGE
        # Nothing is passed over on the way.
        assert set(range(before[-1] - 10, held[-1])) <= set(held)
    # What is seen stays where it is, whatever happens above.
    inside = visible(ann)
    assert inside == list(range(inside[0], inside[0] + len(inside)))
    del frames[:]
    with sqlite3.connect(nobodys.data_dir / "agentchat.db", timeout=20) as file:
        file.execute(
            "UPDATE threads SET title = title || ' anew' WHERE id = 'filled-00003' OR id = ?",
            (f"filled-{inside[2]:05}",),
        )
    expect(link(ann, f"Filled {inside[2]:05} anew")).to_be_in_viewport()
    assert visible(ann) == inside
    assert 0 < sum(map(len, frames)) < 5_000, [len(frame) for frame in frames]

    # Back up: somewhere in what was let go, and at the front.
    nav.evaluate("it => it.scrollTop = it.scrollHeight / 2")
    expect(ann.page.locator("nav.threads .thread-gap")).not_to_be_in_viewport()
    inside = visible(ann)
    assert len(inside) > 5
    assert 150 < inside[0] < 500
    assert inside == list(range(inside[0], inside[0] + len(inside)))
    nav.evaluate("it => it.scrollTop = 0")
    expect(link(ann, "Filled 00003 anew")).to_be_in_viewport()
    expect(link(ann, "Filled 00149")).to_have_count(1)
    choose(ann, "Filled 00003", "Pin")
    expect(group(ann, "Pinned").get_by_role("link")).to_contain_text(["Filled 00003"])


def numbers(person: Person) -> list[int]:
    """The numbers of the filled threads that the page holds, in their order."""
    texts = person.page.locator("nav.threads .thread-line").all_inner_texts()
    return [int(found[1]) for text in texts if (found := re.search(r"Filled (\d+)", text))]


def visible(person: Person) -> list[int]:
    """The numbers of those that are seen."""
    texts: list[str] = person.page.locator("nav.threads").evaluate(
        """it => [...it.querySelectorAll(".thread-line")]
            .filter((row) => {
                const [box, seen] = [row.getBoundingClientRect(), it.getBoundingClientRect()];
                return box.top >= seen.top && box.bottom <= seen.bottom;
            })
            .map((row) => row.textContent)"""
    )
    return [int(found[1]) for text in texts if (found := re.search(r"Filled (\d+)", text))]


@LONG
def test_at_midnight_today_becomes_yesterday(server: Server, visit: Visit) -> None:
    ann = visit(server.url, once=True)
    begin(ann, "Lakes at night")
    expect(group(ann, "Today").get_by_role("link").first).to_contain_text("Lakes")
    midnight = datetime.now().replace(hour=23, minute=59, second=50)
    ann.page.clock.install(time=midnight)
    ann.page.reload()
    expect(group(ann, "Today").get_by_role("link").first).to_contain_text("Lakes")
    ann.page.clock.fast_forward(20_000)
    expect(group(ann, "Yesterday").get_by_role("link").first).to_contain_text("Lakes")
    expect(group(ann, "Today")).to_have_count(0)


@LONG
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_has_it_all_in_the_drawer(server: Server, visit: Visit, scheme: str) -> None:
    ann = visit(server.url, viewport=PHONE, has_touch=True, color_scheme=scheme)
    title = f"Moors, {scheme}"
    ann.say(title)
    ann.sees_answer("done")
    ann.page.get_by_role("button", name="Show threads").click()
    menu = line(ann, title).get_by_role("button", name="Thread options")
    for target in (menu, link(ann, title)):
        box = target.bounding_box()
        assert box is not None
        assert box["height"] >= 44
    menu.tap()
    item = ann.page.get_by_role("menuitem", name="Delete")
    box = item.bounding_box()
    assert box is not None
    assert box["height"] >= 44
    is_fair(ann.page)
    item.tap()
    undo = ann.page.get_by_role("button", name="Undo")
    expect(undo).to_be_in_viewport()
    undo.tap()
    expect(ann.messages).to_have_count(2)
