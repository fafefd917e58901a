"""Presence: who looks at a thread just now, and who types."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row
from sqlmodel import Session

from agentchat.durable import identity
from agentchat.durable.alarm import again_at
from agentchat.durable.clock import Clock
from agentchat.errors import ThreadNotFound
from agentchat.guard import Guard
from agentchat.inputs import checked_id
from agentchat.rights import Access, Right, ends_at, is_visitor
from agentchat.store import presences, processes
from agentchat.store.database import Database
from agentchat.store.writer import Tx
from agentchat.views import LOCAL, Actor

logger = logging.getLogger(__name__)

TYPING = timedelta(seconds=6)
"""For how long somebody types who was last said to."""
TYPED_EVERY = timedelta(seconds=3)
"""How often it is written down at most that somebody types in a tab."""
SWEEP = timedelta(seconds=10)
"""How often it is looked for tabs whose process has died."""
SILENT = timedelta(minutes=1)
"""After how long without a sign of life a process of another machine counts as dead."""
MOST_TABS = 50
"""In how many tabs a person counts as looking at a thread; likewise visitors of a link."""
FEW_TABS: Final = 10
"""In a thread with more tabs than this those who follow are told less often who is there."""
PER_TAB: Final = 0.004
"""For how many seconds they are told nothing more, for each tab."""
SELDOM: Final = 0.8
"""For how many they are told nothing at most; who is removed must learn of it within a second."""

_HERE: Final[set[str]] = set()
"""The names under which this process serves tabs."""


@dataclass(frozen=True)
class PersonHere:
    """Somebody who looks at a thread, in however many tabs, ``since`` the first of them."""

    id: str
    name: str
    since: datetime
    typing: bool = False


@dataclass(frozen=True)
class HereView:
    """Who looks at a thread: people in the order in which they came, and in how many tabs
    ``visitors`` with public links, who are not told who the people are.
    """

    people: tuple[PersonHere, ...] = ()
    visitors: int = 0


@dataclass(slots=True)
class _Tab:
    thread_id: str
    tab_id: str
    user_id: str
    typed_at: datetime | None = None


class Presence:
    """Who is in threads just now: ``chat.presence``. For whoever may read the thread; who may not
    is told that it is not there (:class:`~agentchat.errors.ThreadNotFound`).
    """

    def __init__(self, database: Database, clock: Clock, guard: Guard) -> None:
        self._database = database
        self._clock = clock
        self._guard = guard
        self._process = identity.new_worker()
        self._tabs: dict[str, _Tab] = {}
        self._sweeper: asyncio.Task[None] | None = None
        _HERE.add(self._process)

    @asynccontextmanager
    async def here(
        self, thread_id: str, tab_id: str, *, actor: Actor = LOCAL
    ) -> AsyncIterator[None]:
        """Be seen in a thread as long as this lasts. The same person in another tab, or twice in
        the same one, is one.
        """
        thread_id, tab_id = checked_id(thread_id), checked_id(tab_id)
        presence_id, now = uuid.uuid4().hex, self._clock.now()
        row = {
            "id": presence_id,
            "thread_id": thread_id,
            "tab_id": tab_id,
            "user_id": actor.id,
            "name": actor.name[:200],
            "since": now,
            "process": self._process,
        }

        def enter(tx: Tx) -> None:
            self._guard.thread(tx, thread_id, actor, Right.READ)
            self._guard.access(tx, thread_id)
            if presences.count(tx, thread_id, actor.id) < MOST_TABS:
                presences.add(tx, row)

        self._tabs[presence_id] = _Tab(thread_id, tab_id, actor.id)
        try:
            await self._database.write_soon(enter)
            self._look_after()
            yield
        finally:
            # Not waited for: whoever leaves may be cancelled. What is lost here is swept.
            if self._tabs.pop(presence_id, None) is not None:
                self._database.post(presences.remove, [(thread_id, presence_id)])

    async def typing(self, thread_id: str, tab_id: str, *, actor: Actor = LOCAL) -> None:
        """Say that somebody who may write types in a tab that is :meth:`here`. It counts for some
        seconds; said more often it costs nothing.
        """
        self._guard.person(actor)
        thread_id, now = checked_id(thread_id), self._clock.now()
        tabs = {
            presence_id: tab
            for presence_id, tab in self._tabs.items()
            if (tab.thread_id, tab.tab_id, tab.user_id) == (thread_id, tab_id, actor.id)
        }
        if any(
            tab.typed_at is not None and now - tab.typed_at < TYPED_EVERY for tab in tabs.values()
        ):
            return
        for tab in tabs.values():
            # Before: two at once are one.
            tab.typed_at = now

        def typing(tx: Tx) -> None:
            self._guard.thread(tx, thread_id, actor, Right.WRITE)
            for presence_id in tabs:
                presences.typing(tx, thread_id, presence_id, until=now + TYPING)

        try:
            await self._database.write_soon(typing)
        except BaseException:
            for tab in tabs.values():
                tab.typed_at = None
            raise

    async def follow(
        self, thread_id: str, *, actor: Actor = LOCAL
    ) -> AsyncGenerator[HereView, None]:
        """Yield who is in a thread, now and whenever that changes; raises ThreadNotFound also
        when it is not open to the actor any more.
        """
        if not is_visitor(actor):
            self._guard.person(actor)
        found = self._database.live.follow(_in_thread, checked_id(thread_id), self._guard)

        def due(seen: _Seen) -> datetime | None:
            now = self._clock.now()
            ends = seen.holds_until(now), ends_at(seen.access, actor)
            return min((one for one in ends if one is not None and one > now), default=None)

        last: HereView | None = None
        async with aclosing(again_at(found, due, self._clock)) as looks:
            async for seen in looks:
                # Again after each, for what time has changed meanwhile.
                while (view := self._seen_by(actor, seen)) != last:
                    last = view
                    yield view
                    # Whatever one does is told to all: the more they are, the less often.
                    if len(seen.rows) > FEW_TABS:
                        await asyncio.sleep(min(len(seen.rows) * PER_TAB, SELDOM))

    async def close(self) -> None:
        """Take all tabs of this process away."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.wait([self._sweeper])
        _HERE.discard(self._process)
        left = [(tab.thread_id, presence_id) for presence_id, tab in self._tabs.items()]
        self._tabs.clear()
        if left:
            with contextlib.suppress(Exception):
                await self._database.write_soon(presences.remove, left)

    # Inside

    def _seen_by(self, actor: Actor, seen: _Seen) -> HereView:
        """What somebody is told; raises ThreadNotFound if the thread is not open to them."""
        if self._guard.role(seen.access, actor) is None:
            raise ThreadNotFound
        view = seen.view(self._clock.now())
        return HereView((), view.visitors) if is_visitor(actor) else view

    def _look_after(self) -> None:
        if self._sweeper is None or self._sweeper.done():
            self._sweeper = asyncio.create_task(self._sweep(), name="agentchat-presence")

    async def _sweep(self) -> None:
        """As long as there are tabs, take away those that nobody serves."""
        while self._tabs:
            try:
                rows, beats = await self._database.read(_served)
                alive = {_place(name) for name, at in beats if self._clock.now() - at < SILENT}
                dead = [(row.thread_id, row.id) for row in rows if not self._serves(row, alive)]
                if dead:
                    await self._database.write_soon(presences.remove, dead)
            except Exception as error:
                logger.warning("tabs of dead processes are not taken away yet: %s", error)
            await self._clock.sleep(SWEEP)

    def _serves(self, row: Row[Any], alive: set[str]) -> bool:
        """Whether somebody serves this tab."""
        if row.process == self._process:
            return row.id in self._tabs
        if _place(row.process) == _place(self._process):
            # Of this very process, or of one that had its number before.
            return row.process in _HERE
        if _machine(row.process) == _machine(self._process):
            return not identity.is_dead(row.process)
        return _place(row.process) in alive


