"""Firings: how the due times of schedules become runs, each exactly once."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select
from sqlmodel import Session, col

from agentchat.columns import table_of
from agentchat.errors import InvalidInput, WrongState
from agentchat.models import ACTIVE_RUN, Firing, Run, Schedule
from agentchat.store import runs, schedules
from agentchat.store.runs import NewRun
from agentchat.store.writer import Tx

logger = logging.getLogger(__name__)

KEPT = 200
"""How many firings of a schedule are kept, the newest."""
BATCH = 50
"""How many schedules are fired in one transaction."""
TICK = timedelta(microseconds=1)
_RUNS = uuid.UUID("b1c3f6a4-6d0e-5a3c-9a51-7f5f0f3d2c11")

Known = Mapping[str, tuple[str, str]]
"""The workflows of this process: by name, their version and the mark of their code."""


@dataclass(frozen=True, slots=True)
class Due:
    """A due time: its run may begin at ``starts_at``; None if it is to be missed."""

    at: datetime
    starts_at: datetime | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to become of a schedule that is due: ``due`` in order, and then the next."""

    due: tuple[Due, ...]
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class Fired:
    """What one call of :func:`fire_due` did; ``last`` is the last schedule it looked at,
    None when there may be no more.
    """

    runs: int
    last: str | None


def run_id_of(schedule_id: str, due_at: datetime) -> str:
    """The id of the run for a due time: the same whoever starts it, and how often."""
    return uuid.uuid5(_RUNS, f"{schedule_id}\n{due_at.isoformat()}").hex


