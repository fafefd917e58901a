"""Runs that the code would break: held, by whom, and until when."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agentchat import Context, Durable, ManualClock, Workflow, workflow
from agentchat.durable import gate
from agentchat.durable.start import new_run
from agentchat.durable.worker import LEASE
from agentchat.errors import StepFailed
from agentchat.models import Run, RunStatus
from agentchat.store import events, journal, runs
from agentchat.store.database import Database
from agentchat.views import Actor
from tests.integration.workers import Workers, is_, until

did: list[str] = []


async def say(word: str) -> str:
    did.append(word)
    return word


def flow(first: str, *, swallow: bool = False) -> Workflow[[], None]:
    """A workflow whose first step, done by a function it calls, is called ``first``."""

    async def inner(ctx: Context) -> None:
        await ctx.step(first, say, first)

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await inner(ctx)
        await ctx.wait_for("go", int)

    return w


@workflow(name="other")
async def other(ctx: Context) -> None:
    await ctx.wait_for("go", int)


async def begun(workers: Workers, code: Workflow[[], None]) -> None:
    did.clear()
    now = workers.clock.now()
    await workers.database.write(runs.add, new_run("run-of-w", code, {}, now, Actor("ann", "Ann")))
    await workers.start(code)
    await until(workers.database, "run-of-w", is_(RunStatus.WAITING))
    for worker in workers.alive:
        await worker.close()
    workers.alive.clear()


async def the_run(database: Database) -> Run:
    run = await database.read(runs.get, "run-of-w")
    assert run is not None
    return run


async def test_another_app_lets_a_held_run_be(
    database: Database, workers: Workers, clock: ManualClock
) -> None:
    await begun(workers, flow("first"))
    async with Durable(database, [flow("renamed")], clock=clock):
        held = await the_run(database)
        assert (held.status, held.error_kind) == ("paused", "code_changed")
    async with Durable(database, [other], clock=clock):
        assert (await the_run(database)).status == RunStatus.PAUSED
    async with Durable(database, [flow("first")], clock=clock) as durable:
        await until(database, "run-of-w", is_(RunStatus.WAITING))
        assert await durable.runs.send_event("run-of-w", "go", 1)
        await until(database, "run-of-w", is_(RunStatus.DONE))
    assert did == ["first"]


async def test_a_run_that_a_dead_process_left_is_held_too(
    database: Database, workers: Workers, clock: ManualClock
) -> None:
    old, new = flow("first"), flow("renamed")
    # What changed is a function that the workflow calls, which its mark does not cover.
    assert old.code == new.code
    await begun(workers, old)

    def left(tx: Any) -> None:
        run = runs.lock(tx, "run-of-w")
        assert run is not None
        values = {"status": RunStatus.RUNNING, "worker": "dead", "lease_until": clock.now()}
        runs.put(tx, run, **values)

    await database.write(left)
    clock.advance(LEASE)
    async with Durable(database, [new], clock=clock):
        await until(database, "run-of-w", is_(RunStatus.PAUSED))
    assert did == ["first"]


@pytest.mark.parametrize("caught", [Exception, StepFailed])
async def test_a_mismatch_ends_the_run_also_if_the_workflow_swallows_it(
    database: Database, workers: Workers, clock: ManualClock, caught: type[Exception]
) -> None:
    await begun(workers, flow("first"))

    @workflow(name="w")
    async def careless(ctx: Context) -> None:
        try:
            await ctx.step("first", say, "another word")
        except caught:
            await ctx.step("excuse", say, "sorry")

    history = (await database.read(journal.histories, ["run-of-w"]))["run-of-w"]
    reason = await gate.broken(await the_run(database), careless, history)
    assert reason is not None
    assert "'first'" in reason
    sent: dict[str, Any] = {"name": "go", "key": "k", "payload": 1, "sent_by": "Ann"}
    assert await database.write(events.send, "run-of-w", now=clock.now(), **sent)
    await workers.start(careless)
    await until(database, "run-of-w", is_(RunStatus.PAUSED))
    assert did == ["first"]


async def test_a_run_keeps_the_defaults_it_was_started_with(
    database: Database, clock: ManualClock
) -> None:
    @workflow(name="w")
    async def before(ctx: Context, n: int = 1) -> int:
        await ctx.wait_for("go", int)
        return n

    @workflow(name="w")
    async def after(ctx: Context, n: int = 2) -> int:
        await ctx.wait_for("go", int)
        return n

    async with Durable(database, [before], clock=clock) as durable:
        run_id = await durable.runs.start(before)
        await until(database, run_id, is_(RunStatus.WAITING))
    async with Durable(database, [after], clock=clock) as durable:
        assert await durable.runs.send_event(run_id, "go", 1)
        run = await asyncio.wait_for(durable.runs.result(run_id), 30)
    assert run.result == 1
