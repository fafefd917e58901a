"""Threads with agents in them: a view that builds on the last is what a fresh one would be, is
woken by whatever changes it and by little else, and costs few statements.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, aclosing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert
from sqlmodel import Session

from agentchat import Agent, ThreadView, ToolContext, tool
from agentchat.agents import pending
from agentchat.durable.context import Context
from agentchat.models import AskKind, AskStatus, Delta, MessageStatus, PartKind, PartStatus
from agentchat.shown import thread as reads
from agentchat.store import answers, asks, attachments, messages, parts, threads
from agentchat.store.database import Database
from agentchat.store.messages import Answer
from agentchat.store.told import Told
from agentchat.store.writer import Tx
from agentchat.verbs import turns
from tests.integration.agents_stage import ANN, BOB, AgentStage, asked, call, settled, until
from tests.long import LONG_ON_POSTGRES, spread

pytestmark = LONG_ON_POSTGRES

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
ROOT = "thread-0001"
OVER = (MessageStatus.DONE, MessageStatus.FAILED, MessageStatus.STOPPED)
FINAL = (PartStatus.DONE, PartStatus.FAILED, PartStatus.DENIED, PartStatus.INTERRUPTED)


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[AgentStage]:
    async with AsyncExitStack() as stack:
        yield AgentStage(database_url, stack)


class World:
    """A thread in which agents answer and ask others; each event is one that a run, a person or
    a retry brings about.
    """

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.live: list[Answer] = []
        self.over: list[Answer] = []
        self.parts: list[tuple[Answer, int]] = []
        self.open: list[str] = []
        self._lengths = {ROOT: 0}
        self._subs: dict[str, set[int]] = {}
        self._count = 0

    def happen(self, tx: Tx) -> str:
        """Something."""
        events = [self.say, self.part, self.part, self.delta, self.delta, self.sub, self.change]
        events += [self.change, self.ask, self.decide, self.take, self.settle, self.reopen]
        events += [self.unsub, self.begin]
        what: Callable[[Tx], object] = self.chance.choice(events)
        what(tx)
        return what.__name__

    def say(self, tx: Tx) -> None:
        self._message(tx, ROOT, files=self.chance.random() < 0.5)

    def begin(self, tx: Tx) -> None:
        if answer := self._one(self.live):
            messages.begin(tx, answer, model=self._word())

    def delta(self, tx: Tx) -> None:
        if answer := self._one(self.live):
            row = {
                "message_id": answer.message_id,
                "thread_id": answer.thread_id,
                "attempt": 1 if self.chance.random() < 0.8 else 2,
                "tries": self.chance.choice((1, 1, 1, 2)),
                "text": self._word(),
                "created_at": self._now(),
            }
            tx.execute(insert(Delta), [row])

    def take(self, tx: Tx) -> None:
        if (answer := self._one(self.live)) and (text := messages.take_text(tx, answer)):
            self._add(tx, answer, PartKind.TEXT, PartStatus.DONE, text=text)

    def part(self, tx: Tx) -> None:
        if answer := self._one(self.live):
            kind = self.chance.choice((PartKind.TOOL, PartKind.NOTE, PartKind.REASONING))
            status = self.chance.choice((PartStatus.RUNNING, PartStatus.DONE))
            self._add(tx, answer, kind, status, text=self._word(), input={"a": self._word()})

    def change(self, tx: Tx) -> None:
        if (one := self._one(self.parts)) and one[0] in self.live:
            status = self.chance.choice((*FINAL, PartStatus.RUNNING, PartStatus.ASKED))
            over = self._now() if status in FINAL else None
            values: dict[str, Any] = {"text": self._word(), "data": {"by": self._word()}}
            if one[1] in self._subs.get(one[0].message_id, ()):
                values = {}
            parts.change(tx, *one, status=status, finished_at=over, **values)

    def ask(self, tx: Tx) -> None:
        if (one := self._one(self.parts)) and one[0] in self.live:
            answer, position = one
            made = self._id("ask")
            about = {
                "id": made,
                "run_id": answer.run_id,
                "thread_id": answer.thread_id,
                "message_id": answer.message_id,
                "part": position,
                "created_at": self._now(),
            }
            kind = self.chance.choice(tuple(AskKind))
            asks.add(tx, about | {"kind": kind, "text": self._word(), "tool": "pay"})
            self.open.append(made)

    def decide(self, tx: Tx) -> None:
        made = self._one(self.open)
        ask = asks.lock(tx, made) if made else None
        if ask is not None and ask.status == AskStatus.OPEN:
            asks.expire(tx, ask, now=self._now())

    def sub(self, tx: Tx) -> None:
        if answer := self._one(self.live):
            position = self._add(tx, answer, PartKind.AGENT, PartStatus.RUNNING, name="helper")
            inner = self._id("thread")
            threads.create(
                tx,
                inner,
                owner_id="ann",
                title="",
                now=self._now(),
                parent_id=answer.thread_id,
                parent_message_id=answer.message_id,
            )
            self._lengths[inner] = 0
            child = self._message(tx, inner)
            about = {"child_id": child.message_id, "data": {"thread_id": inner}}
            parts.change(tx, answer, position, **about)
            self._subs.setdefault(answer.message_id, set()).add(position)

    def settle(self, tx: Tx) -> None:
        if self.chance.random() < 0.6 and (answer := self._one(self.live)):
            status = self.chance.choice(OVER)
            answers.settle(tx, answer, status=status, now=self._now(), stopped_by="Ann")
            self.live.remove(answer)
            self.over.append(answer)

    def reopen(self, tx: Tx) -> None:
        if answer := self._one(self.over):
            again = Answer(answer.message_id, answer.thread_id, self._id("run"), answer.position)
            self._forget_subs(tx, answer)
            answers.reopen(tx, again, user_id="ann")
            self.over.remove(answer)
            self.live.append(again)
            self.parts = [one for one in self.parts if one[0] != answer]

    def unsub(self, tx: Tx) -> None:
        """Somebody deletes the threads of sub-agents."""
        if self.chance.random() < 0.3 and (answer := self._one(self.over)):
            self._forget_subs(tx, answer)

    def _forget_subs(self, tx: Tx, answer: Answer) -> None:
        gone = set()
        for child in parts.children(tx, answer.message_id):
            gone |= {child.thread_id, *threads.within(tx, child.thread_id)}
        turns.delete_subs(tx, answer, now=self._now())
        self._subs.pop(answer.message_id, None)
        self.live = [one for one in self.live if one.thread_id not in gone]
        self.over = [one for one in self.over if one.thread_id not in gone]
        self.parts = [one for one in self.parts if one[0].thread_id not in gone]

    def _message(self, tx: Tx, thread_id: str, *, files: bool = False) -> Answer:
        now, place = self._now(), self._lengths[thread_id]
        said, about = self._id("said"), dict[str, Any](user_id="ann", now=now)
        there = Answer(self._id("answer"), thread_id, self._id("run"), place + 1)
        question = pending.said(said, thread_id, place, self._word(), author="Ann", **about)
        answer = pending.to_come(there, author="lead", run_id=there.run_id, **about)
        messages.add(tx, question, answer)
        self._lengths[thread_id] += 2
        self.live.append(there)
        if files:
            row = {"id": self._id("file"), "thread_id": thread_id, "message_id": said, "size": 1}
            row |= {
                "position": 0,
                "name": self._word()[:200],
                "media_type": "text/plain",
                "text": "x",
            }
            attachments.add(tx, row | {"content": b"x", "created_at": now})
        return there

    def _add(self, tx: Tx, answer: Answer, kind: str, status: str, **values: Any) -> int:
        over = self._now() if status in FINAL else None
        about = {"kind": kind, "status": status, "agent": "lead", "finished_at": over}
        [position] = parts.add(tx, answer, self._now(), about | values)
        self.parts.append((answer, position))
        return position

    def _one(self, among: list[Any]) -> Any:
        # Mostly a new one: what is old is at the end of everything soon.
        return self.chance.choice(among[-6:]) if among else None

    def _id(self, kind: str) -> str:
        self._count += 1
        return f"{kind}-{self._count:04}"

    def _word(self) -> str:
        return self._id("word") * self.chance.choice((1, 1, 600))

    def _now(self) -> datetime:
        self._count += 1
        return BEGAN + timedelta(seconds=self._count)


async def seen(
    database: Database, last: reads.Shown | None, thread_id: str
) -> tuple[reads.Shown, tuple[Any, ...]]:
    """The thread, and what was read for it."""

    def look(session: Session) -> reads.Shown:
        return reads.thread_view(session, last, thread_id, "scripted:instant", 50)

    outcome, read = await database.live._read(look)
    assert outcome.value is not None, outcome.error
    return outcome.value, read


@pytest.mark.timeout(180)
@spread("seed", range(30), sqlite=12, postgresql=6)
async def test_a_view_that_builds_on_the_last_is_what_a_fresh_one_is(
    database: Database, seed: int
) -> None:
    await database.write(threads.create, ROOT, owner_id="ann", title="A", now=BEGAN)
    world = World(seed)
    shown, read = await seen(database, None, ROOT)

    def happen(tx: Tx) -> tuple[str, Told]:
        return world.happen(tx), Told(tx.changes)

    stale = False
    for _ in range(60):
        what, told = await database.write(happen)
        stale = stale or told.touching(read) is not None
        fresh, _ = await seen(database, None, ROOT)
        if not stale:
            assert fresh.view == shown.view, what
        elif world.chance.random() < 0.7:
            # Not each time: then all that came in between is read at once.
            shown, read = await seen(database, shown, ROOT)
            assert shown.view == fresh.view, what
            assert same(shown, fresh), what
            stale = False


def same(shown: reads.Shown, fresh: reads.Shown) -> bool:
    """Whether the next view has the same to build on."""
    return (shown.messages, shown.heads, shown.growing, shown.taken) == (
        fresh.messages,
        fresh.heads,
        fresh.growing,
        fresh.taken,
    )


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """The statements that views are read with."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement != "BEGIN":
            statements.append(statement)

    event.listen(database._reading, "before_cursor_execute", note)
    yield statements
    event.remove(database._reading, "before_cursor_execute", note)


