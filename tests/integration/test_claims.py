"""Claims: what a worker takes, in which order, and that nothing stays with nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, update
from sqlalchemy.exc import OperationalError
from sqlmodel import col

from agentchat.durable import worker as workers_module
from agentchat.durable.clock import ManualClock, SystemClock
from agentchat.durable.context import Context
from agentchat.durable.engine import Engine
from agentchat.durable.worker import LEASE, Worker
from agentchat.durable.workflow import workflow
from agentchat.models import Run, RunStatus
from agentchat.store import claims, due, runs
from agentchat.store.changes import Rows
from agentchat.store.database import Database
from agentchat.store.limits import NO_LIMITS
from agentchat.store.runs import NewRun
from agentchat.store.writer import Tx
from tests.integration.workers import Workers, is_, until
from tests.waiting import eventually

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def claim(tx: Tx, /, *, by: str = "me", now: datetime = NOW, **options: Any) -> list[Run]:
    given = {"workflows": ["w"], "holding": [], "limit": 100, "lease_until": now + LEASE}
    return claims.claim(tx, by, now=now, **{**given, **options})


async def claimed(database: Database, **options: Any) -> list[str]:
    return [run.id for run in await database.write(claim, **options)]


async def add(database: Database, run_id: str, **options: Any) -> None:
    now = options.pop("now", NOW)
    await database.write(runs.add, NewRun(run_id, options.pop("name", "w"), {}, now, **options))


async def change(database: Database, run_id: str, **values: Any) -> None:
    def unit(tx: Tx) -> None:
        tx.execute(update(Run).where(col(Run.id) == run_id).values(**values))

    await database.write(unit)


async def get(database: Database, run_id: str) -> Run:
    run = await database.read(runs.get, run_id)
    assert run is not None
    return run


async def test_a_higher_priority_goes_first_and_then_the_longest_due(database: Database) -> None:
    await add(database, "late", due_at=NOW - timedelta(seconds=1))
    await add(database, "early", due_at=NOW - timedelta(seconds=2))
    await add(database, "low", priority=-1, due_at=NOW - timedelta(days=1))
    await add(database, "high", priority=1)
    await add(database, "future", priority=9, due_at=NOW + timedelta(seconds=1))
    assert await claimed(database, limit=3) == ["high", "early", "late"]
    assert await claimed(database) == ["low"]


async def test_any_number_of_priorities_keeps_its_order(database: Database) -> None:
    wanted = list(range(due.LANES + 5))
    for priority in wanted:
        await add(database, f"{priority:02}", priority=priority)
    assert await claimed(database) == [f"{priority:02}" for priority in reversed(wanted)]


async def test_a_claim_says_all_that_it_writes(database: Database) -> None:
    await add(database, "r", due_at=NOW, key="k", priority=2)
    await change(database, "r", tries=3, max_tries=5, retry_at=NOW, pausing=True, queue_ms=100)
    now = NOW + timedelta(seconds=1.5)
    [run] = await database.write(claim, now=now)
    assert (run.status, run.attempt, run.worker, run.crashes) == ("running", 1, "me", 0)
    assert (run.started_at, run.lease_until) == (now, now + LEASE)
    assert (run.tries, run.retry_at, run.pausing, run.queue_ms) == (0, None, True, 1600)
    stored = await get(database, "r")
    assert stored == run
    run.step = "it is an object like any other"


async def test_a_very_long_wait_in_the_queue_can_be_written(database: Database) -> None:
    await add(database, "r", due_at=NOW - timedelta(days=400))
    [run] = await database.write(claim)
    assert run.queue_ms == 2**31 - 1


async def test_the_wait_in_the_queue_is_not_counted_twice(database: Database) -> None:
    await add(database, "r", due_at=NOW)
    await claimed(database, now=NOW + timedelta(seconds=1))
    await database.write(claims.hand_back, "me")
    [run] = await database.write(claim, now=NOW + timedelta(hours=1))
    assert (run.queue_ms, run.started_at, run.attempt) == (1000, NOW + timedelta(seconds=1), 2)
    await change(database, "r", status=RunStatus.WAITING, worker=None, due_at=NOW)
    [run] = await database.write(claim, now=NOW + timedelta(seconds=2))
    assert run.queue_ms == 3000


async def test_each_claimed_run_is_told_to_those_who_follow_it(database: Database) -> None:
    await add(database, "r", thread_id="t")
    await add(database, "s")
    told: list[Rows] = []
    database.live.listen(told.extend)
    await claimed(database)
    database.live.unlisten(told.extend)
    found = {tuple(sorted(dict(row.known).items())) for row in told if row.table == "workflows"}
    assert found == {(("id", "r"), ("thread_id", "t")), (("id", "s"),)}


async def test_a_run_left_by_a_dead_worker_is_taken_over_at_once(database: Database) -> None:
    await add(database, "r")
    await claimed(database, by="other")
    assert await claimed(database) == []
    [run] = await database.write(claim, dead=["other"])
    assert (run.crashes, run.attempt, run.queue_ms) == (1, 2, 0)


async def test_a_lapsed_lease_counts_as_a_crash_whoever_held_it(database: Database) -> None:
    await add(database, "r")
    await claimed(database)
    later = NOW + LEASE
    assert await claimed(database, now=later) == []
    [run] = await database.write(claim, now=later + timedelta(seconds=1))
    assert run.crashes == 1


async def test_a_run_that_its_own_living_worker_finds_again_has_not_crashed(
    database: Database,
) -> None:
    await add(database, "r")
    await claimed(database)
    assert await claimed(database, dead=["me"], holding=["r"]) == []
    [run] = await database.write(claim, dead=["me"])
    assert (run.crashes, run.attempt) == (0, 2)


@pytest.mark.parametrize("held", [True, False])
async def test_a_stopping_run_is_claimed_to_clean_up_and_stays_so(
    database: Database, held: bool
) -> None:
    await add(database, "r")
    await claimed(database, by="other")
    gone = {} if held else {"worker": None, "lease_until": None}
    await change(database, "r", status=RunStatus.STOPPING, **gone)
    if held:
        assert await claimed(database) == []
    [run] = await database.write(claim, dead=["other"] if held else [])
    assert (run.status, run.attempt, run.crashes) == (RunStatus.STOPPING, 2, int(held))
    assert await claimed(database) == []


async def test_leases_of_stopping_runs_are_prolonged_and_handed_back_as_such(
    database: Database,
) -> None:
    await add(database, "r")
    [run] = await database.write(claim)
    await change(database, "r", status=RunStatus.STOPPING)
    hold = runs.Hold("r", run.attempt)
    assert await database.write(claims.renew, [hold], lease_until=NOW + 2 * LEASE) == set()
    assert (await get(database, "r")).lease_until == NOW + 2 * LEASE
    await database.write(claims.hand_back, "me")
    handed = await get(database, "r")
    assert (handed.status, handed.worker, handed.lease_until) == ("stopping", None, None)
    assert await claimed(database) == ["r"]


async def test_a_run_waits_behind_a_paused_one_of_its_key_that_has_begun(
    database: Database,
) -> None:
    await add(database, "a", key="k")
    await claimed(database)
    await change(database, "a", status=RunStatus.PAUSED, worker=None)
    await add(database, "older", key="k", now=NOW - timedelta(days=1))
    assert await claimed(database) == []
    await change(database, "a", status=RunStatus.DONE)
    assert await claimed(database) == ["older"]


async def test_a_run_paused_before_it_began_holds_back_only_those_behind_it(
    database: Database,
) -> None:
    await add(database, "a", key="k")
    await add(database, "b", key="k", now=NOW + timedelta(seconds=1), due_at=NOW)
    await add(database, "c", key="k", now=NOW + timedelta(seconds=2), due_at=NOW)
    await change(database, "b", status=RunStatus.PAUSED)
    assert await claimed(database) == ["a"]
    await change(database, "a", status=RunStatus.DONE)
    assert await claimed(database) == []


async def test_the_next_due_time_is_that_of_a_sleeping_or_delayed_run(database: Database) -> None:
    def next_due(tx: Tx) -> datetime | None:
        return claims.next_due(tx, NO_LIMITS, NOW)

    assert await database.write(next_due) is None
    await add(database, "now")
    assert await database.write(next_due) is None
    await add(database, "later", due_at=NOW + timedelta(seconds=9))
    assert await database.write(next_due) == NOW + timedelta(seconds=9)
    await change(database, "now", status=RunStatus.WAITING, due_at=NOW + timedelta(seconds=5))
    assert await database.write(next_due) == NOW + timedelta(seconds=5)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_claim_does_not_look_at_finished_runs(database: Database) -> None:
    """Going by what the database says it would do; PostgreSQL decides by its statistics."""
    done: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, sql: str, params: Any, _context: Any, _many: bool) -> None:
        done.append((sql, params))

    def plans(tx: Tx) -> list[str]:
        claim(tx)
        claims.next_due(tx, NO_LIMITS, NOW)
        found = []
        for sql, params in [one for one in done if one[0].startswith(("SELECT", "WITH", "UPD"))]:
            rows = tx._connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", params)
            found += [str(row[-1]) for row in rows]
        return found

    await add(database, "r", key="k")
    event.listen(database._writing, "before_cursor_execute", note)
    found = await database.write(plans)
    assert any("ix_workflows_ready" in plan for plan in found)
    for plan in found:
        assert not plan.startswith("SCAN workflows")
        assert "ix_workflows_started" not in plan


@pytest.mark.usefixtures("only_told")
async def test_a_sleeping_run_goes_on_at_its_time(database: Database) -> None:
    woke: list[datetime] = []

    async def note() -> None:
        woke.append(datetime.now(UTC))

    @workflow(name="naps")
    async def naps(ctx: Context) -> None:
        await ctx.step("note", note)
        await ctx.sleep("nap", timedelta(seconds=0.3))
        await ctx.step("note", note)

    clock = SystemClock()
    worker = Worker(database, Engine(database, [naps], clock), clock)
    await worker.start()
    try:
        await database.write(runs.add, NewRun("r", "naps", {}, clock.now()))
        await until(database, "r", is_(RunStatus.DONE))
    finally:
        await worker.close()
    assert woke[1] - woke[0] >= timedelta(seconds=0.3)


async def test_a_claim_whose_answer_was_lost_is_found_again(
    database: Database, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    @workflow(name="works")
    async def works(ctx: Context) -> int:
        return 1

    worker = await workers.start()
    worker._engine.workflows["works"] = works
    worker._engine._versions[("works", "1")] = works
    write: Callable[..., Any] = database.write
    lost: list[str] = []

    async def losing(unit: Any, *args: Any, **options: Any) -> Any:
        answer = await write(unit, *args, **options)
        if unit == worker._take and answer[0] and not lost:
            lost.extend(run.id for run in answer[0])
            raise OperationalError("COMMIT", {}, Exception("the connection was closed"))
        return answer

    monkeypatch.setattr(database, "write", losing)
    await workers.queue("r", "works")
    run = await until(database, "r", is_(RunStatus.DONE))
    assert (lost, run.attempt, run.crashes) == (["r"], 2, 0)


async def test_a_database_that_does_not_answer_is_said_once_and_survived(
    database: Database,
    workers: Workers,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    @workflow(name="works")
    async def works(ctx: Context) -> int:
        return 1

    monkeypatch.setattr(workers_module, "LOOK", timedelta(milliseconds=50))
    worker = await workers.start(works)
    await eventually(lambda: worker._next_due is None and not worker._wake.is_set())
    write: Callable[..., Any] = database.write
    away = 0

    async def failing(unit: Any, *args: Any, **options: Any) -> Any:
        nonlocal away
        away += 1
        raise OperationalError("BEGIN", {}, Exception("disk is full"))

    with monkeypatch.context() as patch:
        patch.setattr(database, "write", failing)
        await eventually(lambda: away > 4)
    assert database.write == write
    await workers.queue("r", "works")
    await until(database, "r", is_(RunStatus.DONE))
    await eventually(lambda: "answers again" in caplog.text)
    assert caplog.text.count("the database does not answer") == 1
    assert "disk is full" in caplog.text
    assert "Traceback" not in caplog.text


async def test_a_run_is_cancelled_paused_or_left_as_others_decide(
    database: Database, workers: Workers
) -> None:
    @workflow(name="waits")
    async def waits(ctx: Context) -> None:
        await ctx.step("wait", asyncio.Event().wait)

    told: list[str] = []
    worker = await workers.start(waits)

    async def at_hand(run_id: str) -> None:
        await workers.queue(run_id, "waits")
        await eventually(lambda: run_id in worker._claims)
        execution = worker._claims[run_id].execution
        for word in ("cancel", "pause"):
            execution_told = lambda word=word: told.append(f"{run_id} {word}")  # noqa: E731
            setattr(execution, word, execution_told)

    for run_id in ("c", "p", "e", "l"):
        await at_hand(run_id)
    await change(database, "c", status=RunStatus.STOPPING)
    await eventually(lambda: told == ["c cancel"])
    await change(database, "p", pausing=True)
    await eventually(lambda: told == ["c cancel", "p pause"])
    await change(database, "e", status=RunStatus.STOPPED)
    await eventually(lambda: "e" not in worker._tasks)
    await change(database, "l", attempt=2)
    await eventually(lambda: "l" not in worker._tasks)
    await change(database, "c", step="again")
    await asyncio.sleep(0.15)
    assert told == ["c cancel", "p pause"]
    assert set(worker._tasks) == {"c", "p"}


@pytest.mark.usefixtures("only_told")
async def test_a_worker_takes_as_many_as_it_may_and_goes_on_when_one_ends(
    database: Database, clock: ManualClock
) -> None:
    at_work, most = 0, 0

    async def work() -> None:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        await asyncio.sleep(0.01)
        at_work -= 1

    @workflow(name="works")
    async def works(ctx: Context) -> None:
        await ctx.step("work", work)

    for number in range(9):
        await database.write(runs.add, NewRun(f"r{number}", "works", {}, NOW))
    worker = Worker(database, Engine(database, [works], clock), clock, most_runs=2)
    await worker.start()
    try:
        for number in range(9):
            await until(database, f"r{number}", is_(RunStatus.DONE))
    finally:
        await worker.close()
    assert most == 2


async def test_sweeps_are_called_with_the_time_again_and_again(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers_module, "LOOK", timedelta(milliseconds=20))
    called: list[datetime] = []

    def sweep(tx: Tx, now: datetime) -> None:
        called.append(now)
        if len(called) == 1:
            raise ValueError("a bug")

    worker = Worker(database, Engine(database, [], clock), clock, sweeps=[sweep])
    await worker.start()
    await eventually(lambda: len(called) > 2)
    await worker.close()
    assert set(called) == {NOW}
