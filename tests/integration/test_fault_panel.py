"""Faults that are switched on: what they do, that they end by themselves, and who may."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

from agentchat import Actor, Agent, AgentChat, MessageView, Settings
from agentchat.durable.context import Context
from agentchat.durable.workflow import workflow
from agentchat.errors import InvalidInput, NotAllowed, WrongState
from agentchat.faults import FaultKind, FaultView
from agentchat.faults.provider import Faulty
from agentchat.llm.base import Chunk, ModelRequest
from agentchat.llm.scripted import ScriptedProvider
from agentchat.models import Attempt, Audit, Delta, Process, Run, RunStatus, Step
from agentchat.store import threads
from agentchat.store.database import Database
from tests.integration.agents_stage import ANN, BOB, AgentStage, HeldUp, settled, until
from tests.integration.workers import is_
from tests.integration.workers import until as until_run
from tests.long import LONG_ON_POSTGRES
from tests.waiting import eventually

pytestmark = LONG_ON_POSTGRES

SENTENCES = " ".join(f"This is sentence {n}." for n in range(1, 21))
CLERK = Agent("clerk", "Answer.", description="Answers.")


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[AgentStage]:
    async with AsyncExitStack() as stack:
        stage = AgentStage(database_url, stack)
        stage.settings = Settings(db_url=database_url, fault_panel=True, _env_file=None)
        yield stage


async def asks(chat: AgentChat) -> str:
    """The id of a new thread in which somebody waits for an answer."""
    thread = await chat.create_thread("A thread", actor=ANN)
    await chat.send_message(thread.id, "Tell a story", actor=ANN)
    return thread.id


async def read(chat: AgentChat, kind: type[Any], *where: Any) -> list[Any]:
    def rows(session: Session) -> list[Any]:
        return list(session.exec(select(kind).where(*where)))

    return await chat._database.read(rows)


async def noted(chat: AgentChat, number: int) -> list[tuple[str, str, str, str]]:
    """What is written down of faults, once it is so much: which, what, by whom, why."""

    def rows(session: Session) -> list[Audit]:
        return list(session.exec(select(Audit).where(col(Audit.kind) == "fault")))

    async with asyncio.timeout(20), aclosing(chat._database.live.follow(rows)) as seen:
        async for found in seen:
            if len(found) >= number:
                break
    found.sort(key=lambda one: one.id or 0)
    return [(one.subject_id, one.action, one.by, one.detail.get("why", "")) for one in found]


async def on(chat: AgentChat) -> tuple[FaultView, ...]:
    async with aclosing(chat.faults.follow()) as seen:
        return await anext(seen)


async def kinds_tried(chat: AgentChat) -> list[str]:
    """With what the tries of steps have failed, in their order."""
    tries = await read(chat, Attempt)
    return [one.error_kind for one in sorted(tries, key=lambda one: one.id)]


async def none_is_on(chat: AgentChat) -> None:
    async with asyncio.timeout(20), aclosing(chat.faults.follow()) as seen:
        async for faults in seen:
            if not faults:
                return


def is_whole(answer: MessageView) -> None:
    assert (answer.status, answer.text) == ("done", SENTENCES)


async def test_faults_are_off_unless_the_setting_allows_them(database_url: str) -> None:
    settings = Settings(db_url=database_url, _env_file=None)
    async with AgentChat(settings, agents=[CLERK], provider=ScriptedProvider("instant")) as chat:
        assert not chat.faults.allowed
        for refused in (chat.faults.switch_on("worker", 5), chat.faults.end("x"), on(chat)):
            with pytest.raises(NotAllowed, match="AGENTCHAT_FAULT_PANEL=true"):
                await refused
        assert await read(chat, Audit, col(Audit.kind) == "fault") == []
        # Nothing is in the way of the model.
        inner: Any = chat._team.provider
        while inner is not None:
            assert not isinstance(inner, Faulty)
            inner = getattr(inner, "_provider", None)


def test_faults_are_only_for_an_app_that_listens_on_this_machine() -> None:
    for host in ("127.0.0.1", "localhost", "::1"):
        assert Settings(host=host, fault_panel=True, _env_file=None).faults_allowed
        assert not Settings(host=host, _env_file=None).faults_allowed
    for host in ("0.0.0.0", "192.168.0.2", "example.org", "::"):
        # As if other hosts were let through one day.
        assert not Settings.model_construct(host=host, fault_panel=True).faults_allowed


async def test_a_nameless_actor_switches_nothing_on(stage: AgentStage) -> None:
    chat = await stage.open(CLERK)
    with pytest.raises(NotAllowed):
        await chat.faults.switch_on("refuse", 5, actor=Actor("", ""))
    assert await on(chat) == ()


@pytest.mark.parametrize(
    ("kind", "seconds", "amount"),
    [
        ("flood", 5, None),
        ("refuse", 0, None),
        ("refuse", 61, None),
        ("refuse", 2.5, None),
        ("refuse", True, None),
        ("refuse", "5", None),
        ("refuse", 5, 101),
        ("slow", 5, 9),
        ("limit", 5, 61),
        ("worker", 5, 1),
        ({"kind": "worker"}, 5, None),
    ],
)
async def test_what_has_no_bound_is_refused(
    stage: AgentStage, kind: Any, seconds: Any, amount: Any
) -> None:
    chat = await stage.open(CLERK)
    with pytest.raises(InvalidInput):
        await chat.faults.switch_on(kind, seconds, amount)
    assert await on(chat) == ()
    assert await read(chat, Audit, col(Audit.kind) == "fault") == []


async def test_a_fault_ends_by_itself_and_it_is_written_down_who_did_it(stage: AgentStage) -> None:
    chat = await stage.open(CLERK)
    began = time.monotonic()
    view = await chat.faults.switch_on("refuse", 1, actor=ANN)
    assert (view.kind, view.seconds, view.by) == (FaultKind.REFUSE, 1, "Ann")
    assert await on(chat) == (view,)
    await none_is_on(chat)
    assert time.monotonic() - began >= 1
    assert await noted(chat, 2) == [
        ("refuse", "on", "Ann", ""),
        ("refuse", "end", "Ann", "time"),
    ]
    assert not await chat.faults.end(view.id)


async def test_it_goes_on_when_whoever_switched_it_on_is_cut_off(stage: AgentStage) -> None:
    chat = await stage.open(CLERK)
    switching = asyncio.create_task(chat.faults.switch_on("worker", 1))
    dead = chat._durable.worker
    # At each turn of the loop, so that the rest of it is still to come.
    while not chat._durable._died:  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert not switching.done()
    switching.cancel()
    await asyncio.gather(switching, return_exceptions=True)
    await eventually(lambda: chat._durable.worker != dead)
    await none_is_on(chat)


async def test_anybody_ends_a_fault_at_once(stage: AgentStage) -> None:
    chat = await stage.open(CLERK)
    view = await chat.faults.switch_on("slow", 60, 5_000, actor=ANN)
    with pytest.raises(WrongState, match="on already"):
        await chat.faults.switch_on("slow", 60)
    assert await chat.faults.end(view.id, actor=BOB)
    assert await on(chat) == ()
    assert (await noted(chat, 2))[1] == ("slow", "end", "Bob", "person")


async def test_of_two_who_switch_one_on_at_once_one_does(stage: AgentStage) -> None:
    chat = await stage.open(CLERK)
    both = (chat.faults.switch_on("limit", 30), chat.faults.switch_on("limit", 30))
    results = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(one).__name__ for one in results) == ["FaultView", "WrongState"]
    assert len(await on(chat)) == 1


async def test_followers_see_every_change(stage: AgentStage) -> None:
    chat = await stage.open(CLERK)
    async with aclosing(chat.faults.follow()) as one, aclosing(chat.faults.follow()) as other:
        assert (await anext(one), await anext(other)) == ((), ())
        view = await chat.faults.switch_on("slow", 60)
        assert (await anext(one), await anext(other)) == ((view,), (view,))
        await chat.faults.end(view.id)
        assert (await anext(one), await anext(other)) == ((), ())


async def test_a_model_that_refuses_two_calls_answers_the_third(stage: AgentStage) -> None:
    chat = await stage.open(CLERK, replies=[SENTENCES])
    await chat.faults.switch_on("refuse", 60, 2)
    is_whole(await settled(chat, await asks(chat)))
    assert await kinds_tried(chat) == ["connection_lost"] * 2
    assert len(stage.provider.requests) == 1
    assert await on(chat) == ()
    assert (await noted(chat, 2))[1][3] == "calls"


async def test_a_model_that_limits_calls_is_asked_again_when_it_said(stage: AgentStage) -> None:
    chat = await stage.open(CLERK, replies=[SENTENCES])
    await chat.faults.switch_on("limit", 1, 2)
    began = time.monotonic()
    is_whole(await settled(chat, await asks(chat)))
    assert time.monotonic() - began >= 2
    assert await kinds_tried(chat) == ["rate_limited"]


async def test_an_answer_that_grows_is_cut_and_comes_once_all_the_same(stage: AgentStage) -> None:
    provider = ScriptedProvider("instant", replies=[SENTENCES] * 3, pace=timedelta(milliseconds=20))
    chat = await stage.open(CLERK, provider=provider)
    thread = await asks(chat)
    await until(chat, thread, lambda view: view.live and "sentence 2." in view.live[0].text)
    await chat.faults.switch_on("cut", 60, 2)
    is_whole(await settled(chat, thread))
    assert await kinds_tried(chat) == ["connection_lost"] * 2
    assert len(provider.requests) == 3


async def test_a_slow_model_is_quick_again_when_that_is_ended(stage: AgentStage) -> None:
    chat = await stage.open(CLERK, replies=[SENTENCES])
    view = await chat.faults.switch_on("slow", 60, 5_000)
    thread = await asks(chat)
    await until(chat, thread, lambda view: view.live)
    await eventually(lambda: stage.provider.requests)
    await asyncio.sleep(0.3)
    assert stage.provider.finished == 0
    await chat.faults.end(view.id)
    is_whole(await settled(chat, thread, within=4))


async def test_an_agent_with_a_model_of_its_own_has_the_faults_too(stage: AgentStage) -> None:
    own = ScriptedProvider("instant", replies=[SENTENCES])
    chat = await stage.open(Agent("clerk", "Answer.", description="Answers.", model=own))
    await chat.faults.switch_on("refuse", 60, 1)
    is_whole(await settled(chat, await asks(chat)))
    assert await kinds_tried(chat) == ["connection_lost"]


class Flushing(HeldUp):
    """Notes when its connection was closed."""

    closed_early = 0

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk, None]:
        try:
            async for chunk in super().stream(request):
                yield chunk
        except GeneratorExit:
            self.closed_early += 1
            raise


async def test_a_killed_worker_leaves_its_lease_and_the_next_takes_the_answer_over(
    stage: AgentStage,
) -> None:
    # The other answer may be given before this one is given again.
    provider = Flushing(*[SENTENCES] * 3)
    chat = await stage.open(CLERK, provider=provider)
    thread = await asks(chat)
    await eventually(lambda: provider.requests)
    dead = chat._durable.worker
    view = await chat.faults.switch_on("worker", 60)
    await eventually(lambda: not chat._durable._worker._tasks)
    assert provider.closed == 1
    [run] = await read(chat, Run, col(Run.workflow) == "reply")
    assert (run.status, run.worker, run.attempt) == (RunStatus.RUNNING, dead, 1)
    assert await read(chat, Delta) == []
    await asyncio.sleep(1.2)
    # Nobody looks for runs meanwhile: neither this one nor a new one is taken up.
    other = await asks(chat)
    await asyncio.sleep(0.3)
    assert len(provider.requests) == 1
    assert [one.name for one in await read(chat, Process)] == [dead]

    await chat.faults.end(view.id, actor=BOB)
    is_whole(await settled(chat, thread))
    assert (await settled(chat, other)).status == "done"
    [first] = await read(chat, Run, col(Run.id) == run.id)
    assert (first.attempt, first.crashes) == (2, 1)
    assert chat._durable.worker != dead
    assert chat.health is not None
    assert chat.health._worker() == chat._durable.worker
    ready = await chat.health.ready()
    assert ready.ready, ready


async def test_what_a_killed_worker_still_does_is_not_written(stage: AgentStage) -> None:
    did: list[str] = []

    async def stays() -> str:
        did.append("begun")
        if len(did) > 1:
            return "in time"
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            # It does not heed that it is to end.
            did.append("cancelled")
        return "too late"

    @workflow(name="stubborn")
    async def stubborn(ctx: Context) -> str:
        return await ctx.step("stays", stays)

    chat = await stage.open(CLERK, workflows=[stubborn])
    run_id = await chat.runs.start(stubborn)
    await eventually(lambda: did)
    view = await chat.faults.switch_on("worker", 60)
    await eventually(lambda: not chat._durable._worker._tasks)
    assert did == ["begun", "cancelled"]
    assert (await chat.runs.get(run_id)).status == "running"
    assert [step for step in await read(chat, Step) if step.result is not None] == []
    await chat.faults.end(view.id)
    run = await until_run(chat._database, run_id, is_(RunStatus.DONE))
    assert (run.result, run.attempt) == ("in time", 2)


async def test_an_app_that_closes_with_a_dead_worker_leaves_its_runs_to_the_next(
    stage: AgentStage, database_url: str
) -> None:
    provider = HeldUp(SENTENCES, SENTENCES)
    settings = stage.settings
    async with AgentChat(settings, agents=[CLERK], provider=provider) as chat:
        await asks(chat)
        await eventually(lambda: provider.requests)
        await chat.faults.switch_on("worker", 60)
        dead = chat._durable.worker
    again = await stage.open(CLERK, provider=provider)
    [run] = await read(again, Run, col(Run.workflow) == "reply")
    assert (run.status, run.worker) == (RunStatus.RUNNING, dead)
    assert (await noted(again, 2))[1][3] == "app"


async def test_a_locked_database_holds_every_writer_up_and_nothing_is_lost(
    stage: AgentStage,
) -> None:
    provider = HeldUp(SENTENCES)
    chat = await stage.open(CLERK, provider=provider)
    # Of another process, which must not take the answer over.
    other = Database(chat._database.url)
    other.open()
    stage._stack.push_async_callback(other.close)
    thread = await asks(chat)
    await eventually(lambda: provider.requests)
    view = await chat.faults.switch_on("lock", 60)
    writing = [
        asyncio.create_task(one.write(threads.rename, thread, title))
        for one, title in ((chat._database, "One"), (other, "Other"))
    ]
    provider.held.set()
    await asyncio.sleep(0.5)
    assert not any(one.done() for one in writing)
    # Pages go on reading.
    assert [one.id for one in await read(chat, Run, col(Run.workflow) == "reply")]
    with pytest.raises(WrongState, match="database is locked"):
        await chat.faults.switch_on("slow", 5)
    assert await chat.faults.end(view.id)
    await asyncio.wait_for(asyncio.gather(*writing), 30)
    is_whole(await settled(chat, thread))
    assert [why for *_, why in await noted(chat, 2)] == ["", "person"]


async def test_a_lock_ends_by_itself_and_with_the_app(stage: AgentStage) -> None:
    async with AgentChat(
        stage.settings, agents=[CLERK], provider=ScriptedProvider("instant")
    ) as chat:
        began = time.monotonic()
        await chat.faults.switch_on("lock", 1)
        thread = await chat.create_thread("Waits", actor=ANN)
        assert time.monotonic() - began >= 0.9
        await none_is_on(chat)
        await chat.faults.switch_on("lock", 60)
    again = await stage.open(CLERK)
    await asyncio.wait_for(again.rename_thread(thread.id, "Free", actor=ANN), 30)
    assert [why for *_, why in await noted(again, 4)] == ["", "time", "", "app"]
