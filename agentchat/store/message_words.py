"""Finding messages by their words: those that hold most of what is asked (migration 0016).

What is asked is data: see :mod:`agentchat.store.asked`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Float, Select, and_, case, cast, func, not_, or_, select, true, union_all
from sqlmodel import Session

from agentchat.columns import table_of
from agentchat.models import Message, Thread
from agentchat.rights import Right
from agentchat.store.access import shared_among
from agentchat.store.asked import Word, telling
from agentchat.store.message_index import FTS, in_postgresql, in_sqlite, is_sqlite

CONSIDERED: Final = 200
"""Of how many messages, that hold the most words or signs that they may, texts are looked into."""
_MESSAGES = table_of(Message)
_THREADS = table_of(Thread)


@dataclass(frozen=True, slots=True)
class Found:
    """A message that holds words of a query, in the thread of this title."""

    id: str
    thread_id: str
    title: str
    position: int
    author: str
    role: str
    text: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Where:
    """Where to look: in one thread, or in all that a person owns or wrote in. ``before`` is the
    thread and position from which on nothing counts, as it is what is being answered.
    ``open_to_all`` is an app where everybody may read every thread; in others one that somebody
    wrote in counts as long as it is shared with them.
    """

    user_id: str
    thread_id: str = ""
    before: tuple[str, int] = ("", 0)
    open_to_all: bool = False


def search(session: Session, query: str, where: Where, *, limit: int) -> list[Found]:
    """The messages that hold a word of ``query``, those that hold most of it first, then the
    newest; none of deleted threads or of those in which sub-agents worked.
    """
    asked = telling(query)
    if not asked or limit < 1:
        return []
    some = (_in_sqlite if is_sqlite(session) else _in_postgresql)(asked.words, where)
    ids = session.scalars(some.limit(max(CONSIDERED, limit))).all()
    held = [(asked.held(one.text), one) for one in _read(session, ids)]
    held.sort(key=lambda pair: (pair[0], pair[1].created_at, pair[1].id), reverse=True)
    return [one for share, one in held[:limit] if share]


def position_of(session: Session, message_id: str) -> tuple[str, int]:
    """The thread of a message and its place there; empty and 0 if there is none."""
    query = select(_MESSAGES.c.thread_id, _MESSAGES.c.position)
    row = session.execute(query.where(_MESSAGES.c.id == message_id)).first()
    return ("", 0) if row is None else (row.thread_id, row.position)


def _read(session: Session, message_ids: Sequence[str]) -> list[Found]:
    message = _MESSAGES.c
    query = select(
        message.id,
        message.thread_id,
        _THREADS.c.title,
        message.position,
        message.author,
        message.role,
        message.text,
        message.created_at,
    ).join(_THREADS, _THREADS.c.id == message.thread_id)
    return [Found(*row) for row in session.execute(query.where(message.id.in_(message_ids)))]


def _open(where: Where) -> Select[Any]:
    """The ids of messages that may be found at all. Whose they are is said by the rows themselves.
    Not their texts, which would be sorted with them.
    """
    message, thread = _MESSAGES.c, _THREADS.c
    wrote = _MESSAGES.alias("wrote")
    mine = (
        select(wrote.c.id)
        .where(wrote.c.thread_id == thread.id, wrote.c.user_id == where.user_id)
        .exists()
    )
    shared = true() if where.open_to_all else shared_among(thread.id, where.user_id, Right.READ)
    before, position = where.before
    query = (
        select(message.id)
        .join(_THREADS, thread.id == message.thread_id)
        .where(
            message.hidden.is_(False),
            thread.deleted_at.is_(None),
            thread.parent_id.is_(None),
            or_(thread.owner_id == where.user_id, and_(mine, shared)),
            not_(and_(message.thread_id == before, message.position >= position)),
        )
    )
    return query.where(message.thread_id == where.thread_id) if where.thread_id else query


def _in_sqlite(words: Sequence[Word], where: Where) -> Select[Any]:
    threads = [where.thread_id] if where.thread_id else []
    each = (select(FTS.c.rowid).where(in_sqlite(word.keys, threads)) for word in words)
    every = union_all(*each).subquery()
    held = select(every.c.rowid, func.count().label("held")).group_by(every.c.rowid).subquery()
    # The index is asked first, and for these alone.
    some = select(FTS.c.id, held.c.rowid, held.c.held).join(FTS, FTS.c.rowid == held.c.rowid)
    ranked = some.cte("ranked").prefix_with("MATERIALIZED")
    query = _open(where).join(ranked, ranked.c.id == _MESSAGES.c.id)
    return query.order_by(ranked.c.held.desc(), ranked.c.rowid.desc())


def _in_postgresql(words: Sequence[Word], where: Where) -> Select[Any]:
    each = [in_postgresql(word.keys) for word in words]
    held = sum((case((one, 1.0), else_=0.0) for one in each), cast(0, Float))
    query = _open(where).where(or_(*each))
    return query.order_by(held.desc(), _MESSAGES.c.created_at.desc())
