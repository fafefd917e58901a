"""The journal of a run: its remembered steps."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, select, update
from sqlmodel import Session, col

from agentchat.models import Step, StepStatus
from agentchat.store.writer import Tx


def load(session: Session, run_id: str) -> list[Step]:
    """All steps of a run, in the order in which they were finished."""
    query = select(Step).where(col(Step.run_id) == run_id).order_by(col(Step.id))
    return list(session.scalars(query))


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
