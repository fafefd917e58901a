"""The engine: steps remembered, retried, fenced, and taken over from the dead."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlmodel import Session, col

from agentchat.durable.clock import ManualClock
from agentchat.durable.context import Context
from agentchat.durable.engine import MOST_CRASHES
from agentchat.durable.retry import RetryPolicy
from agentchat.durable.worker import LEASE
from agentchat.durable.workflow import workflow
from agentchat.errors import Fenced, Overloaded, RateLimited, WrongKey
from agentchat.models import Run, RunStatus, Step, Thread
from agentchat.store import claims, ends, journal, runs, threads
from agentchat.store.database import Database
from agentchat.store.runs import Hold, NewRun
from agentchat.store.writer import Tx
from tests.integration.workers import Workers, is_, until
from tests.waiting import eventually

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def did() -> Counter[str]:
    return Counter()


async def steps(database: Database, run_id: str) -> list[Step]:
    return await database.read(journal.load, run_id)


async def test_a_run_does_its_steps_and_is_done(
    database: Database, workers: Workers, did: Counter[str]
) -> None:
    async def double(n: int) -> int:
        did["double"] += 1
        return n * 2

    @workflow(name="sums")
    async def sums(ctx: Context) -> int:
        first = await ctx.step("double", double, 1)
        return await ctx.step("double", double, first)

    await workers.start(sums)
    await workers.queue("r", "sums")
    run = await until(database, "r", is_(RunStatus.DONE))
    assert (run.result, run.attempt, run.finished_at) == (4, 1, NOW)
    assert [(s.name, s.occurrence, s.result) for s in await steps(database, "r")] == [
        ("double", 0, 2),
        ("double", 1, 4),
    ]


async def test_a_finished_step_never_runs_again(
    database: Database, workers: Workers, clock: ManualClock, did: Counter[str]
) -> None:
    stuck = asyncio.Event()
    let_go = asyncio.Event()

    async def first() -> str:
        did["first"] += 1
        return "kept"

    async def second(before: str) -> str:
        did["second"] += 1
        stuck.set()
        await let_go.wait()
        return f"{before} twice"

    @workflow(name="two")
    async def two(ctx: Context) -> str:
        return await ctx.step("second", second, await ctx.step("first", first))

    worker = await workers.start(two)
    await workers.queue("r", "two")
    await asyncio.wait_for(stuck.wait(), 30)
    await workers.crash(worker)
    let_go.set()
    clock.advance(LEASE + timedelta(seconds=1))
    await workers.start(two)
    run = await until(database, "r", is_(RunStatus.DONE))
    assert (run.result, run.attempt, run.crashes) == ("kept twice", 2, 1)
    assert did == {"first": 1, "second": 2}


async def test_a_run_is_left_alone_while_its_lease_holds(
    database: Database, workers: Workers, did: Counter[str]
) -> None:
    started = asyncio.Event()

    async def wait() -> None:
        did["wait"] += 1
        started.set()
        await asyncio.Event().wait()

    @workflow(name="waits")
    async def waits(ctx: Context) -> None:
        await ctx.step("wait", wait)

    await workers.start(waits)
    await workers.queue("r", "waits")
    await asyncio.wait_for(started.wait(), 30)
    other = await workers.start(waits)
    await other._claim_due()
    assert did["wait"] == 1
    assert other._claims == {}


async def test_a_worker_that_lost_its_run_changes_no_row(
    database: Database, workers: Workers, clock: ManualClock
) -> None:
    """The zombie: it slept beyond its lease, another took over, and now it wakes."""
    gates = [asyncio.Event(), asyncio.Event()]
    entered = [asyncio.Event(), asyncio.Event()]
    calls = iter(range(2))

    async def slow() -> str:
        call = next(calls)
        entered[call].set()
        await gates[call].wait()
        return f"call {call}"

    @workflow(name="slow")
    async def slowly(ctx: Context) -> str:
        return await ctx.step("slow", slow)

    await workers.start(slowly)
    await workers.queue("r", "slow")
    await asyncio.wait_for(entered[0].wait(), 30)
    clock.advance(LEASE + timedelta(seconds=1))
    await workers.start(slowly)
    await asyncio.wait_for(entered[1].wait(), 30)
    gates[0].set()
    zombie = workers.alive[0]
    await eventually(lambda: not zombie._tasks)
    assert await steps(database, "r") == []
    gates[1].set()
    run = await until(database, "r", is_(RunStatus.DONE))
    assert (run.result, run.attempt) == ("call 1", 2)


async def test_a_late_write_is_refused(database: Database, workers: Workers) -> None:
    await workers.queue("r", "x")
    with pytest.raises(Fenced):
        await database.write(runs.change, Hold("r", 1), step="late")


async def test_a_transaction_step_and_its_rows_are_one_commit(
    database: Database, workers: Workers, clock: ManualClock
) -> None:
    def add(tx: Tx, thread_id: str) -> str:
        threads.create(tx, thread_id, owner_id="o", title="", now=NOW)
        return thread_id

    stuck = asyncio.Event()

    async def wait() -> None:
        stuck.set()
        await asyncio.Event().wait()

    @workflow(name="adds")
    async def adds(ctx: Context) -> None:
        await ctx.transaction("add", add, "a")
        await ctx.step("wait", wait)

    worker = await workers.start(adds)
    await workers.queue("r", "adds")
    await asyncio.wait_for(stuck.wait(), 30)
    await workers.crash(worker)
    stuck.clear()
    clock.advance(LEASE + timedelta(seconds=1))
    # A second insert of the same row would fail the run.
    await workers.start(adds)
    await asyncio.wait_for(stuck.wait(), 30)
    assert [s.name for s in await steps(database, "r")] == ["add"]

    def count(session: Session) -> int:
        return len(session.scalars(select(col(Thread.id))).all())

    assert await database.read(count) == 1


async def test_finish_ends_the_run_in_the_commit_of_its_rows(
    database: Database, workers: Workers
) -> None:
    def add(tx: Tx) -> str:
        threads.create(tx, "a", owner_id="o", title="", now=NOW)
        return "added"

    def moment(session: Session) -> tuple[bool, str | None, int]:
        run = session.get(Run, "r")
        there = session.get(Thread, "a") is not None
        return there, run.status if run else None, len(journal.load(session, "r"))

    @workflow(name="ends")
    async def ends(ctx: Context) -> str:
        return await ctx.finish("end", add)

    states = database.live.follow(moment)
    seen = [await anext(states)]
    await workers.start(ends)
    await workers.queue("r", "ends")
    async with asyncio.timeout(30):
        while seen[-1][1] != RunStatus.DONE:
            seen.append(await anext(states))
    await states.aclose()
    assert {(there, count) for there, status, count in seen if status != "done"} == {(False, 0)}
    assert seen[-1] == (True, "done", 1)


async def test_a_step_is_tried_again_and_the_wait_is_written_down(
    database: Database, workers: Workers, clock: ManualClock
) -> None:
    faults = [Overloaded(), RateLimited(retry_after=timedelta(seconds=30))]

    async def ask() -> str:
        if faults:
            raise faults.pop(0)
        return "answer"

    @workflow(name="asks")
    async def asks(ctx: Context) -> str:
        return await ctx.step("ask", ask, retry=RetryPolicy(attempts=5))

    await workers.start(asks)
    await workers.queue("r", "asks")
    run = await until(database, "r", lambda run: run.tries == 2)
    assert (run.max_tries, run.error_kind, run.attempt) == (5, "overloaded", 1)
    assert run.retry_at is not None
    assert timedelta(seconds=0.5) <= run.retry_at - NOW <= timedelta(seconds=1)
    await sleeping(clock)
    clock.advance(timedelta(seconds=1))
    # A long wait is a row: nothing sleeps meanwhile.
    run = await until(database, "r", is_(RunStatus.WAITING))
    assert (run.tries, run.due_at) == (3, run.retry_at)
    assert run.retry_at == clock.now() + timedelta(seconds=30)
    assert (run.worker, clock.sleeping) == (None, 0)
    clock.advance(timedelta(seconds=30))
    run = await until(database, "r", is_(RunStatus.DONE))
    assert (run.result, run.retry_at, run.error) == ("answer", None, None)
    [step] = await steps(database, "r")
    assert (step.tries, step.attempt) == (3, 2)
    failed = await database.read(journal.attempts, "r")
    assert [(a.tries, a.attempt, a.error_kind) for a in failed] == [
        (1, 1, "overloaded"),
        (2, 1, "rate_limited"),
    ]


async def sleeping(clock: ManualClock) -> None:
    await eventually(lambda: clock.sleeping)


async def test_an_error_that_no_try_can_help_fails_the_run_at_once(
    database: Database, workers: Workers, did: Counter[str]
) -> None:
    async def ask() -> None:
        did["ask"] += 1
        raise WrongKey("the key is wrong")

    told: list[str] = []

    def note(tx: Tx, run: Run, error: Exception, now: datetime) -> None:
        told.append(f"{run.id}: {error}")

    @workflow(name="asks", on_failure=note)
    async def asks(ctx: Context) -> None:
        await ctx.step("ask", ask, retry=RetryPolicy(attempts=5))

    await workers.start(asks)
    await workers.queue("r", "asks")
    run = await until(database, "r", is_(RunStatus.FAILED))
    assert (run.error, run.error_kind, did["ask"]) == ("the key is wrong", "wrong_key", 1)
    assert told == ["r: the key is wrong"]


async def test_a_run_ends_even_if_the_telling_of_its_failure_fails(
    database: Database, workers: Workers, did: Counter[str]
) -> None:
    async def ask() -> None:
        did["ask"] += 1
        raise WrongKey("no \ud83d key \x00")

    def broken(tx: Tx, run: Run, error: Exception, now: datetime) -> None:
        raise KeyError("a bug in telling")

    @workflow(name="asks", on_failure=broken)
    async def asks(ctx: Context) -> None:
        await ctx.step("ask", ask)

    await workers.start(asks)
    await workers.queue("r", "asks")
    run = await until(database, "r", is_(RunStatus.FAILED))
    assert (run.error, run.attempt, did["ask"]) == ("no \ufffd key ", 1, 1)


async def test_a_run_that_has_begun_goes_before_one_that_looks_older(
    database: Database, workers: Workers, clock: ManualClock
) -> None:
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        entered.set()
        await go_on.wait()

    @workflow(name="holds")
    async def holds(ctx: Context) -> None:
        await ctx.step("hold", hold)

    worker = await workers.start(holds)
    await workers.queue("r", "holds", key="thread")
    await asyncio.wait_for(entered.wait(), 30)
    # Another process, or this one, has a clock that is behind.
    await database.write(
        runs.add, NewRun("s", "holds", {}, NOW - timedelta(seconds=3), key="thread")
    )
    await worker._claim_due()
    assert set(worker._claims) == {"r"}
    go_on.set()
    await until(database, "s", is_(RunStatus.DONE))


async def test_a_worker_closes_although_a_step_does_not_let_go(
    database: Database, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentchat.durable.worker.PATIENCE", timedelta(milliseconds=50))
    entered, let_go = asyncio.Event(), asyncio.Event()

    async def stubborn() -> None:
        entered.set()
        while not let_go.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await let_go.wait()

    @workflow(name="stubborn")
    async def stubbornly(ctx: Context) -> None:
        await ctx.step("stay", stubborn)

    worker = await workers.start(stubbornly)
    await workers.queue("r", "stubborn")
    await asyncio.wait_for(entered.wait(), 30)
    workers.alive.remove(worker)
    await asyncio.wait_for(worker.close(), 30)
    await until(database, "r", is_(RunStatus.QUEUED))
    let_go.set()
    await eventually(lambda: not worker._tasks)
    # It may have been written down that it was begun.
    assert not any(step.finished_at for step in await steps(database, "r"))


async def test_a_stopped_run_that_nobody_claimed_does_nothing(
    database: Database, workers: Workers, did: Counter[str]
) -> None:
    async def ask() -> None:
        did["ask"] += 1

    @workflow(name="asks")
    async def asks(ctx: Context) -> None:
        await ctx.step("ask", ask)

    await workers.queue("r", "asks")
    assert await database.write(ends.kill, "r", by="Ann", now=NOW)
    assert not await database.write(ends.kill, "r", by="Bob", now=NOW)
    worker = await workers.start(asks)
    await worker._claim_due()
    run = await until(database, "r", is_(RunStatus.STOPPED))
    assert (run.stopped_by, did["ask"]) == ("Ann", 0)


async def test_a_swallowed_exception_does_not_keep_a_lost_run_going(
    database: Database, workers: Workers, did: Counter[str]
) -> None:
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def ask() -> None:
        entered.set()
        await go_on.wait()

    @workflow(name="stubborn")
    async def stubborn(ctx: Context) -> None:
        try:
            await ctx.step("ask", ask)
        except Exception:
            did["swallowed"] += 1
        did["went on"] += 1

    worker = await workers.start(stubborn)
    await workers.queue("r", "stubborn")
    await asyncio.wait_for(entered.wait(), 30)
    await database.write(ends.kill, "r", by="Ann", now=NOW)
    go_on.set()
    await eventually(lambda: not worker._tasks)
    assert did == {}


async def test_runs_of_one_key_go_one_after_another(database: Database, workers: Workers) -> None:
    order: list[str] = []

    async def work(run_id: str) -> None:
        order.append(f"{run_id} begins")
        await asyncio.sleep(0.02)
        order.append(f"{run_id} ends")

    @workflow(name="works")
    async def works(ctx: Context) -> None:
        await ctx.step("work", work, ctx.run_id)

    for run_id in ("a", "b", "c"):
        await workers.queue(run_id, "works", key="thread")
    await workers.start(works)
    await until(database, "c", is_(RunStatus.DONE))
    assert order == [f"{run} {what}" for run in "abc" for what in ("begins", "ends")]


async def test_runs_of_different_keys_go_side_by_side(database: Database, workers: Workers) -> None:
    together = asyncio.Barrier(3)

    async def meet() -> None:
        await asyncio.wait_for(together.wait(), 30)

    @workflow(name="meets")
    async def meets(ctx: Context) -> None:
        await ctx.step("meet", meet)

    for key in ("a", "b", "c"):
        await workers.queue(key, "meets", key=key)
    await workers.start(meets)
    for key in ("a", "b", "c"):
        await until(database, key, is_(RunStatus.DONE))


async def test_a_run_that_keeps_killing_its_process_is_given_up(
    database: Database, workers: Workers
) -> None:
    @workflow(name="deadly")
    async def deadly(ctx: Context) -> None:
        raise AssertionError("must not be started again")

    def crashed(tx: Tx) -> None:
        runs.add(tx, NewRun("r", "deadly", {}, NOW))
        [run] = claim_all(tx)
        lapsed = NOW - timedelta(seconds=1)
        dying = {"attempt": MOST_CRASHES + 1, "crashes": MOST_CRASHES, "lease_until": lapsed}
        runs.change(tx, Hold("r", run.attempt), **dying)

    def claim_all(tx: Tx) -> list[Run]:
        return claims.claim(
            tx, "w", workflows=["deadly"], holding=[], now=NOW, lease_until=NOW, limit=1
        )

    await database.write(crashed)
    await workers.start(deadly)
    run = await until(database, "r", is_(RunStatus.FAILED))
    assert "died 6 times" in (run.error or "")


async def test_a_worker_that_closes_hands_its_runs_back(
    database: Database, workers: Workers
) -> None:
    entered = asyncio.Event()

    async def wait() -> None:
        entered.set()
        await asyncio.Event().wait()

    @workflow(name="waits")
    async def waits(ctx: Context) -> None:
        await ctx.step("wait", wait)

    worker = await workers.start(waits)
    await workers.queue("r", "waits")
    await asyncio.wait_for(entered.wait(), 30)
    workers.alive.remove(worker)
    await worker.close()
    run = await until(database, "r", is_(RunStatus.QUEUED))
    assert (run.worker, run.crashes) == (None, 0)


async def test_leases_are_prolonged_together_and_lost_ones_are_named(
    database: Database, workers: Workers
) -> None:
    for run_id in ("a", "b"):
        await workers.queue(run_id, "x")

    def claim(tx: Tx) -> list[Run]:
        return claims.claim(
            tx, "w", workflows=["x"], holding=[], now=NOW, lease_until=NOW, limit=10
        )

    holds = [Hold(run.id, run.attempt) for run in await database.write(claim)]
    await database.write(ends.kill, "b", by="Ann", now=NOW)
    later = NOW + LEASE
    assert await database.write(claims.renew, holds, lease_until=later) == {"b"}
    run = await database.read(runs.get, "a")
    assert run is not None
    assert run.lease_until == later
