"""The keeper: removes what is old, a little at a time, so that the database stays small."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from agentchat.durable.clock import Clock
from agentchat.store import retention
from agentchat.store.database import Database

logger = logging.getLogger(__name__)

FIRST = timedelta(seconds=10)
"""How long after the start to look first: the start itself has enough to do."""
EVERY = timedelta(minutes=10)
"""How often to look."""
BATCH = 100
"""Most runs, threads or deltas removed in one transaction."""
MOST_ROWS = 1000
"""Most rows of journals removed in one transaction, unless a single run has more. Among
100,000 runs such a transaction takes about 5 ms on SQLite and 15 ms on PostgreSQL.
"""
PAUSE = timedelta(milliseconds=20)
"""How long to wait after a transaction: whatever else is to be written goes first."""
UNUSED = timedelta(days=1)
"""How long an empty thread without a name is kept."""


@dataclass(frozen=True, slots=True)
class Keep:
    """Which finished runs are kept: those not older than ``age``, and of these the newest
    ``runs``. None is no limit. Whatever is not finished is kept in any case.
    """

    age: timedelta | None = timedelta(days=30)
    runs: int | None = 10_000

    @classmethod
    def of(cls, *, days: int, runs: int) -> Keep:
        """As the settings say it, where 0 is no limit."""
        return cls(age=timedelta(days=days) if days else None, runs=runs or None)


class Keeper:
    """Removes old runs, leftovers of answers and unused threads, between :meth:`start` and
    :meth:`close`. Several processes may do so at once.
    """

    def __init__(self, database: Database, clock: Clock, policy: Keep) -> None:
        self._database = database
        self._clock = clock
        self._policy = policy
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to sweep from time to time."""
        self._task = asyncio.create_task(self._sweep_for_ever(), name="agentchat-keeper")

    async def close(self) -> None:
        """Stop sweeping. A transaction that is under way is let finish by the writer."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def sweep(self) -> int:
        """Remove all that need not be kept now, and say how many runs that were."""
        runs = await self._sweep_runs()
        await self._sweep_deltas()
        await self._sweep_threads()
        return runs

    async def _sweep_for_ever(self) -> None:
        pause = FIRST
        while True:
            await self._clock.sleep(pause)
            pause = EVERY
            try:
                runs = await self.sweep()
            except Exception as error:
                cause = str(error).partition("\n")[0]
                logger.warning("could not remove what is old; trying again later: %s", cause)
            else:
                if runs:
                    logger.info("removed %d runs that need not be kept any more", runs)

    async def _sweep_runs(self) -> int:
        database, age, total = self._database, self._policy.age, 0
        upto = await database.read(
            retention.newest_to_go,
            before=None if age is None else self._clock.now() - age,
            most=self._policy.runs,
        )
        after = None
        while upto is not None:
            batch = await database.read(
                retention.next_batch, upto=upto, after=after, limit=BATCH, most_rows=MOST_ROWS
            )
            if batch is None:
                break
            total += await database.write_soon(retention.remove_runs, batch.ids)
            after = batch.last
            await asyncio.sleep(PAUSE.total_seconds())
        return total

    async def _sweep_deltas(self) -> None:
        async def some() -> int:
            ids = await self._database.read(retention.leftover_deltas, limit=BATCH)
            return await self._database.write_soon(retention.remove_deltas, ids) if ids else 0

        await _until_nothing(some)

    async def _sweep_threads(self) -> None:
        before = self._clock.now() - UNUSED

        async def some() -> int:
            ids = await self._database.read(retention.empty_threads, before=before, limit=BATCH)
            if not ids:
                return 0
            return await self._database.write_soon(retention.remove_threads, ids, before=before)

        await _until_nothing(some)


async def _until_nothing(some: Callable[[], Awaitable[int]]) -> None:
    """Repeat what removes a batch until it removes nothing. What another process is about to
    remove counts as nothing: the next sweep looks again.
    """
    while True:
        if not await some():
            return
        await asyncio.sleep(PAUSE.total_seconds())
