"""Starting the program, killing it, freezing it; asking the database what came of that."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy import select as sql_select
from sqlmodel import SQLModel

from agentchat.durable.clock import SystemClock
from agentchat.durable.runs import Runs
from agentchat.store.database import Database, connect
from tests.durability import program
from tests.durability.program import Settings

READY_SECONDS = 60


@dataclass(slots=True)
class Process:
    """A process that carries runs out."""

    pid: int
    _file: int

    def signal(self, number: signal.Signals) -> int:
        """Send a signal to it and to no other; when that was, on the monotonic clock in ns."""
        moment = time.monotonic_ns()
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._file, number)
        return moment

    def gone(self, within: float = 0) -> bool:
        """Whether it has ended."""
        return bool(select.select([self._file], [], [], within)[0])

    def kill(self) -> int:
        """``kill -9``; returns when it is over, and tells when it was asked for."""
        moment = self.signal(signal.SIGKILL)
        assert self.gone(10), f"process {self.pid} survived"
        return moment

    def close(self) -> None:
        """Forget it."""
        os.close(self._file)


class Parent:
    """The warm process that forks others; whatever it forked dies with it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", program.__name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parent.parent.parent,
        )
        self._started: list[Process] = []
        if self._read() != "warm":
            self.close()
            raise AssertionError("the parent of the processes could not begin")

    def start(self, settings: Settings) -> Process:
        """Another process."""
        assert self._process.stdin is not None
        self._process.stdin.write(program.told(settings))
        self._process.stdin.flush()
        pid = int(self._read())
        process = Process(pid, os.pidfd_open(pid))
        self._started.append(process)
        return process

    def end_all(self) -> None:
        """Kill all that are still there."""
        for process in self._started:
            process.kill()
            process.close()
        self._started.clear()

    def close(self) -> None:
        """End it, with all it has started."""
        self.end_all()
        # It holds nothing that it would have to put away.
        self._process.kill()
        self._process.communicate()

    def _read(self) -> str:
        assert self._process.stdout is not None
        ready = select.select([self._process.stdout], [], [], READY_SECONDS)[0]
        assert ready, "the parent of the processes says nothing"
        return self._process.stdout.readline().strip()


@contextmanager
def parent() -> Iterator[Parent]:
    """A parent process for a while."""
    made = Parent()
    try:
        yield made
    finally:
        made.close()


@asynccontextmanager
async def verbs(url: str) -> AsyncIterator[Runs]:
    """The verbs on runs in a process that carries none out."""
    database = Database(url)
    database.open()
    try:
        yield Runs(database, {one.name: one for one in program.WORKFLOWS}, SystemClock())
    finally:
        await database.close()


class Tables:
    """All rows of a database, read without the app."""

    def __init__(self, url: str) -> None:
        self._engine: Engine = connect(url, read_only=True)

    def __enter__(self) -> Tables:
        return self

    def __exit__(self, *_error: object) -> None:
        self._engine.dispose()

    def all(self, name: str) -> list[dict[str, Any]]:
        """The rows of one table, in the order they were made where they have a number."""
        table = SQLModel.metadata.tables[name]
        query = sql_select(table).order_by(*table.primary_key.columns)
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def dump(self) -> dict[str, list[dict[str, Any]]]:
        """The rows of every table, but for signs of life."""
        rows = {name: self.all(name) for name in SQLModel.metadata.tables}
        for process in rows["processes"]:
            process.pop("beat_at"), process.pop("lag_ms")
        return rows

    def ended(self) -> dict[str, str]:
        """The status of each run that is over, by its id."""
        return {
            row["id"]: row["status"]
            for row in self.all("workflows")
            if row["finished_at"] is not None
        }


async def until(condition: Any, within: float, why: str, every: float = 0.02) -> None:
    """Return once ``condition()`` is true; fails after so many seconds."""
    end = time.monotonic() + within
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < end, f"still not after {within} s: {why}"
        await asyncio.sleep(every)


def moment(value: datetime) -> str:
    """As the workflows write it."""
    return value.isoformat()
