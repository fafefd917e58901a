"""Uploads: files that people have brought for messages not yet sent."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, literal, select
from sqlmodel import Session, col

from agentchat.columns import table_of
from agentchat.models import Attachment, Upload
from agentchat.store import attachments
from agentchat.store.changes import rows
from agentchat.store.writer import Tx

_UPLOADS = table_of(Upload)
_ATTACHMENTS = table_of(Attachment)
_MOVED = ("id", "name", "media_type", "size", "content", "text")


def lock(tx: Tx, user_id: str) -> None:
    """Hold off others who would count the bytes of a person's files at the same time."""
    if tx.dialect != "sqlite":
        number = int.from_bytes(hashlib.sha256(f"files {user_id}".encode()).digest()[:8], "big")
        tx.execute(select(func.pg_advisory_xact_lock(number >> 1)))


def held(source: Session | Tx, user_id: str) -> int:
    """How many bytes of files a person keeps: sent with messages, and not sent yet."""
    query = select(func.coalesce(func.sum(_UPLOADS.c.size), 0)).where(_UPLOADS.c.user_id == user_id)
    unsent = int(source.execute(query).scalar_one())
    return unsent + attachments.bytes_of(source, user_id)


def add(tx: Tx, upload: dict[str, Any]) -> None:
    """Add a file, given by column."""
    about = rows("uploads", {"id": upload["id"], "user_id": upload["user_id"]})
    tx.execute(insert(_UPLOADS), upload, about=about)


def of_person(session: Session, user_id: str) -> list[Row[Any]]:
    """The files that a person has not sent yet, oldest first, without what is in them."""
    heads = (_UPLOADS.c[name] for name in ("id", "name", "media_type", "size"))
    query = select(*heads).where(_UPLOADS.c.user_id == user_id)
    return list(session.execute(query.order_by(_UPLOADS.c.created_at, _UPLOADS.c.id)))


def get(session: Session, upload_id: str, user_id: str) -> Upload | None:
    """A file that this person has not sent yet."""
    query = select(Upload).where(col(Upload.id) == upload_id, col(Upload.user_id) == user_id)
    return session.scalars(query).one_or_none()


def discard(tx: Tx, upload_id: str, user_id: str) -> bool:
    """Remove a file that this person has not sent; whether there was one."""
    of_theirs = (_UPLOADS.c.id == upload_id, _UPLOADS.c.user_id == user_id)
    return tx.execute(delete(_UPLOADS).where(*of_theirs)).rowcount > 0


def attach(
    tx: Tx,
    ids: Sequence[str],
    user_id: str,
    *,
    thread_id: str,
    message_id: str,
    first: int,
    now: datetime,
) -> bool:
    """Make attachments of files that this person has not sent yet, in this order, the first of
    them at position ``first``; they keep their ids. False if one of them is not there: then
    whoever calls this undoes it.
    """
    about = rows("attachments", {"thread_id": thread_id, "message_id": message_id})
    for position, upload_id in enumerate(ids, first):
        # Within the database: what is in the files does not pass through this process.
        place = {
            "thread_id": literal(thread_id),
            "message_id": literal(message_id),
            "position": literal(position),
            "created_at": literal(now, _ATTACHMENTS.c.created_at.type),
        }
        query = select(*(_UPLOADS.c[name] for name in _MOVED), *place.values()).where(
            _UPLOADS.c.id == upload_id, _UPLOADS.c.user_id == user_id
        )
        moved = insert(_ATTACHMENTS).from_select([*_MOVED, *place], query)
        tx.execute(moved, about=about)
        if not discard(tx, upload_id, user_id):
            return False
    return True


def unsent(session: Session, *, before: datetime, limit: int) -> list[str]:
    """The ids of files that were brought before a time and never sent."""
    query = select(_UPLOADS.c.id).where(_UPLOADS.c.created_at < before).limit(limit)
    return list(session.execute(query).scalars())


def remove(tx: Tx, ids: Collection[str]) -> int:
    """Remove those of the files that are still there; how many there were."""
    return tx.execute(delete(_UPLOADS).where(_UPLOADS.c.id.in_(ids))).rowcount
