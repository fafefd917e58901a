"""Runs: their rows, and the fence that lets only the owning attempt change them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Update, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from agentchat.columns import of_row, table_of
from agentchat.errors import Fenced
from agentchat.models import ACTIVE_RUN, HELD_RUN, Attempt, Event, Log, Run, RunStatus, Step
from agentchat.store.changes import Rows, rows
from agentchat.store.writer import Tx

JOURNAL: tuple[type[Event | Step | Attempt | Log], ...] = (Event, Step, Attempt, Log)
"""The tables whose rows belong to a run, and go with it."""


_RUNS = table_of(Run)
_ADD = insert(_RUNS)
_UNTOUCHED = {
    "step": "",
    "attempt": 0,
    "crashes": 0,
    "tries": 0,
    "max_tries": 0,
    "pausing": False,
    "input_tokens": 0,
    "output_tokens": 0,
    "tokens_estimated": False,
    "queue_ms": 0,
}


@dataclass(frozen=True, slots=True)
class Hold:
    """A worker's hold on a run: its writes count only while ``attempt`` is the row's."""

    run_id: str
    attempt: int
    thread_id: str | None = None

    def about(self) -> Rows:
        """What a change of the run touches."""
        return rows("workflows", {"id": self.run_id, "thread_id": self.thread_id})


@dataclass(slots=True)
class NewRun:
    """A run to be queued. ``due_at`` is when it may begin, ``now`` at the latest if empty;
    the other fields are those of :class:`~agentchat.models.Run`.
    """

    id: str
    workflow: str
    data: dict[str, Any]
    now: datetime
    version: str = ""
    code: str = ""
    key: str | None = None
    priority: int = 0
    due_at: datetime | None = None
    thread_id: str | None = None
    parent_id: str | None = None
    awaited: bool = False
    origin_id: str | None = None
    origin_step: str | None = None
    schedule_id: str | None = None
    started_by: str = ""
    user_id: str = ""
    agent: str = ""


def add(tx: Tx, run: NewRun) -> None:
    """Queue a run."""
    tx.execute(_ADD, _columns(run), about=_added(run))


def _columns(run: NewRun) -> dict[str, Any]:
    return {
        "id": run.id,
        "workflow": run.workflow,
        "version": run.version,
        "code": run.code,
        "status": RunStatus.QUEUED,
        "data": run.data,
        "key": run.key,
        "priority": run.priority,
        "thread_id": run.thread_id,
        "parent_id": run.parent_id,
        "awaited": run.awaited,
        "origin_id": run.origin_id,
        "origin_step": run.origin_step,
        "schedule_id": run.schedule_id,
        "started_by": run.started_by,
        "user_id": run.user_id,
        "agent": run.agent,
        "due_at": run.due_at or run.now,
        "created_at": run.now,
        **_UNTOUCHED,
    }


def _added(run: NewRun) -> Rows:
    named = ("id", "workflow", "key", "thread_id", "parent_id", "schedule_id")
    known = {name: getattr(run, name) for name in named}
    return rows("workflows", {**known, "status": RunStatus.QUEUED})


def add_once(tx: Tx, run: NewRun) -> bool:
    """Queue a run unless there is one of this id; whether it did."""
    dialect = sqlite if tx.dialect == "sqlite" else postgresql
    once = dialect.insert(_RUNS).on_conflict_do_nothing(index_elements=["id"])
    once = once.execution_options(preserve_rowcount=True)
    return bool(tx.execute(once, _columns(run), about=_added(run)).rowcount)


def check(tx: Tx, hold: Hold) -> None:
    """Raise :class:`Fenced` if the hold is lost; else it is kept until the commit."""
    # FOR SHARE: on PostgreSQL a stop in another process waits until this is in.
    query = select(_RUNS.c.id).where(
        _RUNS.c.id == hold.run_id,
        _RUNS.c.attempt == hold.attempt,
        _RUNS.c.status.in_(HELD_RUN),
    )
    if tx.execute(query.with_for_update(read=True)).first() is None:
        raise Fenced


def change(tx: Tx, hold: Hold, /, **values: object) -> None:
    """Change the run's row; raises :class:`Fenced` if the hold is lost."""
    given = {f"new_{name}": value for name, value in values.items()}
    given |= {"run": hold.run_id, "hold": hold.attempt}
    changed = tx.execute(_change(tuple(values)), given, about=hold.about())
    if not changed.rowcount:
        raise Fenced


