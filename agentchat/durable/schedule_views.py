"""What the outside may see of schedules: frozen values, made from rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from agentchat.durable.firing import trigger_of
from agentchat.durable.trigger_words import describe
from agentchat.errors import InvalidInput
from agentchat.models import Firing, Schedule
from agentchat.store import firings, schedules


@dataclass(frozen=True)
class ScheduleView:
    """One schedule as a person sees it. Times are aware UTC.

    ``words`` say when it fires. ``next_at`` is empty while it is paused, and when it is
    over. ``last_at`` is the newest time dealt with, ``last_outcome`` what became of it:
    started, skipped, missed or asked. ``arguments`` are those of its runs, as JSON;
    ``trigger`` is cron or interval, and ``spec`` the cron's fields or the seconds.
    """

    id: str
    name: str
    workflow: str
    words: str
    next_at: datetime | None = None
    last_at: datetime | None = None
    last_outcome: str = ""
    paused_by: str = ""
    paused_at: datetime | None = None
    arguments: dict[str, Any] | None = None
    trigger: str = "cron"
    spec: str = ""
    timezone: str = "UTC"
    missed: str = "one"
    overlap: str = "skip"
    created_by: str = ""

    @property
    def paused(self) -> bool:
        """Whether it fires only once it has been resumed."""
        return self.paused_at is not None


@dataclass(frozen=True)
class FiringView:
    """What became of one due time: ``outcome`` is started, skipped (a run was active),
    missed, or asked (by a person, who is ``asked_by``). Times are aware UTC.
    """

    due_at: datetime
    fired_at: datetime
    outcome: str
    run_id: str = ""
    asked_by: str = ""


def overview(session: Session) -> tuple[ScheduleView, ...]:
    """All schedules, by name."""
    return tuple(_schedule(row, outcome) for row, outcome in schedules.overview(session))


def history(session: Session, schedule_id: str, limit: int) -> tuple[FiringView, ...]:
    """The newest firings, newest first; raises ScheduleNotFound."""
    return tuple(_firing(row) for row in firings.history(session, schedule_id, limit=limit))


def _schedule(row: Schedule, outcome: str | None) -> ScheduleView:
    try:
        words = describe(trigger_of(row))
    except InvalidInput as error:
        # One row that this machine cannot read must not take the whole list away.
        words = str(error)
    return ScheduleView(
        id=row.id,
        name=row.name,
        workflow=row.workflow,
        words=words,
        next_at=row.next_at if row.paused_at is None else None,
        last_at=row.last_at,
        last_outcome=outcome or "",
        paused_by=row.paused_by or "",
        paused_at=row.paused_at,
        arguments=row.data,
        trigger=row.trigger,
        spec=row.spec,
        timezone=row.timezone,
        missed=row.missed,
        overlap=row.overlap,
        created_by=row.created_by,
    )


def _firing(row: Firing) -> FiringView:
    return FiringView(row.due_at, row.fired_at, row.outcome, row.run_id or "", row.asked_by or "")
