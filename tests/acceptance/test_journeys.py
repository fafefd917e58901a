"""Whole journeys, as people go who have never been here: by what they see and nothing else. At
each station all can use the page, and no browser complains on the way.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Locator, ViewportSize, expect

from tests.acceptance.conftest import Visit
from tests.acceptance.operations_server import is_accessible
from tests.acceptance.person import Person
from tests.acceptance.server import Server
from tests.long import LONG

PHONE: ViewportSize = {"width": 390, "height": 844}
PASSWORD = "herons fly at dusk"
MINUTE = 60
NOISE = re.compile(r"net::ERR_|WebSocket|websocket|Failed to load resource")
"""What a browser itself says of a server that it cannot reach."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One where people make accounts; its model does what the first word says."""
    folder = tmp_path_factory.mktemp("journeys")
    environment = {"AGENTCHAT_AUTH": "password", "AGENTCHAT_SIGN_UP": "open", "TOLD_PACE": "0.05"}
    server = Server(folder, program=("tests.acceptance.agents_app",), **environment)
    server.start()
    (folder / "gate").touch()
    yield server
    server.kill()


def come(visit: Visit, server: Server, name: str, **options: Any) -> Person:
    """Somebody who has made an account, and sees the page of a new thread."""
    person = visit(f"{server.url}/login", **options)
    answer = person.context.request.post(
        f"{server.url}/auth/sign-up",
        data={"name": f"{name}-{time.monotonic_ns()}", "display_name": name, "password": PASSWORD},
        headers={"Origin": server.url},
    )
    assert answer.ok, answer.text()
    person.open(server.url)
    expect(person.message_box).to_be_visible()
    return person


def last(person: Person) -> Locator:
    """The message that stands last."""
    return person.messages.last


def is_over(person: Person) -> None:
    """The last message is an answer that may be thought of, and nothing is left to be stopped."""
    expect(last(person).get_by_role("button", name="Good answer")).to_be_attached()
    expect(person.stop_button).to_have_count(0)


def press(message: Locator, name: str) -> None:
    message.hover()
    message.get_by_role("button", name=name, exact=True).click()


def pick(person: Person, button: Locator, item: str) -> None:
    button.click()
    person.page.get_by_role("menuitem", name=item, exact=True).click()


def line(person: Person, title: str) -> Locator:
    """The line of a thread in the list."""
    threads = person.page.get_by_role("navigation", name="Threads")
    return threads.get_by_role("listitem").filter(has_text=title)


def focus_of(person: Person) -> str:
    """What has the focus, by the name that is read out."""
    return str(
        person.page.evaluate(
            "(({ariaLabel, innerText, id}) => ariaLabel || innerText || id)(document.activeElement)"
        )
    )


def tab_to(person: Person, name: str, most: int = 40, key: str = "Tab") -> None:
    """Go on by the Tab key until what has this name has the focus."""
    went = []
    for _ in range(most):
        person.page.keyboard.press(key)
        went.append(focus_of(person))
        if went[-1].startswith(name):
            return
    raise AssertionError(f"{name} is not reached: {went}")


def test_a_first_visit_is_at_its_first_answer_within_a_minute(visit: Visit, tmp_path: Path) -> None:
    server = Server(tmp_path, AGENTCHAT_MODEL="scripted:demo")
    server.start()
    try:
        began = time.monotonic()
        ann = visit(server.url)
        expect(
            ann.page.get_by_role("heading", name="What would you like to work on?")
        ).to_be_visible()
        expect(ann.message_box).to_be_focused()
        expect(ann.page.get_by_role("link", name="Import threads from ChatGPT")).to_be_visible()
        ann.page.get_by_role("main").get_by_role("button", name="Explain an idea").click()
        expect(ann.message_box).to_have_value(re.compile("database transactions"))
        expect(ann.message_box).to_be_focused()
        ann.page.keyboard.press("Enter")
        expect(last(ann)).to_contain_text("to talk to a real model.")
        is_over(ann)
        took = time.monotonic() - began
        assert took < MINUTE
        is_accessible(ann)
        expect(ann.threads).to_have_text([re.compile("^Explain how database transactions")])
        thread = ann.in_thread()

        ann.page.get_by_role("link", name="Pick a name").click()
        ann.page.get_by_label("Name that others see").fill("Ann Heron")
        ann.page.keyboard.press("Enter")
        expect(ann.page.get_by_text("This browser is a person of its own. Others")).to_be_visible()
        part = ann.page.get_by_role("main").get_by_role("link", name="Profile")
        expect(part).to_have_attribute("aria-current", "page")
        is_accessible(ann)
        ann.threads.first.click()
        ann.page.wait_for_url(thread)
        expect(ann.messages).to_have_count(2)
        expect(ann.message_box).to_be_focused()
        # Before its server is away, which the browser would complain of.
        ann.leave()
    finally:
        server.kill()


