"""What belongs to several messages, of one thread or of several, read at once.

A followed query is woken by what it read. Of ``IN`` that could only be the whole table, and
everybody's messages would wake it; so here the caller says whose threads the rows are of.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Column, Row, Select, Table, bindparam, select
from sqlmodel import Session

from agentchat.columns import table_of
from agentchat.models import Ask, Part
from agentchat.store.changes import Rows, rows

MOST = 5_000
"""How many values a statement is given; databases do not take any number."""


@dataclass(frozen=True, slots=True)
class Query:
    """Rows of a table with a ``thread_id``, found by another of its columns."""

    table: str
    select: Select[Any]


def query_of(
    table: Table, order: Collection[str], *columns: Column[Any], by: str = "message_id"
) -> Query:
    """The rows of a table, or some columns of them, by what is in the column ``by``."""
    wanted: Any = bindparam("wanted", expanding=True)
    found = select(*(columns or table.columns)).where(table.c[by].in_(wanted))
    return Query(table.name, found.order_by(*(table.c[name] for name in order)))


def read(
    session: Session, query: Query, threads: str | Collection[str], ids: Collection[str]
) -> dict[str, list[Row[Any]]]:
    """What belongs to these messages of these threads, by the id of the message."""
    found: dict[str, list[Row[Any]]] = {}
    for row in find(session, query, threads, ids):
        found.setdefault(row.message_id, []).append(row)
    return found


def find(
    session: Session, query: Query, threads: str | Collection[str], wanted: Collection[Any]
) -> Iterator[Row[Any]]:
    """The rows that are wanted: the caller knows that all of them are of these threads."""
    told = (threads,) if isinstance(threads, str) else threads
    left = iter(wanted)
    while some := list(islice(left, MOST)):
        yield from _found(session, query, told, some)


def _found(
    session: Session, query: Query, threads: Collection[str], wanted: list[Any]
) -> Sequence[Row[Any]]:
    with telling(session, [rows(query.table, {"thread_id": one}) for one in threads]):
        return session.execute(query.select, {"wanted": wanted}).all()


@contextmanager
def telling(session: Session, reads: Collection[Rows]) -> Iterator[None]:
    """What is read in this block is of these rows: the caller knows it better than the
    statements say.
    """
    connection = session.connection()
    seen = connection.get_execution_options().get("agentchat_reads")
    if seen is not None:
        seen.update((one, None) for one in reads)
        connection.execution_options(agentchat_reads=None)
    try:
        yield
    finally:
        if seen is not None:
            connection.execution_options(agentchat_reads=seen)


_PARTS = table_of(Part)
_HEAD = ("id", "message_id", "run_id", "position", "kind", "status", "child_id", "finished_at")
PARTS = query_of(_PARTS, ("message_id", "position"), by="id")
"""Parts by their own ids."""
PART_HEADS = query_of(_PARTS, ("message_id", "position"), *(_PARTS.c[name] for name in _HEAD))
"""Parts of messages without what may be long. One that is final has another text only if
something here is another, too."""
ASKS = query_of(table_of(Ask), ("created_at", "id"))
"""What is asked in answers, oldest first."""
