"""A stage for the tests of workflows: runs start on it, crash, go on, and are looked at."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from datetime import timedelta
from functools import partial
from typing import Any

from sqlmodel import Session, col, select

from agentchat.columns import json_text
from agentchat.durable.clock import ManualClock
from agentchat.durable.engine import Engine
from agentchat.durable.runs import Runs
from agentchat.durable.worker import LEASE, Worker
from agentchat.durable.workflow import Workflow
from agentchat.models import ENDED_RUN, REMEMBERED, Attempt, Event, Log, Run, RunStatus, Step
from agentchat.store import journal, runs
from agentchat.store.database import Database
from agentchat.store.journal import History, Remembered
from tests.integration.workers import Workers, is_, until
from tests.waiting import eventually


class Stage:
    """Workers on one database with the verbs on runs, and what steps note and wait for."""

    def __init__(self, database: Database, workers: Workers, clock: ManualClock) -> None:
        self.database = database
        self.clock = clock
        self.did: Counter[str] = Counter()
        self.order: list[str] = []
        self.entered: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self.go_on: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._workers = workers
        self._workflows: tuple[Workflow[..., Any], ...] = ()

    # Workers

    async def open(self, *workflows: Workflow[..., Any]) -> Worker:
        """Start a worker for these workflows, or for those given before."""
        self._workflows = workflows or self._workflows
        worker = await self._workers.start(*self._workflows)
        self.runs = self.verbs(self.database, worker)
        return worker

    def verbs(self, database: Database, worker: Worker | None = None) -> Runs:
        """The verbs on runs, as another process or this one has them."""
        known = Engine(database, self._workflows, self.clock).workflows
        if worker is None:
            return Runs(database, known, self.clock)
        return Runs(database, known, self.clock, interrupt=worker.interrupt)

    async def crash(self) -> None:
        """As if all processes had died, long enough ago for their leases to lapse."""
        for worker in list(self._workers.alive):
            await self._workers.crash(worker)
        self.clock.advance(LEASE + timedelta(seconds=1))

    async def hand_back(self) -> None:
        """All processes end in good order."""
        for worker in list(self._workers.alive):
            self._workers.alive.remove(worker)
            await worker.close()

    async def again(self, *workflows: Workflow[..., Any]) -> None:
        """All processes die, and another goes on."""
        await self.crash()
        await self.open(*workflows)

    async def idle(self) -> None:
        """No worker is busy with a run."""
        for worker in self._workers.alive:
            await eventually(partial(_is_idle, worker))

    # Steps

    async def begun(self, what: str, times: int = 1) -> None:
        """Return once a step has been begun so often."""
        await eventually(lambda: self.did[what] >= times)

    async def sleeps(self, sleepers: int = 1) -> None:
        """Return once so many things sleep by the clock."""
        await eventually(lambda: self.clock.sleeping >= sleepers)

    async def note(self, what: str) -> str:
        """A step that is over at once."""
        self.did[what] += 1
        self.order.append(what)
        return what

    async def hold(self, what: str) -> str:
        """A step that stays until it may go on."""
        self.did[what] += 1
        self.order.append(what)
        self.entered[what].set()
        await self.go_on[what].wait()
        return what

    async def inside(self, what: str) -> None:
        """Return once the step that stays has begun."""
        await asyncio.wait_for(self.entered[what].wait(), 30)
        self.entered[what].clear()

    # What has become of a run

    async def ended(self, run_id: str, status: RunStatus = RunStatus.DONE) -> Run:
        run = await until(self.database, run_id, lambda run: run.status in ENDED_RUN)
        assert run.status == status, (run.status, run.error)
        return run

    async def failed(self, run_id: str) -> Run:
        return await self.ended(run_id, RunStatus.FAILED)

    async def stopped(self, run_id: str) -> Run:
        return await self.ended(run_id, RunStatus.STOPPED)

    async def waiting(self, run_id: str) -> Run:
        return await until(self.database, run_id, is_(RunStatus.WAITING))

    async def paused(self, run_id: str) -> Run:
        return await until(self.database, run_id, is_(RunStatus.PAUSED))

    async def row(self, run_id: str) -> Run:
        run = await self.database.read(runs.get, run_id)
        assert run is not None
        return run

    async def steps(self, run_id: str) -> list[Step]:
        return await self.database.read(journal.load, run_id)

    async def step(self, run_id: str, key: str) -> Step:
        return next(step for step in await self.steps(run_id) if step.key == key)

    async def statuses(self, run_id: str) -> dict[str, str]:
        return {step.key: str(step.status) for step in await self.steps(run_id)}

    async def results(self, run_id: str) -> dict[str, Any]:
        return {step.key: step.result for step in await self.steps(run_id)}

    async def attempts(self, run_id: str) -> list[Attempt]:
        return await self.database.read(journal.attempts, run_id)

    async def tries(self, run_id: str) -> list[tuple[int, str]]:
        return [(one.tries, one.error_kind) for one in await self.attempts(run_id)]

    async def logs(self, run_id: str) -> list[Log]:
        return await self.database.read(journal.logs, run_id)

    async def lines(self, run_id: str) -> list[str]:
        return [line.text for line in await self.logs(run_id)]

    async def events(self, run_id: str) -> list[Event]:
        def read(session: Session) -> list[Event]:
            query = select(Event).where(Event.run_id == run_id)
            return list(session.exec(query.order_by(col(Event.id))))

        return await self.database.read(read)

    async def children(self, run_id: str) -> list[Run]:
        """The runs that a run has started, in the order of their making."""

        def read(session: Session) -> list[Run]:
            query = select(Run).where(Run.parent_id == run_id)
            return list(session.exec(query.order_by(col(Run.created_at), col(Run.id))))

        return await self.database.read(read)

    async def child(self, run_id: str) -> Run:
        [child] = await self.children(run_id)
        return child


def _is_idle(worker: Worker) -> bool:
    return not worker._tasks


def history_of(steps: list[Step]) -> History:
    """What a worker reads of these rows when it takes the run up."""
    history = History()
    for step in steps:
        if step.status in REMEMBERED:
            values = {name: getattr(step, name) for name in Remembered._fields}
            history.remembered.append(Remembered(**values | {"result": json_text(step.result)}))
        else:
            history.begun.append(step)
    return history
