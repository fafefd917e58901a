"""A thread that is shared, as the people see it with whom it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from agentchat.ui import words, words_sharing
from tests.acceptance.conftest import Visit
from tests.acceptance.person import Person
from tests.acceptance.server import Server, openai_at
from tests.acceptance.test_login_pages import fill, is_fair, log_in
from tests.fake_provider import FakeProvider, Reply
from tests.long import LONG

PASSWORD = "herons fly at dusk"
QUESTION = "Where do herons sleep?"


class Company:
    """A server on which Ann, Bob and Cleo have accounts, and a thread of Ann's."""

    def __init__(self, server: Server, browser: Browser) -> None:
        self.server = server
        self.url = server.url
        self._browser = browser
        self.people: list[Person] = []
        self.ann = self.account("ann")

    def account(self, name: str) -> Person:
        """Somebody who signs up, in a browser of their own."""
        person = Person(self._browser.new_context())
        answer = self._sign_up(person.context, name)
        assert answer == 200
        self.people.append(person)
        return person

    def _sign_up(self, context: BrowserContext, name: str) -> int:
        body = {"name": name, "display_name": name.title(), "password": PASSWORD}
        headers = {"Origin": self.url}
        return context.request.post(f"{self.url}/auth/sign-up", data=body, headers=headers).status


@contextmanager
def company_at(server: Server, browser: Browser) -> Iterator[Company]:
    """Serve people until they have gone home; none of their pages may have complained."""
    server.start()
    company = Company(server, browser)
    yield company
    complaints = [one for person in company.people for one in person.complaints]
    for person in company.people:
        person.leave(strict=False)
    server.kill()
    assert complaints == []


@pytest.fixture(scope="module")
def company(
    browser: Browser, fake_of_package: FakeProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Company]:
    environment = {
        "AGENTCHAT_AUTH": "password",
        "AGENTCHAT_SIGN_UP": "open",
        **openai_at(fake_of_package),
    }
    with company_at(Server(tmp_path_factory.mktemp("data"), **environment), browser) as company:
        yield company


@pytest.fixture
def thread(company: Company, fake: FakeProvider) -> str:
    """A thread of Ann's with an answer in it, which she looks at."""
    company.ann.open(company.url)
    fake.enqueue(Reply("In trees, by the water."))
    company.ann.say(QUESTION)
    company.ann.sees_answer("done")
    return company.ann.in_thread()


@pytest.fixture(scope="module")
def bob(company: Company) -> Person:
    return company.account("bob")


def dialog_of(person: Person) -> Locator:
    return person.page.get_by_role("dialog")


def open_dialog(person: Person) -> Locator:
    person.page.locator('[data-part="share"]').click()
    expect(dialog_of(person)).to_be_visible()
    return dialog_of(person)


def member(where: Page | Locator, name: str) -> Locator:
    return where.locator(f'[data-part="member"][data-name="{name}"]')


def here(person: Person) -> Locator:
    return person.page.locator('[data-part="here"] li')


def add(dialog: Locator, name: str, role: str = "member") -> None:
    dialog.get_by_label("Add a person").fill(name)
    dialog.get_by_label("What they may do", exact=True).select_option(role)
    dialog.get_by_label("Add a person").press("Enter")


def test_people_share_a_thread_and_see_each_other_until_one_is_removed(
    company: Company, bob: Person, thread: str, fake: FakeProvider
) -> None:
    ann = company.ann
    bob.open(thread)
    expect(bob.page.get_by_role("heading", name=words.MISSING_TITLE)).to_be_visible()
    expect(bob.page.locator('[data-part="share"]')).to_have_count(0)

    expect(ann.page.locator('[data-part="share"]')).to_have_text("Share")
    dialog = open_dialog(ann)
    is_fair(ann.page)
    add(dialog, "nobody")
    expect(dialog.get_by_role("alert")).to_have_text("Nobody of this name has an account here.")
    add(dialog, "Bob")
    expect(dialog.get_by_text(words_sharing.ADDED)).to_be_visible()
    expect(dialog.get_by_role("alert")).to_have_count(0)
    expect(dialog.get_by_label("Add a person")).to_have_value("")
    expect(member(dialog, "Bob").get_by_role("combobox")).to_have_value("member")
    is_fair(ann.page)
    ann.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(ann.page.locator('[data-part="share"]')).to_be_focused()
    expect(ann.page.locator('[data-part="share"]')).to_have_text("Shared with 1")

    # The thread comes to Bob's list, and he is seen as soon as he looks at it.
    bob.threads.filter(has_text=QUESTION).click()
    expect(bob.page.locator('[data-part="share"]')).to_have_text("Shared by Ann")
    expect(here(bob)).to_have_text(["AAnn is here"])
    expect(here(ann)).to_have_text(["BBob is here"])
    bob.message_box.press_sequentially("And otters")
    expect(ann.page.locator('[data-part="typing"]')).to_have_text("Bob is typing")
    is_fair(ann.page)
    fake.enqueue(Reply("In dens, by the river."))
    bob.say("And otters?")
    expect(ann.messages).to_have_count(4)
    expect(ann.messages.nth(2)).to_contain_text("And otters?")
    ann.sees_answer("done")
    expect(bob.page.get_by_role("button", name=words.VARIANTS["again"])).not_to_have_count(0)

    dialog = open_dialog(ann)
    member(dialog, "Bob").get_by_role("combobox").select_option("viewer")
    expect(bob.message_box).to_have_count(0)
    line = bob.page.locator('[data-part="read-only"]')
    expect(line).to_contain_text("Ask the owner to let you write.")
    expect(bob.page.get_by_role("button", name=words.VARIANTS["again"])).to_have_count(0)
    is_fair(bob.page)

    member(dialog, "Bob").get_by_role("button", name="Remove Bob").click()
    expect(bob.page.get_by_text("In trees, by the water.")).to_have_count(0)
    expect(bob.page.get_by_role("heading", name=words.MISSING_TITLE)).to_be_visible()
    expect(bob.threads.filter(has_text=QUESTION)).to_have_count(0)
    expect(bob.page.locator('[data-part="share"]')).to_have_count(0)
    expect(member(dialog, "Bob")).to_have_count(0)
    ann.page.keyboard.press("Escape")
    expect(here(ann)).to_have_count(0)


