"""The whole at a glance: ``chat.operations.overview``."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import make_url
from sqlmodel import Session

from agentchat.durable import identity
from agentchat.durable.clock import Clock
from agentchat.errors import InvalidInput
from agentchat.guard import Guard
from agentchat.models import Process, RunStatus
from agentchat.operations import sums
from agentchat.operations.overview_views import (
    AtRest,
    CommentView,
    HeldView,
    NowView,
    PastView,
    StorageView,
    WorkerView,
)
from agentchat.operations.redact import redacted_text
from agentchat.store import overviews, processes, ratings, repairs
from agentchat.store.database import Database
from agentchat.store.live import paced
from agentchat.views import LOCAL, Actor

MOST_COUNTED = 10_000
"""Up to how many runs of a status are counted."""
MOST_ADDED_UP = 20_000
"""How many of the newest ends and calls are added up."""
MOST_HELD = 50
MOST_COMMENTS = 20
MOST_REASON = 500
LONGEST = timedelta(days=31)
SILENT = timedelta(seconds=8)
"""Two heartbeats."""

PACE = timedelta(seconds=2)
"""How often it is looked at anew what time alone changes."""
SHARE = 20
"""Adding up takes at most such a part of the time."""
STORAGE_PACE = timedelta(seconds=10)
MOST_KNOWN = 20


@dataclass(frozen=True, slots=True)
class _Look:
    """What the database says of what is under way; how long ago that was is not in it."""

    active: dict[RunStatus, dict[str, int]]
    first_due: datetime | None
    workers: tuple[Process, ...]
    held: tuple[HeldView, ...]
    held_more: bool
    at_rest: tuple[AtRest, ...]


@dataclass(frozen=True, slots=True)
class _Past:
    view: PastView
    until: float


class Overview:
    """What runs, waits and failed, how long things take, what they cost, and whether the
    processes and the database are well: ``chat.operations.overview``.

    For those who look after the app: raises NotAllowed for others.
    """

    def __init__(self, database: Database, clock: Clock, guard: Guard) -> None:
        self._database = database
        self._clock = clock
        self._guard = guard
        self._pasts: dict[timedelta, _Past] = {}
        self._adding: defaultdict[timedelta, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def now(self, *, actor: Actor = LOCAL) -> NowView:
        """What is under way now."""
        self._guard.operator(actor)
        return _now(await self._database.read(_look), self._clock.now())

    async def follow_now(self, *, actor: Actor = LOCAL) -> AsyncGenerator[NowView, None]:
        """Yield what :meth:`now` gives, now and whenever it changes, up to twice a second; and
        at least every two seconds, for time alone makes waits longer and processes silent.
        """
        self._guard.operator(actor)
        async with aclosing(self._database.live.follow(_look)) as looks:
            look = await anext(looks)
            coming = asyncio.ensure_future(anext(looks))
            try:
                while True:
                    yield _now(look, self._clock.now())
                    await asyncio.wait([coming], timeout=PACE.total_seconds())
                    if coming.done():
                        look = coming.result()
                        coming = asyncio.ensure_future(anext(looks))
            finally:
                coming.cancel()
                await asyncio.wait([coming])

    async def past(self, hours: float = 24, *, actor: Actor = LOCAL) -> PastView:
        """What came of the runs that ended within so many hours up to now, and what was spent.

        Whoever asks within two seconds of another (longer, if adding up takes long) is told the
        same. Raises :class:`~agentchat.errors.InvalidInput` for no time, or more than a month.
        """
        self._guard.operator(actor)
        try:
            length = timedelta(hours=hours)
        except (OverflowError, ValueError):
            length = timedelta()
        if not timedelta() < length <= LONGEST:
            raise InvalidInput(f"Between 0 and {LONGEST.days * 24} hours can be looked at.")
        # One adds up for all who ask at once.
        async with self._adding[length]:
            known = self._pasts.get(length)
            if known is None or time.monotonic() >= known.until:
                known = self._pasts[length] = await self._add_up(length)
        for old in [*self._pasts][:-MOST_KNOWN]:
            del self._pasts[old], self._adding[old]
        return known.view

    async def follow_past(
        self, hours: float = 24, *, actor: Actor = LOCAL
    ) -> AsyncGenerator[PastView, None]:
        """Yield what :meth:`past` gives, now and whenever it has become another."""
        last = None
        while True:
            view = await self.past(hours, actor=actor)
            if view != last:
                yield view
            last = view
            await asyncio.sleep(PACE.total_seconds())

    async def storage(self, *, actor: Actor = LOCAL) -> StorageView:
        """How large the database is, and how much room it has."""
        self._guard.operator(actor)
        size = await self._database.read(overviews.size)
        return await asyncio.to_thread(_storage, size, self._database.url)

    async def follow_storage(self, *, actor: Actor = LOCAL) -> AsyncGenerator[StorageView, None]:
        """Yield what :meth:`storage` gives, now and every ten seconds."""
        while True:
            yield await self.storage(actor=actor)
            await asyncio.sleep(STORAGE_PACE.total_seconds())

    async def _add_up(self, length: timedelta) -> _Past:
        began = time.monotonic()
        view = await self._database.read(_past, length, self._clock.now())
        ended = time.monotonic()
        return _Past(view, began + max(PACE.total_seconds() / 2, SHARE * (ended - began)))


def _storage(size: int, url: str) -> StorageView:
    place = make_url(url)
    if place.get_backend_name() != "sqlite" or not place.database:
        return StorageView("PostgreSQL", size)
    file = Path(place.database)
    # What is not yet in the file itself is in the log beside it.
    log = file.with_name(f"{file.name}-wal")
    beside = log.stat().st_size if log.exists() else 0
    return StorageView("SQLite", size + beside, shutil.disk_usage(file.parent).free)


@paced(0.5)
def _look(session: Session) -> _Look:
    held = overviews.held(session, kind=repairs.HELD, limit=MOST_HELD + 1)
    return _Look(
        overviews.active(session, most=MOST_COUNTED),
        overviews.first_due(session, most=MOST_COUNTED),
        tuple(processes.alive(session)),
        tuple(
            HeldView(row.id, row.workflow, redacted_text(row.error or "")[:MOST_REASON])
            for row in held[:MOST_HELD]
        ),
        len(held) > MOST_HELD,
        tuple(
            AtRest(row.workflow, row.paused_by, row.paused_at) for row in overviews.at_rest(session)
        ),
    )


def _now(look: _Look, now: datetime) -> NowView:
    numbers = {status.value: sum(of.values()) for status, of in look.active.items()}
    waits = look.first_due is not None and look.first_due <= now
    return NowView(
        **numbers,
        most_counted=MOST_COUNTED,
        oldest_wait_s=_seconds(look.first_due, now) if waits else None,
        busy=sums.busy(look.active),
        workers=tuple(_worker(row, now) for row in look.workers),
        held=look.held,
        held_more=look.held_more,
        at_rest=look.at_rest,
    )


def _worker(row: Process, now: datetime) -> WorkerView:
    age = now - row.beat_at
    if identity.is_dead(row.name):
        state = "dead"
    elif age >= SILENT:
        # A loop that stands still sends no heartbeat; a thread of its own says so.
        state = "stuck" if row.stuck_since is not None else "silent"
    else:
        state = "alive" if row.stuck_since is None else "stuck"
    return WorkerView(
        row.name,
        row.host,
        row.pid,
        state,
        _seconds(row.beat_at, now),
        row.runs,
        row.lag_ms,
        row.started_at,
        _seconds(row.stuck_since, now),
        row.stuck_in or "",
    )


def _seconds(since: datetime | None, now: datetime) -> int:
    return 0 if since is None else max(int((now - since).total_seconds()), 0)


def _past(session: Session, length: timedelta, now: datetime) -> PastView:
    since = now - length
    ended = overviews.ended(session, since=since, most=MOST_ADDED_UP)
    spent = overviews.spent(session, since=since, most=MOST_ADDED_UP)
    said = ratings.since(session, since, most=MOST_ADDED_UP)
    queued = sorted(row.queue_ms / 1000 for row in ended if _begun(row))
    return PastView(
        hours=length / timedelta(hours=1),
        total=sums.group("", ended, spent),
        queue_p50=sums.percentile(queued, 0.5),
        queue_p95=sums.percentile(queued, 0.95),
        cut_off=MOST_ADDED_UP in (len(ended), len(spent), len(said)),
        most_added_up=MOST_ADDED_UP,
        period_s=int(sums.period_length(length).total_seconds()),
        periods=sums.periods(ended, spent, since, now),
        workflows=sums.groups(ended, spent, "workflow"),
        agents=sums.rated(sums.groups(ended, spent, "agent"), said, "agent"),
        models=sums.rated(sums.models(spent), said, "called"),
        comments=tuple(_comment(row) for row in said if row.reason)[:MOST_COMMENTS],
    )


def _comment(row: Any) -> CommentView:
    run_id = row.run_id or ""
    return CommentView(row.good, row.reason, row.agent, row.model, run_id, row.created_at)


def _begun(row: Any) -> bool:
    """Whether it was carried out at all: what was cancelled before has not waited to its end."""
    return row.started_at is not None
