"""Agents when things go wrong: crashes at every step, stops, second messages, limits."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import shutil
import threading
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from sqlalchemy import event, update
from sqlmodel import Session, SQLModel, col, func, select

from agentchat import (
    Agent,
    AgentChat,
    Allowance,
    Limits,
    SecondMessage,
    Settings,
    ThreadView,
    ToolContext,
    Tx,
    tool,
)
from agentchat.agents import pending
from agentchat.agents.toolbox import ask_person
from agentchat.durable import engine
from agentchat.durable.clock import SystemClock
from agentchat.durable.context import Context
from agentchat.durable.worker import LEASE
from agentchat.errors import BadRequest, Overloaded
from agentchat.llm.base import Chunk, Finished, ModelRequest, StopReason, Text, Usage
from agentchat.llm.scripted import FailAfter, ScriptedProvider
from agentchat.models import Ask, Message, Part, Thread
from agentchat.store import messages, spendings
from agentchat.store.database import Database
from agentchat.store.messages import Answer
from agentchat.verbs.inbox import Inbox
from tests.durability import agents_program
from tests.durability.agents_program import BOOKED, QUESTION
from tests.guards import open_to_all
from tests.integration.agents_stage import (
    ANN,
    BOB,
    AgentStage,
    Died,
    HeldUp,
    Jumping,
    asked,
    call,
    results,
    settled,
    tools_of,
    until,
)
from tests.long import LONG_ON_POSTGRES, spread
from tests.waiting import eventually

# Crashes: at each point the process is gone, and another goes on


OPENING = asyncio.Lock()
EACH = 4
"""Of the points of each kind, about 130 together, the first and then every fourth: all of them take
more than a minute."""
ANY = ""
Point = tuple[str, int]
"""The nth time that an app comes to something of a kind, or to anything."""


class Crash:
    """Lets an app die at a point that it comes to: it stands still, and from then on nothing that
    it writes arrives.
    """

    def __init__(self, at: Point | None) -> None:
        self.happened = asyncio.Event()
        self.where: list[str] = []
        self._at = at
        self._loop = asyncio.get_running_loop()
        self._gone = threading.Event()

    async def here(self, what: str) -> None:
        """A point outside the database."""
        if self._reached(what):
            self.happened.set()
            await asyncio.Event().wait()

    def watch(self, chat: AgentChat) -> None:
        """Each commit of the app is two points: just before and just after it."""
        engine = chat._database._writing
        event.listen(engine, "before_cursor_execute", self._before)
        event.listen(engine, "after_cursor_execute", self._after)

    async def disarm(self) -> None:
        """What is not reached by now is not reached any more."""
        self._at = None
        # A writer that stands still already has said so.
        await asyncio.sleep(0.01)

    def over(self) -> None:
        """The app is dead."""
        self._gone.set()

    def _before(self, _connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if self._gone.is_set():
            raise Died
        if statement.endswith("COMMIT"):
            self._at_commit("before commit")

    def _after(self, _connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.endswith("COMMIT"):
            self._at_commit("after commit")

    def _at_commit(self, what: str) -> None:
        if self._reached(what):
            self._loop.call_soon_threadsafe(self.happened.set)
            assert self._gone.wait(20)
            raise Died

    def _reached(self, what: str) -> bool:
        self.where.append(what)
        if self._at is None:
            return False
        kind, number = self._at
        times = len(self.where) if kind == ANY else self.where.count(what)
        return kind in (ANY, what) and times == number


class Thinking(ScriptedProvider):
    """The model of :mod:`tests.durability.agents_program`, which may be cut at each piece."""

    def __init__(self, crash: Crash) -> None:
        super().__init__("instant", replies=[agents_program.reply] * 100)
        self._crash = crash

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk, None]:
        async with aclosing(super().stream(request)) as chunks:
            async for chunk in chunks:
                await self._crash.here(f"before {type(chunk).__name__}")
                yield chunk


@dataclass
class Lives:
    """An answer that is written by one process after another, as each dies."""

    url: str
    clock: Jumping = field(default_factory=Jumping)
    did: list[str] = field(default_factory=list)
    requests: list[ModelRequest] = field(default_factory=list)
    thread_id: str = "thread-of-the-test"

    async def live(self, at: Point | None, *, offline: bool = False) -> Crash:
        """Let an app answer until it dies at a point, or the answer is there."""
        crash = Crash(at)
        model = Thinking(crash)
        chat = AgentChat(
            Settings(db_url=self.url),
            agents=agents_program.agents(self.did.append, crash.here),
            provider=model,
            clock=self.clock,
        )
        async with OPENING:
            # The migrations of one process know only one database at a time.
            await chat.__aenter__()
        crash.watch(chat)
        working = asyncio.create_task(self._work(chat))
        dying = asyncio.create_task(crash.happened.wait())
        try:
            async with asyncio.timeout(30):
                await asyncio.wait((working, dying), return_when=asyncio.FIRST_COMPLETED)
            if not crash.happened.is_set():
                await working
        finally:
            self.requests += model.requests
            for task in (working, dying):
                task.cancel()
            await asyncio.wait((working, dying))
            await crash.disarm()
            if crash.happened.is_set():
                await self._bury(chat, crash)
            else:
                await chat.__aexit__(None, None, None)
        if offline and crash.happened.is_set():
            await self._decide()
        return crash

    async def _work(self, chat: AgentChat) -> None:
        await chat.send_message(
            self.thread_id, QUESTION, actor=ANN, message_id="the-question", create_thread=True
        )
        async with asyncio.TaskGroup() as group:
            approving = group.create_task(self._approve(chat))
            async with aclosing(chat.follow(self.thread_id)) as views:
                async for view in views:
                    if view.settled and not view.live:
                        break
            approving.cancel()

    async def _approve(self, chat: AgentChat) -> None:
        async with aclosing(chat.inbox.follow(actor=BOB)) as inboxes:
            async for waiting in inboxes:
                for ask in waiting:
                    await chat.inbox.approve(ask.id, input_hash=ask.input_hash, actor=BOB)

    async def _bury(self, chat: AgentChat, crash: Crash) -> None:
        worker = chat._durable._worker
        tasks = [*worker._loops, *worker._tasks.values()]
        for task in tasks:
            task.cancel()
        # What it was about to write does not arrive, and nobody hears of it.
        worker.name = "nobody"
        crash.over()
        with contextlib.suppress(Exception):
            await chat.__aexit__(None, None, None)
        self.clock.ahead += LEASE + timedelta(seconds=1)

    async def _decide(self) -> None:
        """Approve what is asked while no app is there."""
        database = Database(self.url)
        database.open()
        try:
            inbox = Inbox(database, self.clock, lambda _agent, _tool: None, open_to_all())
            for ask in await inbox.waiting(actor=BOB):
                await inbox.approve(ask.id, input_hash=ask.input_hash, actor=BOB)
        finally:
            await database.close()

    async def outcome(self) -> Outcome:
        """What came of it."""
        database = Database(self.url)
        database.open()
        try:
            return await database.read(_outcome)
        finally:
            await database.close()


@dataclass
class Outcome:
    """What an answer left behind: messages and parts of all threads, and what was booked."""

    messages: list[tuple[Any, ...]]
    parts: list[tuple[Any, ...]]
    booked: Counter[str]
    left: list[str]


def _outcome(session: Session) -> Outcome:
    messages = session.exec(select(Message).order_by(col(Message.role), col(Message.text))).all()
    parts = session.exec(
        select(Part).order_by(col(Part.agent), col(Part.round), col(Part.position))
    ).all()
    booked = session.exec(select(Thread.title).where(Thread.owner_id == "booked")).all()
    asks = session.exec(select(Ask)).all()
    tables = SQLModel.metadata.tables
    unsettled = [
        *(f"message {one.status}" for one in messages if one.status != "done"),
        *(f"part {one.status}" for one in parts if one.finished_at is None),
        *(f"ask {one.status}" for one in asks if one.status != "approved"),
        *(
            ["deltas"]
            if session.execute(select(func.count()).select_from(tables["deltas"])).scalar()
            else []
        ),
    ]
    return Outcome(
        [(one.role, one.author, one.status, one.text, one.position) for one in messages],
        [
            (one.kind, one.status, one.agent, one.name, one.round, one.text, str(one.input))
            for one in parts
            if one.kind != "agent"
        ],
        Counter(title.removeprefix("booked ") for title in booked),
        unsettled,
    )


def copy_of(template: Path, file: Path) -> str:
    shutil.copy(template, file)
    return f"sqlite:///{file}"


async def undisturbed(url: str) -> tuple[Outcome, list[str]]:
    lives = Lives(url)
    crash = await lives.live(None)
    return await lives.outcome(), crash.where


def check(lives: Lives, outcome: Outcome, right: Outcome, deaths: int, where: str) -> None:
    """An answer that was disturbed is as one that was not."""
    assert outcome.left == [], where
    assert outcome.messages == right.messages, where
    assert outcome.parts == right.parts, where
    # Transactions: exactly once. With a key: one effect. Else: once, and again for each death.
    assert outcome.booked == Counter(BOOKED), where
    did = Counter(lives.did)
    assert all(times <= 1 + deaths for times in did.values()), (where, did)
    assert sorted(one.split()[0] for one in did) == ["count", "errand", "outside"], (where, did)
    # The scripted model refuses a history whose calls and results do not fit.
    assert all(request.turns[0].role == "user" for request in lives.requests), where


async def test_wherever_the_process_dies_the_answer_is_as_if_it_had_not(
    sqlite_template: Path, tmp_path: Path
) -> None:
    right, points = await undisturbed(copy_of(sqlite_template, tmp_path / "right.db"))
    assert right.booked == Counter(BOOKED)
    there = Counter(points)
    assert there["before commit"] > 20
    assert there["before commit"] == there["after commit"]
    assert len(there) > 8
    chosen = [
        (kind, number) for kind, times in there.items() for number in range(1, times + 1, EACH)
    ]
    deaths: Counter[str] = Counter()
    at_once = asyncio.Semaphore(4)

    async def die_at(kind: str, number: int) -> None:
        name = f"{kind}-{number}"
        for tried in count():
            lives = Lives(copy_of(sqlite_template, tmp_path / f"{name}-{tried}.db"))
            crash = await lives.live((kind, number), offline=number % 2 == 0)
            died = crash.happened.is_set()
            if died:
                deaths[kind] += 1
                await lives.live(None)
            where = f"{kind}, {number}: {crash.where[-3:]}"
            check(lives, await lives.outcome(), right, 1 if died else 0, where)
            if died:
                return
            # How commits are grouped is for the writer: this time there were fewer.
            assert kind.endswith("commit"), where
            assert tried < 4, where
            number = crash.where.count(kind)

    async def one(kind: str, number: int) -> None:
        async with at_once:
            await die_at(kind, number)

    async with asyncio.TaskGroup() as group:
        for kind, number in chosen:
            group.create_task(one(kind, number))
    assert deaths == Counter(kind for kind, _ in chosen)


@LONG_ON_POSTGRES
async def test_an_answer_survives_one_death_after_another(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "MOST_CRASHES", 1_000)
    right, _ = await undisturbed(database_url)
    await _empty(database_url)
    lives, deaths = Lives(database_url), 0
    while True:
        # Each process comes a little further than the one before, and to other points.
        crash = await lives.live((ANY, 16 + deaths % 9), offline=deaths % 2 == 1)
        if not crash.happened.is_set():
            break
        deaths += 1
        assert deaths < 60, crash.where
    assert deaths > 3
    check(lives, await lives.outcome(), right, deaths, f"after {deaths} deaths")


async def _empty(url: str) -> None:
    database = Database(url)
    database.open()
    try:
        await database.write(
            lambda tx: [tx.execute(table.delete()) for table in _tables_backwards()] and None
        )
    finally:
        await database.close()


def _tables_backwards() -> list[Any]:
    return list(reversed(SQLModel.metadata.sorted_tables))


# Stops, in each state that an answer may be in


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[AgentStage]:
    async with AsyncExitStack() as stack:
        yield AgentStage(database_url, stack)


@tool(approval=True)
def pay(tx: Tx, amount: int) -> str:
    """Pay."""
    return "paid"


class Held:
    """An app whose answer stands still in a state."""

    def __init__(self, state: str) -> None:
        self.entered = asyncio.Event()
        self.never = asyncio.Event()

        @tool
        async def wait() -> str:
            """Wait for ever."""
            self.entered.set()
            await self.never.wait()
            return "over"

        @tool
        async def linger(ctx: Context) -> str:
            """Wait for ever, in a step of its own."""
            return await ctx.step("wait", wait.call, None, {}) and "over"

        @tool
        async def snooze(ctx: Context) -> str:
            """Sleep for ever, holding nothing."""
            await ctx.sleep("snooze", timedelta(days=300))
            return "over"

        tools = (wait, linger, snooze, pay)
        self.state = state
        self.agents = (
            Agent("lead", "You lead.", tools=tools, asks=("helper",)),
            Agent("helper", "You help.", tools=tools),
        )
        inner = state.removeprefix("sub-agent: ")
        said: dict[str, list[Any]] = {
            "model": ["So far, so good. More comes."],
            "tool": ["So far. ", call("wait")],
            "durable tool": ["So far. ", call("snooze"), call("wait", "c2")],
            "asleep": ["So far. ", call("snooze")],
            "asked": ["So far. ", call("pay", amount=1), call("pay", "c2", amount=2)],
            "question": ["So far. ", call("ask_person", question="Which?")],
        }
        outer = [[call("ask_helper", task="Help.")]] if inner != state else []
        self.replies: list[Any] = [*outer, said[inner], *["Again."] * 4]

    async def begin(self, stage: AgentStage) -> tuple[AgentChat, str]:
        held, last = self, self.replies.index("Again.") - 1

        class Model(ScriptedProvider):
            async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk, None]:
                at = len(self.requests)
                async with aclosing(super().stream(request)) as chunks:
                    async for chunk in chunks:
                        yield chunk
                        if at == last and held.state.endswith("model"):
                            held.entered.set()
                            await held.never.wait()

        agents = [replace(one, tools=(*one.tools, ask_person)) for one in self.agents]
        chat = await stage.open(*agents, provider=Model("instant", replies=self.replies))
        thread = await chat.create_thread(actor=ANN)
        await chat.send_message(thread.id, "Go", actor=ANN)
        if self.state.endswith(("model", "tool")):
            await asyncio.wait_for(self.entered.wait(), 30)
        elif self.state.endswith("asleep"):
            await until(chat, thread.id, lambda view: "snooze" in str(view.live))
        else:
            await asked(chat, 2 if self.state.endswith("asked") else 1)
        return chat, thread.id


STATES = [
    f"{where}{state}"
    for where in ("", "sub-agent: ")
    for state in ("model", "tool", "durable tool", "asleep", "asked", "question")
]


async def decided(chat: AgentChat, *ask_ids: str) -> None:
    """Return once these are not waited for any more."""
    async with asyncio.timeout(30), aclosing(chat.inbox.follow(actor=ANN)) as inboxes:
        async for waiting in inboxes:
            if not {ask.id for ask in waiting} & set(ask_ids):
                return


async def rows_of(chat: AgentChat) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables."""

    def read(session: Session) -> dict[str, list[dict[str, Any]]]:
        tables = SQLModel.metadata.tables
        return {
            name: [dict(row) for row in session.execute(table.select()).mappings()]
            for name, table in tables.items()
        }

    return await chat._database.read(read)


