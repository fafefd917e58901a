"""Audits: what people did from outside to runs, workflows and schedules, which faults they
switched on, what was done to their accounts, and with whom they shared threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row, insert, select
from sqlmodel import Session

from agentchat.columns import table_of
from agentchat.models import Audit
from agentchat.store.writer import Tx
from agentchat.views import Actor

_AUDITS = table_of(Audit)


@dataclass(frozen=True, slots=True)
class Entry:
    """What somebody did, and to what."""

    kind: Literal["run", "workflow", "schedule", "fault", "account", "thread"]
    subject_id: str
    action: str
    by: Actor
    detail: dict[str, Any] = field(default_factory=dict)


def add(tx: Tx, entry: Entry, *, now: datetime) -> None:
    """Write down what somebody does in this transaction."""
    tx.execute(
        insert(_AUDITS),
        {
            "kind": entry.kind,
            "subject_id": entry.subject_id,
            "action": entry.action,
            "detail": entry.detail,
            "by": entry.by.name,
            "by_id": entry.by.id,
            "created_at": now,
        },
    )


def of(session: Session | Tx, kind: str, subject_id: str, *, limit: int) -> Sequence[Row[Any]]:
    """What was done to this, newest first."""
    query = select(_AUDITS).where(_AUDITS.c.kind == kind, _AUDITS.c.subject_id == subject_id)
    return session.execute(query.order_by(_AUDITS.c.id.desc()).limit(limit)).all()


def newest(
    session: Session, *, kind: str = "", by_id: str = "", before: int = 0, limit: int
) -> Sequence[Row[Any]]:
    """What was done, newest first: of this kind, by this person, before the one of this id, where
    they are given.
    """
    query = select(_AUDITS).order_by(_AUDITS.c.id.desc()).limit(limit)
    if kind:
        query = query.where(_AUDITS.c.kind == kind)
    if by_id:
        query = query.where(_AUDITS.c.by_id == by_id)
    if before:
        query = query.where(_AUDITS.c.id < before)
    return session.execute(query).all()
