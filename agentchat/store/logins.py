"""Logins: browsers in which people are logged in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlmodel import Session

from agentchat.columns import table_of
from agentchat.models import Login
from agentchat.store.changes import NOBODY, Rows
from agentchat.store.writer import Tx

MOST_CLEANED = 100
"""How many expired logins a new one takes away."""

_LOGINS = table_of(Login)


def add(
    tx: Tx,
    login_id: str,
    user_id: str,
    *,
    token_hash: str,
    address: str,
    browser: str,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Log a person in, and forget some logins that have expired."""
    old = select(_LOGINS.c.id).where(_LOGINS.c.expires_at <= now).limit(MOST_CLEANED)
    expired = list(tx.execute(old).scalars())
    if expired:
        # They count for nobody: no live query waits for their end.
        gone = delete(_LOGINS).where(_LOGINS.c.id.in_(expired))
        tx.execute(gone, about=Rows(NOBODY))
    values = {
        "id": login_id,
        "user_id": user_id,
        "token_hash": token_hash,
        "address": address,
        "browser": browser,
        "created_at": now,
        "seen_at": now,
        "expires_at": expires_at,
    }
    tx.execute(insert(_LOGINS), values)


def of_token(found: Session | Tx, token_hash: str) -> Row[Any] | None:
    """The login whose cookie holds this."""
    return found.execute(select(_LOGINS).where(_LOGINS.c.token_hash == token_hash)).first()


def get(found: Session | Tx, login_id: str) -> Row[Any] | None:
    """A login."""
    return found.execute(select(_LOGINS).where(_LOGINS.c.id == login_id)).first()


def of(session: Session, user_id: str) -> Sequence[Row[Any]]:
    """The logins of a person, the one used last first; some may have expired."""
    query = select(_LOGINS).where(_LOGINS.c.user_id == user_id)
    return session.execute(query.order_by(_LOGINS.c.seen_at.desc(), _LOGINS.c.id)).all()


def seen(tx: Tx, login_id: str, *, now: datetime) -> None:
    """Note that a login is in use."""
    used = update(_LOGINS).where(_LOGINS.c.id == login_id, _LOGINS.c.seen_at < now)
    # It changes nothing of who is logged in, and comes every few minutes from every browser.
    tx.execute(used.values(seen_at=now), about=Rows(NOBODY))


def remove(tx: Tx, login: Row[Any]) -> bool:
    """End a login; whether it was there."""
    # With both said, only those who follow this one look again.
    this = (_LOGINS.c.id == login.id, _LOGINS.c.token_hash == login.token_hash)
    return bool(tx.execute(delete(_LOGINS).where(*this)).rowcount)


def remove_all(tx: Tx, user_id: str, *, but: str = "") -> int:
    """End the logins of a person, all ``but`` the one with this id; how many there were."""
    theirs = select(_LOGINS).where(_LOGINS.c.user_id == user_id, _LOGINS.c.id != but)
    return sum(remove(tx, login) for login in tx.execute(theirs).all())
