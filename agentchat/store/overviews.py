"""What is added up of runs, calls of models and processes. Every query reads a bounded number
of rows, however many there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select, text
from sqlmodel import Session, col

from agentchat.columns import table_of
from agentchat.models import ACTIVE_RUN, PausedWorkflow, Run, RunStatus, Spending

_RUNS = table_of(Run)
_SPENDINGS = table_of(Spending)


def active(session: Session, *, most: int) -> dict[RunStatus, dict[str, int]]:
    """How many runs there are of each status that is not final, by workflow. Up to ``most`` of
    each status are counted.
    """
    found = {}
    for status in RunStatus:
        if status not in ACTIVE_RUN:
            continue
        some = select(_RUNS.c.workflow).where(_RUNS.c.status == status).limit(most).subquery()
        query = select(some.c.workflow, func.count()).group_by(some.c.workflow)
        found[status] = {workflow: number for workflow, number in session.execute(query)}
    return found


def first_due(session: Session, *, most: int) -> datetime | None:
    """When the queued run is due that is due first. Those of workflows at rest wait for a person,
    not for a worker; among the first ``most``, they are passed over.
    """
    first = (
        select(_RUNS.c.workflow, _RUNS.c.due_at)
        .where(_RUNS.c.status == RunStatus.QUEUED)
        .order_by(_RUNS.c.due_at)
        .limit(most)
        .subquery()
    )
    at_rest = select(col(PausedWorkflow.workflow))
    query = select(first.c.due_at).where(first.c.workflow.not_in(at_rest))
    return session.execute(query.order_by(first.c.due_at).limit(1)).scalar()


def ended(session: Session, *, since: datetime, most: int) -> Sequence[Row[Any]]:
    """The newest runs that have ended since then, newest first."""
    query = select(
        _RUNS.c.workflow,
        _RUNS.c.agent,
        _RUNS.c.status,
        _RUNS.c.started_at,
        _RUNS.c.finished_at,
        _RUNS.c.queue_ms,
    ).where(_RUNS.c.finished_at >= since)
    return session.execute(query.order_by(_RUNS.c.finished_at.desc()).limit(most)).all()


def spent(session: Session, *, since: datetime, most: int) -> Sequence[Row[Any]]:
    """The newest calls of models since then, newest first, each with the workflow whose run
    made it (None if that is cleaned away).
    """
    of_runs = _SPENDINGS.outerjoin(_RUNS, _RUNS.c.id == _SPENDINGS.c.run_id)
    query = (
        select(
            _SPENDINGS.c.model,
            _SPENDINGS.c.agent,
            _RUNS.c.workflow,
            _SPENDINGS.c.outcome,
            _SPENDINGS.c.input_tokens,
            _SPENDINGS.c.output_tokens,
            _SPENDINGS.c.cost_usd,
            _SPENDINGS.c.created_at,
        )
        .select_from(of_runs)
        .where(_SPENDINGS.c.created_at >= since)
    )
    return session.execute(query.order_by(_SPENDINGS.c.created_at.desc()).limit(most)).all()


def held(session: Session, *, kind: str, limit: int) -> Sequence[Row[Any]]:
    """Paused runs whose error is of this kind, oldest first."""
    query = select(_RUNS.c.id, _RUNS.c.workflow, _RUNS.c.error).where(
        _RUNS.c.status == RunStatus.PAUSED, _RUNS.c.error_kind == kind
    )
    return session.execute(query.order_by(_RUNS.c.created_at, _RUNS.c.id).limit(limit)).all()


def at_rest(session: Session) -> list[PausedWorkflow]:
    """The workflows of which no run begins."""
    query = select(PausedWorkflow).order_by(col(PausedWorkflow.workflow))
    return list(session.scalars(query))


def size(session: Session) -> int:
    """How many bytes the database has, by its own account."""
    if session.get_bind().dialect.name == "sqlite":
        pages = session.execute(text("PRAGMA page_count")).scalar_one()
        return int(pages * session.execute(text("PRAGMA page_size")).scalar_one())
    return int(session.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