def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing was wrong on the way."""
    wrong = [one for one in caplog.records if one.levelno >= logging.WARNING]
    assert [one.getMessage() for one in wrong if one.name.startswith("agentchat")] == []


@spread("state", STATES, postgresql=5)
async def test_a_thread_that_was_stopped_goes_on_with_the_next_message(
    stage: AgentStage, state: str, caplog: pytest.LogCaptureFixture
) -> None:
    chat, thread_id = await Held(state).begin(stage)
    await chat.stop(thread_id, actor=ANN)
    stopped = await settled(chat, thread_id)
    assert stopped.status == "stopped"
    rows = await rows_of(chat)
    assert {row["status"] for row in rows["messages"]} == {"done", "stopped"}
    assert all(row["finished_at"] for row in rows["parts"])
    assert {row["status"] for row in rows["asks"]} <= {"withdrawn"}
    assert {row["status"] for row in rows["workflows"]} == {"stopped"}
    assert rows["deltas"] == []
    assert await chat.inbox.waiting(actor=ANN) == ()
    await chat.send_message(thread_id, "And now?", actor=ANN)
    message = await settled(chat, thread_id)
    assert (message.status, message.text) == ("done", "Again."), message.words
    quiet(caplog)


@spread("state", STATES, postgresql=5)
async def test_an_answer_that_is_tried_again_leaves_nothing_of_the_first_try(
    stage: AgentStage, state: str, caplog: pytest.LogCaptureFixture
) -> None:
    chat, thread_id = await Held(state).begin(stage)
    await chat.stop(thread_id, actor=ANN)
    stopped = await settled(chat, thread_id)
    await chat.retry(stopped.id, actor=ANN)
    message = await until(chat, thread_id, lambda view: view.messages[-1].status == "done")
    assert message.messages[-1].text == "Again."
    assert message.messages[-1].parts == ()
    rows = await rows_of(chat)
    assert rows["parts"] == rows["asks"] == rows["deltas"] == []
    assert {row["thread_id"] for row in rows["messages"]} == {thread_id}
    assert [row["id"] for row in rows["threads"] if row["deleted_at"] is None] == [thread_id]
    quiet(caplog)


@pytest.mark.parametrize("stopped_before", [False, True])
@spread("state", STATES, postgresql=5)
async def test_a_thread_that_is_deleted_leaves_nothing(
    stage: AgentStage, state: str, stopped_before: bool, caplog: pytest.LogCaptureFixture
) -> None:
    chat, thread_id = await Held(state).begin(stage)
    if stopped_before:
        await chat.stop(thread_id, actor=ANN)
    await chat.delete_thread(thread_id, actor=ANN)
    await chat.empty_thread(thread_id, actor=ANN)
    await eventually(lambda: not chat._durable._worker._tasks)
    rows = await rows_of(chat)
    gone = ("messages", "parts", "asks", "deltas", "notes", "attachments", "summaries")
    for name in (*gone, "workflows", "steps", "events"):
        assert rows[name] == [], name
    assert all(row["deleted_at"] for row in rows["threads"])
    assert await chat.inbox.waiting(actor=ANN) == ()
    quiet(caplog)


async def test_a_sub_agent_that_is_stopped_alone_is_told_to_who_asked(stage: AgentStage) -> None:
    chat, thread_id = await Held("sub-agent: tool").begin(stage)
    view = await until(chat, thread_id, lambda view: "helper" in str(view.live))
    inner = next(part.thread_id for part in view.live[0].parts if part.kind == "agent")
    await chat.stop(inner, actor=BOB)
    message = await settled(chat, thread_id)
    assert (message.status, message.text) == ("done", "Again.")
    [(name, told, failed)] = results(stage.provider.requests[-1])
    assert (name, failed) == ("ask_helper", True)
    assert "It was stopped by Bob" in told


@pytest.mark.parametrize("second", ["interrupt", "replace"])
@pytest.mark.parametrize("state", ["sub-agent: tool", "sub-agent: asked", "asked"])
async def test_an_answer_that_is_cut_by_a_message_takes_its_sub_agents_with_it(
    stage: AgentStage, state: str, second: str, caplog: pytest.LogCaptureFixture
) -> None:
    chat, thread_id = await Held(state).begin(stage)
    await chat.send_message(thread_id, "No, this", actor=BOB, second=SecondMessage(second))
    message = await settled(chat, thread_id)
    assert message.text == "Again."
    rows = await rows_of(chat)
    assert {row["status"] for row in rows["workflows"]} == {"done", "stopped"}
    if second == "replace":
        assert rows["parts"] == rows["asks"] == []
        assert {row["thread_id"] for row in rows["messages"]} == {thread_id}
    quiet(caplog)


# A message that comes at each moment of an answer


MOMENTS = (1, 2, 3, 4, 5, 7, 9, 12)


@pytest.mark.parametrize("second", list(SecondMessage))
@spread("moment", MOMENTS, postgresql=3)
async def test_a_message_is_never_lost_and_never_answered_twice(
    stage: AgentStage, second: SecondMessage, moment: int
) -> None:
    """Two messages, at a commit of the answer under way and two after it."""

    @tool
    def note() -> str:
        """Note."""
        return "noted"

    def think(request: ModelRequest) -> Any:
        results_ = request.turns[-1].results
        return "Said." if results_ or "Last" in request.turns[-1].text else [call("note")]

    chat = await stage.open(Agent("clerk", "x", tools=(note,)), replies=[think] * 50)
    thread = await chat.create_thread(actor=ANN)
    loop, commits, sending = asyncio.get_running_loop(), 0, list[asyncio.Task[Any]]()

    def send() -> None:
        if len(sending) == 2:
            return
        text, who = f"Message-{'AB'[len(sending)]}", (ANN, BOB)[len(sending)]
        sending.append(
            # Who asked may steer, the other one is answered in turn.
            loop.create_task(chat.send_message(thread.id, text, actor=who, second=second))
        )

    def after(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        nonlocal commits
        if statement.endswith("COMMIT"):
            commits += 1
            if commits in (moment, moment + 2):
                loop.call_soon_threadsafe(send)

    event.listen(chat._database._writing, "after_cursor_execute", after)
    await chat.send_message(thread.id, "First", actor=ANN)
    await until(chat, thread.id, lambda view: view.settled and not view.live)
    await eventually(lambda: len(sending) == 2 or commits < moment + 2)
    while len(sending) < 2:
        # The answer was faster: what comes now, comes afterwards.
        send()
    said = [await one for one in sending]
    await until(chat, thread.id, lambda view: len(view.settled) > 3 and not view.live)
    event.remove(chat._database._writing, "after_cursor_execute", after)
    await chat.send_message(thread.id, "Last", actor=ANN)
    await until(chat, thread.id, lambda view: view.messages[-2].text == "Last" and not view.live)
    # The model was told each of them once, in the end.
    told = "\n".join(turn.text for turn in stage.provider.requests[-1].turns)
    for text in ("First", "Last", *(one.text for one in said)):
        assert told.count(text) == 1, (text, told)
    rows = await rows_of(chat)
    answers = [row for row in rows["messages"] if row["role"] == "assistant"]
    assert {row["status"] for row in answers} <= {"done", "stopped"}
    assert len(answers) <= 4
    joined = [row["data"]["message_id"] for row in rows["parts"] if row["kind"] == "message"]
    assert len(joined) == len(set(joined))
    last = next(row["position"] for row in rows["messages"] if row["text"] == "Last")
    for one in said:
        row = next(row for row in rows["messages"] if row["id"] == one.id)
        # Taken in by an answer, or answered by one that came after it.
        late = [row_ for row_ in answers if row["position"] < row_["position"] < last]
        assert (row["joined_at"] is not None) == (one.id in joined)
        assert one.id in joined or [row_ for row_ in late if row_["status"] == "done"]


async def test_a_message_that_steered_steers_again_when_its_answer_is_tried_again(
    stage: AgentStage,
) -> None:
    gate = asyncio.Event()

    @tool
    async def wait() -> str:
        """Wait."""
        await gate.wait()
        return "over"

    said = [[call("wait")], [call("wait")], [call("wait")], [call("wait")], "Blue.", "Bye."]
    chat = await stage.open(Agent("clerk", "x", tools=(wait,)), replies=said)
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "One", actor=ANN)
    await until(chat, thread.id, lambda view: view.live and tools_of(view.live[0]))
    await chat.send_message(thread.id, "In blue", actor=ANN, second=SecondMessage.STEER)
    gate.set()
    gate.clear()
    await until(chat, thread.id, lambda view: "In blue" in str(view.live[0].parts))
    await chat.stop(thread.id, actor=ANN)
    view = await until(chat, thread.id, lambda view: not view.live)
    gate.set()
    await chat.retry(view.messages[1].id, actor=ANN)
    view = await until(chat, thread.id, lambda view: view.messages[1].status == "done")
    assert view.messages[1].text == "Blue."
    assert [part.kind for part in view.messages[1].parts].count("message") == 1
    await chat.send_message(thread.id, "Last", actor=ANN)
    await until(chat, thread.id, lambda view: view.messages[-1].text == "Bye.")
    told = "\n".join(turn.text for turn in stage.provider.requests[-1].turns)
    assert told.count("In blue") == 1


class Steered:
    """An app whose first answer is held up until somebody has sent a second message."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.held = asyncio.Event()

        @tool
        async def wait() -> str:
            """Wait."""
            await self.held.wait()
            return "over"

        @tool
        def whoami(context: ToolContext) -> str:
            """Say for whom."""
            self.seen.append(f"{context.actor.id} {context.agent}")
            return "you"

        self.tools = (wait, whoami)

    async def begin(self, stage: AgentStage, *replies: Any) -> tuple[AgentChat, str]:
        agents = [Agent(name, "x", tools=self.tools) for name in ("clerk", "other")]
        chat = await stage.open(*agents, replies=[[call("wait")], *replies])
        thread = await chat.create_thread(actor=ANN)
        await chat.send_message(thread.id, "One", actor=ANN)
        await until(chat, thread.id, lambda view: view.live and tools_of(view.live[0]))
        return chat, thread.id

    async def end(self, chat: AgentChat, thread_id: str) -> ThreadView:
        self.held.set()
        return await until(chat, thread_id, lambda view: view.settled and not view.live)


