"""What calls of models cost: the verbs, and what may be spent."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import suppress
from datetime import timedelta
from typing import Protocol, TypeVar

from sqlmodel import Session

from agentchat.agents.team import Allowance
from agentchat.durable.clock import Clock
from agentchat.errors import InvalidInput, NotFound
from agentchat.guard import Guard
from agentchat.inputs import checked_id
from agentchat.rights import Right
from agentchat.settings import Settings
from agentchat.store import spendings, threads
from agentchat.store.database import Database
from agentchat.store.spendings import Spent
from agentchat.views import LOCAL, Actor, AnswerSpentView, SpentPart, SpentView

T = TypeVar("T", covariant=True)

MOST_DAYS = 3_660


class _Query(Protocol[T]):
    def __call__(self, session: Session, found: str, guard: Guard, actor: Actor, /) -> T: ...


class Spendings:
    """What was spent: ``chat.spent``. Each call of a model counts, whatever became of it:
    answers, tries that failed, calls that were stopped, routing, summaries, remembering.

    A call whose price nobody knows is in ``unknown``, its tokens are counted, and
    ``cost_usd`` is then the least it can have been. What was spent is kept for ever; of an id
    that is not known nothing was spent.
    """

    def __init__(self, database: Database, clock: Clock, guard: Guard) -> None:
        self._database = database
        self._clock = clock
        self._guard = guard

    async def of_message(self, message_id: str, *, actor: Actor = LOCAL) -> SpentView:
        """What an answer has cost, each time it was tried, with the sub-agents that it asked."""
        return _view(await self._read(_of_message, message_id, actor))

    async def of_run(self, run_id: str, *, actor: Actor = LOCAL) -> SpentView:
        """What a run has spent, with the runs that it started, as long as they are kept."""
        return _view(await self._read(_of_run, run_id, actor))

    async def of_thread(self, thread_id: str, *, actor: Actor = LOCAL) -> SpentView:
        """What a thread has cost; raises :class:`~agentchat.errors.ThreadNotFound`."""
        return await self._read(_of_thread, thread_id, actor)

    async def of_me(self, days: float = 1, *, actor: Actor = LOCAL) -> SpentView:
        """What was spent for this person in so many days up to now; raises
        :class:`~agentchat.errors.InvalidInput` for less than none, or more than ten years.
        """
        self._guard.person(actor)
        if not 0 < days <= MOST_DAYS:
            raise InvalidInput(f"Between 0 and {MOST_DAYS:,} days can be added up.")
        since = self._clock.now() - timedelta(days=days)
        return _view(await self._database.read(spendings.of_user, actor.id, since=since))

    def follow_thread(
        self, thread_id: str, *, actor: Actor = LOCAL
    ) -> AsyncGenerator[SpentView, None]:
        """Yield what a thread has cost, now and whenever that changes; raises
        :class:`~agentchat.errors.ThreadNotFound`, also when the thread is deleted.
        """
        return self._follow(_of_thread, thread_id, actor)

    def follow_answer(
        self, message_id: str, *, actor: Actor = LOCAL
    ) -> AsyncGenerator[AnswerSpentView, None]:
        """Yield what an answer and its thread have cost, now and whenever that changes; of one
        that is not there (any more), that it cost nothing.
        """
        return self._follow(_of_answer, message_id, actor)

    async def _read(self, query: _Query[T], found: str, actor: Actor) -> T:
        self._guard.person(actor)
        return await self._database.read(query, checked_id(found), self._guard, actor)

    def _follow(self, query: _Query[T], found: str, actor: Actor) -> AsyncGenerator[T, None]:
        self._guard.person(actor)
        seen_as = self._guard.seen_as(actor)
        return self._database.live.follow(query, checked_id(found), self._guard, seen_as)


def allowance_of(settings: Settings) -> Allowance:
    """What all agents together may spend, as a deployment says; 0 is no limit."""
    return Allowance(
        thread_tokens=settings.thread_tokens or None,
        thread_usd=settings.thread_usd or None,
        user_day_tokens=settings.user_day_tokens or None,
        user_day_usd=settings.user_day_usd or None,
    )


def _of_message(session: Session, message_id: str, guard: Guard, actor: Actor) -> Spent:
    with suppress(NotFound):
        guard.message(session, message_id, actor, Right.READ)
        return spendings.of_messages(session, message_id)
    return Spent()


def _of_run(session: Session, run_id: str, guard: Guard, actor: Actor) -> Spent:
    with suppress(NotFound):
        guard.run_id(session, run_id, actor, Right.READ)
        return spendings.of_runs(session, run_id)
    return Spent()


def _of_thread(session: Session, thread_id: str, guard: Guard, actor: Actor) -> SpentView:
    threads.get(session, thread_id)
    guard.thread(session, thread_id, actor, Right.READ)
    return _view(spendings.in_thread(session, thread_id))


def _of_answer(session: Session, message_id: str, guard: Guard, actor: Actor) -> AnswerSpentView:
    answer = spendings.answer_of(session, message_id)
    try:
        guard.message(session, message_id, actor, Right.READ)
    except NotFound:
        answer = None
    if answer is None:
        return AnswerSpentView(message_id)
    thread_id, begun, ended = answer
    return AnswerSpentView(
        message_id,
        _view(spendings.of_messages(session, message_id)),
        tuple(
            SpentPart(agent, model, _view(spent))
            for agent, model, spent in spendings.by_agent(session, message_id)
        ),
        _view(spendings.in_thread(session, thread_id)),
        -1.0 if ended is None else max(0.0, (ended - begun).total_seconds()),
    )


def _view(spent: Spent) -> SpentView:
    return SpentView(
        spent.calls,
        spent.input_tokens,
        spent.output_tokens,
        spent.cost_usd,
        spent.unknown,
        spent.estimated,
        spent.cached_tokens,
    )
