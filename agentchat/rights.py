"""Who may do what: pure decisions. What they go by is read by ``store/access.py``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Final

from agentchat.models import MemberRole
from agentchat.views import Actor


class Right(IntEnum):
    """What a verb asks for in a thread; each includes those before it."""

    READ = 1
    """See what is said and done there."""
    WRITE = 2
    """Say something, stop, approve, and repair what was started there."""
    OWN = 3
    """Share and delete the thread."""


_GIVES: Final = {
    MemberRole.VIEWER: Right.READ,
    MemberRole.MEMBER: Right.WRITE,
    MemberRole.OWNER: Right.OWN,
}
_LINK: Final = "link:"


@dataclass(frozen=True, slots=True)
class Access:
    """Whom a thread is open to; sub-agents' threads are open to whom their first thread is.

    ``thread_id`` is the first thread, ``roles`` are the people it was shared with, by id, and
    ``links`` those with which anybody may read it, by id, with when they end, None for never. What
    is over may be among them.
    """

    thread_id: str
    owner_id: str
    roles: Mapping[str, MemberRole] = field(default_factory=dict)
    links: Mapping[str, datetime | None] = field(default_factory=dict)


def visitor(link_id: str) -> Actor:
    """Whoever comes with a link that lets anybody read a thread."""
    return Actor(_LINK + link_id, "a visitor")


def is_visitor(actor: Actor) -> bool:
    """Whether this is nobody who has logged in."""
    return actor.id.startswith(_LINK)


def role_of(access: Access, actor: Actor, now: datetime) -> MemberRole | None:
    """What a person is in a thread; an administrator is at home in each."""
    if is_visitor(actor):
        link_id, until = actor.id.removeprefix(_LINK), ends_at(access, actor)
        holds = link_id in access.links and (until is None or until > now)
        return MemberRole.VIEWER if holds else None
    if actor.admin or actor.id == access.owner_id:
        return MemberRole.OWNER
    return access.roles.get(actor.id)


def ends_at(access: Access, actor: Actor) -> datetime | None:
    """When the link ends with which somebody came, if it does: no row changes then."""
    return access.links.get(actor.id.removeprefix(_LINK)) if is_visitor(actor) else None


def gives(role: MemberRole) -> Right:
    """The highest right of a role."""
    return _GIVES[role]


def may(access: Access, actor: Actor, right: Right, now: datetime) -> bool:
    """Whether this person has this right in the thread."""
    role = role_of(access, actor, now)
    return role is not None and _GIVES[role] >= right
