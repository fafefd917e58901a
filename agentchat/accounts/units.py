"""What is done to accounts, each in one transaction with its line in the audits.

Whoever acts is looked up again here: an :class:`~agentchat.views.Actor` may be older than the
rows.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from agentchat.accounts import limits, names
from agentchat.accounts.tokens import digest, is_guest_id
from agentchat.errors import NotAllowed, NotFound, WrongPassword, WrongState
from agentchat.store import audits, invitations, logins, users
from agentchat.store.audits import Entry
from agentchat.store.invitations import INVITE, RESET
from agentchat.store.writer import Tx
from agentchat.verbs.losing import Losing
from agentchat.views import LOCAL, Actor

ONLY_ADMINS = "Only an admin may do this."
NO_LINK = "This link is good for nothing any more: it was used, revoked, or is too old."
NOT_INVITED = "To make an account here you need an invitation. Ask somebody who is an admin."


@dataclass(frozen=True, slots=True)
class Arrival:
    """A browser that somebody logs in with: what its cookie is to hold in place of what it held
    before (``replaced``), and what it told.
    """

    token: str
    replaced: str
    address: str
    browser: str
    now: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Somebody who wants an account, all of it checked, with the hash of their password."""

    name: str
    display_name: str
    password_hash: str


def check_sign_up(found: Session | Tx, invitation: str, now: datetime, *, anybody: bool) -> None:
    """Raise NotFound for an invitation that is good for nothing, and NotAllowed without one
    unless ``anybody`` may come, or nobody is there yet.
    """
    if invitation:
        link = invitations.good(found, digest(invitation), now=now)
        if link is None or link.kind != INVITE:
            raise NotFound(NO_LINK)
    elif not anybody and users.any_account(found):
        raise NotAllowed(NOT_INVITED)


def sign_up(
    tx: Tx, person: NewPerson, invitation: str, arrival: Arrival, *, anybody: bool
) -> Actor:
    """Add a person and log them in. The first one becomes an admin.

    Raises NotFound for an invitation that is good for nothing, NotAllowed without one unless
    ``anybody`` may come, and InvalidInput if the name is taken.
    """
    users.lock(tx)
    now, first = arrival.now, not users.any_account(tx)
    check_sign_up(tx, invitation, now, anybody=anybody)
    link = invitations.good(tx, digest(invitation), now=now) if invitation else None
    admin = first or (link is not None and link.admin)
    actor = Actor(uuid.uuid4().hex, person.display_name, admin)
    users.add(
        tx,
        actor.id,
        name=person.name,
        display_name=person.display_name,
        password_hash=person.password_hash,
        admin=admin,
        now=now,
    )
    if link is not None and not invitations.use(tx, link.id, by=actor.id, now=now):
        raise NotFound(NO_LINK)
    detail = {"name": person.name, "admin": admin, "invitation": "" if link is None else link.id}
    arrive(tx, actor, "sign_up", arrival, detail)
    return actor


def add_person(tx: Tx, person: NewPerson, *, admin: bool, by: Actor, now: datetime) -> str:
    """Add a person as the operator of this machine; raises InvalidInput if the name is taken."""
    users.lock(tx)
    user_id = uuid.uuid4().hex
    users.add(
        tx,
        user_id,
        name=person.name,
        display_name=person.display_name,
        password_hash=person.password_hash,
        admin=admin,
        now=now,
    )
    note(tx, user_id, "add", by, now, name=person.name, admin=admin)
    return user_id


def log_in(tx: Tx, user: Row[Any], try_id: int, arrival: Arrival, rehashed: str) -> None:
    """Log a person in whose password was right; ``rehashed`` is another hash of the password,
    empty if its own will do.

    Raises WrongPassword if they were deactivated, or given another password, meanwhile.
    """
    users.lock(tx)
    again = users.get(tx, user.id)
    if again is None or not again.active or again.password_hash != user.password_hash:
        raise WrongPassword
    limits.forgive(tx, try_id, again.name, arrival.address)
    if rehashed:
        users.change(tx, user.id, password_hash=rehashed)
    arrive(tx, _actor(again), "log_in", arrival, {})


def fail(tx: Tx, name: str, address: str, now: datetime) -> None:
    """Write down that a login failed."""
    # Apart from what was done to accounts: what was typed may be anything.
    note(tx, f"name {name}", "fail_login", Actor("", name), now, address=address)


def fail_change(tx: Tx, user: Row[Any], address: str, now: datetime) -> None:
    """Write down that somebody who is logged in did not know the password."""
    note(tx, user.id, "fail_change_password", _actor(user), now, address=address)