async def test_who_steers_the_answer_to_somebody_else_is_answered_with_own_rights(
    stage: AgentStage,
) -> None:
    steered = Steered()
    replies = [[call("whoami")], "One done.", [call("whoami")], "Two done."]
    chat, thread_id = await steered.begin(stage, *replies)
    await chat.send_message(thread_id, "Bob wants", actor=BOB, second=SecondMessage.STEER)
    view = await steered.end(chat, thread_id)
    assert steered.seen == ["ann clerk", "bob clerk"]
    assert [one.text for one in view.messages] == ["One", "One done.", "Bob wants", "Two done."]
    assert all("Bob wants" not in str(one.turns) for one in stage.provider.requests[:3])


@pytest.mark.parametrize("how", [{"text": "Two", "agent": "other"}, {"text": "@other Two"}])
async def test_a_message_for_another_agent_does_not_steer(
    stage: AgentStage, how: dict[str, Any]
) -> None:
    steered = Steered()
    chat, thread_id = await steered.begin(stage, "One done.", [call("whoami")], "Two done.")
    await chat.send_message(thread_id, **how, actor=ANN, second=SecondMessage.STEER)
    view = await steered.end(chat, thread_id)
    assert steered.seen == ["ann other"]
    assert [one.author for one in view.messages if one.role == "assistant"] == ["clerk", "other"]


