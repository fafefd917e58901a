"""Finding threads by what is said in them, as a person types: newest first, all words of a query
must be there, the last one may be unfinished.

The index of messages (:mod:`agentchat.store.message_index`) says which may hold them; whether they
do, their texts say: :class:`~agentchat.store.asked.Asked`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import groupby
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, func, literal, or_, select
from sqlmodel import Session

from agentchat.columns import table_of
from agentchat.models import Message, Thread
from agentchat.rights import Right
from agentchat.store import access, thread_marks
from agentchat.store.asked import Asked
from agentchat.store.message_index import FTS, in_postgresql, in_sqlite, is_sqlite, newest_first
from agentchat.store.words import MOST

MOST_READ: Final = 20_000_000
"""How many characters of texts are looked through for a query."""
_MESSAGES = table_of(Message)
_THREADS = table_of(Thread)


def hits(
    session: Session,
    asked: Asked,
    reader_id: str | None,
    *,
    most: int,
    within: Collection[str] = (),
) -> Iterator[tuple[str, str]]:
    """The ids and threads of messages that hold all that is asked for, the newest first, of the
    newest ``most`` that may; only those ``within`` these threads, if any are named, and that the
    reader may read: None reads all.
    """
    message = _MESSAGES.c
    text = literal("") if asked.is_known else func.substr(message.text, 1, MOST)
    query = newest_first(
        select(message.id, message.thread_id, message.created_at, text.label("text")).where(
            message.hidden.is_(False),
            message.thread_id.in_(select(_THREADS.c.id).where(*_open_to(reader_id))),
        ),
        session,
    )
    if within:
        query = query.where(message.thread_id.in_(list(within)))
    if is_sqlite(session):
        query = query.join(FTS, FTS.c.id == message.id).where(in_sqlite(asked.keys, within))
    else:
        query = query.where(in_postgresql(asked.keys))
    found = session.execute(query.limit(most).execution_options(yield_per=200))
    read = 0
    try:
        for _, moment in groupby(found, lambda row: row.moment):
            for row in sorted(moment, key=lambda row: (row.created_at, row.id), reverse=True):
                if asked.is_known or asked.is_in(row.text):
                    yield row.id, row.thread_id
                read += len(row.text)
            if read > MOST_READ:
                return
    finally:
        found.close()


def texts(session: Session, message_ids: Collection[str], most: int) -> dict[str, Row[Any]]:
    """``role``, ``author``, ``created_at`` and the beginning of the ``text`` of these messages,
    by their ids.
    """
    message = _MESSAGES.c
    text = func.substr(message.text, 1, most).label("text")
    query = select(message.id, message.role, message.author, message.created_at, text)
    return {row.id: row for row in session.execute(query.where(message.id.in_(list(message_ids))))}


def titles(session: Session, reader_id: str | None, *, most: int) -> list[Row[Any]]:
    """``id``, ``title`` and ``updated_at`` of the threads that the reader may read and in which
    there is something, most recently used first.
    """
    thread = _THREADS.c
    query = (
        select(thread.id, thread.title, thread.updated_at)
        .where(or_(thread.length > 0, thread.title != ""))
        .where(*_open_to(reader_id))
        .order_by(thread.updated_at.desc(), thread.id)
        .limit(most)
    )
    return list(session.execute(query))


def named(session: Session, thread_ids: Collection[str]) -> dict[str, Row[Any]]:
    """The same of these threads, by their ids."""
    thread = _THREADS.c
    query = select(thread.id, thread.title, thread.updated_at)
    return {row.id: row for row in session.execute(query.where(thread.id.in_(list(thread_ids))))}


def archived(session: Session, user_id: str, thread_ids: Collection[str]) -> set[str]:
    """Those of these threads that this person has archived."""
    marks = thread_marks.MARKS.c
    query = select(marks.thread_id).where(
        marks.user_id == user_id,
        marks.thread_id.in_(list(thread_ids)),
        marks.archived_at.is_not(None),
    )
    return set(session.scalars(query))


def _open_to(reader_id: str | None) -> list[ColumnElement[bool]]:
    thread = _THREADS.c
    rules: list[ColumnElement[bool]] = [thread.deleted_at.is_(None), thread.parent_id.is_(None)]
    if reader_id is not None:
        rules.append(access.among(thread.id, reader_id, Right.READ))
    return rules