def log_out(tx: Tx, token: str, now: datetime) -> None:
    """End the login of a token, if there is one."""
    login = logins.of_token(tx, digest(token))
    user = None if login is None else users.get(tx, login.user_id)
    if login is not None and user is not None and logins.remove(tx, login):
        note(tx, user.id, "log_out", _actor(user), now, login=login.id)


def revoke(tx: Tx, login_id: str, by: Actor, now: datetime) -> None:
    """End a login of one's own, or as an admin anybody's; raises NotFound."""
    login = logins.get(tx, login_id)
    if login is None or not (login.user_id == by.id or _is_admin(tx, by)):
        raise NotFound("This login is over already.")
    logins.remove(tx, login)
    note(tx, login.user_id, "revoke", by, now, login=login_id)


def revoke_others(tx: Tx, by: Actor, token: str, now: datetime) -> int:
    """End all logins of a person but the one with this token; how many there were."""
    ended = logins.remove_all(tx, by.id, but=_login_of(tx, token))
    if ended:
        note(tx, by.id, "revoke_others", by, now, ended=ended)
    return ended


def change_password(
    tx: Tx, user: Row[Any], password_hash: str, token: str, try_id: int, address: str, now: datetime
) -> None:
    """Give a person whose old password was right another one; all other logins end, and links
    to reset it are good for nothing.
    """
    again = users.get(tx, user.id)
    if again is None or not again.active or again.password_hash != user.password_hash:
        raise WrongPassword("The old password is wrong.")
    limits.forgive(tx, try_id, again.name, address)
    ended = _set_password(tx, user.id, password_hash, now, but=_login_of(tx, token))
    note(tx, user.id, "change_password", _actor(again), now, ended=ended)


def set_password(tx: Tx, user_id: str, password_hash: str, by: Actor, now: datetime) -> None:
    """Give a person another password as the operator of this machine; all their logins end."""
    ended = _set_password(tx, user_id, password_hash, now)
    note(tx, user_id, "set_password", by, now, ended=ended)


def invite(
    tx: Tx, link_id: str, token: str, by: Actor, *, admin: bool, now: datetime, until: datetime
) -> None:
    """Make a link with which somebody makes an account; raises NotAllowed."""
    users.lock(tx)
    check_admin(tx, by)
    invitations.add(
        tx,
        link_id,
        kind=INVITE,
        token_hash=digest(token),
        created_by=by.id,
        admin=admin,
        now=now,
        expires_at=until,
    )
    note(tx, link_id, "invite", by, now, admin=admin)


def make_reset(
    tx: Tx, link_id: str, token: str, user_id: str, by: Actor, *, now: datetime, until: datetime
) -> None:
    """Make a link with which a person gives themselves another password, in place of those made
    before; raises NotAllowed and NotFound.
    """
    users.lock(tx)
    check_admin(tx, by)
    user = _person(tx, user_id)
    if not user.active:
        raise WrongState("Nobody can log in to this account. Activate it first.")
    invitations.revoke_resets(tx, user_id, now=now)
    invitations.add(
        tx,
        link_id,
        kind=RESET,
        token_hash=digest(token),
        created_by=by.id,
        user_id=user_id,
        now=now,
        expires_at=until,
    )
    note(tx, user_id, "make_reset", by, now, invitation=link_id)


def use_reset(tx: Tx, token: str, password_hash: str, arrival: Arrival) -> Actor:
    """Give the person of a link another password, end all their logins and log them in here.

    Raises NotFound.
    """
    users.lock(tx)
    now = arrival.now
    link = invitations.good(tx, digest(token), now=now)
    user = None if link is None or link.user_id is None else users.get(tx, link.user_id)
    if link is None or user is None or not user.active:
        raise NotFound(NO_LINK)
    if not invitations.use(tx, link.id, by=user.id, now=now):
        raise NotFound(NO_LINK)
    ended = _set_password(tx, user.id, password_hash, now)
    actor = _actor(user)
    arrive(tx, actor, "use_reset", arrival, {"invitation": link.id, "ended": ended})
    return actor


def revoke_invitation(tx: Tx, link_id: str, by: Actor, now: datetime) -> None:
    """Make a link good for nothing; raises NotAllowed and NotFound."""
    check_admin(tx, by)
    if not invitations.revoke(tx, link_id, now=now):
        raise NotFound(NO_LINK)
    note(tx, link_id, "revoke_invitation", by, now)