async def test_an_answer_of_which_nobody_knows_for_whom_it_is_may_be_steered(
    stage: AgentStage,
) -> None:
    steered = Steered()
    chat, thread_id = await steered.begin(stage, [call("whoami")], "Both done.")
    nobodys = update(Message).where(col(Message.thread_id) == thread_id).values(user_id="")
    await chat._database.write(lambda tx: tx.execute(nobodys) and None)
    await chat.send_message(thread_id, "Two", actor=BOB, second=SecondMessage.STEER)
    view = await steered.end(chat, thread_id)
    assert [part.text for part in view.messages[1].parts if part.kind == "message"] == ["Two"]


async def test_a_message_waits_where_the_run_of_the_answer_is_not_there_yet(
    stage: AgentStage,
) -> None:
    chat = await stage.open(Agent("clerk", "x"), replies=["Two done."])
    thread = await chat.create_thread(actor=ANN)
    now = SystemClock().now()
    there = Answer("a" * 32, thread.id, "", 0)
    row = pending.to_come(there, author="clerk", user_id="ann", now=now, run_id=None)

    def ask(tx: Tx) -> None:
        messages.add(tx, row)
        tx.execute(update(Thread).where(col(Thread.id) == thread.id).values(length=1))

    await chat._database.write(ask)
    sent = await chat.send_message(thread.id, "Two", actor=ANN, second=SecondMessage.STEER)
    view = await until(chat, thread.id, lambda view: view.messages[-1].text == "Two done.")
    assert [one.id for one in view.messages][1] == sent.id


