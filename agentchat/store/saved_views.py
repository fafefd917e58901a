"""Saved views: filters of the list of runs that a person gave a name."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from agentchat.columns import table_of
from agentchat.errors import InvalidInput, NotFound
from agentchat.models import SavedView
from agentchat.store.writer import Tx

MOST = 50
"""How many a person may have."""

_VIEWS = table_of(SavedView)


def of(session: Session, user_id: str) -> list[SavedView]:
    """The views of a person by name."""
    query = select(SavedView).where(col(SavedView.user_id) == user_id)
    return list(session.scalars(query.order_by(func.lower(col(SavedView.name)), col(SavedView.id))))


def add(tx: Tx, view_id: str, user_id: str, *, name: str, query: str, now: datetime) -> None:
    """Keep a view; one of this name shows this from now on. Raises InvalidInput if there are
    too many.
    """
    mine = _VIEWS.c.user_id == user_id
    known = update(_VIEWS).where(mine, _VIEWS.c.name == name).values(query=query)
    if tx.execute(known).rowcount:
        return
    number = tx.execute(select(func.count()).where(mine)).scalar_one()
    if number >= MOST:
        raise InvalidInput(f"You have {MOST} saved views, which is the most. Delete one first.")
    values = {"id": view_id, "user_id": user_id, "name": name, "query": query, "created_at": now}
    tx.execute(insert(_VIEWS), values)


def rename(tx: Tx, view_id: str, user_id: str, *, name: str) -> None:
    """Give a view of this person another name; raises NotFound, and InvalidInput if they have
    another one of this name.
    """
    same = select(_VIEWS.c.id).where(
        _VIEWS.c.user_id == user_id, _VIEWS.c.name == name, _VIEWS.c.id != view_id
    )
    if tx.execute(same).first() is not None:
        raise InvalidInput(f"You have a view named {name!r} already.")
    this = update(_VIEWS).where(_VIEWS.c.id == view_id, _VIEWS.c.user_id == user_id)
    try:
        found = tx.execute(this.values(name=name)).rowcount
    except IntegrityError:
        # Another process has given the name away at the same moment.
        raise InvalidInput(f"You have a view named {name!r} already.") from None
    if not found:
        raise NotFound("That saved view is not there any more.")


def remove(tx: Tx, view_id: str, user_id: str) -> None:
    """Take a view of this person away, if it is there."""
    tx.execute(delete(_VIEWS).where(_VIEWS.c.id == view_id, _VIEWS.c.user_id == user_id))