def set_active(
    tx: Tx, user_id: str, active: bool, by: Actor, now: datetime, losing: Losing
) -> None:
    """Let a person log in, or no more: then all their logins and links end, and what is being
    written for them.

    Raises NotAllowed, NotFound, and WrongState for the last admin.
    """
    users.lock(tx)
    check_admin(tx, by)
    user = _person(tx, user_id)
    if user.active == active:
        return
    ended = 0
    if not active:
        _spare_the_last_admin(tx, user)
        ended = logins.remove_all(tx, user_id)
        invitations.revoke_resets(tx, user_id, now=now)
        invitations.revoke_made(tx, user_id, now=now)
        losing.end(tx, user_id, by, now)
    users.change(tx, user_id, active=active)
    note(tx, user_id, "activate" if active else "deactivate", by, now, ended=ended)


def set_admin(tx: Tx, user_id: str, admin: bool, by: Actor, now: datetime) -> None:
    """Make a person an admin, or one no more: then the links they made are good for nothing.

    Raises NotAllowed, NotFound, and WrongState for the last admin.
    """
    users.lock(tx)
    check_admin(tx, by)
    user = _person(tx, user_id)
    if user.admin == admin:
        return
    if not admin:
        _spare_the_last_admin(tx, user)
        invitations.revoke_made(tx, user_id, now=now)
    users.change(tx, user_id, admin=admin)
    note(tx, user_id, "set_admin", by, now, admin=admin)


def rename(tx: Tx, by: Actor, display_name: str, now: datetime, *, guest: bool) -> None:
    """Let a person be seen under another name; a ``guest`` may not be written down yet. Raises
    NotFound.
    """
    if guest and is_guest_id(by.id):
        add_guest(tx, replace(by, name=display_name), now)
    users.change(tx, by.id, display_name=display_name)
    note(tx, by.id, "rename", by, now, display_name=display_name)


def add_guest(tx: Tx, guest: Actor, now: datetime) -> None:
    """Write down a guest who does something for the first time."""
    users.lock(tx)
    if users.get(tx, guest.id) is not None:
        return
    possible = list(names.guest_names(guest.id))
    taken = users.taken(tx, possible)
    name = next(name for name in possible if name not in taken)
    users.add(tx, guest.id, name=name, display_name=guest.name, now=now)


def check_admin(found: Session | Tx, actor: Actor) -> None:
    """Raise NotAllowed unless the actor is an admin at this moment."""
    if not _is_admin(found, actor):
        raise NotAllowed(ONLY_ADMINS)


def _is_admin(found: Session | Tx, actor: Actor) -> bool:
    if not actor.admin:
        return False
    if actor.id == LOCAL.id:
        # Whoever has the machine, and no person of the app: no row has this id.
        return True
    user = users.get(found, actor.id)
    return user is not None and bool(user.active and user.admin)


def _person(tx: Tx, user_id: str) -> Row[Any]:
    user = users.get(tx, user_id)
    if user is None or (user.password_hash is None and user.oidc_subject is None):
        raise NotFound("This person has no account here.")
    return user


def _spare_the_last_admin(tx: Tx, user: Row[Any]) -> None:
    if user.admin and user.active and not users.other_admins(tx, user.id):
        raise WrongState("This is the last admin. Make somebody else an admin first.")


def _set_password(tx: Tx, user_id: str, password_hash: str, now: datetime, *, but: str = "") -> int:
    users.change(tx, user_id, password_hash=password_hash, password_changed_at=now)
    invitations.revoke_resets(tx, user_id, now=now)
    return logins.remove_all(tx, user_id, but=but)


def _login_of(tx: Tx, token: str) -> str:
    login = logins.of_token(tx, digest(token)) if token else None
    return "" if login is None else str(login.id)


def arrive(tx: Tx, actor: Actor, action: str, arrival: Arrival, detail: dict[str, Any]) -> None:
    """Log somebody in, in place of whoever was logged in there, and write down how."""
    before = logins.of_token(tx, digest(arrival.replaced)) if arrival.replaced else None
    if before is not None:
        logins.remove(tx, before)
    login_id = uuid.uuid4().hex
    logins.add(
        tx,
        login_id,
        actor.id,
        token_hash=digest(arrival.token),
        address=arrival.address[:64],
        browser=names.browser_name(arrival.browser),
        now=arrival.now,
        expires_at=arrival.expires_at,
    )
    note(
        tx,
        actor.id,
        action,
        actor,
        arrival.now,
        address=arrival.address[:64],
        login=login_id,
        **detail,
    )


def _actor(user: Row[Any]) -> Actor:
    return Actor(user.id, user.display_name, user.admin)


def note(tx: Tx, subject: str, action: str, by: Actor, now: datetime, **detail: Any) -> None:
    """Write down what was done to an account."""
    audits.add(tx, Entry("account", subject, action, by, detail), now=now)
