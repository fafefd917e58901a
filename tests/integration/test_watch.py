"""Heartbeats of workers, and an event loop that stands still."""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from agentchat.durable import watch
from agentchat.durable import worker as workers_module
from agentchat.durable.clock import ManualClock
from agentchat.durable.context import Context
from agentchat.durable.engine import Engine
from agentchat.durable.watch import Outage
from agentchat.durable.worker import Worker
from agentchat.durable.workflow import workflow
from agentchat.models import Process, RunStatus
from agentchat.store import processes
from agentchat.store.database import Database
from agentchat.store.processes import Beat
from agentchat.store.writer import Tx
from tests.integration.workers import Workers, is_, until
from tests.waiting import eventually

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def sign(name: str, at: datetime = NOW, lag_ms: int = 0) -> Beat:
    return Beat(name, "here", 1, 0, lag_ms, NOW, at)


async def rows(database: Database) -> dict[str, Process]:
    return {row.name: row for row in await database.read(processes.alive)}


async def test_a_worker_gives_signs_of_life_and_leaves_none_behind(
    database: Database, workers: Workers, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers_module, "RENEW", timedelta(milliseconds=20))
    worker = await workers.start()
    states = database.live.follow(processes.alive)
    while not (seen := await anext(states)):
        pass
    row = seen[0]
    assert (row.name, row.pid, row.runs) == (worker.name, os.getpid(), 0)
    assert (row.started_at, row.beat_at, row.stuck_since) == (NOW, NOW, None)
    clock.advance(timedelta(seconds=4))
    while row.beat_at == NOW:
        [row] = await anext(states)
    assert row.started_at == NOW
    time.sleep(0.3)  # noqa: ASYNC251
    while row.lag_ms < 20:
        [row] = await anext(states)
    workers.alive.remove(worker)
    await worker.close()
    while await anext(states):
        pass
    await states.aclose()


async def test_a_process_that_died_is_seen_until_it_has_been_silent_for_long(
    database: Database,
) -> None:
    await database.write(processes.beat, sign("old"))
    await database.write(processes.beat, sign("new", NOW + processes.SILENT))
    assert set(await rows(database)) == {"old", "new"}
    await database.write(processes.beat, sign("new", NOW + processes.SILENT * 1.1, 7))
    found = await rows(database)
    assert {name: row.lag_ms for name, row in found.items()} == {"new": 7}


async def test_a_worker_does_not_take_away_the_row_of_one_that_died(
    database: Database, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers_module, "LOOK", timedelta(milliseconds=20))
    asked: list[str] = []

    def is_dead(name: str) -> bool:
        asked.append(name)
        return name == "dead"

    monkeypatch.setattr("agentchat.durable.identity.is_dead", is_dead)
    await database.write(processes.beat, sign("dead"))
    worker = await workers.start()
    await eventually(lambda: asked.count("dead") >= 3)
    assert set(await rows(database)) == {"dead", worker.name}


async def test_a_sign_of_life_does_not_unsay_that_the_loop_is_stuck(database: Database) -> None:
    await database.write(processes.beat, sign("w"))

    def stuck(tx: Tx) -> None:
        processes.stuck(tx, "w", since=NOW, where="here")

    await database.write(stuck)
    await database.write(processes.beat, sign("w"))
    row = (await rows(database))["w"]
    assert (row.stuck_since, row.stuck_in) == (NOW, "here")


async def test_an_event_loop_that_stands_still_is_said_once_with_what_it_does(
    database: Database,
    workers: Workers,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(watch, "STUCK", timedelta(milliseconds=200))
    told: list[tuple[str, str | None]] = []
    stuck = processes.stuck

    def noting(tx: Tx, name: str, *, since: datetime | None, where: str | None) -> None:
        stuck(tx, name, since=since, where=where)
        told.append((name, where))

    monkeypatch.setattr(processes, "stuck", noting)

    async def block_the_loop() -> None:
        end = time.monotonic() + 5
        # The row is written while the loop still stands.
        while not told and time.monotonic() < end:
            time.sleep(0.01)  # noqa: ASYNC251
        time.sleep(0.3)  # noqa: ASYNC251

    @workflow(name="blocks")
    async def blocks(ctx: Context) -> None:
        await ctx.step("block", block_the_loop)

    worker = await workers.start(blocks)
    await eventually(lambda: worker._watch._ticks)
    await workers.queue("r", "blocks")
    await until(database, "r", is_(RunStatus.DONE))
    await eventually(lambda: len(told) == 2)
    assert [name for name, _ in told] == [worker.name] * 2
    where, then = told[0][1], told[1][1]
    assert where is not None
    assert where.startswith("run-r\n")
    assert "block_the_loop" in where
    assert then is None
    assert caplog.text.count("the event loop has stood still") == 1
    assert "in run-r" in caplog.text
    assert caplog.text.count("the event loop moves again") == 1
    row = (await rows(database))[worker.name]
    assert (row.stuck_since, row.stuck_in) == (None, None)


async def test_a_closed_worker_leaves_no_thread(database: Database, clock: ManualClock) -> None:
    worker = Worker(database, Engine(database, [], clock), clock)
    await worker.start()
    assert "agentchat-watch" in {thread.name for thread in threading.enumerate()}
    await worker.close()
    assert "agentchat-watch" not in {thread.name for thread in threading.enumerate()}


async def test_a_posted_write_that_fails_is_only_logged(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(tx: Tx) -> None:
        raise ValueError("a bug in it")

    database.post(broken)
    await eventually(lambda: "a bug in it" in caplog.text)
    await database.write(processes.beat, sign("w"))


def test_the_waits_for_a_database_grow_up_to_five_seconds() -> None:
    outage, waited, waits = Outage(), timedelta(), []
    for _ in range(9):
        waited = outage.failed("look", OSError("away"), waited)
        waits.append(waited.total_seconds())
    assert waits == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5, 5]