async def fleet(database: Database, number: int, *, over: bool) -> None:
    """An answer for which so many sub-agents work, each with a part of its own."""
    world = World(0)

    def begin(tx: Tx) -> None:
        threads.create(tx, ROOT, owner_id="ann", title="A", now=BEGAN)
        lead = world._message(tx, ROOT)
        for _ in range(number):
            world.live = [lead]
            world.sub(tx)
            child = world.live[-1]
            world._add(tx, child, PartKind.TOOL, PartStatus.DONE, text="x")
            if over:
                answers.settle(tx, child, status=MessageStatus.DONE, now=BEGAN, text="Done.")
            else:
                world.live = [child]
                world.delta(tx)

    await database.write(begin)


@pytest.mark.parametrize("over", [True, False], ids=["over", "under way"])
async def test_sub_agents_cost_no_statement_each(database: Database, over: bool) -> None:
    await fleet(database, 40, over=over)
    with counted(database) as first:
        shown, _ = await seen(database, None, ROOT)
    assert len(shown.view.live[0].parts) == 40
    assert len(first) <= 16
    with counted(database) as again:
        after, _ = await seen(database, shown, ROOT)
    assert after.view == shown.view
    # What grows is read from where it was, each by itself.
    assert len(again) <= (10 if over else 16 + 40)
    if over:
        before = [part.answer for part in shown.view.live[0].parts]
        now = [part.answer for part in after.view.live[0].parts]
        assert all(one is other for one, other in zip(before, now, strict=True))


