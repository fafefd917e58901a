"""Asking people from within a run: to approve a call, to answer, to let it go on.

The row is the truth: whoever changes it first has decided. The event only wakes the run.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from agentchat.columns import json_text
from agentchat.durable.context import Context
from agentchat.errors import Fenced, WaitTimeout
from agentchat.models import AskStatus
from agentchat.store import asks
from agentchat.store.messages import Answer
from agentchat.store.writer import Tx

_ASKS = uuid.UUID("3f0c1d0e-2f4e-4c43-9d7a-5f6b6c1e8a55")
"""The namespace of the ids of asks."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What came of an ask. ``answer`` is the arguments that were approved, or words."""

    status: str
    answer: Any = None
    reason: str = ""
    by: str = ""

    @property
    def approved(self) -> bool:
        """Whether what was asked for may be done."""
        return self.status == AskStatus.APPROVED

    @property
    def words(self) -> str:
        """What the model is told of a decision that was not a yes."""
        if self.status == AskStatus.EXPIRED:
            return "Nobody decided in time, so this was not done."
        if self.status == AskStatus.ANSWERED:
            return f"This was not done. {self.by} answered instead: {self.answer}"
        if self.status == AskStatus.DENIED:
            because = f" The reason: {self.reason}" if self.reason else ""
            return f"{self.by} did not allow this, so it was not done.{because}"
        return "This was not done."


def ask_id(answer: Answer, position: int, number: int) -> str:
    """The id of what an answer asks in one of its parts, where so much was asked before."""
    return uuid.uuid5(_ASKS, f"{answer.run_id}\n{position}\n{number}").hex


def hash_of(value: Any) -> str:
    """What binds a decision to exactly what was shown."""
    return hashlib.sha256(json_text(value).encode()).hexdigest()


def ask(
    tx: Tx,
    answer: Answer,
    position: int,
    *,
    now: datetime,
    deadline: timedelta | None,
    **values: Any,
) -> str:
    """Ask in a part of an answer, in the transaction that adds it; ``values`` are columns of
    :class:`~agentchat.models.Ask`. Returns its id.
    """
    made = ask_id(answer, position, asks.count(tx, answer.run_id, position))
    asks.add(
        tx,
        {
            "id": made,
            "run_id": answer.run_id,
            "thread_id": answer.thread_id,
            "message_id": answer.message_id,
            "part": position,
            "deadline": None if deadline is None else now + deadline,
            "created_at": now,
            **values,
        },
    )
    return made


async def wait(ctx: Context, asked: str, deadline: timedelta | None) -> None:
    """Wait, holding nothing, until somebody has decided or the deadline is over."""
    try:
        await ctx.wait_for(asks.event_of(asked), str, timeout=deadline)
    except WaitTimeout:
        return


def position_of(tx: Tx, asked: str) -> int:
    """The part of the answer in which this was asked."""
    ask = asks.lock(tx, asked)
    return -1 if ask is None or ask.part is None else ask.part


def decision_of(tx: Tx, asked: str, now: datetime) -> Decision:
    """What was decided, in the transaction that acts on it; from now on it is too late."""
    ask = asks.lock(tx, asked)
    if ask is None:
        # Its thread was deleted; the run is about to learn that it has ended.
        raise Fenced
    if ask.status == AskStatus.OPEN:
        asks.expire(tx, ask, now=now)
        return Decision(AskStatus.EXPIRED)
    return Decision(ask.status, ask.answer, ask.reason, ask.decided_by or "")
