"""The index of the words of messages (migration 0016): FTS5 on SQLite, tsvector on PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, Text, any_, cast, column, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY, TSVECTOR
from sqlmodel import Session

from agentchat.columns import table_of
from agentchat.models import Message
from agentchat.store.asked import Key
from agentchat.store.memory_words import fts_table

FEW: Final = 2_000
"""So many messages are read and sorted in no time; of more, the newest soon fill a page."""
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


def in_threads(thread_ids: Collection[str]) -> ColumnElement[bool]:
    """Whether a message is in one of these threads, however many, on PostgreSQL."""
    return _MESSAGES.c.thread_id == any_(cast(list(thread_ids), ARRAY(Text)))


def are_few(session: Session, query: Select[Any]) -> bool:
    """Whether a query of messages finds so few that it is quickest to read them all."""
    some = query.with_only_columns(literal(1)).limit(FEW + 1).subquery()
    number: int = session.execute(select(func.count()).select_from(some)).scalar_one()
    return number <= FEW