async def test_what_is_final_is_read_once(database: Database) -> None:
    world = World(0)

    def begin(tx: Tx) -> None:
        threads.create(tx, ROOT, owner_id="ann", title="A", now=BEGAN)
        answer = world._message(tx, ROOT)
        for _ in range(20):
            world._add(tx, answer, PartKind.TOOL, PartStatus.DONE, text="y" * 39_000)
        messages.begin(tx, answer, model="m")

    await database.write(begin)
    shown, _ = await seen(database, None, ROOT)
    with counted(database) as statements:
        after, _ = await seen(database, shown, ROOT)
    [of_parts] = [one for one in statements if "FROM parts" in one]
    assert "parts.text" not in of_parts
    mine, theirs = after.view.live[0].parts, shown.view.live[0].parts
    assert all(one is other for one, other in zip(mine, theirs, strict=True))


async def test_what_others_say_does_not_wake_a_thread_with_sub_agents(stage: AgentStage) -> None:
    gate = asyncio.Event()

    @tool
    async def slow() -> str:
        """Take long."""
        await gate.wait()
        return "x"

    lead = Agent("lead", "x", asks=("helper",), tools=(slow,))
    replies: list[Any] = [[call("ask_helper", task="t")], "helped", [call("slow")]]
    chat = await stage.open(lead, Agent("helper", "x"), replies=[*replies, *["ok"] * 9])
    thread = await chat.create_thread("A", actor=ANN)
    await chat.send_message(thread.id, "go", actor=ANN)
    last: list[ThreadView] = []

    async def follow() -> None:
        async with aclosing(chat.follow(thread.id)) as views:
            async for view in views:
                last[:] = [view]

    following = asyncio.create_task(follow())
    await until(chat, thread.id, lambda view: "Calling slow" in [one.words for one in view.live])
    await asyncio.sleep(0.5)

    def runs() -> int:
        return next(one.runs for one in chat.live_queries() if "thread_view" in one.name)

    before = runs()
    other = await chat.create_thread("B", actor=BOB)
    for _ in range(3):
        await chat.send_message(other.id, "hi", actor=BOB)
        await settled(chat, other.id)
    assert runs() == before
    gate.set()
    await settled(chat, thread.id)
    following.cancel()


