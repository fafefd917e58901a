"""What a public link opens, as somebody sees it who has nothing but the link."""

from __future__ import annotations

import base64
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Browser, Locator, Page, WebSocket, expect

from agentchat.ui import words, words_sharing
from tests.acceptance.conftest import Visit
from tests.acceptance.person import Person
from tests.acceptance.server import Server, openai_at
from tests.acceptance.test_login_pages import is_fair
from tests.acceptance.test_sharing_page import (
    QUESTION,
    Company,
    company_at,
    here,
    open_dialog,
)
from tests.fake_provider import FakeProvider, Reply
from tests.long import LONG

ENVIRONMENT = {
    "AGENTCHAT_AUTH": "password",
    "AGENTCHAT_SIGN_UP": "open",
    "AGENTCHAT_PUBLIC_LINKS": "true",
}

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture(scope="module")
def company(
    browser: Browser, fake_of_package: FakeProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Company]:
    server = Server(tmp_path_factory.mktemp("data"), **ENVIRONMENT, **openai_at(fake_of_package))
    with company_at(server, browser) as company:
        yield company


@pytest.fixture
def thread(company: Company, fake: FakeProvider) -> str:
    """A thread of Ann's with an answer in it, which she looks at."""
    company.ann.open(company.url)
    fake.enqueue(Reply("In **trees**, by the water."))
    company.ann.say(QUESTION)
    company.ann.sees_answer("done")
    return company.ann.in_thread()


def public_link(ann: Person) -> str:
    """A link that Ann makes in the dialog, which stays open."""
    dialog = open_dialog(ann)
    dialog.get_by_label("What the link lets people do").select_option("public")
    expect(dialog.get_by_text(words_sharing.SHARING["publicText"])).to_be_visible()
    is_fair(ann.page)
    dialog.get_by_role("button", name="Make a link").click()
    made = dialog.get_by_role("textbox", name="The link")
    expect(made).to_be_focused()
    link = made.input_value()
    dialog.get_by_role("button", name="Done").click()
    expect(dialog.locator('[data-part="share-link"]')).to_contain_text("Lets anybody read")
    return link


def over(page: Page) -> Locator:
    return page.get_by_role("heading", name=words_sharing.LINK_OVER)


def heard_by(page: Page) -> list[str]:
    """What a page is sent over its sockets from now on."""
    frames: list[str] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda text: frames.append(str(text)))

    page.on("websocket", listen)
    return frames


def test_anybody_reads_along_who_has_the_link_until_it_is_revoked(
    company: Company, thread: str, fake: FakeProvider, visit: Visit
) -> None:
    ann = company.ann
    link = public_link(ann)
    assert re.fullmatch(rf"{re.escape(company.url)}/read#[\w-]{{40,}}", link)
    token = link.partition("#")[2]
    reader = visit(f"{company.url}/read")
    page, frames = reader.page, heard_by(reader.page)
    expect(over(page)).to_be_visible()
    page.goto("about:blank")
    reader.open(link)
    expect(page.get_by_role("heading", level=1)).to_have_text(QUESTION)
    expect(page).to_have_title(f"{QUESTION} · agentchat")
    expect(page.locator('[data-part="shared-by"]')).to_have_text("Shared by Ann")
    expect(page.locator('[data-part="read-only"]')).to_contain_text(words_sharing.READ)
    expect(reader.messages).to_have_count(2)
    expect(reader.messages.first).to_contain_text("Ann")
    assert reader.sees_answer("done") == "In trees, by the water."
    expect(reader.answer.locator("strong")).to_have_text("trees")
    is_fair(page)
    # Nothing can be done there, and nothing leads into the app.
    for role in ("textbox", "navigation", "link"):
        expect(page.get_by_role(role)).to_have_count(0)
    for name in ("Send", "Stop", "Try again", "Share", words.VARIANTS["again"]):
        expect(page.get_by_role("button", name=name)).to_have_count(0)

    # Ann sees that somebody reads, and what she says next grows before both.
    ann.page.keyboard.press("Escape")
    expect(here(ann)).to_have_text(["1One visitor reads by a public link"])
    gate = threading.Event()
    fake.enqueue(Reply("Otters sleep in dens.", until=gate))
    ann.say("And otters?")
    expect(reader.messages).to_have_count(4)
    expect(reader.answer).to_have_attribute("data-status", "running")
    reader.sees_in_answer("Otters sleep in dens.")
    gate.set()
    assert reader.sees_answer("done") == "Otters sleep in dens."

    # What tells how the app works is not even sent.
    sent = "".join(frames)
    assert "Otters sleep" in sent
    runs = [str(row[0]) for row in company.server.rows("SELECT id FROM workflows")]
    assert len(runs) >= 2
    for secret in (*runs, "fake-model", thread.rpartition("/")[2]):
        assert secret not in sent
    assert token not in "".join([*reader.requested, *company.server.output])
    answer = reader.context.request.get(f"{company.url}/read", headers={"Accept": "text/html"})
    assert answer.headers["x-robots-tag"] == "noindex"
    assert answer.headers["referrer-policy"] == "no-referrer"

    dialog = open_dialog(ann)
    dialog.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("Otters sleep")).to_have_count(0)
    expect(over(page)).to_be_visible()
    expect(page).to_have_title(f"{words_sharing.READ_TITLE} · agentchat")
    is_fair(page)
    page.reload()
    expect(over(page)).to_be_visible()
    expect(page.get_by_text("Otters sleep")).to_have_count(0)
    expect(here(ann)).to_have_count(0)


