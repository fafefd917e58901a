"""Search by Ctrl+K, shortcuts, and the keys of the list of them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.acceptance.axe import serious
from tests.acceptance.conftest import Visit
from tests.acceptance.person import Person
from tests.acceptance.server import Server
from tests.fake_provider import FakeProvider, Reply
from tests.long import LONG
from tests.waiting import eventually_now

PHONE = {"width": 390, "height": 844}


def palette(page: Page) -> Locator:
    return page.get_by_role("combobox", name="Search threads and go to places")


def options(page: Page) -> Locator:
    return page.get_by_role("listbox", name="Results").get_by_role("option")


def chosen(page: Page) -> Locator:
    """The option that is chosen, which the box names."""
    selected = page.locator("[role=option][aria-selected=true]")
    expect(selected).to_have_count(1)
    page.wait_for_function(
        "() => document.activeElement.getAttribute('aria-activedescendant')"
        " === document.querySelector('[role=option][aria-selected=true]')?.id"
    )
    return selected


def said(ann: Person, text: str) -> str:
    """Says something in a new thread; gives its address."""
    ann.page.goto(re.sub(r"(//[^/]+)/.*", r"\1/", ann.page.url))
    ann.say(text)
    address = ann.in_thread()
    ann.sees_answer("done")
    return address


@pytest.fixture
def ann(server: Server, visit: Visit) -> Person:
    return visit(server.url)


def test_a_message_is_found_as_it_is_typed_and_opened_by_keyboard(
    ann: Person, fake: FakeProvider
) -> None:
    fake.enqueue(Reply("A quagga was a kind of zebra."))
    address = said(ann, "Tell me of animals that are gone")
    said(ann, "Something else entirely")
    page = ann.page
    page.keyboard.press("Control+k")
    expect(palette(page)).to_be_focused()
    expect(
        page.get_by_role("group", name="Recent threads").get_by_role("option")
    ).not_to_have_count(0)
    page.keyboard.type("quagg")
    found = page.get_by_role("group", name="Threads").get_by_role("option")
    expect(found).to_have_count(2)
    expect(found.nth(1).locator("mark")).to_have_text("quagga")
    expect(page.get_by_text("1 thread found")).to_be_attached()
    expect(chosen(page)).to_contain_text("Tell me of animals")
    assert serious(page) == []
    page.keyboard.press("ArrowDown")
    expect(chosen(page)).to_contain_text("A quagga was")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(re.escape(address) + r"#m-[0-9a-z-]+$"))
    expect(palette(page)).to_have_count(0)
    expect(ann.messages.last).to_contain_text("A quagga was")


@LONG
def test_what_is_not_there_is_said_and_escape_brings_the_focus_back(ann: Person) -> None:
    said(ann, "Hello")
    ann.message_box.fill("half a thought")
    page = ann.page
    page.keyboard.press("Control+k")
    page.keyboard.type("abracadabra")
    expect(page.locator(".palette-note")).to_have_text("Nothing holds these words.")
    page.keyboard.press("Escape")
    expect(palette(page)).to_have_count(0)
    expect(ann.message_box).to_be_focused()
    expect(ann.message_box).to_have_value("half a thought")


@LONG
def test_places_are_reached_from_the_palette(ann: Person, server: Server) -> None:
    said(ann, "Hello")
    page = ann.page
    dark = page.locator("html.dark")
    before = dark.count()
    page.keyboard.press("Control+k")
    page.keyboard.type("light and dark")
    expect(chosen(page)).to_have_text("Switch between light and dark")
    page.keyboard.press("Enter")
    expect(dark).to_have_count(1 - before)
    page.keyboard.press("Control+k")
    page.keyboard.type("memory")
    expect(options(page).filter(has_text="Memory")).to_be_visible()
    options(page).filter(has_text="Memory").last.click()
    page.wait_for_url(f"{server.url}/memory")
    page.keyboard.press("Control+k")
    expect(palette(page)).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowDown")
    page.keyboard.type("new thread")
    expect(chosen(page)).to_have_text("New thread")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{server.url}/")
    expect(ann.messages).to_have_count(0)


@LONG
def test_on_a_phone_the_button_in_the_drawer_opens_it(server: Server, visit: Visit) -> None:
    ann = visit(server.url, viewport=PHONE, has_touch=True)
    address = said(ann, "Where is the okapi")
    ann.page.goto(server.url)
    ann.page.get_by_role("button", name="Show threads").click()
    ann.page.get_by_role("button", name="Search").click()
    expect(palette(ann.page)).to_be_focused()
    palette(ann.page).fill("okap")
    found = options(ann.page).filter(has_text="Where is the okapi").first
    expect(found).to_be_visible()
    box = found.bounding_box()
    assert box is not None
    assert box["height"] >= 44
    assert ann.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    found.click()
    ann.page.wait_for_url(address)
    expect(ann.messages.first).to_be_in_viewport()


@LONG
def test_the_newest_answer_is_shown_and_no_older_one(ann: Person) -> None:
    said(ann, "An aardvark here")
    said(ann, "A zebra there")
    page = ann.page
    page.keyboard.press("Control+k")
    page.keyboard.type("aardvark", delay=20)
    for _ in range(8):
        page.keyboard.press("Backspace")
    page.keyboard.type("zebra", delay=20)
    found = page.get_by_role("group", name="Threads").get_by_role("option")
    expect(found.first).to_contain_text("A zebra there")
    page.wait_for_timeout(400)
    expect(found.first).to_contain_text("A zebra there")
    expect(options(page).filter(has_text="aardvark")).to_have_count(0)


def test_the_list_of_shortcuts_opens_by_its_key_and_not_while_typing(ann: Person) -> None:
    page = ann.page
    expect(ann.message_box).to_be_focused()
    page.keyboard.type("what?")
    expect(ann.message_box).to_have_value("what?")
    ann.message_box.fill("")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    shortcuts = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(shortcuts).to_be_visible()
    expect(shortcuts.get_by_text("Stop the answer")).to_be_visible()
    assert serious(page) == []
    page.keyboard.press("Escape")
    expect(shortcuts).to_have_count(0)
    expect(ann.message_box).to_be_focused()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("/")
    expect(ann.message_box).to_be_focused()
    expect(ann.message_box).to_have_value("")


@LONG
def test_shortcuts_can_be_switched_off_and_stay_off(ann: Person) -> None:
    page = ann.page
    expect(ann.message_box).to_be_focused()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    page.get_by_role("checkbox", name="Shortcuts are on").uncheck()
    page.keyboard.press("Escape")
    page.reload()
    expect(ann.message_box).to_be_focused()
    page.keyboard.press("Control+k")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    page.wait_for_timeout(300)
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Search").click()
    page.keyboard.type("shortcuts")
    expect(chosen(page)).to_have_text("Keyboard shortcuts")
    page.keyboard.press("Enter")
    page.get_by_role("checkbox", name="Shortcuts are on").check()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    expect(palette(page)).to_be_focused()


def test_escape_stops_the_answer_but_first_closes_what_is_open(
    ann: Person, fake: FakeProvider
) -> None:
    fake.enqueue(Reply("One sentence. Another.", cut_after=1, cut="hold"))
    ann.say("Go on for ever")
    ann.sees_in_answer("One sentence.")
    page = ann.page
    page.keyboard.press("Control+k")
    expect(palette(page)).to_be_focused()
    page.keyboard.press("Escape")
    expect(palette(page)).to_have_count(0)
    page.wait_for_timeout(300)
    expect(ann.answer).to_have_attribute("data-status", "running")
    ann.message_box.focus()
    page.keyboard.press("Escape")
    ann.sees_answer("stopped")
    expect(ann.message_box).to_be_focused()


def test_threads_are_walked_through_made_and_hidden_by_keys(ann: Person) -> None:
    first = said(ann, "The first of two")
    second = said(ann, "The second of two")
    page = ann.page
    expect(ann.threads.first).to_contain_text("The second of two")
    expect(ann.threads.first).to_have_attribute("aria-current", "page")
    expect(ann.threads.nth(1)).to_contain_text("The first of two")
    page.keyboard.press("Alt+ArrowDown")
    page.wait_for_url(first)
    page.keyboard.press("Alt+ArrowUp")
    page.wait_for_url(second)
    expect(ann.messages.first).to_contain_text("The second of two")
    page.keyboard.press("Control+Shift+O")
    page.wait_for_url(lambda url: url not in (first, second))
    expect(ann.messages).to_have_count(0)
    page.keyboard.press("Control+Shift+S")
    expect(ann.threads.first).to_be_hidden()
    page.reload()
    show = page.get_by_role("button", name="Show threads")
    expect(show).to_be_visible()
    expect(ann.threads.first).to_be_hidden()
    show.click()
    expect(ann.threads.first).to_be_visible()


@LONG
def test_the_last_answer_is_copied_by_keys(
    server: Server, visit: Visit, fake: FakeProvider
) -> None:
    ann = visit(server.url, permissions=["clipboard-read"])
    fake.enqueue(Reply("The *first*."))
    ann.say("One")
    ann.in_thread()
    ann.sees_answer("done")
    fake.enqueue(Reply("The **second**."))
    ann.say("Two")
    expect(ann.answer).to_contain_text("second")
    ann.sees_answer("done")
    expect(ann.answer.get_by_role("button", name="Copy message")).to_be_attached()
    ann.page.keyboard.press("Control+Shift+C")
    expect(ann.page.get_by_text("Copied the last answer")).to_be_attached()
    eventually_now(lambda: ann.page.evaluate("navigator.clipboard.readText()") == "The **second**.")


@LONG
def test_while_an_input_method_composes_no_shortcut_acts(ann: Person) -> None:
    composing: Any = ann.page.evaluate(
        """() => {
          const keys = [{key: 'k', ctrlKey: true, isComposing: true}, {key: '?', keyCode: 229}];
          return keys.map((given) => {
            const event = new KeyboardEvent('keydown', {...given, bubbles: true, cancelable: true});
            document.body.dispatchEvent(event);
            return event.defaultPrevented;
          });
        }"""
    )
    assert composing == [False, False]
    expect(ann.page.get_by_role("dialog")).to_have_count(0)
