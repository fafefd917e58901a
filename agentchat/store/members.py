"""Members: the people with whom threads were shared, and whose threads they are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlmodel import Session

from agentchat.columns import table_of
from agentchat.models import MemberRole, Thread, ThreadMember, User
from agentchat.store.writer import Tx

_MEMBERS = table_of(ThreadMember)
_THREADS = table_of(Thread)
_USERS = table_of(User)


def owner(session: Session, thread_id: str) -> Row[Any]:
    """``user_id`` of the owner of a thread that is there, ``name`` and ``active`` if they have an
    account, and since when the thread is there (``added_at``).
    """
    query = (
        select(
            _THREADS.c.owner_id.label("user_id"),
            _THREADS.c.created_at.label("added_at"),
            _USERS.c.display_name.label("name"),
            _USERS.c.active,
        )
        .join(_USERS, _USERS.c.id == _THREADS.c.owner_id, isouter=True)
        .where(_THREADS.c.id == thread_id)
    )
    return session.execute(query).one()


def of_thread(session: Session, thread_id: str) -> Sequence[Row[Any]]:
    """The same of its members, with their ``role``, in the order in which they came."""
    query = (
        select(
            _MEMBERS.c.user_id,
            _MEMBERS.c.role,
            _MEMBERS.c.added_at,
            _USERS.c.display_name.label("name"),
            _USERS.c.active,
        )
        .join(_USERS, _USERS.c.id == _MEMBERS.c.user_id, isouter=True)
        .where(_MEMBERS.c.thread_id == thread_id)
        .order_by(_MEMBERS.c.added_at, _MEMBERS.c.user_id)
    )
    return session.execute(query).all()


def role_of(tx: Tx, thread_id: str, user_id: str) -> MemberRole | None:
    """What somebody was made in a thread; None if it was not shared with them."""
    query = select(_MEMBERS.c.role).where(
        _MEMBERS.c.thread_id == thread_id, _MEMBERS.c.user_id == user_id
    )
    found = tx.execute(query).scalar()
    return None if found is None else MemberRole(found)


def count(tx: Tx, thread_id: str) -> int:
    """With how many people a thread is shared."""
    query = select(func.count()).select_from(_MEMBERS).where(_MEMBERS.c.thread_id == thread_id)
    return int(tx.execute(query).scalar() or 0)


def add(tx: Tx, thread_id: str, user_id: str, role: MemberRole, *, by: str, now: datetime) -> None:
    """Share a thread with somebody who is no member."""
    values = {"thread_id": thread_id, "user_id": user_id, "role": role}
    tx.execute(insert(_MEMBERS), {**values, "added_by": by, "added_at": now})


def change(tx: Tx, thread_id: str, user_id: str, role: MemberRole) -> None:
    """Make somebody something else in a thread."""
    tx.execute(
        update(_MEMBERS)
        .where(_MEMBERS.c.thread_id == thread_id, _MEMBERS.c.user_id == user_id)
        .values(role=role)
    )


def remove(tx: Tx, thread_id: str, user_id: str) -> bool:
    """Share a thread with somebody no more; whether it was."""
    gone = delete(_MEMBERS).where(_MEMBERS.c.thread_id == thread_id, _MEMBERS.c.user_id == user_id)
    return bool(tx.execute(gone).rowcount)


def hand_over(tx: Tx, thread_id: str, user_id: str) -> None:
    """Make somebody the owner of a thread."""
    tx.execute(update(_THREADS).where(_THREADS.c.id == thread_id).values(owner_id=user_id))


def delete_of_thread(tx: Tx, thread_id: str) -> None:
    """Share a thread with nobody any more."""
    tx.execute(delete(_MEMBERS).where(_MEMBERS.c.thread_id == thread_id))
