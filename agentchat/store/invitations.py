"""Invitations: links good for one use, to make an account or to get into one again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, insert, select, update
from sqlmodel import Session

from agentchat.columns import table_of
from agentchat.models import Invitation
from agentchat.store.writer import Tx

INVITE, RESET = "invite", "reset"

_LINKS = table_of(Invitation)


def add(
    tx: Tx,
    link_id: str,
    *,
    kind: str,
    token_hash: str,
    created_by: str,
    now: datetime,
    expires_at: datetime,
    user_id: str | None = None,
    admin: bool = False,
) -> None:
    """Make a link."""
    values = {
        "id": link_id,
        "kind": kind,
        "token_hash": token_hash,
        "user_id": user_id,
        "admin": admin,
        "created_by": created_by,
        "created_at": now,
        "expires_at": expires_at,
    }
    tx.execute(insert(_LINKS), values)


def good(found: Session | Tx, token_hash: str, *, now: datetime) -> Row[Any] | None:
    """The link with this token, None if there is none or it is good for nothing any more."""
    query = select(_LINKS).where(_LINKS.c.token_hash == token_hash, *_good(now))
    return found.execute(query).first()


def use(tx: Tx, link_id: str, *, by: str, now: datetime) -> bool:
    """Use a link up; whether it was still good, which of several uses is so for one."""
    used = update(_LINKS).where(_LINKS.c.id == link_id, *_good(now))
    return bool(tx.execute(used.values(used_at=now, used_by=by)).rowcount)


def revoke(tx: Tx, link_id: str, *, now: datetime) -> bool:
    """Make a link good for nothing; whether it was still good."""
    this = update(_LINKS).where(_LINKS.c.id == link_id, *_good(now))
    return bool(tx.execute(this.values(revoked_at=now)).rowcount)


def revoke_resets(tx: Tx, user_id: str, *, now: datetime) -> None:
    """Make the links that give this person another password good for nothing."""
    theirs = update(_LINKS).where(_LINKS.c.user_id == user_id, *_good(now))
    tx.execute(theirs.values(revoked_at=now))


def revoke_made(tx: Tx, user_id: str, *, now: datetime) -> None:
    """Make the links that this person has made good for nothing."""
    made = update(_LINKS).where(_LINKS.c.created_by == user_id, *_good(now))
    tx.execute(made.values(revoked_at=now))


def open_ones(session: Session, *, now: datetime) -> Sequence[Row[Any]]:
    """The links that are good, newest first."""
    query = select(_LINKS).where(*_good(now))
    return session.execute(query.order_by(_LINKS.c.created_at.desc(), _LINKS.c.id)).all()


def _good(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        _LINKS.c.used_at.is_(None),
        _LINKS.c.revoked_at.is_(None),
        _LINKS.c.expires_at > now,
    )
