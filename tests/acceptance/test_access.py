"""By keyboard and screen reader: where the focus is, what a role holds, and tabs of one person."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, expect

from tests.acceptance.conftest import Visit
from tests.acceptance.person import Person
from tests.acceptance.server import Server
from tests.acceptance.test_page import PHONE
from tests.fake_provider import FakeProvider, Reply
from tests.long import LONG


def _menu(person: Person, title: str) -> Locator:
    line = person.page.get_by_role("listitem").filter(has_text=title)
    return line.get_by_role("button", name="Thread options")


def _choose(person: Person, title: str, item: str) -> None:
    """Open the menu of a thread by keyboard, and take an item."""
    _menu(person, title).focus()
    person.page.keyboard.press("Enter")
    person.page.get_by_role("menuitem", name=item).press("Enter")


def test_a_duplicated_tab_starts_a_thread_of_its_own(server: Server, visit: Visit) -> None:
    ann = visit(server.url)
    ann.say("The first thread")
    ann.sees_answer("done")
    first = ann.in_thread()
    ann.page.get_by_role("link", name="agentchat").click()
    expect(ann.messages).to_have_count(0)

    # What the browser does when a tab is duplicated: the storage of the tab is copied.
    stored = ann.page.evaluate("() => JSON.stringify({ ...sessionStorage })")
    with ann.context.expect_page() as opened:
        ann.page.evaluate("() => void window.open('about:blank')")
    twin = opened.value
    twin.goto(server.url)
    twin.evaluate("all => Object.assign(sessionStorage, JSON.parse(all))", stored)
    twin.reload()
    twin.get_by_role("textbox", name="Message").fill("From the twin")
    twin.keyboard.press("Enter")
    twin.wait_for_url(re.compile("/t/"))
    ann.say("From the first tab")
    second = ann.in_thread()

    assert len({first, second, twin.url}) == 3
    expect(ann.messages).to_have_count(2)


@LONG
def test_a_draft_for_a_new_thread_stays_in_its_tab(server: Server, visit: Visit) -> None:
    ann = visit(server.url)
    ann.message_box.fill("Not sent yet")
    other = ann.context.new_page()
    other.goto(server.url)
    expect(other.get_by_role("textbox", name="Message")).to_be_focused()
    expect(other.get_by_role("textbox", name="Message")).to_have_value("")
    ann.page.reload()
    expect(ann.message_box).to_have_value("Not sent yet")


def test_the_lines_about_connection_and_version_hold_nothing_else_and_can_be_skipped(
    server: Server, visit: Visit
) -> None:
    ann = visit(server.url)
    expect(ann.page.get_by_role("log")).to_be_visible()
    expect(ann.page.get_by_role("status")).not_to_have_count(0)
    expect(ann.page.get_by_role("status").get_by_role("log")).to_have_count(0)
    ann.page.get_by_role("link", name="Skip to the message box").press("Enter")
    expect(ann.message_box).to_be_focused()


def test_stop_and_try_again_leave_the_focus_to_the_message_box(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    fake.enqueue(Reply("One. " * 400, pace=0.02))
    ann = visit(server.url)
    ann.say("Count")
    ann.sees_in_answer("One.")
    ann.stop_button.press("Enter")
    ann.sees_answer("stopped")
    expect(ann.message_box).to_be_focused()
    ann.page.get_by_role("button", name="Try again").press("Enter")
    ann.sees_answer("done")
    expect(ann.message_box).to_be_focused()


@LONG
def test_what_a_menu_begins_gives_the_focus_to_the_line(server: Server, visit: Visit) -> None:
    ann = visit(server.url)
    for title in ("Alpha", "Beta"):
        ann.page.get_by_role("link", name="agentchat").click()
        ann.say(title)
        ann.in_thread()
        ann.sees_answer("done")

    _choose(ann, "Alpha", "Rename")
    ann.page.get_by_role("textbox", name="Title").fill("Gamma")
    ann.page.keyboard.press("Enter")
    gamma = ann.threads.filter(has_text="Gamma")
    expect(gamma).to_be_focused()

    _choose(ann, "Gamma", "Rename")
    expect(ann.page.get_by_role("textbox", name="Title")).to_be_focused()
    ann.page.keyboard.press("Escape")
    expect(gamma).to_be_focused()
    _menu(ann, "Gamma").press("Enter")
    ann.page.keyboard.press("Escape")
    expect(_menu(ann, "Gamma")).to_be_focused()

    # The one on the page leaves nothing to look at in its line.
    _choose(ann, "Beta", "Delete")
    expect(_menu(ann, "Beta")).to_have_count(0)
    expect(ann.message_box).to_be_focused()


def test_the_drawer_keeps_the_focus_until_it_closes(server: Server, visit: Visit) -> None:
    ann = visit(server.url, viewport=PHONE)
    ann.say("From a phone")
    ann.sees_answer("done")
    show = ann.page.get_by_role("button", name="Show threads")
    show.press("Enter")
    ann.page.wait_for_function("() => !document.activeElement.closest('main, .skip')")
    for _ in range(30):
        ann.page.keyboard.press("Tab")
        assert ann.page.evaluate("() => !document.activeElement.closest('main, .skip')")

    ann.page.get_by_role("button", name="Hide threads").press("Enter")
    expect(show).to_be_focused()

    show.click()
    current = ann.page.get_by_role("navigation").locator("[aria-current=page]")
    current.click()
    expect(current).not_to_be_in_viewport()
    expect(show).to_be_focused()
    expect(ann.message_box).to_be_enabled()


@LONG
def test_an_address_in_capitals_finds_its_thread(server: Server, visit: Visit) -> None:
    ann = visit(server.url, strict=False)  # the server itself answers 404 there
    ann.say("Hello")
    address = ann.in_thread()
    ann.sees_answer("done")
    ann.open(address.replace("/t/", "/T/"))
    expect(ann.messages).to_have_count(2)
    ann.open(f"{server.url}/T/nowhere-0001")
    expect(ann.page.get_by_role("heading", name="This thread is not here")).to_be_visible()