def test_whoever_has_no_login_logs_in_and_joins_with_the_link(
    company: Company, bob: Person, thread: str, visit: Visit
) -> None:
    ann = company.ann
    company.account("cleo")
    dialog = open_dialog(ann)
    add(dialog, "bob")
    expect(member(dialog, "Bob")).to_be_visible()
    dialog.get_by_label("What the link lets people do").select_option("member")
    dialog.get_by_role("button", name="Make a link").click()
    made = dialog.get_by_role("textbox", name="The link")
    expect(made).to_be_focused()
    link = made.input_value()
    assert re.fullmatch(rf"{re.escape(company.url)}/join#[\w-]{{40,}}", link)
    is_fair(ann.page)

    cleo = visit(link)
    expect(cleo.page).to_have_url(re.compile(r"/login/?\?next=/join#"))
    log_in(cleo, "cleo", PASSWORD)
    expect(cleo.page.get_by_role("heading", name="Ann shares a thread with you")).to_be_visible()
    is_fair(cleo.page)
    cleo.page.get_by_role("button", name="Join").click()
    expect(cleo.page).to_have_url(thread)
    expect(cleo.message_box).to_be_visible()
    expect(cleo.messages.first).to_contain_text(QUESTION)
    expect(member(dialog, "Cleo")).to_have_attribute("data-role", "member")

    # What was typed meanwhile is not taken for what was done before.
    dialog.get_by_label("Add a person").fill("nobody")
    dialog.get_by_role("button", name="Done").click()
    expect(made).to_have_count(0)
    expect(dialog.get_by_label("Add a person")).to_have_value("nobody")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog.get_by_role("alert")).to_have_text("Nobody of this name has an account here.")
    dialog.get_by_role("button", name="Revoke").click()
    expect(dialog.locator('[data-part="share-link"]')).to_have_count(0)
    for of_nothing in (link, f"{company.url}/join#nothing"):
        cleo.open(f"{company.url}/runs")
        cleo.open(of_nothing)
        expect(cleo.page.get_by_role("heading", name=words_sharing.LINK_OVER)).to_be_visible()
    is_fair(cleo.page)


def test_a_thread_is_handed_over_and_left(company: Company, bob: Person, thread: str) -> None:
    ann = company.ann
    dialog = open_dialog(ann)
    add(dialog, "bob")
    member(dialog, "Bob").get_by_role("button", name="Make Bob the owner").click()
    sure = ann.page.get_by_role("dialog", name="Make Bob the owner?")
    expect(sure.get_by_role("button", name="Cancel")).to_be_focused()
    ann.page.keyboard.press("Escape")
    expect(sure).to_have_count(0)
    expect(dialog).to_be_visible()
    member(dialog, "Bob").get_by_role("button", name="Make Bob the owner").click()
    sure.get_by_role("button", name="Make owner").click()
    expect(sure).to_have_count(0)
    expect(member(dialog, "Bob")).to_have_attribute("data-role", "owner")

    bob.open(thread)
    dialog = open_dialog(bob)
    expect(member(dialog, "Bob")).to_contain_text("You")
    expect(dialog.get_by_role("button", name="Make a link")).to_be_visible()
    bob.page.keyboard.press("Escape")
    # Ann looks after the app: she owns every thread, and may leave this one all the same.
    ann.page.get_by_role("dialog").get_by_role("button", name="Leave the thread").click()
    ann.page.get_by_role("dialog", name="Leave this thread?").get_by_role(
        "button", name="Leave", exact=True
    ).click()
    expect(bob.page.locator('[data-part="share"]')).to_have_text("Share")
    expect(ann.page).to_have_url(re.compile(rf"{re.escape(company.url)}/?$"))


@LONG
def test_where_nobody_logs_in_there_is_nothing_to_share_but_who_is_there_is_seen(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    ann, other = visit(server.url), visit(server.url)
    ann.page.get_by_role("link", name="Settings").click()
    fill(ann.page, Name_that_others_see="Ann Heron")
    ann.page.get_by_role("button", name="Be this person").click()
    expect(ann.page.locator('[data-part="who"]')).to_have_text("Ann Heron")
    fake.enqueue(Reply("Hello."))
    other.say("Who is there?")
    other.sees_answer("done")
    expect(here(other)).to_have_count(0)
    ann.open(other.in_thread())
    expect(here(other)).to_have_text(["AHAnn Heron is here"])
    expect(here(ann)).to_have_text(["Yyou is here"])
    for person in (ann, other):
        expect(person.page.locator('[data-part="share"]')).to_have_count(0)
    ann.page.close()
    expect(here(other)).to_have_count(0)
