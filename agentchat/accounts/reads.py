"""What is read of people, logins and links, for whoever may see it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from agentchat.accounts import limits, units
from agentchat.accounts.tokens import digest
from agentchat.accounts.views import InvitationView, LoginView, PersonView
from agentchat.errors import NotFound
from agentchat.store import invitations, users
from agentchat.store import logins as logins_table
from agentchat.views import Actor


def who_tries(session: Session, name: str, address: str, now: datetime) -> Row[Any] | None:
    """Who has this name, if it may be tried from there now; raises TooManyTries."""
    limits.check(session, "login", name, address, now=now)
    return users.named(session, name)


def name_of_reset(session: Session, token: str, now: datetime) -> str:
    """Whose password a link changes; raises NotFound."""
    view = link_view(session, token, now)
    if view.kind != invitations.RESET:
        raise NotFound(units.NO_LINK)
    return view.name


def link_view(session: Session, token: str, now: datetime) -> InvitationView:
    """What a link is for; raises NotFound if it is good for nothing."""
    link = invitations.good(session, digest(token), now=now)
    if link is None:
        raise NotFound(units.NO_LINK)
    return _invitation(session, link)


def open_links(session: Session, actor: Actor, now: datetime) -> tuple[InvitationView, ...]:
    """The links that are good, newest first; raises NotAllowed."""
    units.check_admin(session, actor)
    return tuple(_invitation(session, link) for link in invitations.open_ones(session, now=now))


def _invitation(session: Session, link: Row[Any]) -> InvitationView:
    user = users.get(session, link.user_id) if link.user_id else None
    name = "" if user is None else user.name
    return InvitationView(link.id, link.kind, name, link.admin, link.created_at, link.expires_at)


def people(session: Session, actor: Actor) -> tuple[PersonView, ...]:
    """All who have an account; raises NotAllowed."""
    units.check_admin(session, actor)
    return tuple(
        PersonView(one.id, one.name, one.display_name, one.admin, one.active, one.created_at)
        for one in users.with_accounts(session)
    )


def logins(session: Session, actor: Actor, token: str, now: datetime) -> tuple[LoginView, ...]:
    """Where a person is logged in, ``current`` where this token is."""
    current = digest(token)
    return tuple(
        LoginView(
            one.id,
            one.address,
            one.browser,
            one.token_hash == current,
            one.created_at,
            one.seen_at,
            one.expires_at,
        )
        for one in logins_table.of(session, actor.id)
        if one.expires_at > now
    )
