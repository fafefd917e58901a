"""The clock over the schedules: it wakes, the rows decide."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from agentchat.durable.clock import Clock
from agentchat.durable.firing import plan
from agentchat.store import firings, schedules
from agentchat.store.changes import EVERYTHING, Rows
from agentchat.store.database import Database

logger = logging.getLogger(__name__)

LOOK = timedelta(seconds=30)
"""How often to look at the rows though nothing has announced anything."""
AGAIN = timedelta(seconds=5)
"""How long to wait when something due could not be fired: its row is not in order, another
process is at it, or the database is away."""
_NEXT = "next"


class Scheduler:
    """Fires due schedules in this process, between :meth:`start` and :meth:`close`. Any
    number of processes may do so: each due time is fired once.

    ``known`` are the workflows of this process, by name, with their version and the mark
    of their code; schedules of others are left to other processes.
    """

    def __init__(
        self, database: Database, clock: Clock, known: Mapping[str, tuple[str, str]]
    ) -> None:
        self._database = database
        self._clock = clock
        self._known = dict(known)
        self._wake = asyncio.Event()
        self._ticking = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._alarm: AsyncIOScheduler | None = None

    async def start(self) -> None:
        """Begin to fire what is due."""
        # It only rings: rows, not its jobs, say what is due. What rings late must ring too.
        alarm = AsyncIOScheduler(
            timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True}
        )
        alarm.add_job(self._ring, "interval", seconds=LOOK.total_seconds())
        alarm.start()
        self._alarm = alarm
        self._unlisten = self._clock.on_jump(self._wake.set)
        self._database.live.listen(self._notice)
        self._task = asyncio.create_task(self._serve(alarm), name="agentchat-schedules")

    async def close(self) -> None:
        """Stop firing; a tick under way may still commit."""
        if self._alarm is None or self._task is None:
            return
        alarm, task, self._alarm, self._task = self._alarm, self._task, None, None
        self._database.live.unlisten(self._notice)
        self._unlisten()
        task.cancel()
        await asyncio.wait([task])
        alarm.remove_all_jobs()
        # What rings just now would be cancelled by the shutdown, and logged as an error.
        await asyncio.sleep(0)
        alarm.shutdown(wait=False)
        # That ends it in a callback of the event loop, which has run after this.
        await asyncio.sleep(0)

    async def tick(self) -> int:
        """Fire all that is due now; how many runs that started."""
        async with self._ticking:
            due = await self._next_due()
            now = self._clock.now()
            if due is None or due > now:
                return 0
            started, after = 0, ""
            while True:
                fired = await self._database.write(
                    firings.fire_due, now=now, known=self._known, plan=plan, after=after
                )
                started += fired.runs
                if fired.last is None:
                    return started
                after = fired.last

    async def _next_due(self) -> datetime | None:
        return await self._database.read(schedules.next_due, workflows=tuple(self._known))

    async def _serve(self, alarm: AsyncIOScheduler) -> None:
        while True:
            self._wake.clear()
            now = self._clock.now()
            try:
                await self.tick()
                due = await self._next_due()
            except Exception:
                logger.exception("could not fire what is due; trying again")
                due = now
            if due is not None:
                wait = due - self._clock.now() if due > now else AGAIN
                at = datetime.now(UTC) + min(wait, LOOK)
                alarm.add_job(self._ring, "date", run_date=at, id=_NEXT, replace_existing=True)
            await self._wake.wait()

    async def _ring(self) -> None:
        # A coroutine: APScheduler would call a plain function in a thread.
        self._wake.set()

    def _notice(self, changes: list[Rows]) -> None:
        if any(change.table in ("schedules", EVERYTHING) for change in changes):
            self._wake.set()
