"""Presences: the tabs in which people look at threads just now."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlmodel import Session

from agentchat.columns import table_of
from agentchat.models import Presence
from agentchat.store.writer import Tx

_PRESENCES = table_of(Presence)


def add(tx: Tx, row: dict[str, Any]) -> None:
    """A tab begins to look at a thread."""
    tx.execute(insert(_PRESENCES), {"typing_until": None, **row})


def count(tx: Tx, thread_id: str, user_id: str) -> int:
    """In how many tabs somebody looks at a thread."""
    query = select(func.count()).select_from(_PRESENCES)
    mine = (_PRESENCES.c.thread_id == thread_id, _PRESENCES.c.user_id == user_id)
    return int(tx.execute(query.where(*mine)).scalar() or 0)


def typing(tx: Tx, thread_id: str, presence_id: str, *, until: datetime) -> bool:
    """Somebody types in a tab, until then; whether it is there."""
    here = (_PRESENCES.c.thread_id == thread_id, _PRESENCES.c.id == presence_id)
    changed = tx.execute(update(_PRESENCES).where(*here).values(typing_until=until))
    return bool(changed.rowcount)


def remove(tx: Tx, places: Collection[tuple[str, str]]) -> None:
    """These tabs look no more; each is named by the id of its thread and its own."""
    for thread_id, presence_id in places:
        # With its thread: who follows others is not woken.
        gone = (_PRESENCES.c.thread_id == thread_id, _PRESENCES.c.id == presence_id)
        tx.execute(delete(_PRESENCES).where(*gone))


def remove_of(tx: Tx, thread_id: str, user_id: str) -> None:
    """Somebody may look at this thread no more."""
    mine = (_PRESENCES.c.thread_id == thread_id, _PRESENCES.c.user_id == user_id)
    tx.execute(delete(_PRESENCES).where(*mine))


def in_thread(session: Session, thread_id: str) -> Sequence[Row[Any]]:
    """The tabs that look at a thread, in the order in which they came."""
    query = select(_PRESENCES).where(_PRESENCES.c.thread_id == thread_id)
    return session.execute(query.order_by(_PRESENCES.c.since, _PRESENCES.c.id)).all()


def served(session: Session) -> Sequence[Row[Any]]:
    """``id``, ``thread_id`` and ``process`` of all tabs."""
    columns = (_PRESENCES.c.id, _PRESENCES.c.thread_id, _PRESENCES.c.process)
    return session.execute(select(*columns)).all()


def delete_of_thread(tx: Tx, thread_id: str) -> None:
    """Nobody looks at this thread any more."""
    tx.execute(delete(_PRESENCES).where(_PRESENCES.c.thread_id == thread_id))
