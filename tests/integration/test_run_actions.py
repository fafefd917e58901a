"""What people do to the runs of answers: stopped, paused and retried with their message."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing

import pytest
from sqlmodel import Session, col, select

from agentchat import Agent, AgentChat, tool
from agentchat.durable.retry import RetryPolicy
from agentchat.errors import InvalidInput, ModelRefused, WrongState
from agentchat.llm.scripted import ScriptedProvider
from agentchat.models import Audit, Run
from tests.integration.agents_stage import (
    ANN,
    BOB,
    AgentStage,
    HeldUp,
    asked,
    call,
    results,
    settled,
    tools_of,
    until,
)
from tests.integration.test_agents_faults import Held, quiet, rows_of
from tests.long import LONG_ON_POSTGRES
from tests.waiting import eventually

pytestmark = LONG_ON_POSTGRES


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[AgentStage]:
    async with AsyncExitStack() as stack:
        yield AgentStage(database_url, stack)


async def run_of(chat: AgentChat, thread_id: str) -> str:
    """The id of the run that writes the last answer of a thread."""
    view = await until(chat, thread_id, lambda view: view.messages)
    return view.messages[-1].run_id


async def audits_of(chat: AgentChat, run_id: str) -> list[tuple[str, str]]:
    """What was done to a run, and by whom, oldest first."""

    def read(session: Session) -> list[tuple[str, str]]:
        query = select(Audit).where(Audit.subject_id == run_id).order_by(col(Audit.id))
        return [(one.action, one.by) for one in session.exec(query)]

    return await chat._database.read(read)


async def runs_of(chat: AgentChat) -> dict[str, Run]:
    """All runs, by id."""

    def read(session: Session) -> dict[str, Run]:
        return {run.id: run for run in session.exec(select(Run))}

    return await chat._database.read(read)


# Stopped


@pytest.mark.parametrize(
    ("state", "verb"),
    [("model", "cancel"), ("tool", "kill"), ("asked", "cancel"), ("sub-agent: question", "kill")],
)
async def test_a_run_that_is_stopped_settles_its_answer(
    stage: AgentStage, state: str, verb: str, caplog: pytest.LogCaptureFixture
) -> None:
    chat, thread_id = await Held(state).begin(stage)
    run_id = await run_of(chat, thread_id)
    assert await getattr(chat.runs.by(BOB), verb)(run_id)
    stopped = await settled(chat, thread_id)
    assert (stopped.status, stopped.words) == ("stopped", "Stopped by Bob")
    rows = await rows_of(chat)
    assert {row["status"] for row in rows["workflows"]} == {"stopped"}
    assert {row["status"] for row in rows["messages"]} == {"done", "stopped"}
    assert all(row["finished_at"] for row in rows["parts"])
    assert {row["status"] for row in rows["asks"]} <= {"withdrawn"}
    # A second press comes too late, and is not written down.
    assert not await getattr(chat.runs.by(ANN), verb)(run_id)
    assert await audits_of(chat, run_id) == [(verb, "Bob")]
    await eventually(lambda: not chat._durable._worker._tasks)
    quiet(caplog)


async def test_the_run_of_a_sub_agent_can_be_stopped_before_it_begins(stage: AgentStage) -> None:
    chat, thread_id = await Held("sub-agent: asleep").begin(stage)
    inner = next(run for run in (await runs_of(chat)).values() if run.parent_id)
    await chat.runs.by(BOB).cancel(inner.id)
    message = await settled(chat, thread_id)
    assert (message.status, message.text) == ("done", "Again.")
    [(_, told, failed)] = results(stage.provider.requests[-1])
    assert failed
    assert "stopped by Bob" in told


# Retried


@pytest.mark.parametrize(
    "state",
    [
        "model",
        "tool",
        "asked",
        "question",
        *(f"sub-agent: {x}" for x in ("model", "tool", "asked")),
    ],
)
async def test_an_answer_that_was_stopped_goes_on_where_it_was(
    stage: AgentStage, state: str, caplog: pytest.LogCaptureFixture
) -> None:
    held = Held(state)
    chat, thread_id = await held.begin(stage)
    run_id = await run_of(chat, thread_id)
    before = await rows_of(chat)
    await chat.runs.by(ANN).cancel(run_id)
    await settled(chat, thread_id)
    await eventually(lambda: not chat._durable._worker._tasks)
    held.never.set()
    await chat.runs.by(BOB).retry(run_id)
    # What was open when it ended is open again, at once and not only when the run gets there.
    now = await rows_of(chat)
    for table, end in (("parts", "finished_at"), ("asks", "decided_at")):
        open_now, open_before = (
            {row["id"]: (row["status"], row[end]) for row in rows[table]} for rows in (now, before)
        )
        assert open_now == open_before, table
    await _answer_what_is_asked(chat, state)
    message = await settled(chat, thread_id)
    assert (message.status, message.run_id) == ("done", run_id), message.words
    assert message.text == "Again."
    rows = await rows_of(chat)
    assert {row["status"] for row in rows["workflows"]} == {"done"}
    assert {row["status"] for row in rows["messages"]} == {"done"}
    assert all(row["finished_at"] for row in rows["parts"])
    assert rows["deltas"] == []
    # No call was made twice: what had been said before is said once.
    texts = [row["text"] for row in rows["parts"] if row["kind"] == "text"]
    assert texts == ["So far. "] * len(texts)
    assert len(texts) <= 1
    calls, calls_before = (
        sorted(row["name"] for row in some["parts"] if row["kind"] == "tool")
        for some in (rows, before)
    )
    assert calls == calls_before
    assert len(stage.provider.requests[-1].turns) % 2 == 1
    done = await audits_of(chat, run_id)
    assert done[:2] == [("cancel", "Ann"), ("retry", "Bob")]
    decided = {"asked": {("approve", "Bob")}, "question": {("answer", "Bob")}}
    assert {*done[2:]} == decided.get(state, set())
    quiet(caplog)


async def _answer_what_is_asked(chat: AgentChat, state: str) -> None:
    if state.endswith("asked"):
        for ask in await asked(chat, 2):
            await chat.inbox.approve(ask.id, actor=BOB)
    elif state.endswith("question"):
        [ask] = await asked(chat)
        await chat.inbox.answer(ask.id, "This one", actor=BOB)


async def test_text_that_was_written_when_the_run_was_stopped_stays_and_is_counted_once(
    stage: AgentStage,
) -> None:
    """Stopped after the call of the model is over, and before the answer is."""
    model = HeldUp("All that there is to say. It is said once.")
    chat = await stage.open(Agent("lead", "Lead."), provider=model)
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Go", actor=ANN)
    await until(chat, thread.id, lambda view: view.live and view.live[0].text)
    run_id = await run_of(chat, thread.id)
    await chat.runs.by(ANN).pause(run_id)
    worker = chat._durable._worker
    # The step at hand must not be over before the worker has heard of it.
    await eventually(lambda: worker._claims[run_id].execution._ctx._pausing)
    model.held.set()
    view = await until(chat, thread.id, lambda view: "Paused by Ann" in view.live[0].words)
    await chat.runs.by(ANN).kill(run_id)
    stopped = await settled(chat, thread.id)
    assert stopped.text == view.live[0].text == "All that there is to say. It is said once."
    [spending] = (await rows_of(chat))["spendings"]
    assert spending["outcome"] == "stopped"
    await chat.runs.by(BOB).retry(run_id)
    message = await until(chat, thread.id, lambda view: view.messages[-1].status == "done")
    assert message.messages[-1].text == stopped.text
    assert len(model.requests) == 1
    [again] = (await rows_of(chat))["spendings"]
    assert (again["outcome"], again["input_tokens"]) == ("done", spending["input_tokens"])
    assert await audits_of(chat, run_id) == [("pause", "Ann"), ("kill", "Ann"), ("retry", "Bob")]


async def test_a_failed_answer_goes_on_from_the_call_that_failed(stage: AgentStage) -> None:
    booked: list[str] = []

    @tool
    def book(seat: str) -> str:
        """Book a seat."""
        booked.append(seat)
        return f"booked {seat}"

    model = ScriptedProvider(
        "instant",
        replies=[["First I book. ", call("book", seat="4a")], "Booked."],
        faults=[None, ModelRefused("Not now.")],
    )
    chat = await stage.open(Agent("lead", "Lead.", tools=(book,)), provider=model)
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Go", actor=ANN)
    failed = await settled(chat, thread.id)
    assert (failed.status, failed.words) == ("failed", "Not now.")
    await chat.runs.by(BOB).retry(failed.run_id)
    view = await until(chat, thread.id, lambda view: view.messages[-1].status == "done")
    message = view.messages[-1]
    assert (message.text, message.run_id, message.words) == ("Booked.", failed.run_id, "")
    assert booked == ["4a"]
    assert [part.text for part in message.parts if part.kind == "text"] == ["First I book. "]
    assert [part.text for part in tools_of(message)] == ["booked 4a"]
    assert results(model.requests[-1]) == [("book", "booked 4a", False)]
    with pytest.raises(WrongState, match="This run is done"):
        await chat.runs.retry(failed.run_id)


async def test_a_tool_that_failed_an_answer_is_called_again(stage: AgentStage) -> None:
    faults, did = [RuntimeError("no line")], []

    @tool(on_error="fail", retry=RetryPolicy(attempts=1))
    def ring() -> str:
        """Ring."""
        if faults:
            raise faults.pop()
        return "rang"

    @tool
    def note() -> str:
        """Note."""
        did.append("note")
        return "noted"

    lead = Agent("lead", "Lead.", tools=(ring, note))
    chat = await stage.open(lead, replies=[[call("ring"), call("note", "c2")], "Over."])
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Go", actor=ANN)
    failed = await settled(chat, thread.id)
    assert (failed.status, [one.status for one in tools_of(failed)]) == (
        "failed",
        ["interrupted", "done"],
    )
    await chat.runs.retry(failed.run_id)
    view = await until(chat, thread.id, lambda view: view.messages[-1].status == "done")
    assert [one.text for one in tools_of(view.messages[-1])] == ["rang", "noted"]
    assert did == ["note"]
    assert results(stage.provider.requests[-1]) == [
        ("ring", "rang", False),
        ("note", "noted", False),
    ]


async def test_who_presses_second_is_told(stage: AgentStage) -> None:
    chat, thread_id = await Held("asked").begin(stage)
    run_id = await run_of(chat, thread_id)
    runs = chat.runs.by(ANN)
    # What it asks is told a moment before it lets go.
    async with asyncio.timeout(30), aclosing(runs.follow(run_id)) as views:
        async for view in views:
            if view.status == "waiting":
                break
    with pytest.raises(WrongState, match="This run is waiting; only one that failed"):
        await runs.retry(run_id)
    with pytest.raises(WrongState, match="only one that is paused"):
        await runs.resume(run_id)
    await runs.pause(run_id)
    with pytest.raises(WrongState, match="This run is paused"):
        await chat.runs.by(BOB).pause(run_id)
    await runs.resume(run_id)
    for ask in await asked(chat, 2):
        await chat.inbox.approve(ask.id, actor=BOB)
    assert (await settled(chat, thread_id)).text == "Again."
    assert not await runs.cancel(run_id)
    assert not await runs.kill(run_id)
    with pytest.raises(InvalidInput, match="This answer is finished"):
        await runs.fork(run_id)
    approved = [("approve", "Bob"), ("approve", "Bob")]
    assert await audits_of(chat, run_id) == [("pause", "Ann"), ("resume", "Ann"), *approved]


async def test_what_changes_nothing_about_a_workflow_is_not_written_down(stage: AgentStage) -> None:
    chat = await stage.open(Agent("clerk", "x"))
    for runs in (chat.runs.by(ANN), chat.runs.by(BOB)):
        await runs.pause_workflow("reply")
    for runs in (chat.runs.by(BOB), chat.runs.by(ANN)):
        await runs.resume_workflow("reply")
    assert await audits_of(chat, "reply") == [("pause", "Ann"), ("resume", "Bob")]


async def test_a_run_whose_message_another_one_has_answered_is_not_retried(
    stage: AgentStage,
) -> None:
    chat, thread_id = await Held("tool").begin(stage)
    run_id = await run_of(chat, thread_id)
    await chat.runs.kill(run_id)
    stopped = await settled(chat, thread_id)
    await chat.retry(stopped.id, actor=ANN)
    view = await until(chat, thread_id, lambda view: view.messages[-1].status == "done")
    with pytest.raises(WrongState, match="answered anew by another run"):
        await chat.runs.retry(run_id)
    assert (await settled(chat, thread_id)) == view.messages[-1]
    assert (await chat.runs.get(run_id)).status == "stopped"


async def test_an_approval_is_asked_again_with_as_much_time_as_before(stage: AgentStage) -> None:
    chat, thread_id = await Held("asked").begin(stage)
    run_id = await run_of(chat, thread_id)
    before = {ask.id: ask for ask in await asked(chat, 2)}
    await chat.runs.cancel(run_id)
    await settled(chat, thread_id)
    assert await chat.inbox.waiting(actor=ANN) == ()
    await chat.runs.retry(run_id)
    again = {ask.id: ask for ask in await asked(chat, 2)}
    assert again.keys() == before.keys()
    for ask_id, ask in again.items():
        assert ask.deadline > before[ask_id].deadline
        assert (ask.status, ask.decided_at, ask.input_hash) == (
            "open",
            "",
            before[ask_id].input_hash,
        )
    first, second = sorted(again)
    await chat.inbox.deny(first, "No", actor=ANN)
    await chat.inbox.approve(second, actor=BOB)
    message = await settled(chat, thread_id)
    assert message.text == "Again."
    assert sorted(one.status for one in tools_of(message)) == ["denied", "done"]
