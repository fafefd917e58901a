"""Durable: workflows on one database, with everything that carries them out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

from agentchat.durable.boot import misfits
from agentchat.durable.clock import Clock, SystemClock
from agentchat.durable.engine import Engine
from agentchat.durable.gate import Misfit
from agentchat.durable.keeper import Keep, Keeper
from agentchat.durable.observer import UNOBSERVED, Observer
from agentchat.durable.own import Own
from agentchat.durable.runs import Runs
from agentchat.durable.scheduler import Scheduler
from agentchat.durable.schedules import Schedules
from agentchat.durable.worker import Worker
from agentchat.durable.workflow import Workflow
from agentchat.errors import ConfigError
from agentchat.guard import Guard
from agentchat.store import ends, repairs, schema
from agentchat.store.database import Database

logger = logging.getLogger(__name__)


class Durable:
    """Workflows on one database: ``async with Durable(url, [survey]) as durable``.

    Opening it brings an embedded database up to date (PostgreSQL is only checked), looks
    whether the code fits the runs under way, and starts to carry runs out, to fire
    schedules and to clean up. Leaving it hands runs under way back to the queue. ``runs``
    and ``schedules`` are the verbs.

    ``database`` is a URL, such as ``sqlite:///work.db`` or ``postgresql+psycopg://…``, or a
    database that is open. ``keep`` says how long finished runs stay; ``most_runs`` is how
    many may be at work at once in this process, ``most_running`` in all together. Runs that
    the code would break are held, as paused, and the others go on; with ``strict`` the start
    is refused with ConfigError instead. ``observer`` sees what is carried out here. Raises
    ConfigError and SchemaMismatch on entry.
    """

    runs: Runs
    schedules: Schedules
    keeper: Keeper
    """Removes what is old, in this process."""

    def __init__(
        self,
        database: Database | str,
        workflows: Iterable[Workflow[..., Any]],
        *,
        clock: Clock | None = None,
        keep: Keep | None = None,
        strict: bool = False,
        most_runs: int = 100,
        most_running: int | None = None,
        guard: Guard | None = None,
        own: Mapping[str, Own] | None = None,
        observer: Observer = UNOBSERVED,
    ) -> None:
        self._given = database
        self._workflows = list(workflows)
        self._clock = clock or SystemClock()
        self._keep = keep or Keep()
        self._strict = strict
        self._most_runs = most_runs
        self._most_running = most_running
        self._guard = guard or Guard(self._clock.now, everybody=True)
        self._own = own
        self._observer = observer

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            database = await self._open(stack)
            clock = self._clock
            self._engine = engine = Engine(
                database, self._workflows, clock, observer=self._observer, guard=self._guard
            )
            await self._check_code(database)
            self._database, self._died = database, list[str]()
            self._worker = self._new_worker()
            known = {name: (one.version, one.code) for name, one in engine.workflows.items()}
            self.keeper = keeper = Keeper(database, clock, self._keep)
            await self._worker.start()
            stack.push_async_callback(self._close_worker)
            for part in (Scheduler(database, clock, known), keeper):
                await part.start()
                stack.push_async_callback(part.close)
            self.runs = Runs(
                database,
                engine.workflows,
                clock,
                guard=self._guard,
                interrupt=self.interrupt,
                own=self._own,
            )
            self.schedules = Schedules(
                database,
                clock,
                engine.workflows,
                self._guard,
                own=self._own or (),
            )
            self._opened = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._opened.aclose()

    @property
    def most_runs(self) -> int:
        """How many runs may be at work at once in this process."""
        return self._most_runs

    @property
    def worker(self) -> str:
        """The name of the worker of this process."""
        return self._worker.name

    def interrupt(self, run_id: str) -> None:
        """Let the worker of this process leave a run that was stopped, at once."""
        self._worker.interrupt(run_id)

    async def kill_worker(self) -> None:
        """Let the worker of this process die as if the process was killed: its runs keep their
        leases, and nothing more is written of them. Schedules go on firing. Without effect on
        one that is dead.
        """
        if self._worker.name not in self._died:
            self._died.append(self._worker.name)
            await self._worker.die()

    async def start_worker(self) -> None:
        """Start another worker in place of one that was killed: as a process does that is
        started again on this machine, it takes over what the dead one held at once.
        """
        if self._worker.name in self._died:
            self._worker = self._new_worker()
            await self._worker.start()

    def _new_worker(self) -> Worker:
        return Worker(
            self._database,
            self._engine,
            self._clock,
            most_runs=self._most_runs,
            most_running=self._most_running,
            sweeps=[ends.overdue],
            dead=self._died,
        )

    async def _close_worker(self) -> None:
        if self._worker.name not in self._died:
            await self._worker.close()

    async def _open(self, stack: AsyncExitStack) -> Database:
        if isinstance(self._given, Database):
            return self._given
        url = self._given
        embedded = url.startswith("sqlite")
        await asyncio.to_thread(schema.upgrade if embedded else schema.check, url)
        database = Database(url)
        database.open()
        stack.push_async_callback(database.close)
        return database

    async def _check_code(self, database: Database) -> None:
        found = await misfits(database, self._engine)
        if found and self._strict:
            raise ConfigError(f"{len(found)} runs would be broken by this code:\n{listed(found)}")
        held = {misfit.run_id: misfit.reason for misfit in found}
        # What a dead process left running is looked at again by whoever claims it.
        self._engine.suspect.update(held)
        known = list(self._engine.workflows)
        freed = await database.write(repairs.hold, held, known, now=self._clock.now())
        if found:
            logger.warning("held, because the code changed under them:\n%s", listed(found))
        if freed:
            logger.warning("%d runs that were held fit the code again, and go on", len(freed))


def listed(found: Iterable[Misfit]) -> str:
    """Misfits for people: a line each."""
    return "\n".join(f"  {one.run_id} ({one.workflow}): {one.reason}" for one in found)