async def test_who_steers_too_late_is_answered(stage: AgentStage) -> None:
    model = HeldUp("One done.", "Two done.")
    chat = await stage.open(Agent("clerk", "x"), provider=model)
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "One", actor=ANN)
    await until(chat, thread.id, lambda view: view.live and view.live[0].text)
    await chat.send_message(thread.id, "Two", actor=ANN, second=SecondMessage.STEER)
    model.held.set()
    view = await until(chat, thread.id, lambda view: len(view.messages) == 4 and not view.live)
    assert [one.text for one in view.messages if one.role == "assistant"] == [
        "One done.",
        "Two done.",
    ]


# Output that cannot be


class Word(BaseModel):
    """A word."""

    word: str


async def test_structured_output_that_is_too_long_to_be_kept_is_told_so(
    stage: AgentStage,
) -> None:
    long = json.dumps({"word": "x" * 1_000_000})
    clerk = Agent("clerk", "x", output=Word, limits=Limits(repairs=1))
    chat = await stage.open(clerk, replies=[long, '{"word": "short"}', long, long])
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Go", actor=ANN)
    message = await settled(chat, thread.id)
    assert (message.status, message.text) == ("done", '{"word": "short"}')
    told = [part.text for part in message.parts if part.kind == "note"]
    assert told == ["The answer is too long: 1,000,011 bytes of JSON, 900,000 at most."]
    other = await chat.create_thread(actor=ANN)
    await chat.send_message(other.id, "Go", actor=ANN)
    message = await settled(chat, other.id)
    assert message.status == "failed"
    assert "The answer is too long" in message.words