def test_two_people_share_a_thread_by_link_see_the_words_grow_and_either_stops_them(
    server: Server, visit: Visit
) -> None:
    ann, bob = come(visit, server, "Ann"), come(visit, server, "Bob")
    ann.say("@writer long")
    thread = ann.in_thread()
    ann.page.get_by_role("button", name="Share").click()
    dialog = ann.page.get_by_role("dialog")
    dialog.get_by_label("What the link lets people do").select_option("Lets people write")
    dialog.get_by_role("button", name="Make a link").click()
    link = dialog.get_by_role("textbox", name="The link").input_value()
    is_accessible(ann)
    ann.page.keyboard.press("Escape")

    bob.open(link)
    expect(bob.page.get_by_role("heading", name="Ann shares a thread with you")).to_be_visible()
    is_accessible(bob)
    bob.page.get_by_role("button", name="Join").click()
    bob.page.wait_for_url(thread)
    for person in (ann, bob):
        expect(last(person)).to_contain_text("This is sentence 8.")
    expect(bob.page.get_by_role("list", name="Also here")).to_contain_text("Ann is here")
    expect(bob.page.get_by_role("button", name="Shared by Ann")).to_be_visible()

    bob.message_box.press_sequentially("@writer say ")
    expect(ann.page.get_by_role("main")).to_contain_text("Bob is typing")
    bob.message_box.press_sequentially("gulls")
    bob.page.keyboard.press("Enter")
    for person in (ann, bob):
        # Of his, it is said at both what becomes of it.
        expect(last(person)).to_contain_text("Queued behind the answer above")
        expect(person.messages.nth(2)).to_contain_text("@writer say gulls")
    is_accessible(ann)
    bob.stop_button.click()
    expect(ann.messages.nth(1)).to_contain_text("Stopped by Bob")
    expect(bob.messages.nth(1)).to_contain_text("Stopped by")
    ann.say("@writer say thanks")
    for person in (ann, bob):
        is_over(person)
        expect(last(person)).to_contain_text(re.compile("You said: .*say thanks", re.S))
        expect(person.messages.nth(1)).not_to_contain_text("sentence 199.")
    kept = [person.text_of(person.messages.nth(1)) for person in (ann, bob)]
    assert kept[0] == kept[1]


def test_what_an_agent_wants_to_do_is_approved_with_other_arguments_from_the_inbox(
    server: Server, visit: Visit
) -> None:
    ann = come(visit, server, "Ann")
    page = ann.page
    ann.say("pay Bo for the boat")
    ann.in_thread()
    expect(page.get_by_role("main").get_by_role("heading", name="Approve pay?")).to_be_visible()
    is_accessible(ann)
    waiting = page.get_by_role("link", name=re.compile("^Waiting for you"))
    expect(waiting).to_contain_text("1")
    waiting.click()
    # What was pressed went with the page before.
    expect(page.get_by_role("heading", name="Waiting for you")).to_be_focused()
    card = page.get_by_role("region", name="Approve pay?")
    expect(card).to_contain_text('"amount": 50')
    card.get_by_role("button", name="Edit").click()
    box = card.get_by_role("textbox", name="Arguments as JSON")
    expect(box).to_be_focused()
    given = json.loads(box.input_value())
    box.fill(json.dumps({**given, "amount": 20}))
    is_accessible(ann)
    card.get_by_role("button", name="Approve as edited").click()
    expect(page.get_by_role("heading", name="Nothing waits for you")).to_be_visible()
    expect(waiting).not_to_contain_text("1")
    is_accessible(ann)

    ann.threads.filter(has_text="pay Bo").click()
    is_over(ann)
    expect(last(ann)).to_contain_text("paid 20 to Bo")
    expect(last(ann)).to_contain_text("Edited and approved by Ann")
    assert (server.data_dir / "paid").read_text().splitlines() == ["20 Bo"]


