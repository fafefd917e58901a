"""Attachments: the files that were sent with messages."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select
from sqlmodel import Session, col

from agentchat.columns import table_of
from agentchat.models import Attachment
from agentchat.store.writer import Tx

_ATTACHMENTS = table_of(Attachment)
_HEADS = [column for column in _ATTACHMENTS.columns if column.name not in ("content", "text")]


def add(tx: Tx, *files: dict[str, Any]) -> None:
    """Add the files of a message, given by column."""
    tx.execute(insert(_ATTACHMENTS), list(files))


def get(session: Session, attachment_id: str) -> Attachment | None:
    """The file of this id."""
    return session.get(Attachment, attachment_id)


def of_messages(
    session: Session, thread_id: str, ids: Collection[str]
) -> dict[str, list[Row[Any]]]:
    """The files of these messages of a thread, in order, by the id of the message."""
    return _by_message(session, _WHOLE, thread_id, ids)


def heads_of_messages(
    session: Session, thread_id: str, ids: Collection[str]
) -> dict[str, list[Row[Any]]]:
    """As :func:`of_messages`, without what is in the files."""
    return _by_message(session, _WITHOUT_CONTENT, thread_id, ids)


def _by_message(
    session: Session, query: Any, thread_id: str, ids: Collection[str]
) -> dict[str, list[Row[Any]]]:
    found: dict[str, list[Row[Any]]] = {}
    if ids:
        for row in session.execute(query, {"thread_id": thread_id, "ids": list(ids)}):
            found.setdefault(row.message_id, []).append(row)
    return found


def _of_messages(*columns: Any) -> Any:
    return (
        select(*columns)
        .where(
            _ATTACHMENTS.c.thread_id == bindparam("thread_id"),
            _ATTACHMENTS.c.message_id.in_(bindparam("ids", expanding=True)),
        )
        .order_by(_ATTACHMENTS.c.message_id, _ATTACHMENTS.c.position)
    )


_WHOLE = _of_messages(*_ATTACHMENTS.columns)
_WITHOUT_CONTENT = _of_messages(*_HEADS)


def text_of(session: Session, attachment_id: str) -> str:
    """What can be read of a file; empty if it is gone."""
    query = select(_ATTACHMENTS.c.text).where(_ATTACHMENTS.c.id == attachment_id)
    return session.execute(query).scalar_one_or_none() or ""


def content_of(session: Session, attachment_id: str) -> bytes:
    """What is in a file; empty if it is gone."""
    query = select(_ATTACHMENTS.c.content).where(_ATTACHMENTS.c.id == attachment_id)
    return bytes(session.execute(query).scalar_one_or_none() or b"")


def delete_of_thread(tx: Tx, thread_id: str) -> None:
    """Remove the files of a thread."""
    tx.execute(delete(Attachment).where(col(Attachment.thread_id) == thread_id))
