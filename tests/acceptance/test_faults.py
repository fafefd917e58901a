"""What goes wrong: the provider, the server, the network. Nothing is lost, doubled or stuck.

A provider that is away or cuts its answers is one by the switches of the fault panel. They reach
neither what a provider says (a wrong key, an end without a word) nor the process itself nor the
network of a browser: those faults are real ones, made here.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from agentchat.ui import words_faults
from tests.acceptance.conftest import Visit
from tests.acceptance.person import Person
from tests.acceptance.server import Server, anthropic_at, openai_at
from tests.acceptance.test_fault_panel import bar, card, switches_on
from tests.fake_provider import FakeProvider, Reply
from tests.long import LONG

SENTENCES = " ".join(f"This is sentence {n}." for n in range(1, 31))

RECORD_TRIES = """() => {
  window.tries_seen = [];
  new MutationObserver(() => {
    const answer = [...document.querySelectorAll('article[data-role="assistant"]')].at(-1);
    const found = /Retrying \\((\\d+ of \\d+)\\)/.exec(answer?.textContent ?? "");
    if (found && window.tries_seen.at(-1) !== found[1]) window.tries_seen.push(found[1]);
  }).observe(document, { childList: true, subtree: true, characterData: true });
}"""

both_wires = pytest.mark.parametrize(
    "server_of_package",
    ["openai", pytest.param("anthropic", marks=pytest.mark.long)],
    indirect=True,
)


@pytest.fixture(scope="module", params=["openai"])
def server_of_package(
    request: pytest.FixtureRequest,
    fake_of_package: FakeProvider,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """The server of these tests, with the fault panel."""
    wire = {"openai": openai_at, "anthropic": anthropic_at}[request.param]
    folder = tmp_path_factory.mktemp("data")
    server = Server(folder, AGENTCHAT_FAULT_PANEL="true", **wire(fake_of_package))
    server.start()
    yield server
    server.kill()


def with_fault(visit: Visit, server: Server, kind: str, calls: int) -> Person:
    """Somebody who has switched a fault on for so many calls, and goes on to talk."""
    person = visit(server.url + words_faults.PATH)
    expect(card(person, kind)).to_be_visible()
    switches_on(person, kind, amount=calls)
    expect(bar(person)).to_be_visible()
    person.page.get_by_role("link", name="agentchat").click()
    return person


def test_a_provider_that_is_down_twice_is_asked_again_and_the_page_says_so(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    fake.enqueue(Reply("At first it was there."), Reply("It came after all."))
    # In the thread already, so that no page is being drawn while the first wait goes by.
    ann = visit(server.url)
    ann.say("Are you there?")
    assert ann.sees_answer("done") == "At first it was there."
    bob = visit(server.url + words_faults.PATH)
    switches_on(bob, "refuse", amount=2)
    expect(bar(ann)).to_be_visible()
    ann.page.evaluate(RECORD_TRIES)
    ann.say("And now?")
    expect(ann.messages).to_have_count(4)
    assert ann.sees_answer("done") == "It came after all."
    # A page that is late skips to the newest of what it is told.
    tries_seen = ann.page.evaluate("() => window.tries_seen")
    assert tries_seen in (["2 of 5", "3 of 5"], ["2 of 5"], ["3 of 5"])
    assert len(fake.requests) == 2
    thread = ann.in_thread().rsplit("/", 1)[1]
    tries = "SELECT a.error_kind FROM attempts a JOIN messages m ON m.run_id = a.run_id"
    assert server.rows(f"{tries} WHERE m.thread_id = '{thread}'") == [("connection_lost",)] * 2
    expect(bar(ann)).to_have_count(0)


@both_wires
def test_a_wrong_key_fails_at_once_with_words_about_the_key(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    fake.enqueue(Reply(status=401))
    ann = visit(server.url)
    ann.say("Are you there?")
    ann.sees_answer("failed")
    expect(ann.answer).to_contain_text("did not accept the API key")
    expect(ann.answer).to_contain_text("Check the key")
    assert len(fake.requests) == 1
    ann.answer.get_by_role("button", name="Try again").click()
    assert ann.sees_answer("done") == "This is the default answer."


@LONG
def test_an_answer_that_is_cut_after_three_pieces_comes_once(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    fake.enqueue(Reply(SENTENCES, pace=0.01), Reply(SENTENCES, pace=0.01))
    ann = with_fault(visit, server, "cut", 1)
    ann.say("Tell a long story")
    assert ann.sees_answer("done") == SENTENCES
    assert len(fake.requests) == 2
    assert fake.requests[0].closed_by_client
    expect(bar(ann)).to_have_count(0)


@LONG
@both_wires
def test_an_answer_that_ends_too_soon_without_an_error_is_asked_for_again(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    fake.enqueue(Reply(SENTENCES, cut_after=3, cut="end"), Reply(SENTENCES))
    ann = visit(server.url)
    ann.say("Tell a long story")
    assert ann.sees_answer("done") == SENTENCES


@LONG
def test_a_killed_server_finishes_the_answer_once_it_is_started_again(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    fake.enqueue(Reply(SENTENCES, pace=0.05), Reply(SENTENCES, pace=0.01))
    ann = visit(server.url, strict=False)
    ann.say("Tell a long story")
    thread = ann.in_thread()
    ann.sees_in_answer("sentence 3.")
    server.kill()
    expect(ann.page.get_by_text("Connection lost")).to_be_visible()
    [(run_id,)] = server.rows(
        "SELECT id FROM workflows WHERE status = 'running' AND workflow = 'reply'"
    )
    prepared = server.rows(f"SELECT * FROM steps WHERE run_id = '{run_id}' ORDER BY id")
    server.start()
    # Without a reload: the page comes back by itself.
    assert ann.sees_answer("done") == SENTENCES
    assert visit(thread).sees_answer("done") == SENTENCES
    steps = server.rows(f"SELECT * FROM steps WHERE run_id = '{run_id}' ORDER BY id")
    assert steps[0] == prepared[0]
    names = server.rows(f"SELECT name FROM steps WHERE run_id = '{run_id}' ORDER BY id")
    steps_of_a_turn = ("prepare", "route", "routed", "generate", "finish")
    # What the tests before have left in the person's memory is recalled.
    assert [name for (name,) in names if name != "recall"] == list(steps_of_a_turn)
    assert server.rows(f"SELECT count(*) FROM deltas WHERE attempt > 0 AND '{run_id}' != ''") == [
        (0,)
    ]
    assert len(fake.requests) == 2


@pytest.mark.long
def test_a_server_that_is_told_to_end_hands_its_run_to_the_next(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    fake.enqueue(Reply(SENTENCES, pace=0.05), Reply(SENTENCES, pace=0.01))
    ann = visit(server.url, strict=False)
    ann.say("Tell a long story")
    ann.sees_in_answer("sentence 2.")
    server.send(signal.SIGTERM)
    # It ends by the signal it was sent, after it has cleaned up.
    assert server.wait() in (0, -signal.SIGTERM)
    assert server.rows("SELECT count(*) FROM workflows WHERE status = 'queued'") == [(1,)]
    server.start()
    assert ann.sees_answer("done") == SENTENCES


@LONG
def test_the_sender_sees_the_message_before_the_server_has_answered(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    ann = visit(server.url)
    server.send(signal.SIGSTOP)
    try:
        ann.say("Are you there?")
        expect(ann.messages).to_have_count(1)
        expect(ann.messages.first).to_have_attribute("data-status", "pending")
        expect(ann.messages.first).to_contain_text("Are you there?")
    finally:
        server.send(signal.SIGCONT)
    ann.sees_answer("done")
    expect(ann.messages).to_have_count(2)


def test_a_double_click_on_send_is_one_message_and_one_run(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    ann = visit(server.url)
    ann.message_box.fill("Only once")
    ann.send_button.dblclick()
    ann.sees_answer("done")
    expect(ann.messages).to_have_count(2)
    assert len(fake.requests) == 1


def test_a_send_that_is_replayed_after_a_reconnect_is_one_message(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    ann = visit(server.url)
    ann.say("Only once")
    ann.sees_answer("done")
    # As if the page had never learned that it arrived: its outbox still holds it.
    sent = ann.messages.first.get_attribute("data-id")
    thread = ann.in_thread().rsplit("/", 1)[1]
    item = {
        "id": sent,
        "thread": thread,
        "create": True,
        "text": "Only once",
        "attempt": 1,
        "at": 0,
    }
    ann.page.evaluate("i => sessionStorage.setItem('agentchat.outbox', JSON.stringify([i]))", item)
    ann.page.reload()
    expect(ann.messages).to_have_count(2)
    ann.page.wait_for_function("() => sessionStorage.getItem('agentchat.outbox') === null")
    # What is sent now comes after whatever that has brought.
    ann.say("And now")
    expect(ann.messages).to_have_count(4)
    ann.sees_answer("done")
    expect(ann.messages).to_have_count(4)
    counted = "SELECT count(*) FROM messages WHERE text = 'Only once'"
    assert server.rows(f"{counted} AND thread_id = '{thread}'") == [(1,)]
    assert len(fake.requests) == 2


@pytest.mark.long
def test_a_message_that_a_killed_server_never_read_goes_out_when_it_is_back(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    ann = visit(server.url, strict=False)
    ann.say("First")
    ann.sees_answer("done")
    server.send(signal.SIGSTOP)
    ann.say("Second time lucky")
    expect(ann.messages).to_have_count(3)
    server.kill()
    server.start()
    expect(ann.messages).to_have_count(4)
    ann.sees_answer("done")
    counted = "SELECT count(*) FROM messages WHERE text = 'Second time lucky'"
    assert server.rows(counted) == [(1,)]
    assert len(fake.requests) == 2


def test_a_message_sent_without_a_network_goes_out_when_it_is_back(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    ann = visit(server.url, strict=False)
    ann.say("First")
    ann.sees_answer("done")
    ann.context.set_offline(True)
    ann.say("Second")
    expect(ann.messages.nth(2)).to_have_attribute("data-status", "pending")
    ann.context.set_offline(False)
    expect(ann.messages).to_have_count(4)
    ann.sees_answer("done")
    assert server.rows("SELECT count(*) FROM messages WHERE text = 'Second'") == [(1,)]
