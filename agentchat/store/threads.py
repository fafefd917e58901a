"""Threads: their rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    exists,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    update,
)
from sqlmodel import Session, col

from agentchat.columns import table_of
from agentchat.errors import ThreadNotFound
from agentchat.models import (
    ACTIVE_RUN,
    Ask,
    AskStatus,
    Message,
    Run,
    SecondMessage,
    Thread,
    ThreadMember,
)
from agentchat.rights import Right
from agentchat.store import access, thread_marks
from agentchat.store.thread_marks import MARKS
from agentchat.store.writer import Tx

BY_PERSON, BY_MODEL = "person", "model"
"""Who wrote the title of a thread, if it is not its first words."""
_THREADS, _MEMBERS = table_of(Thread), table_of(ThreadMember)
_MESSAGES = table_of(Message)


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom threads are listed: their own marks, and what they may read, or everything."""

    user_id: str
    everything: bool = False


EVERYBODY: Final = Reader("", everything=True)


def create(
    tx: Tx,
    thread_id: str,
    *,
    owner_id: str,
    title: str,
    now: datetime,
    titled_by: str = "",
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
            "titled_by": titled_by,
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
    """A person gives the thread another title; raises :class:`ThreadNotFound`."""
    _change(tx, thread_id, title=title, titled_by=BY_PERSON)


def untitled(source: Session | Tx, thread_id: str) -> tuple[str, str] | None:
    """What a thread is called that neither a person nor a model has named, and its first message;
    None if somebody has, if it is deleted, or one in which a sub-agent works.
    """
    first = and_(
        _MESSAGES.c.thread_id == _THREADS.c.id,
        _MESSAGES.c.position == 0,
        _MESSAGES.c.hidden.is_(False),
    )
    query = (
        select(_THREADS.c.title, _MESSAGES.c.text)
        .join(_MESSAGES, first)
        .where(
            _THREADS.c.id == thread_id,
            _THREADS.c.titled_by == "",
            _THREADS.c.deleted_at.is_(None),
            _THREADS.c.parent_id.is_(None),
        )
    )
    found = source.execute(query).first()
    return None if found is None else (found.title, found.text)


def entitle(tx: Tx, thread_id: str, title: str, *, before: str) -> bool:
    """A model gives the thread a title, unless it is called another than ``before`` by now, or is
    deleted; whether it did.
    """
    changed = tx.execute(
        update(Thread)
        .where(
            col(Thread.id) == thread_id,
            col(Thread.title) == before,
            col(Thread.titled_by) == "",
            col(Thread.deleted_at).is_(None),
        )
        .values(title=title, titled_by=BY_MODEL)
    )
    return bool(changed.rowcount)


def choose(tx: Tx, thread_id: str, /, **values: object) -> None:
    """Say which ``agent`` answers in a thread, by which ``model``, or what a ``second_message``
    does; raises :class:`ThreadNotFound`.
    """
    _change(tx, thread_id, **values)


def model_of(session: Session, thread_id: str) -> str:
    """The model that was chosen for a thread; empty if none was."""
    return session.scalar(select(_THREADS.c.model).where(_THREADS.c.id == thread_id)) or ""


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
    """Mark the thread deleted; raises :class:`ThreadNotFound`."""
    _change(tx, thread_id, deleted_at=now)


def bury(tx: Tx, thread_id: str, *, now: datetime) -> None:
    """Mark a thread empty that may be deleted already, and forget its name."""
    values = {"deleted_at": func.coalesce(col(Thread.deleted_at), now), "emptied_at": now}
    tx.execute(
        update(Thread)
        .where(col(Thread.id) == thread_id, col(Thread.emptied_at).is_(None))
        .values(title="", **values)
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


def newest(
    session: Session,
    who: Reader = EVERYBODY,
    *,
    archived: bool = False,
    after: tuple[datetime, str] | None = None,
    limit: int,
) -> Sequence[Row[Any]]:
    """What a list tells of the threads with a message or a name that a person may read and has
    neither pinned nor put in a folder, most recently used first; of those that they have archived,
    or of the others. Only those ``after`` a place, if one is given: a time and an
    id.

    ``id``, ``title``, ``updated_at``, ``owner_id``, ``pinned_at``, ``folder``, ``unread``, and the
    ``role`` of a person with whom it is shared.
    """
    if archived:
        # Archived ones are one list, wherever they were before.
        query = _in_order(session).where(_marked(who, _ARCHIVED))
    else:
        marked = or_(MARKS.c.archived_at.is_not(None), _KEPT)
        marks = select(MARKS.c.thread_id).where(thread_marks.of(who.user_id), marked)
        query = _in_order(session).where(~exists(marks.correlate(_THREADS)))
    if after is not None:
        query = query.where(*behind(_THREADS.c.updated_at, *after))
    if who.everything:
        found = session.execute(query.limit(limit)).all()
    else:
        # Two queries and not one with "or": what is one's own is read from an index, in order, as
        # far as the limit.
        mine = query.where(_THREADS.c.owner_id == who.user_id)
        shared = query.where(access.shared_among(_THREADS.c.id, who.user_id, Right.READ))
        found = [row for one in (mine, shared) for row in session.execute(one.limit(limit)).all()]
        found.sort(key=lambda row: row.id)
        found.sort(key=lambda row: row.updated_at, reverse=True)
    return _told(session, who, list(dict.fromkeys(row.id for row in found))[:limit])


def kept(session: Session, who: Reader, *, limit: int) -> Sequence[Row[Any]]:
    """The same of those that a person has pinned or put in a folder, but not archived."""
    query = _in_order(session).where(_marked(who, _KEPT, MARKS.c.archived_at.is_(None)))
    if not who.everything:
        query = query.where(access.among(_THREADS.c.id, who.user_id, Right.READ))
    return _told(session, who, [row.id for row in session.execute(query.limit(limit)).all()])


def behind(
    column: ColumnElement[datetime], at: datetime, thread_id: str
) -> tuple[ColumnElement[bool], ...]:
    """That a thread comes after a place in a list by this time, the newest first."""
    # The first of the two is what an index finds.
    return column <= at, or_(column < at, _THREADS.c.id > thread_id)


def _in_order(session: Session) -> Select[Any]:
    """The ids of what is listed at all. No more: what is told of a thread costs more than to find
    it, also where it comes after the limit.
    """
    return (
        select(_THREADS.c.id, _THREADS.c.updated_at)
        .where(
            _THREADS.c.deleted_at.is_(None),
            _of_people(session),
            or_(_THREADS.c.length > 0, _THREADS.c.title != ""),
        )
        .order_by(_THREADS.c.updated_at.desc(), _THREADS.c.id)
    )


def _of_people(session: Session) -> ColumnElement[bool]:
    """That a thread is not that of a sub-agent."""
    if session.get_bind().dialect.name == "sqlite":
        # Hidden from its planner, which takes an index for a good one that finds nearly all.
        empty: ColumnElement[str] = literal_column("''")
        return func.coalesce(_THREADS.c.parent_id, empty) == empty
    return _THREADS.c.parent_id.is_(None)


def _told(session: Session, who: Reader, ids: Sequence[str]) -> Sequence[Row[Any]]:
    if not ids:
        return []
    shared = and_(_MEMBERS.c.thread_id == _THREADS.c.id, _MEMBERS.c.user_id == who.user_id)
    query = (
        select(
            *(_THREADS.c[name] for name in ("id", "title", "updated_at", "owner_id")),
            MARKS.c.pinned_at,
            func.coalesce(MARKS.c.folder, "").label("folder"),
            thread_marks.is_unread(who.user_id, everything=who.everything).label("unread"),
            func.coalesce(_MEMBERS.c.role, "").label("role"),
        )
        .outerjoin(MARKS, thread_marks.of(who.user_id))
        .outerjoin(_MEMBERS, shared)
        .where(_THREADS.c.id.in_(ids))
    )
    by_id = {row.id: row for row in session.execute(query)}
    return [by_id[one] for one in ids if one in by_id]


def _marked(who: Reader, *which: ColumnElement[bool]) -> ColumnElement[bool]:
    marked = select(MARKS.c.thread_id).where(MARKS.c.user_id == who.user_id, *which)
    return _THREADS.c.id.in_(marked)


# Word for word the conditions of the indexes ix_thread_marks_kept and ix_thread_marks_archived.
_KEPT = or_(MARKS.c.pinned_at.is_not(None), MARKS.c.folder != literal_column("''"))
_ARCHIVED = MARKS.c.archived_at.is_not(None)


def not_deleted(thread_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """That the thread that a column names, if any, is not deleted."""
    found = _THREADS.alias("of_row")
    gone = select(literal(1)).where(found.c.id == thread_id, found.c.deleted_at.is_not(None))
    # A value, no EXISTS: or a planner may join all threads there are.
    return func.coalesce(gone.limit(1).scalar_subquery(), 0) == 0


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