def test_its_files_open_for_whoever_reads_it_and_for_nobody_else(
    company: Company, thread: str, visit: Visit
) -> None:
    link = public_link(company.ann)
    # Nobody looks while it comes.
    company.ann.open(f"{company.url}/runs")
    add_files(company.server, thread.rpartition("/")[2])
    reader = visit(link)
    files = reader.page.locator('[data-part="files"]')
    picture = files.get_by_role("link", name="Open boat.png")
    expect(picture.locator("img")).to_be_visible()
    reader.page.wait_for_function(
        "() => document.querySelector('.read-files img').naturalWidth > 0"
    )
    is_fair(reader.page)
    with reader.page.expect_download() as coming:
        files.get_by_role("link", name="Open log.csv").click()
    assert coming.value.suggested_filename == "log.csv"
    assert coming.value.path().read_bytes() == b"day,birds\n1,7\n"

    where = f"{company.url}{picture.get_attribute('href')}"
    assert link.partition("#")[2] not in where
    [cookie] = [one for one in reader.context.cookies(where) if one["name"] == "agentchat-read"]
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    # Of no use for anything else that is asked here.
    assert [one["name"] for one in reader.context.cookies(company.url)] == []
    assert reader.context.request.get(where).status == 200
    stranger = visit(f"{company.url}/login")
    assert stranger.context.request.get(where).status == 404
    assert company.ann.context.request.get(where).status == 404


def add_files(server: Server, thread_id: str) -> None:
    """Files of the first message of a thread."""
    query = f"SELECT id FROM messages WHERE thread_id = '{thread_id}' AND position = 0"
    [(message_id,)] = server.rows(query)
    with closing(sqlite3.connect(server.data_dir / "agentchat.db", timeout=20)) as database:
        for number, (name, kind, content) in enumerate(
            (("boat.png", "image/png", PIXEL), ("log.csv", "text/csv", b"day,birds\n1,7\n"))
        ):
            row = {
                "id": f"file-{thread_id[:20]}-{number}",
                "thread_id": thread_id,
                "message_id": message_id,
                "position": number,
                "name": name,
                "media_type": kind,
                "size": len(content),
                "content": content,
                "text": "",
                "created_at": "2026-01-01 09:00:00.000000",
            }
            marks = ", ".join(f":{column}" for column in row)
            database.execute(f"INSERT INTO attachments ({', '.join(row)}) VALUES ({marks})", row)
        database.commit()


@LONG
def test_who_may_open_the_thread_in_the_app_is_led_there_and_others_are_not(
    company: Company, thread: str, visit: Visit
) -> None:
    link = public_link(company.ann)
    bob = company.account("bob")
    bob.open(link)
    expect(bob.messages).to_have_count(2)
    expect(bob.page.locator('[data-part="open-own"]')).to_have_count(0)
    company.ann.open(link)
    company.ann.page.get_by_role("link", name=words_sharing.OPEN_OWN).click()
    expect(company.ann.page).to_have_url(thread)
    expect(company.ann.message_box).to_be_visible()
    # Another link in the same tab opens another thread, or none.
    bob.page.evaluate("() => { window.location.hash = 'nothing' }")
    expect(over(bob.page)).to_be_visible()
    bob.page.evaluate("(token) => { window.location.hash = token }", link.partition("#")[2])
    expect(bob.messages).to_have_count(2)


@LONG
def test_where_public_links_are_off_none_is_offered_and_old_ones_open_nothing(
    company: Company, thread: str, fake: FakeProvider, browser: Browser, visit: Visit
) -> None:
    ann, link = company.ann, public_link(company.ann)
    state = ann.context.storage_state()
    settings = ENVIRONMENT | {"AGENTCHAT_PUBLIC_LINKS": "false"}
    off = Server(company.server.data_dir, **settings, **openai_at(fake))
    off.start()
    try:
        person = Person(browser.new_context(storage_state=state))
        person.open(thread.replace(company.url, off.url))
        dialog = open_dialog(person)
        kinds = dialog.get_by_label("What the link lets people do").get_by_role("option")
        expect(kinds).to_have_text(["Lets people write", "Lets people read"])
        old = dialog.locator('[data-part="share-link"]').last
        expect(old).to_contain_text(words_sharing.SHARING["publicOff"])
        reader = visit(link.replace(company.url, off.url))
        expect(over(reader.page)).to_be_visible()
        old.get_by_role("button", name="Revoke").click()
        expect(dialog.locator('[data-part="share-link"]')).to_have_count(0)
        person.leave()
        reader.leave()
    finally:
        off.kill()
