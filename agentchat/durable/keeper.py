"""The keeper: removes what is old, a little at a time, so that the database stays small."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from agentchat.durable.clock import Clock
from agentchat.store import emptying, retention, uploads
from agentchat.store.database import Database
from agentchat.store.retention import Place

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
"""How long an empty thread without a name, and a file that is never sent, are kept."""


@dataclass(frozen=True, slots=True)
class Keep:
    """Which finished runs are kept: those not older than ``age``, and of these the newest
    ``runs``. None is no limit. Whatever is not finished is kept in any case. ``deleted`` is for
    how long deleted threads can be had back.
    """

    age: timedelta | None = timedelta(days=30)
    runs: int | None = 10_000
    deleted: timedelta = timedelta(days=7)

    @classmethod
    def of(cls, *, days: int, runs: int, deleted_days: int = 7) -> Keep:
        """As the settings say it, where 0 is no limit; of deleted threads, that they are not
        kept.
        """
        age = timedelta(days=days) if days else None
        return cls(age=age, runs=runs or None, deleted=timedelta(days=deleted_days))


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep has removed, when it ended and how long it took."""

    at: datetime
    took: timedelta
    runs: int
    deltas: int
    threads: int


class Keeper:
    """Removes old runs, leftovers of answers and unused threads, between :meth:`start` and
    :meth:`close`. Several processes may do so at once. ``last`` is what the last sweep of this
    one has removed, None before the first.
    """

    last: Swept | None = None

    def __init__(self, database: Database, clock: Clock, policy: Keep) -> None:
        self._database = database
        self._clock = clock
        self._policy = policy
        self._task: asyncio.Task[None] | None = None
        self._sweeping = asyncio.Lock()

    @property
    def sweeping(self) -> bool:
        """Whether it is removing something now."""
        return self._sweeping.locked()

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
        """Remove all that need not be kept now, and say how many runs that were. If it is being
        done already, this is done after it.
        """
        async with self._sweeping:
            began = self._clock.now()
            runs = await self._sweep_runs()
            deltas = await self._sweep_deltas()
            threads = await self._sweep_threads()
            await self._sweep_uploads()
            await self._sweep_deleted()
            now = self._clock.now()
            self.last = Swept(now, now - began, runs, deltas, threads)
        return runs

    def newest_to_go(self, session: Session) -> Place | None:
        """The newest run that need not be kept now; None if all are to be kept."""
        age = self._policy.age
        before = None if age is None else self._clock.now() - age
        return retention.newest_to_go(session, before=before, most=self._policy.runs)

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
        database, total = self._database, 0
        upto = await database.read(self.newest_to_go)
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

    async def _sweep_deltas(self) -> int:
        async def some() -> int:
            ids = await self._database.read(retention.leftover_deltas, limit=BATCH)
            return await self._database.write_soon(retention.remove_deltas, ids) if ids else 0

        return await _until_nothing(some)

    async def _sweep_threads(self) -> int:
        before = self._clock.now() - UNUSED

        async def some() -> int:
            ids = await self._database.read(retention.empty_threads, before=before, limit=BATCH)
            if not ids:
                return 0
            return await self._database.write_soon(retention.remove_threads, ids, before=before)

        return await _until_nothing(some)

    async def _sweep_uploads(self) -> None:
        before = self._clock.now() - UNUSED

        async def some() -> int:
            ids = await self._database.read(uploads.unsent, before=before, limit=BATCH)
            return await self._database.write_soon(uploads.remove, ids) if ids else 0

        await _until_nothing(some)

    async def _sweep_deleted(self) -> None:
        """Empty what was deleted long ago, a thread at a time: each may hold much."""
        now = self._clock.now()
        about = {"before": now - self._policy.deleted}

        async def some() -> int:
            ids = await self._database.read(emptying.overdue, **about, limit=BATCH)
            emptied = 0
            for thread_id in ids:
                emptied += await self._database.write_soon(
                    emptying.empty_overdue, thread_id, **about, now=now
                )
                await asyncio.sleep(PAUSE.total_seconds())
            return emptied

        await _until_nothing(some)


async def _until_nothing(some: Callable[[], Awaitable[int]]) -> int:
    """Repeat what removes a batch until it removes nothing, and say how much it was. What another
    process is about to remove counts as nothing: the next sweep looks again.
    """
    total = 0
    while True:
        removed = await some()
        if not removed:
            return total
        total += removed
        await asyncio.sleep(PAUSE.total_seconds())
