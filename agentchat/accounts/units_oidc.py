"""What is done to accounts of people for whom an identity provider vouches."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import Row

from agentchat.accounts import units
from agentchat.accounts.oidc import Claimed
from agentchat.accounts.tokens import digest
from agentchat.accounts.units import Arrival
from agentchat.errors import NotAllowed, NotFound
from agentchat.store import invitations, users
from agentchat.store.writer import Tx
from agentchat.views import Actor

DEACTIVATED = "This account was deactivated. Ask an admin."


def come_in(
    tx: Tx, claimed: Claimed, invitation: str, arrival: Arrival, *, anybody: bool, named: bool
) -> Actor:
    """Log in a person for whom a provider vouches, who is added if they are new.

    They are never taken for somebody who has the same name or address, but only for whom the
    provider calls the same. ``named`` says that the settings name the admins: then the first
    person is none by being first. Raises NotAllowed, and NotFound for a link that is good for
    nothing.
    """
    users.lock(tx)
    user = users.of_subject(tx, claimed.issuer, claimed.subject)
    if user is not None:
        return _again(tx, user, claimed, arrival)
    first = not named and not users.any_account(tx)
    admin = claimed.admin or first
    link = invitations.good(tx, digest(invitation), now=arrival.now) if invitation else None
    if invitation:
        units.check_sign_up(tx, invitation, arrival.now, anybody=anybody)
    elif not (admin or anybody):
        raise NotAllowed(units.NOT_INVITED)
    actor = Actor(
        uuid.uuid4().hex, claimed.display_name, admin or (link is not None and link.admin)
    )
    name = _free_name(tx, claimed.name)
    users.add(
        tx,
        actor.id,
        name=name,
        display_name=claimed.display_name,
        oidc=(claimed.issuer, claimed.subject),
        admin=actor.admin,
        now=arrival.now,
    )
    if link is not None and not invitations.use(tx, link.id, by=actor.id, now=arrival.now):
        raise NotFound(units.NO_LINK)
    detail = {"name": name, "admin": actor.admin, "issuer": claimed.issuer}
    units.arrive(tx, actor, "sign_up", arrival, detail)
    return actor


def _again(tx: Tx, user: Row[Any], claimed: Claimed, arrival: Arrival) -> Actor:
    if not user.active:
        raise NotAllowed(DEACTIVATED)
    actor = Actor(user.id, user.display_name, user.admin or claimed.admin)
    if actor.admin and not user.admin:
        users.change(tx, user.id, admin=True)
        units.note(tx, user.id, "set_admin", actor, arrival.now, admin=True, issuer=claimed.issuer)
    units.arrive(tx, actor, "log_in", arrival, {"issuer": claimed.issuer})
    return actor


def _free_name(tx: Tx, wanted: str) -> str:
    possible = [wanted, *(f"{wanted}-{number}" for number in range(2, 1_000))]
    taken = users.taken(tx, possible)
    return next(name for name in possible if name not in taken)
