"""What holds due runs back: the limits that workflows declare, and workflows at rest.

Limits hold over all processes: they are counted in the transaction of the claim.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, func, literal_column, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from agentchat.columns import table_of
from agentchat.models import HELD_RUN, PausedWorkflow, Run
from agentchat.store.changes import Rows, rows
from agentchat.store.writer import Tx

_LOCK_NUMBER = 7_204_519_311
"""Any number, the same in all processes."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What one workflow allows. ``concurrency`` runs at once, ``per_key`` of one key, and
    ``most`` first starts within any time as long as ``per``.
    """

    concurrency: int | None = None
    per_key: int = 1
    most: int | None = None
    per: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of all workflows by name, and how many runs of any may be at work at once."""

    workflows: Mapping[str, Limit] = field(default_factory=dict)
    most_running: int | None = None

    @property
    def any(self) -> bool:
        """Whether anything is limited at all."""
        return self.most_running is not None or any(
            limit != Limit() for limit in self.workflows.values()
        )

    @property
    def wide(self) -> frozenset[tuple[str, int]]:
        """The workflows of which several runs of one key may be at work at once: how many."""
        return frozenset(
            (name, limit.per_key) for name, limit in self.workflows.items() if limit.per_key > 1
        )


NO_LIMITS = Limits()


class Room:
    """How many more runs may be claimed; counted down as they are picked."""

    def __init__(self, limits: Limits, at_work: Mapping[str, int], begun: Mapping[str, int]):
        self.total = (
            None
            if limits.most_running is None
            else max(0, limits.most_running - sum(at_work.values()))
        )
        self._places: Counter[str] = Counter()
        self._starts: Counter[str] = Counter()
        self.full: set[str] = set()
        """The workflows of which no more runs may be claimed."""
        self.slow: set[str] = set()
        """The workflows of which no run may begin, while begun ones may go on."""
        for name, limit in limits.workflows.items():
            if limit.concurrency is not None:
                self._places[name] = limit.concurrency - at_work.get(name, 0)
                if self._places[name] <= 0:
                    self.full.add(name)
            if limit.most is not None:
                self._starts[name] = limit.most - begun.get(name, 0)
                if self._starts[name] <= 0:
                    self.slow.add(name)

    def lets(self, workflow: str, *, first: bool) -> bool:
        """Whether one more run may be claimed; ``first`` if it has never been before."""
        held_back = workflow in self.full or (first and workflow in self.slow)
        return self.total != 0 and not held_back

    def take(self, workflow: str, *, first: bool) -> None:
        """One more is picked."""
        if self.total is not None:
            self.total -= 1
        if workflow in self._places:
            self._places[workflow] -= 1
            if not self._places[workflow]:
                self.full.add(workflow)
        if first and workflow in self._starts:
            self._starts[workflow] -= 1
            if not self._starts[workflow]:
                self.slow.add(workflow)


_run = table_of(Run)
_ALONE = select(func.pg_advisory_xact_lock(_LOCK_NUMBER))
_AT_WORK = (
    select(_run.c.workflow, func.count())
    .where(_run.c.status.in_([literal_column(f"'{status}'") for status in HELD_RUN]))
    .group_by(_run.c.workflow)
)
_BEGUN = select(func.count()).where(
    _run.c.workflow == bindparam("name"), _run.c.started_at > bindparam("since")
)
_OLDEST_THAT_COUNTS = (
    select(_run.c.started_at)
    .where(_run.c.workflow == bindparam("name"), _run.c.started_at > bindparam("since"))
    .order_by(_run.c.started_at.desc())
    .limit(1)
    .offset(bindparam("before"))
)


def alone(tx: Tx) -> None:
    """No other process counts until this transaction is over."""
    # On SQLite only one process writes at a time anyway.
    if tx.dialect == "postgresql":
        tx.execute(_ALONE)


def room(tx: Tx, limits: Limits, now: datetime) -> Room:
    """How many more runs the limits allow now."""
    if not limits.any:
        return Room(limits, {}, {})
    at_work = {name: count for name, count in tx.execute(_AT_WORK)}
    begun = {
        name: tx.execute(_BEGUN, {"name": name, "since": now - limit.per}).scalar_one()
        for name, limit in limits.workflows.items()
        if limit.most is not None
    }
    return Room(limits, at_work, begun)


def opens_at(tx: Tx, limits: Limits, now: datetime) -> datetime | None:
    """When the first of the rates that are used up allows one more start."""
    moments = []
    for name, limit in limits.workflows.items():
        if limit.most is not None:
            values = {"name": name, "since": now - limit.per, "before": limit.most - 1}
            started = tx.execute(_OLDEST_THAT_COUNTS, values).scalar()
            if started is not None:
                moments.append(started + limit.per)
    return min(moments, default=None)


def pause_workflow(tx: Tx, name: str, *, by: str, now: datetime) -> bool:
    """From now on no run of the workflow is claimed, except to clean up; false if that was
    so already. Runs at work go on.
    """
    values = {"workflow": name, "paused_by": by, "paused_at": now}
    # Two people may do so at the same moment in different processes.
    insert = postgresql.insert if tx.dialect == "postgresql" else sqlite.insert
    statement = insert(PausedWorkflow).values(values).on_conflict_do_nothing()
    added = statement.returning(col(PausedWorkflow.workflow))
    return tx.execute(added, about=_about(name)).first() is not None


def resume_workflow(tx: Tx, name: str) -> bool:
    """Runs of the workflow are claimed again; false if it was not paused."""
    statement = delete(PausedWorkflow).where(col(PausedWorkflow.workflow) == name)
    return bool(tx.execute(statement, about=_about(name)).rowcount)


def paused_workflows(session: Session) -> dict[str, PausedWorkflow]:
    """The paused workflows by name: who paused them, and when."""
    return {row.workflow: row for row in session.scalars(select(PausedWorkflow))}


def _about(name: str) -> Rows:
    return rows("paused_workflows", {"workflow": name})
