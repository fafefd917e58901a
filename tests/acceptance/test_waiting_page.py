"""Messages that wait behind an answer, and the model of a thread, as people have them in hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.acceptance.person import Person
from tests.acceptance.server import Server
from tests.acceptance.test_login_pages import is_fair
from tests.acceptance.test_sharing_page import Company, add, company_at, member, open_dialog
from tests.long import LONG

OWN = "The agent's model"


@pytest.fixture(scope="module")
def company(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    settings = {
        "AGENTCHAT_AUTH": "password",
        "AGENTCHAT_SIGN_UP": "open",
        "AGENTCHAT_MODELS": "scripted:demo,scripted:slow",
    }
    program = ("tests.acceptance.agents_app",)
    server = Server(tmp_path_factory.mktemp("data"), program=program, **settings)
    with company_at(server, browser) as company:
        yield company


@pytest.fixture(scope="module")
def bob(company: Company) -> Person:
    return company.account("bob")


@pytest.fixture
def ann(company: Company) -> Iterator[Person]:
    """With an answer under way, whose searches, one after the other, wait for the gate."""
    gate = company.server.data_dir / "gate"
    gate.unlink(missing_ok=True)
    ann = company.ann
    ann.open(company.url)
    ann.message_box.fill("")
    ann.say("twice, for herons")
    ann.in_thread()
    expect(ann.answer).to_have_attribute("data-status", "running")
    yield ann
    gate.touch()


def said(person: Person, text: str) -> Locator:
    own = person.page.locator("article[data-role=user][data-id]:has(.actions)")
    return own.filter(has_text=text)


def say(person: Person, text: str) -> Locator:
    person.say(text)
    waiting = said(person, text)
    expect(waiting).to_have_count(1)
    return waiting


def other_tab(ann: Person) -> Locator:
    page = ann.context.new_page()
    page.goto(ann.page.url)
    box = page.get_by_role("textbox", name="Message")
    expect(box).to_be_visible()
    return box


def test_what_is_taken_back_goes_into_the_box_of_the_tab_that_asked(ann: Person) -> None:
    waiting = say(ann, "And then something else")
    other = other_tab(ann)
    ann.page.bring_to_front()
    ann.message_box.fill("Half a thought")
    waiting.get_by_role("button", name="Take back").click()
    expect(waiting).to_have_count(0)
    expect(ann.message_box).to_have_value("And then something else\n\nHalf a thought")
    expect(ann.message_box).to_be_focused()
    expect(other.page.get_by_role("article")).to_have_count(2)
    ann.page.reload()
    expect(ann.message_box).to_have_value("And then something else\n\nHalf a thought")
    expect(other).to_have_value("")
    expect(other.page.locator("[data-part=returned]")).to_have_count(0)
    other.page.close()
    ann.message_box.fill("")


def test_a_waiting_message_is_changed_at_its_place_and_sent_now(
    company: Company, ann: Person
) -> None:
    say(ann, "In blue")
    ann.message_box.press("ArrowUp")
    editor = ann.page.get_by_role("textbox", name="Edit the message")
    editor.fill("In red")
    editor.press("Control+Enter")
    expect(editor).to_have_count(0)
    waiting = said(ann, "In red")
    expect(waiting.get_by_text("Version")).to_have_count(0)
    waiting.get_by_role("button", name="Send now").click()
    expect(waiting.get_by_text("Joins the answer above")).to_be_visible()
    joined = waiting.get_by_text("Joined the answer above")
    expect(joined).to_be_hidden()
    expect(waiting.get_by_role("button", name="Send now")).to_have_count(0)
    is_fair(ann.page)
    (company.server.data_dir / "gate").touch()
    ann.sees_answer("done")
    expect(ann.page.locator("article[data-role=assistant]")).to_have_count(1)
    expect(joined).to_be_visible()


@LONG
def test_the_owner_takes_back_what_another_wrote_who_has_it_back(ann: Person, bob: Person) -> None:
    dialog = open_dialog(ann)
    add(dialog, "bob", "member")
    expect(member(dialog, "Bob")).to_be_visible()
    ann.page.keyboard.press("Escape")
    bob.open(ann.page.url)
    say(bob, "A word of Bob's")
    expect(said(bob, "A word").get_by_role("button", name="Send now")).to_have_count(0)
    waiting = ann.page.get_by_role("article").filter(has_text="A word of Bob's")
    waiting.get_by_role("button", name="Take back").click()
    expect(waiting).to_have_count(0)
    returned = bob.page.locator("[data-part=returned]")
    expect(returned).to_contain_text("Ann took your message back")
    is_fair(bob.page)
    bob.page.reload()
    returned.get_by_role("button", name="Put it in the message box").click()
    expect(bob.message_box).to_have_value("A word of Bob's")
    expect(returned).to_have_count(0)
    expect(ann.message_box).to_have_value("")
    bob.message_box.fill("")


def test_a_model_is_chosen_for_a_thread_in_every_browser_and_asked(
    company: Company, ann: Person
) -> None:
    (company.server.data_dir / "gate").touch()
    ann.sees_answer("done")
    other = other_tab(ann)
    ann.page.get_by_role("button", name="Model: ").click()
    ann.page.get_by_role("menuitemradio", name="Scripted answers (demo)").click()
    for page in (ann.page, other.page):
        expect(page.get_by_role("button", name="Model: ")).to_contain_text("(demo)")
    ann.say("Who are you?")
    ann.sees_answer("done")
    expect(ann.answer).to_contain_text("This answer comes from a script")
    expect(ann.answer.locator(".message-model")).to_have_text("Scripted answers (demo)")
    ann.answer.get_by_role("button", name="More actions").click()
    ann.page.get_by_role("menuitem", name="Ask the agent's own model").click()
    expect(ann.page.get_by_text("You said: Who are you?")).to_be_visible()
    ann.message_box.fill("/model nothing")
    ann.message_box.press("Enter")
    expect(ann.page.get_by_text("There is no model nothing here.")).to_be_visible()
    ann.message_box.fill("/model slow")
    ann.message_box.press("Enter")
    expect(other.page.get_by_role("button", name="Model: ")).to_contain_text("(slow)")
    other.page.close()


@LONG
def test_a_thread_begins_with_the_model_that_was_picked_for_it(company: Company) -> None:
    ann = company.ann
    ann.open(company.url)
    picker = ann.page.get_by_role("button", name="Model: ")
    expect(picker).to_contain_text(OWN)
    ann.message_box.fill("/model demo")
    ann.message_box.press("Enter")
    expect(picker).to_contain_text("(demo)")
    ann.page.reload()
    expect(picker).to_contain_text("(demo)")
    ann.say("Hello there")
    ann.in_thread()
    ann.sees_answer("done")
    expect(ann.answer.locator(".message-model")).to_have_text("Scripted answers (demo)")
    expect(picker).to_contain_text("(demo)")
    ann.open(company.url)
    expect(picker).to_contain_text(OWN)
