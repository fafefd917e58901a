"""Attachments: the files that were sent with messages."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Row, delete, func, insert, select
from sqlmodel import Session, col

from agentchat.columns import table_of
from agentchat.models import Attachment, Message, Thread
from agentchat.store import by_message
from agentchat.store.writer import Tx

_ATTACHMENTS = table_of(Attachment)
# Not created_at: it lies behind the content, through which SQLite would have to go.
_HEADS = ("id", "thread_id", "message_id", "position", "name", "media_type", "size")


def add(tx: Tx, *files: dict[str, Any]) -> None:
    """Add the files of a message, given by column."""
    tx.execute(insert(_ATTACHMENTS), list(files))


def get(session: Session, attachment_id: str) -> Attachment | None:
    """The file of this id."""
    return session.get(Attachment, attachment_id)


def head_of(session: Session, attachment_id: str) -> Row[Any] | None:
    """The file of this id, without what is in it."""
    heads = (_ATTACHMENTS.c[name] for name in _HEADS)
    return session.execute(select(*heads).where(_ATTACHMENTS.c.id == attachment_id)).one_or_none()


def heads_of_messages(
    session: Session, thread_id: str, ids: Collection[str]
) -> dict[str, list[Row[Any]]]:
    """The files of these messages of a thread, in order, without what is in them, by the id of
    the message.
    """
    return by_message.read(session, _WITHOUT_CONTENT, thread_id, ids)


_WITHOUT_CONTENT = by_message.query_of(
    _ATTACHMENTS, ("message_id", "position"), *(_ATTACHMENTS.c[name] for name in _HEADS)
)


def bytes_of(session: Session | Tx, user_id: str) -> int:
    """How many bytes of files a person has sent that are still there, with those of their threads
    that nobody here has sent: copied or imported.
    """
    said, threads = table_of(Message), table_of(Thread)
    sizes = select(func.coalesce(func.sum(_ATTACHMENTS.c.size), 0))
    sent = sizes.join(said, said.c.id == _ATTACHMENTS.c.message_id)
    nobodys = sent.join(threads, threads.c.id == _ATTACHMENTS.c.thread_id)
    mine = nobodys.where(threads.c.owner_id == user_id, said.c.user_id == "")
    queries = sent.where(said.c.user_id == user_id), mine
    return sum(int(session.execute(query).scalar_one()) for query in queries)


def text_of(session: Session, attachment_id: str, *, most: int | None = None) -> str:
    """What can be read of a file, ``most`` characters of it; empty if it is gone."""
    text = _ATTACHMENTS.c.text if most is None else func.substr(_ATTACHMENTS.c.text, 1, most)
    query = select(text).where(_ATTACHMENTS.c.id == attachment_id)
    return session.execute(query).scalar_one_or_none() or ""


def content_of(session: Session, attachment_id: str) -> bytes:
    """What is in a file; empty if it is gone."""
    query = select(_ATTACHMENTS.c.content).where(_ATTACHMENTS.c.id == attachment_id)
    return bytes(session.execute(query).scalar_one_or_none() or b"")


def delete_of_thread(tx: Tx, thread_id: str) -> None:
    """Remove the files of a thread."""
    tx.execute(delete(Attachment).where(col(Attachment.thread_id) == thread_id))
