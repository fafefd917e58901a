"""Memories: their rows. Every query names whose they are; none crosses users."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, delete, exists, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from agentchat.columns import table_of
from agentchat.errors import NotFound
from agentchat.models import Memory, Message, Thread
from agentchat.store import memory_words
from agentchat.store.writer import Tx

MANY = 500
"""How many ids one statement names at most."""
_PLAIN = [
    col(getattr(Memory, name))
    for name in (
        *("id", "user_id", "agent", "kind", "text", "source_id", "thread_id"),
        *("created_at", "updated_at"),
    )
]
"""All columns that people may see."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """A vector as it is stored: float32 numbers, and the embedder that made them. Without
    one, a memory is found by its words until it has one.
    """

    vector: bytes | None = None
    embedder: str = ""


UNEMBEDDED = Embedded()


@dataclass(frozen=True, slots=True)
class NewMemory:
    """What is to be remembered. The same ``text`` (but for case and spaces) from the same
    source, for the same person and agent, is one memory.
    """

    id: str
    user_id: str
    agent: str
    kind: str
    text: str
    source_id: str = ""
    thread_id: str = ""
    embedded: Embedded = UNEMBEDDED


def text_hash(text: str) -> str:
    """A mark of what a text says: the same for texts that differ in case and spaces only."""
    return hashlib.sha256(" ".join(text.casefold().split()).encode()).hexdigest()


def add(tx: Tx, new: NewMemory, *, now: datetime) -> str:
    """Add a memory and return its id; that of the one that is there already, if there is one."""
    there = _same(tx, new)
    if there is not None:
        return there
    row = {
        "id": new.id,
        "user_id": new.user_id,
        "agent": new.agent,
        "kind": new.kind,
        "text": new.text,
        "text_hash": text_hash(new.text),
        "source_id": new.source_id,
        "thread_id": new.thread_id,
        "vector": new.embedded.vector,
        "embedder": new.embedded.embedder,
        "created_at": now,
        "updated_at": now,
    }
    # Another process may have added the same meanwhile.
    with suppress(IntegrityError), tx.savepoint():
        tx.execute(insert(Memory), row)
        memory_words.index(tx, new.id, user_id=new.user_id, agent=new.agent, text=new.text)
        return new.id
    there = _same(tx, new)
    if there is None:
        raise NotFound("This id is taken by another memory.")
    return there


def put(tx: Tx, new: NewMemory, known: str = "", *, now: datetime) -> str:
    """As :func:`add`, but in the place of the memory ``known`` if that is still there."""
    if known:
        with suppress(NotFound):
            edit(
                tx,
                known,
                new.text,
                user_id=new.user_id,
                embedded=new.embedded,
                now=now,
                source_id=new.source_id,
                thread_id=new.thread_id,
            )
            return known
    return add(tx, new, now=now)


def _same(tx: Tx, new: NewMemory) -> str | None:
    found: str | None = tx.execute(
        select(col(Memory.id)).where(
            col(Memory.user_id) == new.user_id,
            col(Memory.agent) == new.agent,
            col(Memory.source_id) == new.source_id,
            col(Memory.text_hash) == text_hash(new.text),
        )
    ).scalar()
    return found


def edit(
    tx: Tx,
    memory_id: str,
    text: str,
    *,
    user_id: str,
    embedded: Embedded,
    now: datetime,
    source_id: str | None = None,
    thread_id: str | None = None,
) -> None:
    """Let a memory say something else, and come from elsewhere if that is given; raises
    :class:`NotFound`. One that says that already, from the same source, is replaced.
    """
    held = _there(tx, memory_id, user_id)
    source_id = held.source_id if source_id is None else source_id
    same = (
        select(col(Memory.id))
        .where(col(Memory.user_id) == user_id, col(Memory.agent) == held.agent)
        .where(col(Memory.source_id) == source_id, col(Memory.text_hash) == text_hash(text))
        .where(col(Memory.id) != memory_id)
    )
    _remove(tx, list(tx.execute(same).scalars()), user_id)
    tx.execute(
        update(Memory)
        .where(col(Memory.id) == memory_id, col(Memory.user_id) == user_id)
        .values(
            text=text,
            text_hash=text_hash(text),
            source_id=source_id,
            thread_id=held.thread_id if thread_id is None else thread_id,
            vector=embedded.vector,
            embedder=embedded.embedder,
            # Later than before whatever the clock says: it is how others see that it changed.
            updated_at=max(now, held.updated_at + timedelta(microseconds=1)),
        )
    )
    memory_words.index(tx, memory_id, user_id=user_id, agent=held.agent, text=text)


def forget(tx: Tx, memory_id: str, *, user_id: str) -> Memory:
    """Delete a memory and return what it was; raises :class:`NotFound`."""
    held = _there(tx, memory_id, user_id)
    _remove(tx, [memory_id], user_id)
    return held


def forget_all(tx: Tx, *, user_id: str, agent: str | None = None) -> int:
    """Delete what is remembered for a user, or for one agent of theirs; how many there were."""
    query = select(col(Memory.agent)).where(col(Memory.user_id) == user_id).distinct()
    agents = list(tx.execute(query).scalars()) if agent is None else [agent]
    memory_words.unindex_all(tx, user_id=user_id, agents=agents)
    gone = delete(Memory).where(col(Memory.user_id) == user_id)
    if agent is not None:
        gone = gone.where(col(Memory.agent) == agent)
    return tx.execute(gone).rowcount


def forget_thread(tx: Tx, thread_id: str) -> None:
    """A thread is deleted: what was said in it is forgotten; facts stay, from nowhere."""
    said = select(col(Memory.id), col(Memory.user_id)).where(
        col(Memory.thread_id) == thread_id, col(Memory.kind) == "message"
    )
    for memory_id, user_id in tx.execute(said).all():
        _remove(tx, [memory_id], user_id)
    tx.execute(update(Memory).where(col(Memory.thread_id) == thread_id).values(thread_id=""))


def get(session: Session, memory_id: str, *, user_id: str) -> Row[Any]:
    """What people may see of a memory, with the ``title`` of its thread, None if that is gone;
    raises :class:`NotFound`.
    """
    found = session.execute(_shown(user_id).where(col(Memory.id) == memory_id)).first()
    if found is None:
        raise NotFound(_GONE)
    return found


def any_of(source: Tx | Session, user_id: str) -> bool:
    """Whether anything is remembered for a person."""
    query = select(col(Memory.id)).where(col(Memory.user_id) == user_id).limit(1)
    return source.execute(query).first() is not None


def of_user(
    session: Session, *, user_id: str, words: str = "", kind: str = "", limit: int
) -> Sequence[Row[Any]]:
    """What is remembered for a user, of one kind if given, and holds ``words`` as they are,
    newest first, as :func:`get` gives it.
    """
    query = _shown(user_id).order_by(col(Memory.created_at).desc(), col(Memory.id)).limit(limit)
    if kind:
        query = query.where(col(Memory.kind) == kind)
    if words:
        query = query.where(col(Memory.text).icontains(words, autoescape=True))
    return session.execute(query).all()


def reachable() -> ColumnElement[bool]:
    """That a memory is not what was said in a thread that is deleted, but can be had back."""
    thread = table_of(Thread).alias("of_memory")
    gone = exists().where(thread.c.id == col(Memory.thread_id), thread.c.deleted_at.is_not(None))
    return or_(col(Memory.kind) != "message", ~gone)


def _shown(user_id: str) -> Select[Any]:
    there = and_(col(Thread.id) == col(Memory.thread_id), col(Thread.deleted_at).is_(None))
    return (
        select(*_PLAIN, col(Thread.title))
        .select_from(Memory)
        .outerjoin(Thread, there)
        .where(col(Memory.user_id) == user_id, reachable())
    )


def by_ids(
    session: Session, ids: Sequence[str], *, user_id: str, agents: Sequence[str] | None = None
) -> Iterator[Row[Any]]:
    """What people may see of the user's memories among ``ids``, of these agents if given; not
    those of messages of which another version is shown.
    """
    unsaid = exists().where(col(Message.id) == col(Memory.source_id), col(Message.hidden))
    for start in range(0, len(ids), MANY):
        some = col(Memory.id).in_(ids[start : start + MANY])
        query = select(*_PLAIN).where(some, col(Memory.user_id) == user_id, ~unsaid, reachable())
        if agents is not None:
            query = query.where(col(Memory.agent).in_(agents))
        yield from session.execute(query)


_GONE = "This memory does not exist, or it was forgotten."


def locked(tx: Tx, memory_id: str, user_id: str) -> Memory | None:
    query = select(table_of(Memory)).where(
        col(Memory.id) == memory_id, col(Memory.user_id) == user_id
    )
    row = tx.execute(query.with_for_update()).mappings().first()
    return None if row is None else Memory(**row)


def _there(tx: Tx, memory_id: str, user_id: str) -> Memory:
    held = locked(tx, memory_id, user_id)
    there = select(col(Memory.id)).where(col(Memory.id) == memory_id, reachable())
    if held is None or tx.execute(there).first() is None:
        raise NotFound(_GONE)
    return held


def _remove(tx: Tx, ids: Iterable[str], user_id: str) -> None:
    for memory_id in ids:
        tx.execute(
            delete(Memory).where(col(Memory.id) == memory_id, col(Memory.user_id) == user_id)
        )
        memory_words.unindex(tx, [memory_id])
