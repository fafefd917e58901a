"""The verbs by which the outside follows what changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar, TypeVarTuple

from sqlmodel import Session

from agentchat.durable.alarm import again_at
from agentchat.errors import ThreadNotFound
from agentchat.guard import Guard
from agentchat.rights import Access, ends_at, is_visitor
from agentchat.shown import thread as reads
from agentchat.shown.public import public_view
from agentchat.shown.thread_lists import DeletedThread, ThreadPlace, ThreadSummary
from agentchat.shown.threads import MOST_DELETED, MOST_THREADS, deleted_list, thread_list
from agentchat.store.live import Outcome, QueryView
from agentchat.store.threads import Reader
from agentchat.verbs.inner import Inner
from agentchat.views import LOCAL, Actor, ModelView, ThreadView

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

LIST_PACE = timedelta(seconds=0.5)
"""Each change of any thread changes the list, in every tab."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """A thread, and whom it is open to."""

    access: Access
    shown: reads.Shown


class Following(Inner):
    """What :class:`~agentchat.chat.AgentChat` lets the outside follow."""

    def follow(
        self,
        thread_id: str,
        *,
        actor: Actor = LOCAL,
        window: int = reads.WINDOW,
        far: range = range(0),
    ) -> AsyncGenerator[ThreadView, None]:
        """Yield the thread now and whenever something in it changes: its newest messages, as many
        as ``window`` says, and those at the positions of ``far``, which may be anywhere.

        Raises ThreadNotFound at once, or when the thread is deleted, or is not open to this
        person any more.
        """
        self._guard.reader(actor)
        about = (thread_id, self._opened.model_id, window, far)
        if self._guard.everybody:
            return _views(self._database.live.fold(reads.thread_view, *about))
        guarded = self._database.live.fold(_guarded, self._guard, *about)
        if is_visitor(actor):
            # No row changes when a link ends.
            ends = lambda found: ends_at(found.access, actor)  # noqa: E731
            guarded = again_at(guarded, ends, self._clock)
        return _guarded_views(guarded, self._guard, actor)

    def follow_access(self, thread_id: str, *, actor: Actor = LOCAL) -> AsyncGenerator[bool, None]:
        """Yield whether this person may read a thread, now and whenever that changes: also of one
        that is deleted, and had back.
        """
        self._guard.person(actor)
        return self._database.live.follow(_is_open, thread_id, self._guard, actor)

    def follow_threads(
        self,
        *,
        archived: bool = False,
        after: ThreadPlace | None = None,
        limit: int = MOST_THREADS,
        actor: Actor = LOCAL,
    ) -> AsyncGenerator[tuple[ThreadSummary, ...], None]:
        """Yield the list of threads now and whenever it changes, up to twice a second: those that
        this person has pinned or put in folders (the 501 used last, if there are as many), up to
        ``limit`` others, most recently used first, and with a place
        (:attr:`~agentchat.ThreadSummary.place`) as many that come ``after`` it; or of those that
        they have ``archived`` only the ones after it.
        """
        self._guard.person(actor)
        who = Reader(actor.id, everything=self._guard.everybody)
        found = self._database.live.follow(thread_list, who, limit, archived=archived, after=after)
        return _paced(found, LIST_PACE)

    def follow_deleted(
        self,
        *,
        after: ThreadPlace | None = None,
        limit: int = MOST_DELETED,
        actor: Actor = LOCAL,
    ) -> AsyncGenerator[tuple[DeletedThread, ...], None]:
        """Yield up to ``limit`` deleted threads that this person can have back, now and whenever
        that changes, the newest first; only those ``after`` a place, if one is given.
        """
        self._guard.person(actor)
        owner_id = None if self._guard.everybody else actor.id
        return self._database.live.follow(
            deleted_list, owner_id, self._deleted_for, limit, after=after
        )

    def follow_model(self, *, actor: Actor = LOCAL) -> AsyncGenerator[ModelView, None]:
        """Yield the model that answers, now and whenever its state changes."""
        self._guard.person(actor)
        return self._database.live.follow(
            reads.model_view, self._opened.model_id, self._team.provider.label
        )

    def follow_query(
        self, query: Callable[[Session, *Ts], T], /, *args: *Ts, actor: Actor = LOCAL
    ) -> AsyncGenerator[Outcome[T], None]:
        """Yield what a read function of your own comes to, now and whenever that changes.

        It is called as ``query(session, *args)``, must only read, and decides itself what
        the caller may see: give it whom it reads for as an argument. An error of the query
        is an outcome too; it runs again when what it had read changes. Arguments must be
        hashable. Raises NotAllowed.
        """
        self._guard.person(actor)
        return self._database.live.outcomes(query, *args)

    def live_queries(self, *, actor: Actor = LOCAL) -> tuple[QueryView, ...]:
        """What is followed in this process: how often each query ran, what it read, and which
        change made it run last.
        """
        self._guard.operator(actor)
        return self._database.live.inspect()


async def _paced(followed: AsyncGenerator[T, None], pace: timedelta) -> AsyncGenerator[T, None]:
    """What came meanwhile is skipped: only the newest value is ever waiting."""
    async with aclosing(followed):
        async for value in followed:
            yield value
            await asyncio.sleep(pace.total_seconds())


async def _views(followed: AsyncGenerator[reads.Shown, None]) -> AsyncGenerator[ThreadView, None]:
    async with aclosing(followed):
        async for shown in followed:
            yield shown.view


def _is_open(session: Session, thread_id: str, guard: Guard, actor: Actor) -> bool:
    try:
        return guard.role(guard.access(session, thread_id), actor) is not None
    except ThreadNotFound:
        return False


def _guarded(
    session: Session,
    last: _Shown | None,
    guard: Guard,
    thread_id: str,
    model_id: str,
    window: int,
    far: range,
) -> _Shown:
    """A thread with whom it is open to in the same snapshot: one read serves all who follow it."""
    access = guard.access(session, thread_id)
    shown = None if last is None else last.shown
    return _Shown(access, reads.thread_view(session, shown, thread_id, model_id, window, far))


async def _guarded_views(
    followed: AsyncGenerator[_Shown, None], guard: Guard, actor: Actor
) -> AsyncGenerator[ThreadView, None]:
    async with aclosing(followed):
        async for guarded in followed:
            role = guard.role(guarded.access, actor)
            if role is None:
                raise ThreadNotFound
            view = replace(guarded.shown.view, role=role)
            yield public_view(view) if is_visitor(actor) else view
