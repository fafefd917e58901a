"""What threads are to each of those who may read them: pinned, archived, in a folder, and how
far they have read.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, case, delete, exists, func, or_, select, true
from sqlalchemy.dialects import postgresql, sqlite

from agentchat.columns import table_of
from agentchat.errors import ThreadNotFound
from agentchat.models import LIVE_MESSAGE, Message, Role, Thread, ThreadMark
from agentchat.store.changes import rows
from agentchat.store.writer import Tx

MARKS = table_of(ThreadMark)
_THREADS = table_of(Thread)
_MESSAGES = table_of(Message)
NEVER = -1
"""How far somebody has read who has not looked yet, but marked the thread otherwise."""


def put(tx: Tx, thread_id: str, /, user_id: str, **values: Any) -> None:
    """Let a thread be this to a person: ``pinned_at``, ``archived_at``, ``folder``, ``read_to``.
    Whatever is not given stays. Raises :class:`~agentchat.errors.ThreadNotFound`.
    """
    _length(tx, thread_id)
    dialect = sqlite if tx.dialect == "sqlite" else postgresql
    whose = {"thread_id": thread_id, "user_id": user_id}
    row = {"folder": "", "read_to": NEVER, **values, **whose}
    added = dialect.insert(MARKS).values(**row)
    put = added.on_conflict_do_update(index_elements=["thread_id", "user_id"], set_=values)
    tx.execute(put, about=rows("thread_marks", whose))


def read(tx: Tx, thread_id: str, /, user_id: str) -> None:
    """A person has read all that is there: up to the first answer that waits or grows. Raises
    :class:`~agentchat.errors.ThreadNotFound`.
    """
    live = select(func.min(_MESSAGES.c.position)).where(
        _MESSAGES.c.thread_id == thread_id,
        _MESSAGES.c.hidden.is_(False),
        _MESSAGES.c.status.in_(LIVE_MESSAGE),
    )
    first = tx.execute(live).scalar()
    read_to = _length(tx, thread_id) if first is None else first
    mine = select(MARKS.c.read_to).where(MARKS.c.thread_id == thread_id, MARKS.c.user_id == user_id)
    # Whoever looks says so often; only what is new is to wake those who follow.
    if tx.execute(mine).scalar() != read_to:
        put(tx, thread_id, user_id, read_to=read_to)


def unread(tx: Tx, thread_id: str, /, user_id: str) -> None:
    """A person wants to read the newest again that others said, or agents; nothing, if there is
    none. Raises :class:`~agentchat.errors.ThreadNotFound`.
    """
    newest = select(func.max(_MESSAGES.c.position)).where(
        _MESSAGES.c.thread_id == thread_id, *_by_others(user_id)
    )
    position = tx.execute(newest).scalar()
    if position is None:
        _length(tx, thread_id)
    else:
        put(tx, thread_id, user_id, read_to=position)


def is_unread(user_id: str, *, everything: bool) -> ColumnElement[bool]:
    """Whether something is new to a person in a thread of the query, with their mark of it if they
    have one: something by others, or by an agent, that will not change any more. What they have
    never looked at is new if it was shared with them; their own is not, nor anything for whom
    ``everything`` is open.
    """
    own = true() if everything else _THREADS.c.owner_id == user_id
    read_to = case(
        (func.coalesce(MARKS.c.read_to, NEVER) != NEVER, MARKS.c.read_to),
        (own, _THREADS.c.length),
        else_=0,
    )
    return exists().where(
        _MESSAGES.c.thread_id == _THREADS.c.id,
        _MESSAGES.c.position >= read_to,
        *_by_others(user_id),
    )


def of(user_id: str) -> ColumnElement[bool]:
    """That a mark is this person's of a thread of the query."""
    return and_(MARKS.c.thread_id == _THREADS.c.id, MARKS.c.user_id == user_id)


def delete_of_thread(tx: Tx, thread_id: str) -> None:
    """A thread is nothing to anybody any more."""
    tx.execute(delete(MARKS).where(MARKS.c.thread_id == thread_id))


def _by_others(user_id: str) -> tuple[ColumnElement[bool], ...]:
    return (
        _MESSAGES.c.hidden.is_(False),
        _MESSAGES.c.status.not_in(LIVE_MESSAGE),
        or_(_MESSAGES.c.role == Role.ASSISTANT, _MESSAGES.c.user_id != user_id),
    )


def _length(tx: Tx, thread_id: str) -> int:
    query = select(_THREADS.c.length).where(_THREADS.c.id == thread_id)
    found: int | None = tx.execute(query).scalar()
    if found is None:
        raise ThreadNotFound
    return found
