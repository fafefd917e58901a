"""Answers as a whole: their message, its parts, and what they ask of people."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from agentchat.models import MessageStatus
from agentchat.store import asks, messages, parts
from agentchat.store.messages import Answer
from agentchat.store.writer import Tx


def settle(tx: Tx, answer: Answer, *, status: MessageStatus, now: datetime, **values: Any) -> str:
    """Make the answer final, and all that it consists of, and return its text; ``values`` are
    those of :func:`agentchat.store.messages.settle`.
    """
    parts.close(tx, answer, now=now)
    asks.withdraw(tx, answer.message_id, answer.thread_id, now=now)
    return messages.settle(tx, answer, status=status, now=now, **values)


def reopen(tx: Tx, answer: Answer, *, user_id: str) -> None:
    """A stopped or failed answer waits for a new run, for this person; what it held is gone."""
    asks.delete_of(tx, answer.message_id, answer.thread_id)
    parts.delete_of(tx, answer)
    messages.reopen(tx, answer, user_id=user_id)
