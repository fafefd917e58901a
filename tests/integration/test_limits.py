"""Limits: how many runs at once, how often, and which workflows rest; over all processes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col

from agentchat.durable.clock import ManualClock
from agentchat.durable.context import Context
from agentchat.durable.engine import Engine
from agentchat.durable.worker import LEASE, Worker
from agentchat.durable.workflow import Rate, Workflow, workflow
from agentchat.models import Run, RunStatus
from agentchat.store import claims, limits, runs
from agentchat.store.database import Database
from agentchat.store.limits import Limit, Limits
from agentchat.store.runs import NewRun
from agentchat.store.writer import Tx
from tests.integration.workers import Workers, is_, until
from tests.waiting import eventually

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
async def databases(database_url: str) -> AsyncIterator[list[Database]]:
    """The same database as two processes see it."""
    two = [Database(database_url), Database(database_url)]
    for one in two:
        one.open()
    yield two
    for one in two:
        await one.close()


def claim(
    tx: Tx, allowed: Limits, *, now: datetime = NOW, by: str = "me", limit: int = 100
) -> list[str]:
    found = claims.claim(
        tx,
        by,
        workflows=["w", "x"],
        holding=[],
        now=now,
        lease_until=now + LEASE,
        limit=limit,
        limits=allowed,
    )
    return [run.id for run in found]


async def add(database: Database, *ids: str, name: str = "w", **options: Any) -> None:
    def unit(tx: Tx) -> None:
        for run_id in ids:
            moment = options.get("now", NOW)
            rest = {key: value for key, value in options.items() if key != "now"}
            runs.add(tx, NewRun(run_id, name, {}, moment, **rest))

    await database.write(unit)


async def change(database: Database, run_id: str, **values: Any) -> None:
    def unit(tx: Tx) -> None:
        tx.execute(update(Run).where(col(Run.id) == run_id).values(**values))

    await database.write(unit)


async def end(database: Database, *ids: str) -> None:
    for run_id in ids:
        await change(database, run_id, status=RunStatus.DONE, worker=None, lease_until=None)


async def test_a_capped_workflow_never_has_more_runs_at_work_over_all_processes(
    databases: list[Database], clock: ManualClock
) -> None:
    at_work: Counter[str] = Counter()
    most: Counter[str] = Counter()
    did: Counter[str] = Counter()

    async def work(name: str) -> None:
        did[name] += 1
        at_work[name] += 1
        most[name] = max(most[name], at_work[name])
        await asyncio.sleep(0.01)
        at_work[name] -= 1

    @workflow(name="capped", concurrency=2)
    async def capped(ctx: Context) -> None:
        await ctx.step("work", work, "capped")

    @workflow(name="free")
    async def free(ctx: Context) -> None:
        await ctx.step("work", work, "free")

    async def all_done() -> None:
        for number in range(12):
            await until(databases[0], f"c{number}", is_(RunStatus.DONE))
        await until(databases[0], "f", is_(RunStatus.DONE))

    await add(databases[0], *(f"c{number}" for number in range(12)), name="capped")
    await add(databases[0], "f", name="free", due_at=NOW)
    workers = [
        Worker(one, Engine(one, [capped, free], clock), clock, most_runs=5) for one in databases
    ]
    for worker in workers:
        await worker.start()
    try:
        await asyncio.wait_for(all_done(), 20)
    finally:
        for worker in workers:
            await worker.close()
    assert (most["capped"], did) == (2, {"capped": 12, "free": 1})


async def test_many_claims_at_once_do_not_exceed_a_cap(databases: list[Database]) -> None:
    allowed = Limits({"w": Limit(concurrency=3)}, most_running=4)
    await add(databases[0], *(f"w{number}" for number in range(20)))
    await add(databases[0], *(f"x{number}" for number in range(20)), name="x")
    found = await asyncio.gather(
        *(one.write(claim, allowed, by=f"{n}", limit=2) for n in range(5) for one in databases)
    )
    names = Counter(run_id[0] for some in found for run_id in some)
    assert (names["w"] <= 3, sum(names.values())) == (True, 4)


async def test_a_full_workflow_does_not_keep_others_waiting(database: Database) -> None:
    await add(database, *(f"w{number:04}" for number in range(300)), now=NOW - timedelta(days=1))
    await add(database, "x", name="x", priority=-1)
    allowed = Limits({"w": Limit(concurrency=2)})
    assert await database.write(claim, allowed, limit=3) == ["w0000", "w0001", "x"]
    assert await database.write(claim, allowed) == []
    await end(database, "w0001")
    assert await database.write(claim, allowed) == ["w0002"]


async def test_a_higher_priority_goes_first_also_behind_a_full_workflow(
    database: Database,
) -> None:
    await add(database, "w1", "w2", "w3", priority=2, now=NOW - timedelta(days=1))
    await add(database, "high", name="x", priority=2)
    await add(database, "low", name="x", priority=1)
    allowed = Limits({"w": Limit(concurrency=1)})
    assert await database.write(claim, allowed, limit=2) == ["w1", "high"]


async def test_waiting_runs_hold_no_place_but_need_one_to_go_on(database: Database) -> None:
    allowed = Limits({"w": Limit(concurrency=1)})
    await add(database, "a", "b", "c")
    assert await database.write(claim, allowed) == ["a"]
    await change(database, "a", status=RunStatus.WAITING, worker=None, due_at=NOW)
    assert await database.write(claim, allowed, limit=1) == ["a"]
    await change(database, "a", status=RunStatus.WAITING, worker=None, due_at=None)
    assert await database.write(claim, allowed) == ["b"]
    await change(database, "a", due_at=NOW)
    assert await database.write(claim, allowed) == []


async def test_what_was_left_and_what_is_to_be_stopped_needs_no_place(database: Database) -> None:
    allowed = Limits({"w": Limit(concurrency=1)}, most_running=1)
    await add(database, "a", "b")
    assert await database.write(claim, allowed) == ["a"]
    later = NOW + LEASE + timedelta(seconds=1)
    assert await database.write(claim, allowed, now=later) == ["a"]
    await change(database, "b", status=RunStatus.STOPPING)
    assert await database.write(claim, allowed) == ["b"]


async def test_a_rate_lets_so_many_begin_within_any_such_time(database: Database) -> None:
    allowed = Limits({"w": Limit(most=2, per=timedelta(seconds=10))})
    await add(database, *(f"w{number}" for number in range(6)))
    await add(database, "x", name="x")

    def at(seconds: float) -> datetime:
        return NOW + timedelta(seconds=seconds)

    def opens_at(tx: Tx) -> datetime | None:
        return claims.next_due(tx, allowed, at(5))

    assert await database.write(claim, allowed, now=at(0), limit=1) == ["w0"]
    assert await database.write(opens_at) is None
    assert await database.write(claim, allowed, now=at(4)) == ["w1", "x"]
    await end(database, "w0", "w1")
    assert await database.write(opens_at) == at(10)
    assert await database.write(claim, allowed, now=at(9.99)) == []
    assert await database.write(claim, allowed, now=at(10)) == ["w2"]
    assert await database.write(claim, allowed, now=at(13)) == []
    await end(database, "w2", "x")
    assert await database.write(claim, allowed, now=at(30)) == ["w3", "w4"]


async def test_a_run_that_goes_on_is_no_new_start(database: Database) -> None:
    allowed = Limits({"w": Limit(most=1, per=timedelta(days=1))})
    await add(database, "a", "b")
    assert await database.write(claim, allowed) == ["a"]
    await change(database, "a", status=RunStatus.WAITING, worker=None, due_at=NOW)
    assert await database.write(claim, allowed) == ["a"]
    await database.write(claims.hand_back, "me")
    assert await database.write(claim, allowed) == ["a"]


async def test_a_worker_begins_the_next_when_the_rate_allows_it(
    database: Database, workers: Workers, clock: ManualClock
) -> None:
    @workflow(name="w", rate=Rate(1, timedelta(hours=1)))
    async def rated(ctx: Context) -> None:
        await ctx.now()

    worker = await workers.start(rated)
    await add(database, "a", "b")
    await until(database, "a", is_(RunStatus.DONE))
    await worker._claim_due()
    assert worker._next_due == NOW + timedelta(hours=1)
    clock.advance(timedelta(hours=1))
    run = await until(database, "b", is_(RunStatus.DONE))
    assert run.started_at == NOW + timedelta(hours=1)


async def test_so_many_runs_of_one_key_go_at_once_in_their_order(database: Database) -> None:
    allowed = Limits({"w": Limit(per_key=2)})
    for number in range(5):
        made = NOW - timedelta(seconds=9 - number)
        await add(database, f"k{number}", key="k", now=made, due_at=NOW - number * LEASE)
    await add(database, "other", key="l")
    await add(database, "x", "y", name="x", key="k")
    assert await database.write(claim, allowed) == ["k0", "other", "k1"]
    await end(database, "k1")
    assert await database.write(claim, allowed) == ["k2"]
    await change(database, "k2", status=RunStatus.WAITING, worker=None, due_at=NOW)
    assert await database.write(claim, allowed, limit=1) == ["k3"]
    assert await database.write(claim, allowed) == []
    await end(database, "k0")
    assert await database.write(claim, allowed) == ["k4"]
    await end(database, "k3")
    assert await database.write(claim, allowed) == ["k2"]


async def test_a_wide_key_keeps_its_order_whatever_the_priorities(database: Database) -> None:
    allowed = Limits({"w": Limit(per_key=2)})
    await add(database, "old", key="k", now=NOW - timedelta(seconds=2), due_at=NOW)
    await add(database, "new", key="k", priority=5, now=NOW - timedelta(seconds=1), due_at=NOW)
    assert await database.write(claim, allowed) == ["old", "new"]


async def test_a_delayed_run_of_a_wide_key_keeps_the_later_ones_behind_it(
    database: Database,
) -> None:
    allowed = Limits({"w": Limit(per_key=3)})
    await add(database, "a", key="k", now=NOW - LEASE, due_at=NOW + LEASE)
    await add(database, "b", key="k")
    assert await database.write(claim, allowed) == []
    assert await database.write(claim, allowed, now=NOW + LEASE) == ["b", "a"][::-1]


async def test_waiting_and_new_runs_of_a_wide_key_share_its_places(database: Database) -> None:
    allowed = Limits({"w": Limit(per_key=2)})
    await add(database, "a", "b", "c", key="k")
    assert await database.write(claim, allowed) == ["a", "b"]
    for run_id in ("a", "b"):
        await change(database, run_id, status=RunStatus.WAITING, worker=None, due_at=NOW + LEASE)
    assert len(await database.write(claim, allowed, now=NOW + LEASE)) == 2


async def test_a_resting_workflow_begins_nothing_but_cleans_up(database: Database) -> None:
    def pause(tx: Tx) -> bool:
        return limits.pause_workflow(tx, "w", by="Ann", now=NOW)

    allowed = Limits()
    await add(database, "a", "b")
    await add(database, "x", name="x")
    assert await database.write(claim, allowed, limit=1) == ["a"]
    assert await database.write(pause)
    assert not await database.write(pause)
    [(name, row)] = (await database.read(limits.paused_workflows)).items()
    assert (name, row.paused_by, row.paused_at) == ("w", "Ann", NOW)
    assert await database.write(claim, allowed) == ["x"]
    later = NOW + LEASE + timedelta(seconds=1)
    await end(database, "x")
    assert await database.write(claim, allowed, now=later) == []
    await change(database, "a", status=RunStatus.STOPPING)
    assert await database.write(claim, allowed, now=later) == ["a"]
    assert await database.write(limits.resume_workflow, "w")
    assert not await database.write(limits.resume_workflow, "w")
    assert await database.write(claim, allowed) == ["b"]


async def test_resuming_a_workflow_wakes_the_worker(
    database: Database, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentchat.durable.worker.LOOK", timedelta(hours=1))

    @workflow(name="w")
    async def works(ctx: Context) -> None:
        await ctx.now()

    def pause(tx: Tx) -> None:
        limits.pause_workflow(tx, "w", by="Ann", now=NOW)

    await database.write(pause)
    worker = await workers.start(works)
    await add(database, "a")
    await eventually(lambda: not worker._wake.is_set())
    await worker._claim_due()
    assert (await database.read(runs.get, "a")).status == RunStatus.QUEUED  # type: ignore[union-attr]
    await database.write(limits.resume_workflow, "w")
    await until(database, "a", is_(RunStatus.DONE))


def test_a_worker_takes_the_limits_from_its_workflows() -> None:
    @workflow(name="w", concurrency=3, concurrency_per_key=2, rate=Rate(5, LEASE))
    async def works(ctx: Context) -> None: ...

    declared: list[Workflow[..., Any]] = [works]
    engine = Engine(None, declared, ManualClock())  # type: ignore[arg-type]
    worker = Worker(None, engine, ManualClock(), most_running=7)  # type: ignore[arg-type]
    assert worker._limits == Limits({"w": Limit(3, 2, 5, LEASE)}, 7)


async def test_a_used_up_rate_does_not_keep_others_waiting(database: Database) -> None:
    allowed = Limits({"w": Limit(most=1, per=timedelta(days=1))})
    await add(database, *(f"w{number}" for number in range(9)), now=NOW - timedelta(days=1))
    await add(database, "x", name="x")
    assert await database.write(claim, allowed, limit=2) == ["w0", "x"]


async def test_the_cap_for_all_holds_over_several_priorities(database: Database) -> None:
    allowed = Limits(most_running=2)
    await add(database, "a", "b")
    await add(database, "high", priority=1)
    assert await database.write(claim, allowed) == ["high", "a"]
