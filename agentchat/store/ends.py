"""How runs end: by themselves, cancelled, killed; what their parents and children learn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from agentchat.columns import of_row, table_of
from agentchat.models import ACTIVE_RUN, HELD_RUN, Run, RunStatus
from agentchat.store import events, journal, runs
from agentchat.store.runs import Hold
from agentchat.store.writer import Tx


@dataclass(frozen=True, slots=True)
class Ended:
    """A run has ended, whoever decided it. Announced in the process that has written it down:
    once for each end, also of one that is retried and ends again. ``began`` is empty if it
    never did.
    """

    workflow: str
    status: RunStatus
    began: datetime | None
    ended: datetime


def event_of(child_id: str) -> str:
    """The name of the event that tells a run of the end of one that it waits for."""
    return f"run {child_id}"


def finish(tx: Tx, hold: Hold, run: Run, *, tidy: bool = True, **values: Any) -> None:
    """A worker ends the run that it holds; raises :class:`Fenced`.

    ``run`` is the row as it was claimed; ``values`` hold the status and ``finished_at``.
    Without ``tidy`` the caller knows that nothing was begun and left open.
    """
    runs.change(tx, hold, stop_by=None, pausing=False, retry_at=None, **values)
    _over(tx, run, **values)
    if tidy:
        now: datetime = values["finished_at"]
        for child_id in journal.drop(tx, run.id):
            cancel(tx, child_id, by=values.get("stopped_by") or run.workflow, now=now)


def cancel(
    tx: Tx, run_id: str, *, by: str, now: datetime, cleanup: timedelta = timedelta(seconds=30)
) -> bool:
    """Ask a run to stop, and the runs that it waits for; false if it is stopping or over.

    One that has not begun is over at once; another may clean up until ``cleanup`` is over.
    """
    run = runs.lock(tx, run_id)
    if run is None or run.status not in ACTIVE_RUN or run.status == RunStatus.STOPPING:
        return False
    if run.attempt == 0:
        _stopped(tx, run, by, now)
        return True
    held = {} if run.status in HELD_RUN else {"worker": None, "lease_until": None}
    runs.put(
        tx,
        run,
        status=RunStatus.STOPPING,
        stopped_by=by,
        stop_by=now + cleanup,
        due_at=now,
        retry_at=None,
        pausing=False,
        **held,
    )
    for child in _children(tx, run_id):
        cancel(tx, child.id, by=by, now=now, cleanup=cleanup)
    return True


def kill(tx: Tx, run_id: str, *, by: str, now: datetime) -> bool:
    """End a run at once, without any clean-up, and the runs that it waits for; false if it
    is over already. Whoever holds it changes no row any more.
    """
    run = runs.lock(tx, run_id)
    if run is None or run.status not in ACTIVE_RUN:
        return False
    _stopped(tx, run, by, now)
    for child in _children(tx, run_id):
        kill(tx, child.id, by=by, now=now)
    return True


def overdue(tx: Tx, now: datetime) -> list[str]:
    """End the runs that were to be cleaned up by now; their ids."""
    query = select(table_of(Run)).where(
        col(Run.status) == RunStatus.STOPPING, col(Run.stop_by) <= now
    )
    late = [
        of_row(Run, row) for row in tx.execute(query.with_for_update(skip_locked=True)).mappings()
    ]
    for run in late:
        _stopped(tx, run, run.stopped_by or "", now)
    return [run.id for run in late]


def _stopped(tx: Tx, run: Run, by: str, now: datetime) -> None:
    values = {"status": RunStatus.STOPPED, "stopped_by": by, "finished_at": now}
    runs.put(tx, run, retry_at=None, stop_by=None, pausing=False, **values)
    journal.drop(tx, run.id)
    _over(tx, run, **values)


def _over(tx: Tx, run: Run, **values: Any) -> None:
    status, ended = RunStatus(values["status"]), values["finished_at"]
    tx.announce(Ended(run.workflow, status, run.started_at, ended))
    tell(tx, run, **values)


def _children(tx: Tx, run_id: str) -> list[Run]:
    query = select(table_of(Run)).where(
        col(Run.parent_id) == run_id,
        col(Run.awaited),
        col(Run.status).in_(ACTIVE_RUN),
    )
    return [of_row(Run, row) for row in tx.execute(query.order_by(col(Run.id))).mappings()]


def tell(tx: Tx, run: Run, **values: Any) -> None:
    """Tell the run that waits for this one that it has ended, if there is one."""
    if run.parent_id is None or not run.awaited:
        return
    by = values.get("stopped_by")
    if by is None and values["status"] == RunStatus.STOPPED:
        # Whoever it was, it was after the run was claimed.
        by = tx.execute(select(col(Run.stopped_by)).where(col(Run.id) == run.id)).scalar()
    events.send(
        tx,
        run.parent_id,
        name=event_of(run.id),
        key=run.id,
        payload={
            "status": values["status"],
            "result": values.get("result"),
            "kind": values.get("error_kind"),
            "error": values.get("error"),
            "by": by,
        },
        sent_by=f"run {run.id}",
        now=values["finished_at"],
    )
