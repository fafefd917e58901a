"""What people do with messages: edit and go back, think of them, fork, link, keep as files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Locator, ViewportSize, expect

from tests.acceptance.conftest import Visit
from tests.acceptance.operations_server import is_accessible
from tests.acceptance.person import Person
from tests.acceptance.server import Server
from tests.long import LONG

PHONE: ViewportSize = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("actions")
    server = Server(folder, program=("tests.acceptance.agents_app",), TOLD_PACE="0.05")
    server.start()
    yield server
    server.kill()


def said(person: Person) -> Locator:
    """What people said, in the thread."""
    return person.page.locator('article[data-role="user"]')


def texts(person: Person) -> Locator:
    return person.page.locator('article[data-role="user"] [data-part=text]')


def press(message: Locator, name: str) -> None:
    message.hover()
    message.get_by_role("button", name=name, exact=True).click()


def more(message: Locator, item: str) -> None:
    press(message, "More actions")
    message.page.get_by_role("menuitem", name=item).click()


def editor(person: Person) -> Locator:
    return person.page.get_by_role("textbox", name="Edit the message")


def focused(person: Person) -> str:
    return str(
        person.page.evaluate(
            "document.activeElement.getAttribute('aria-label') ?? document.activeElement.id"
        )
    )


def talk(person: Person, *words: str) -> str:
    """Say these things, and wait for each to be answered; the address of the thread."""
    for number, text in enumerate(words, 1):
        person.say(text)
        expect(person.page.locator('article[data-role="assistant"]')).to_have_count(number)
        person.sees_answer("done")
    return person.in_thread()


def test_a_message_is_edited_and_everybody_goes_back_and_forth(
    server: Server, visit: Visit
) -> None:
    ann = visit(server.url)
    address = talk(ann, "say one", "say two")
    bob = visit(address)
    expect(texts(bob)).to_have_text(["say one", "say two"])
    press(said(ann).first, "Edit")
    expect(editor(ann)).to_be_focused()
    expect(editor(ann)).to_have_value("say one")
    is_accessible(ann)
    # Left as it was, and the focus where it came from.
    ann.page.keyboard.press("Escape")
    expect(editor(ann)).to_have_count(0)
    assert focused(ann) == "Edit"
    ann.page.keyboard.press("Enter")
    editor(ann).fill("say uno")
    ann.page.keyboard.press("Control+Enter")
    for person in (ann, bob):
        expect(texts(person)).to_have_text(["say uno"])
        expect(said(person).get_by_text("2 / 2")).to_be_visible()
        person.sees_answer("done")
    expect(editor(ann)).to_have_count(0)
    expect(ann.message_box).to_be_focused()
    # Bob goes back, and Ann sees it.
    said(bob).first.get_by_role("button", name="Version before").click()
    for person in (ann, bob):
        expect(texts(person)).to_have_text(["say one", "say two"])
        expect(said(person).first.get_by_text("1 / 2")).to_be_visible()
    expect(said(bob).first.get_by_role("button", name="Version before")).to_have_attribute(
        "aria-disabled", "true"
    )
    # The arrow went with the message that it was at; the one that came has its place.
    expect(said(bob).first.get_by_role("button", name="Version before")).to_be_focused()
    is_accessible(bob)
    ann.page.reload()
    expect(texts(ann)).to_have_text(["say one", "say two"])


@LONG
def test_what_is_refused_stays_in_the_box(server: Server, visit: Visit) -> None:
    ann = visit(server.url)
    talk(ann, "say one")
    press(said(ann).first, "Edit")
    editor(ann).fill("x" * 100_001)
    send = ann.page.get_by_role("button", name="Save and send")
    send.click()
    expect(ann.page.get_by_role("alert")).to_contain_text("100,001 characters")
    expect(editor(ann)).to_have_value("x" * 100_001)
    editor(ann).fill("say eins")
    send.click()
    expect(texts(ann)).to_have_text(["say eins"])


def test_an_answer_is_thought_of_forked_and_linked(server: Server, visit: Visit) -> None:
    ann = visit(server.url, permissions=["clipboard-read", "clipboard-write"])
    address = talk(ann, "say one", "say two")
    answer = ann.page.locator('article[data-role="assistant"]').first
    press(answer, "Bad answer")
    why = ann.page.get_by_label("What was wrong with it?")
    expect(why).to_be_focused()
    is_accessible(ann)
    why.fill("Too short")
    ann.page.keyboard.press("Enter")
    bad = answer.get_by_role("button", name="Bad answer")
    expect(bad).to_have_attribute("aria-pressed", "true")
    expect(bad).to_be_focused()
    ann.page.reload()
    expect(bad).to_have_attribute("aria-pressed", "true")
    press(answer, "Bad answer")
    expect(bad).to_have_attribute("aria-pressed", "false")
    # A link leads to the message, and marks it.
    more(answer, "Copy a link to this message")
    link = ann.page.evaluate("navigator.clipboard.readText()")
    message = answer.get_attribute("data-id")
    assert link == f"{address}#m-{message}"
    bob = visit(link)
    expect(bob.page.locator(f'[data-id="{message}"]')).to_be_focused()
    expect(bob.page.locator(f'[data-id="{message}"]')).to_be_in_viewport()
    # Forked, it is a thread of its own.
    more(answer, "Fork to a new thread")
    ann.page.wait_for_url(lambda url: url != address and "/t/" in url)
    expect(ann.messages).to_have_count(2)
    expect(ann.page.get_by_text("Forked from another thread")).to_be_visible()
    ann.page.get_by_role("link", name="Open it").click()
    ann.page.wait_for_url(address)
    expect(ann.messages).to_have_count(4)


@LONG
def test_a_link_leads_far_up(server: Server, visit: Visit) -> None:
    ann = visit(f"{server.url}/import")
    held = json.dumps(long_thread(160)).encode()
    ann.page.set_input_files(
        "input[type=file]", FilePayload(name="t.json", mimeType="application/json", buffer=held)
    )
    ann.page.get_by_role("link", name="A long one").first.click()
    expect(ann.page.get_by_text("word 159.")).to_be_visible()
    address = ann.in_thread()
    far = message_far_up(ann)
    bob = visit(f"{address}#m-{far}")
    expect(bob.page.locator(f'[data-id="{far}"]')).to_be_in_viewport()
    expect(bob.page.locator(f'[data-id="{far}"]')).to_contain_text("word 4.")
    # A link to nothing says so.
    carl = visit(f"{address}#m-no-such-message")
    expect(carl.page.get_by_text("not in the thread any more")).to_be_visible()


def long_thread(number: int) -> object:
    at = "2026-01-01T00:00:00Z"
    messages = [
        {"id": f"m{n}", "position": n, "text": f"word {n}.", "created_at": at}
        | {"role": "assistant" if n % 2 else "user"}
        for n in range(number)
    ]
    thread = {"title": "A long one", "created_at": at}
    return {"format": "agentchat.thread/1", "thread": thread, "messages": messages}


def message_far_up(person: Person) -> str:
    """The id of a message that is not on the page at first."""
    person.page.goto(f"{person.page.url}?messages=200")
    found = person.page.locator("article", has_text=re.compile(r"word 4\."))
    expect(found).to_have_count(1)
    return str(found.get_attribute("data-id"))


@LONG
def test_a_thread_is_kept_as_a_file_and_imported_again(
    server: Server, visit: Visit, tmp_path: Path
) -> None:
    ann = visit(server.url, viewport=PHONE)
    talk(ann, "say one")
    menu = ann.page.get_by_role("button", name="Export and import")
    menu.click()
    with ann.page.expect_download() as download:
        ann.page.get_by_role("menuitem", name="Export as JSON").click()
    kept = tmp_path / "thread.json"
    download.value.save_as(kept)
    menu.click()
    with ann.page.expect_download() as download:
        ann.page.get_by_role("menuitem", name="Export as Markdown").click()
    download.value.save_as(tmp_path / "thread.md")
    assert "say one" in (tmp_path / "thread.md").read_text("utf-8")
    menu.click()
    ann.page.get_by_role("menuitem", name="Import threads").click()
    expect(ann.page.get_by_role("heading", name="Import threads")).to_be_visible()
    wrong = tmp_path / "wrong.json"
    wrong.write_text("{}", "utf-8")
    ann.page.set_input_files("input[type=file]", wrong)
    expect(ann.page.get_by_text("This is no file of threads")).to_be_visible()
    is_accessible(ann)
    ann.complaints.clear()
    ann.page.set_input_files("input[type=file]", kept)
    expect(ann.page.get_by_text("1 thread was made.")).to_be_visible()
    is_accessible(ann)
    ann.page.get_by_role("main").get_by_role("link", name="say one").click()
    ann.in_thread()
    expect(texts(ann)).to_have_text(["say one"])
    # It is hers, to be edited.
    press(said(ann).first, "Edit")
    expect(editor(ann)).to_have_value("say one")


def test_a_stopped_answer_goes_on(server: Server, visit: Visit) -> None:
    ann = visit(server.url)
    ann.say("@writer count herons")
    ann.sees_in_answer("1")
    ann.stop_button.click()
    ann.sees_answer("stopped")
    more(ann.answer, "Continue this answer")
    ann.sees_answer("done")
    expect(ann.answer.get_by_text("Continued by")).to_be_visible()
