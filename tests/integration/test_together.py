"""Branches that wait go on in time while others of the run are at work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from agentchat import Context, Durable, ManualClock, RetryPolicy, Workflow, workflow
from tests.waiting import eventually

HOUR = timedelta(hours=1)
did: list[str] = []
gates: dict[str, asyncio.Event] = {}


async def note(what: str) -> str:
    did.append(what)
    return what


async def long() -> str:
    gates["entered"].set()
    await gates["go on"].wait()
    return "long"


async def fails_once(name: str) -> str:
    did.append(name)
    if did.count(name) == 1:
        raise ConnectionError("not yet")
    return name


@workflow
async def limited(ctx: Context) -> tuple[int, str | None]:
    return await ctx.race("limit", ctx.step("long", long), ctx.sleep("limit", HOUR))


@workflow
async def beside(ctx: Context) -> tuple[str, str]:
    async def after_a_nap() -> str:
        await ctx.sleep("nap", HOUR)
        return await ctx.step("late", note, "late")

    return await ctx.gather(ctx.step("long", long), after_a_nap())


@workflow
async def listens(ctx: Context) -> tuple[str, str]:
    async def hears() -> str:
        return await ctx.step("heard", note, await ctx.wait_for("word", str))

    return await ctx.gather(ctx.step("long", long), hears())


@workflow
async def child(ctx: Context) -> str:
    return await ctx.step("child", note, "child")


@workflow
async def parent(ctx: Context) -> tuple[str, str]:
    async def waits_for_it() -> str:
        word: str = await ctx.run(child)
        return await ctx.step("after", note, f"after {word}")

    return await ctx.gather(ctx.step("long", long), waits_for_it())


@workflow
async def backs_off(ctx: Context) -> tuple[str, str]:
    patient = RetryPolicy(attempts=2, first=HOUR, longest=HOUR)
    return await ctx.gather(
        ctx.step("long", long), ctx.step("again", fails_once, "again", retry=patient)
    )


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def durable(database_url: str, clock: ManualClock) -> AsyncIterator[Durable]:
    did.clear()
    gates.update({"entered": asyncio.Event(), "go on": asyncio.Event()})
    workflows: list[Workflow[..., Any]] = [limited, beside, listens, child, parent, backs_off]
    async with Durable(database_url, workflows, clock=clock) as durable:
        yield durable


async def waits(durable: Durable, run_id: str) -> None:
    """Until the run has written down what it waits for, beside its long step."""
    await asyncio.wait_for(gates["entered"].wait(), 30)
    async with asyncio.timeout(30):
        while not any(  # noqa: ASYNC110
            step.status in ("waiting", "retrying") for step in await durable.runs.steps(run_id)
        ):
            await asyncio.sleep(0.01)


async def ended(durable: Durable, run_id: str) -> object:
    run = await asyncio.wait_for(durable.runs.result(run_id), 30)
    assert (run.status, run.attempt) == ("done", 1), "it let go of its long step"
    return run.result


async def test_a_race_against_a_sleep_is_a_time_limit(durable: Durable, clock: ManualClock) -> None:
    run_id = await durable.runs.start(limited)
    await waits(durable, run_id)
    clock.advance(HOUR)
    assert await ended(durable, run_id) == [1, None]


async def test_a_sleep_beside_a_long_step_ends_in_time(
    durable: Durable, clock: ManualClock
) -> None:
    run_id = await durable.runs.start(beside)
    await waits(durable, run_id)
    clock.advance(HOUR)
    await eventually(lambda: did == ["late"])
    gates["go on"].set()
    assert await ended(durable, run_id) == ["long", "late"]


async def test_an_event_is_heard_beside_a_long_step(durable: Durable) -> None:
    run_id = await durable.runs.start(listens)
    await waits(durable, run_id)
    assert await durable.runs.send_event(run_id, "word", "hello")
    await eventually(lambda: did == ["hello"])
    gates["go on"].set()
    assert await ended(durable, run_id) == ["long", "hello"]


async def test_a_child_is_heard_of_beside_a_long_step(durable: Durable) -> None:
    run_id = await durable.runs.start(parent)
    await asyncio.wait_for(gates["entered"].wait(), 30)
    await eventually(lambda: did == ["child", "after child"])
    gates["go on"].set()
    assert await ended(durable, run_id) == ["long", "after child"]


async def test_a_long_back_off_beside_a_long_step_ends_in_time(
    durable: Durable, clock: ManualClock
) -> None:
    run_id = await durable.runs.start(backs_off)
    await waits(durable, run_id)
    clock.advance(HOUR)
    await eventually(lambda: did == ["again", "again"])
    gates["go on"].set()
    assert await ended(durable, run_id) == ["long", "again"]


async def test_when_the_others_are_done_the_run_lets_go_of_its_worker(
    durable: Durable, clock: ManualClock
) -> None:
    run_id = await durable.runs.start(beside)
    await waits(durable, run_id)
    gates["go on"].set()
    async with asyncio.timeout(30):
        while (run := await durable.runs.get(run_id)).status != "waiting":  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert run.due_at == clock.now() + HOUR
    clock.advance(HOUR)
    run = await asyncio.wait_for(durable.runs.result(run_id), 30)
    assert (run.result, run.attempt) == (["long", "late"], 2)


async def test_a_branch_that_waits_is_cancelled_with_its_run(durable: Durable) -> None:
    run_id = await durable.runs.start(listens)
    await waits(durable, run_id)
    assert await durable.runs.cancel(run_id)
    run = await asyncio.wait_for(durable.runs.result(run_id), 30)
    assert (run.status, did) == ("stopped", [])
