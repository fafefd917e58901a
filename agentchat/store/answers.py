"""Answers as a whole: their message, its parts, and what they ask of people."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, exists, select

from agentchat.columns import table_of
from agentchat.models import OPEN_PART, Ask, AskStatus, MessageStatus, Part
from agentchat.store import asks, messages, parts
from agentchat.store.messages import Answer
from agentchat.store.writer import Tx


def settle(tx: Tx, answer: Answer, *, status: MessageStatus, now: datetime, **values: Any) -> str:
    """Make the answer final, and all that it consists of, and return its text; ``values`` are
    those of :func:`agentchat.store.messages.settle`.
    """
    open_part, open_ask = tx.execute(_OPEN, {"message_id": answer.message_id}).one()
    if open_part:
        parts.close(tx, answer, now=now)
    if open_ask:
        asks.withdraw(tx, answer.message_id, answer.thread_id, now=now)
    return messages.settle(tx, answer, status=status, now=now, **values)


_PARTS, _ASKS = table_of(Part), table_of(Ask)
_OPEN = select(
    exists().where(_PARTS.c.message_id == bindparam("message_id"), _PARTS.c.status.in_(OPEN_PART)),
    exists().where(_ASKS.c.message_id == bindparam("message_id"), _ASKS.c.status == AskStatus.OPEN),
)


def reopen(tx: Tx, answer: Answer, *, user_id: str) -> None:
    """A stopped or failed answer waits for a new run, for this person; what it held is gone."""
    asks.delete_of(tx, answer.message_id, answer.thread_id)
    parts.delete_of(tx, answer)
    messages.reopen(tx, answer, user_id=user_id)


def go_on(tx: Tx, answer: Answer) -> None:
    """A stopped or failed answer is written on by the same run: what it held is kept, but for
    the text of the step that is done again. What was open when it ended is open again.
    """
    parts.reopen(tx, answer)
    asks.reopen(tx, answer.message_id, answer.thread_id)
    messages.go_on(tx, answer)
