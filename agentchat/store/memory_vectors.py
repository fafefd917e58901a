"""The vectors of memories: read by whoever searches, written by whoever embeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    Row,
    Text,
    cast,
    column,
    func,
    literal,
    literal_column,
    or_,
    select,
    update,
)
from sqlmodel import Session, col

from agentchat.models import Memory
from agentchat.store.memories import MANY, Embedded, locked
from agentchat.store.memory_index import HalfVector, index_of
from agentchat.store.writer import Tx

_EMBEDDING = column("embedding", HalfVector())
_BY_INDEX = {
    # So many it looks at before it answers: the more, the less it misses.
    "hnsw.ef_search": "400",
    # It goes on when those of other agents are taken away.
    "hnsw.iterative_scan": "strict_order",
    # What the planner guesses of vectors is too little for going through them to look dear.
    "enable_sort": "off",
}


def embed(tx: Tx, memory_id: str, *, user_id: str, text_hash: str, embedded: Embedded) -> None:
    """Give a memory the vector of its text, unless it says something else by now."""
    held = locked(tx, memory_id, user_id)
    if held is None or held.text_hash != text_hash:
        return
    tx.execute(
        update(Memory)
        .where(col(Memory.id) == memory_id, col(Memory.user_id) == user_id)
        .values(
            vector=embedded.vector,
            embedder=embedded.embedder,
            updated_at=held.updated_at + timedelta(microseconds=1),
        )
    )


def stamps(session: Session, *, user_id: str) -> list[tuple[str, str]]:
    """The id of each memory of a user, with a mark that changes when the memory does."""
    # As text: a hundred thousand times become objects no quicker than vectors do.
    query = select(col(Memory.id), cast(col(Memory.updated_at), Text))
    found = session.execute(query.where(col(Memory.user_id) == user_id))
    return [(memory_id, stamp) for memory_id, stamp in found]


def vectors(
    session: Session, ids: Sequence[str] | None, *, user_id: str
) -> Iterator[tuple[str, str, str, str, bytes | None]]:
    """Of the user's memories, or those among ``ids``: id, agent, the mark as of :func:`stamps`,
    embedder and vector.
    """
    query = select(
        col(Memory.id),
        col(Memory.agent),
        cast(col(Memory.updated_at), Text),
        col(Memory.embedder),
        col(Memory.vector),
    ).where(col(Memory.user_id) == user_id)
    if ids is None:
        yield from map(tuple, session.execute(query.execution_options(yield_per=2000)))
        return
    for start in range(0, len(ids), MANY):
        some = query.where(col(Memory.id).in_(ids[start : start + MANY]))
        yield from map(tuple, session.execute(some))


def nearest(
    session: Session,
    question: Sequence[float],
    *,
    user_id: str,
    agents: Sequence[str],
    embedder: str,
    limit: int,
) -> list[tuple[str, bytes]]:
    """The ids and vectors of the user's memories of these agents that are nearest to a vector of
    ``embedder`` by dot product, to the precision of 16 bits. Exact otherwise, but of a person
    who has an index, which may miss a few. Only where the database can
    (:func:`agentchat.store.memory_index.searchable`).
    """
    indexed = func.to_regclass(index_of(user_id, embedder, len(question))).is_not(None)
    # Compiling a plan takes longer than the search.
    if session.execute(select(indexed, func.set_config("jit", "off", True))).one()[0]:
        found = _nearest(session, question, user_id, agents, embedder, limit, indexed=True)
        if len(found) == limit:
            return found
    return _nearest(session, question, user_id, agents, embedder, limit, indexed=False)


def _nearest(
    session: Session,
    question: Sequence[float],
    user_id: str,
    agents: Sequence[str],
    embedder: str,
    limit: int,
    *,
    indexed: bool,
) -> list[tuple[str, bytes]]:
    dim = len(question)
    if indexed:
        settings = (func.set_config(name, value, True) for name, value in _BY_INDEX.items())
        session.execute(select(*settings))
    # Written as the index is made on it, or, to go through them all, as it is not.
    embedding = cast(_EMBEDDING, HalfVector(dim)) if indexed else _EMBEDDING
    distance = embedding.op("<#>")(cast(literal(list(question), HalfVector()), HalfVector()))
    query = (
        select(col(Memory.id), col(Memory.vector))
        .where(
            # In the statement itself: that is how it is known to be about what the index holds.
            col(Memory.user_id) == literal(user_id, literal_execute=True),
            col(Memory.embedder) == literal(embedder, literal_execute=True),
            func.vector_dims(_EMBEDDING) == literal(dim, literal_execute=True),
            col(Memory.agent).in_(agents),
        )
        .order_by(distance, *(() if indexed else (col(Memory.id),)))
        .limit(literal_column(str(limit)))
    )
    return [(memory_id, vector) for memory_id, vector in session.execute(query)]


def of_ids(session: Session, ids: Sequence[str], *, user_id: str) -> list[tuple[str, str, bytes]]:
    """Id, embedder and vector of the user's memories among ``ids``, at most 500, that have one."""
    query = select(col(Memory.id), col(Memory.embedder), col(Memory.vector)).where(
        col(Memory.user_id) == user_id, col(Memory.id).in_(ids), col(Memory.vector).is_not(None)
    )
    return [(memory_id, embedder, vector) for memory_id, embedder, vector in session.execute(query)]


def of_other_embedders(
    session: Session, embedder: str, *, after: str, limit: int
) -> Sequence[Row[Any]]:
    """``id``, ``user_id``, ``text`` and ``text_hash`` of memories, of all users, that have no
    vector of ``embedder``, in the order of their ids, those after the id ``after``.
    """
    query = (
        select(col(Memory.id), col(Memory.user_id), col(Memory.text), col(Memory.text_hash))
        .where(
            col(Memory.id) > after,
            or_(col(Memory.embedder) != embedder, col(Memory.vector).is_(None)),
        )
        .order_by(col(Memory.id))
        .limit(limit)
    )
    return session.execute(query).all()
