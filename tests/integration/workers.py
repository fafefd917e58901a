"""Workers for the tests of the engine: they start, they die, and runs are watched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from agentchat.durable.clock import ManualClock
from agentchat.durable.engine import Engine
from agentchat.durable.worker import Worker
from agentchat.durable.workflow import Workflow
from agentchat.models import Run, RunStatus
from agentchat.store import runs
from agentchat.store.database import Database
from agentchat.store.runs import NewRun


class Workers:
    """Starts workers on one database, and lets them die."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.database = database
        self.clock = clock
        self.alive: list[Worker] = []

    async def start(self, *workflows: Workflow[..., Any]) -> Worker:
        worker = Worker(self.database, Engine(self.database, workflows, self.clock), self.clock)
        await worker.start()
        self.alive.append(worker)
        return worker

    async def crash(self, worker: Worker) -> None:
        """As if the process had died: nothing is handed back, the lease goes on."""
        self.alive.remove(worker)
        tasks = list(worker._tasks.values())
        await worker.die()
        if tasks:
            await asyncio.wait(tasks, timeout=5)

    async def queue(self, run_id: str, name: str, **options: Any) -> None:
        await self.database.write(runs.add, NewRun(run_id, name, {}, self.clock.now(), **options))


async def until(database: Database, run_id: str, wanted: Callable[[Run], bool]) -> Run:
    """Follow a run until it is as wanted."""
    async with asyncio.timeout(30), following(database, run_id) as states:
        async for run in states:
            if run is not None and wanted(run):
                return run
    raise AssertionError("the run was never as wanted")


@asynccontextmanager
async def following(database: Database, run_id: str) -> AsyncIterator[AsyncIterator[Run | None]]:
    states = database.live.follow(runs.get, run_id)
    try:
        yield states
    finally:
        await states.aclose()


def is_(status: RunStatus) -> Callable[[Run], bool]:
    return lambda run: run.status == status
