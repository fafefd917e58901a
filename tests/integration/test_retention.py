"""Retention: what is old goes with all that belongs to it, what is needed stays."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import ColumnElement, func, insert, literal, select, text, update
from sqlmodel import Session, SQLModel, col

from agentchat.columns import Instant
from agentchat.durable import keeper as keeper_module
from agentchat.durable.clock import ManualClock
from agentchat.durable.keeper import EVERY, FIRST, Keep, Keeper
from agentchat.models import (
    ACTIVE_RUN,
    ENDED_RUN,
    Attempt,
    Delta,
    Event,
    Log,
    Message,
    MessageStatus,
    Role,
    Run,
    RunStatus,
    Step,
    Thread,
)
from agentchat.store import retention, runs, thread_marks, threads
from agentchat.store.changes import NOBODY, Rows
from agentchat.store.database import Database
from agentchat.store.writer import Tx
from tests.long import LONG_ON_POSTGRES
from tests.waiting import eventually

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
WEEK = Keep(age=7 * DAY, runs=None)
JOURNAL: tuple[type[Step | Attempt | Log | Event], ...] = (Step, Attempt, Log, Event)


def run(run_id: str, *, days: float = 8, **values: Any) -> dict[str, Any]:
    """A run that was finished ``days`` ago."""
    at = NOW - days * DAY
    done: dict[str, Any] = {"status": RunStatus.DONE, "finished_at": at}
    values = done | values
    if values["status"] in ACTIVE_RUN:
        values["finished_at"] = None
    return {"id": run_id, "workflow": "w", "data": {}, "due_at": at, "created_at": at} | values


def journal(tx: Tx, run_ids: list[str]) -> None:
    """Give each run a row of every kind that a run can have."""
    who = {"attempt": 1, "worker": "w"}
    when = {"started_at": NOW, "finished_at": NOW}
    named = {"name": "n", "occurrence": 0, "tries": 1}
    every = [{"run_id": run_id} for run_id in run_ids]
    done = {**who, **when, **named, "args_hash": ""}
    tx.execute(insert(Step), [{**row, **done} for row in every])
    tried = {**who, **when, **named, "error_kind": "e", "error": "e"}
    tx.execute(insert(Attempt), [{**row, **tried} for row in every])
    line = {"attempt": 1, "level": "info", "text": "l", "created_at": NOW}
    tx.execute(insert(Log), [{**row, **line} for row in every])
    event = {"name": "e", "key": "k", "created_at": NOW}
    tx.execute(insert(Event), [{**row, **event} for row in every])


async def add(database: Database, *found: dict[str, Any]) -> None:
    def unit(tx: Tx) -> None:
        tx.execute(insert(Run), runs_like(*found))
        journal(tx, [row["id"] for row in found])

    await database.write(unit)


def runs_like(*found: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows with the same columns each, as one statement wants them."""
    names = {name: None for row in found for name in row}
    return [{**names, "awaited": False, **row} for row in found]


def answer(tx: Tx, message_id: str, status: MessageStatus, run_id: str | None) -> None:
    """A thread with a message of this id, and two deltas of it."""
    threads.create(tx, f"of-{message_id}", owner_id="o", title="t", now=NOW)
    named = {"id": message_id, "thread_id": f"of-{message_id}", "run_id": run_id}
    said = {"position": 0, "role": Role.ASSISTANT, "status": status, "text": "", "created_at": NOW}
    tx.execute(insert(Message), {**named, **said})
    piece = {"message_id": message_id, "thread_id": f"of-{message_id}", "attempt": 1}
    tx.execute(insert(Delta), [{**piece, "text": "a", "created_at": NOW} for _ in range(2)])


def ids(session: Session, table: type[Run | Thread]) -> set[str]:
    return set(session.scalars(select(col(table.id))))


def orphans(session: Session) -> int:
    """How many rows of journals have no run."""
    kept = select(col(Run.id))
    return sum(count(session, table, col(table.run_id).not_in(kept)) for table in JOURNAL)


def count(session: Session, table: type[SQLModel], *conditions: ColumnElement[bool]) -> int:
    return session.scalars(select(func.count()).select_from(table).where(*conditions)).one()


