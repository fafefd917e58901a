"""The fault panel: one person switches a fault on, another watches an answer recover from it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from agentchat.faults.kinds import AMOUNTS
from agentchat.ui import words, words_faults
from tests.acceptance.axe import serious
from tests.acceptance.conftest import Visit
from tests.acceptance.person import Person
from tests.acceptance.server import Server, openai_at
from tests.fake_provider import FakeProvider, Reply
from tests.long import LONG
from tests.waiting import eventually_now

SENTENCES = " ".join(f"This is sentence {n}." for n in range(1, 31))
AUDITS = "SELECT subject_id, action, \"by\" FROM audits WHERE kind = 'fault' ORDER BY id"


@pytest.fixture(scope="module")
def fault_server(
    fake_of_package: FakeProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("faults")
    server = Server(folder, AGENTCHAT_FAULT_PANEL="true", **openai_at(fake_of_package))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def guarded_server(
    fake_of_package: FakeProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("guarded"), **openai_at(fake_of_package))
    server.start()
    yield server
    server.kill()


def panel(visit: Visit, server: Server) -> Person:
    """Somebody at the panel."""
    person = visit(server.url + words_faults.PATH)
    expect(card(person, "worker")).to_be_visible()
    return person


def card(person: Person, kind: str) -> Locator:
    return person.page.locator(f".fault-card[data-kind={kind}]")


def switches_on(person: Person, kind: str, seconds: int = 60, amount: int | None = None) -> None:
    card(person, kind).get_by_label("Seconds", exact=True).fill(str(seconds))
    if amount is not None:
        card(person, kind).get_by_label(words_faults.AMOUNTS[kind][0]).fill(str(amount))
    card(person, kind).get_by_role("button", name="Switch on").click()


def bar(person: Person) -> Locator:
    return person.page.locator(".fault-bar")


def both_see(text: str, *people: Person) -> None:
    for person in people:
        expect(bar(person)).to_contain_text(text)
        expect(bar(person)).to_contain_text("switched on by you")


LEFT = """() => {
  const found = /· (\\d+)/.exec(document.querySelector(".fault-bar .fault-by")?.textContent ?? "");
  return found ? Number(found[1]) : null;
}"""


def passes(person: Person, seconds: int) -> None:
    """Wait until the bar has counted so many seconds down: the fault is there, the page alive."""
    left = person.page.evaluate(LEFT)
    assert left is not None
    person.page.wait_for_function(
        f"(until) => {{ const left = ({LEFT})(); return left !== null && left <= until; }}",
        arg=left - seconds,
    )


def stands_still(person: Person) -> str:
    """The text of the answer once it has not grown for two seconds, while the fault is there."""
    kept = None
    while kept != (now := person.text_of(person.answer)):
        kept = now
        passes(person, 2)
    return now


def nobody_sees_a_fault(*people: Person) -> None:
    for person in people:
        expect(bar(person)).to_have_count(0)


def ends(person: Person) -> None:
    bar(person).get_by_role("button", name="End it now").click()


def has_the_whole_answer(server: Server, person: Person) -> None:
    assert person.sees_answer("done") == SENTENCES
    thread = person.in_thread().rsplit("/", 1)[1]
    stored = f"SELECT text FROM messages WHERE thread_id = '{thread}' AND role = 'assistant'"
    assert server.rows(stored) == [(SENTENCES,)]


@LONG
def test_a_killed_worker_is_followed_by_one_that_finishes_the_answer(
    fault_server: Server, fake: FakeProvider, visit: Visit
) -> None:
    fake.enqueue(Reply(SENTENCES, pace=0.1), Reply(SENTENCES))
    bob, ann = panel(visit, fault_server), visit(fault_server.url)
    ann.say("Tell a long story")
    ann.sees_in_answer("sentence 2.")
    switches_on(bob, "worker")
    both_see("The worker is dead", ann, bob)
    fake.wait_for(lambda: fake.requests[0].closed_by_client)
    kept = stands_still(ann)
    assert SENTENCES.startswith(kept)
    assert kept != SENTENCES
    held = "SELECT status, attempt FROM workflows WHERE workflow = 'reply' AND status = 'running'"
    assert fault_server.rows(held) == [("running", 1)]
    ends(ann)
    nobody_sees_a_fault(ann, bob)
    has_the_whole_answer(fault_server, ann)
    assert len(fake.requests) == 2
    assert fault_server.rows(AUDITS)[-2:] == [("worker", "on", "you"), ("worker", "end", "you")]


@pytest.mark.long
def test_connections_that_are_refused_are_tried_again(
    fault_server: Server, fake: FakeProvider, visit: Visit
) -> None:
    fake.enqueue(Reply(SENTENCES))
    bob, ann = panel(visit, fault_server), visit(fault_server.url)
    switches_on(bob, "refuse", amount=2)
    both_see("Connections to models are refused, for 2 calls", ann, bob)
    ann.say("Tell a long story")
    expect(ann.answer).to_contain_text("Retrying (2 of 5)")
    has_the_whole_answer(fault_server, ann)
    nobody_sees_a_fault(ann, bob)
    assert len(fake.requests) == 1


@pytest.mark.long
def test_an_answer_that_is_cut_while_it_grows_comes_once(
    fault_server: Server, fake: FakeProvider, visit: Visit
) -> None:
    fake.enqueue(Reply(SENTENCES, pace=0.1), Reply(SENTENCES), Reply(SENTENCES))
    bob, ann = panel(visit, fault_server), visit(fault_server.url)
    ann.say("Tell a long story")
    ann.sees_in_answer("sentence 2.")
    switches_on(bob, "cut", amount=2)
    expect(ann.answer).to_contain_text("Retrying (2 of 5)")
    has_the_whole_answer(fault_server, ann)
    nobody_sees_a_fault(ann, bob)
    assert len(fake.requests) == 3


@pytest.mark.long
def test_a_model_that_limits_calls_is_waited_for(
    fault_server: Server, fake: FakeProvider, visit: Visit
) -> None:
    fake.enqueue(Reply(SENTENCES))
    bob, ann = panel(visit, fault_server), visit(fault_server.url)
    switches_on(bob, "limit", amount=5)
    both_see("Retry-After 5 s", ann, bob)
    ann.say("Tell a long story")
    expect(ann.answer).to_contain_text("Retrying (2 of 5)")
    assert fake.requests == []
    ends(bob)
    nobody_sees_a_fault(ann, bob)
    has_the_whole_answer(fault_server, ann)


@pytest.mark.long
def test_an_answer_that_is_slowed_down_is_quick_again_when_that_ends(
    fault_server: Server, fake: FakeProvider, visit: Visit
) -> None:
    fake.enqueue(Reply(SENTENCES, pace=0.05))
    bob, ann = panel(visit, fault_server), visit(fault_server.url)
    ann.say("Tell a long story")
    ann.sees_in_answer("sentence 2.")
    switches_on(bob, "slow", amount=5_000)
    both_see("5000 ms later", ann, bob)
    passes(ann, 4)
    expect(ann.answer).to_have_attribute("data-status", "running")
    ends(ann)
    nobody_sees_a_fault(ann, bob)
    has_the_whole_answer(fault_server, ann)
    assert len(fake.requests) == 1


@pytest.mark.long
def test_a_lock_ends_by_itself_though_its_tab_is_gone_and_the_answer_is_whole(
    fault_server: Server, fake: FakeProvider, visit: Visit
) -> None:
    fake.enqueue(Reply(SENTENCES, pace=0.05))
    bob, ann = panel(visit, fault_server), visit(fault_server.url)
    ann.say("Tell a long story")
    ann.sees_in_answer("sentence 2.")
    switches_on(bob, "lock", seconds=8)
    both_see("The database is locked", ann, bob)
    bob.context.close()
    kept = stands_still(ann)
    assert SENTENCES.startswith(kept)
    assert kept != SENTENCES
    has_the_whole_answer(fault_server, ann)
    nobody_sees_a_fault(ann)
    assert len(fake.requests) == 1
    eventually_now(lambda: fault_server.rows(AUDITS)[-1] == ("lock", "end", "you"))


@pytest.mark.long
def test_the_bar_is_on_every_page_and_leaves_room_for_it(
    fault_server: Server, visit: Visit
) -> None:
    bob = panel(visit, fault_server)
    switches_on(bob, "slow", amount=10)
    expect(card(bob, "slow").get_by_text("On", exact=True)).to_be_visible()
    for path in ("/", "/inbox", "/memory", "/runs", words.MODEL_HELP, "/faults"):
        phone = visit(fault_server.url + path, viewport={"width": 390, "height": 800})
        both_see("Models answer 10 ms later", phone)
        box = phone.page.locator(".shell, .full-page").first.bounding_box()
        top = bar(phone).bounding_box()
        assert box is not None
        assert top is not None
        assert (top["y"], round(box["y"])) == (0, round(top["height"])), path
        assert box["y"] + box["height"] <= 801, path
        phone.leave()
    lost = visit(fault_server.url + "/nowhere/at/all", strict=False)
    both_see("Models answer 10 ms later", lost)
    assert serious(bob.page) == []
    bob.page.keyboard.press("Tab")
    bar(bob).get_by_role("button", name="End it now").press("Enter")
    nobody_sees_a_fault(bob, lost)


def test_what_does_not_fit_is_refused_in_words(fault_server: Server, visit: Visit) -> None:
    bob = panel(visit, fault_server)
    bob.page.evaluate("() => document.querySelectorAll('form').forEach(f => f.noValidate = true)")
    switches_on(bob, "slow", seconds=61)
    expect(bob.page.get_by_text("a whole number of seconds from 1 to 60")).to_be_visible()
    nobody_sees_a_fault(bob)


def test_the_fields_say_what_the_panel_takes() -> None:
    assert {kind: tuple(one[1:]) for kind, one in words_faults.AMOUNTS.items()} == AMOUNTS
    assert all(kind in words_faults.FAULTS and kind in words_faults.NOW for kind in AMOUNTS)


@LONG
def test_where_faults_are_off_the_page_says_so_and_the_socket_refuses(
    guarded_server: Server, fake: FakeProvider, visit: Visit
) -> None:
    bob = visit(guarded_server.url)
    bob.context.add_init_script(
        """window.sockets = [];
        const Plain = window.WebSocket;
        window.WebSocket = class extends Plain {
          constructor(...given) { super(...given); window.sockets.push(this); }
        };"""
    )
    with bob.page.expect_websocket() as opening:
        bob.open(guarded_server.url + words_faults.PATH)
    expect(bob.page.get_by_text("AGENTCHAT_FAULT_PANEL=true")).to_be_visible()
    expect(bob.page.locator(".fault-card")).to_have_count(0)

    # As the page would send it, if it had a switch: any frame of its own tells how.
    with opening.value.expect_event("framesent", lambda frame: '["event"' in str(frame)) as sending:
        bob.page.get_by_role("link", name="agentchat").click()
    frame = str(sending.value)
    start = frame.index('["event"')
    _, event = json.loads(frame[start:])
    event = json.loads(event) if isinstance(event, str) else event
    state = "reflex___state____state.agentchat___ui___states___faults____fault_switch_state"
    for name, payload in (
        ("switch_on", {"form": {"kind": "worker", "seconds": "60"}}),
        ("end", {"fault_id": "any"}),
    ):
        raw = {**event, "name": f"{state}.{name}", "payload": payload}
        bob.page.evaluate(
            "text => window.sockets.forEach((one) => one.readyState === 1 && one.send(text))",
            frame[:start] + json.dumps(["event", raw]),
        )
        expect(bob.page.get_by_role("alert")).to_contain_text("The fault panel is off")
        bob.page.get_by_role("button", name="Dismiss").click()
        expect(bob.page.get_by_role("alert")).to_have_count(0)
    nobody_sees_a_fault(bob)
    assert guarded_server.rows(AUDITS) == []
    fake.enqueue(Reply(SENTENCES))
    ann = visit(guarded_server.url)
    ann.say("Is everything as it was?")
    assert ann.sees_answer("done") == SENTENCES
