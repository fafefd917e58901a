"""What the outside may see of schedules: frozen values, made from rows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from agentchat.columns import json_text
from agentchat.durable.argument_fields import ArgumentField
from agentchat.durable.firing import trigger_of
from agentchat.durable.trigger_words import describe
from agentchat.errors import InvalidInput, ScheduleNotFound
from agentchat.models import Firing, Schedule
from agentchat.store import audits, firings, schedules


@dataclass(frozen=True)
class ScheduleView:
    """One schedule as a person sees it. Times are aware UTC.

    ``words`` say when it fires. ``next_at`` is empty while it is paused, and when it is
    over. ``last_at`` is the newest time dealt with, ``last_outcome`` what became of it:
    started, skipped, missed or asked; ``last_run_id`` its run, and ``last_status`` how that
    stands. ``arguments`` are those of its runs, as JSON; ``trigger`` is cron or interval, and
    ``spec`` the cron's fields or the seconds; ``jitter`` is in seconds.

    ``declared`` says that code declares it at each start, so that it cannot be changed
    elsewhere. ``mark`` is another whenever its content is: whoever changes it says which
    content they have seen.
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
    jitter: float = 0
    start_at: datetime | None = None
    end_at: datetime | None = None
    most_missed: int = 10
    last_run_id: str = ""
    last_status: str = ""
    declared: bool = False
    created_at: datetime | None = None
    mark: str = ""

    @property
    def paused(self) -> bool:
        """Whether it fires only once it has been resumed."""
        return self.paused_at is not None


@dataclass(frozen=True)
class FiringView:
    """What became of one due time: ``outcome`` is started, skipped (a run was active),
    missed, or asked (by a person, who is ``asked_by``). ``run_status`` is how its run stands,
    empty if there is none (any more). Times are aware UTC.
    """

    due_at: datetime
    fired_at: datetime
    outcome: str
    run_id: str = ""
    asked_by: str = ""
    run_status: str = ""


@dataclass(frozen=True)
class ScheduleAudit:
    """What somebody did to a schedule: create, change, pause, resume, run now or delete."""

    id: int
    action: str
    by: str
    at: datetime
    changed: str = ""
    run_id: str = ""


@dataclass(frozen=True)
class WorkflowView:
    """A workflow that may be scheduled: what it does, and what it is started with."""

    name: str
    words: str = ""
    fields: tuple[ArgumentField, ...] = ()


@dataclass(frozen=True)
class Preview:
    """When a trigger would fire: in words, and the next times (aware UTC)."""

    words: str
    times: tuple[datetime, ...]


def overview(session: Session, user_id: str | None) -> tuple[ScheduleView, ...]:
    """All schedules, or those of this person, by name."""
    return tuple(_schedule(*row) for row in schedules.overview(session, user_id=user_id))


def one(session: Session, schedule_id: str, user_id: str | None) -> ScheduleView:
    """This schedule; raises ScheduleNotFound."""
    found = schedules.overview(session, schedule_id, user_id=user_id)
    if not found:
        raise ScheduleNotFound
    return _schedule(*found[0])


def history(
    session: Session, schedule_id: str, limit: int, user_id: str | None
) -> tuple[FiringView, ...]:
    """The newest firings, newest first; raises ScheduleNotFound."""
    schedules.get(session, schedule_id, user_id)
    found = firings.history(session, schedule_id, limit=limit)
    return tuple(_firing(row, status or "") for row, status in found)


def audits_of(
    session: Session, schedule_id: str, limit: int, user_id: str | None
) -> tuple[ScheduleAudit, ...]:
    """What people did to it, newest first; when it is gone, only for those who see all."""
    if user_id is not None:
        schedules.get(session, schedule_id, user_id)
    return tuple(
        ScheduleAudit(
            row.id,
            row.action,
            row.by,
            row.created_at,
            str(row.detail.get("changed", "")),
            str(row.detail.get("run", "")),
        )
        for row in audits.of(session, "schedule", schedule_id, limit=limit)
    )


def mark_of(row: Schedule) -> str:
    """Another for another content."""
    values = [row.name, *(getattr(row, column) for column in schedules.CONTENT)]
    told = [one.isoformat() if isinstance(one, datetime) else one for one in values]
    return hashlib.sha256(json_text(told).encode()).hexdigest()[:16]


def _schedule(row: Schedule, firing: Firing | None, status: str | None) -> ScheduleView:
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
        last_outcome="" if firing is None else firing.outcome,
        paused_by=row.paused_by or "",
        paused_at=row.paused_at,
        arguments=row.data,
        trigger=row.trigger,
        spec=row.spec,
        timezone=row.timezone,
        missed=row.missed,
        overlap=row.overlap,
        created_by=row.created_by,
        jitter=row.jitter,
        start_at=row.start_at,
        end_at=row.end_at,
        most_missed=row.most_missed,
        last_run_id="" if firing is None else firing.run_id or "",
        last_status=status or "",
        declared=row.declared,
        created_at=row.created_at,
        mark=mark_of(row),
    )


def _firing(row: Firing, status: str) -> FiringView:
    return FiringView(
        row.due_at, row.fired_at, row.outcome, row.run_id or "", row.asked_by or "", status
    )
