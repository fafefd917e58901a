"""Finding memories by their words: FTS5 on SQLite, tsvector on PostgreSQL (migration 0005).

What is asked is data: it is taken apart into letters and digits, and only these, quoted, go into
a query language. Both databases stem English words; of other languages, words must be the same.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Float,
    Integer,
    MetaData,
    Table,
    Text,
    column,
    delete,
    func,
    insert,
    select,
)
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlmodel import Session, col

from agentchat.columns import table_of
from agentchat.models import Memory
from agentchat.store.writer import Tx

MOST_TERMS = 32
"""How many words of a query are looked for, the first; a question has fewer."""
MOST_HELD = 5000
"""A word that more memories hold than this is not looked for, if there are rarer ones."""
FEW = 100
"""Of so many memories at least, words are counted as rare: of three, nothing can be told."""
_MOST_PIECES = 6
"""Of how many words something like ``ORD-4471/b`` is looked for as a whole."""

_IGNORED = re.compile(
    "a|about|all|also|am|an|and|any|are|as|at|be|been|but|by|can|could|did|do|does|for|from|had|has"
    "|have|he|her|his|how|i|if|in|into|is|it|its|me|my|of|on|or|our|she|should|so|some|that|the"
    "|their|them|then|there|they|this|to|us|was|we|were|what|when|where|which|who|why|will|with"
    "|would|you|your"
)
"""English words that tell nothing of what is asked."""


def fts_table(name: str, narrow: str) -> Table:
    """An FTS5 table with the ``id`` and the ``text`` of what is found, and a column with a word
    that narrows the search.
    """
    return Table(
        name,
        # Not part of the schema that Alembic compares: SQLite alone has it.
        MetaData(),
        Column("rowid", Integer, primary_key=True),
        Column(narrow, Text),
        Column("id", Text),
        Column("text", Text),
        # FTS5's own: what a query is matched with, and how well (bm25, less is better).
        Column(name, Text),
        Column("rank", Float),
    )


_SEARCH = fts_table("memories_search", "owner")
_MEMORY = table_of(Memory)
_WORDS = column("words", TSVECTOR)

Term = tuple[str, ...]
"""Words that stand one after another."""


@dataclass(frozen=True, slots=True)
class Match:
    """A memory that holds words of a query: ``share`` is how much of the query it holds, from 0
    to 1, its rare words counting most.
    """

    id: str
    share: float


def terms_of(query: str) -> tuple[Term, ...]:
    """What to look for: each word that tells something, and ``ORD-4471`` also as a whole."""
    found: dict[Term, None] = {}
    for written in query.lower().split():
        pieces = re.findall(r"[^\W_]+", written)
        if 1 < len(pieces) <= _MOST_PIECES:
            found[tuple(pieces)] = None
        for piece in pieces:
            if not _IGNORED.fullmatch(piece) and (len(piece) > 1 or not piece.isascii()):
                found[(piece[:100],)] = None
        if len(found) >= MOST_TERMS:
            break
    return tuple(found)[:MOST_TERMS]


def index(tx: Tx, memory_id: str, *, user_id: str, agent: str, text: str) -> None:
    """Let a new memory, or one of another text, be found by its words."""
    if tx.dialect == "sqlite":
        unindex(tx, [memory_id])
        row = {"rowid": _rowid(memory_id), "id": memory_id, "text": text}
        tx.execute(insert(_SEARCH), row | {"owner": _owner(user_id, agent)})


def unindex(tx: Tx, memory_ids: Iterable[str]) -> None:
    """Forget the words of memories."""
    if tx.dialect == "sqlite":
        for memory_id in memory_ids:
            tx.execute(delete(_SEARCH).where(_SEARCH.c.rowid == _rowid(memory_id)))


def unindex_all(tx: Tx, *, user_id: str, agents: Iterable[str]) -> None:
    """Forget the words of all memories of a user that these agents recall."""
    if tx.dialect == "sqlite":
        for agent in agents:
            whose = f'owner : "{_owner(user_id, agent)}"'
            tx.execute(delete(_SEARCH).where(_SEARCH.c.memories_search.op("MATCH")(whose)))


def matching(
    session: Session, query: str, *, user_id: str, agents: Sequence[str], limit: int
) -> list[Match]:
    """The user's memories of these agents that hold a word of ``query``, best first."""
    terms = terms_of(query)
    if not terms or limit < 1:
        return []
    sqlite = session.get_bind().dialect.name == "sqlite"
    index = (_Fts5 if sqlite else _Tsvector)(user_id, agents)
    counts = {term: index.count(session, term) for term in terms}
    # What is said in very many says nothing, and would take long to go through.
    rare = [term for term, count in counts.items() if 0 < count <= MOST_HELD]
    if not rare:
        common = [term for term, count in counts.items() if count][:1]
        return [Match(one, 1.0) for one in index.holding(session, common, limit)] if common else []
    lengths = index.holding(session, rare, limit)
    # Inverse document frequency (Robertson and Spärck Jones 1976, as BM25 has it). How often a
    # word is said and how long a text is, which BM25 counts too, says little of such short ones.
    total = max(FEW, *counts.values())
    weights = {
        term: math.log(1 + (total - count + 0.5) / (count + 0.5)) for term, count in counts.items()
    }
    shares = dict.fromkeys(lengths, 0.0)
    for term in rare:
        for one in index.among(session, term, lengths):
            shares[one] += weights[term] / sum(weights.values())
    found = [Match(one, share) for one, share in shares.items()]
    return sorted(found, key=lambda one: (-one.share, lengths[one.id], one.id))[:limit]


