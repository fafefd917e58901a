"""Users: the people of an app."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, func, insert, literal_column, or_, select, update
from sqlmodel import Session

from agentchat.columns import table_of
from agentchat.errors import InvalidInput, NotFound
from agentchat.models import User
from agentchat.store.writer import Tx

_USERS = table_of(User)
_LOCK = 7_204_519_312
"""Any number, the same in all processes."""


def lock(tx: Tx) -> None:
    """Let nobody else decide about accounts until this transaction is over: who is the first,
    who is the last admin, who has a name, how often was something tried.
    """
    if tx.dialect == "postgresql":
        tx.execute(select(func.pg_advisory_xact_lock(literal_column(str(_LOCK)))))


def add(
    tx: Tx,
    user_id: str,
    *,
    name: str,
    display_name: str,
    now: datetime,
    password_hash: str | None = None,
    oidc: tuple[str, str] | None = None,
    admin: bool = False,
) -> None:
    """Add a person; raises InvalidInput if the name is taken. ``oidc`` is an identity provider,
    and what it calls them.
    """
    if tx.execute(select(_USERS.c.id).where(_USERS.c.name == name)).first() is not None:
        raise InvalidInput(f"The name {name!r} is taken. Choose another one.")
    values = {
        "id": user_id,
        "name": name,
        "display_name": display_name,
        "password_hash": password_hash,
        "admin": admin,
        "active": True,
        "oidc_issuer": None if oidc is None else oidc[0],
        "oidc_subject": None if oidc is None else oidc[1],
        "created_at": now,
        "password_changed_at": None if password_hash is None else now,
    }
    tx.execute(insert(_USERS), values)


def change(tx: Tx, user_id: str, /, **values: object) -> None:
    """Set these columns of a person; raises NotFound."""
    if not tx.execute(update(_USERS).where(_USERS.c.id == user_id).values(**values)).rowcount:
        raise NotFound("This person has no account here.")


def get(found: Session | Tx, user_id: str) -> Row[Any] | None:
    """A person."""
    return found.execute(select(_USERS).where(_USERS.c.id == user_id)).first()


def named(found: Session | Tx, name: str) -> Row[Any] | None:
    """The person with this name."""
    return found.execute(select(_USERS).where(_USERS.c.name == name)).first()


def of_subject(found: Session | Tx, issuer: str, subject: str) -> Row[Any] | None:
    """The person whom an identity provider calls so."""
    same = (_USERS.c.oidc_issuer == issuer, _USERS.c.oidc_subject == subject)
    return found.execute(select(_USERS).where(*same)).first()


def with_accounts(session: Session) -> Sequence[Row[Any]]:
    """All people who can log in, or could, by name."""
    return session.execute(select(_USERS).where(_has_account()).order_by(_USERS.c.name)).all()


def any_account(found: Session | Tx) -> bool:
    """Whether anybody has an account."""
    return found.execute(select(_USERS.c.id).where(_has_account()).limit(1)).first() is not None


def other_admins(tx: Tx, user_id: str) -> bool:
    """Whether anybody but this person is an active admin."""
    others = (_USERS.c.id != user_id, _USERS.c.admin.is_(True), _USERS.c.active.is_(True))
    query = select(_USERS.c.id).where(*others, _has_account()).limit(1)
    return tx.execute(query).first() is not None


def taken(tx: Tx, names: Sequence[str]) -> set[str]:
    """Those of the names that somebody has."""
    return set(tx.execute(select(_USERS.c.name).where(_USERS.c.name.in_(names))).scalars())


def _has_account() -> ColumnElement[bool]:
    return or_(_USERS.c.password_hash.is_not(None), _USERS.c.oidc_subject.is_not(None))
