"""What a scrape reads of the database: how many runs wait, and who is there to do them.

Each read is bounded, however many runs there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from agentchat.models import ACTIVE_RUN, PausedWorkflow, Process, Run, RunStatus

MOST_RUNS = 10_000
"""How many runs of a status are counted; a gauge that shows so many means at least so many."""
MOST_WORKERS = 1_000
SILENT = timedelta(seconds=15)
"""A worker that has given no sign of life for so long has lost its runs: its leases are over."""


@dataclass(frozen=True, slots=True)
class Gauges:
    """``runs`` counts unfinished runs by status and workflow. ``oldest_due`` is how many seconds
    the run has been due that has waited longest, 0 if none is due. ``beat`` is how many seconds
    ago the worker that was asked about gave a sign of life, None if it is not known.
    """

    runs: dict[tuple[str, str], int]
    oldest_due: float
    paused_workflows: int
    alive: int
    silent: int
    stuck: int
    beat: float | None


def gauges(session: Session, worker: str, now: datetime) -> Gauges:
    """What there is to do and who is there to do it, now."""
    runs = {}
    for status in ACTIVE_RUN:
        some = select(col(Run.workflow)).where(col(Run.status) == status).limit(MOST_RUNS)
        of_status = some.subquery()
        name: Any = of_status.c.workflow
        count: Any = select(name, func.count()).group_by(name)
        for workflow, number in session.execute(count):
            runs[str(status), str(workflow)] = int(number)
    paused = session.execute(select(func.count()).select_from(PausedWorkflow)).scalar_one()
    alive = silent = stuck = 0
    beat = None
    signs = select(Process).order_by(col(Process.beat_at).desc()).limit(MOST_WORKERS)
    for process in session.scalars(signs):
        age = max(now - process.beat_at, timedelta())
        alive, silent = alive + (age < SILENT), silent + (age >= SILENT)
        stuck += process.stuck_since is not None
        if process.name == worker:
            beat = age.total_seconds()
    return Gauges(runs, _oldest_due(session, now), paused, alive, silent, stuck, beat)


def beat_of(session: Session, worker: str) -> datetime | None:
    """When a worker last gave a sign of life; None if it never did, or has ended."""
    return session.scalars(
        select(col(Process.beat_at)).where(col(Process.name) == worker)
    ).one_or_none()


def _oldest_due(session: Session, now: datetime) -> float:
    oldest = now
    for status in (RunStatus.QUEUED, RunStatus.WAITING):
        due = col(Run.due_at)
        first = select(func.min(due)).where(col(Run.status) == status, due <= now)
        found = session.execute(first).scalar_one()
        oldest = min(oldest, found or now)
    return (now - oldest).total_seconds()
