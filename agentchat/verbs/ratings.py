"""The verbs on what people think of answers: each person's own."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from agentchat.errors import InvalidInput, MessageNotFound, ThreadNotFound
from agentchat.guard import Guard
from agentchat.inputs import checked_id, storable
from agentchat.models import Rating, Role
from agentchat.rights import Right
from agentchat.store import audits, messages, ratings, threads
from agentchat.store.audits import Entry
from agentchat.store.writer import Tx
from agentchat.verbs.inner import Inner
from agentchat.views import LOCAL, Actor

MOST_REASON = 1_000
"""The most characters of a reason."""
EXPORTED = 500
"""How many are read at a time."""


@dataclass(frozen=True)
class RatingView:
    """What the person who looks thinks of an answer, and why, if they said so."""

    message_id: str
    good: bool
    reason: str = ""


class RatingVerbs(Inner):
    """What :class:`~agentchat.chat.AgentChat` lets the outside say of answers."""

    async def rate(
        self, message_id: str, good: bool | None, reason: str = "", *, actor: Actor = LOCAL
    ) -> None:
        """Say whether an answer is good, and why; None takes back what this person said before.
        Nobody else is shown it but whoever looks after the app.

        Raises MessageNotFound for what is no answer of a thread that they may read, and
        InvalidInput.
        """
        self._guard.person(actor)
        if good not in (True, False, None) or not isinstance(reason, str):
            raise InvalidInput("An answer is good or not, for a reason in words.")
        reason = storable(reason).strip()
        if len(reason) > MOST_REASON:
            raise InvalidInput(f"A reason has {MOST_REASON:,} characters at most. Shorten it.")
        message_id, now = checked_id(message_id), self._clock.now()

        def rate(tx: Tx, message_id: str) -> None:
            message = messages.find(tx, message_id)
            if message is None or message.role != Role.ASSISTANT:
                raise MessageNotFound
            if good is None:
                ratings.take_back(tx, message.id, actor.id)
                return
            # Held, so that it is not deleted meanwhile.
            if threads.lock(tx, message.thread_id) is None:
                raise ThreadNotFound
            own = {"message_id": message.id, "user_id": actor.id, "thread_id": message.thread_id}
            ratings.put(tx, Rating(**own, good=good, reason=reason, created_at=now))

        await self._database.write(self._guard.of_message(rate, actor, Right.READ), message_id)

    def follow_ratings(
        self, thread_id: str, *, actor: Actor = LOCAL
    ) -> AsyncGenerator[tuple[RatingView, ...], None]:
        """Yield what this person thinks of the answers of a thread, now and whenever it changes;
        raises ThreadNotFound.
        """
        self._guard.person(actor)
        return self._database.live.follow(_mine, checked_id(thread_id), self._guard, actor)

    async def exported_ratings(self, *, actor: Actor = LOCAL) -> AsyncGenerator[str, None]:
        """Yield what everybody thinks, oldest first, some at a time, each a line of JSON: with
        the ids of message, thread, run and person, and who answered by which model. For
        administrators; raises NotAllowed.
        """
        self._guard.operator(actor)
        entry = Entry("app", "ratings", "export", actor)
        await self._database.write(audits.add, entry, now=self._clock.now())
        after = None
        while found := await self._database.read(ratings.exported, after=after, limit=EXPORTED):
            yield "".join(f"{json.dumps(_line(row), ensure_ascii=False)}\n" for row in found)
            last = found[-1]
            after = (last.created_at, last.message_id, last.user_id)


def _mine(session: Session, thread_id: str, guard: Guard, actor: Actor) -> tuple[RatingView, ...]:
    guard.thread(session, thread_id, actor, Right.READ)
    found = ratings.of_person(session, thread_id, actor.id)
    return tuple(RatingView(one, good, reason) for one, (good, reason) in sorted(found.items()))


def _line(row: Row[Any]) -> dict[str, Any]:
    return {**row._mapping, "created_at": row.created_at.isoformat()}
