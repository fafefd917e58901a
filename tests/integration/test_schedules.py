"""Schedules: each due time becomes one run, in whatever process, however late."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, update
from sqlmodel import Session, col

from agentchat.durable import scheduler as scheduler_module
from agentchat.durable.clock import ManualClock, SystemClock
from agentchat.durable.context import Context
from agentchat.durable.firing import plan
from agentchat.durable.schedule_views import FiringView, ScheduleView
from agentchat.durable.scheduler import Scheduler
from agentchat.durable.schedules import Schedules
from agentchat.durable.triggers import Cron, Every, Missed, next_after
from agentchat.durable.workflow import workflow
from agentchat.errors import InvalidInput, NotAllowed, ScheduleNotFound, WrongState
from agentchat.models import Firing, Run, RunStatus, Schedule
from agentchat.store import firings
from agentchat.store.database import Database, connect
from agentchat.store.writer import Tx
from agentchat.views import LOCAL, Actor
from tests.guards import NOBODY, open_to_all
from tests.long import LONG_ON_POSTGRES
from tests.waiting import eventually

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOURLY = Cron("0 * * * *")
ANN = Actor("ann", "Ann")


@workflow(name="greet", version="7")
async def greet(ctx: Context, name: str, times: int = 1) -> str:
    return f"hello {name}" * times


@workflow(name="other")
async def other(ctx: Context) -> None:
    return None


KNOWN = {one.name: one for one in (greet, other)}
CODE = {name: (one.version, one.code) for name, one in KNOWN.items()}


@pytest.fixture
def schedules(database: Database, clock: ManualClock) -> Schedules:
    return Schedules(database, clock, KNOWN, open_to_all(clock))


@pytest.fixture
def scheduler(database: Database, clock: ManualClock) -> Scheduler:
    """One that is not started: it fires when a test says so."""
    return Scheduler(database, clock, CODE)


def runs_now(session: Session) -> list[Run]:
    return list(session.scalars(select(Run).order_by(col(Run.due_at), col(Run.created_at))))


async def runs_of(database: Database) -> list[Run]:
    return await database.read(runs_now)


async def until_there_are(database: Database, count: int) -> None:
    """Follow the runs until there are so many."""
    following = database.live.follow(runs_now)
    async with asyncio.timeout(30):
        while len(await anext(following)) < count:
            pass
    await following.aclose()


async def end_all(database: Database) -> None:
    """As if workers had carried out all runs."""

    def end(tx: Tx) -> None:
        tx.execute(update(Run).values(status=RunStatus.DONE))

    await database.write(end)


async def only(schedules: Schedules) -> ScheduleView:
    [view] = await schedules.list()
    return view


async def outcomes(schedules: Schedules, schedule_id: str) -> list[tuple[float, str]]:
    """The hours since the beginning, and what became of each, oldest first."""
    found = await schedules.history(schedule_id, 200)
    return [((one.due_at - NOW) / HOUR, one.outcome) for one in reversed(found)]


# Firing


async def test_a_due_time_becomes_a_run(
    database: Database, clock: ManualClock, schedules: Schedules, scheduler: Scheduler
) -> None:
    schedule_id = await schedules.by(ANN).add("hello", HOURLY, greet, "Bob", times=2)
    clock.advance(HOUR - timedelta(seconds=1))
    assert await scheduler.tick() == 0
    assert await runs_of(database) == []
    clock.advance(timedelta(seconds=2))
    assert await scheduler.tick() == 1
    assert await scheduler.tick() == 0
    [run] = await runs_of(database)
    assert (run.workflow, run.version, run.code) == ("greet", "7", greet.code)
    assert greet.unbind(run.data) == {"name": "Bob", "times": 2}
    assert (run.schedule_id, run.started_by, run.key) == (schedule_id, "schedule hello", None)
    assert (run.status, run.due_at, run.created_at) == (
        RunStatus.QUEUED, NOW + HOUR, NOW + HOUR + timedelta(seconds=1),
    )  # fmt: skip
    assert run.id == firings.run_id_of(schedule_id, NOW + HOUR)
    assert await schedules.history(schedule_id) == (
        FiringView(
            NOW + HOUR, NOW + HOUR + timedelta(seconds=1), "started", run.id, run_status="queued"
        ),
    )
    view = await only(schedules)
    assert (view.last_run_id, view.last_status) == (run.id, "queued")
    assert (view.name, view.workflow, view.words) == ("hello", "greet", "Every hour (UTC)")
    assert (view.next_at, view.last_at) == (NOW + 2 * HOUR, NOW + HOUR)
    assert (view.last_outcome, view.created_by, view.paused) == ("started", "Ann", False)
    assert view.arguments == {"name": "Bob", "times": 2}


@LONG_ON_POSTGRES
async def test_a_year_of_an_hourly_and_a_daily_schedule_in_berlin(
    database: Database, clock: ManualClock, schedules: Schedules, scheduler: Scheduler
) -> None:
    every: dict[str, Any] = {"missed": "all", "most_missed": 1000, "overlap": "allow"}
    hourly = await schedules.add("hourly", Cron("0 * * * *", "Europe/Berlin", **every), other)
    daily = await schedules.add("daily", Cron("30 2 * * *", "Europe/Berlin", **every), other)
    while clock.now() < NOW + timedelta(days=365):
        clock.advance(timedelta(days=36.5))
        await scheduler.tick()

    def due_of(session: Session, schedule_id: str) -> list[datetime]:
        query = select(col(Run.due_at)).where(col(Run.schedule_id) == schedule_id)
        return sorted(one for one in session.scalars(query) if one is not None)

    assert await database.read(due_of, hourly) == [
        NOW + number * HOUR for number in range(1, 365 * 24 + 1)
    ]
    local = [
        one.astimezone(ZoneInfo("Europe/Berlin")) for one in await database.read(due_of, daily)
    ]
    assert [one.date() for one in local] == [
        (NOW + timedelta(days=number)).date() for number in range(365)
    ]
    odd = [f"{one:%m-%d %H:%M%z}" for one in local if (one.hour, one.minute) != (2, 30)]
    assert odd == ["03-29 03:00+0200"]
    assert [f"{one:%z}" for one in local if f"{one:%m-%d}" == "10-25"] == ["+0200"]


async def test_processes_that_fire_at_once_fire_each_time_once(
    database: Database, database_url: str, clock: ManualClock, schedules: Schedules
) -> None:
    others = [Database(database_url) for _ in range(3)]
    for one in others:
        one.open()
    all_ = [Scheduler(one, clock, CODE) for one in (database, *others) for _ in range(2)]
    try:
        for number in range(8):
            trigger = Cron(f"*/{number + 1} * * * *", overlap="allow")
            await schedules.add(f"nr {number}", trigger, other)
        started = 0
        for _ in range(12):
            clock.advance(timedelta(minutes=1))
            started += sum(await asyncio.gather(*(one.tick() for one in all_)))
    finally:
        for one in others:
            await one.close()
    wanted = sum(len([m for m in range(1, 13) if m % (n + 1) == 0]) for n in range(8))
    assert (started, len(await runs_of(database))) == (wanted, wanted)
    for view in await schedules.list():
        found = await schedules.history(view.id)
        assert {one.outcome for one in found} == {"started"}
        assert len(found) == len({one.run_id for one in found})


async def test_a_schedule_that_another_process_is_firing_is_left_to_it(
    database: Database,
    database_url: str,
    clock: ManualClock,
    schedules: Schedules,
    scheduler: Scheduler,
) -> None:
    await schedules.add("hello", Cron("0 * * * *", overlap="allow"), other)
    clock.advance(HOUR)
    engine = connect(database_url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as theirs:
        theirs.exec_driver_sql("BEGIN IMMEDIATE" if "sqlite" in database_url else "BEGIN")
        fired = firings.fire_due(Tx(theirs), now=clock.now(), known=CODE, plan=plan)
        ours = asyncio.create_task(scheduler.tick())
        if engine.dialect.name == "postgresql":
            # It does not even wait for the other; on SQLite there is one writer at a time.
            await asyncio.wait_for(asyncio.shield(ours), 30)
        theirs.exec_driver_sql("COMMIT")
    engine.dispose()
    assert (fired.runs, await ours) == (1, 0)
    assert len(await runs_of(database)) == 1


async def test_schedules_of_workflows_not_known_here_are_left_to_others(
    database: Database, clock: ManualClock, schedules: Schedules
) -> None:
    await schedules.add("hello", HOURLY, greet, "Bob")
    await schedules.add("other", HOURLY, other)
    clock.advance(HOUR)
    assert await Scheduler(database, clock, {"other": ("1", "x")}).tick() == 1
    assert await Scheduler(database, clock, {"other": ("1", "x")}).tick() == 0
    assert [view.next_at for view in await schedules.list()] == [NOW + HOUR, NOW + 2 * HOUR]
    assert await Scheduler(database, clock, {"greet": ("1", "x")}).tick() == 1


@LONG_ON_POSTGRES
async def test_more_schedules_than_fit_one_transaction_are_all_fired(
    database: Database, clock: ManualClock, schedules: Schedules, scheduler: Scheduler
) -> None:
    for number in range(2 * firings.BATCH + 1):
        await schedules.add(f"nr {number}", HOURLY, other)
    clock.advance(HOUR)
    assert await scheduler.tick() == 2 * firings.BATCH + 1


async def test_a_row_that_cannot_be_read_spoils_no_other(
    database: Database,
    clock: ManualClock,
    schedules: Schedules,
    scheduler: Scheduler,
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken = await schedules.add("broken", HOURLY, other)
    await schedules.add("good", HOURLY, other)

    def spoil(tx: Tx) -> None:
        tx.execute(update(Schedule).where(col(Schedule.id) == broken).values(timezone="Mars/Base"))

    await database.write(spoil)
    clock.advance(HOUR)
    assert await scheduler.tick() == 1
    assert "schedule 'broken' cannot be fired" in caplog.text
    view = (await schedules.list())[0]
    assert "'Mars/Base' is unknown" in view.words


async def test_a_clock_that_was_set_back_fires_nothing_twice(
    database: Database, clock: ManualClock, schedules: Schedules, scheduler: Scheduler
) -> None:
    schedule_id = await schedules.add("hello", Cron("0 * * * *", overlap="allow"), other)
    clock.advance(HOUR)
    assert await scheduler.tick() == 1
    clock.advance(-HOUR / 2)
    await schedules.pause(schedule_id)
    await schedules.resume(schedule_id)
    clock.advance(HOUR / 2)
    assert await scheduler.tick() == 0
    assert len(await runs_of(database)) == 1
    assert (await only(schedules)).next_at == NOW + 2 * HOUR


# Missed


@pytest.mark.parametrize(
    ("missed", "wanted"),
    [
        ("skip", [(8, "missed"), (9, "missed"), (10, "missed")]),
        ("one", [(8, "missed"), (9, "missed"), (10, "started")]),
        ("all", [(8, "started"), (9, "started"), (10, "started")]),
    ],
)
async def test_missed_times_are_treated_as_the_schedule_says(
    database: Database,
    clock: ManualClock,
    schedules: Schedules,
    scheduler: Scheduler,
    missed: Missed,
    wanted: list[tuple[float, str]],
) -> None:
    trigger = Cron("0 * * * *", missed=missed, most_missed=3, overlap="allow")
    schedule_id = await schedules.add("hello", trigger, other)
    clock.advance(10 * HOUR + timedelta(minutes=5))
    started = await scheduler.tick()
    assert await outcomes(schedules, schedule_id) == wanted
    assert started == len([one for one in wanted if one[1] == "started"])
    assert (await only(schedules)).next_at == NOW + 11 * HOUR
    # On time again: nothing is missed.
    clock.advance(timedelta(minutes=55))
    assert await scheduler.tick() == 1


async def test_what_is_late_by_a_minute_is_not_missed_yet(
    database: Database, clock: ManualClock, schedules: Schedules, scheduler: Scheduler
) -> None:
    trigger = Every(timedelta(seconds=30), missed="skip", overlap="allow")
    schedule_id = await schedules.add("hello", trigger, other)
    clock.advance(timedelta(seconds=120))
    assert await scheduler.tick() == 3
    assert [outcome for _, outcome in await outcomes(schedules, schedule_id)] == [
        "missed", "started", "started", "started",
    ]  # fmt: skip


@pytest.mark.parametrize("missed", ["skip", "one", "all"])
async def test_ten_years_of_seconds_missed_are_not_gone_through_one_by_one(
    database: Database,
    clock: ManualClock,
    schedules: Schedules,
    scheduler: Scheduler,
    missed: Missed,
) -> None:
    trigger = Every(timedelta(seconds=1), missed=missed, overlap="allow")
    schedule_id = await schedules.add("hello", trigger, other)
    clock.advance(timedelta(days=3650))
    started = await asyncio.wait_for(scheduler.tick(), 30)
    # 61 within the grace of a minute, and of the missed ones as many as the policy says.
    assert started == 61 + {"skip": 0, "one": 1, "all": 10}[missed]
    assert len(await outcomes(schedules, schedule_id)) == 71
    assert (await only(schedules)).next_at == clock.now() + timedelta(seconds=1)


async def test_the_newest_firings_are_kept(
    database: Database, clock: ManualClock, schedules: Schedules, scheduler: Scheduler
) -> None:
    trigger = Every(timedelta(minutes=1), missed="all", most_missed=150, overlap="allow")
    schedule_id = await schedules.add("hello", trigger, other)
    keep = await schedules.add("rare", Every(timedelta(minutes=200)), other)
    for _ in range(2):
        clock.advance(timedelta(minutes=150))
        await scheduler.tick()
    found = await database.read(firings.history, schedule_id, limit=1000)
    kept = [firing for firing, _ in found]
    assert len(kept) == firings.KEPT
    assert (kept[0].due_at, kept[-1].due_at) == (
        NOW + timedelta(minutes=300), NOW + timedelta(minutes=101),
    )  # fmt: skip
    assert len(await schedules.history(keep)) == 1
    assert len(await schedules.history(schedule_id, 1000)) == firings.KEPT
    assert len(await schedules.history(schedule_id, 3)) == 3


# Overlap


async def test_a_time_is_skipped_while_a_run_is_active(
    database: Database, clock: ManualClock, schedules: Schedules, scheduler: Scheduler
) -> None:
    schedule_id = await schedules.add("hello", HOURLY, other)
    await schedules.add("another", HOURLY, other)
    for _ in range(2):
        clock.advance(HOUR)
        await scheduler.tick()
    assert await outcomes(schedules, schedule_id) == [(1, "started"), (2, "skipped")]
    assert (await schedules.history(schedule_id))[0].run_id == ""
    await end_all(database)
    clock.advance(HOUR)
    assert await scheduler.tick() == 2


async def test_missed_times_of_one_tick_do_not_overlap_either(
    database: Database, clock: ManualClock, schedules: Schedules, scheduler: Scheduler
) -> None:
    schedule_id = await schedules.add("hello", Cron("0 * * * *", missed="all"), other)
    clock.advance(3 * HOUR)
    assert await scheduler.tick() == 1
    assert await outcomes(schedules, schedule_id) == [
        (1, "started"), (2, "skipped"), (3, "skipped"),
    ]  # fmt: skip


async def test_queued_runs_wait_for_each_other_in_the_order_they_were_due(
    database: Database, clock: ManualClock, schedules: Schedules, scheduler: Scheduler
) -> None:
    trigger = Cron("0 * * * *", missed="all", overlap="queue")
    schedule_id = await schedules.add("hello", trigger, other)
    clock.advance(9 * HOUR)
    assert await scheduler.tick() == 9
    found = await runs_of(database)
    assert {run.key for run in found} == {f"schedule:{schedule_id}"}
    by_creation = sorted(found, key=lambda run: run.created_at)
    assert [run.due_at for run in by_creation] == [NOW + n * HOUR for n in range(1, 10)]
    assert len({run.created_at for run in found}) == 9


async def test_runs_that_may_overlap_have_no_key(
    database: Database, clock: ManualClock, schedules: Schedules, scheduler: Scheduler
) -> None:
    await schedules.add("hello", Cron("0 * * * *", overlap="allow"), other)
    for _ in range(2):
        clock.advance(HOUR)
        assert await scheduler.tick() == 1
    assert [run.key for run in await runs_of(database)] == [None, None]


# Jitter


async def test_jitter_delays_each_run_by_its_own_share(
    database: Database, clock: ManualClock, schedules: Schedules, scheduler: Scheduler
) -> None:
    jitter = timedelta(minutes=10)
    trigger = Cron("0 * * * *", jitter=jitter, missed="all", most_missed=100, overlap="allow")
    schedule_id = await schedules.add("hello", trigger, other)
    clock.advance(100 * HOUR)
    assert await scheduler.tick() == 100
    delays = []
    for run in await runs_of(database):
        assert run.due_at is not None
        due = run.due_at.replace(minute=0, second=0, microsecond=0)
        assert run.id == firings.run_id_of(schedule_id, due)
        delays.append(run.due_at - due)
    assert all(timedelta() <= one < jitter for one in delays)
    assert len(set(delays)) == 100
    assert min(delays) < jitter / 10
    assert max(delays) > jitter * 9 / 10
    # Due times stay what they are.
    assert {one.due_at.minute for one in await schedules.history(schedule_id)} == {0}


# Pausing, asking, changing, deleting


async def test_times_while_paused_are_not_missed(
    database: Database, clock: ManualClock, schedules: Schedules, scheduler: Scheduler
) -> None:
    schedule_id = await schedules.add("hello", Cron("0 * * * *", missed="all"), other)
    await schedules.by(ANN).pause(schedule_id)
    view = await only(schedules)
    assert (view.paused, view.paused_by, view.paused_at) == (True, "Ann", NOW)
    assert view.next_at is None
    await schedules.pause(schedule_id)
    assert (await only(schedules)).paused_by == "Ann"
    another = await schedules.add("another", HOURLY, other)
    clock.advance(5.5 * HOUR)
    assert await scheduler.tick() == 1
    await schedules.delete(another)
    await schedules.resume(schedule_id)
    assert await scheduler.tick() == 0
    view = await only(schedules)
    assert (view.paused, view.paused_by, view.next_at) == (False, "", NOW + 6 * HOUR)
    assert await outcomes(schedules, schedule_id) == []


async def test_resuming_what_is_not_paused_loses_no_time(
    database: Database, clock: ManualClock, schedules: Schedules, scheduler: Scheduler
) -> None:
    schedule_id = await schedules.add("hello", HOURLY, other)
    clock.advance(HOUR)
    await schedules.resume(schedule_id)
    assert await scheduler.tick() == 1


async def test_a_person_can_ask_for_a_run(
    database: Database, clock: ManualClock, schedules: Schedules, scheduler: Scheduler
) -> None:
    schedule_id = await schedules.add("hello", HOURLY, greet, "Bob")
    await schedules.pause(schedule_id)
    clock.advance(HOUR / 2)
    run_id = await schedules.by(ANN).run_now(schedule_id)
    [run] = await runs_of(database)
    assert (run.id, run.schedule_id, run.due_at) == (run_id, schedule_id, NOW + HOUR / 2)
    assert (run.version, run.data["name"]) == ("7", "Bob")
    [firing] = await schedules.history(schedule_id)
    assert (firing.outcome, firing.asked_by, firing.run_id) == ("asked", "Ann", run_id)
    assert (await only(schedules)).last_outcome == "asked"

    def next_at(session: Session) -> datetime | None:
        return session.scalar(select(col(Schedule.next_at)))

    assert await database.read(next_at) == NOW + HOUR


async def test_a_run_asked_for_does_not_overlap_unless_it_may(
    database: Database, clock: ManualClock, schedules: Schedules, scheduler: Scheduler
) -> None:
    skips = await schedules.add("skips", HOURLY, other)
    await schedules.run_now(skips)
    with pytest.raises(WrongState, match="A run of the schedule 'skips' is active"):
        await schedules.run_now(skips)
    queues = await schedules.add("queues", Cron("0 * * * *", overlap="queue"), other)
    first, second = [await schedules.run_now(queues) for _ in range(2)]
    assert first != second
    keys = [run.key for run in await runs_of(database) if run.schedule_id == queues]
    assert keys == [f"schedule:{queues}"] * 2
    clock.advance(HOUR)
    await scheduler.tick()
    assert (await schedules.history(skips))[0].outcome == "skipped"
    await end_all(database)
    await schedules.run_now(skips)


async def test_a_run_asked_for_at_a_due_time_does_not_take_its_place(
    database: Database, clock: ManualClock, schedules: Schedules, scheduler: Scheduler
) -> None:
    trigger = Cron("0 * * * *", overlap="allow")
    schedule_id = await schedules.add("hello", trigger, other)
    clock.advance(HOUR)
    await schedules.run_now(schedule_id)
    assert await scheduler.tick() == 1
    found = await schedules.history(schedule_id)
    assert [one.outcome for one in found] == ["asked", "started"]
    assert (await only(schedules)).last_outcome == "asked"


async def test_a_schedule_declared_again_stays_as_it_is(
    database: Database, clock: ManualClock, schedules: Schedules, scheduler: Scheduler
) -> None:
    trigger = Every(HOUR, end=NOW.astimezone(ZoneInfo("Europe/Berlin")) + 9 * HOUR)
    first = await schedules.add("hello", trigger, greet, "Bob")
    clock.advance(HOUR / 2)
    assert await schedules.by(ANN).add(" hello ", trigger, greet, name="Bob") == first
    view = await only(schedules)
    assert (view.next_at, view.created_by) == (NOW + HOUR, LOCAL.name)
    # Nor is what is due by now forgotten.
    clock.advance(HOUR)
    await schedules.add("hello", trigger, greet, "Bob")
    assert await scheduler.tick() == 1
    assert (await only(schedules)).last_at == NOW + HOUR
    # Nor is one that is over an error.
    clock.advance(20 * HOUR)
    await scheduler.tick()
    assert await schedules.add("hello", trigger, greet, "Bob") == first
    assert (await only(schedules)).next_at is None


async def test_a_schedule_declared_with_other_content_changes(
    database: Database, clock: ManualClock, schedules: Schedules, scheduler: Scheduler
) -> None:
    first = await schedules.add("hello", HOURLY, greet, "Bob")
    clock.advance(HOUR)
    await scheduler.tick()
    await schedules.pause(first)
    clock.advance(HOUR / 2)
    assert await schedules.add("hello", Cron("0 0 * * *"), greet, "Eve") == first
    view = await only(schedules)
    assert (view.words, view.arguments) == (
        "Every day at 00:00 (UTC)", {"name": "Eve", "times": 1},
    )  # fmt: skip
    assert view.paused
    await schedules.resume(first)
    assert (await only(schedules)).next_at == NOW + 24 * HOUR
    await schedules.add("hello", Cron("15 * * * *"), greet, "Eve")
    assert (await only(schedules)).next_at == NOW + 2.25 * HOUR
    # The run of before is kept, and so is the history.
    [run] = await runs_of(database)
    assert (run.schedule_id, run.data["name"]) == (first, "Bob")
    assert len(await schedules.history(first)) == 1


async def test_other_arguments_do_not_change_when_it_fires_next(
    database: Database, clock: ManualClock, schedules: Schedules, scheduler: Scheduler
) -> None:
    await schedules.add("hello", HOURLY, greet, "Bob")
    clock.advance(HOUR)
    await schedules.add("hello", HOURLY, greet, "Eve")
    assert await scheduler.tick() == 1
    assert (await runs_of(database))[0].data["name"] == "Eve"


async def test_processes_that_declare_a_schedule_at_once_make_one(
    database: Database, database_url: str, clock: ManualClock, schedules: Schedules
) -> None:
    second = Database(database_url)
    second.open()
    try:
        theirs = Schedules(second, clock, KNOWN, open_to_all(clock))
        for number in range(10):
            ids = await asyncio.gather(
                *(one.add(f"nr {number}", HOURLY, other) for one in (schedules, theirs) * 3)
            )
            assert len(set(ids)) == 1
    finally:
        await second.close()
    assert len(await schedules.list()) == 10


async def test_deleting_a_schedule_keeps_its_runs(
    database: Database, clock: ManualClock, schedules: Schedules, scheduler: Scheduler
) -> None:
    schedule_id = await schedules.add("hello", HOURLY, other)
    keep = await schedules.add("keep", HOURLY, other)
    clock.advance(HOUR)
    await scheduler.tick()
    await schedules.delete(schedule_id)
    assert [view.id for view in await schedules.list()] == [keep]
    assert len(await runs_of(database)) == 2

    def count(session: Session) -> int:
        return session.scalar(select(func.count()).select_from(Firing)) or 0

    assert await database.read(count) == 1
    clock.advance(HOUR)
    await end_all(database)
    assert await scheduler.tick() == 1
    # A new one of the same name is another schedule.
    assert await schedules.add("hello", HOURLY, other) != schedule_id


async def test_an_unknown_schedule_is_not_found(schedules: Schedules) -> None:
    for ask in (
        schedules.pause,
        schedules.resume,
        schedules.run_now,
        schedules.delete,
        schedules.history,
        schedules.next_times,
    ):
        with pytest.raises(ScheduleNotFound, match="does not exist"):
            await ask("nobody")


async def test_what_cannot_be_scheduled_is_refused(
    database: Database, clock: ManualClock, schedules: Schedules
) -> None:
    with pytest.raises(InvalidInput, match="argument 'times' of workflow 'greet'"):
        await schedules.add("hello", HOURLY, greet, "Bob", "many")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        await schedules.add("hello", HOURLY, greet)  # type: ignore[call-arg]
    with pytest.raises(InvalidInput, match="needs a name"):
        await schedules.add(" ", HOURLY, other)
    with pytest.raises(InvalidInput, match="at most 120"):
        await schedules.add("x" * 121, HOURLY, other)
    with pytest.raises(InvalidInput, match="no start options"):
        await schedules.add("hello", HOURLY, other.options(key="k"))
    few = Schedules(database, clock, {"greet": greet}, open_to_all(clock))
    with pytest.raises(InvalidInput, match="'other' was not given to this app"):
        await few.add("hello", HOURLY, other)
    schedule_id = await schedules.add("hello", HOURLY, other)
    with pytest.raises(InvalidInput, match="'other' is not known"):
        await few.run_now(schedule_id)


async def test_every_verb_asks_whether_it_is_allowed(
    database: Database, clock: ManualClock, schedules: Schedules
) -> None:
    schedule_id = await schedules.add("hello", HOURLY, other)
    none = schedules.by(NOBODY)
    for verb in (
        lambda: none.add("hello", Cron("1 * * * *"), other),
        lambda: none.pause(schedule_id),
        lambda: none.resume(schedule_id),
        lambda: none.run_now(schedule_id),
        lambda: none.delete(schedule_id),
        lambda: none.list(),
        lambda: none.history(schedule_id),
        lambda: none.next_times(schedule_id),
        lambda: anext(none.follow()),
    ):
        with pytest.raises(NotAllowed):
            await verb()
    assert (await only(schedules)).spec == "0 * * * *"


async def test_the_next_times_are_told(clock: ManualClock, schedules: Schedules) -> None:
    schedule_id = await schedules.add("hello", Every(HOUR, end=NOW + 4 * HOUR), other)
    clock.advance(HOUR / 2)
    assert await schedules.next_times(schedule_id, 2) == [NOW + HOUR, NOW + 2 * HOUR]
    assert len(await schedules.next_times(schedule_id)) == 4


async def test_the_list_is_followed(
    clock: ManualClock, schedules: Schedules, scheduler: Scheduler
) -> None:
    following = schedules.follow()
    async with asyncio.timeout(30):
        assert await anext(following) == ()
        schedule_id = await schedules.add("hello", HOURLY, other)
        [view] = await anext(following)
        assert view.last_outcome == ""
        clock.advance(HOUR)
        await scheduler.tick()
        [view] = await anext(following)
        assert (view.last_outcome, view.next_at) == ("started", NOW + 2 * HOUR)
        await schedules.pause(schedule_id)
        [view] = await anext(following)
        assert view.paused
    await following.aclose()


# The clock over the rows


@pytest.fixture
async def started(database: Database, clock: ManualClock) -> AsyncIterator[Scheduler]:
    scheduler = Scheduler(database, clock, CODE)
    await scheduler.start()
    yield scheduler
    await scheduler.close()


async def test_a_started_scheduler_fires_by_itself(database: Database) -> None:
    clock = SystemClock()
    schedules = Schedules(database, clock, KNOWN, open_to_all(clock))
    scheduler = Scheduler(database, clock, CODE)
    await scheduler.start()
    trigger = Every(timedelta(seconds=1), overlap="allow")
    schedule_id = await schedules.add("hello", trigger, other)
    await until_there_are(database, 2)
    await scheduler.close()
    for firing in await schedules.history(schedule_id):
        assert firing.fired_at - firing.due_at < timedelta(milliseconds=500)


async def test_what_is_due_at_the_start_is_fired_at_once(
    database: Database, clock: ManualClock, schedules: Schedules
) -> None:
    await schedules.add("hello", HOURLY, other)
    clock.advance(3 * HOUR)
    scheduler = Scheduler(database, clock, CODE)
    await scheduler.start()
    await until_there_are(database, 1)
    await scheduler.close()


async def test_a_change_of_the_rows_wakes_a_scheduler(
    database: Database, clock: ManualClock, schedules: Schedules, started: Scheduler
) -> None:
    schedule_id = await schedules.add("hello", Cron("0 * * * *", missed="all"), other)
    await schedules.pause(schedule_id)
    clock.advance(HOUR)

    def due_now(tx: Tx) -> None:
        tx.execute(update(Schedule).values(paused_at=None))

    await database.write(due_now)
    await until_there_are(database, 1)


async def test_a_failing_tick_is_tried_again(
    database: Database,
    clock: ManualClock,
    schedules: Schedules,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(scheduler_module, "AGAIN", timedelta(milliseconds=20))
    await schedules.add("hello", HOURLY, other)
    clock.advance(HOUR)

    class Stumbles(ManualClock):
        left = 3

        def now(self) -> datetime:
            if self.left:
                self.left -= 1
                if self.left == 1:
                    raise RuntimeError("the clock stumbles")
            return clock.now()

    scheduler = Scheduler(database, Stumbles(), CODE)
    await scheduler.start()
    await until_there_are(database, 1)
    await scheduler.close()
    assert "could not fire what is due; trying again" in caplog.text


@pytest.mark.parametrize("wait", [0, 0.0, 0.01, 0.2])
async def test_closing_leaves_nothing_behind(
    database: Database,
    schedules: Schedules,
    wait: float,
    caplog: pytest.LogCaptureFixture,
) -> None:
    tasks, threads = asyncio.all_tasks(), set(threading.enumerate())
    caplog.set_level(logging.WARNING)
    clock = SystemClock()
    busy = Schedules(database, clock, KNOWN, open_to_all(clock))
    await busy.add("hello", Every(timedelta(seconds=1)), other)
    scheduler = Scheduler(database, clock, CODE)
    await scheduler.start()
    await asyncio.sleep(wait)
    alarm = scheduler._alarm
    await scheduler.close()
    assert alarm is not None
    assert not alarm.running
    await scheduler.close()
    await eventually(lambda: asyncio.all_tasks() <= tasks)
    left = {t for t in threading.enumerate() if not t.name.startswith("agentchat")} - threads
    assert left == set()
    assert database.live._listeners == []
    assert caplog.records == []


async def test_the_next_time_of_a_stored_trigger_is_that_of_the_given_one(
    clock: ManualClock, schedules: Schedules
) -> None:
    for trigger in (
        Cron("*/7 3 1,2 jan-jun mon", "America/New_York", timedelta(seconds=3), overlap="queue"),
        Cron("0 0 * * 0", start=NOW + 99 * HOUR, end=NOW + 999 * HOUR, missed="skip"),
        Every(timedelta(seconds=1.25), start=NOW - HOUR, most_missed=3),
    ):
        schedule_id = await schedules.add("hello", trigger, other)
        assert await schedules.next_times(schedule_id, 1) == [next_after(trigger, NOW)]
