"""What a page shows while an answer grows: in each frame, without a network, in long threads."""

from __future__ import annotations

import signal
import sqlite3
import threading
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import expect

from agentchat.store.database import know_words
from tests.acceptance.conftest import Visit
from tests.acceptance.person import Person
from tests.acceptance.server import Server
from tests.fake_provider import FakeProvider, Reply

SENTENCES = " ".join(f"This is sentence {n}." for n in range(1, 31))

RECORD = """() => {
  window.frames_seen = [];
  let last = "";
  const look = () => {
    const answers = [...document.querySelectorAll('article[data-role="assistant"]')];
    const frame = answers.map((answer) => ({
      id: answer.dataset.id,
      status: answer.dataset.status,
      text: answer.querySelector("[data-part=text]").textContent,
    }));
    const now = JSON.stringify(frame);
    if (now !== last) window.frames_seen.push(frame);
    last = now;
    requestAnimationFrame(look);
  };
  look();
}"""


def sentences(what: str, count: int) -> str:
    return " ".join(f"{what} sentence {n}." for n in range(1, count + 1))


def test_in_each_frame_a_text_grows_or_is_begun_anew_and_a_finished_one_is_there_once(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    tries = [sentences(what, 15) for what in ("First", "Second", "Third")]
    seen = threading.Event()
    fake.enqueue(
        Reply(tries[0], pace=0.02, cut_after=8, cut="drop", until=seen),
        Reply(tries[1], pace=0.03, until=threading.Event()),
        # Slow enough to be drawn many times on a machine that does something else too.
        Reply(tries[2], pace=0.05),
    )
    ann = visit(server.url)
    ann.say("Tell me a long story")
    bob = visit(ann.in_thread())
    bob.page.evaluate(RECORD)
    bob.sees_in_answer("First sentence 3.")
    seen.set()
    bob.sees_in_answer("Second sentence 5.")
    ann.stop_button.click()
    stopped = bob.sees_answer("stopped")
    assert tries[1].startswith(stopped)
    bob.answer.get_by_role("button", name="Try again").click()
    assert bob.sees_answer("done") == tries[2]
    ann.say("And another")
    expect(bob.messages).to_have_count(4)
    bob.sees_answer("done")
    frames: list[list[dict[str, str]]] = bob.page.evaluate("() => window.frames_seen")
    while not frames[0]:
        frames.pop(0)
    check(frames, tries)
    assert len(frames) > 3


def check(frames: list[list[dict[str, str]]], tries: list[str]) -> None:
    begun = finished = 0
    for frame in frames:
        assert len({answer["id"] for answer in frame}) == len(frame)
        times = sum(answer["text"] == tries[2] for answer in frame)
        done = any(answer["text"] == tries[2] and answer["status"] == "done" for answer in frame)
        assert times <= 1
        # Once it is finished it is never away again.
        assert done or not finished
        finished = finished or done
    first = frames[0][0]["id"]
    texts = [next(a["text"] for a in frame if a["id"] == first) for frame in frames]
    for text in texts:
        assert any(said.startswith(text) for said in tries), text
    for before, after in pairwise(texts):
        if not after.startswith(before):
            begun += 1
            assert any(after == "" or text.startswith(after) for text in tries[begun:]), after
    assert begun <= 3


@pytest.mark.long
def test_a_page_without_a_network_catches_up_when_it_is_back(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    fake.enqueue(Reply(SENTENCES, pace=0.08))
    ann = visit(server.url)
    ann.say("Tell me a long story")
    bob = visit_with_sockets(visit, ann)
    bob.sees_in_answer("sentence 2.")
    bob.context.set_offline(True)
    bob.page.evaluate("() => window.sockets.forEach((socket) => socket.close())")
    expect(bob.page.get_by_text("Connection lost. The answer goes on")).to_be_visible()
    kept = bob.text_of(bob.answer)
    assert SENTENCES.startswith(kept)
    # It goes on, for those who have a network.
    ann.sees_in_answer("sentence 25.")
    assert bob.text_of(bob.answer) == kept
    bob.context.set_offline(False)
    assert bob.sees_answer("done") == ann.sees_answer("done") == SENTENCES
    expect(bob.page.get_by_text("Connection lost")).to_be_hidden()
    assert bob.page.locator(".log").inner_text() == ann.page.locator(".log").inner_text()


def visit_with_sockets(visit: Visit, other: Person) -> Person:
    """Somebody in the same thread, whose page keeps its sockets where they can be closed."""
    thread = other.in_thread()
    person = visit(thread, strict=False)
    person.context.add_init_script(
        """window.sockets = [];
        const Plain = window.WebSocket;
        window.WebSocket = class extends Plain {
          constructor(...given) { super(...given); window.sockets.push(this); }
        };"""
    )
    person.open(thread)
    return person


def test_what_was_said_stays_the_element_that_it_was_while_more_comes(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    text = "# Title\n\nFirst paragraph.\n\n```python\nx = 1\n```\n\n" + SENTENCES
    fake.enqueue(Reply(text, pace=0.02))
    ann = visit(server.url)
    ann.say("Explain")
    ann.sees_in_answer("sentence 3.")
    ann.page.evaluate(
        """() => {
          const answer = document.querySelector('article[data-role="assistant"]');
          window.kept = [answer, ...answer.querySelectorAll("h1, h2, pre, [data-part=text] > p")];
          window.changes = 0;
          const settled = answer.querySelector("[data-part=text]").firstElementChild;
          new MutationObserver((all) => { window.changes += all.length; }).observe(
            settled, { subtree: true, childList: true, characterData: true, attributes: true });
        }"""
    )
    ann.sees_answer("done")
    assert ann.page.evaluate("() => window.kept.length") >= 4
    assert ann.page.evaluate("() => window.kept.every((element) => element.isConnected)")
    assert ann.page.evaluate("() => window.changes") == 0


def test_references_and_notes_find_what_they_name(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    fake.enqueue(
        Reply("See [the manual][m] and a note[^1].\n\n[m]: https://a.test/\n\n[^1]: Here.")
    )
    ann = visit(server.url)
    ann.say("Where?")
    ann.sees_answer("done")
    expect(ann.answer.get_by_role("link", name="the manual")).to_have_attribute(
        "href", "https://a.test/"
    )
    expect(ann.answer).not_to_contain_text("[m]")


def test_a_message_is_on_the_page_in_the_frame_in_which_it_is_sent(
    server: Server, visit: Visit
) -> None:
    ann = visit(server.url)
    ann.message_box.fill("Right now")
    server.send(signal.SIGSTOP)
    try:
        frames = ann.page.evaluate(
            """() => new Promise((resolve) => {
              let frames = 0;
              const look = () => {
                frames += 1;
                const there = document.querySelector('article[data-role="user"]');
                if (there || frames > 100) resolve(frames);
                else requestAnimationFrame(look);
              };
              document.querySelector("button[type=submit], button[aria-label=Send]").click();
              requestAnimationFrame(look);
            })"""
        )
        assert ann.page.evaluate(STAYS) == 60
        expect(ann.messages.first).to_contain_text("Right now")
        expect(ann.messages.first).to_have_attribute("data-status", "pending")
    finally:
        server.send(signal.SIGCONT)
    assert frames == 1
    ann.sees_answer("done")


STAYS = """() => new Promise((resolve) => {
  let frames = 0;
  const look = () => {
    if (frames === 60 || !document.querySelector('article[data-role="user"]')) resolve(frames);
    else { frames += 1; requestAnimationFrame(look); }
  };
  look();
})"""
"""In how many of sixty frames a message is there, up to the first in which it is not."""


OLDER = """
if (sessionStorage.getItem("renewed") === null) {
  const watching = new MutationObserver(() => {
    const link = document.querySelector('link[href*="/assets/manifest-"]');
    link?.setAttribute("href", "/assets/manifest-0.js");
    if (link) watching.disconnect();
  });
  watching.observe(document, { childList: true, subtree: true });
}"""


@pytest.mark.long
def test_a_page_of_an_older_build_offers_to_be_loaded_again(server: Server, visit: Visit) -> None:
    ann = visit(server.url, strict=False)
    newer = ann.page.get_by_text("There is a new version of this page")
    ann.message_box.fill("Half a thought")
    ann.page.wait_for_function("() => sessionStorage.length > 0")
    expect(newer).to_be_hidden()
    ann.page.add_init_script(OLDER)
    ann.page.reload()
    expect(newer).to_be_visible()
    ann.page.evaluate("() => sessionStorage.setItem('renewed', 'yes')")
    ann.page.get_by_role("button", name="Reload the page").click()
    expect(newer).to_be_hidden()
    expect(ann.message_box).to_have_value("Half a thought")


LENGTH = 134


@pytest.fixture
def long_thread(server: Server, visit: Visit) -> str:
    """The address of a thread with many messages."""
    ann = visit(server.url)
    ann.say("Message 1")
    address = ann.in_thread()
    ann.sees_answer("done")
    fill(server, address.rsplit("/", 1)[1], LENGTH)
    return address


def fill(server: Server, thread_id: str, length: int) -> None:
    connection = sqlite3.connect(server.data_dir / "agentchat.db")
    know_words(connection)
    with connection:
        columns = "id, thread_id, position, role, status, text, author, model, created_at"
        at = "2026-01-01 00:00:00.000000"
        rows: list[tuple[Any, ...]] = [
            (f"m-{thread_id}-{n}", thread_id, n, "user", "done", f"Message {n + 1}", "you", "", at)
            for n in range(2, length)
        ]
        connection.executemany(
            f"INSERT INTO messages ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows
        )
        connection.execute(f"UPDATE threads SET length = {length} WHERE id = '{thread_id}'")
    connection.close()


@pytest.mark.parametrize("anchors", ["auto", pytest.param("none", marks=pytest.mark.long)])
def test_earlier_messages_come_as_the_reader_goes_up_and_nothing_jumps(
    server: Server, long_thread: str, visit: Visit, anchors: str
) -> None:
    bob = visit(long_thread, viewport={"width": 900, "height": 600})
    # Not every browser keeps the reader's place by itself.
    bob.page.add_style_tag(content=f".scroller {{ overflow-anchor: {anchors} }}")
    last = bob.messages.last
    expect(last).to_contain_text(f"Message {LENGTH}")
    expect(last).to_be_in_viewport()
    shown = bob.messages.count()
    assert 50 <= shown < 90
    while shown < LENGTH:
        before = bob.page.evaluate(GO_UP)
        expect(bob.messages).not_to_have_count(shown)
        assert abs(bob.page.evaluate(PLACE, before["id"]) - before["top"]) < 2
        shown = bob.messages.count()
    expect(bob.messages).to_have_count(LENGTH)
    expect(bob.messages.first).to_contain_text("Message 1")


GO_UP = """() => {
  const scroller = document.querySelector(".scroller");
  scroller.scrollTop = 300;
  const edge = scroller.getBoundingClientRect().top;
  const all = [...document.querySelectorAll("article")];
  const first = all.find((one) => one.getBoundingClientRect().bottom > edge);
  return { id: first.dataset.id, top: first.getBoundingClientRect().top };
}"""
PLACE = "(id) => document.querySelector(`[data-id='${id}']`)?.getBoundingClientRect().top ?? null"