async def left(database: Database) -> set[str]:
    """The runs that are there; no row of a journal is without one of these."""
    assert await database.read(orphans) == 0
    return await database.read(ids, Run)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper_module, "PAUSE", timedelta(0))


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many runs each transaction removed."""
    removed = []
    remove_runs = retention.remove_runs

    def counted(tx: Tx, ids: list[str]) -> int:
        removed.append(remove_runs(tx, ids))
        return removed[-1]

    monkeypatch.setattr(retention, "remove_runs", counted)
    return removed


async def test_a_run_goes_when_it_has_been_finished_for_long_enough(
    database: Database, clock: ManualClock
) -> None:
    await add(
        database,
        *(run(f"old-{status}", days=7.01, status=status) for status in ENDED_RUN),
        *(run(f"new-{status}", days=6.99, status=status) for status in ENDED_RUN),
    )
    assert await Keeper(database, clock, WEEK).sweep() == 3
    assert await left(database) == {f"new-{status}" for status in ENDED_RUN}


async def test_only_the_newest_finished_runs_are_kept(
    database: Database, clock: ManualClock
) -> None:
    await add(database, *(run(f"r{n}", days=n) for n in range(9)))
    assert await Keeper(database, clock, Keep(age=None, runs=3)).sweep() == 6
    assert await left(database) == {"r0", "r1", "r2"}


async def test_of_runs_finished_at_the_same_moment_exactly_as_many_are_kept_as_wanted(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper_module, "BATCH", 2)
    await add(database, *(run(f"r{n}", days=1) for n in range(9)))
    assert await Keeper(database, clock, Keep(age=None, runs=4)).sweep() == 5
    assert await left(database) == {"r5", "r6", "r7", "r8"}


async def test_whichever_limit_is_narrower_counts(database: Database, clock: ManualClock) -> None:
    await add(database, *(run(f"r{n}", days=n + 0.5) for n in range(9)))
    assert await Keeper(database, clock, Keep(age=5 * DAY, runs=7)).sweep() == 4
    assert await Keeper(database, clock, Keep(age=6 * DAY, runs=2)).sweep() == 3
    assert await left(database) == {"r0", "r1"}


async def test_without_limits_every_run_is_kept(database: Database, clock: ManualClock) -> None:
    await add(database, run("ancient", days=10_000))
    assert Keep.of(days=0, runs=0) == Keep(age=None, runs=None)
    assert await Keeper(database, clock, Keep.of(days=0, runs=0)).sweep() == 0
    assert await left(database) == {"ancient"}


async def test_what_is_under_way_is_kept_however_old(
    database: Database, clock: ManualClock
) -> None:
    await add(database, *(run(status, days=999, status=status) for status in ACTIVE_RUN))

    def resumed(tx: Tx) -> None:
        # Of a run that was resumed after its end.
        tx.execute(update(Run).where(col(Run.id) == "waiting").values(finished_at=NOW - 99 * DAY))

    await database.write(resumed)
    assert await Keeper(database, clock, Keep(age=DAY, runs=0)).sweep() == 0
    assert await left(database) == set(ACTIVE_RUN)


async def test_runs_under_way_take_no_place_of_finished_ones(
    database: Database, clock: ManualClock
) -> None:
    await add(database, run("a"), run("b"), run("c", status=RunStatus.WAITING))
    assert await Keeper(database, clock, Keep(age=None, runs=2)).sweep() == 0


async def test_a_child_stays_as_long_as_its_parent_is_under_way(
    database: Database, clock: ManualClock
) -> None:
    await add(
        database,
        run("parent", status=RunStatus.WAITING),
        run("child", parent_id="parent"),
        run("done-parent", days=1),
        run("done-child", parent_id="done-parent"),
        run("orphan", parent_id="gone"),
    )
    keeper = Keeper(database, clock, WEEK)
    assert await keeper.sweep() == 2
    assert await left(database) == {"parent", "child", "done-parent"}

    def end(tx: Tx) -> None:
        ended = {"status": RunStatus.STOPPED, "finished_at": NOW}
        tx.execute(update(Run).where(col(Run.id) == "parent").values(**ended))

    await database.write(end)
    assert await keeper.sweep() == 1


async def test_a_parent_stays_as_long_as_a_child_it_waited_for_is_under_way(
    database: Database, clock: ManualClock
) -> None:
    await add(
        database,
        run("waits"),
        run("awaited", parent_id="waits", awaited=True, status=RunStatus.RUNNING),
        run("left-alone"),
        run("detached", parent_id="left-alone", status=RunStatus.RUNNING),
    )
    assert await Keeper(database, clock, WEEK).sweep() == 1
    assert await left(database) == {"waits", "awaited", "detached"}


async def test_a_run_whose_answer_is_not_final_stays(
    database: Database, clock: ManualClock
) -> None:
    await add(database, run("grows"), run("waits"), run("answered"))

    def unit(tx: Tx) -> None:
        answer(tx, "m1", MessageStatus.RUNNING, "grows")
        answer(tx, "m2", MessageStatus.PENDING, "waits")
        answer(tx, "m3", MessageStatus.DONE, "answered")
        answer(tx, "m4", MessageStatus.PENDING, None)

    await database.write(unit)
    assert await Keeper(database, clock, WEEK).sweep() == 1
    assert await left(database) == {"grows", "waits"}


async def test_a_run_resumed_since_it_was_found_stays(database: Database) -> None:
    await add(database, run("a"), run("b"))

    def resume(tx: Tx) -> None:
        tx.execute(update(Run).where(col(Run.id) == "a").values(status=RunStatus.QUEUED))

    await database.write(resume)
    assert await database.write(retention.remove_runs, ["a", "b", "never"]) == 1
    assert await left(database) == {"a"}


async def test_old_runs_go_a_few_at_a_time_oldest_first(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, batches: list[int]
) -> None:
    monkeypatch.setattr(keeper_module, "BATCH", 2)
    await add(
        database,
        *(run(f"r{n}", days=20 - n) for n in range(5)),
        run("p", status=RunStatus.PAUSED),
        # The oldest of all must not hide what is behind them.
        *(run(f"c{n}", days=99, parent_id="p") for n in range(5)),
    )
    seen: list[Rows] = []
    others: list[asyncio.Task[None]] = []

    def notice(changes: list[Rows]) -> None:
        seen.extend(change for change in changes if change.table != NOBODY)
        if not others:
            new = database.write(threads.create, "t", owner_id="o", title="t", now=NOW)
            others.append(asyncio.create_task(new))

    database.live.listen(notice)
    assert await Keeper(database, clock, WEEK).sweep() == 5
    await asyncio.gather(*others)
    assert batches == [2, 2, 1]
    # Whoever wants to write goes before the next batch.
    # Live queries: one change a batch, whatever its size.
    assert [change.table for change in seen] == ["workflows", "threads", "workflows", "workflows"]


async def test_what_another_process_holds_is_passed_over(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper_module, "BATCH", 2)
    await add(database, *(run(f"r{n}") for n in range(5)))
    asked: list[list[str]] = []

    def held_by_another(tx: Tx, ids: list[str]) -> int:
        asked.append(ids)
        return 0

    monkeypatch.setattr(retention, "remove_runs", held_by_another)
    assert await asyncio.wait_for(Keeper(database, clock, WEEK).sweep(), 30) == 0
    assert asked == [["r0", "r1"], ["r2", "r3"], ["r4"]]


async def test_runs_with_long_journals_go_in_smaller_batches(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, batches: list[int]
) -> None:
    monkeypatch.setattr(keeper_module, "MOST_ROWS", 12)
    # Each has a step, a failed try, a line and an event; one of them thirty steps more.
    await add(database, *(run(f"r{n}", days=20 - n) for n in range(8)))

    def more(tx: Tx) -> None:
        row = {"run_id": "r4", "occurrence": 0, "args_hash": "", "attempt": 1, "worker": "w"}
        many = [{**row, "name": f"more{n}", "started_at": NOW} for n in range(30)]
        tx.execute(insert(Step), many)

    await database.write(more)
    assert await Keeper(database, clock, WEEK).sweep() == 8
    assert batches == [3, 1, 1, 3]


def test_a_batch_is_cut_where_the_sum_is_too_large_but_never_empty() -> None:
    assert retention.how_many([], 10) == 0
    assert retention.how_many([5, 5, 1], 10) == 2
    assert retention.how_many([11, 1], 10) == 1
    assert retention.how_many([0, 0, 0], 0) == 3


async def test_who_looks_at_a_run_that_goes_hears_of_it(
    database: Database, clock: ManualClock
) -> None:
    await add(database, run("r"))
    states = database.live.follow(runs.get, "r")
    assert await anext(states) is not None
    await Keeper(database, clock, WEEK).sweep()
    assert await asyncio.wait_for(anext(states), 30) is None
    await states.aclose()


async def test_a_sweep_with_nothing_to_do_writes_nothing(
    database: Database, clock: ManualClock
) -> None:
    await add(database, run("r", days=1))
    told: list[list[Rows]] = []
    database.live.listen(told.append)
    assert await Keeper(database, clock, WEEK).sweep() == 0
    await database.write(lambda tx: None)
    assert told == []


async def test_several_processes_that_sweep_at_once_remove_each_run_once(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper_module, "BATCH", 7)
    await add(database, *(run(f"r{n:03}", days=20 - n / 100) for n in range(100)))
    other = Database(database.url)
    other.open()
    keepers = [Keeper(database, clock, WEEK), Keeper(other, clock, WEEK)]
    counts = await asyncio.gather(*(keeper.sweep() for keeper in keepers))
    # What one was about to remove, the other may have passed over: nobody waits.
    counts += [await keepers[0].sweep()]
    await other.close()
    assert sum(counts) == 100
    assert await left(database) == set()


async def test_deltas_of_final_messages_go_and_those_that_grow_stay(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper_module, "BATCH", 3)

    def unit(tx: Tx) -> None:
        for status in MessageStatus:
            answer(tx, status, status, None)

    await database.write(unit)
    told: list[Rows] = []
    database.live.listen(told.extend)
    await Keeper(database, clock, WEEK).sweep()

    def growing(session: Session) -> list[str]:
        return sorted(session.scalars(select(col(Delta.message_id))))

    assert await database.read(growing) == ["pending", "pending", "running", "running"]
    assert set(told) == {Rows(NOBODY)}


async def test_deltas_of_an_answer_asked_for_anew_since_they_were_found_stay(
    database: Database,
) -> None:
    def unit(tx: Tx) -> int:
        answer(tx, "m", MessageStatus.PENDING, None)
        found = tx.execute(select(col(Delta.id))).scalars()
        return retention.remove_deltas(tx, list(found))

    assert await database.write(unit) == 0


async def test_a_thread_that_was_never_used_goes_after_a_day(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper_module, "BATCH", 2)

    def unit(tx: Tx) -> None:
        old = NOW - 1.01 * DAY
        for thread_id in ("unused1", "unused2", "unused3", "counts", "holds", "deleted", "runs"):
            threads.create(tx, thread_id, owner_id="o", title="", now=old)
        threads.create(tx, "young", owner_id="o", title="", now=NOW - 0.99 * DAY)
        threads.create(tx, "named", owner_id="o", title="Plans", now=old)
        threads.delete(tx, "deleted", now=old)
        tx.execute(update(Thread).where(col(Thread.id) == "counts").values(length=2))
        said = {"position": 0, "role": Role.USER, "status": MessageStatus.DONE, "text": "Hi"}
        tx.execute(insert(Message), {**said, "id": "m", "thread_id": "holds", "created_at": old})
        tx.execute(insert(Run), run("r", thread_id="runs", status=RunStatus.WAITING))

    await database.write(unit)
    told: list[Rows] = []
    database.live.listen(told.extend)
    await Keeper(database, clock, WEEK).sweep()
    kept = {"young", "named", "counts", "holds", "deleted", "runs"}
    assert await database.read(ids, Thread) == kept
    assert told == [Rows("threads")] * 2
    # Nothing was ever said under the id, so it may be used again.
    await database.write(threads.create, "unused1", owner_id="o", title="", now=NOW)


async def test_a_thread_used_since_it_was_found_stays(database: Database) -> None:
    await database.write(threads.create, "t", owner_id="o", title="", now=NOW - 9 * DAY)
    before = NOW - DAY
    assert await database.read(retention.empty_threads, before=before, limit=9) == ["t"]
    await database.write(threads.rename, "t", "Plans")
    assert await database.write(retention.remove_threads, ["t"], before=before) == 0


async def pass_time(clock: ManualClock, delay: timedelta) -> None:
    """Let time pass, and whoever it wakes do its work and sleep again."""
    clock.advance(delay)
    for _ in range(3):
        await asyncio.sleep(0)
    await eventually(lambda: clock.sleeping == 1)


async def test_a_keeper_looks_soon_after_its_start_and_then_from_time_to_time(
    database: Database, clock: ManualClock
) -> None:
    await add(database, run("a"), run("b", days=7 - timedelta(minutes=1) / DAY))
    keeper = Keeper(database, clock, WEEK)
    await keeper.start()
    await eventually(lambda: clock.sleeping == 1)
    await pass_time(clock, FIRST - timedelta(seconds=1))
    assert await left(database) == {"a", "b"}
    await pass_time(clock, timedelta(seconds=1))
    assert await left(database) == {"b"}
    await pass_time(clock, EVERY - timedelta(seconds=1))
    assert await left(database) == {"b"}
    await pass_time(clock, timedelta(seconds=1))
    assert await left(database) == set()
    await keeper.close()
    await keeper.close()
    assert clock.sleeping == 0


async def test_a_keeper_can_be_closed_at_any_moment(database: Database, clock: ManualClock) -> None:
    await Keeper(database, clock, WEEK).close()
    await add(database, *(run(f"r{n}") for n in range(50)))
    for turns in range(12):
        keeper = Keeper(database, clock, WEEK)
        await keeper.start()
        await asyncio.sleep(0)
        clock.advance(FIRST)
        await asyncio.sleep(0.001 * turns)
        await keeper.close()
    assert [task for task in asyncio.all_tasks() if task.get_name() == "agentchat-keeper"] == []
    await left(database)


async def test_a_sweep_that_fails_is_told_in_one_line_and_tried_again(
    database: Database,
    clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await add(database, run("a"))

    def broken(session: Session, **_: object) -> None:
        session.execute(text("SELECT it FROM nowhere"))

    keeper = Keeper(database, clock, WEEK)
    with monkeypatch.context() as patched, caplog.at_level(logging.INFO, "agentchat.durable"):
        patched.setattr(retention, "newest_to_go", broken)
        await keeper.start()
        await eventually(lambda: clock.sleeping == 1)
        await pass_time(clock, FIRST)
    [record] = [record for record in caplog.records if record.name.endswith("keeper")]
    assert "nowhere" in record.getMessage()
    assert "\n" not in record.getMessage()
    assert record.exc_info is None
    await pass_time(clock, EVERY)
    assert await left(database) == set()
    await keeper.close()


def size(session: Session) -> int:
    """What the database holds: bytes in use of an SQLite file, else the number of rows."""
    if session.get_bind().dialect.name == "sqlite":
        pages, free, each = (
            session.connection().exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * each)
    return count(session, Run) + sum(count(session, table) for table in JOURNAL)


@LONG_ON_POSTGRES
async def test_ten_thousand_finished_runs_leave_a_database_that_does_not_grow(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Larger, to be done sooner.
    monkeypatch.setattr(keeper_module, "BATCH", 500)
    monkeypatch.setattr(keeper_module, "MOST_ROWS", 5000)

    def fill(tx: Tx, round_: int) -> None:
        found = [run(f"r{round_}-{n:04}", days=1 - round_ / 10) for n in range(2000)]
        tx.execute(insert(Run), found)
        names = ["run_id", "name", "occurrence", "args_hash", "attempt", "worker", "started_at"]
        for n in range(5):
            values = (literal(value) for value in (f"step {n}", 0, "x" * 64, 1, "worker"))
            new = select(col(Run.id), *values, literal(NOW, Instant)).where(
                col(Run.id).like(f"r{round_}-%")
            )
            tx.execute(insert(Step).from_select(names, new))

    keeper = Keeper(database, clock, Keep(age=None, runs=500))
    sizes, most = [], []
    for round_ in range(5):
        await database.write_soon(fill, round_)
        most.append(await database.read(size))
        assert await keeper.sweep() == (1500 if round_ == 0 else 2000)
        sizes.append(await database.read(size))
    assert len(await left(database)) == 500
    assert max(sizes) <= 1.2 * sizes[0]
    assert max(most) <= 1.2 * (most[0] + sizes[0])


async def test_a_thread_that_was_never_used_goes_with_what_it_was_to_people(
    database: Database, clock: ManualClock
) -> None:
    def unit(tx: Tx) -> None:
        threads.create(tx, "unused", owner_id="o", title="", now=NOW - 2 * DAY)
        thread_marks.read(tx, "unused", "o")

    await database.write(unit)
    await Keeper(database, clock, WEEK).sweep()
    assert await database.read(ids, Thread) == set()
