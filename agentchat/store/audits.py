"""Audits: what people did from outside to runs, workflows and schedules, which faults they
switched on, what was done to their accounts, with whom they shared threads, which models they
tested, and what they did to the app itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal, get_args

from sqlalchemy import Row, func, insert, or_, select
from sqlmodel import Session

from agentchat.columns import table_of
from agentchat.models import Audit
from agentchat.store.writer import Tx
from agentchat.views import Actor

Kind = Literal["run", "workflow", "schedule", "fault", "account", "thread", "model", "app"]
KINDS: Final[tuple[str, ...]] = get_args(Kind)
MARGIN: Final = timedelta(minutes=10)
"""Rows are in the order in which they were committed; the times in them are taken before that, by
clocks of several machines."""

_AUDITS = table_of(Audit)


@dataclass(frozen=True, slots=True)
class Entry:
    """What somebody did, and to what."""

    kind: Kind
    subject_id: str
    action: str
    by: Actor
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries: what is empty does not matter. ``who`` is the id of a person, or a part of
    their name; ``since`` is the first moment, ``until`` the first that is too late.
    """

    kind: str = ""
    action: str = ""
    who: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """Entries, the newest first, and the id before which there may be more; 0 if there are
    none. ``whole`` says whether as many were found as were asked for.
    """

    rows: Sequence[Row[Any]]
    earlier: int
    whole: bool


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
    session: Session, wanted: Wanted, *, before: int = 0, limit: int, looked_at: int
) -> Found:
    """What was done that is ``wanted``, newest first, before the entry of this id if one is
    given. At most ``looked_at`` entries are looked at, unless the subject is given, by which they
    are found at once.
    """
    upper, lower = before, 0
    if wanted.until is not None:
        first = _first_since(session, wanted.until + MARGIN)
        upper = min(upper, first) if upper else first
    if wanted.since is not None:
        lower = _first_since(session, wanted.since - MARGIN) - 1
    floor = 0 if wanted.subject else _floor(session, upper, looked_at)
    query = select(_AUDITS).where(*_conditions(wanted)).order_by(_AUDITS.c.id.desc())
    if upper:
        query = query.where(_AUDITS.c.id < upper)
    if max(floor, lower) > 0:
        query = query.where(_AUDITS.c.id > max(floor, lower))
    rows = session.execute(query.limit(limit + 1)).all()
    if len(rows) > limit:
        return Found(rows[:limit], rows[limit - 1].id, whole=True)
    return Found(rows, floor + 1 if floor > lower else 0, whole=False)


def _conditions(wanted: Wanted) -> list[Any]:
    column, found = _AUDITS.c, list[Any]()
    if wanted.kind:
        found.append(column.kind == wanted.kind)
    elif wanted.subject:
        # All kinds, said one by one, for the index.
        found.append(column.kind.in_(KINDS))
    if wanted.subject:
        found.append(column.subject_id == wanted.subject)
    if wanted.action:
        found.append(column.action == wanted.action)
    if wanted.who:
        named = column.by.icontains(wanted.who, autoescape=True)
        found.append(or_(column.by_id == wanted.who, named))
    if wanted.since is not None:
        found.append(column.created_at >= wanted.since)
    if wanted.until is not None:
        found.append(column.created_at < wanted.until)
    return found


def _floor(session: Session, upper: int, looked_at: int) -> int:
    """The id of the first entry that is not looked at any more; 0 if all are."""
    query = select(_AUDITS.c.id).order_by(_AUDITS.c.id.desc()).offset(looked_at).limit(1)
    if upper:
        query = query.where(_AUDITS.c.id < upper)
    return int(session.execute(query).scalar_one_or_none() or 0)


def _first_since(session: Session, at: datetime) -> int:
    """The id of the first entry of this moment or later; one more than the last if there is
    none. Found by halves, for there is no index on the times.
    """
    least, most = session.execute(select(func.min(_AUDITS.c.id), func.max(_AUDITS.c.id))).one()
    low, high = int(least or 0), int(most or 0) + 1
    while low < high:
        query = select(_AUDITS.c.id, _AUDITS.c.created_at).order_by(_AUDITS.c.id).limit(1)
        row = session.execute(query.where(_AUDITS.c.id >= (low + high) // 2)).one()
        if row.created_at >= at:
            high = (low + high) // 2
        else:
            low = row.id + 1
    return low
