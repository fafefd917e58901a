"""With whom a thread is shared, as those who may see it are shown it: frozen values, from rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row
from sqlmodel import Session

from agentchat.guard import Guard
from agentchat.models import MemberRole
from agentchat.rights import Right
from agentchat.store import members, share_links
from agentchat.views import Actor

SOMEBODY: Final = "somebody"
"""The name of whoever has no account (any more)."""


@dataclass(frozen=True)
class MemberView:
    """Somebody with whom a thread is shared, or its owner: ``role`` is owner, member or viewer.

    Who is not ``active`` cannot log in, and so not come.
    """

    id: str
    name: str
    role: str
    since: datetime
    active: bool = True


@dataclass(frozen=True)
class LinkView:
    """A link into a thread, without what opens it. With a ``public`` one anybody reads; others
    make members with this ``role``. ``by`` is who made it; it is good until ``expires_at``, None
    for ever.
    """

    id: str
    role: str
    public: bool
    by: str
    created_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True)
class Visit:
    """What a public link opens: its thread, to ``visitor``, who reads it and does nothing else.
    ``by`` is who made the link.
    """

    visitor: Actor
    thread_id: str
    link_id: str
    by: str


def members_of(
    session: Session, thread_id: str, guard: Guard, actor: Actor
) -> tuple[MemberView, ...]:
    """The owner of a thread, then with whom it is shared."""
    guard.thread(session, thread_id, actor, Right.READ)
    first_id = guard.access(session, thread_id).thread_id
    owner = members.owner(session, first_id)
    return (
        _member(owner, MemberRole.OWNER),
        *(_member(row, row.role) for row in members.of_thread(session, first_id)),
    )


def _member(row: Row[Any], role: str) -> MemberView:
    return MemberView(
        row.user_id, row.name or SOMEBODY, role, row.added_at, row.active is not False
    )


def links_of(session: Session, thread_id: str, guard: Guard, actor: Actor) -> tuple[LinkView, ...]:
    """The links into a thread, oldest first."""
    guard.thread(session, thread_id, actor, Right.OWN)
    guard.access(session, thread_id)
    return tuple(map(link_view, share_links.of_thread(session, thread_id)))


def link_view(row: Row[Any]) -> LinkView:
    """A link from its row, which has the ``name`` of whoever made it."""
    return LinkView(
        row.id, row.role, row.public, row.name or SOMEBODY, row.created_at, row.expires_at
    )