@dataclass(slots=True)
class _Seen:
    """Who was there; all who follow share it, and what is made of it."""

    access: Access
    rows: tuple[Row[Any], ...]
    _view: HereView | None = None
    _made_at: datetime | None = None
    _until: datetime | None = None

    def view(self, now: datetime) -> HereView:
        """Who is there at a time."""
        self._make(now)
        assert self._view is not None
        return self._view

    def holds_until(self, now: datetime) -> datetime | None:
        """When that will be another, only because time goes by; None if it will not."""
        self._make(now)
        return self._until

    def _make(self, now: datetime) -> None:
        if (
            self._made_at is not None
            and self._made_at <= now
            and (self._until is None or now < self._until)
        ):
            return
        ends = (one.typing_until for one in self.rows if one.typing_until is not None)
        self._until = min((one for one in ends if one > now), default=None)
        self._view, self._made_at = _here(self.rows, now), now


def _in_thread(session: Session, thread_id: str, guard: Guard) -> _Seen:
    return _Seen(guard.access(session, thread_id), tuple(presences.in_thread(session, thread_id)))


def _served(session: Session) -> tuple[list[Row[Any]], list[tuple[str, datetime]]]:
    beats = [(process.name, process.beat_at) for process in processes.alive(session)]
    return list(presences.served(session)), beats


def _place(process: str) -> str:
    """The machine and the number of a process, without what tells two of its workers apart."""
    return process.rpartition(":")[0]


def _machine(process: str) -> str:
    return process.partition(":")[0]


def _here(rows: tuple[Row[Any], ...], now: datetime) -> HereView:
    people: dict[str, PersonHere] = {}
    visitors = 0
    for row in rows:
        actor = Actor(row.user_id, row.name)
        if is_visitor(actor):
            visitors += 1
            continue
        types = row.typing_until is not None and row.typing_until > now
        first = people.get(actor.id, PersonHere(actor.id, actor.name, row.since))
        people[actor.id] = PersonHere(first.id, first.name, first.since, first.typing or types)
    return HereView(tuple(people.values()), visitors)
