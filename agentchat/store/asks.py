"""Asks: what runs wait for from people, and what people decided."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlmodel import Session, col

from agentchat.columns import of_row, table_of
from agentchat.models import Ask, AskStatus, Run, Thread
from agentchat.rights import Right
from agentchat.store import access, events
from agentchat.store.changes import Rows, rows
from agentchat.store.writer import Tx

_ASKS = table_of(Ask)
_THREADS = table_of(Thread)
_RUNS = table_of(Run)
_EMPTY: dict[str, Any] = {
    "part": None,
    "agent": "",
    "text": "",
    "tool": "",
    "input": None,
    "input_hash": "",
    "asked_of": "",
    "deadline": None,
    "answer": None,
    "reason": "",
    "decided_by": None,
    "decided_by_id": None,
    "decided_at": None,
}


def event_of(ask_id: str) -> str:
    """The name of the event that tells a run that somebody has decided."""
    return f"ask {ask_id}"


def add(tx: Tx, ask: dict[str, Any]) -> None:
    """Ask somebody, given by column."""
    tx.execute(insert(_ASKS), {**_EMPTY, "choices": [], "status": AskStatus.OPEN, **ask})


def count(tx: Tx, run_id: str, part: int) -> int:
    """How much a run has asked in a part."""
    query = select(func.count()).where(_ASKS.c.run_id == run_id, _ASKS.c.part == part)
    return int(tx.execute(query).scalar_one())


def lock(tx: Tx, ask_id: str) -> Ask | None:
    """The ask of this id, which nobody else changes until the commit."""
    query = select(_ASKS).where(_ASKS.c.id == ask_id).with_for_update()
    row = tx.execute(query).mappings().first()
    return None if row is None else of_row(Ask, row)


def decide(
    tx: Tx,
    ask: Ask,
    *,
    status: AskStatus,
    by: str,
    by_id: str,
    now: datetime,
    answer: Any = None,
    reason: str = "",
) -> None:
    """Write down what was decided about an open ask that the caller has locked, and wake the
    run that waits for it.
    """
    tx.execute(
        update(_ASKS)
        .where(_ASKS.c.id == ask.id)
        .values(
            status=status,
            answer=answer,
            reason=reason,
            decided_by=by,
            decided_by_id=by_id,
            decided_at=now,
        ),
        about=_about(ask),
    )
    events.send(
        tx,
        ask.run_id,
        name=event_of(ask.id),
        key=ask.id,
        payload=status,
        sent_by=by,
        now=now,
    )


def expire(tx: Tx, ask: Ask, *, now: datetime) -> None:
    """Nobody decided in time."""
    tx.execute(
        update(_ASKS).where(_ASKS.c.id == ask.id).values(status=AskStatus.EXPIRED, decided_at=now),
        about=_about(ask),
    )


def withdraw(tx: Tx, message_id: str, thread_id: str, *, now: datetime) -> None:
    """Nobody has to decide any more: the answer that asked has ended."""
    tx.execute(
        update(_ASKS)
        .where(_ASKS.c.message_id == message_id, _ASKS.c.status == AskStatus.OPEN)
        .values(status=AskStatus.WITHDRAWN, decided_at=now),
        about=rows("asks", {"message_id": message_id, "thread_id": thread_id}),
    )


def reopen(tx: Tx, message_id: str, thread_id: str, *, now: datetime) -> None:
    """The run that asked goes on, and asks again: there is as much time to decide as before."""
    withdrawn = _ASKS.c.message_id == message_id, _ASKS.c.status == AskStatus.WITHDRAWN
    query = select(_ASKS.c.id, _ASKS.c.created_at, _ASKS.c.deadline).where(*withdrawn)
    for ask_id, asked_at, deadline in tx.execute(query).all():
        again = {"status": AskStatus.OPEN, "decided_at": None, "created_at": now}
        if deadline is not None:
            again["deadline"] = now + (deadline - asked_at)
        tx.execute(
            update(_ASKS).where(_ASKS.c.id == ask_id).values(again),
            about=rows("asks", {"id": ask_id, "message_id": message_id, "thread_id": thread_id}),
        )


def delete_of(tx: Tx, message_id: str, thread_id: str) -> None:
    """Remove the asks of an answer that is begun anew."""
    tx.execute(
        delete(_ASKS).where(_ASKS.c.message_id == message_id),
        about=rows("asks", {"message_id": message_id, "thread_id": thread_id}),
    )


def delete_of_thread(tx: Tx, thread_id: str) -> None:
    """Remove the asks of a thread."""
    tx.execute(delete(Ask).where(col(Ask.thread_id) == thread_id))


def waiting(
    session: Session, user_id: str, *, writer_id: str | None = None, limit: int
) -> Sequence[Row[Any]]:
    """The open asks that a person may decide with the title of their thread, oldest first; of the
    threads in which ``writer_id`` may write, if one is given.
    """
    query = (
        select(_ASKS, _THREADS.c.title, _THREADS.c.parent_id)
        .join(_THREADS, _THREADS.c.id == _ASKS.c.thread_id)
        .where(
            _ASKS.c.status == AskStatus.OPEN,
            _ASKS.c.asked_of.in_(("", user_id)),
            _THREADS.c.deleted_at.is_(None),
        )
        .order_by(_ASKS.c.created_at, _ASKS.c.id)
        .limit(limit)
    )
    if writer_id is not None:
        # The run of a sub-agent is that of the first thread, where its people are.
        run = select(_RUNS.c.id).where(access.among(_RUNS.c.thread_id, writer_id, Right.WRITE))
        query = query.where(_ASKS.c.run_id.in_(run))
    return session.execute(query).all()


def waited(tx: Tx, message_ids: Collection[str]) -> float:
    """For how many seconds at least one of these answers has waited for people."""
    query = select(_ASKS.c.created_at, _ASKS.c.decided_at).where(
        _ASKS.c.message_id.in_(message_ids), _ASKS.c.decided_at.is_not(None)
    )
    seconds, over = 0.0, None
    for asked, decided in tx.execute(query.order_by(_ASKS.c.created_at)).all():
        begins = asked if over is None else max(asked, over)
        if decided > begins:
            seconds += (decided - begins).total_seconds()
            over = decided
    return seconds


def _about(ask: Ask) -> Rows:
    return rows("asks", {"id": ask.id, "message_id": ask.message_id, "thread_id": ask.thread_id})
