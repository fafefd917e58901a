"""Threads that are deleted: hidden at once, had back if somebody wants, and emptied in the end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, select, update
from sqlmodel import Session

from agentchat.columns import table_of
from agentchat.models import ACTIVE_RUN, Run, Thread
from agentchat.store import (
    asks,
    attachments,
    branches,
    ends,
    follow_ups,
    members,
    memory_texts,
    messages,
    notes,
    parts,
    presences,
    ratings,
    runs,
    share_links,
    summaries,
    thread_marks,
    threads,
    unquoted,
    waiting,
)
from agentchat.store.writer import Tx

_THREADS, _RUNS = table_of(Thread), table_of(Run)
_BELONGING = (
    asks,
    parts,
    attachments,
    notes,
    summaries,
    members,
    share_links,
    presences,
    branches,
    ratings,
    thread_marks,
    unquoted,
    waiting,
)


def hide(tx: Tx, thread_id: str, *, by: str, now: datetime) -> list[str]:
    """A thread is deleted, with those in which sub-agents worked for it: nobody finds it any more.
    Returns the ids of the runs in it that were under way; the caller has ended those of answers.

    Raises :class:`~agentchat.errors.ThreadNotFound`.
    """
    threads.delete(tx, thread_id, now=now)
    memory_texts.unquote_thread(tx, thread_id)
    for inner in threads.within(tx, thread_id):
        _mark(tx, inner, _THREADS.c.deleted_at.is_(None), deleted_at=now)
        memory_texts.unquote_thread(tx, inner)
    active = select(_RUNS.c.id).where(
        _RUNS.c.thread_id == thread_id, _RUNS.c.status.in_(ACTIVE_RUN)
    )
    left = [run_id for (run_id,) in tx.execute(active).all()]
    return [run_id for run_id in left if ends.kill(tx, run_id, by=by, now=now)]


def lock_deleted(tx: Tx, thread_id: str) -> Thread | None:
    """The row of a deleted thread that can still be had back, held until the transaction ends;
    None if there is none.
    """
    query = select(_THREADS).where(_THREADS.c.id == thread_id, *_to_have_back())
    row = tx.execute(query.with_for_update()).mappings().first()
    return None if row is None else Thread(**row)


def restore(tx: Tx, thread_id: str, *, now: datetime) -> None:
    """Have a deleted thread back that the caller has locked. What it was quoted for elsewhere is
    quoted again, and follow-ups that were due meanwhile go on.
    """
    back = (thread_id, *threads.within(tx, thread_id))
    for one in back:
        _mark(tx, one, _THREADS.c.emptied_at.is_(None), deleted_at=None)
    for one in back:
        memory_texts.requote_thread(tx, one)
        follow_ups.tell(tx, one, now=now)


def empty(tx: Tx, thread_id: str, *, now: datetime) -> None:
    """Remove all that was said and done in a thread, and in those within it. Only their ids stay,
    so that they are not made again.
    """
    for one in (*threads.within(tx, thread_id), thread_id):
        for rows in _BELONGING:
            rows.delete_of_thread(tx, one)
        memory_texts.forget_thread(tx, one)
        messages.delete_of(tx, one)
        runs.delete_of(tx, one)
        threads.bury(tx, one, now=now)
        follow_ups.tell(tx, one, now=now)


def deleted_by_owner(
    session: Session,
    user_id: str | None,
    *,
    after: tuple[datetime, str] | None = None,
    limit: int,
) -> Sequence[Row[Any]]:
    """``id``, ``title`` and ``deleted_at`` of the deleted threads of a person, or of all, that can
    still be had back, the newest first; those ``after`` a place, if one is given.
    """
    query = (
        select(_THREADS.c.id, _THREADS.c.title, _THREADS.c.deleted_at)
        .where(*_to_have_back(), _THREADS.c.parent_id.is_(None))
        .order_by(_THREADS.c.deleted_at.desc(), _THREADS.c.id)
        .limit(limit)
    )
    if user_id is not None:
        query = query.where(_THREADS.c.owner_id == user_id)
    if after is not None:
        query = query.where(*threads.behind(_THREADS.c.deleted_at, *after))
    return session.execute(query).all()


def overdue(session: Session, *, before: datetime, limit: int) -> list[str]:
    """The ids of the threads that were deleted before a time and are not empty yet."""
    query = select(_THREADS.c.id).where(
        *_to_have_back(), _THREADS.c.parent_id.is_(None), _THREADS.c.deleted_at <= before
    )
    return list(session.scalars(query.order_by(_THREADS.c.deleted_at).limit(limit)))


def empty_overdue(tx: Tx, thread_id: str, *, before: datetime, now: datetime) -> bool:
    """Empty a thread that was deleted before a time, unless somebody has had it back; whether it
    did.
    """
    held = lock_deleted(tx, thread_id)
    if held is None or held.deleted_at is None or held.deleted_at > before:
        return False
    empty(tx, thread_id, now=now)
    return True


def _to_have_back() -> tuple[ColumnElement[bool], ...]:
    return _THREADS.c.deleted_at.is_not(None), _THREADS.c.emptied_at.is_(None)


def _mark(tx: Tx, thread_id: str, which: ColumnElement[bool], **values: object) -> None:
    tx.execute(update(_THREADS).where(_THREADS.c.id == thread_id, which).values(**values))
