"""The vectors of memories: read by whoever searches, written by whoever embeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, Text, cast, or_, select, update
from sqlmodel import Session, col

from agentchat.models import Memory
from agentchat.store.memories import MANY, Embedded, locked
from agentchat.store.writer import Tx


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
