"""Commands that are typed into the message box, and the key that edits what was sent last."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.acceptance.conftest import Visit
from tests.acceptance.person import Person
from tests.acceptance.server import Server
from tests.fake_provider import FakeProvider, Reply
from tests.long import LONG


@pytest.fixture
def ann(server: Server, visit: Visit) -> Person:
    return visit(server.url)


def commands(page: Page) -> Locator:
    return page.get_by_role("listbox", name="Commands").get_by_role("option")


def typed(ann: Person, text: str) -> None:
    ann.message_box.press_sequentially(text)
    ann.message_box.press("Enter")


def test_commands_that_make_sense_are_listed_and_picked_by_keyboard(ann: Person) -> None:
    page = ann.page
    ann.message_box.press_sequentially("/")
    expect(commands(page).filter(has_text="/new")).to_be_visible()
    expect(commands(page).filter(has_text="/help")).to_be_visible()
    for absent in ("/stop", "/retry", "/rename"):
        expect(commands(page).filter(has_text=absent)).to_have_count(0)
    ann.message_box.press("Escape")
    expect(commands(page)).to_have_count(0)
    expect(ann.message_box).to_have_value("/")
    ann.message_box.press_sequentially("he")
    expect(commands(page)).to_have_count(1)
    assert ann.message_box.get_attribute("aria-activedescendant") == "command-help"
    ann.message_box.press("Enter")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(ann.message_box).to_have_value("")
    expect(ann.message_box).to_be_focused()
    expect(ann.messages).to_have_count(0)


@LONG
def test_a_thread_is_renamed_searched_and_left_by_commands(ann: Person) -> None:
    page = ann.page
    ann.say("Hello there")
    ann.sees_answer("done")
    typed(ann, "/rename Herons of the Elbe")
    expect(page.get_by_role("heading", level=1)).to_have_text("Herons of the Elbe")
    expect(ann.message_box).to_have_value("")
    typed(ann, "/rename")
    ann.message_box.press("Enter")
    expect(page.get_by_text("Write after /rename what it should be.")).to_be_visible()
    ann.message_box.fill("")
    typed(ann, "/search herons")
    palette = page.get_by_role("combobox", name="Search threads and go to places")
    expect(palette).to_have_value("herons")
    expect(page.get_by_role("option").filter(has_text="Herons of the Elbe")).to_be_visible()
    page.keyboard.press("Escape")
    here = page.url
    typed(ann, "/new")
    expect(ann.messages).to_have_count(0)
    assert page.url != here


def test_an_answer_is_stopped_and_tried_again_by_commands(ann: Person, fake: FakeProvider) -> None:
    fake.enqueue(Reply("One sentence. Another.", cut_after=1, cut="hold"))
    ann.say("Go on for ever")
    ann.sees_in_answer("One sentence.")
    typed(ann, "/stop")
    ann.sees_answer("stopped")
    fake.enqueue(Reply("All of it."))
    typed(ann, "/retry")
    expect(ann.answer).to_contain_text("All of it.")
    expect(ann.page.locator("article[data-role=user]")).to_have_count(1)


def test_a_thread_is_downloaded_and_the_last_message_edited_by_commands(ann: Person) -> None:
    page = ann.page
    ann.message_box.press_sequentially("/e")
    expect(commands(page)).to_have_count(0)
    ann.message_box.fill("")
    ann.say("Where do herons nest?")
    ann.sees_answer("done")
    typed(ann, "/export pdf")
    expect(page.get_by_text("A thread is exported as markdown or as json.")).to_be_visible()
    for command, ending, begin in (("/export", "md", "# Where do"), ("/export json", "json", "{")):
        ann.message_box.fill(command)
        with page.expect_download() as download:
            ann.message_box.press("Enter")
        assert download.value.suggested_filename.endswith(f".{ending}")
        assert download.value.path().read_text().startswith(begin)
        expect(ann.message_box).to_have_value("")
    typed(ann, "/edit")
    expect(page.get_by_role("textbox", name="Edit the message")).to_be_focused()
    # Without models to choose from there is nothing to choose.
    expect(page.get_by_role("button", name="Model: ")).to_have_count(0)
    page.keyboard.press("Escape")


@LONG
def test_who_answers_is_chosen_by_a_command(ann: Person) -> None:
    expect(ann.page.get_by_role("button", name="Agent")).to_be_visible()
    typed(ann, "/agent nobody")
    expect(ann.page.get_by_text("Nobody here is called nobody.")).to_be_visible()
    ann.message_box.fill("")
    typed(ann, "/agent @researcher")
    expect(ann.page.get_by_role("button", name="Agent")).to_contain_text("researcher")
    expect(ann.message_box).to_have_value("")


def test_what_is_no_command_is_sent_after_a_hint(ann: Person) -> None:
    page = ann.page
    typed(ann, "/etc/hosts is a file")
    expect(ann.messages.first).to_contain_text("/etc/hosts is a file")
    ann.sees_answer("done")
    typed(ann, "/shrug well")
    expect(page.get_by_text("There is no command /shrug.")).to_be_visible()
    expect(page.get_by_role("article").filter(has_text="/shrug")).to_have_count(0)
    ann.message_box.press("Enter")
    expect(page.get_by_role("article").filter(has_text="/shrug well")).to_have_count(1)
    expect(page.get_by_text("There is no command")).to_have_count(0)
    expect(page.locator("article[data-role=assistant]")).to_have_count(2)
    ann.sees_answer("done")
    expect(ann.stop_button).to_have_count(0)
    typed(ann, "/stop")
    expect(page.get_by_text(re.compile("/stop has nothing to do"))).to_be_visible()


def test_the_arrow_up_asks_to_edit_what_was_sent_last_and_only_from_an_empty_box(
    ann: Person,
) -> None:
    page = ann.page
    page.evaluate(
        """() => { window.__asked = 0; window.addEventListener('agentchat:edit-last', (event) => {
             event.preventDefault(); event.stopImmediatePropagation(); window.__asked += 1;
           }, true) }"""
    )
    ann.message_box.fill("words")
    ann.message_box.press("ArrowUp")
    assert page.evaluate("window.__asked") == 0
    ann.message_box.fill("")
    ann.message_box.press("Shift+ArrowUp")
    assert page.evaluate("window.__asked") == 0
    ann.message_box.press("ArrowUp")
    assert page.evaluate("window.__asked") == 1
