"""The journal of a run: its remembered steps."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlmodel import Session, col

from agentchat.columns import table_of
from agentchat.models import Event, Log, Step, StepStatus
from agentchat.store.writer import Tx


def load(session: Session, run_id: str) -> list[Step]:
    """All steps of a run, in the order in which they were finished."""
    query = select(Step).where(col(Step.run_id) == run_id).order_by(col(Step.id))
    return list(session.scalars(query))


@dataclass(slots=True)
class History:
    """What a run has done and been sent: its steps in the order in which they were first
    written, the events that no wait has taken, and the numbers of the lines it logged
    between steps, by branch.
    """

    steps: list[Step] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    logged: dict[str, int] = field(default_factory=dict)


def histories(session: Session, run_ids: Collection[str]) -> dict[str, History]:
    """The histories of many runs, in one go."""
    found = {run_id: History() for run_id in run_ids}
    ids = list(run_ids)
    steps = select(table_of(Step)).where(col(Step.run_id).in_(ids)).order_by(col(Step.id))
    for row in session.execute(steps).mappings():
        found[row["run_id"]].steps.append(Step(**row))
    events = (
        select(table_of(Event))
        .where(col(Event.run_id).in_(ids), col(Event.taken_by).is_(None))
        .order_by(col(Event.id))
    )
    for row in session.execute(events).mappings():
        found[row["run_id"]].events.append(Event(**row))
    logged = (
        select(col(Log.run_id), col(Log.branch), func.max(Log.occurrence))
        .where(col(Log.run_id).in_(ids), col(Log.occurrence).is_not(None))
        .group_by(col(Log.run_id), col(Log.branch))
    )
    for run_id, branch, last in session.execute(logged):
        found[run_id].logged[branch] = last + 1
    return found


def record(tx: Tx, step: dict[str, Any]) -> None:
    """Add a finished step, given by column. The caller holds the fence."""
    tx.execute(insert(Step), step)


def end_wait(tx: Tx, step: dict[str, Any]) -> None:
    """A wait is over: finish its row, or add it if it never had to wait. The caller holds
    the fence.
    """
    ended = tx.execute(
        update(Step)
        .where(
            col(Step.run_id) == step["run_id"],
            col(Step.name) == step["name"],
            col(Step.occurrence) == step["occurrence"],
        )
        .values(
            status=StepStatus.DONE,
            result=step["result"],
            attempt=step["attempt"],
            worker=step["worker"],
            finished_at=step["finished_at"],
        )
    )
    if not ended.rowcount:
        record(tx, step)
