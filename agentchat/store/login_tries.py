"""Tries to log in, or to make an account, that count against a limit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import delete, insert, select
from sqlmodel import Session

from agentchat.columns import table_of
from agentchat.models import LoginTry
from agentchat.store.changes import NOBODY, Rows
from agentchat.store.writer import Tx

Kind = Literal["login", "sign_up"]

_TRIES = table_of(LoginTry)
_UNSEEN = Rows(NOBODY)
"""No page shows tries."""


@dataclass(frozen=True, slots=True)
class Rule:
    """At most so many tries within any time as long as ``per``: of one name, from one place, or
    both. ``unknown`` counts only those from places that the name's person never came from.
    """

    most: int
    per: timedelta
    name: bool = False
    place: bool = False
    unknown: bool = False


def held_until(
    found: Session | Tx, rules: Iterable[Rule], kind: Kind, name: str, place: str, *, now: datetime
) -> datetime | None:
    """When the next try is allowed by all rules; None if it is now."""
    times = (_until(found, rule, kind, name, place, now) for rule in rules)
    return max((time for time in times if time is not None), default=None)


def _until(
    found: Session | Tx, rule: Rule, kind: Kind, name: str, place: str, now: datetime
) -> datetime | None:
    query = select(_TRIES.c.at).where(_TRIES.c.kind == kind, _TRIES.c.at > now - rule.per)
    if rule.name:
        query = query.where(_TRIES.c.name == name)
    if rule.place:
        query = query.where(_TRIES.c.place == place)
    if rule.unknown:
        query = query.where(_TRIES.c.known.is_(False))
    # When this one stops to count there is room for another.
    oldest = query.order_by(_TRIES.c.at.desc()).offset(rule.most - 1).limit(1)
    at: datetime | None = found.execute(oldest).scalar()
    return None if at is None else at + rule.per


def add(tx: Tx, kind: Kind, name: str, place: str, *, known: bool, now: datetime) -> int:
    """Count a try; its id."""
    values = {"kind": kind, "name": name, "place": place, "known": known, "at": now}
    made = tx.execute(insert(_TRIES).returning(_TRIES.c.id), values, about=_UNSEEN)
    return int(made.scalar_one())


def remove(tx: Tx, try_id: int) -> None:
    """Forget this try."""
    tx.execute(delete(_TRIES).where(_TRIES.c.id == try_id), about=_UNSEEN)


def forgive(tx: Tx, try_id: int, name: str, place: str) -> None:
    """Forget a try that turned out to be right, and the wrong ones before it: of this name from
    this place, no others.
    """
    same = (_TRIES.c.kind == "login", _TRIES.c.name == name, _TRIES.c.place == place)
    tx.execute(delete(_TRIES).where(*same, _TRIES.c.id <= try_id), about=_UNSEEN)


def clean(tx: Tx, *, before: datetime) -> None:
    """Forget tries that count no more."""
    tx.execute(delete(_TRIES).where(_TRIES.c.at <= before), about=_UNSEEN)
