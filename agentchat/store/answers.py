"""Answers as a whole: their message, its parts, and what they ask of people."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, exists, insert, select

from agentchat.columns import table_of
from agentchat.models import OPEN_PART, Ask, AskStatus, Delta, Message, MessageStatus, Part
from agentchat.store import asks, messages, parts, spendings
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


_AGAIN: dict[str, Any] = {
    "text": "",
    "error_kind": None,
    "error": None,
    "stopped_by": None,
    "finished_at": None,
}


def reopen(tx: Tx, answer: Answer, *, user_id: str) -> None:
    """A stopped or failed answer waits for a new run, for this person; what it held is gone."""
    asks.delete_of(tx, answer.message_id, answer.thread_id)
    parts.delete_of(tx, answer)
    about = {"status": MessageStatus.PENDING, "run_id": answer.run_id, "user_id": user_id}
    messages.change(tx, answer, of_this_run=False, **about, **_AGAIN)


def write_on(tx: Tx, answer: Answer, *, user_id: str) -> None:
    """An answer that is over waits for a new run, for this person, with the parts that it has."""
    about = {"status": MessageStatus.PENDING, "run_id": answer.run_id, "user_id": user_id}
    messages.change(tx, answer, of_this_run=False, **about, **_AGAIN)


def claim(tx: Tx, answer: Answer) -> None:
    """An answer that was asked for by another run has no run until its own begins: this is it."""
    messages.change(tx, replace(answer, run_id=""), run_id=answer.run_id)


def go_on(tx: Tx, answer: Answer, message: Message, *, attempt: int, now: datetime) -> None:
    """A stopped or failed answer is written on by the run that wrote it, which has made so many
    attempts. What it held is kept; what was open when it ended is open again.
    """
    # Before the asks: whether one was withdrawn is known only until it is asked again.
    parts.reopen(tx, answer)
    asks.reopen(tx, answer.message_id, answer.thread_id, now=now)
    spendings.take_back(tx, answer)
    if message.text:
        # It grows again: if the call that wrote it was over, it stays; if not, the next attempt
        # puts its own in its place.
        about = {"message_id": answer.message_id, "thread_id": answer.thread_id}
        piece = {"attempt": attempt, "tries": 1, "text": message.text, "created_at": now}
        tx.execute(insert(Delta), about | piece)
    begun = bool(message.model)
    status = MessageStatus.RUNNING if begun else MessageStatus.PENDING
    messages.change(tx, answer, status=status, **_AGAIN)