async def test_a_refusal_is_not_taken_for_output_to_be_mended(stage: AgentStage) -> None:
    class Refusing(ScriptedProvider):
        async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk, None]:
            self.requests.append(request)
            yield Text("I cannot help with that.")
            yield Finished(StopReason.REFUSAL, Usage(10, 5))

    model = Refusing("instant")
    chat = await stage.open(Agent("clerk", "x", output=Word), provider=model)
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Go", actor=ANN)
    await until(chat, thread.id, lambda view: view.settled and not view.live)
    assert len(model.requests) == 1


# Limits

PRICED = "anthropic:claude-sonnet-4-5"


@tool
async def nothing() -> str:
    """Do nothing."""
    return "nothing"


@dataclass(frozen=True)
class Bound:
    """A limit, and the words when it is reached for the first and the second time."""

    words: tuple[str, str]
    limits: Limits = field(default_factory=Limits)
    allowance: Allowance = field(default_factory=Allowance)


BOUNDS = {
    "model calls": Bound(("1 call of the model", "2 calls of the model"), Limits(model_calls=1)),
    "tool calls": Bound(("1 call of tools", "2 calls of tools"), Limits(tool_calls=1)),
    "tokens": Bound(("30 tokens for this", "tokens for this"), Limits(tokens=30)),
    "money": Bound(("$0.00 for this", "$0.00 for this"), Limits(cost_usd=0.0004)),
    "thread tokens": Bound(
        ("30 tokens in this thread", "tokens in this thread"),
        allowance=Allowance(thread_tokens=30),
    ),
    "thread money": Bound(
        ("in this thread", "in this thread"), allowance=Allowance(thread_usd=0.0004)
    ),
    "day's tokens": Bound(
        ("30 tokens for you in a day", "tokens for you"),
        allowance=Allowance(user_day_tokens=30),
    ),
    "day's money": Bound(
        ("for you in a day", "for you in a day"), allowance=Allowance(user_day_usd=0.0004)
    ),
}


