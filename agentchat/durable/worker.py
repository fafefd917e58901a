"""A worker: claims due runs, keeps their leases, heeds orders, lets go when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from agentchat.durable import identity
from agentchat.durable.clock import Clock
from agentchat.durable.engine import Engine, Execution
from agentchat.durable.ledger import Claim
from agentchat.durable.orders import Order, order_of
from agentchat.durable.watch import Outage, Watch, away, words
from agentchat.models import Run, RunStatus
from agentchat.store import claims, events, journal, processes
from agentchat.store.changes import EVERYTHING, Rows
from agentchat.store.database import Database
from agentchat.store.journal import History
from agentchat.store.processes import Beat
from agentchat.store.runs import Hold
from agentchat.store.writer import Tx

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=15)
"""How long a silent worker keeps its runs. Longer than any pause of a live process."""
RENEW = timedelta(seconds=4)
"""How often leases are prolonged: three may be missed."""
LOOK = timedelta(seconds=1)
"""How often to look for runs that nothing in this process has announced."""
SOON = timedelta(milliseconds=10)
"""How long to gather announcements that are probably not about runs to be claimed."""
HEED = timedelta(milliseconds=50)
"""How often at most to look what was decided about the runs at hand."""
LEAST = timedelta(milliseconds=2)
"""The shortest wait for the next due time: clocks are not finer."""
SETTLING = timedelta(seconds=1.5)
"""How long steps that must not be done twice may go on when the process is to end."""
PATIENCE = timedelta(seconds=3)
"""How long runs may take to end when the worker closes."""
MOST_RUNS = 100
"""Runs at once in one worker, unless it is told otherwise."""

Sweep = Callable[[Tx, datetime], object]
"""Something to do in a transaction of its own each time the worker looks around."""


@dataclass(slots=True)
class _AtHand:
    """A run that the worker holds, and what it has been told."""

    claim: Claim
    execution: Execution
    told: set[Order]


class Worker:
    """Carries runs out in this process, between :meth:`start` and :meth:`close`.

    ``most_runs`` is for this worker, ``most_running`` for all processes together. ``sweeps``
    are called every second. ``dead`` are workers that have died in this process.
    """

    def __init__(
        self,
        database: Database,
        engine: Engine,
        clock: Clock,
        *,
        most_runs: int = MOST_RUNS,
        most_running: int | None = None,
        sweeps: Sequence[Sweep] = (),
        dead: Sequence[str] = (),
    ) -> None:
        self.name = identity.new_worker()
        self._database = database
        self._engine = engine
        self._clock = clock
        self._most_runs = most_runs
        self._limits = engine.limits(most_running)
        self._sweeps = sweeps
        self._claims: dict[str, _AtHand] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._left: dict[str, datetime] = {}
        self._died_here = frozenset(dead)
        self._dead = list(dead)
        self._wake = asyncio.Event()
        self._soon: asyncio.TimerHandle | None = None
        self._changed = asyncio.Event()
        self._claiming = asyncio.Lock()
        self._next_due: datetime | None = None
        self._loops: list[asyncio.Task[None]] = []
        self._outage = Outage()
        self._watch = Watch(self._say_stuck, engine.observer.lag)

    async def start(self) -> None:
        """Begin to claim runs."""
        self._started_at = self._clock.now()
        self._database.live.listen(self._notice)
        self._unlisten = self._clock.on_jump(self._wake.set)
        self._watch.start()
        loops = (self._claim_for_ever, self._look_for_ever, self._renew_for_ever, self._heed)
        self._loops = [
            asyncio.create_task(loop(), name=f"agentchat-{loop.__name__.strip('_')}")
            for loop in loops
        ]

    async def close(self) -> None:
        """Stop working and hand the runs at hand back to the queue."""
        self._stop_hearing()
        for loop in self._loops:
            loop.cancel()
        settling = []
        for run_id, run in self._tasks.items():
            settled = self._claims[run_id].execution.settled
            if settled.is_set():
                run.cancel()
            else:
                settling.append(asyncio.create_task(settled.wait()))
        if settling:
            await asyncio.wait(settling, timeout=SETTLING.total_seconds())
        ending: list[asyncio.Task[Any]] = [*self._loops, *self._tasks.values(), *settling]
        for task in ending:
            task.cancel()
        # A provider that does not let go must not keep the app from ending.
        await asyncio.wait(ending, timeout=PATIENCE.total_seconds())
        await self._watch.close()
        try:
            await self._database.write(_leave, self.name)
        except Exception as error:
            if not away(error):
                raise
            logger.error("the runs of this worker wait for their lease to end: %s", words(error))

    async def die(self) -> None:
        """End as if the process was killed: leases are left, nothing is handed back, and nothing
        more is written of the runs at hand. Only code of theirs that heeds its cancellation runs.
        """
        for one in self._claims.values():
            one.execution.die()
        for task in (*self._loops, *self._tasks.values()):
            task.cancel()
        self._stop_hearing()
        await self._watch.close()

    def _stop_hearing(self) -> None:
        self._database.live.unlisten(self._notice)
        self._unlisten()
        if self._soon is not None:
            self._soon.cancel()

    def interrupt(self, run_id: str) -> None:
        """Leave a run that has been stopped, at once: its provider call is closed."""
        self._interrupt(run_id, RunStatus.STOPPED)

    def _interrupt(self, run_id: str, status: RunStatus | None) -> None:
        if (task := self._tasks.get(run_id)) is not None:
            self._claims[run_id].execution.course.status = status
            task.cancel()

    def _notice(self, changes: list[Rows]) -> None:
        for change in changes:
            if change.table == EVERYTHING:
                self._changed.set()
                self._wake.set()
                for one in self._claims.values():
                    one.execution.hear()
            elif change.table == "events":
                one_told = self._claims.get(str(dict(change.known).get("run_id")))
                if one_told is not None:
                    one_told.execution.hear()
            elif change.table == "paused_workflows":
                self._wake.set()
            elif change.table == "workflows":
                known = dict(change.known)
                if known.get("id") in self._claims:
                    self._changed.set()
                elif "id" not in known:
                    self._changed.set()
                    self._wake.set()
                elif "status" in known:
                    # A new run, which says all about itself.
                    self._wake.set()
                else:
                    self._wake_soon()

    def _wake_soon(self) -> None:
        if self._soon is None:
            loop = asyncio.get_running_loop()
            self._soon = loop.call_later(SOON.total_seconds(), self._wake.set)

    async def _claim_for_ever(self) -> None:
        waited = timedelta()
        while True:
            self._wake.clear()
            if self._soon is not None:
                self._soon.cancel()
                self._soon = None
            try:
                if await self._claim_due():
                    continue
                self._outage.over("look for due runs")
                waited = timedelta()
            except Exception as error:
                waited = self._outage.failed("look for due runs", error, waited)
                await asyncio.sleep(waited.total_seconds())
                continue
            pause = LOOK
            if self._next_due is not None:
                pause = min(LOOK, max(LEAST, self._next_due - self._clock.now()))
            with contextlib.suppress(TimeoutError):
                # Not wait_for: before Python 3.12 it can swallow a cancellation.
                async with asyncio.timeout(pause.total_seconds()):
                    await self._wake.wait()

    async def _claim_due(self, lost: Sequence[str] = ()) -> bool:
        """Claim what is due, and what the dead and ``lost`` hold, and begin it; whether there
        may be more.
        """
        async with self._claiming:
            room = self._most_runs - len(self._tasks)
            if room <= 0:
                self._next_due = None
                return False
            now = self._clock.now()
            claimed, fresh, self._next_due = await self._database.write(
                self._take, now, room, [*self._claims, *self._left], [*self._dead, *lost]
            )
            if not claimed:
                return False
            begun = [run.id for run in claimed if run.id not in fresh]
            before = await self._database.read(journal.histories, begun) if begun else {}
            for run in claimed:
                try:
                    self._begin(run, fresh.get(run.id) or before[run.id])
                except Exception as error:
                    self._leave(run.id, error)
            return len(claimed) == room

    def _take(
        self, tx: Tx, now: datetime, room: int, holding: list[str], dead: Sequence[str]
    ) -> tuple[list[Run], dict[str, History], datetime | None]:
        claimed = claims.claim(
            tx,
            self.name,
            workflows=self._engine.workflows,
            holding=holding,
            now=now,
            lease_until=now + LEASE,
            limit=room,
            dead=dead,
            limits=self._limits,
        )
        # Nothing was done of these yet, so nothing but events has to be read.
        fresh = [run.id for run in claimed if run.attempt == 1 and run.origin_id is None]
        histories = {run_id: History() for run_id in fresh}
        for event in events.untaken(tx, fresh):
            histories[event.run_id].events.append(event)
        more = len(claimed) == room
        return claimed, histories, None if more else claims.next_due(tx, self._limits, now)

    def _begin(self, run: Run, history: History) -> None:
        claim = Claim(self.name, Hold(run.id, run.attempt, run.thread_id))
        execution = self._engine.execution(run, claim, history)
        told: set[Order] = {"cancel"} if run.status == RunStatus.STOPPING else set()
        if run.pausing:
            # Asked for before its last worker died.
            execution.pause()
        self._claims[run.id] = _AtHand(claim, execution, told)
        task = asyncio.create_task(execution.run(), name=f"run-{run.id}")
        self._tasks[run.id] = task
        limited = self._limits.any or run.key is not None
        task.add_done_callback(partial(self._done, run.id, limited))

    def _done(self, run_id: str, limited: bool, task: asyncio.Task[None]) -> None:
        full = len(self._tasks) >= self._most_runs
        self._claims.pop(run_id, None)
        self._tasks.pop(run_id, None)
        if full or limited:
            self._wake.set()
        else:
            # It may be due again already, by an event that came while it let go.
            self._wake_soon()
        if not task.cancelled() and (error := task.exception()) is not None:
            self._leave(run_id, error)

    def _leave(self, run_id: str, error: BaseException) -> None:
        # Its lease lapses and somebody claims it again: nothing to undo here.
        self._left[run_id] = self._clock.now() + LEASE
        trace = None if away(error) else error
        about = {"run_id": run_id}
        logger.error("run %s was left: %s", run_id, words(error), exc_info=trace, extra=about)

    async def _look_for_ever(self) -> None:
        """Now and then: whose worker is dead, what was claimed without our hearing of it."""
        await self._try("look around", self._look_around)
        await self._again_and_again("look around", LOOK, self._look_around)

    async def _look_around(self) -> None:
        names = await self._database.read(_workers)
        self._dead = [name for name in names if name in self._died_here or identity.is_dead(name)]
        now = self._clock.now()
        self._left = {run_id: until for run_id, until in self._left.items() if until >= now}
        # Our own name: the answer to a claim may have been lost with the connection.
        if await self._claim_due([self.name]):
            self._wake.set()
        for sweep in self._sweeps:
            await self._database.write(sweep, self._clock.now())

    async def _renew_for_ever(self) -> None:
        await self._try("prolong leases", self._beat)
        await self._again_and_again("prolong leases", RENEW, self._beat)

    async def _beat(self) -> None:
        now = self._clock.now()
        holds = [one.claim.hold for one in self._claims.values()]
        lag = round(self._watch.lag().total_seconds() * 1000)
        sign = Beat(self.name, identity.host(), os.getpid(), len(holds), lag, self._started_at, now)
        lost = await self._database.write_soon(_renew, holds, now + LEASE, sign)
        if lost:
            self._changed.set()

    async def _heed(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._try("look at the runs at hand", self._heed_orders)
            await asyncio.sleep(HEED.total_seconds())

    async def _heed_orders(self) -> None:
        at_hand = dict(self._claims)
        if not at_hand:
            return
        rows = await self._database.read(claims.orders, list(at_hand))
        for run_id, one in at_hand.items():
            order = order_of(one.claim, rows.get(run_id))
            if order is None or self._claims.get(run_id) is not one:
                continue
            if order == "ended" and order not in one.told:
                # Most often by itself just now: let it return.
                self._changed.set()
            elif order in ("lost", "ended"):
                row = rows.get(run_id) if order == "ended" else None
                self._interrupt(run_id, None if row is None else RunStatus(row.status))
            elif order not in one.told:
                (one.execution.cancel if order == "cancel" else one.execution.pause)()
            one.told.add(order)

    def _say_stuck(self, news: tuple[float, str] | None) -> None:
        if news is None:
            self._database.post(processes.stuck, self.name, since=None, where=None)
        else:
            since = self._clock.now() - timedelta(seconds=news[0])
            self._database.post(processes.stuck, self.name, since=since, where=news[1])

    async def _again_and_again(
        self, what: str, every: timedelta, do: Callable[[], Awaitable[object]]
    ) -> None:
        while True:
            await asyncio.sleep(every.total_seconds())
            await self._try(what, do)

    async def _try(self, what: str, do: Callable[[], Awaitable[object]]) -> None:
        """Do something, again and again until the database lets us."""
        waited = timedelta()
        while True:
            try:
                await do()
                self._outage.over(what)
                return
            except Exception as error:
                waited = self._outage.failed(what, error, waited)
            await asyncio.sleep(waited.total_seconds())


def _workers(session: Any) -> set[str]:
    return claims.workers(session) | {process.name for process in processes.alive(session)}


def _renew(tx: Tx, holds: list[Hold], lease_until: datetime, sign: Beat) -> set[str]:
    processes.beat(tx, sign)
    return claims.renew(tx, holds, lease_until=lease_until)


def _leave(tx: Tx, worker: str) -> None:
    # By name, not by what is remembered here: a claim may have been under way.
    claims.hand_back(tx, worker)
    processes.remove(tx, [worker])
