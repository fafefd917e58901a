"""Summaries: what models are told instead of the older messages of a thread."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, delete, func, insert, select
from sqlmodel import Session, col

from agentchat.columns import table_of
from agentchat.models import Attachment, Message, Part, Summary
from agentchat.store.writer import Tx

_SUMMARIES = table_of(Summary)
_MESSAGES = table_of(Message)


def add(tx: Tx, thread_id: str, position: int, text: str, *, now: datetime) -> None:
    """Keep what is told instead of the messages of a thread up to ``position``."""
    row = {"thread_id": thread_id, "position": position, "text": text, "created_at": now}
    tx.execute(insert(_SUMMARIES), row)


def newest(source: Tx | Session, thread_id: str, *, before: int) -> Row[Any] | None:
    """The one that covers most of what was said before the message at ``before``."""
    query = (
        select(_SUMMARIES)
        .where(_SUMMARIES.c.thread_id == thread_id, _SUMMARIES.c.position < before)
        .order_by(_SUMMARIES.c.position.desc(), _SUMMARIES.c.id.desc())
    )
    return source.execute(query.limit(1)).first()


def mark(source: Tx | Session, thread_id: str, *, upto: int) -> str:
    """What changes when a message up to ``upto`` is edited or deleted, or a summary of them
    is made or taken away.
    """
    said = select(_MESSAGES.c.id, _MESSAGES.c.text).where(
        _MESSAGES.c.thread_id == thread_id, _MESSAGES.c.position <= upto
    )
    summed = select(_SUMMARIES.c.id).where(
        _SUMMARIES.c.thread_id == thread_id, _SUMMARIES.c.position <= upto
    )
    seen = hashlib.sha256()
    for message_id, text in source.execute(said.order_by(_MESSAGES.c.position)):
        seen.update(f"{message_id}\n{len(text)}\n{text}\n".encode())
    for (summary_id,) in source.execute(summed.order_by(_SUMMARIES.c.id)):
        seen.update(f"{summary_id}\n".encode())
    return seen.hexdigest()


@dataclass(frozen=True, slots=True)
class Uncovered:
    """How many messages there are, how many files they have, and how many characters with
    their parts and what can be read of their files.
    """

    messages: int
    files: int
    characters: int


def uncovered(tx: Tx, thread_id: str, *, before: int) -> Uncovered:
    """What no summary covers of what was said before the message at ``before``."""
    last = newest(tx, thread_id, before=before)
    within = and_(
        _MESSAGES.c.thread_id == thread_id,
        _MESSAGES.c.position < before,
        _MESSAGES.c.position > (-1 if last is None else last.position),
    )
    said = select(func.count(), func.coalesce(func.sum(func.length(_MESSAGES.c.text)), 0))
    messages, characters = tx.execute(said.where(within)).one()
    files = 0
    # Files last: it is they that are counted.
    for table in (table_of(Part), table_of(Attachment)):
        length = func.coalesce(func.sum(func.length(table.c.text)), 0)
        query = select(func.count(table.c.id), length)
        query = query.join(_MESSAGES, _MESSAGES.c.id == table.c.message_id)
        files, more = tx.execute(query.where(within)).one()
        characters += more
    return Uncovered(int(messages), int(files), int(characters))


def delete_from(tx: Tx, thread_id: str, position: int) -> None:
    """Remove those that tell of the message at ``position``: it is edited, deleted or begun
    anew, and nothing of it may live on.
    """
    tx.execute(
        delete(_SUMMARIES).where(
            _SUMMARIES.c.thread_id == thread_id, _SUMMARIES.c.position >= position
        )
    )


def delete_of_thread(tx: Tx, thread_id: str) -> None:
    """Remove those of a thread."""
    tx.execute(delete(Summary).where(col(Summary.thread_id) == thread_id))