@spread("kind", list(BOUNDS), postgresql=4)
async def test_each_limit_asks_and_going_on_raises_it_once_by_as_much(
    stage: AgentStage, kind: str
) -> None:
    bound = BOUNDS[kind]
    model = ScriptedProvider("instant", replies=[["x" * 80, call("nothing")]] * 9)
    model.id = PRICED
    agent = Agent("clerk", "x", tools=(nothing,), limits=bound.limits)
    chat = await stage.open(agent, provider=model, allowance=bound.allowance)
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Go", actor=ANN)
    seen = []
    for _ in range(2):
        [ask] = await asked(chat)
        seen.append(ask.text)
        calls = len(model.requests)
        await chat.inbox.approve(ask.id, actor=ANN)
        await decided(chat, ask.id)
    assert [words in text for words, text in zip(bound.words, seen, strict=True)] == [True, True]
    assert calls >= 2
    [ask] = await asked(chat)
    await chat.inbox.deny(ask.id, "enough", actor=BOB)
    message = await settled(chat, thread.id)
    assert (message.status, message.words) == ("stopped", "Stopped by Bob")
    assert message.parts[-1].kind == "note"


async def test_who_is_far_over_a_limit_is_asked_once_and_may_go_as_far_again(
    stage: AgentStage,
) -> None:
    model = ScriptedProvider("instant", replies=["x" * 4_000, "Done."])
    allowance = Allowance(thread_tokens=300)
    chat = await stage.open(Agent("clerk", "x"), provider=model, allowance=allowance)
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Go", actor=ANN)
    await settled(chat, thread.id)
    await chat.send_message(thread.id, "Again", actor=ANN)
    [ask] = await asked(chat)
    await chat.inbox.approve(ask.id, actor=ANN)
    assert (await settled(chat, thread.id)).text == "Done."


