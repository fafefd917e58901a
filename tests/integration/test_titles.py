"""Titles that a model writes: after the first answer, of their own run, never over a person's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import Session, select

from agentchat import Agent, AgentChat, Settings, ToolContext, Tx, tool
from agentchat.errors import BadRequest, ModelUnavailable
from agentchat.llm.base import Chunk, ModelRequest
from agentchat.llm.scripted import ScriptedProvider
from agentchat.models import Run, RunStatus, Spending, Step, Thread
from agentchat.store.database import Database
from agentchat.views import Actor
from agentchat.workflows.title import title_workflow
from tests.integration.agents_stage import ANN, AgentStage, call, settled
from tests.integration.people_stage import rows
from tests.integration.stage import Stage
from tests.integration.test_remember import ANSWER, THREAD, say
from tests.long import LONG_ON_POSTGRES

pytestmark = LONG_ON_POSTGRES

CLERK = Agent(name="clerk", instructions="Answer.", description="Answers.")
BOSS = Agent(name="boss", instructions="x", asks=("clerk",))
QUESTION = "Where do herons sleep in winter, and do they sleep alone or in groups of many?"
FIRST_WORDS = "Where do herons sleep in winter, and do they sleep alone or…"
WRITER = Actor("ann-0001", "Ann")


@pytest.fixture
async def agents(database_url: str) -> AsyncIterator[AgentStage]:
    async with AsyncExitStack() as stack:
        found = AgentStage(database_url, stack)
        found.settings = Settings(db_url=database_url, titles=True)
        yield found


def writes(title: Any, answer: str = "In trees.") -> ScriptedProvider:
    """A model that answers, and writes this when it is asked for a title."""

    def reply(request: ModelRequest) -> Any:
        return title if request.agent == "title" else answer

    return ScriptedProvider("instant", replies=[reply] * 20)


async def thread_of(chat: AgentChat) -> Thread:
    threads: list[Thread] = await rows(chat._database, Thread)
    [found] = [one for one in threads if one.parent_id is None]
    return found


async def runs_of(database: Database, status: RunStatus = RunStatus.DONE) -> list[Run]:
    found = [one for one in await rows(database, Run) if one.workflow == "title"]
    return [one for one in found if one.status == status]


async def named(chat: AgentChat) -> Thread:
    """The thread, once a run that names it is over."""
    async with asyncio.timeout(20), aclosing(chat.follow_query(_has_ended)) as outcomes:
        async for outcome in outcomes:
            if outcome.value:
                break
    return await thread_of(chat)


def _has_ended(session: Session) -> bool:
    found = session.exec(select(Run).where(Run.workflow == "title")).all()
    return any(one.finished_at is not None for one in found)


async def ask(chat: AgentChat, thread_id: str = "thread-of-ann") -> str:
    await chat.send_message(thread_id, QUESTION, actor=ANN, create_thread=True)
    return (await settled(chat, thread_id)).status


async def test_after_the_first_answer_a_model_writes_the_title(agents: AgentStage) -> None:
    provider = writes("Where herons sleep")
    chat = await agents.open(CLERK, provider=provider)
    assert await ask(chat) == "done"
    thread = await named(chat)
    assert (thread.title, thread.titled_by) == ("Where herons sleep", "model")
    await chat.send_message(thread.id, "And storks?", actor=ANN)
    await settled(chat, thread.id)
    asked = [one for one in provider.requests if one.agent == "title"]
    assert len(asked) == 1, "once it has a title nobody is asked again"
    assert asked[0].max_tokens < 100
    assert QUESTION in asked[0].turns[0].text
    assert "In trees." in asked[0].turns[0].text
    [spent] = [one for one in await rows(chat._database, Spending) if one.agent == "title"]
    assert (spent.thread_id, spent.user_id, spent.outcome) == (thread.id, ANN.id, "done")
    assert spent.input_tokens > 0


async def test_everybody_who_looks_sees_the_new_title(agents: AgentStage) -> None:
    chat = await agents.open(CLERK, provider=writes("Where herons sleep"))
    async with aclosing(chat.follow_threads(actor=ANN)) as lists:
        await ask(chat)
        async for lines in lists:
            if lines and lines[0].title == "Where herons sleep":
                break
            assert not lines or lines[0].title == FIRST_WORDS


async def test_a_run_that_names_a_thread_does_not_make_it_busy(agents: AgentStage) -> None:
    chat = await agents.open(CLERK, provider=writes("Where herons sleep"))
    await chat.runs.pause_workflow("title")
    await ask(chat)
    assert len(await runs_of(chat._database, RunStatus.QUEUED)) == 1
    [line] = await anext(chat.follow_threads(actor=ANN))
    assert not line.running
    await chat.send_message("thread-of-ann", "Next", actor=ANN)
    assert (await settled(chat, "thread-of-ann")).status == "done"


@tool
def name_it(tx: Tx, context: ToolContext) -> str:
    """Give this conversation another title."""
    tx.execute(update(Thread).where(Thread.id == context.thread_id).values(title="By a tool"))  # type: ignore[arg-type]
    return "Done."


async def test_what_a_tool_has_called_a_thread_stays(agents: AgentStage) -> None:
    replies = iter([[call("name_it")], "Done."])

    def reply(request: ModelRequest) -> Any:
        return "Where herons sleep" if request.agent == "title" else next(replies)

    namer = Agent(name="namer", instructions="x", tools=(name_it,))
    chat = await agents.open(namer, provider=ScriptedProvider("instant", replies=[reply] * 9))
    await ask(chat)
    assert await runs_of(chat._database, RunStatus.QUEUED) == []
    assert (await thread_of(chat)).title == "By a tool"


@pytest.mark.parametrize("when", ["before", "meanwhile"])
async def test_a_title_of_a_person_is_never_written_over(agents: AgentStage, when: str) -> None:
    chat = await agents.open(CLERK, provider=writes("Where herons sleep"))
    if when == "before":
        await chat.create_thread("Birds", actor=ANN, thread_id="thread-of-ann")
        await ask(chat)
        assert await runs_of(chat._database, RunStatus.QUEUED) == []
    else:
        await chat.runs.pause_workflow("title")
        await ask(chat)
        await chat.rename_thread("thread-of-ann", "Birds", actor=ANN)
        await chat.runs.resume_workflow("title")
        await named(chat)
    thread = await thread_of(chat)
    assert (thread.title, thread.titled_by) == ("Birds", "person")


class Slow(ScriptedProvider):
    """Takes its time over a title, until it is told to go on."""

    def __init__(self, *replies: Any) -> None:
        super().__init__("instant", replies=replies)
        self.asked, self.go_on = asyncio.Event(), asyncio.Event()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk, None]:
        if request.agent == "title":
            self.asked.set()
            await self.go_on.wait()
        async for chunk in super().stream(request):
            yield chunk


@pytest.mark.parametrize("by", ["person", "tool"])
async def test_a_title_given_while_the_model_thinks_stays(agents: AgentStage, by: str) -> None:
    provider = Slow("In trees.", "Where herons sleep")
    chat = await agents.open(CLERK, provider=provider)
    await ask(chat)
    await asyncio.wait_for(provider.asked.wait(), 20)
    if by == "person":
        await chat.rename_thread("thread-of-ann", FIRST_WORDS, actor=ANN)
    else:
        await chat._database.write(_called, "By a tool")
    provider.go_on.set()
    thread = await named(chat)
    assert thread.title == (FIRST_WORDS if by == "person" else "By a tool")
    assert thread.titled_by == ("person" if by == "person" else "")


def _called(tx: Tx, title: str) -> None:
    tx.execute(update(Thread).values(title=title))


@pytest.mark.parametrize(
    "written", ["", "Here is one:\n\nHerons", "# Herons", "word " * 20, '"Herons'], ids=repr
)
async def test_what_is_no_title_leaves_the_first_words(agents: AgentStage, written: str) -> None:
    chat = await agents.open(CLERK, provider=writes(written))
    await ask(chat)
    thread = await named(chat)
    assert (thread.title, thread.titled_by) == (FIRST_WORDS, "")


async def test_the_scripted_model_as_it_is_leaves_the_first_words(agents: AgentStage) -> None:
    chat = await agents.open(CLERK, provider=ScriptedProvider("instant"))
    await ask(chat)
    assert (await named(chat)).title == FIRST_WORDS


async def test_it_can_be_switched_off(agents: AgentStage) -> None:
    agents.settings = Settings(db_url=agents.settings.db_url, titles=False)
    provider = writes("Where herons sleep")
    chat = await agents.open(CLERK, provider=provider)
    await ask(chat)
    assert [one.workflow for one in await rows(chat._database, Run)] == ["reply"]
    assert (await thread_of(chat)).title == FIRST_WORDS


def failing(*errors: Exception) -> Callable[[ModelRequest], str]:
    left = list(errors)

    def reply(request: ModelRequest) -> str:
        if request.agent == "title" and left:
            raise left.pop(0)
        return "Where herons sleep" if request.agent == "title" else "In trees."

    return reply


@pytest.mark.parametrize(
    ("errors", "title"),
    [
        ([ModelUnavailable("away")], "Where herons sleep"),
        ([BadRequest("never")], FIRST_WORDS),
    ],
)
async def test_a_model_that_fails_is_asked_again_or_let_be(
    agents: AgentStage, errors: list[Exception], title: str
) -> None:
    provider = ScriptedProvider("instant", replies=[failing(*errors)] * 9)
    chat = await agents.open(CLERK, provider=provider)
    assert await ask(chat) == "done"
    assert (await named(chat)).title == title
    assert await runs_of(chat._database, RunStatus.FAILED) == []


async def test_sub_agents_name_nothing(agents: AgentStage) -> None:
    replies = iter([[call("ask_clerk", task="Help")], "Helped.", "Done."])

    def reply(request: ModelRequest) -> Any:
        return "Where herons sleep" if request.agent == "title" else next(replies)

    chat = await agents.open(BOSS, CLERK, provider=ScriptedProvider("instant", replies=[reply] * 9))
    await ask(chat)
    assert (await named(chat)).title == "Where herons sleep"
    [run] = await runs_of(chat._database)
    assert run.data["thread_id"] == "thread-of-ann"


async def test_a_thread_that_is_deleted_meanwhile_gets_none(agents: AgentStage) -> None:
    chat = await agents.open(CLERK, provider=writes("Where herons sleep"))
    await chat.runs.pause_workflow("title")
    await ask(chat)
    await chat.delete_thread("thread-of-ann", actor=ANN)
    await chat.runs.resume_workflow("title")
    assert (await named(chat)).title == FIRST_WORDS


async def test_after_a_crash_the_model_is_asked_again_and_no_journal_holds_what_it_said(
    stage: Stage,
) -> None:
    await say(stage.database)
    await stage.database.write(_untitled)
    provider = ScriptedProvider("instant", replies=["Nuts and Ann"] * 3)
    flow = title_workflow(provider, stage.database, stage.clock)
    await stage.open(flow)
    run_id = await stage.runs.start(flow, THREAD, ANSWER, WRITER.id)
    await stage.ended(run_id)
    fork = await stage.runs.fork(run_id, "store")
    await stage.database.write(_untitled)
    await stage.ended(fork)
    assert len(provider.requests) == 2

    def kept(session: Session) -> tuple[str, str]:
        thread = session.get(Thread, THREAD)
        assert thread is not None
        return thread.title, str([(one.input, one.result) for one in session.exec(select(Step))])

    title, journals = await stage.database.read(kept)
    assert title == "Nuts and Ann"
    assert "Nuts" not in journals


def _untitled(tx: Tx) -> None:
    tx.execute(update(Thread).values(titled_by="", title="T"))