async def test_what_is_asked_side_by_side_is_shown_side_by_side(stage: AgentStage) -> None:
    @tool
    async def survey(ctx: Context, context: ToolContext) -> str:
        """Ask two things."""
        said = await ctx.gather(context.ask_person("Tea?"), context.ask_person("Cake?"))
        return " and ".join(map(str, said))

    replies = [[call("survey")], "Good."]
    chat = await stage.open(Agent("host", "x", tools=(survey,)), replies=replies)
    thread = await chat.create_thread("A", actor=ANN)
    await chat.send_message(thread.id, "go", actor=ANN)
    waiting = await asked(chat, 2)
    view = await until(chat, thread.id, lambda view: view.live and view.live[0].parts)
    [part] = view.live[0].parts
    assert [(one.text, one.status) for one in part.asks] == [("Tea?", "open"), ("Cake?", "open")]
    assert view.live[0].words == "Waiting for an answer"
    cake = next(one for one in waiting if one.text == "Cake?")
    await chat.inbox.answer(cake.id, "yes", actor=ANN)
    view = await until(
        chat,
        thread.id,
        lambda view: [one.answer for one in view.live[0].parts[0].asks] == ["", "yes"],
    )
    assert [one.status for one in view.live[0].parts[0].asks] == ["open", "answered"]
    assert view.live[0].words == "Waiting for an answer"
    tea = next(one for one in waiting if one.text == "Tea?")
    await chat.inbox.answer(tea.id, "no", actor=ANN)
    message = await settled(chat, thread.id)
    assert [one.answer for one in message.parts[0].asks] == ["no", "yes"]


async def test_an_answer_of_a_sub_agent_that_is_tried_again_is_shown_in_what_is_settled(
    database: Database,
) -> None:
    await fleet(database, 1, over=True)
    shown, _ = await seen(database, None, ROOT)
    lead = shown.view.live[0]
    part = lead.parts[0]
    assert part.answer is not None
    child = Answer(part.answer.id, part.thread_id, "again", 1)

    def end(tx: Tx) -> None:
        own = Answer(lead.id, ROOT, lead.run_id, 1)
        answers.settle(tx, own, status=MessageStatus.DONE, now=BEGAN, text="All done.")

    def again(tx: Tx) -> Told:
        answers.reopen(tx, child, user_id="ann")
        return Told(tx.changes)

    await database.write(end)
    shown, read = await seen(database, shown, ROOT)
    assert not shown.view.live
    told = await database.write(again)
    assert told.touching(read) is not None
    shown, _ = await seen(database, shown, ROOT)
    [part] = shown.view.settled[-1].parts
    assert part.answer is not None
    assert part.answer.status == "pending"


async def test_heads_of_files_do_not_go_through_what_is_in_them(database: Database) -> None:
    with counted(database) as statements:
        await database.read(attachments.heads_of_messages, ROOT, ["said-0001"])
    [statement] = statements
    wanted = statement.split("FROM")[0]
    # Columns behind the content cannot be read without it.
    assert not any(name in wanted for name in ("content", "text", "created_at"))
