"""Summaries: what models are told instead of the older messages of a thread."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Table,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    union_all,
)
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


def mark(source: Tx | Session, thread_id: str, ids: Collection[str], *, upto: int) -> str:
    """What changes when one of these messages is edited, begun anew or deleted, or a summary of
    what was said up to ``upto`` is made or taken away.

    Whoever changes a text changes when it was finished, which run wrote it, or how long it is;
    an answer that another one was kept for is hidden.
    """
    said = select(
        _MESSAGES.c.id,
        _MESSAGES.c.status,
        _MESSAGES.c.run_id,
        _MESSAGES.c.hidden,
        _MESSAGES.c.finished_at,
        func.length(_MESSAGES.c.text),
    ).where(_MESSAGES.c.id.in_(list(ids)))
    summed = select(_SUMMARIES.c.id).where(
        _SUMMARIES.c.thread_id == thread_id, _SUMMARIES.c.position <= upto
    )
    seen = hashlib.sha256()
    for query in (said.order_by(_MESSAGES.c.id), summed.order_by(_SUMMARIES.c.id)):
        for row in source.execute(query):
            seen.update(f"{tuple(row)}\n".encode())
    return seen.hexdigest()


@dataclass(frozen=True, slots=True)
class Uncovered:
    """How many messages there are, how many files they have, and how many characters with
    their parts and what can be read of their files. ``anew`` says whether a summary tells of
    what comes after them.
    """

    messages: int
    files: int
    characters: int
    anew: bool = False


def uncovered(tx: Tx, thread_id: str, *, before: int, most: int) -> Uncovered:
    """What no summary tells of, before the message at ``before``: of the newest ``most``
    messages.
    """
    params = {"thread_id": thread_id, "before": before, "most": most}
    found = {name: (int(n), int(size)) for name, n, size in tx.execute(_UNCOVERED, params).all()}
    messages, files = found["messages"][0], found["files"][0]
    characters = sum(size for _, size in found.values())
    return Uncovered(messages, files, characters, bool(found["summaries"][0]))


def _counted(name: str, text: ColumnElement[str] | None = None) -> Select[Any]:
    size = literal(0) if text is None else func.coalesce(func.sum(func.length(text)), 0)
    return select(literal(name), func.count(), size)


def _of_newest(name: str, table: Table) -> Select[Any]:
    counted = _counted(name, table.c.text)
    return counted.select_from(table.join(_NEWEST, _NEWEST.c.id == table.c.message_id))


_BEFORE: Any = bindparam("before")
_COVERED = select(func.max(_SUMMARIES.c.position)).where(
    _SUMMARIES.c.thread_id == bindparam("thread_id"), _SUMMARIES.c.position < _BEFORE
)
_NEWEST = (
    select(_MESSAGES.c.id, _MESSAGES.c.text)
    .where(
        _MESSAGES.c.thread_id == bindparam("thread_id"),
        _MESSAGES.c.hidden.is_(False),
        _MESSAGES.c.position < _BEFORE,
        _MESSAGES.c.position > func.coalesce(_COVERED.scalar_subquery(), -1),
    )
    .order_by(_MESSAGES.c.position.desc())
    .limit(bindparam("most"))
    .cte("newest")
)
_UNCOVERED = union_all(
    _counted("messages", _NEWEST.c.text).select_from(_NEWEST),
    _of_newest("parts", table_of(Part)),
    _of_newest("files", table_of(Attachment)),
    _counted("summaries").where(
        _SUMMARIES.c.thread_id == bindparam("thread_id"), _SUMMARIES.c.position >= _BEFORE
    ),
)


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
