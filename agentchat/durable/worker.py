"""A worker: claims due runs, keeps their leases, lets go of them when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from datetime import timedelta
from functools import partial

from agentchat.durable import identity
from agentchat.durable.clock import Clock
from agentchat.durable.context import Claim
from agentchat.durable.engine import Engine
from agentchat.store import claims
from agentchat.store.changes import EVERYTHING, Rows
from agentchat.store.database import Database
from agentchat.store.runs import Hold

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=15)
"""How long a silent worker keeps its runs. Longer than any pause of a live process."""
RENEW = timedelta(seconds=4)
"""How often leases are prolonged: three may be missed."""
LOOK = timedelta(seconds=1)
"""How often to look for runs that nothing in this process has announced."""
PATIENCE = timedelta(seconds=3)
"""How long runs may take to end when the worker closes."""
MOST_RUNS = 100
"""Runs at once in one worker."""


class Worker:
    """Carries runs out in this process, between :meth:`start` and :meth:`close`."""

    def __init__(self, database: Database, engine: Engine, clock: Clock) -> None:
        self.name = identity.new_worker()
        self._database = database
        self._engine = engine
        self._clock = clock
        self._claims: dict[str, Claim] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to claim runs."""
        self._database.live.listen(self._notice)
        self._loops = [
            asyncio.create_task(self._claim_for_ever(), name="agentchat-claim"),
            asyncio.create_task(self._renew_for_ever(), name="agentchat-renew"),
        ]

    async def close(self) -> None:
        """Stop working and hand the runs at hand back to the queue."""
        self._database.live.unlisten(self._notice)
        for task in (*self._loops, *self._tasks.values()):
            task.cancel()
        ending = [*self._loops, *self._tasks.values()]
        if ending:
            # A provider that does not let go must not keep the app from ending.
            await asyncio.wait(ending, timeout=PATIENCE.total_seconds())
        # By name, not by what is remembered here: a claim may have been under way.
        await self._database.write(claims.hand_back, self.name)

    def interrupt(self, run_id: str) -> None:
        """Leave a run that has been stopped, at once: its provider call is closed."""
        task = self._tasks.get(run_id)
        if task is not None:
            task.cancel()

    def _notice(self, changes: list[Rows]) -> None:
        for change in changes:
            if change.table == EVERYTHING or (
                change.table == "workflows" and dict(change.known).get("id") not in self._claims
            ):
                self._wake.set()
                return

    async def _claim_for_ever(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self._claim_due()
            except Exception:
                logger.exception("could not look for due runs; trying again")
            with contextlib.suppress(TimeoutError):
                # Not wait_for: before Python 3.12 it can swallow a cancellation.
                async with asyncio.timeout(LOOK.total_seconds()):
                    await self._wake.wait()

    async def _claim_due(self) -> None:
        room = MOST_RUNS - len(self._tasks)
        if room <= 0:
            return
        now = self._clock.now()
        held_by = await self._database.read(claims.workers)
        claimed = await self._database.write(
            claims.claim,
            self.name,
            workflows=list(self._engine.workflows),
            holding=list(self._claims),
            now=now,
            lease_until=now + LEASE,
            limit=room,
            dead=[name for name in held_by if identity.is_dead(name)],
        )
        for run in claimed:
            claim = Claim(self.name, Hold(run.id, run.attempt, run.thread_id))
            self._claims[run.id] = claim
            task = asyncio.create_task(self._engine.execute(run, claim), name=f"run-{run.id}")
            self._tasks[run.id] = task
            task.add_done_callback(partial(self._done, run.id))

    def _done(self, run_id: str, task: asyncio.Task[None]) -> None:
        self._claims.pop(run_id, None)
        self._tasks.pop(run_id, None)
        self._wake.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            # Its lease lapses and somebody claims it again: nothing to undo here.
            logger.error("run %s was left: %s", run_id, error, exc_info=error)

    async def _renew_for_ever(self) -> None:
        while True:
            await asyncio.sleep(RENEW.total_seconds())
            holds = [claim.hold for claim in self._claims.values()]
            if not holds:
                continue
            try:
                lost = await self._database.write_soon(
                    claims.renew, holds, lease_until=self._clock.now() + LEASE
                )
            except Exception:
                logger.exception("could not renew %d leases; trying again", len(holds))
                continue
            for hold in holds:
                claim = self._claims.get(hold.run_id)
                # A retry may have raised the attempt since: then this was not about it.
                if hold.run_id in lost and claim is not None and claim.hold == hold:
                    self.interrupt(hold.run_id)
