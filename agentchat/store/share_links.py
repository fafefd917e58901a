"""Share links: links with which people get into threads, or read them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, select
from sqlmodel import Session

from agentchat.columns import table_of
from agentchat.models import MemberRole, ShareLink, Thread, User
from agentchat.store.writer import Tx

_LINKS = table_of(ShareLink)
_USERS = table_of(User)
_THREADS = table_of(Thread)
_NAMED = select(_LINKS, _USERS.c.display_name.label("name")).join(
    _USERS, _USERS.c.id == _LINKS.c.created_by, isouter=True
)


def add(
    tx: Tx,
    link_id: str,
    thread_id: str,
    *,
    token_hash: str,
    role: MemberRole,
    public: bool,
    by: str,
    now: datetime,
    expires_at: datetime | None,
) -> None:
    """Add a link, and forget those of the thread that are over."""
    over = _LINKS.c.expires_at <= now
    tx.execute(delete(_LINKS).where(_LINKS.c.thread_id == thread_id, over))
    values = {
        "id": link_id,
        "thread_id": thread_id,
        "token_hash": token_hash,
        "role": role,
        "public": public,
        "created_by": by,
        "created_at": now,
        "expires_at": expires_at,
    }
    tx.execute(insert(_LINKS), values)


def find(source: Session | Tx, token_hash: str) -> Row[Any] | None:
    """The link with this token, whether it is over or not, with the ``name`` of its maker; none
    into a deleted thread.
    """
    there = select(_THREADS.c.id).where(_THREADS.c.deleted_at.is_(None))
    found = _LINKS.c.token_hash == token_hash, _LINKS.c.thread_id.in_(there)
    return source.execute(_NAMED.where(*found)).first()


def of_thread(session: Session, thread_id: str) -> Sequence[Row[Any]]:
    """The links into a thread, oldest first, each with the ``name`` of whoever made it."""
    query = _NAMED.where(_LINKS.c.thread_id == thread_id)
    return session.execute(query.order_by(_LINKS.c.created_at, _LINKS.c.id)).all()


def count(tx: Tx, thread_id: str, *, now: datetime) -> int:
    """How many links into a thread are not over."""
    query = (
        select(func.count())
        .select_from(_LINKS)
        .where(
            _LINKS.c.thread_id == thread_id,
            _LINKS.c.expires_at.is_(None) | (_LINKS.c.expires_at > now),
        )
    )
    return int(tx.execute(query).scalar() or 0)


def remove(tx: Tx, thread_id: str, link_id: str) -> bool:
    """Take a link away; whether it was there."""
    gone = delete(_LINKS).where(_LINKS.c.thread_id == thread_id, _LINKS.c.id == link_id)
    return bool(tx.execute(gone).rowcount)


def delete_of_thread(tx: Tx, thread_id: str) -> None:
    """Take all links into a thread away."""
    tx.execute(delete(_LINKS).where(_LINKS.c.thread_id == thread_id))