async def test_the_time_that_people_take_is_not_counted(stage: AgentStage) -> None:
    clock = Jumping()

    @tool
    async def work(minutes: int) -> str:
        """Take long."""
        clock.ahead += timedelta(minutes=minutes)
        return "worked"

    lead = Agent("lead", "x", tools=(work, pay), asks=("helper",), limits=Limits(wall=10 * MINUTE))
    helper = Agent("helper", "y", tools=(pay,))
    replies: list[Any] = [
        [call("pay", "a", amount=1), call("pay", "b", amount=2)],
        [call("ask_helper", task="Pay")],
        [call("pay", amount=3)],
        "Paid.",
        [call("work", minutes=9)],
        [call("work", minutes=2)],
        [call("work", minutes=0)],
        "Done.",
    ]
    chat = await stage.open(lead, helper, replies=replies, clock=clock)
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Go", actor=ANN)
    for number in (2, 1):
        waiting = await asked(chat, number)
        assert {ask.kind for ask in waiting} == {"approval"}
        clock.ahead += timedelta(hours=1)
        for ask in waiting:
            await chat.inbox.approve(ask.id, actor=ANN)
        await decided(chat, *(ask.id for ask in waiting))
    [ask] = await asked(chat)
    assert (ask.kind, ask.text) == ("limit", "It has reached a limit: 10 minutes.")
    # Nine minutes were no reason, eleven are.
    assert len(stage.provider.requests) == 7
    await chat.inbox.approve(ask.id, actor=ANN)
    assert (await settled(chat, thread.id)).text == "Done."


MINUTE = timedelta(minutes=1)


async def test_what_is_spent_is_counted_for_each_call_whatever_became_of_it(
    stage: AgentStage,
) -> None:
    model = ScriptedProvider(
        "instant",
        replies=[["One. ", call("ask_helper", task="Help")], "Inner.", "Outer.", "Half. Gone."],
        faults=[FailAfter(2, Overloaded("full")), None, None, None, FailAfter(1, BadRequest("no"))],
    )
    lead = Agent("lead", "x", asks=("helper",))
    chat = await stage.open(lead, Agent("helper", "y"), provider=model)
    model._replies.appendleft("Never all of this.")
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Go", actor=ANN)
    assert (await settled(chat, thread.id)).text == "Outer."
    await chat.send_message(thread.id, "Fail", actor=BOB)
    assert (await settled(chat, thread.id)).status == "failed"
    rows = (await rows_of(chat))["spendings"]
    assert [(row["outcome"], row["agent"], row["user_id"]) for row in rows] == [
        ("failed", "lead", "ann"),
        ("done", "lead", "ann"),
        ("done", "helper", "ann"),
        ("done", "lead", "ann"),
        ("failed", "lead", "bob"),
    ]
    assert {row["thread_id"] for row in rows} == {thread.id}
    assert {row["model"] for row in rows} == {"scripted:instant"}
    # Nobody knows the price, which is not the same as nothing.
    assert {row["cost_usd"] for row in rows} == {None}
    spent = await chat._database.read(lambda session: spendings.of_thread(session, thread.id))
    assert (spent.calls, spent.unknown, spent.estimated) == (5, 5, 5)
    assert spent.tokens == sum(row["input_tokens"] + row["output_tokens"] for row in rows)
    runs = (await rows_of(chat))["workflows"]
    assert spent.tokens == sum(row["input_tokens"] + row["output_tokens"] for row in runs)


async def test_what_a_stop_cuts_is_counted_by_its_length(stage: AgentStage) -> None:
    chat, thread_id = await Held("model").begin(stage)
    await until(chat, thread_id, lambda view: view.live and view.live[0].text)
    await chat.stop(thread_id, actor=BOB)
    await settled(chat, thread_id)
    [row] = (await rows_of(chat))["spendings"]
    assert (row["outcome"], row["agent"], row["user_id"]) == ("stopped", "lead", "ann")
    assert (row["estimated"], row["cost_usd"]) == (True, None)
    assert row["input_tokens"] > 0


async def test_what_a_try_again_and_sub_agents_spend_counts_for_the_thread(
    stage: AgentStage,
) -> None:
    lead = Agent("lead", "x", asks=("helper",), limits=Limits(model_calls=2))
    helper = Agent("helper", "y")
    replies: list[Any] = [[call("ask_helper", task="z" * 200)], "I" * 200]
    model = ScriptedProvider(
        "instant", replies=[*replies, "Half.", "Done."], faults=[None, None, BadRequest("no")]
    )
    chat = await stage.open(lead, helper, provider=model, allowance=Allowance(thread_tokens=150))
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Go", actor=ANN)
    failed = await settled(chat, thread.id)
    assert failed.status == "failed"
    await chat.retry(failed.id, actor=ANN)
    [ask] = await asked(chat)
    assert (ask.kind, ask.agent) == ("limit", "lead")
    assert "150 tokens in this thread" in ask.text
    await chat.inbox.approve(ask.id, actor=ANN)
    message = await settled(chat, thread.id)
    assert (message.status, message.text) == ("done", "Half.")
