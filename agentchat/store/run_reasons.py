"""Why runs stand where they stand, for many at once: reads for a page of a list."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Row, func, select, tuple_
from sqlmodel import Session

from agentchat.columns import table_of
from agentchat.models import ACTIVE_RUN, Ask, AskStatus, Run, Spending, Step, StepStatus
from agentchat.store.spendings import Spent

_RUNS = table_of(Run)
_STEPS = table_of(Step)
_ASKS = table_of(Ask)
_SPENDINGS = table_of(Spending)
_s = _STEPS.c
_OPEN = (StepStatus.WAITING, StepStatus.RETRYING)


def waits(session: Session, steps: Mapping[str, str]) -> dict[str, Row[Any]]:
    """What runs wait for, by their ids: ``kind``, ``name``, ``event`` and ``child_id`` of the
    step that the row of each run names.
    """
    keys = [(run_id, *place) for run_id, key in steps.items() for place in places(key)]
    if not keys:
        return {}
    # By the whole key: a run may have thousands of steps.
    query = select(_s.run_id, _s.kind, _s.name, _s.event, _s.child_id).where(
        tuple_(_s.run_id, _s.branch, _s.name, _s.occurrence).in_(keys), _s.status.in_(_OPEN)
    )
    return {row.run_id: row for row in session.execute(query)}


def places(key: str) -> Iterator[tuple[str, str, int]]:
    """The branch, name and occurrence that a step's key may stand for: names may hold its marks."""
    whole, _, number = key.rpartition("#")
    readings = [(key, 0)]
    if whole and number.isdecimal() and 2 <= int(number) < 2**31:
        readings.append((whole, int(number) - 1))
    for text, occurrence in readings:
        parts = text.split("/")
        for place in range(min(len(parts), 8)):
            cut = len(parts) - 1 - place
            yield "/".join(parts[:cut]), "/".join(parts[cut:]), occurrence


def asked(session: Session, run_ids: Collection[str]) -> dict[str, Row[Any]]:
    """What people are asked by runs, the oldest of each: ``kind``, ``tool`` and ``deadline``."""
    if not run_ids:
        return {}
    query = (
        select(_ASKS.c.run_id, _ASKS.c.kind, _ASKS.c.tool, _ASKS.c.deadline)
        .where(_ASKS.c.run_id.in_(list(run_ids)), _ASKS.c.status == AskStatus.OPEN)
        .order_by(_ASKS.c.created_at.desc())
    )
    return {row.run_id: row for row in session.execute(query)}


def first_of_keys(session: Session, keys: Iterable[str]) -> dict[str, str]:
    """The run of each key that the others wait for: the one that has begun, or the oldest."""
    found: dict[str, str] = {}
    for key in keys:
        # Whatever has begun goes first.
        query = (
            select(_RUNS.c.id)
            .where(_RUNS.c.key == key, _RUNS.c.status.in_(ACTIVE_RUN))
            .order_by((_RUNS.c.attempt == 0), _RUNS.c.created_at, _RUNS.c.id)
            .limit(1)
        )
        first = session.execute(query).scalar()
        if first is not None:
            found[key] = first
    return found


def spent(session: Session, run_ids: Collection[str]) -> dict[str, Spent]:
    """What the calls of models took that these runs made themselves, by their ids; runs that
    made none are left out.
    """
    if not run_ids:
        return {}
    of = _SPENDINGS.c
    query = (
        select(
            of.run_id,
            func.count(),
            func.sum(of.input_tokens),
            func.sum(of.output_tokens),
            func.coalesce(func.sum(of.cost_usd), 0.0),
            func.count() - func.count(of.cost_usd),
        )
        .where(of.run_id.in_(list(run_ids)))
        .group_by(of.run_id)
    )
    return {
        run_id: Spent(calls, int(read), int(written), float(cost), unknown)
        for run_id, calls, read, written, cost, unknown in session.execute(query)
    }