class _Fts5:
    """A user's memories of some agents in SQLite's index."""

    def __init__(self, user_id: str, agents: Sequence[str]) -> None:
        self._owners = " OR ".join(f'"{_owner(user_id, agent)}"' for agent in agents)
        self._mine = (col(Memory.user_id) == user_id, col(Memory.agent).in_(agents))

    def _match(self, terms: Sequence[Term]) -> ColumnElement[bool]:
        words = " OR ".join(f'"{" ".join(term)}"' for term in terms)
        query = f"owner : ({self._owners}) AND text : ({words})"
        matches: ColumnElement[bool] = _SEARCH.c.memories_search.op("MATCH")(query)
        return matches

    def count(self, session: Session, term: Term) -> int:
        """How many hold a term, up to one more than the most that are counted."""
        some = select(_SEARCH.c.rowid).where(self._match([term])).limit(MOST_HELD + 1).subquery()
        return session.scalar(select(func.count()).select_from(some)) or 0

    def holding(self, session: Session, terms: Sequence[Term], limit: int) -> dict[str, int]:
        """Those that hold one of the terms, by bm25 the best, with their lengths."""
        found = (
            select(_SEARCH.c.id)
            .where(self._match(terms))
            .order_by(_SEARCH.c.rank)
            .limit(limit)
            .subquery()
        )
        # The words alone would do; but whose they are is said by the memory itself.
        mine = (
            select(found.c.id, func.length(Memory.text))
            .join(_MEMORY, _MEMORY.c.id == found.c.id)
            .where(*self._mine)
        )
        return {memory_id: length for memory_id, length in session.execute(mine)}

    def among(self, session: Session, term: Term, ids: Iterable[str]) -> set[str]:
        """Those of these memories that hold a term."""
        places = {_rowid(memory_id): memory_id for memory_id in ids}
        # Plus nothing, or SQLite would ask the index anew for each place.
        among = (_SEARCH.c.rowid + 0).in_(places)
        found = select(_SEARCH.c.rowid).where(self._match([term]), among)
        return {places[place] for place in session.scalars(found)}


class _Tsvector:
    """The same in PostgreSQL's."""

    def __init__(self, user_id: str, agents: Sequence[str]) -> None:
        self._mine = (col(Memory.user_id) == user_id, col(Memory.agent).in_(agents))

    def _match(self, terms: Sequence[Term]) -> ColumnElement[bool]:
        matches: ColumnElement[bool] = _WORDS.op("@@")(self._any(terms))
        return matches

    def count(self, session: Session, term: Term) -> int:
        """See :meth:`_Fts5.count`."""
        mine = select(col(Memory.id)).where(*self._mine, self._match([term]))
        some = mine.limit(MOST_HELD + 1).subquery()
        return session.scalar(select(func.count()).select_from(some)) or 0

    def holding(self, session: Session, terms: Sequence[Term], limit: int) -> dict[str, int]:
        """See :meth:`_Fts5.holding`; of PostgreSQL's own rank, which knows no rare words, only
        for each term.
        """
        found: dict[str, int] = {}
        for term in terms:
            best = (
                select(col(Memory.id), func.length(Memory.text))
                .where(*self._mine, self._match([term]))
                .order_by(func.ts_rank(_WORDS, self._any(terms)).desc(), col(Memory.id))
                .limit(limit)
            )
            found.update({memory_id: length for memory_id, length in session.execute(best)})
        return found

    def _any(self, terms: Sequence[Term]) -> ColumnElement[Any]:
        phrases = (" <-> ".join(f"'{word}'" for word in term) for term in terms)
        query: ColumnElement[Any] = func.to_tsquery(
            "english", " | ".join(f"({phrase})" for phrase in phrases)
        )
        return query

    def among(self, session: Session, term: Term, ids: Iterable[str]) -> set[str]:
        """See :meth:`_Fts5.among`."""
        found = select(col(Memory.id)).where(
            col(Memory.id).in_(list(ids)), *self._mine, self._match([term])
        )
        return set(session.scalars(found))


def _rowid(memory_id: str) -> int:
    # Not the memory's own: without a whole-number key, VACUUM may change that.
    return int.from_bytes(hashlib.sha256(memory_id.encode()).digest()[:8], "big") >> 1


def _owner(user_id: str, agent: str) -> str:
    return "u" + hashlib.sha256(f"{user_id}\n{agent}".encode()).hexdigest()[:32]