@LONG
def test_what_was_said_is_said_otherwise_asked_again_and_forked_and_nothing_is_lost(
    server: Server, visit: Visit
) -> None:
    ann = come(visit, server, "Ann")
    page = ann.page
    ann.say("@writer say one")
    is_over(ann)
    ann.page.keyboard.press("ArrowUp")
    editor = page.get_by_role("textbox", name="Edit the message")
    expect(editor).to_be_focused()
    editor.fill("@writer say uno")
    is_accessible(ann)
    page.get_by_role("button", name="Save and send").click()
    expect(last(ann)).to_contain_text("You said: @writer say uno")
    is_over(ann)
    expect(ann.message_box).to_be_focused()
    press(ann.messages.first, "Version before")
    expect(ann.messages.first).to_contain_text("say one")
    expect(ann.messages.first).to_contain_text("1 / 2")
    press(ann.messages.first, "Next version")
    expect(last(ann)).to_contain_text("You said: @writer say uno")

    press(last(ann), "Ask for another answer")
    both = page.get_by_role("region", name="2 answers")
    expect(both).to_be_focused()
    keep = page.get_by_role("button", name="Keep this one answer 2")
    expect(keep).to_be_visible()
    is_accessible(ann)
    keep.click()
    expect(keep).to_have_count(0)
    expect(both).to_be_focused()
    expect(page.get_by_text("Kept by")).to_be_visible()
    expect(page.get_by_role("button", name="Answer before")).to_be_visible()

    thread = ann.in_thread()
    last(ann).hover()
    pick(ann, last(ann).get_by_role("button", name="More actions"), "Fork to a new thread")
    page.wait_for_url(lambda url: url != thread and "/t/" in url)
    expect(ann.messages).to_have_count(2)
    expect(page.get_by_text("Forked from another thread")).to_be_visible()
    is_accessible(ann)
    ann.say("@writer say more")
    expect(ann.messages).to_have_count(4)
    is_over(ann)
    page.get_by_role("link", name="Open it").click()
    page.wait_for_url(thread)
    expect(ann.messages.first).to_contain_text("say uno")


def test_a_thread_is_found_kept_as_files_deleted_had_back_and_imported(
    server: Server, visit: Visit, tmp_path: Path
) -> None:
    ann = come(visit, server, "Ann")
    page = ann.page
    ann.say("@writer say quagga")
    is_over(ann)
    ann.page.get_by_role("button", name="New thread").click()
    expect(ann.messages).to_have_count(0)
    page.get_by_role("button", name=re.compile("^Search")).click()
    page.keyboard.type("quagga")
    hit = page.get_by_role("option").filter(has_text="You said").first
    expect(hit).to_be_visible()
    is_accessible(ann)
    hit.click()
    expect(last(ann)).to_contain_text("You said: @writer say quagga")
    expect(last(ann)).to_be_focused()

    kept = {}
    for kind, ending in (("Markdown", "md"), ("JSON", "json")):
        with page.expect_download() as download:
            pick(ann, page.get_by_role("button", name="Export and import"), f"Export as {kind}")
        kept[ending] = tmp_path / download.value.suggested_filename
        download.value.save_as(kept[ending])
    assert "You said: @writer say quagga" in kept["md"].read_text("utf-8")

    title = ann.threads.first.inner_text()
    options = line(ann, title).get_by_role("button", name="Thread options")
    line(ann, title).hover()
    pick(ann, options, "Delete")
    expect(line(ann, title)).to_have_count(0)
    is_accessible(ann)
    page.get_by_role("button", name="Undo").click()
    expect(line(ann, title)).to_have_count(1)
    expect(last(ann)).to_contain_text("You said: @writer say quagga")

    pick(ann, page.get_by_role("button", name="Export and import"), "Import threads")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("main").get_by_role("button", name="Choose a file").click()
    chooser.value.set_files(kept["json"])
    expect(page.get_by_text("1 thread was made.")).to_be_visible()
    is_accessible(ann)
    page.get_by_role("main").get_by_role("link", name=title).click()
    expect(last(ann)).to_contain_text("You said: @writer say quagga")
    expect(line(ann, title)).to_have_count(2)


