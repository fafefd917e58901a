"""The index of the words of messages (migration 0016): FTS5 on SQLite, tsvector on PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import ColumnElement, Select, cast, column
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR
from sqlmodel import Session

from agentchat.columns import table_of
from agentchat.models import Message
from agentchat.store.asked import Key
from agentchat.store.memory_words import fts_table

FTS = fts_table("messages_search", "place")
_MESSAGES = table_of(Message)
_WORDS = column("words", TSVECTOR)


def is_sqlite(session: Session) -> bool:
    """Which of the two it is."""
    return session.get_bind().dialect.name == "sqlite"


def in_sqlite(keys: Iterable[Key], threads: Collection[str] = ()) -> ColumnElement[bool]:
    """Whether FTS5 has all of these, of a message in one of these threads, if any are named."""
    match = "text : (" + " AND ".join(_any(key, " OR ", '"', '"*') for key in keys) + ")"
    if threads:
        places = " OR ".join(f"t{thread_id.encode().hex()}" for thread_id in threads)
        match += f" AND place : ({places})"
    found: ColumnElement[bool] = FTS.c.messages_search.op("MATCH")(match)
    return found


def in_postgresql(keys: Iterable[Key]) -> ColumnElement[bool]:
    """Whether the words of a message have all of these."""
    # Not to_tsquery, which would take the words apart as the server's locale does.
    query = cast(" & ".join(_any(key, " | ", "'", "':*") for key in keys), TSQUERY)
    found: ColumnElement[bool] = _WORDS.op("@@")(query)
    return found


def _any(key: Key, either: str, quote: str, begun: str) -> str:
    first, *others = key.words
    first = quote + first + (begun if key.begun else quote)
    return "(" + either.join([first, *(quote + one + quote for one in others)]) + ")"


def newest_first(query: Select[Any], session: Session) -> Select[Any]:
    """The messages of a query of them, the newest first. Those of one moment, which the databases
    do not sort alike, have one ``moment``.
    """
    if is_sqlite(session):
        # The index gives them in this order without sorting.
        return query.add_columns((FTS.c.rowid.op(">>")(20)).label("moment")).order_by(
            FTS.c.rowid.desc()
        )
    return query.add_columns(_MESSAGES.c.created_at.label("moment")).order_by(
        _MESSAGES.c.created_at.desc()
    )
