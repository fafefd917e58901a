"""The verbs by which the outside follows what changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar, TypeVarTuple

from sqlmodel import Session

from agentchat import reads
from agentchat.agents.team import Team
from agentchat.durable.alarm import again_at
from agentchat.durable.clock import Clock
from agentchat.errors import ThreadNotFound
from agentchat.guard import Guard
from agentchat.opening import Opened
from agentchat.rights import Access, ends_at, is_visitor
from agentchat.store.database import Database
from agentchat.store.live import Outcome, QueryView
from agentchat.views import LOCAL, Actor, ModelView, ThreadSummary, ThreadView

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

LIST_PACE = timedelta(seconds=0.5)
"""Each change of any thread changes the list, in every tab."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """A thread, and whom it is open to."""

    access: Access
    shown: reads.Shown


class Following:
    """What :class:`~agentchat.chat.AgentChat` lets the outside follow."""

    _database: Database
    _team: Team
    _opened: Opened
    _guard: Guard
    _clock: Clock

    def follow(
        self, thread_id: str, *, actor: Actor = LOCAL, window: int = reads.WINDOW
    ) -> AsyncGenerator[ThreadView, None]:
        """Yield the thread now and whenever something in it changes.

        Raises ThreadNotFound at once, or when the thread is deleted, or is not open to this
        person any more.
        """
        if self._guard.everybody or not is_visitor(actor):
            self._guard.person(actor)
        about = (thread_id, self._opened.model_id, window)
        if self._guard.everybody:
            return _views(self._database.live.fold(reads.thread_view, *about))
        guarded = self._database.live.fold(_guarded, self._guard, *about)
        if is_visitor(actor):
            # No row changes when a link ends.
            ends = lambda found: ends_at(found.access, actor)  # noqa: E731
            guarded = again_at(guarded, ends, self._clock)
        return _guarded_views(guarded, self._guard, actor)

    def follow_threads(
        self, *, actor: Actor = LOCAL
    ) -> AsyncGenerator[tuple[ThreadSummary, ...], None]:
        """Yield the list of threads now and whenever it changes, up to twice a second."""
        self._guard.person(actor)
        reader_id = None if self._guard.everybody else actor.id
        return _paced(self._database.live.follow(reads.thread_list, reader_id), LIST_PACE)

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


def _guarded(
    session: Session, last: _Shown | None, guard: Guard, thread_id: str, model_id: str, window: int
) -> _Shown:
    """A thread with whom it is open to in the same snapshot: one read serves all who follow it."""
    access = guard.access(session, thread_id)
    shown = None if last is None else last.shown
    return _Shown(access, reads.thread_view(session, shown, thread_id, model_id, window))


async def _guarded_views(
    followed: AsyncGenerator[_Shown, None], guard: Guard, actor: Actor
) -> AsyncGenerator[ThreadView, None]:
    async with aclosing(followed):
        async for guarded in followed:
            role = guard.role(guarded.access, actor)
            if role is None:
                raise ThreadNotFound
            yield replace(guarded.shown.view, role=role)
