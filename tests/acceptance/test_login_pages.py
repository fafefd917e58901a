"""People who log in, as they see it: the first account, links, settings, and pages that close."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from agentchat.accounts import limits
from agentchat.ui import words, words_accounts
from tests.acceptance.axe import serious
from tests.acceptance.conftest import Visit
from tests.acceptance.person import Person
from tests.acceptance.server import Server, openai_at
from tests.fake_provider import FakeProvider, Reply
from tests.long import LONG

ANN, BOB, OTHER = "herons fly at dusk", "otters swim at dawn", "ravens talk at noon"
WRONG = "The name or the password is wrong."


class Company:
    """A server on which people log in, and its administrator Ann in a browser of her own."""

    def __init__(self, server: Server, browser: Browser) -> None:
        self.server = server
        self.url = server.url
        self.ann = Person(browser.new_context())
        self._number = 0

    def link(self, button: str, person: str = "") -> str:
        """A link that Ann makes in her settings."""
        page = self.ann.page
        self.ann.open(f"{self.url}/settings/people")
        where = line_of(page, person) if person else page
        where.get_by_role("button", name=button).click()
        made = page.get_by_role("textbox", name="The link")
        expect(made).to_be_focused()
        return made.input_value()

    def new_person(self, visit: Visit, name: str, password: str = BOB) -> Person:
        """Somebody new, invited by Ann."""
        person = visit(self.link("Make a link"), strict=False)
        fill(person.page, Name=name, Password=password)
        person.page.keyboard.press("Enter")
        expect(person.message_box).to_be_visible()
        return person


def line_of(page: Page, person: str) -> Locator:
    return page.locator(f'[data-part="person"][data-name="{person}"]')


def fill(page: Page, **fields: str) -> None:
    for label, value in fields.items():
        page.get_by_label(label.replace("_", " "), exact=True).fill(value)


def log_in(person: Person, name: str, password: str) -> None:
    fill(person.page, Name=name, Password=password)
    person.page.get_by_role("button", name="Log in").click()


def who(person: Person) -> Locator:
    return person.page.locator('[data-part="who"]')


def is_fair(page: Page) -> None:
    """No serious finding, in either light, and nothing wider than a phone."""
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        # Colours that change in steps have too little contrast on the way.
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.wait_for_function(
            "dark => document.documentElement.classList.contains('dark') === dark"
            " && !document.getAnimations().some((one) => one.playState === 'running')",
            arg=scheme == "dark",
        )
        assert serious(page) == []
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0
    page.set_viewport_size({"width": 1280, "height": 720})


@pytest.fixture(scope="module")
def company(
    browser: Browser, fake_of_package: FakeProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Company]:
    environment = {"AGENTCHAT_AUTH": "password", **openai_at(fake_of_package)}
    server = Server(tmp_path_factory.mktemp("data"), **environment)
    server.start()
    company = Company(server, browser)
    page = company.ann.page
    company.ann.open(f"{server.url}/runs")
    expect(page).to_have_url(re.compile(r"/login/?\?next="))
    expect(page.get_by_role("heading", name=words_accounts.FIRST)).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    is_fair(page)
    fill(page, Name="ann", Name_that_others_see="Ann Heron", Password=ANN)
    page.keyboard.press("Enter")
    expect(who(company.ann)).to_have_text("Ann Heron")
    expect(page).to_have_url(re.compile(r":\d+/runs/?$"))
    yield company
    complaints = company.ann.complaints
    company.ann.leave(strict=False)
    server.kill()
    assert complaints == []


def test_the_first_person_looks_after_the_app(company: Company) -> None:
    expect(who(company.ann)).to_have_text("Ann Heron")
    company.ann.open(f"{company.url}/settings/people")
    person = line_of(company.ann.page, "ann")
    expect(person).to_contain_text("Ann Heron")
    expect(person).to_contain_text("Administrator")
    assert company.server.rows("SELECT name, admin FROM users WHERE name = 'ann'") == [("ann", 1)]


def test_whoever_is_not_logged_in_is_sent_nothing_but_the_login_and_then_goes_on(
    company: Company, visit: Visit
) -> None:
    bob = visit(f"{company.url}/login?next=//evil.example/x")
    for path in ("/", "/t/thread-0001", "/settings", "/memory", "/runs?status=done", "/nowhere"):
        sent = bob.context.request.get(
            company.url + path, headers={"Accept": "text/html"}, max_redirects=0
        )
        assert sent.status == 303, path
        assert sent.headers["location"].startswith("/login?next=/"), path
        assert "id=" not in sent.text()
    expect(bob.page.get_by_role("heading", name="Log in")).to_be_visible()
    expect(bob.page.get_by_label("Name", exact=True)).to_have_attribute("autocomplete", "username")
    expect(bob.page.get_by_label("Password", exact=True)).to_have_attribute(
        "autocomplete", "current-password"
    )
    is_fair(bob.page)

    log_in(bob, "ANN", ANN)
    expect(bob.page).to_have_url(f"{company.url}/")
    bob.open(f"{company.url}/login?next=/runs%3Fstatus%3Ddone")
    expect(bob.page).to_have_url(re.compile(r"/runs/?\?status=done$"))
    bob.page.get_by_role("button", name="Log out").click()
    expect(bob.page).to_have_url(re.compile(r"/login/?$"))
    bob.open(f"{company.url}/runs?status=done")
    log_in(bob, "ann", ANN)
    expect(bob.page).to_have_url(re.compile(r"/runs/?\?status=done$"))


def test_what_went_wrong_is_said_and_tells_nothing_of_who_is_there(
    company: Company, visit: Visit
) -> None:
    bob = visit(f"{company.url}/login", strict=False)
    alert = bob.page.get_by_role("alert")
    for name in ("ann", "nobody"):
        log_in(bob, name, "not the password")
        expect(alert).to_have_text(WRONG)
        expect(bob.page.get_by_label("Password", exact=True)).to_be_focused()
        bob.page.get_by_label("Name", exact=True).fill("")
    is_fair(bob.page)
    for _ in range(limits.PAIR.most - 1):
        with bob.page.expect_response("**/auth/login"):
            log_in(bob, "nobody", "not the password")
    log_in(bob, "nobody", "not the password")
    expect(alert).to_have_text("That was tried too often. Try again in 15 minutes.")

    bob.context.set_offline(True)
    log_in(bob, "nobody", "not the password")
    expect(alert).to_have_text(words_accounts.FORM["away"])
    bob.context.set_offline(False)
    bob.page.get_by_role("button", name="Show").click()
    expect(bob.page.get_by_label("Password", exact=True)).to_have_attribute("type", "text")


def test_whoever_is_invited_makes_an_account_and_each_sees_their_own_threads(
    company: Company, fake_of_package: FakeProvider, visit: Visit
) -> None:
    link = company.link("Make a link")
    is_fair(company.ann.page)
    bob = visit(link, strict=False)
    expect(bob.page.get_by_role("heading", name="You are invited")).to_be_visible()
    is_fair(bob.page)
    fill(bob.page, Name="ann", Name_that_others_see="Bob", Password=BOB)
    bob.page.keyboard.press("Enter")
    expect(bob.page.get_by_role("alert")).to_contain_text("taken")
    fill(bob.page, Name="bob", Password="short")
    bob.page.keyboard.press("Enter")
    expect(bob.page.get_by_role("alert")).to_contain_text("at least 8 characters")
    fill(bob.page, Password=BOB)
    bob.page.keyboard.press("Enter")
    expect(bob.message_box).to_be_visible()
    expect(who(bob)).to_have_text("Bob")

    company.ann.open(company.url)
    for person, text in ((company.ann, "Where herons sleep"), (bob, "Where otters swim")):
        fake_of_package.enqueue(Reply("By the water."))
        person.say(text)
        person.sees_answer("done")
    expect(company.ann.threads).to_have_text(["Where herons sleep"])
    expect(bob.threads).to_have_text(["Where otters swim"])
    bob.open(company.ann.page.url)
    expect(bob.page.get_by_role("heading", name=words.MISSING_TITLE)).to_be_visible()

    late = visit(link)
    expect(late.page.get_by_role("heading", name=words_accounts.LINK_OVER)).to_be_visible()
    is_fair(late.page)
    late.open(f"{company.url}/sign-up")
    expect(late.page.get_by_role("heading", name=words_accounts.SIGN_UP_CLOSED)).to_be_visible()


@LONG
def test_a_link_that_was_taken_back_says_so(company: Company, visit: Visit) -> None:
    page = company.ann.page
    company.ann.open(f"{company.url}/settings/people")
    page.get_by_role("checkbox", name="As an administrator").check()
    page.get_by_role("button", name="Make a link").click()
    made = page.get_by_role("textbox", name="The link")
    link = made.input_value()
    open_ = page.locator('[data-part="link"]')
    expect(open_).to_have_count(1)
    expect(open_).to_contain_text("Invitation of an administrator")
    page.get_by_role("button", name="Done").click()
    expect(made).to_have_count(0)
    # What was hidden keeps nobody from doing the next thing at once.
    began = time.monotonic()
    open_.get_by_role("button", name="Take back").click()
    page.get_by_role("dialog").get_by_role("button", name="Take it back").click()
    expect(page.get_by_text(words_accounts.REVOKED)).to_be_visible()
    expect(open_).to_have_count(0)
    assert time.monotonic() - began < 5
    late = visit(link)
    expect(late.page.get_by_role("heading", name=words_accounts.LINK_OVER)).to_be_visible()


def test_to_log_out_in_one_tab_ends_all_tabs_and_the_next_person_begins_with_nothing(
    company: Company, fake_of_package: FakeProvider, visit: Visit
) -> None:
    cat = company.new_person(visit, "cat")
    fake_of_package.enqueue(Reply("Nobody knows."))
    cat.say("A secret of Cat")
    cat.sees_answer("done")
    thread = cat.in_thread()
    other = cat.context.new_page()
    other.goto(f"{company.url}/settings")
    other.get_by_role("button", name="Log out").click()
    expect(other).to_have_url(re.compile(r"/login/?$"))
    expect(cat.page).to_have_url(re.compile(r"/login/?\?next=%2Ft%2F"))
    expect(cat.page.get_by_text("A secret of Cat")).to_have_count(0)
    cat.page.go_back()
    expect(cat.page.get_by_role("heading", name="Log in")).to_be_visible()

    received: list[str] = []
    cat.page.on(
        "websocket",
        lambda socket: socket.on("framereceived", lambda frame: received.append(str(frame))),
    )
    log_in(cat, "ann", ANN)
    expect(who(cat)).to_have_text("Ann Heron")
    assert received
    cat.open(thread.replace("/t/", "/inbox?"))
    expect(cat.threads).not_to_have_text(["A secret of Cat"])
    assert not any("A secret of Cat" in frame for frame in received)


@LONG
def test_whoever_is_deactivated_sees_nothing_any_more(
    company: Company, fake_of_package: FakeProvider, visit: Visit
) -> None:
    dan = company.new_person(visit, "dan")
    fake_of_package.enqueue(Reply("It is quiet."))
    dan.say("Something of Dan")
    dan.sees_answer("done")
    page = company.ann.page
    line_of(page, "dan").get_by_role("button", name="Deactivate").click()
    expect(page.get_by_role("dialog")).to_contain_text("logged out everywhere at once")
    page.get_by_role("dialog").get_by_role("button", name="Deactivate").click()
    expect(dan.page.get_by_text("Something of Dan")).to_have_count(0)
    expect(dan.page).to_have_url(re.compile(r"/login/?\?next="))
    expect(page.get_by_text("dan cannot log in any more")).to_be_visible()
    expect(line_of(page, "dan")).to_contain_text("Deactivated")
    log_in(dan, "dan", BOB)
    expect(dan.page.get_by_role("alert")).to_have_text(WRONG)

    line_of(page, "dan").get_by_role("button", name="Activate").click()
    expect(page.get_by_text("dan may log in again")).to_be_visible()
    log_in(dan, "dan", BOB)
    expect(who(dan)).to_have_text("dan")


@LONG
def test_the_last_administrator_stays_one(company: Company) -> None:
    page = company.ann.page
    company.ann.open(f"{company.url}/settings/people")
    line_of(page, "ann").get_by_role("button", name="No longer administrator").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="No longer administrator").click()
    expect(dialog.get_by_role("alert")).to_contain_text("This is the last admin")
    is_fair(page)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


@LONG
def test_who_is_made_an_administrator_sees_it_at_once_and_others_are_told(
    company: Company, visit: Visit
) -> None:
    eve = company.new_person(visit, "eve")
    for path in ("/overview", "/faults"):
        eve.open(company.url + path)
        expect(eve.page.get_by_text(words_accounts.ADMINS_TITLE)).to_be_visible()
    is_fair(eve.page)
    places = eve.page.get_by_role("navigation", name="Pages about runs").get_by_role("link")
    expect(places).to_have_text(["Runs", "Schedules"])
    eve.open(f"{company.url}/settings/people")
    expect(eve.page.get_by_text(words_accounts.ADMINS_TITLE)).to_be_visible()
    expect(eve.page.get_by_role("heading", name="People")).to_have_count(0)

    page = company.ann.page
    line_of(page, "eve").get_by_role("button", name="Make administrator").click()
    page.get_by_role("dialog").get_by_role("button", name="Make administrator").click()
    expect(eve.page.get_by_role("heading", name="People")).to_be_visible()
    expect(line_of(eve.page, "ann")).to_be_visible()
    line_of(page, "eve").get_by_role("button", name="No longer administrator").click()
    page.get_by_role("dialog").get_by_role("button", name="No longer administrator").click()
    expect(eve.page.get_by_role("heading", name="People")).to_have_count(0)
    expect(eve.page.get_by_text("ann", exact=True)).to_have_count(0)


@LONG
def test_a_reset_link_gives_another_password_and_ends_other_logins(
    company: Company, visit: Visit
) -> None:
    fay = company.new_person(visit, "fay")
    link = company.link("Reset link", "fay")
    new = visit(link, strict=False)
    expect(new.page.get_by_role("heading", name="Choose another password")).to_be_visible()
    expect(new.page.get_by_role("main")).to_contain_text("For the account fay")
    is_fair(new.page)
    fill(new.page, New_password=OTHER)
    new.page.keyboard.press("Enter")
    expect(who(new)).to_have_text("fay")
    expect(fay.page).to_have_url(re.compile(r"/login/?\?next="))
    log_in(fay, "fay", BOB)
    expect(fay.page.get_by_role("alert")).to_have_text(WRONG)
    fay.open(link)
    expect(fay.page.get_by_role("heading", name=words_accounts.LINK_OVER)).to_be_visible()


@LONG
def test_one_sees_where_one_is_logged_in_and_ends_it(company: Company, visit: Visit) -> None:
    gus = company.new_person(visit, "gus")
    away, third = (visit(f"{company.url}/login", strict=False) for _ in range(2))
    for person in (away, third):
        log_in(person, "gus", BOB)
        expect(who(person)).to_have_text("gus")
    gus.open(f"{company.url}/settings/logins")
    lines = gus.page.locator('[data-part="login"]')
    expect(lines).to_have_count(3)
    expect(lines.first).to_contain_text("Chrome on Linux")
    expect(lines.first).to_contain_text("This browser")
    expect(lines.nth(1)).to_contain_text("127.0.0.1 · last seen")
    # The one used last is the first of the others.
    lines.nth(1).get_by_role("button", name="End").click()
    expect(third.page).to_have_url(re.compile(r"/login/?\?next="))
    expect(gus.page.get_by_text(words_accounts.ENDED_ONE)).to_be_visible()
    gus.page.get_by_role("button", name="End all others").click()
    gus.page.get_by_role("dialog").get_by_role("button", name="End all others").click()
    expect(away.page).to_have_url(re.compile(r"/login/?\?next="))
    expect(gus.page.get_by_text(words_accounts.ended(1))).to_be_visible()
    expect(lines).to_have_count(1)

    log_in(away, "gus", BOB)
    expect(who(away)).to_have_text("gus")
    gus.page.get_by_role("link", name="Profile").click()
    fill(gus.page, Password_now="not this", New_password=OTHER)
    gus.page.get_by_role("button", name="Change the password").click()
    password = gus.page.locator('[data-part="password"]')
    expect(password.get_by_role("alert")).to_have_text("The old password is wrong.")
    fill(gus.page, Password_now=BOB, New_password=OTHER)
    gus.page.get_by_role("button", name="Change the password").click()
    expect(gus.page.get_by_text(words_accounts.PASSWORD_CHANGED)).to_be_visible()
    expect(away.page).to_have_url(re.compile(r"/login/?\?next="))

    other = gus.context.new_page()
    other.goto(company.url)
    fill(gus.page, Name_that_others_see="Gustav")
    gus.page.get_by_role("button", name="Save").click()
    expect(gus.page.get_by_text(words_accounts.RENAMED)).to_be_visible()
    expect(other.locator('[data-part="who"]')).to_have_text("Gustav")


@LONG
def test_browsers_that_pick_a_name_are_people_of_their_own_where_nobody_logs_in(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    ann, bob, other = (visit(server.url) for _ in range(3))
    expect(who(ann)).to_have_text("you")
    is_fair(ann.page)
    fake.enqueue(Reply("Hello."))
    other.say("Before anybody had a name")
    other.sees_answer("done")
    for person, name in ((ann, "Ann"), (bob, "Bob")):
        person.page.get_by_role("link", name="Settings").click()
        fill(person.page, Name_that_others_see=name)
        person.page.get_by_role("button", name="Be this person").click()
        expect(who(person)).to_have_text(name)
    expect(who(other)).to_have_text("you")
    ann.open(server.url)
    fake.enqueue(Reply("Hello Ann."))
    ann.say("From Ann")
    ann.sees_answer("done")
    bob.open(ann.in_thread())
    fake.enqueue(Reply("Hello Bob."))
    bob.say("From Bob")
    expect(ann.messages).to_have_count(4)
    for person, theirs, other_ in ((ann, 0, 2), (bob, 2, 0)):
        mine = person.messages.nth(theirs).get_by_role("heading")
        expect(mine).to_have_text("You")
        of_other = person.messages.nth(other_).get_by_role("heading")
        expect(of_other).to_have_text("Bob" if person is ann else "Ann")
        expect(of_other).to_have_class("message-author")
    ann.open(f"{server.url}/login")
    expect(ann.page).to_have_url(f"{server.url}/")


@LONG
def test_where_anybody_may_come_they_sign_up_or_take_the_way_through_a_provider(
    tmp_path_factory: pytest.TempPathFactory, visit: Visit
) -> None:
    server = Server(
        tmp_path_factory.mktemp("data"),
        AGENTCHAT_AUTH="password",
        AGENTCHAT_SIGN_UP="open",
        AGENTCHAT_OIDC_ISSUER="http://127.0.0.1:9",
        AGENTCHAT_OIDC_CLIENT_ID="agentchat",
        AGENTCHAT_MODEL="scripted:instant",
    )
    server.start()
    try:
        ann = visit(f"{server.url}/login", strict=False)
        fill(ann.page, Name="ann", Password=ANN)
        ann.page.keyboard.press("Enter")
        expect(who(ann)).to_have_text("ann")

        bob = visit(f"{server.url}/login#problem=not-allowed", strict=False)
        alert = bob.page.get_by_role("alert")
        expect(alert).to_have_text(words_accounts.PROVIDER["back"]["not-allowed"])
        is_fair(bob.page)
        # Nobody is there.
        bob.page.get_by_role("button", name="Log in with 127.0.0.1:9").click()
        expect(alert).to_contain_text("identity provider did not answer")
        bob.open(f"{server.url}/runs?status=done")
        bob.page.get_by_role("link", name="Make an account").click()
        expect(bob.page.get_by_role("heading", name="Make an account")).to_be_visible()
        is_fair(bob.page)
        fill(bob.page, Name="bob", Password=BOB)
        bob.page.keyboard.press("Enter")
        expect(bob.page).to_have_url(re.compile(r"/runs/?\?status=done$"))
        expect(who(bob)).to_have_text("bob")
        assert server.rows("SELECT name, admin FROM users ORDER BY name") == [
            ("ann", 1),
            ("bob", 0),
        ]
    finally:
        server.kill()
