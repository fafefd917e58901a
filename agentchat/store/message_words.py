"""Finding messages by their words: FTS5 on SQLite, tsvector on PostgreSQL (migration 0006).

What is asked is data: it is taken apart as :func:`~agentchat.store.memory_words.terms_of` does,
and only quoted letters and digits go into a query language.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Float,
    Select,
    and_,
    case,
    cast,
    column,
    func,
    not_,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlmodel import Session

from agentchat.columns import table_of
from agentchat.models import Message, Thread
from agentchat.store.memory_words import Term, fts_table, terms_of

_SEARCH = fts_table("messages_search", "place")
_MESSAGES = table_of(Message)
_THREADS = table_of(Thread)
_WORDS = column("words", TSVECTOR)


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
    """

    user_id: str
    thread_id: str = ""
    before: tuple[str, int] = ("", 0)


def search(session: Session, query: str, where: Where, *, limit: int) -> list[Found]:
    """The messages that hold a word of ``query``, those that hold most of it first; none of
    deleted threads or of those in which sub-agents worked.
    """
    terms = terms_of(query)
    if not terms or limit < 1:
        return []
    sqlite = session.get_bind().dialect.name == "sqlite"
    found = (_in_sqlite if sqlite else _in_postgresql)(terms, where).limit(limit)
    return [Found(*row) for row in session.execute(found)]


def position_of(session: Session, message_id: str) -> tuple[str, int]:
    """The thread of a message and its place there; empty and 0 if there is none."""
    query = select(_MESSAGES.c.thread_id, _MESSAGES.c.position)
    row = session.execute(query.where(_MESSAGES.c.id == message_id)).first()
    return ("", 0) if row is None else (row.thread_id, row.position)


def _columns(where: Where) -> Select[Any]:
    """The messages that may be found at all. Whose they are is said by the rows themselves."""
    message, thread = _MESSAGES.c, _THREADS.c
    wrote = _MESSAGES.alias("wrote")
    mine = (
        select(wrote.c.id)
        .where(wrote.c.thread_id == thread.id, wrote.c.user_id == where.user_id)
        .exists()
    )
    before, position = where.before
    query = (
        select(
            message.id,
            message.thread_id,
            thread.title,
            message.position,
            message.author,
            message.role,
            message.text,
            message.created_at,
        )
        .join(_THREADS, thread.id == message.thread_id)
        .where(
            message.hidden.is_(False),
            thread.deleted_at.is_(None),
            thread.parent_id.is_(None),
            or_(thread.owner_id == where.user_id, mine),
            not_(and_(message.thread_id == before, message.position >= position)),
        )
    )
    return query.where(message.thread_id == where.thread_id) if where.thread_id else query


def _in_sqlite(terms: Sequence[Term], where: Where) -> Select[Any]:
    asked = " OR ".join(f'"{" ".join(term)}"' for term in terms)
    match = f"text : ({asked})"
    if where.thread_id:
        match += f" AND place : t{where.thread_id.encode().hex()}"
    return (
        _columns(where)
        .join(_SEARCH, _SEARCH.c.id == _MESSAGES.c.id)
        .where(_SEARCH.c.messages_search.op("MATCH")(match))
        .order_by(_SEARCH.c.rank, _MESSAGES.c.created_at.desc(), _MESSAGES.c.id)
    )


def _in_postgresql(terms: Sequence[Term], where: Where) -> Select[Any]:
    asked = [" <-> ".join(f"'{word}'" for word in term) for term in terms]
    queries = [func.to_tsquery("english", one) for one in asked]
    any_of = func.to_tsquery("english", " | ".join(f"({one})" for one in asked))
    # PostgreSQL's own ranks know nothing of how many of the words are there.
    share = sum((case((_WORDS.op("@@")(one), 1.0), else_=0.0) for one in queries), cast(0, Float))
    return (
        _columns(where)
        .where(_WORDS.op("@@")(any_of))
        .order_by(
            share.desc(),
            func.ts_rank(_WORDS, any_of, 1).desc(),
            _MESSAGES.c.created_at.desc(),
            _MESSAGES.c.id,
        )
    )
