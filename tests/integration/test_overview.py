"""The whole at a glance: what is under way, what came of it, what it cost, who is alive."""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from sqlalchemy import Engine, event, insert, update
from sqlmodel import col

from agentchat import AgentChat
from agentchat.durable.clock import ManualClock
from agentchat.errors import InvalidInput, NotAllowed
from agentchat.llm.scripted import ScriptedProvider
from agentchat.models import Run, RunStatus, Spending
from agentchat.operations import overview as overview_module
from agentchat.operations.overview import Overview
from agentchat.operations.overview_views import AtRest, Busy, HeldView, NowView, PastView
from agentchat.settings import Settings
from agentchat.store import limits, overviews, processes, repairs, runs
from agentchat.store.database import Database
from agentchat.store.processes import Beat
from agentchat.store.writer import Tx
from agentchat.views import Actor
from tests.benchmarks.runs_made import fill
from tests.guards import open_to_all

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
T = TypeVar("T")


@pytest.fixture
def overview(database: Database, clock: ManualClock) -> Overview:
    return Overview(database, clock, open_to_all(clock))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks anew as soon as somebody asks."""
    monkeypatch.setattr(overview_module, "PACE", timedelta(milliseconds=20))
    monkeypatch.setattr(overview_module, "SHARE", 0)


async def add(database: Database, run_id: str, **values: Any) -> str:
    """A run as it stands: queued for a minute, unless ``values`` say otherwise."""
    values = {"created_at": NOW - MINUTE, "due_at": NOW - MINUTE} | values
    new = runs.NewRun(run_id, values.pop("workflow", "digest"), {}, values["created_at"])

    def write(tx: Tx) -> None:
        runs.add(tx, new)
        tx.execute(update(Run).where(col(Run.id) == run_id).values(**values))

    await database.write(write)
    return run_id


async def end(database: Database, run_id: str, status: RunStatus, **values: Any) -> str:
    """A run that has ended ten seconds ago, after ``took`` seconds."""
    at = values.pop("finished_at", NOW - 10 * SECOND)
    started = at - values.pop("took", 2) * SECOND
    return await add(
        database, run_id, **({"started_at": started} | values), status=status, finished_at=at
    )


async def spend(database: Database, run_id: str, **values: Any) -> None:
    row = {
        "run_id": run_id, "thread_id": "t", "message_id": "m", "user_id": "ann", "agent": "clerk",
        "model": "openai:big", "outcome": "done", "input_tokens": 100, "output_tokens": 10,
        "cost_usd": 0.5, "created_at": NOW - 10 * SECOND,
    } | values  # fmt: skip
    await database.write(lambda tx: tx.execute(insert(Spending), row))


def beat(name: str, at: datetime, *, runs: int = 0) -> Beat:
    return Beat(name, "host", 7, runs, 0, NOW - HOUR, at)


async def until(following: AsyncGenerator[T, None], wanted: Any) -> T:
    """The first value of a following that is as wanted."""
    async with asyncio.timeout(30):
        async for value in following:
            if wanted(value):
                return value
    raise AssertionError("the following ended")


# Now


async def test_what_is_under_way_is_counted_by_status_and_by_workflow(
    database: Database, overview: Overview
) -> None:
    for number, status in enumerate([*RunStatus, RunStatus.QUEUED]):
        await add(database, f"run-{number:04}", status=status)
    await add(database, "another-1", workflow="import", status=RunStatus.RUNNING)
    now = await overview.now()
    assert (now.queued, now.running, now.waiting, now.paused, now.stopping) == (2, 2, 1, 1, 1)
    assert now.busy == (
        Busy("digest", queued=2, running=1, waiting=1, paused=1, stopping=1),
        Busy("import", running=1),
    )


async def test_many_are_counted_up_to_a_limit(
    database: Database, overview: Overview, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview_module, "MOST_COUNTED", 3)
    for number in range(5):
        await add(database, f"run-{number:04}")
    now = await overview.now()
    assert (now.queued, now.most_counted) == (3, 3)


async def test_the_oldest_wait_is_that_of_the_run_due_first(
    database: Database, overview: Overview, clock: ManualClock
) -> None:
    assert (await overview.now()).oldest_wait_s is None
    await add(database, "delayed-1", due_at=NOW + HOUR)
    assert (await overview.now()).oldest_wait_s is None
    await add(database, "running-1", due_at=NOW - HOUR, status=RunStatus.RUNNING)
    await add(database, "queued-01", due_at=NOW - 5 * SECOND)
    await add(database, "queued-02", due_at=NOW - 65 * SECOND)
    clock.advance(SECOND)
    assert (await overview.now()).oldest_wait_s == 66


async def test_what_waits_for_a_person_to_resume_its_workflow_waits_for_no_worker(
    database: Database, overview: Overview
) -> None:
    await add(database, "queued-01", workflow="import", due_at=NOW - HOUR)
    await add(database, "queued-02", due_at=NOW - SECOND)
    await database.write(limits.pause_workflow, "import", by="Ann", now=NOW)
    now = await overview.now()
    assert now.at_rest == (AtRest("import", "Ann", NOW),)
    assert (now.oldest_wait_s, now.queued) == (1, 2)


async def test_a_worker_is_alive_silent_stuck_or_dead(
    database: Database,
    overview: Overview,
    clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agentchat.durable.identity.is_dead", lambda name: name == "dead")
    await database.write(processes.beat, beat("alive", NOW - 3 * SECOND, runs=4))
    await database.write(processes.beat, beat("dead", NOW - SECOND))
    await database.write(processes.beat, beat("silent", NOW - 8 * SECOND))
    await database.write(processes.beat, beat("stuck", NOW - 20 * SECOND))
    since = NOW - 18 * SECOND
    await database.write(lambda tx: processes.stuck(tx, "stuck", since=since, where="sleep()"))
    found = {worker.name: worker for worker in (await overview.now()).workers}
    assert {name: (one.state, one.age_s) for name, one in found.items()} == {
        "alive": ("alive", 3),
        "dead": ("dead", 1),
        "silent": ("silent", 8),
        "stuck": ("stuck", 20),
    }
    assert (found["stuck"].stuck_s, found["stuck"].stuck_in) == (18, "sleep()")
    assert (found["alive"].runs, found["alive"].host, found["alive"].pid) == (4, "host", 7)
    clock.advance(5 * SECOND)
    assert {one.state for one in (await overview.now()).workers} == {"silent", "dead", "stuck"}


async def test_what_the_start_held_is_told_with_the_reason(
    database: Database, overview: Overview, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview_module, "MOST_HELD", 2)
    await add(database, "paused-01", status=RunStatus.PAUSED, error="no such step")
    for number in range(2):
        await add(
            database,
            f"held-000{number}",
            status=RunStatus.PAUSED,
            error="the step 'a' is gone; key sk-ant-api03-abcdefghijklmnopqrstuvwxyz",
            error_kind=repairs.HELD,
        )
    now = await overview.now()
    assert [one.run_id for one in now.held] == ["held-0000", "held-0001"]
    assert isinstance(now.held[0], HeldView)
    assert now.held[0].reason.startswith("the step 'a' is gone; key ")
    assert "abcdefghij" not in now.held[0].reason
    assert not now.held_more
    await add(database, "held-0009", status=RunStatus.PAUSED, error_kind=repairs.HELD)
    assert (await overview.now()).held_more


async def test_now_moves_with_rows_and_with_time_alone(
    database: Database, overview: Overview, clock: ManualClock, quick: None
) -> None:
    await database.write(processes.beat, beat("w", NOW))
    async with aclosing(overview.follow_now()) as following:
        first = await anext(following)
        assert (first.queued, first.workers[0].state) == (0, "alive")
        await add(database, "queued-01", due_at=NOW)
        await until(following, lambda now: now.queued == 1)
        clock.advance(9 * SECOND)
        now: NowView = await until(following, lambda now: now.workers[0].state == "silent")
        assert (now.oldest_wait_s, now.workers[0].age_s) == (9, 9)
    assert len(database.live) == 0


# The past


async def test_ends_durations_and_waits_are_added_up(
    database: Database, overview: Overview
) -> None:
    for number in range(1, 21):
        await end(database, f"done-{number:04}", RunStatus.DONE, took=number, queue_ms=100 * number)
    await end(database, "failed-01", RunStatus.FAILED, took=500, queue_ms=50, agent="clerk")
    await end(database, "stopped-1", RunStatus.STOPPED, workflow="import")
    # Cancelled before it began: it did not wait to be carried out until then.
    await end(database, "stopped-2", RunStatus.STOPPED, started_at=None, queue_ms=10**9)
    past = await overview.past(1)
    total = past.total
    assert (total.ended, total.failed, total.stopped) == (23, 1, 2)
    assert total.success == pytest.approx(20 / 21)
    assert (total.p50, total.p95) == (10, 19)
    assert past.queue_p50 == pytest.approx(0.9)
    assert past.queue_p95 == pytest.approx(1.9)
    assert [(one.name, one.ended) for one in past.workflows] == [("digest", 22), ("import", 1)]
    assert [(one.name, one.ended, one.failed) for one in past.agents] == [("clerk", 1, 1)]
    assert (past.hours, past.period_s, len(past.periods)) == (1, 60, 61)
    assert sum(one.done for one in past.periods) == 20


async def test_only_the_time_that_is_asked_for_is_added_up(
    database: Database, overview: Overview
) -> None:
    for hours in (0.5, 2, 25, 24 * 8, 24 * 40):
        run_id = await end(
            database, f"done-{hours}", RunStatus.DONE, finished_at=NOW - hours * HOUR
        )
        await spend(database, run_id, created_at=NOW - hours * HOUR)
    for hours, number in ((1, 1), (24, 2), (24 * 7, 3), (24 * 30, 4)):
        past = await overview.past(hours)
        assert (past.total.ended, past.total.calls) == (number, number)


@pytest.mark.parametrize("hours", [0, -1, 24 * 31 + 1, float("inf"), float("nan"), 1e300])
async def test_no_time_and_too_much_of_it_are_refused(overview: Overview, hours: float) -> None:
    with pytest.raises(InvalidInput, match="744 hours"):
        await overview.past(hours)


async def test_tokens_and_cost_are_told_by_workflow_agent_and_model(
    database: Database, overview: Overview
) -> None:
    await end(database, "digest-01", RunStatus.DONE)
    await end(database, "import-01", RunStatus.DONE, workflow="import")
    await spend(database, "digest-01")
    await spend(database, "digest-01", model="local:small", cost_usd=None, agent="writer")
    await spend(database, "import-01", cost_usd=0.25, outcome="failed")
    await spend(database, "cleaned-away", cost_usd=1)
    past = await overview.past(1)
    assert (past.total.cost_usd, past.total.unknown, past.total.input_tokens) == (1.75, 1, 400)
    assert {one.name: (one.cost_usd, one.unknown) for one in past.workflows} == {
        "digest": (0.5, 1), "import": (0.25, 0),
    }  # fmt: skip
    assert {one.name: (one.cost_usd, one.calls) for one in past.agents} == {
        "clerk": (1.75, 3), "writer": (None, 1),
    }  # fmt: skip
    assert {one.name: (one.cost_usd, one.ended, one.failed) for one in past.models} == {
        "openai:big": (1.75, 3, 1), "local:small": (None, 1, 0),
    }  # fmt: skip


async def test_of_very_many_the_newest_are_added_up_and_it_says_so(
    database: Database, overview: Overview, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview_module, "MOST_ADDED_UP", 2)
    await end(database, "done-0001", RunStatus.DONE)
    assert not (await overview.past(1)).cut_off
    await end(database, "done-0002", RunStatus.DONE)
    await end(database, "failed-01", RunStatus.FAILED, finished_at=NOW - 30 * MINUTE)
    past = await overview.past(2)
    assert (past.cut_off, past.most_added_up, past.total.ended, past.total.failed) == (
        True,
        2,
        2,
        0,
    )


async def test_whoever_asks_at_once_shares_one_look(
    database: Database, overview: Overview, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    ended = overviews.ended

    def counting(*args: Any, **kwargs: Any) -> Any:
        nonlocal looks
        looks += 1
        return ended(*args, **kwargs)

    monkeypatch.setattr(overviews, "ended", counting)
    views = await asyncio.gather(*(overview.past(24) for _ in range(20)))
    assert (looks, len(set(map(id, views)))) == (1, 1)
    await overview.past(1)
    assert looks == 2


async def test_the_past_moves_when_a_run_has_ended(
    database: Database, overview: Overview, quick: None
) -> None:
    async with aclosing(overview.follow_past(1)) as following:
        assert (await anext(following)).total.ended == 0
        await end(database, "done-0001", RunStatus.DONE)
        past: PastView = await until(following, lambda past: past.total.ended == 1)
        assert past.periods[-1].done + past.periods[-2].done == 1


# The database, and who may look


async def test_the_database_says_how_large_it_is(database: Database, overview: Overview) -> None:
    before = await overview.storage()
    assert before.size > 50_000
    if database.url.startswith("sqlite"):
        assert before.kind == "SQLite"
        assert before.free is not None
        assert before.free > 1_000_000
    else:
        assert (before.kind, before.free) == ("PostgreSQL", None)
    await asyncio.to_thread(fill, database.url, 2_000)
    async with aclosing(overview.follow_storage()) as following:
        assert (await anext(following)).size > before.size


async def test_nobody_without_a_name_sees_anything(overview: Overview) -> None:
    nobody = Actor("", "")
    for verb in (overview.now, overview.past, overview.storage):
        with pytest.raises(NotAllowed):
            await verb(actor=nobody)
    for follow in (overview.follow_now, overview.follow_past, overview.follow_storage):
        following: AsyncGenerator[Any, None] = follow(actor=nobody)
        with pytest.raises(NotAllowed):
            await anext(following)


async def test_a_look_at_many_runs_asks_the_database_as_little_as_at_few(
    database: Database, overview: Overview
) -> None:
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        asked.append(statement)

    async def look() -> tuple[int, int]:
        asked.clear()
        await overview.past(24 * 30)
        now = await overview.now()
        return len(asked), now.queued + now.running + now.waiting

    event.listen(Engine, "before_cursor_execute", note)
    try:
        few, _ = await look()
        await asyncio.to_thread(fill, database.url, 5_000)
        many, not_over = await look()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert not_over > 75
    assert 0 < many <= few + 5


async def test_an_app_tells_of_its_own_worker(database_url: str) -> None:
    async with (
        AgentChat(Settings(db_url=database_url), provider=ScriptedProvider("instant")) as chat,
        aclosing(chat.operations.overview.follow_now()) as following,
    ):
        now: NowView = await until(following, lambda now: now.workers)
        [worker] = now.workers
        assert (worker.state, worker.pid, worker.host) == ("alive", os.getpid(), platform.node())
        assert (await chat.operations.overview.past(1)).total.ended == 0
