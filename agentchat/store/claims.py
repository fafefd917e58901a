"""Claims: which due runs a worker takes, and for how long it holds them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, exists, or_, select, tuple_, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from agentchat.columns import table_of
from agentchat.models import ACTIVE_RUN, Run, RunStatus
from agentchat.store.changes import NOBODY, Rows
from agentchat.store.runs import Hold
from agentchat.store.writer import Tx


def claim(
    tx: Tx,
    worker: str,
    *,
    workflows: Collection[str],
    holding: Collection[str],
    now: datetime,
    lease_until: datetime,
    limit: int,
    dead: Collection[str] = (),
) -> list[Run]:
    """Take up to ``limit`` due runs that nobody holds, oldest first.

    A lapsed lease counts as nobody, and so does a worker in ``dead``; ``holding`` are
    runs the worker is busy with itself. A run waits while an older one of its key is not
    finished. Each claim raises the run's attempt.
    """
    older = aliased(Run)
    query: Select[Any] = (
        select(table_of(Run))
        .where(
            col(Run.workflow).in_(workflows),
            or_(
                and_(
                    col(Run.status).in_((RunStatus.QUEUED, RunStatus.WAITING)),
                    col(Run.due_at) <= now,
                ),
                and_(
                    col(Run.status) == RunStatus.RUNNING,
                    or_(col(Run.lease_until) < now, col(Run.worker).in_(dead)),
                ),
            ),
            col(Run.id).not_in(holding),
            ~exists().where(
                col(older.key) == col(Run.key),
                col(older.status).in_(ACTIVE_RUN),
                col(older.id) != col(Run.id),
                # Clocks may differ, or step back: whatever has begun goes first.
                or_(
                    and_(
                        col(older.status) != RunStatus.QUEUED, col(Run.status) == RunStatus.QUEUED
                    ),
                    and_(
                        (col(older.status) == RunStatus.QUEUED)
                        == (col(Run.status) == RunStatus.QUEUED),
                        tuple_(older.created_at, older.id) < tuple_(Run.created_at, Run.id),
                    ),
                ),
            ),
        )
        .order_by(col(Run.due_at), col(Run.id))
        .limit(limit)
        .with_for_update(skip_locked=True, of=Run)
    )
    claimed = []
    for row in tx.execute(query).mappings().all():
        run = Run(**row)
        values = {
            "status": RunStatus.RUNNING,
            "attempt": run.attempt + 1,
            "crashes": run.crashes + (run.status == RunStatus.RUNNING),
            "worker": worker,
            "lease_until": lease_until,
            "started_at": run.started_at or now,
            "tries": 0,
            "retry_at": None,
        }
        hold = Hold(run.id, run.attempt, run.thread_id)
        tx.execute(update(Run).where(col(Run.id) == run.id).values(**values), about=hold.about())
        claimed.append(run.model_copy(update=values))
    return claimed


def renew(tx: Tx, holds: Collection[Hold], *, lease_until: datetime) -> set[str]:
    """Prolong all leases in one go; the ids of the runs that are not held any more."""
    pairs = [(hold.run_id, hold.attempt) for hold in holds]
    mine = and_(
        tuple_(col(Run.id), col(Run.attempt)).in_(pairs), col(Run.status) == RunStatus.RUNNING
    )
    held = set(tx.execute(select(col(Run.id)).where(mine)).scalars())
    if held:
        tx.execute(update(Run).where(mine).values(lease_until=lease_until), about=Rows(NOBODY))
    return {hold.run_id for hold in holds} - held


def hand_back(tx: Tx, worker: str) -> None:
    """Queue all runs that a worker holds, for others to go on with."""
    tx.execute(
        update(Run)
        .where(col(Run.worker) == worker, col(Run.status) == RunStatus.RUNNING)
        .values(status=RunStatus.QUEUED, worker=None, lease_until=None)
    )


def workers(session: Session) -> set[str]:
    """The workers that hold a run."""
    query = select(col(Run.worker)).where(col(Run.status) == RunStatus.RUNNING).distinct()
    return {worker for worker in session.scalars(query) if worker}
