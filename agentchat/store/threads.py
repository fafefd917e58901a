"""Threads: their rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, or_, select, update
from sqlmodel import Session, col

from agentchat.columns import table_of
from agentchat.errors import ThreadNotFound
from agentchat.models import ACTIVE_RUN, Ask, AskStatus, Run, SecondMessage, Thread
from agentchat.rights import Right
from agentchat.store import access
from agentchat.store.writer import Tx


def create(
    tx: Tx,
    thread_id: str,
    *,
    owner_id: str,
    title: str,
    now: datetime,
    parent_id: str | None = None,
    parent_message_id: str | None = None,
    agent: str = "",
    length: int = 0,
) -> None:
    """Add a thread, to which so many messages are added at once."""
    tx.execute(
        insert(Thread),
        {
            "id": thread_id,
            "owner_id": owner_id,
            "title": title,
            "length": length,
            "agent": agent,
            "second_message": SecondMessage.QUEUE,
            "state": {},
            "parent_id": parent_id,
            "parent_message_id": parent_message_id,
            "created_at": now,
            "updated_at": now,
        },
    )


def lock(tx: Tx, thread_id: str) -> Thread | None:
    """The thread's row, held until the transaction ends; None if it never existed.

    Raises :class:`ThreadNotFound` if it was deleted.
    """
    query = select(table_of(Thread)).where(col(Thread.id) == thread_id).with_for_update()
    row = tx.execute(query).mappings().first()
    if row is None:
        return None
    if row["deleted_at"] is not None:
        raise ThreadNotFound
    return Thread(**row)


def known(tx: Tx, thread_id: str) -> bool:
    """Whether there is or was a thread with this id."""
    return tx.execute(select(col(Thread.id)).where(col(Thread.id) == thread_id)).first() is not None


def grow(tx: Tx, thread: Thread, *, by: int, title: str, now: datetime) -> None:
    """Count ``by`` more messages; name the thread if it has no name yet."""
    tx.execute(
        update(Thread)
        .where(col(Thread.id) == thread.id)
        .values(length=thread.length + by, updated_at=now, title=thread.title or title)
    )


def rename(tx: Tx, thread_id: str, title: str) -> None:
    """Give the thread another title; raises :class:`ThreadNotFound`."""
    _change(tx, thread_id, title=title)


def choose(tx: Tx, thread_id: str, /, **values: object) -> None:
    """Say which ``agent`` answers in a thread, or what a ``second_message`` does; raises
    :class:`ThreadNotFound`.
    """
    _change(tx, thread_id, **values)


def within(tx: Tx, thread_id: str) -> list[str]:
    """The threads in which sub-agents worked for this one, and those within them."""
    found, look = [], [thread_id]
    while look:
        query = select(col(Thread.id)).where(col(Thread.parent_id) == look.pop())
        inner = [inner_id for (inner_id,) in tx.execute(query).all()]
        found += inner
        look += inner
    return found


def delete(tx: Tx, thread_id: str, *, now: datetime) -> None:
    """Mark the thread deleted and forget its name; raises :class:`ThreadNotFound`."""
    _change(tx, thread_id, deleted_at=now, title="")


def bury(tx: Tx, thread_id: str, *, now: datetime) -> None:
    """Mark a thread deleted that may be deleted already."""
    tx.execute(
        update(Thread)
        .where(col(Thread.id) == thread_id, col(Thread.deleted_at).is_(None))
        .values(deleted_at=now, title="")
    )


def _change(tx: Tx, thread_id: str, **values: object) -> None:
    changed = tx.execute(
        update(Thread)
        .where(col(Thread.id) == thread_id, col(Thread.deleted_at).is_(None))
        .values(**values)
    )
    if not changed.rowcount:
        raise ThreadNotFound


def get(session: Session, thread_id: str) -> Thread:
    """The thread; raises :class:`ThreadNotFound` if it is unknown or deleted."""
    thread = session.get(Thread, thread_id)
    if thread is None or thread.deleted_at is not None:
        raise ThreadNotFound
    return thread


def newest(session: Session, *, reader_id: str | None = None, limit: int) -> Sequence[Row[Any]]:
    """``id``, ``title`` and ``updated_at`` of the threads with a message or a name, most
    recently used first; of those that ``reader_id`` may read, if one is given.
    """
    query = (
        select(col(Thread.id), col(Thread.title), col(Thread.updated_at))
        .where(
            col(Thread.deleted_at).is_(None),
            col(Thread.parent_id).is_(None),
            or_(col(Thread.length) > 0, col(Thread.title) != ""),
        )
        .order_by(col(Thread.updated_at).desc(), col(Thread.id))
        .limit(limit)
    )
    if reader_id is not None:
        query = query.where(access.among(table_of(Thread).c.id, reader_id, Right.READ))
    return session.execute(query).all()


def running(session: Session) -> set[str]:
    """The ids of the threads in which a run is queued or running."""
    query = select(col(Run.thread_id)).where(col(Run.status).in_(ACTIVE_RUN))
    return {thread_id for thread_id in session.scalars(query) if thread_id is not None}


def asking(session: Session) -> set[str]:
    """The ids of the threads whose runs wait for a person, or those of their sub-agents."""
    query = (
        select(col(Run.thread_id))
        .join(Ask, col(Ask.run_id) == col(Run.id))
        .where(col(Ask.status) == AskStatus.OPEN)
    )
    return {thread_id for thread_id in session.scalars(query) if thread_id is not None}
