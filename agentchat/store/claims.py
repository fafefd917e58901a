"""Claims: which due runs a worker takes, and for how long it holds them.

The statements are built once: building and reading them costs more than running them.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Integer,
    Row,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlmodel import Session

from agentchat.columns import of_row, table_of
from agentchat.models import Run, RunStatus
from agentchat.store import due
from agentchat.store import limits as limited
from agentchat.store.changes import NOBODY, Rows
from agentchat.store.due import FREE, HELD, PAUSED, QUEUED, READY
from agentchat.store.limits import NO_LIMITS, Limits
from agentchat.store.runs import Hold
from agentchat.store.writer import Tx

_run = table_of(Run)
_STOPPING = due.of_status(RunStatus.STOPPING)
_LEFT = (
    select(_run.c.id)
    .where(
        HELD,
        or_(
            _run.c.lease_until < bindparam("now"),
            _run.c.worker.in_(bindparam("dead", expanding=True)),
            and_(_STOPPING, _run.c.worker.is_(None)),
        ),
        or_(_STOPPING, _run.c.workflow.not_in(PAUSED)),
        FREE,
    )
    .order_by(_run.c.priority.desc(), _run.c.due_at, _run.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, of=_run)
)


class _waited(FunctionElement[int]):
    """The milliseconds a run has been due for, added to what it had waited before."""

    type = Integer()
    inherit_cache = True
    name = "waited"


@compiles(_waited, "sqlite")
def _waited_sqlite(element: _waited, compiler: SQLCompiler, **kw: Any) -> str:
    before, due_at, now = (compiler.process(clause, **kw) for clause in element.clauses)
    days = f"julianday({now}) - julianday({due_at})"
    return f"CAST(min({before} + round(({days}) * 86400000), 2147483647) AS INTEGER)"


@compiles(_waited, "postgresql")
def _waited_postgresql(element: _waited, compiler: SQLCompiler, **kw: Any) -> str:
    before, due_at, now = (compiler.process(clause, **kw) for clause in element.clauses)
    seconds = f"extract(epoch FROM CAST({now} AS timestamptz) - {due_at})"
    return f"CAST(least({before} + {seconds} * 1000, 2147483647) AS INTEGER)"


_now = bindparam("now", type_=_run.c.started_at.type)
_TAKE = (
    update(_run)
    .where(_run.c.id.in_(bindparam("ids", expanding=True)))
    .values(
        status=case((_STOPPING, _run.c.status), else_=literal_column("'running'")),
        attempt=_run.c.attempt + 1,
        # What a living worker finds again at once has not crashed.
        crashes=_run.c.crashes
        + case(
            (and_(HELD, or_(_run.c.worker != bindparam("by"), _run.c.lease_until < _now)), 1),
            else_=0,
        ),
        worker=bindparam("by"),
        lease_until=bindparam("until"),
        started_at=func.coalesce(_run.c.started_at, _now),
        tries=0,
        retry_at=None,
        # A run handed back has been counted; it keeps its place and with it its time.
        queue_ms=case(
            (
                and_(
                    READY,
                    or_(
                        ~QUEUED,
                        _run.c.started_at.is_(None),
                        _run.c.started_at < _run.c.due_at,
                    ),
                ),
                _waited(_run.c.queue_ms, _run.c.due_at, _now),
            ),
            else_=_run.c.queue_ms,
        ),
    )
    .returning(*_run.c)
)


def _first(status: RunStatus) -> Any:
    return (
        select(func.min(_run.c.due_at))
        .where(due.of_status(status), _run.c.due_at > bindparam("now"))
        .scalar_subquery()
    )


_NEXT = select(_first(RunStatus.QUEUED), _first(RunStatus.WAITING))


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
    limits: Limits = NO_LIMITS,
) -> list[Run]:
    """Take up to ``limit`` runs that nobody holds: those left by others, then those due, by
    priority and time.

    A lapsed lease counts as nobody, and so does a worker in ``dead``; ``holding`` are runs
    the worker is busy with itself. A stopping run stays so, to be cleaned up; the others
    run. A run waits while an older one of its key is not finished (whatever has begun goes
    first), while ``limits`` are reached, and while its workflow is paused. Each claim raises
    the run's attempt.
    """
    if limits.any:
        limited.alone(tx)
    common = {"workflows": list(workflows), "holding": list(holding), "now": now}
    # These are counted as being at work already: no limit holds them back.
    left = {**common, "dead": list(dead), "most": limit}
    ids = list(tx.execute(_LEFT, left).scalars())
    if len(ids) < limit:
        ids += due.pick(tx, limits, common, limit - len(ids))
    if not ids:
        return []
    values = {"ids": ids, "by": worker, "until": lease_until, "now": now}
    taken = tx.execute(_TAKE, values, about=Rows(NOBODY)).mappings().all()
    claimed = {row["id"]: of_row(Run, row) for row in taken}
    for run in claimed.values():
        tx.changes.append(Hold(run.id, run.attempt, run.thread_id).about())
    return [claimed[run_id] for run_id in ids]


def next_due(tx: Tx, limits: Limits, now: datetime) -> datetime | None:
    """When to look again although nothing has been announced: a run is due then, or may begin."""
    moments = [*tx.execute(_NEXT, {"now": now}).one(), limited.opens_at(tx, limits, now)]
    return min((moment for moment in moments if moment is not None), default=None)


def renew(tx: Tx, holds: Collection[Hold], *, lease_until: datetime) -> set[str]:
    """Prolong all leases in one go; the ids of the runs that are not held any more."""
    pairs = [(hold.run_id, hold.attempt) for hold in holds]
    if not pairs:
        return set()
    values = {"pairs": pairs, "until": lease_until}
    held = set(tx.execute(_RENEW, values, about=Rows(NOBODY)).scalars())
    return {hold.run_id for hold in holds} - held


_RENEW = (
    update(_run)
    .where(tuple_(_run.c.id, _run.c.attempt).in_(bindparam("pairs", expanding=True)), HELD)
    .values(lease_until=bindparam("until"))
    .returning(_run.c.id)
)


def hand_back(tx: Tx, worker: str) -> None:
    """Let go of all runs that a worker holds, for others to go on with."""
    tx.execute(
        update(_run)
        .where(_run.c.worker == worker, HELD)
        .values(
            status=case((_STOPPING, _run.c.status), else_=literal_column("'queued'")),
            worker=None,
            lease_until=None,
        )
    )


def workers(session: Session) -> set[str]:
    """The workers that hold a run."""
    query = select(_run.c.worker).where(HELD, _run.c.worker.is_not(None)).distinct()
    return set(session.execute(query).scalars())


def orders(session: Session, run_ids: Collection[str]) -> dict[str, Row[Any]]:
    """What has become of runs: ``status``, ``attempt`` and ``pausing`` of each that exists."""
    found = session.execute(_ORDERS, {"ids": list(run_ids)})
    return {row.id: row for row in found}


_ORDERS = select(_run.c.id, _run.c.status, _run.c.attempt, _run.c.pausing).where(
    _run.c.id.in_(bindparam("ids", expanding=True))
)
