"""The yardstick: the rows of a run, written by bare statements in group commits.

It gives what the engine gives at its best, nothing else: each write is awaited until it is
on the disk, whatever waits is one commit. There are no leases, retries, replay or fences,
nobody is told what changed, and nothing is claimed by anybody but the caller.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Executable, bindparam, insert, select, update

from agentchat.columns import table_of
from agentchat.models import Run, RunStatus, Step, StepKind, StepStatus
from agentchat.store.database import connect
from tests.benchmarks.side import GATE, RESULT, Recovery, payload

RUNS = table_of(Run)
STEPS = table_of(Step)
ADD_RUN = insert(RUNS)
CLAIM = (
    update(RUNS)
    .where(RUNS.c.id == bindparam("run"))
    .values({name: bindparam(name) for name in ("status", "attempt", "worker", "started_at")})
)
ADD_STEP = insert(STEPS)
FINISH = (
    update(RUNS)
    .where(RUNS.c.id == bindparam("run"))
    .values({name: bindparam(name) for name in ("status", "result", "finished_at")})
)
UNFINISHED = select(RUNS).where(RUNS.c.status == RunStatus.RUNNING)
JOURNAL = (
    select(STEPS)
    .join(RUNS, STEPS.c.run_id == RUNS.c.id)
    .where(RUNS.c.status == RunStatus.RUNNING)
    .order_by(STEPS.c.id)
)

_Item = tuple[Executable, dict[str, Any], asyncio.Future[None]]


class Floor:
    """Writes runs and their steps through one connection in a thread."""

    name = "floor"

    def __init__(self, url: str) -> None:
        self._engine = connect(url)
        self._queue: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str) -> AsyncIterator[Floor]:
        """A yardstick at work on this database."""
        floor = cls(url)
        floor._thread.start()
        yield floor
        floor._queue.put(None)
        await asyncio.to_thread(floor._thread.join)
        floor._engine.dispose()

    @classmethod
    async def interrupt(cls, url: str, runs: int, before: int, after: int) -> None:
        """Leave runs behind that were interrupted after ``before`` of their steps."""
        async with cls.open(url) as floor:
            await asyncio.gather(*(floor._begin(f"r{n}", before) for n in range(runs)))

    @classmethod
    async def recover(cls, url: str, runs: int, before: int, after: int) -> Recovery:
        """Finish what :meth:`interrupt` left."""
        began = time.perf_counter()
        async with cls.open(url) as floor:
            steps, found = await asyncio.to_thread(floor._unfinished)
            first = time.perf_counter() - began
            assert len(found) == runs
            assert sum(map(len, steps.values())) == runs * before
            await asyncio.gather(*(floor._resume(run, before, after) for run in found))
            return Recovery(first, time.perf_counter() - began, 0)

    async def run(self, run_id: str, steps: int, size: int = len(RESULT)) -> list[float]:
        """One run from its start to its end; how long each step took."""
        await self.queue(run_id)
        await self._claim(run_id, 1)
        took = []
        for n in range(steps):
            before = time.perf_counter()
            await self._step(run_id, "step", n, payload(n, size))
            took.append(time.perf_counter() - before)
        await self._finish(run_id)
        return took

    async def latency(self, run_id: str) -> float:
        """From asking for a run until its first step is entered."""
        before = time.perf_counter()
        await self.queue(run_id)
        await self._claim(run_id, 1)
        took = time.perf_counter() - before
        await self._step(run_id, GATE, 0, RESULT)
        await self._finish(run_id)
        return took

    async def queue(self, run_id: str) -> None:
        now = datetime.now(UTC)
        queued = {"status": RunStatus.QUEUED, "data": {}, "due_at": now, "created_at": now}
        await self._write(ADD_RUN, {"id": run_id, "workflow": "work", **queued})

    async def _begin(self, run_id: str, steps: int) -> None:
        await self.queue(run_id)
        await self._claim(run_id, 1)
        for n in range(steps):
            await self._step(run_id, "step", n, RESULT)

    async def _resume(self, run_id: str, before: int, after: int) -> None:
        await self._claim(run_id, 2)
        await self._step(run_id, GATE, 0, RESULT)
        for n in range(after):
            await self._step(run_id, "step", before + n, RESULT)
        await self._finish(run_id)

    async def _claim(self, run_id: str, attempt: int) -> None:
        held = {"status": RunStatus.RUNNING, "attempt": attempt, "worker": "w"}
        await self._write(CLAIM, {"run": run_id, **held, "started_at": datetime.now(UTC)})

    async def _step(self, run_id: str, name: str, occurrence: int, result: str) -> None:
        now = datetime.now(UTC)
        step = {
            "run_id": run_id,
            "branch": "",
            "name": name,
            "occurrence": occurrence,
            "kind": StepKind.STEP,
            "status": StepStatus.DONE,
            "args_hash": "0" * 64,
            "result": result,
            "attempt": 1,
            "tries": 1,
            "worker": "w",
            "started_at": now,
            "finished_at": now,
        }
        await self._write(ADD_STEP, step)

    async def _finish(self, run_id: str) -> None:
        end = {"status": RunStatus.DONE, "result": None, "finished_at": datetime.now(UTC)}
        await self._write(FINISH, {"run": run_id, **end})

    def _unfinished(self) -> tuple[dict[str, list[Any]], list[str]]:
        with self._engine.connect() as connection:
            steps: dict[str, list[Any]] = {row.id: [] for row in connection.execute(UNFINISHED)}
            for row in connection.execute(JOURNAL):
                steps[row.run_id].append(row.result)
        return steps, list(steps)

    def _write(self, statement: Executable, params: dict[str, Any]) -> Awaitable[None]:
        future = self._loop.create_future()
        self._queue.put((statement, params, future))
        return future

    def _serve(self) -> None:
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA synchronous=FULL")
            item = self._queue.get()
            while item is not None:
                group = [item]
                while not self._queue.empty() and (item := self._queue.get()) is not None:
                    group.append(item)
                self._commit(connection, group)
                item = self._queue.get() if item is not None else None

    def _commit(self, connection: Connection, group: list[_Item]) -> None:
        sqlite = connection.dialect.name == "sqlite"
        connection.exec_driver_sql("BEGIN IMMEDIATE" if sqlite else "BEGIN")
        for statement, params, _ in group:
            connection.execute(statement, params)
        connection.exec_driver_sql("COMMIT")
        self._loop.call_soon_threadsafe(_settle, [future for _, _, future in group])


def _settle(futures: list[asyncio.Future[None]]) -> None:
    for future in futures:
        future.set_result(None)
