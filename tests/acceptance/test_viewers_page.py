"""A thread as who may only read it sees it: all of it, and nothing that they may not press."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from agentchat.ui import words
from tests.acceptance.person import Person
from tests.acceptance.server import Server
from tests.acceptance.test_login_pages import is_fair
from tests.acceptance.test_sharing_page import Company, add, company_at, member, open_dialog
from tests.long import LONG

PROGRAM = ("tests.acceptance.agents_app",)


@pytest.fixture(scope="module")
def company(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    settings = {"AGENTCHAT_AUTH": "password", "AGENTCHAT_SIGN_UP": "open"}
    server = Server(tmp_path_factory.mktemp("data"), program=PROGRAM, **settings)
    with company_at(server, browser) as company:
        yield company


@pytest.fixture(scope="module")
def vera(company: Company) -> Person:
    return company.account("vera")


@pytest.fixture
def gate(company: Company) -> Iterator[Path]:
    """Lets searches end; they wait for it."""
    gate = company.server.data_dir / "gate"
    yield gate
    gate.unlink(missing_ok=True)


def shared(company: Company, vera: Person, text: str) -> None:
    """Ann says something in a new thread that Vera may read, and both look at it."""
    ann = company.ann
    ann.open(company.url)
    ann.say(text)
    thread = ann.in_thread()
    dialog = open_dialog(ann)
    add(dialog, "vera", "viewer")
    expect(member(dialog, "Vera")).to_be_visible()
    ann.page.keyboard.press("Escape")
    vera.open(thread)
    expect(vera.page.locator('[data-part="read-only"]')).to_be_visible()


def sees(page: Page, *names: str) -> None:
    for name in names:
        expect(page.get_by_role("button", name=name, exact=True).first).to_be_visible()


def sees_none(page: Page, *names: str) -> None:
    for name in names:
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    expect(page.get_by_role("textbox")).to_have_count(0)


def test_a_viewer_sees_what_is_asked_and_decides_nothing(company: Company, vera: Person) -> None:
    decide = [words.ASKS[name] for name in ("approve", "edit", "deny", "instead")]
    shared(company, vera, "pay Bo for the boat")
    sees(company.ann.page, *decide)
    expect(vera.page.locator('[data-part="ask"]')).to_contain_text("Approve pay?")
    sees_none(vera.page, *decide, "Send", "Stop")
    is_fair(vera.page)
    company.ann.page.get_by_role("button", name="Approve", exact=True).click()
    vera.sees_answer("done")

    shared(company, vera, "choose a colour")
    sees(company.ann.page, "Red", "Blue")
    expect(vera.page.locator('[data-part="ask"]')).to_contain_text("Which colour is the boat")
    sees_none(vera.page, "Blue", "As it is now", words.ASKS["send"], "Stop")
    company.ann.page.get_by_role("button", name="Red", exact=True).click()
    vera.sees_answer("done")
    expect(vera.page.locator('[data-part="decided"]')).to_contain_text("Ann answered")


@LONG
def test_a_viewer_watches_an_answer_grow_and_cannot_stop_it_nor_ask_again(
    company: Company, vera: Person, gate: Path
) -> None:
    shared(company, vera, "search herons")
    sees(company.ann.page, "Stop")
    expect(vera.answer).to_have_attribute("data-status", "running")
    sees_none(vera.page, "Stop", "Send")
    company.ann.stop_button.click()
    vera.sees_answer("stopped")
    sees(company.ann.page, words.TRY_AGAIN)
    sees_none(vera.page, words.TRY_AGAIN, words.VARIANTS["again"])

    gate.touch()
    company.ann.page.get_by_role("button", name=words.TRY_AGAIN).click()
    vera.sees_answer("done")
    sees(company.ann.page, words.VARIANTS["again"])
    sees_none(vera.page, words.VARIANTS["again"], words.TRY_AGAIN)


@LONG
def test_a_viewer_sees_two_answers_side_by_side_and_keeps_none(
    company: Company, vera: Person, gate: Path
) -> None:
    gate.touch()
    shared(company, vera, "search herons")
    vera.sees_answer("done")
    gate.unlink()
    keep, stop = words.VARIANTS["keep"], words.VARIANTS["stop"]
    company.ann.page.get_by_role("button", name=words.VARIANTS["again"]).click()
    for person in (company.ann, vera):
        expect(person.page.locator(".variant")).to_have_count(2)
    expect(company.ann.page.get_by_role("button", name=keep)).not_to_have_count(0)
    expect(company.ann.page.get_by_role("button", name=stop)).to_have_count(1)
    sees_none(vera.page, keep, stop, "Stop", words.VARIANTS["again"])
    is_fair(vera.page)
    gate.touch()
    company.ann.page.get_by_role("button", name=keep).last.click()
    expect(vera.page.get_by_text("Kept by Ann")).to_be_visible()
    sees_none(vera.page, keep, stop)
