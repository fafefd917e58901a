"""Runs: their rows, and the fence that lets only the owning attempt change them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, delete, exists, insert, or_, select, tuple_, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from agentchat.errors import Fenced
from agentchat.models import ACTIVE_RUN, Event, Run, RunStatus, Step, table_of
from agentchat.store.changes import NOBODY, Rows, rows
from agentchat.store.writer import Tx


@dataclass(frozen=True, slots=True)
class Hold:
    """A worker's hold on a run: its writes count only while ``attempt`` is the row's."""

    run_id: str
    attempt: int
    thread_id: str | None = None

    def about(self) -> Rows:
        """What a change of the run touches."""
        return rows("workflows", {"id": self.run_id, "thread_id": self.thread_id})


def add(
    tx: Tx,
    run_id: str,
    *,
    workflow: str,
    data: dict[str, Any],
    now: datetime,
    key: str | None = None,
    thread_id: str | None = None,
) -> None:
    """Queue a run, due now."""
    tx.execute(
        insert(Run),
        {
            "id": run_id,
            "workflow": workflow,
            "status": RunStatus.QUEUED,
            "data": data,
            "key": key,
            "thread_id": thread_id,
            "due_at": now,
            "created_at": now,
        },
    )


def add_once(tx: Tx, run_id: str, *, workflow: str, data: dict[str, Any], now: datetime) -> None:
    """Queue a run, due now, unless there is one of this id."""
    if tx.execute(select(col(Run.id)).where(col(Run.id) == run_id)).first() is None:
        add(tx, run_id, workflow=workflow, data=data, now=now)


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


def change(tx: Tx, hold: Hold, /, **values: object) -> None:
    """Change the run's row; raises :class:`Fenced` if the hold is lost."""
    changed = tx.execute(
        update(Run)
        .where(
            col(Run.id) == hold.run_id,
            col(Run.attempt) == hold.attempt,
            col(Run.status) == RunStatus.RUNNING,
        )
        .values(**values),
        about=hold.about(),
    )
    if not changed.rowcount:
        raise Fenced


def suspend(tx: Tx, hold: Hold, *, step: str, due_at: datetime | None) -> None:
    """Let go of a run until it is due, or until an event wakes it; raises :class:`Fenced`."""
    change(
        tx,
        hold,
        status=RunStatus.WAITING,
        step=step,
        due_at=due_at,
        worker=None,
        lease_until=None,
    )


def wake(tx: Tx, hold: Hold, *, now: datetime) -> None:
    """A waiting run is due now."""
    tx.execute(
        update(Run)
        .where(col(Run.id) == hold.run_id, col(Run.status) == RunStatus.WAITING)
        .values(due_at=now),
        about=hold.about(),
    )


def stop(tx: Tx, run_id: str, *, thread_id: str | None, by: str, now: datetime) -> bool:
    """End a run that is not finished, whoever holds it; false if it is already."""
    changed = tx.execute(
        update(Run)
        .where(col(Run.id) == run_id, col(Run.status).in_(ACTIVE_RUN))
        .values(status=RunStatus.STOPPED, stopped_by=by, finished_at=now, retry_at=None),
        about=Hold(run_id, 0, thread_id).about(),
    )
    return bool(changed.rowcount)


def delete_of(tx: Tx, thread_id: str) -> None:
    """Remove all runs of a thread with their journals; whoever still holds one is fenced."""
    ids = select(col(Run.id)).where(col(Run.thread_id) == thread_id).scalar_subquery()
    tx.execute(delete(Event).where(col(Event.run_id).in_(ids)))
    tx.execute(delete(Step).where(col(Step.run_id).in_(ids)))
    tx.execute(delete(Run).where(col(Run.thread_id) == thread_id))


def spend(tx: Tx, hold: Hold, *, input_tokens: int, output_tokens: int, estimated: bool) -> None:
    """Add tokens to the run's count, whatever its status: a stopped call was paid too."""
    tx.execute(
        update(Run)
        .where(col(Run.id) == hold.run_id)
        .values(
            input_tokens=col(Run.input_tokens) + input_tokens,
            output_tokens=col(Run.output_tokens) + output_tokens,
            tokens_estimated=True if estimated else col(Run.tokens_estimated),
        ),
        about=hold.about(),
    )


def get(session: Session, run_id: str) -> Run | None:
    """The run of this id, if there is one."""
    return session.get(Run, run_id)


def next_due(session: Session, workflows: Collection[str]) -> datetime | None:
    """When the next queued run is due, or the next lease lapses."""
    due = select(col(Run.due_at)).where(
        col(Run.status) == RunStatus.QUEUED, col(Run.workflow).in_(workflows)
    )
    return session.scalars(due.order_by(col(Run.due_at)).limit(1)).first()


def workers(session: Session) -> set[str]:
    """The workers that hold a run."""
    query = select(col(Run.worker)).where(col(Run.status) == RunStatus.RUNNING).distinct()
    return {worker for worker in session.scalars(query) if worker}
