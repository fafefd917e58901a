"""What calls of models cost: by answer, run, thread and person; what may be spent."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import Session, col, select

from agentchat import Actor, Agent, AgentChat, Limits, Settings, Tx
from agentchat.agents.limits import calls_left
from agentchat.agents.turn import AgentTurn
from agentchat.errors import InvalidInput, NotAllowed, Overloaded, ThreadNotFound
from agentchat.llm.base import Chunk, Finished, ModelRequest, Reasoning, Usage
from agentchat.llm.scripted import FailAfter, ScriptedProvider
from agentchat.models import PartKind, PartStatus, Run, Spending, Step
from agentchat.store import parts
from agentchat.store.messages import Answer
from agentchat.verbs.spent import allowance_of
from agentchat.views import SpentView
from tests.integration.agents_stage import (
    ANN,
    BOB,
    AgentStage,
    Jumping,
    answered,
    asked,
    call,
    die,
    settled,
    until,
)
from tests.long import LONG_ON_POSTGRES
from tests.waiting import eventually

pytestmark = LONG_ON_POSTGRES

CLERK = Agent("clerk", "Answer.")


class Priced(ScriptedProvider):
    """A model with a known price that says what each call took: 1,000 tokens read, 100 written."""

    def __init__(self, *args: Any, model: str = "openai:gpt-4o-mini", **kwargs: Any) -> None:
        super().__init__("instant", *args, **kwargs)
        self.id = model

    async def stream(self, request: ModelRequest) -> Any:
        async with aclosing(super().stream(request)) as chunks:
            async for chunk in chunks:
                yield _said(chunk)


def _said(chunk: Chunk) -> Chunk:
    if isinstance(chunk, Finished):
        return Finished(chunk.reason, Usage(1_000, 100))
    return chunk


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[AgentStage]:
    async with AsyncExitStack() as stack:
        yield AgentStage(database_url, stack)


async def thread_of(chat: AgentChat, *said: str) -> str:
    thread = await chat.create_thread(actor=ANN)
    for text in said:
        await chat.send_message(thread.id, text, actor=ANN)
        await settled(chat, thread.id)
    return thread.id


async def test_what_an_answer_cost_is_known_by_answer_run_thread_and_person(
    stage: AgentStage,
) -> None:
    chat = await stage.open(CLERK, provider=Priced(replies=["One.", "Two."]))
    thread_id = await thread_of(chat, "1?", "2?")
    last = (await until(chat, thread_id, lambda view: not view.live)).messages[-1]
    once = await chat.spent.of_message(last.id, actor=ANN)
    assert (once.calls, once.input_tokens, once.output_tokens) == (1, 1_000, 100)
    assert once.cost_usd == pytest.approx(1_000 * 0.15e-6 + 100 * 0.6e-6)
    assert (once.unknown, once.estimated) == (0, 0)
    assert await chat.spent.of_run(last.run_id, actor=ANN) == once
    thread = await chat.spent.of_thread(thread_id, actor=ANN)
    assert (thread.calls, thread.input_tokens) == (2, 2_000)
    assert thread.cost_usd == pytest.approx(2 * once.cost_usd)
    assert await chat.spent.of_me(actor=ANN) == thread
    assert await chat.spent.of_me(actor=BOB) == SpentView()


async def test_a_price_that_nobody_knows_is_unknown_and_not_nothing(stage: AgentStage) -> None:
    chat = await stage.open(CLERK, provider=Priced(replies=["Hi."], model="compatible:gpt-4o"))
    message = await answered(chat, "Hello")
    spent = await chat.spent.of_message(message.id)
    assert (spent.calls, spent.unknown, spent.cost_usd) == (1, 1, 0.0)
    assert spent.input_tokens == 1_000


async def test_what_a_sub_agent_spent_counts_with_the_answer_that_asked_it(
    stage: AgentStage,
) -> None:
    boss = Agent("boss", "Lead.", asks=("helper",))
    helper = Agent("helper", "Help.")
    replies = [[call("ask_helper", task="Count.")], "Three.", "It is three."]
    chat = await stage.open(boss, helper, provider=Priced(replies=replies))
    message = await answered(chat, "How many?", agent="boss")
    assert message.text == "It is three."
    assert (await chat.spent.of_message(message.id)).calls == 3
    assert (await chat.spent.of_run(message.run_id)).calls == 3
    [part] = [part for part in message.parts if part.kind == "agent"]
    assert part.answer is not None
    assert (await chat.spent.of_message(part.answer.id)).calls == 1
    assert (await chat.spent.of_run(part.answer.run_id)).calls == 1
    assert (await chat.spent.of_thread(part.thread_id)).calls == 1
    assert (await chat.spent.of_me(actor=ANN)).calls == 3


async def test_a_call_that_failed_on_the_way_is_counted(stage: AgentStage) -> None:
    faults = [FailAfter(2, Overloaded("busy", retry_after=timedelta(0)))]
    chat = await stage.open(
        CLERK, provider=Priced(replies=["One two three.", "All done."], faults=faults)
    )
    message = await answered(chat, "Go")
    assert message.text == "All done."
    spent = await chat.spent.of_message(message.id)
    assert (spent.calls, spent.estimated) == (2, 1)


async def test_a_call_that_was_stopped_is_counted(stage: AgentStage) -> None:
    chat = await stage.open(
        CLERK, provider=Priced(replies=["One. " * 200], pace=timedelta(milliseconds=20))
    )
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Go", actor=ANN)
    await until(chat, thread.id, lambda view: view.live and view.live[0].text)
    await chat.stop(thread.id, actor=ANN)
    message = await settled(chat, thread.id)
    spent = await chat.spent.of_message(message.id)
    assert (message.status, spent.calls, spent.estimated) == ("stopped", 1, 1)
    assert spent.output_tokens > 0


class Halting(Priced):
    """A model that stands still after so many pieces of its first answer."""

    def __init__(self, *args: Any, after: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._after = after
        self.halted = asyncio.Event()

    async def stream(self, request: ModelRequest) -> Any:
        first = not self.requests
        async with aclosing(super().stream(request)) as chunks:
            left = self._after
            async for chunk in chunks:
                if first and not left:
                    self.halted.set()
                    await asyncio.Event().wait()
                left -= 1
                yield chunk


async def halted(chat: AgentChat, model: Halting) -> str:
    """A thread whose answer stands still, written down as a step that is under way."""
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "x" * 4_000, actor=ANN)
    await asyncio.wait_for(model.halted.wait(), 30)
    view = await until(chat, thread.id, lambda view: view.live)
    run = view.live[0].run_id
    async with asyncio.timeout(30), aclosing(chat.runs.follow(run)) as views:
        async for view_ in views:
            if view_.step == "generate":
                break
    return thread.id


async def begun(chat: AgentChat, *, attempt: int) -> None:
    """Until a call of the model is written down as begun by this attempt of its run."""

    def read(session: Session) -> bool:
        query = select(Step.id).where(Step.name == "generate", Step.attempt == attempt)
        return session.exec(query).first() is not None

    async with asyncio.timeout(30):
        # Nothing tells of it.
        while not await chat._database.read(read):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def spendings_of(chat: AgentChat, thread_id: str) -> list[Spending]:
    """The rows of a thread, oldest first."""
    query = select(Spending).where(Spending.thread_id == thread_id).order_by(col(Spending.id))
    return await chat._database.read(lambda session: list(session.exec(query)))


@pytest.mark.parametrize(
    ("reply", "after"),
    [
        ([Reasoning("Let me think."), "One."], 1),
        ([call("nothing", words="x" * 100)], 0),
        (["One. Two."], 1),
    ],
)
async def test_a_call_that_is_stopped_before_it_says_anything_is_counted_once(
    stage: AgentStage, reply: Any, after: int
) -> None:
    model = Halting(replies=[reply], after=after)
    chat = await stage.open(CLERK, provider=model)
    thread_id = await halted(chat, model)
    await chat.stop(thread_id, actor=ANN)
    await settled(chat, thread_id)
    await eventually(lambda: not chat._durable._worker._tasks)
    [row] = await spendings_of(chat, thread_id)
    assert (row.outcome, row.step, row.estimated, row.model) == (
        "stopped",
        "generate 0",
        True,
        model.id,
    )
    assert row.input_tokens == 1_000


async def test_the_call_before_tells_how_much_a_stopped_one_read(stage: AgentStage) -> None:
    model = Halting(replies=["One.", "Two. Three."], after=1)
    model._after = 0
    chat = await stage.open(Agent("clerk", "x" * 40_000), provider=Priced(replies=["One."]))
    thread_id = await thread_of(chat, "1?")
    await chat.__aexit__(None, None, None)
    chat = await stage.open(Agent("clerk", "x"), provider=model)
    await chat.send_message(thread_id, "2?", actor=ANN)
    await asyncio.wait_for(model.halted.wait(), 30)
    await until(chat, thread_id, lambda view: view.live)
    await asyncio.sleep(0.3)
    await chat.stop(thread_id, actor=ANN)
    rows = await spendings_of(chat, thread_id)
    assert [(row.outcome, row.input_tokens) for row in rows] == [
        ("done", 1_000),
        ("stopped", 1_100),
    ]


async def test_a_call_that_is_handed_back_is_counted_once(stage: AgentStage) -> None:
    model = Halting(replies=["One. Two."], after=1)
    chat = await stage.open(CLERK, provider=model)
    thread_id = await halted(chat, model)
    await chat.__aexit__(None, None, None)
    chat = await stage.open(CLERK, provider=Priced(replies=["One. Two."]))
    message = await settled(chat, thread_id)
    assert message.status == "done"
    rows = await spendings_of(chat, thread_id)
    assert [(row.outcome, row.estimated) for row in rows] == [("stopped", True), ("done", False)]
    assert rows[0].input_tokens > 1_000


@pytest.mark.parametrize(
    ("reply", "after", "written"),
    [("One. Two.", 1, True), ([call("nothing", words="x" * 100)], 0, False)],
)
async def test_a_call_that_ended_with_its_process_is_counted_once(
    stage: AgentStage, reply: Any, after: int, written: bool
) -> None:
    clock, model = Jumping(), Halting(replies=[reply], after=after)
    chat = AgentChat(stage.settings, agents=[CLERK], provider=model, clock=clock)
    await chat.__aenter__()
    thread_id = await halted(chat, model)
    if written:
        await until(chat, thread_id, lambda view: view.live and view.live[0].text)
    await die(chat, clock)
    # The next one dies as well, before the model said anything.
    second = Halting(replies=[reply], after=0)
    chat = AgentChat(stage.settings, agents=[CLERK], provider=second, clock=clock)
    await chat.__aenter__()
    await asyncio.wait_for(second.halted.wait(), 30)
    await begun(chat, attempt=2)
    await die(chat, clock)
    chat = await stage.open(CLERK, provider=Priced(replies=["One. Two."]), clock=clock)
    message = await settled(chat, thread_id)
    assert message.status == "done", message.words
    rows = await spendings_of(chat, thread_id)
    assert [(row.outcome, row.estimated, row.step) for row in rows] == [
        ("failed", True, "generate 0"),
        ("failed", True, "generate 0"),
        ("done", False, "generate 0"),
    ]
    # About 4,000 characters were asked each time.
    assert all(1_000 <= row.input_tokens < 1_100 for row in rows)
    assert [row.output_tokens > 0 for row in rows] == [written, False, True]
    assert rows[0].created_at < rows[1].created_at < rows[2].created_at
    run = await chat.runs.get(message.run_id)
    assert run.input_tokens == sum(row.input_tokens for row in rows)


async def test_a_call_that_is_stopped_at_once_is_counted_once(stage: AgentStage) -> None:
    """Before its step is written down, and before there is any text of it."""
    model = Halting(replies=["One."], after=0)
    chat = await stage.open(CLERK, provider=model)
    for _ in range(3):
        model.requests.clear()
        model.halted.clear()
        thread = await chat.create_thread(actor=ANN)
        await chat.send_message(thread.id, "x" * 4_000, actor=ANN)
        await asyncio.wait_for(model.halted.wait(), 30)
        await chat.stop(thread.id, actor=ANN)
        message = await settled(chat, thread.id)
        await eventually(lambda: not chat._durable._worker._tasks)
        # What the worker had to write is written before this.
        await chat.rename_thread(thread.id, "Stopped", actor=ANN)
        [row] = await spendings_of(chat, thread.id)
        assert (row.outcome, row.estimated, row.step) == ("stopped", True, "generate 0")
        assert row.input_tokens >= 1_000
        assert (await chat.runs.get(message.run_id)).input_tokens == row.input_tokens


async def test_an_answer_that_waits_for_its_next_try_costs_nothing_when_it_is_stopped(
    stage: AgentStage,
) -> None:
    faults = [FailAfter(2, Overloaded("busy", retry_after=timedelta(minutes=1)))]
    chat = await stage.open(CLERK, provider=Priced(replies=["One two three."], faults=faults))
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Go", actor=ANN)
    await until(chat, thread.id, lambda view: view.live and "busy" in str(view.live))
    await chat.stop(thread.id, actor=ANN)
    assert [row.outcome for row in await spendings_of(chat, thread.id)] == ["failed"]


async def test_a_call_that_was_over_when_it_was_stopped_costs_what_it_said(
    stage: AgentStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = asyncio.Event()

    async def stand_still(*_: Any) -> bool:
        reached.set()
        await asyncio.Event().wait()
        return False

    monkeypatch.setattr(AgentTurn, "_act", stand_still)
    model = Priced(replies=[["One. ", call("nothing")]])
    chat = await stage.open(CLERK, provider=model)
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Go", actor=ANN)
    await asyncio.wait_for(reached.wait(), 30)
    await chat.stop(thread.id, actor=ANN)
    [row] = await spendings_of(chat, thread.id)
    assert (row.outcome, row.estimated) == ("stopped", False)
    assert (row.input_tokens, row.output_tokens, row.model) == (1_000, 100, model.id)
    runs = await chat._database.read(lambda session: session.exec(select(Run)).all())
    assert [(run.input_tokens, run.output_tokens) for run in runs] == [(1_000, 100)]


async def test_each_try_of_an_answer_counts(stage: AgentStage) -> None:
    wrong = Agent("clerk", "x", output=int, limits=Limits(repairs=0))
    chat = await stage.open(wrong, provider=Priced(replies=["no", "3"]))
    thread_id = await thread_of(chat, "?")
    message = await settled(chat, thread_id)
    assert message.status == "failed"
    assert (await chat.spent.of_message(message.id)).calls == 1
    await chat.retry(message.id, actor=ANN)
    await until(chat, thread_id, lambda view: view.messages[-1].status == "done")
    assert (await chat.spent.of_message(message.id)).calls == 2


async def test_what_a_thread_cost_is_followed(stage: AgentStage) -> None:
    chat = await stage.open(CLERK, provider=Priced(replies=["One.", "Two."]))
    thread = await chat.create_thread(actor=ANN)
    async with asyncio.timeout(20), aclosing(chat.spent.follow_thread(thread.id)) as costs:
        assert await anext(costs) == SpentView()
        await chat.send_message(thread.id, "1?", actor=ANN)
        assert (await anext(costs)).calls == 1
        await chat.send_message(thread.id, "2?", actor=ANN)
        assert (await anext(costs)).calls == 2
        await chat.delete_thread(thread.id, actor=ANN)
        with pytest.raises(ThreadNotFound):
            await anext(costs)
    with pytest.raises(ThreadNotFound):
        await chat.spent.of_thread(thread.id)
    # It was spent all the same.
    assert (await chat.spent.of_me(actor=ANN)).calls == 2


async def test_who_is_nobody_is_told_nothing(stage: AgentStage) -> None:
    chat = await stage.open(CLERK)
    nobody = Actor("", "")
    for verb in (chat.spent.of_message, chat.spent.of_run, chat.spent.of_thread):
        with pytest.raises(NotAllowed):
            await verb("0" * 32, actor=nobody)
    with pytest.raises(NotAllowed):
        await chat.spent.of_me(actor=nobody)
    with pytest.raises(NotAllowed):
        chat.spent.follow_thread("0" * 32, actor=nobody)


@pytest.mark.parametrize("days", [0, -1, 10_000, float("nan")])
async def test_days_that_cannot_be_added_up_are_refused(stage: AgentStage, days: float) -> None:
    chat = await stage.open(CLERK)
    with pytest.raises(InvalidInput):
        await chat.spent.of_me(days)


# What may be spent


def test_no_limit_is_said_by_zero() -> None:
    settings = Settings(thread_tokens=0, thread_usd=0, user_day_tokens=0, user_day_usd=0)
    allowance = allowance_of(settings)
    assert allowance.thread_tokens is allowance.thread_usd is None
    assert allowance.user_day_tokens is allowance.user_day_usd is None


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ({"thread_tokens": 1_000}, "1,000 tokens in this thread"),
        ({"thread_usd": 0.0002}, "in this thread"),
        ({"user_day_tokens": 1_000}, "1,000 tokens for you in a day"),
        ({"user_day_usd": 0.0002}, "for you in a day"),
    ],
)
async def test_beyond_what_a_deployment_allows_a_person_is_asked(
    stage: AgentStage, limit: dict[str, Any], words: str
) -> None:
    stage.settings = Settings(db_url=stage.settings.db_url, **limit)
    chat = await stage.open(CLERK, provider=Priced(replies=["One.", "Two."]))
    thread_id = await thread_of(chat, "1?")
    await chat.send_message(thread_id, "2?", actor=ANN)
    [ask] = await asked(chat)
    assert ask.kind == "limit"
    assert words in ask.text
    await chat.inbox.approve(ask.id, actor=ANN)
    assert (await settled(chat, thread_id)).text == "Two."


@pytest.mark.parametrize(
    "limits",
    [
        Limits(model_calls=3),
        Limits(tokens=3_300),
        Limits(cost_usd=3 * (1_000 * 0.15e-6 + 100 * 0.6e-6) - 1e-9),
    ],
)
async def test_what_sub_agents_spend_counts_for_the_limits_of_who_asked_them(
    stage: AgentStage, limits: Limits
) -> None:
    boss = Agent("boss", "Lead.", asks=("helper",), limits=limits)
    replies = [[call("ask_helper", task="Count.")], "Three.", [call("ask_helper", task="Again.")]]
    chat = await stage.open(boss, Agent("helper", "Help."), provider=Priced(replies=replies))
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Go", actor=ANN, agent="boss")
    [ask] = await asked(chat)
    assert (ask.kind, ask.agent) == ("limit", "boss")
    assert (await chat.spent.of_me(actor=ANN)).calls == 4


async def test_what_sub_agents_of_sub_agents_spend_counts_too(stage: AgentStage) -> None:
    boss = Agent("boss", "Lead.", asks=("helper",), limits=Limits(model_calls=5))
    helper = Agent("helper", "Help.", asks=("clerk",))
    replies = [
        [call("ask_helper", task="Count.")],
        [call("ask_clerk", task="Count.")],
        "Three.",
        "It is three.",
        [call("ask_helper", task="Again.")],
    ]
    chat = await stage.open(boss, helper, CLERK, provider=Priced(replies=replies))
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Go", actor=ANN, agent="boss")
    [ask] = await asked(chat)
    assert (ask.kind, ask.agent) == ("limit", "boss")
    assert "5 calls of the model" in ask.text


async def test_how_many_tools_may_still_be_called(stage: AgentStage) -> None:
    chat = await stage.open(CLERK, provider=Priced(replies=["Hi."]))
    thread_id = await thread_of(chat, "Hello")
    message = await settled(chat, thread_id)
    now, answer = chat._clock.now(), Answer(message.id, thread_id, message.run_id, 1)
    call_ = {"kind": PartKind.TOOL, "status": PartStatus.DONE}
    over = {"kind": PartKind.HAND_OVER, "status": PartStatus.DONE}
    note = {"kind": PartKind.NOTE, "status": PartStatus.DONE, "data": {"used": {"tool_calls": 2.0}}}

    def left(tx: Tx) -> list[int | None]:
        limits, found = Limits(tool_calls=2), [calls_left(tx, answer, Limits(tool_calls=None))]
        for part in (None, call_, over, call_, note):
            parts.add(tx, answer, now, *([part] if part else []))
            found.append(calls_left(tx, answer, limits))
        return found

    assert await chat._database.write(left) == [None, 2, 1, 0, 0, 1]


async def test_a_plain_answer_costs_few_looks(stage: AgentStage) -> None:
    """What is asked of the tables of agents before and after an answer without any tools."""
    chat = await stage.open(CLERK, provider=Priced(replies=["One.", "Two.", "Three."]))
    thread_id = await thread_of(chat, "1?", "2?")
    seen: list[str] = []

    def see(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if re.search(r"(FROM|INTO|JOIN) (parts|asks|spendings|summaries|attachments)", statement):
            seen.append(statement)

    event.listen(chat._database._writing, "before_cursor_execute", see)
    await chat.send_message(thread_id, "3?", actor=ANN)
    assert (await settled(chat, thread_id)).text == "Three."
    event.remove(chat._database._writing, "before_cursor_execute", see)
    # The history, what it takes, the outline, the sums; the spending, and what is open.
    assert len(seen) == 6, seen


# Only SQLite tells that it reads nothing but the index.
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_limits_look_at_is_in_the_indexes(stage: AgentStage) -> None:
    chat = await stage.open(CLERK, provider=Priced(replies=["Hi."]))
    plans: list[str] = []

    def explain(_connection: Any, cursor: Any, statement: str, params: Any, *_rest: Any) -> None:
        if "UNION ALL" in statement and "spendings" in statement:
            plans.extend(
                row[3] for row in cursor.execute(f"EXPLAIN QUERY PLAN {statement}", params)
            )

    event.listen(chat._database._writing, "before_cursor_execute", explain)
    await answered(chat, "Hello")
    looks = [plan for plan in plans if "spendings" in plan]
    assert len(looks) == 2
    assert all("USING COVERING INDEX" in plan for plan in looks), plans
