"""Waits: rows with a time or an event, that hold nothing and survive everything."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from agentchat.durable.clock import ManualClock
from agentchat.durable.context import Context
from agentchat.durable.workflow import workflow
from agentchat.errors import Overloaded, WaitTimeout
from agentchat.models import RunStatus, Step, StepStatus
from agentchat.store import ends, events, journal
from agentchat.store.database import Database
from tests.integration.workers import Workers, is_, until
from tests.waiting import eventually

NOW = datetime(2026, 1, 1, tzinfo=UTC)
did: Counter[str] = Counter()


@pytest.fixture(autouse=True)
def count_anew() -> None:
    did.clear()


async def note(what: str) -> str:
    did[what] += 1
    return what


async def steps(database: Database) -> list[Step]:
    return await database.read(journal.load, "r")


async def send(
    database: Database, payload: object, *, key: str = "k", name: str = "rating"
) -> bool:
    return await database.write(
        events.send, "r", name="rating", key=key, payload=payload, sent_by="Ann", now=NOW
    )


@workflow(name="naps")
async def naps(ctx: Context) -> str:
    await ctx.step("before", note, "before")
    await ctx.sleep("nap", timedelta(days=30))
    return await ctx.step("after", note, "after")


@workflow(name="asks")
async def asks(ctx: Context) -> int:
    try:
        stars = await ctx.wait_for("rating", int, timeout=timedelta(days=3))
    except WaitTimeout:
        return -1
    await ctx.step("thank", note, "thank")
    return stars


async def test_a_sleep_holds_nothing_and_ends_at_its_time(
    database: Database, workers: Workers, clock: ManualClock
) -> None:
    worker = await workers.start(naps)
    await workers.queue("r", "naps")
    run = await until(database, "r", is_(RunStatus.WAITING))
    assert (run.worker, run.lease_until, run.due_at) == (None, None, NOW + timedelta(days=30))
    await eventually(lambda: not worker._claims)
    clock.advance(timedelta(days=29))
    await worker._claim_due()
    assert did == {"before": 1}
    clock.advance(timedelta(days=1))
    run = await until(database, "r", is_(RunStatus.DONE))
    assert (run.result, run.crashes, did) == ("after", 0, {"before": 1, "after": 1})


async def test_a_sleep_is_not_begun_anew_by_a_restart(
    database: Database, workers: Workers, clock: ManualClock
) -> None:
    worker = await workers.start(naps)
    await workers.queue("r", "naps")
    await until(database, "r", is_(RunStatus.WAITING))
    await workers.crash(worker)
    clock.advance(timedelta(days=30))
    await workers.start(naps)
    run = await until(database, "r", is_(RunStatus.DONE))
    assert run.finished_at == NOW + timedelta(days=30)
    [_, nap, _] = await steps(database)
    assert (nap.status, nap.started_at) == (StepStatus.DONE, NOW)


async def test_an_event_wakes_the_run_that_waits_for_it(
    database: Database, workers: Workers
) -> None:
    await workers.start(asks)
    await workers.queue("r", "asks")
    await until(database, "r", is_(RunStatus.WAITING))
    assert await send(database, 5)
    run = await until(database, "r", is_(RunStatus.DONE))
    assert run.result == 5


async def test_an_event_may_come_before_the_wait(database: Database, workers: Workers) -> None:
    await workers.queue("r", "asks")
    assert await send(database, 4)
    await workers.start(asks)
    run = await until(database, "r", is_(RunStatus.DONE))
    assert (run.result, run.attempt) == (4, 1)


async def test_an_event_that_comes_while_the_run_lets_go_is_not_missed(
    database: Database, workers: Workers
) -> None:
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        inside.set()
        await go_on.wait()

    @workflow(name="slow")
    async def slow(ctx: Context) -> int:
        await ctx.step("hold", hold)
        return await ctx.wait_for("rating", int)

    await workers.start(slow)
    await workers.queue("r", "slow")
    await asyncio.wait_for(inside.wait(), 30)
    # The events of the run have been read already; this one comes after.
    assert await send(database, 3)
    go_on.set()
    run = await until(database, "r", is_(RunStatus.DONE))
    assert run.result == 3


async def test_the_first_event_with_a_key_counts(database: Database, workers: Workers) -> None:
    await workers.queue("r", "asks")
    assert await send(database, 1, key="same")
    assert not await send(database, 2, key="same")
    await workers.start(asks)
    assert (await until(database, "r", is_(RunStatus.DONE))).result == 1


async def test_a_wait_ends_with_its_time_and_then_for_ever(
    database: Database, workers: Workers, clock: ManualClock
) -> None:
    await workers.start(asks)
    await workers.queue("r", "asks")
    await until(database, "r", is_(RunStatus.WAITING))
    clock.advance(timedelta(days=3))
    run = await until(database, "r", is_(RunStatus.DONE))
    assert (run.result, did) == (-1, {})
    assert not await send(database, 5)


async def test_a_payload_of_the_wrong_type_fails_with_the_name_of_the_event(
    database: Database, workers: Workers
) -> None:
    await workers.start(asks)
    await workers.queue("r", "asks")
    await send(database, {"not": "a number"})
    run = await until(database, "r", is_(RunStatus.FAILED))
    assert "The event 'rating' has a payload" in (run.error or "")


async def test_events_of_one_name_are_taken_in_the_order_they_came(
    database: Database, workers: Workers
) -> None:
    @workflow(name="thrice")
    async def thrice(ctx: Context) -> list[int]:
        return [await ctx.wait_for("rating", int) for _ in range(3)]

    await workers.start(thrice)
    await workers.queue("r", "thrice")
    for stars in (7, 8, 9):
        assert await send(database, stars, key=str(stars))
    assert (await until(database, "r", is_(RunStatus.DONE))).result == [7, 8, 9]


async def test_a_waiting_run_can_be_stopped_and_no_event_revives_it(
    database: Database, workers: Workers
) -> None:
    await workers.start(asks)
    await workers.queue("r", "asks")
    await until(database, "r", is_(RunStatus.WAITING))
    assert await database.write(ends.kill, "r", by="Ann", now=NOW)
    assert not await send(database, 5)
    assert did == {}


async def test_a_run_waits_behind_a_waiting_one_of_its_key(
    database: Database, workers: Workers, clock: ManualClock
) -> None:
    worker = await workers.start(naps)
    await workers.queue("r", "naps", key="thread")
    await workers.queue("s", "naps", key="thread")
    await until(database, "r", is_(RunStatus.WAITING))
    await worker._claim_due()
    assert did == {"before": 1}
    clock.advance(timedelta(days=30))
    await until(database, "r", is_(RunStatus.DONE))
    await until(database, "s", is_(RunStatus.WAITING))


async def test_branches_keep_their_keys_in_any_finish_order(
    database: Database, workers: Workers, clock: ManualClock
) -> None:
    async def work(name: str, delay: float) -> str:
        did[name] += 1
        await asyncio.sleep(delay)
        return name

    @workflow(name="both")
    async def both(ctx: Context) -> list[str]:
        a, b, c = await ctx.gather(
            ctx.step("work", work, "a", 0.05),
            ctx.step("work", work, "b", 0.0),
            ctx.step("work", work, "c", 0.02),
        )
        await ctx.sleep("pause", timedelta(hours=1))
        return [a, b, c]

    worker = await workers.start(both)
    await workers.queue("r", "both")
    await until(database, "r", is_(RunStatus.WAITING))
    finished = [(s.branch, s.result) for s in await steps(database) if s.name == "work"]
    assert finished == [("gather[1]", "b"), ("gather[2]", "c"), ("gather[0]", "a")]
    await workers.crash(worker)
    clock.advance(timedelta(hours=1))
    await workers.start(both)
    run = await until(database, "r", is_(RunStatus.DONE))
    assert (run.result, did) == (["a", "b", "c"], {"a": 1, "b": 1, "c": 1})


async def test_a_branch_that_waits_lets_the_others_finish_first(
    database: Database, workers: Workers, clock: ManualClock
) -> None:
    @workflow(name="mixed")
    async def mixed(ctx: Context) -> tuple[str, int]:
        async def branch() -> str:
            await ctx.sleep("nap", timedelta(hours=2))
            return await ctx.step("late", note, "late")

        return await ctx.gather(branch(), ctx.wait_for("rating", int, timeout=timedelta(hours=5)))

    await workers.start(mixed)
    await workers.queue("r", "mixed")
    run = await until(database, "r", is_(RunStatus.WAITING))
    assert run.due_at == NOW + timedelta(hours=2)
    clock.advance(timedelta(hours=2))
    run = await until(
        database, "r", lambda r: r.status == RunStatus.WAITING and r.due_at != run.due_at
    )
    assert (run.due_at, did) == (NOW + timedelta(hours=5), {"late": 1})
    await send(database, 5)
    run = await until(database, "r", is_(RunStatus.DONE))
    assert (run.result, did) == (["late", 5], {"late": 1})


async def test_the_first_branch_that_failed_fails_the_gather(
    database: Database, workers: Workers
) -> None:
    async def fail(what: str) -> str:
        raise Overloaded(what)

    @workflow(name="fails")
    async def fails(ctx: Context) -> None:
        await ctx.gather(
            ctx.step("good", note, "good"),
            ctx.step("bad", fail, "first"),
            ctx.step("bad", fail, "second"),
        )

    await workers.start(fails)
    await workers.queue("r", "fails")
    run = await until(database, "r", is_(RunStatus.FAILED))
    assert (run.error, did) == ("first", {"good": 1})


async def test_time_chance_and_ids_are_the_same_when_a_run_is_resumed(
    database: Database, workers: Workers, clock: ManualClock
) -> None:
    seen: list[tuple[datetime, float, str]] = []

    @workflow(name="same")
    async def same(ctx: Context) -> None:
        seen.append((await ctx.now(), await ctx.random(), await ctx.uuid()))
        await ctx.sleep("nap", timedelta(days=1))
        await ctx.step("work", note, seen[-1][2])

    await workers.start(same)
    await workers.queue("r", "same")
    await until(database, "r", is_(RunStatus.WAITING))
    clock.advance(timedelta(days=1))
    await until(database, "r", is_(RunStatus.DONE))
    assert len(seen) == 2
    assert seen[0] == seen[1]
    assert seen[0][0] == NOW
