"""Access: whom a thread is open to, as rows say it. What is read in the snapshot of a live query
wakes it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, func, or_, select
from sqlmodel import Session, col

from agentchat.columns import of_row, table_of
from agentchat.errors import ThreadNotFound
from agentchat.models import (
    ACTIVE_RUN,
    MemberRole,
    Message,
    Run,
    ShareLink,
    Thread,
    ThreadMember,
    User,
)
from agentchat.rights import Access, Right, gives
from agentchat.store.writer import Tx


class Owned(NamedTuple):
    """Whose a run is: its thread's, else that of the person who started it. ``about`` is the
    ``user_id`` that it was started with, empty if there is none.
    """

    thread_id: str | None
    user_id: str
    workflow: str = ""
    about: str = ""


def of_thread(source: Session | Tx, thread_id: str) -> Access:
    """Whom a thread is open to; raises ThreadNotFound if it is unknown or deleted.

    A sub-agent's thread is open to whom the thread is that it works for.
    """
    first = _thread(source, thread_id)
    while first.parent_id is not None:
        first = _thread(source, first.parent_id)
    members = select(col(ThreadMember.user_id), col(ThreadMember.role))
    roles = source.execute(members.where(col(ThreadMember.thread_id) == first.id)).all()
    links = select(col(ShareLink.id), col(ShareLink.expires_at), col(ShareLink.public))
    public = source.execute(links.where(col(ShareLink.thread_id) == first.id)).all()
    return Access(
        first.id,
        first.owner_id,
        {user_id: MemberRole(role) for user_id, role in roles},
        {link_id: until for link_id, until, is_public in public if is_public},
    )


def check_not_deleted(source: Session | Tx, thread_id: str) -> None:
    """Raise ThreadNotFound if there was a thread of this id, and it is deleted."""
    gone = select(col(Thread.id)).where(
        col(Thread.id) == thread_id, col(Thread.deleted_at).is_not(None)
    )
    if source.execute(gone).first() is not None:
        raise ThreadNotFound


def account(source: Session | Tx, user_id: str) -> Row[Any] | None:
    """``display_name`` and ``admin`` of a person, if they have an account and may log in."""
    query = select(col(User.display_name), col(User.admin)).where(
        col(User.id) == user_id,
        col(User.active).is_(True),
        or_(col(User.password_hash).is_not(None), col(User.oidc_subject).is_not(None)),
    )
    return source.execute(query).first()


def thread_of_message(source: Session | Tx, message_id: str) -> str | None:
    """The thread that a message is in, None if there is no such message."""
    query = select(col(Message.thread_id)).where(col(Message.id) == message_id)
    found = source.execute(query).first()
    return None if found is None else str(found[0])


def run_of(source: Session | Tx, run_id: str) -> Owned | None:
    """Whose a run is, None if there is none of this id."""
    about = func.coalesce(table_of(Run).c.data["user_id"].as_string(), "")
    query = select(col(Run.thread_id), col(Run.user_id), col(Run.workflow), about)
    found = source.execute(query.where(col(Run.id) == run_id)).first()
    return None if found is None else Owned(*found)


def acting_for(
    tx: Tx, user_id: str, workflows: Collection[str], *, thread_id: str = ""
) -> list[Run]:
    """The runs of these workflows under way that act for a person, in one thread or in all, so that
    those of a thread follow each other, and what another waits for comes behind it.
    """
    query = select(table_of(Run)).where(
        col(Run.user_id) == user_id,
        col(Run.status).in_(ACTIVE_RUN),
        col(Run.workflow).in_(workflows),
        col(Run.thread_id) == thread_id if thread_id else col(Run.thread_id).is_not(None),
    )
    query = query.order_by(col(Run.thread_id), col(Run.created_at), col(Run.id))
    return [of_row(Run, row) for row in tx.execute(query).mappings()]


def among(thread_id: ColumnElement[Any], user_id: str, right: Right) -> ColumnElement[bool]:
    """That a column names a thread in which a person has a right; for those of people, not of
    sub-agents.
    """
    owned = select(col(Thread.id)).where(col(Thread.owner_id) == user_id)
    return or_(thread_id.in_(owned), shared_among(thread_id, user_id, right))


def shared_among(thread_id: ColumnElement[Any], user_id: str, right: Right) -> ColumnElement[bool]:
    """That a column names a thread that was shared with a person so that they have a right."""
    roles = [role for role in MemberRole if gives(role) >= right]
    shared = select(col(ThreadMember.thread_id)).where(
        col(ThreadMember.user_id) == user_id, col(ThreadMember.role).in_(roles)
    )
    return thread_id.in_(shared)


def _thread(source: Session | Tx, thread_id: str) -> Row[tuple[str, str, str | None]]:
    query = select(col(Thread.id), col(Thread.owner_id), col(Thread.parent_id))
    found = source.execute(
        query.where(col(Thread.id) == thread_id, col(Thread.deleted_at).is_(None))
    ).first()
    if found is None:
        raise ThreadNotFound
    return found