@cache
def _change(names: tuple[str, ...]) -> Update:
    # Built once for each set of columns: building it costs more than running it.
    column = _RUNS.c
    return (
        update(_RUNS)
        .where(
            column.id == bindparam("run"),
            column.attempt == bindparam("hold"),
            or_(*(column.status == status for status in HELD_RUN)),
        )
        .values({name: bindparam(f"new_{name}", type_=column[name].type) for name in names})
    )


def let_go(tx: Tx, hold: Hold, status: RunStatus, /, **values: object) -> None:
    """Let go of a run, which then waits or is paused, as it is to be if somebody asked for
    it; one that is stopping stays so, for whoever lets it clean up. Raises :class:`Fenced`.
    """
    asked = select(_RUNS.c.status, _RUNS.c.pausing).where(_RUNS.c.id == hold.run_id)
    row = tx.execute(asked.with_for_update()).first()
    if row is not None and row.status == RunStatus.STOPPING:
        status = RunStatus.STOPPING
    elif row is not None and row.pausing:
        status = RunStatus.PAUSED
    change(tx, hold, status=status, worker=None, lease_until=None, pausing=False, **values)


def wake(tx: Tx, hold: Hold, *, now: datetime) -> None:
    """A waiting run is due now."""
    tx.execute(
        update(Run)
        .where(col(Run.id) == hold.run_id, col(Run.status) == RunStatus.WAITING)
        .values(due_at=now),
        about=hold.about(),
    )


def lock(tx: Tx, run_id: str) -> Run | None:
    """The run of this id, which nobody else changes until the commit."""
    query = select(table_of(Run)).where(col(Run.id) == run_id).with_for_update()
    row = tx.execute(query).mappings().first()
    return None if row is None else of_row(Run, row)


def root_of(tx: Tx, run_id: str) -> str | None:
    """The thread that a run works for, in the end."""
    query = select(_RUNS.c.thread_id).where(_RUNS.c.id == run_id)
    found: str | None = tx.execute(query).scalar()
    return found


def active(tx: Tx, run_id: str) -> bool:
    """Whether a run is there and not over."""
    query = select(_RUNS.c.id).where(_RUNS.c.id == run_id, _RUNS.c.status.in_(ACTIVE_RUN))
    return tx.execute(query).first() is not None


def data_of(tx: Tx, run_id: str) -> dict[str, Any]:
    """What a run was started with; empty if it is gone."""
    query = select(_RUNS.c.data).where(_RUNS.c.id == run_id)
    return tx.execute(query).scalar() or {}


def sign(tx: Tx, hold: Hold, *, agent: str) -> None:
    """It is this agent that answers in a run now."""
    tx.execute(
        update(_RUNS).where(_RUNS.c.id == hold.run_id).values(agent=agent), about=hold.about()
    )


def put(tx: Tx, run: Run, **values: object) -> None:
    """Change the row of a run that the caller has locked."""
    tx.execute(
        update(Run).where(col(Run.id) == run.id).values(**values),
        about=Hold(run.id, run.attempt, run.thread_id).about(),
    )


def delete_of(tx: Tx, thread_id: str) -> None:
    """Remove all runs of a thread with their journals; whoever still holds one is fenced."""
    ids = select(col(Run.id)).where(col(Run.thread_id) == thread_id).scalar_subquery()
    for table in JOURNAL:
        tx.execute(delete(table).where(col(table.run_id).in_(ids)))
    tx.execute(delete(Run).where(col(Run.thread_id) == thread_id))


def spend(
    tx: Tx,
    hold: Hold,
    *,
    input_tokens: int,
    output_tokens: int,
    estimated: bool,
    cost_usd: float | None = None,
) -> None:
    """Add tokens and US dollars to the run's count, whatever its status: a stopped call was
    paid too.
    """
    cost = col(Run.cost_usd)
    tx.execute(
        update(Run)
        .where(col(Run.id) == hold.run_id)
        .values(
            input_tokens=col(Run.input_tokens) + input_tokens,
            output_tokens=col(Run.output_tokens) + output_tokens,
            cost_usd=cost if cost_usd is None else func.coalesce(cost, 0) + cost_usd,
            tokens_estimated=True if estimated else col(Run.tokens_estimated),
        ),
        about=hold.about(),
    )


def get(session: Session, run_id: str) -> Run | None:
    """The run of this id, if there is one."""
    return session.get(Run, run_id)
