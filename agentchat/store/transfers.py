"""Whole threads: read piece by piece for a file, and written as they were in one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Row, insert, select, update
from sqlmodel import Session

from agentchat.columns import table_of
from agentchat.models import Attachment, Branch, Message, Part, Thread
from agentchat.store import threads
from agentchat.store.writer import Tx

_MESSAGES, _PARTS, _FILES = table_of(Message), table_of(Part), table_of(Attachment)
_BRANCHES, _THREADS = table_of(Branch), table_of(Thread)


class Outline(NamedTuple):
    """A thread at one moment: its branches, and the ids of its messages in order, with which of
    them are kept at their places, and which are shown.
    """

    thread: Thread
    branches: Sequence[Row[Any]]
    ids: list[str]
    kept: set[str]
    shown: set[str]


def outline(session: Session, thread_id: str) -> Outline:
    """What there is of a thread, without what is long; raises ThreadNotFound."""
    thread = threads.get(session, thread_id)
    found = session.execute(
        select(_MESSAGES.c.id, _MESSAGES.c.hidden, _MESSAGES.c.shelved)
        .where(_MESSAGES.c.thread_id == thread_id)
        .order_by(_MESSAGES.c.position, _MESSAGES.c.variant)
    ).all()
    others = select(_BRANCHES).where(_BRANCHES.c.thread_id == thread_id)
    return Outline(
        thread,
        session.execute(others.order_by(_BRANCHES.c.number)).all(),
        [row.id for row in found],
        {row.id for row in found if row.shelved or not row.hidden},
        {row.id for row in found if not row.hidden},
    )


class Whole(NamedTuple):
    """Messages with all that belongs to them, by their ids."""

    messages: dict[str, Row[Any]]
    parts: dict[str, list[Row[Any]]]
    files: dict[str, list[Row[Any]]]


def whole(session: Session, ids: Collection[str]) -> Whole:
    """These messages with their parts, and the heads of their files."""
    heads = [_FILES.c[name] for name in ("id", "message_id", "name", "media_type", "size")]
    said = session.execute(select(_MESSAGES).where(_MESSAGES.c.id.in_(ids))).all()
    done = select(_PARTS).where(_PARTS.c.message_id.in_(ids)).order_by(_PARTS.c.position)
    sent = select(*heads).where(_FILES.c.message_id.in_(ids)).order_by(_FILES.c.position)
    found = Whole({row.id: row for row in said}, {}, {})
    for query, rows in ((done, found.parts), (sent, found.files)):
        for row in session.execute(query):
            rows.setdefault(row.message_id, []).append(row)
    return found


class Made(NamedTuple):
    """The rows of a thread that is taken in, by column."""

    thread: dict[str, Any]
    branches: list[dict[str, Any]]
    messages: list[dict[str, Any]]
    parts: list[dict[str, Any]]
    files: list[dict[str, Any]]


def put(tx: Tx, made: Made) -> None:
    """Write a thread that is not there yet. What is shown of it follows from its branches."""
    tx.execute(insert(_THREADS), made.thread)
    for table, found in (
        (_BRANCHES, made.branches),
        (_MESSAGES, made.messages),
        (_PARTS, made.parts),
        (_FILES, made.files),
    ):
        for start in range(0, len(found), 500):
            tx.execute(insert(table), found[start : start + 500])


def show(tx: Tx, ids: Sequence[str]) -> None:
    """Let threads that were put as deleted ones be seen, but those that were emptied meanwhile."""
    for start in range(0, len(ids), 500):
        found = _THREADS.c.id.in_(ids[start : start + 500]) & _THREADS.c.emptied_at.is_(None)
        tx.execute(update(_THREADS).where(found).values(deleted_at=None))
