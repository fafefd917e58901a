"""Finding threads by what is said in them, as a person types: newest first, all words of a query
must be there, the last one may be unfinished.

The index of messages (:mod:`agentchat.store.message_index`) says which may hold them; whether they
do, their texts say: :class:`~agentchat.store.asked.Asked`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import groupby, islice
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlmodel import Session

from agentchat.columns import table_of
from agentchat.models import Message, Thread
from agentchat.rights import Right
from agentchat.store import access, thread_marks
from agentchat.store.asked import Asked
from agentchat.store.message_index import (
    FTS,
    are_few,
    in_postgresql,
    in_sqlite,
    in_threads,
    is_sqlite,
)
from agentchat.store.words import MOST

MOST_READ: Final = 1_000_000
"""How many characters of texts are looked through for a query."""
FEW_THREADS: Final = 1_000
FEW_MESSAGES: Final = 20_000
"""A reader who has no more is looked for among those alone: what others write costs nothing."""
_TOGETHER: Final = 100
"""Of how many messages the texts are read at once."""
_MESSAGES = table_of(Message)
_THREADS = table_of(Thread)


class Hits:
    """The ids and threads of messages that hold all that is asked for, the newest first, of the
    newest ``most`` that may; up to ``each`` of a thread; only those ``within`` these threads, if
    any are named, and that the reader may read: None reads all.

    ``cut`` says, once they are gone through, that there may be older ones that were not looked at.
    """

    def __init__(
        self,
        session: Session,
        asked: Asked,
        reader_id: str | None,
        *,
        most: int,
        each: int | None = None,
        within: Collection[str] = (),
    ) -> None:
        self._session = session
        self._asked = asked
        self._reader_id = reader_id
        self._most = most
        self._each = most if each is None else each
        self._within = within
        self.cut = False

    def __iter__(self) -> Iterator[tuple[str, str]]:
        found: Counter[str] = Counter()
        read = seen = 0
        rows = self._newest()
        while some := list(islice(rows, _TOGETHER)):
            seen += len(some)
            texts = self._texts([row.id for row in some if found[row.thread_id] < self._each])
            for row in some:
                if found[row.thread_id] >= self._each:
                    continue
                if read > MOST_READ:
                    self.cut = True
                    return
                text = texts.get(row.id, "")
                read += len(text)
                if self._asked.is_known or self._asked.is_in(text):
                    found[row.thread_id] += 1
                    yield row.id, row.thread_id
        self.cut = seen >= self._most

    def _newest(self) -> Iterator[Row[Any]]:
        """Of which the index says that they may."""
        query = (self._in_sqlite if is_sqlite(self._session) else self._in_postgresql)()
        found = self._session.execute(query.limit(self._most).execution_options(yield_per=200))
        try:
            for _, moment in groupby(found, lambda row: row.moment):
                yield from sorted(moment, key=lambda row: (row.created_at, row.id), reverse=True)
        finally:
            found.close()

    def _in_sqlite(self) -> Select[Any]:
        message = _MESSAGES.c
        query = select(message.id, message.thread_id, message.created_at)
        query = query.join(FTS, FTS.c.id == message.id)
        query = query.where(
            in_sqlite(self._asked.keys, self._within),
            message.hidden.is_(False),
            self._is_open(message.thread_id),
        )
        # The index gives them in this order without sorting.
        return _newest_first(query, FTS.c.rowid, FTS.c.rowid.op(">>")(20))

    def _in_postgresql(self) -> Select[Any]:
        message = _MESSAGES.c
        query = select(message.id, message.thread_id, message.created_at)
        query = query.where(in_postgresql(self._asked.keys), message.hidden.is_(False))
        if self._within:
            query = query.where(in_threads(self._within))
        elif not are_few(self._session, query):
            # By the index of their times: a page of them soon is there.
            query = query.where(self._is_open(message.thread_id))
            return _newest_first(query, message.created_at, message.created_at)
        # All of them are read before they are sorted, or the planner may take that index and go
        # through all there is.
        held = query.cte("held").prefix_with("MATERIALIZED")
        query = select(held).where(self._is_open(held.c.thread_id))
        return _newest_first(query, held.c.created_at, held.c.created_at)

    def _is_open(self, thread_id: ColumnElement[Any]) -> ColumnElement[bool]:
        return thread_id.in_(select(_THREADS.c.id).where(*_open_to(self._reader_id)))

    def _texts(self, message_ids: Sequence[str]) -> dict[str, str]:
        if self._asked.is_known:
            return {}
        message = _MESSAGES.c
        query = select(message.id, func.substr(message.text, 1, MOST).label("text"))
        rows = self._session.execute(query.where(message.id.in_(message_ids)))
        return {row.id: row.text for row in rows}


def texts(session: Session, message_ids: Collection[str], most: int) -> dict[str, Row[Any]]:
    """``role``, ``author``, ``created_at`` and the beginning of the ``text`` of these messages,
    by their ids.
    """
    message = _MESSAGES.c
    text = func.substr(message.text, 1, most).label("text")
    query = select(message.id, message.role, message.author, message.created_at, text)
    return {row.id: row for row in session.execute(query.where(message.id.in_(list(message_ids))))}


def open_threads(session: Session, reader_id: str | None, *, most: int) -> list[Row[Any]]:
    """``id``, ``title`` and ``length`` of the threads that the reader may read, most recently used
    first.
    """
    thread = _THREADS.c
    query = (
        select(thread.id, thread.title, thread.length)
        .where(*_open_to(reader_id))
        .order_by(thread.updated_at.desc(), thread.id)
        .limit(most)
    )
    return list(session.execute(query))


def few(threads: Sequence[Row[Any]]) -> list[str]:
    """The ids of these threads, if they are so few and so short that it is quickest to look within
    them alone; else none.
    """
    if len(threads) > FEW_THREADS or sum(one.length for one in threads) > FEW_MESSAGES:
        return []
    return [one.id for one in threads]


def named(session: Session, thread_ids: Collection[str]) -> dict[str, Row[Any]]:
    """``id``, ``title`` and ``updated_at`` of these threads, by their ids."""
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


def _newest_first(
    query: Select[Any], order: ColumnElement[Any], moment: ColumnElement[Any]
) -> Select[Any]:
    """Those of one moment, which the databases do not sort alike, have one ``moment``."""
    return query.add_columns(moment.label("moment")).order_by(order.desc())