def test_a_phone_does_it_all_by_touch(server: Server, visit: Visit) -> None:
    ann = come(visit, server, "Ann", viewport=PHONE, has_touch=True, is_mobile=True)
    page = ann.page
    is_accessible(ann)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Attach files").tap()
    notes = FilePayload(name="notes.txt", mimeType="text/plain", buffer=b"Herons at dusk.")
    chooser.value.set_files(notes)
    expect(page.get_by_role("list", name="Files of this message")).to_contain_text("notes.txt")
    ann.message_box.tap()
    page.keyboard.type("@writer say herons")
    is_accessible(ann)
    ann.send_button.tap()
    is_over(ann)
    expect(ann.messages.first).to_contain_text("notes.txt")
    expect(last(ann)).to_be_in_viewport()
    expect(ann.message_box).to_be_in_viewport()

    more = last(ann).get_by_role("button", name="More actions")
    more.tap()
    expect(page.get_by_role("menuitem", name="Fork to a new thread")).to_be_in_viewport(ratio=1)
    is_accessible(ann)
    page.keyboard.press("Escape")

    show = page.get_by_role("button", name="Show threads")
    show.tap()
    expect(ann.threads.first).to_be_in_viewport()
    is_accessible(ann)
    page.get_by_role("button", name="New thread").tap()
    expect(ann.messages).to_have_count(0)
    show.tap()
    page.get_by_role("button", name=re.compile("^Search")).tap()
    page.keyboard.type("herons")
    hit = page.get_by_role("option").filter(has_text="You said").first
    expect(hit).to_be_in_viewport()
    is_accessible(ann)
    hit.tap()
    expect(last(ann)).to_contain_text("You said")
    expect(last(ann)).to_be_in_viewport()


@LONG
def test_all_of_a_first_visit_is_done_by_keys_alone(server: Server, visit: Visit) -> None:
    ann = visit(server.url)
    page, keys = ann.page, ann.page.keyboard
    # Whoever is the first here makes the first account; others ask for one.
    expect(page.get_by_role("heading", name=re.compile("Make the first|Log in"))).to_be_visible()
    if page.get_by_role("heading", name="Log in").count():
        tab_to(ann, "Make an account")
        keys.press("Enter")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    is_accessible(ann)
    keys.type("keys")
    keys.press("Tab")
    keys.type("Kay")
    keys.press("Tab")
    keys.type(PASSWORD)
    keys.press("Enter")
    expect(ann.message_box).to_be_focused()

    tab_to(ann, "Explain an idea", key="Shift+Tab")
    keys.press("Enter")
    expect(ann.message_box).to_have_value(re.compile("transactions"))
    keys.press("Control+a")
    keys.type("@wri")
    keys.press("Enter")
    expect(ann.message_box).to_have_value("@writer ")
    keys.type("count herons")
    keys.press("Enter")
    expect(last(ann)).to_contain_text("counts 3.")
    keys.press("Escape")
    expect(last(ann)).to_contain_text("Stopped by")
    expect(ann.message_box).to_be_focused()
    is_accessible(ann)

    tab_to(ann, "Try again", key="Shift+Tab")
    keys.press("?")
    shortcuts = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(shortcuts.get_by_text("Stop the answer")).to_be_visible()
    is_accessible(ann)
    keys.press("Escape")
    expect(shortcuts).to_have_count(0)
    assert focus_of(ann).startswith("Try again")
    keys.press("Enter")
    expect(last(ann)).to_contain_text("counts 3.")
    keys.press("Escape")
    expect(last(ann)).to_contain_text("Stopped by")
    keys.press("Control+Shift+O")
    expect(ann.messages).to_have_count(0)
    keys.press("Control+k")
    keys.type("count herons")
    expect(page.get_by_role("option").first).to_contain_text("herons")
    keys.press("Enter")
    expect(ann.messages).not_to_have_count(0)


def test_an_answer_goes_on_through_a_lost_network_and_a_killed_server(
    server: Server, visit: Visit
) -> None:
    ann = come(visit, server, "Ann", strict=False)
    lost = ann.page.get_by_text("Connection lost")
    ann.say("@writer count herons")
    expect(last(ann)).to_contain_text("counts 3.")
    ann.context.set_offline(True)
    expect(lost).to_be_visible()
    is_accessible(ann)
    ann.message_box.fill("typed meanwhile")
    ann.context.set_offline(False)
    expect(lost).to_have_count(0)
    expect(ann.message_box).to_have_value("typed meanwhile")
    is_over(ann)

    ann.message_box.fill("@writer count gulls")
    ann.send_button.click()
    expect(ann.messages).to_have_count(4)
    expect(last(ann)).to_contain_text("counts 3.")
    server.kill()
    expect(lost).to_be_visible()
    server.start()
    expect(lost).to_have_count(0)
    is_over(ann)
    counted = [f"The writer counts {n}." for n in range(1, 41)]
    for answer in (1, 3):
        assert ann.text_of(ann.messages.nth(answer)) == " ".join(counted)
    assert [one for one in ann.complaints if not NOISE.search(one)] == []