def fire_due(
    tx: Tx,
    *,
    now: datetime,
    known: Known,
    plan: Callable[[Schedule, datetime], Plan],
    after: str = "",
) -> Fired:
    """Turn what is due into runs and firings, for schedules of ``known`` workflows.

    Takes the schedules that no other process is at, by id, from behind ``after`` on. Of one
    whose plan cannot be made, the error is logged and it is left as it is.
    """
    query = (
        select(table_of(Schedule))
        .where(
            col(Schedule.next_at) <= now,
            col(Schedule.paused_at).is_(None),
            col(Schedule.workflow).in_(known),
            col(Schedule.id) > after,
        )
        .order_by(col(Schedule.id))
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    due = [Schedule(**row) for row in tx.execute(query).mappings().all()]
    started = 0
    for schedule in due:
        try:
            planned = plan(schedule, now)
        except InvalidInput as error:
            # A row from elsewhere, or a time zone that this machine lacks: spoil no other.
            logger.error("schedule %r cannot be fired: %s", schedule.name, error)
            continue
        started += _fire(tx, schedule, planned, known[schedule.workflow], now=now)
    return Fired(started, due[-1].id if len(due) == BATCH else None)


def _fire(tx: Tx, schedule: Schedule, plan: Plan, code: tuple[str, str], *, now: datetime) -> int:
    values: dict[str, object] = {"next_at": plan.next_at}
    written = _written(tx, schedule.id, plan.due[0].at, plan.due[-1].at) if plan.due else set()
    busy = schedule.overlap == "skip" and _active(tx, schedule.id)
    started = 0
    rows: list[dict[str, object]] = []
    for number, due in enumerate(due for due in plan.due if due.at not in written):
        outcome, run_id = "missed", None
        if due.starts_at is not None and busy:
            outcome = "skipped"
        elif due.starts_at is not None:
            outcome, run_id = "started", run_id_of(schedule.id, due.at)
            # Runs of one key go by when they were made: these in the order they were due.
            run = _run(schedule, run_id, code, now=now + number * TICK, due_at=due.starts_at)
            started += runs.add_once(tx, run)
            busy = schedule.overlap == "skip"
        rows.append(_firing(schedule.id, due.at, now, outcome, run_id))
    if rows:
        tx.execute(insert(Firing), rows)
        # A person may have asked for a run since: that one is newer.
        values["last_at"] = max(plan.due[-1].at, schedule.last_at or plan.due[-1].at)
        _forget_old(tx, schedule.id)
    schedules.change(tx, schedule.id, **values)
    return started


def run_now(
    tx: Tx,
    schedule_id: str,
    *,
    at: Callable[[Schedule], datetime],
    now: datetime,
    known: Known,
    asked_by: str,
) -> str:
    """Start a run of a schedule, paused or not, because a person asked; its id. When the
    schedule fires next stays as it is. ``at`` gives a moment that is not one of its times.

    Raises :class:`ScheduleNotFound`, and WrongState if a run is active and the schedule
    lets runs not overlap, or if its workflow is not known.
    """
    schedule = schedules.lock(tx, schedule_id)
    if schedule.workflow not in known:
        raise InvalidInput(f"The workflow {schedule.workflow!r} is not known to this app.")
    if schedule.overlap == "skip" and _active(tx, schedule_id):
        raise WrongState(
            f"A run of the schedule {schedule.name!r} is active, and its runs may not overlap."
            " Wait until it has ended, or stop it."
        )
    due_at = at(schedule)
    written = _written(tx, schedule_id, due_at, due_at + timedelta(seconds=1))
    while due_at in written:
        due_at += TICK
    run_id = run_id_of(schedule_id, due_at)
    runs.add_once(tx, _run(schedule, run_id, known[schedule.workflow], now=now, due_at=now))
    row = _firing(schedule_id, due_at, now, "asked", run_id)
    tx.execute(insert(Firing), {**row, "asked_by": asked_by})
    _forget_old(tx, schedule_id)
    schedules.change(tx, schedule_id, last_at=due_at)
    return run_id


def _run(
    schedule: Schedule, run_id: str, code: tuple[str, str], *, now: datetime, due_at: datetime
) -> NewRun:
    return NewRun(
        run_id,
        schedule.workflow,
        schedule.data,
        now,
        version=code[0],
        code=code[1],
        key=f"schedule:{schedule.id}" if schedule.overlap == "queue" else None,
        due_at=due_at,
        schedule_id=schedule.id,
        started_by=f"schedule {schedule.name}",
        user_id=schedule.user_id,
    )


def _firing(
    schedule_id: str, due_at: datetime, now: datetime, outcome: str, run_id: str | None
) -> dict[str, object]:
    return {
        "schedule_id": schedule_id,
        "due_at": due_at,
        "fired_at": now,
        "outcome": outcome,
        "run_id": run_id,
    }


def _written(tx: Tx, schedule_id: str, first: datetime, last: datetime) -> set[datetime]:
    """The due times that have a firing already: a clock may have been set back."""
    query = select(col(Firing.due_at)).where(
        col(Firing.schedule_id) == schedule_id, col(Firing.due_at).between(first, last)
    )
    return set(tx.execute(query).scalars())


def _active(tx: Tx, schedule_id: str) -> bool:
    query = select(col(Run.id)).where(
        col(Run.schedule_id) == schedule_id, col(Run.status).in_(ACTIVE_RUN)
    )
    return tx.execute(query.limit(1)).first() is not None


def _forget_old(tx: Tx, schedule_id: str) -> None:
    mine = col(Firing.schedule_id) == schedule_id
    newest = select(col(Firing.due_at)).where(mine).order_by(col(Firing.due_at).desc())
    oldest = newest.offset(KEPT - 1).limit(1).scalar_subquery()
    tx.execute(delete(Firing).where(mine, col(Firing.due_at) < oldest))


def history(session: Session, schedule_id: str, *, limit: int) -> list[tuple[Firing, str | None]]:
    """The newest firings of a schedule, newest first, each with the status of its run (None if
    there is none any more).
    """
    query = (
        select(Firing, col(Run.status))
        .outerjoin(Run, col(Run.id) == col(Firing.run_id))
        .where(col(Firing.schedule_id) == schedule_id)
        .order_by(col(Firing.due_at).desc())
        .limit(limit)
    )
    return [(firing, status) for firing, status in session.execute(query)]
