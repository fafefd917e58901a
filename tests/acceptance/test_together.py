"""Two browsers on one thread: the same words, at the same time, and either may stop them."""

from __future__ import annotations

import threading

import pytest
from playwright.sync_api import expect

from tests.acceptance.conftest import Visit
from tests.acceptance.server import Server
from tests.fake_provider import FakeProvider, Reply

SENTENCES = " ".join(f"This is sentence {n}." for n in range(1, 31))

pytestmark = pytest.mark.parametrize(
    "server_of_package",
    ["openai", pytest.param("anthropic", marks=pytest.mark.long)],
    indirect=True,
)


def test_both_see_the_answer_grow_and_end_with_the_same_words(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    gate = threading.Event()
    fake.enqueue(Reply(SENTENCES, pace=0.03, until=gate))
    ann = visit(server.url)
    ann.say("Tell me a long story")
    bob = visit(ann.in_thread())
    expect(bob.messages.first).to_contain_text("Tell me a long story")
    bob.sees_in_answer("sentence 2.")
    assert SENTENCES.startswith(bob.text_of(bob.answer))
    expect(bob.answer).to_have_attribute("data-status", "running")
    gate.set()
    assert bob.sees_answer("done") == ann.sees_answer("done") == SENTENCES
    expect(ann.messages).to_have_count(2)
    expect(bob.messages).to_have_count(2)


def test_the_other_one_stops_it_and_nothing_is_added(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    story = " ".join(f"This is sentence {n}." for n in range(1, 2000))
    fake.enqueue(Reply(story, pace=0.05))
    ann = visit(server.url)
    ann.say("Tell me a long story")
    bob = visit(ann.in_thread())
    bob.sees_in_answer("sentence 2.")
    bob.stop_button.click()
    fake.wait_for(lambda: fake.requests[0].closed_by_client)
    kept = bob.sees_answer("stopped")
    assert ann.sees_answer("stopped") == kept
    expect(ann.answer).to_contain_text("Stopped by")
    assert "sentence 2." in kept
    assert story.startswith(kept)
    sent = fake.requests[0].pieces_sent
    ann.page.wait_for_timeout(500)
    assert fake.requests[0].pieces_sent == sent
    assert ann.text_of(ann.answer) == bob.text_of(bob.answer) == kept
    expect(ann.stop_button).to_be_hidden()


def test_the_answer_goes_on_when_every_tab_is_closed(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    gate = threading.Event()
    fake.enqueue(Reply(SENTENCES, until=gate))
    ann = visit(server.url)
    ann.say("Tell me a long story")
    thread = ann.in_thread()
    ann.sees_in_answer("sentence 1.")
    ann.page.close()
    gate.set()
    fake.wait_for(lambda: fake.requests[0].closed_at)
    assert not fake.requests[0].closed_by_client
    assert visit(thread).sees_answer("done") == SENTENCES


def test_a_list_of_threads_follows_what_others_do(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    ann, bob = visit(server.url), visit(server.url)
    ann.say("A thread about herons")
    ann.sees_answer("done")
    expect(bob.threads.first).to_contain_text("A thread about herons")
    bob.threads.first.click()
    assert bob.in_thread() == ann.in_thread()
    expect(bob.messages).to_have_count(2)
