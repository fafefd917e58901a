"""Due runs: which of them may be claimed now, in which order.

The statements are built once: building and reading them costs more than running them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
    tuple_,
)

from agentchat.columns import table_of
from agentchat.models import HELD_RUN, PausedWorkflow, Run, RunStatus
from agentchat.store import limits as limited
from agentchat.store.limits import Limits, Room
from agentchat.store.writer import Tx

LANES = 8
"""How many priorities are looked at one by one; those below are sorted together."""

_run = table_of(Run)
_other = _run.alias("other")


def of_status(*statuses: RunStatus, table: Any = _run) -> ColumnElement[bool]:
    """A condition on the status, written out: only so does a database see that a partial
    index fits.
    """
    status: ColumnElement[Any] = table.c.status
    return status.in_([literal_column(f"'{one}'") for one in statuses])


READY = of_status(RunStatus.QUEUED, RunStatus.WAITING)
HELD = of_status(*HELD_RUN)
QUEUED = of_status(RunStatus.QUEUED)
# Word for word the condition of the index ix_workflows_ready, and of no other: without the
# coalesce, SQLite would rather read all that sleep by status and sort them by priority.
_INDEXED = func.coalesce(_run.c.status, literal_column("''")).in_(
    [literal_column("'queued'"), literal_column("'waiting'")]
)
PAUSED = select(table_of(PausedWorkflow).c.workflow)
# Hidden from the planner: an index by workflow would lead it through all finished runs.
_workflow = func.coalesce(_run.c.workflow, literal_column("''"))
FREE = and_(
    _workflow.in_(bindparam("workflows", expanding=True)),
    _run.c.id.not_in(bindparam("holding", expanding=True)),
)
_OLDER = tuple_(_other.c.created_at, _other.c.id) < tuple_(_run.c.created_at, _run.c.id)
_SAME_GROUP = and_(_other.c.key == _run.c.key, _other.c.workflow == _run.c.workflow)

_lanes = (
    select(func.max(_run.c.priority).label("priority")).where(_INDEXED).cte("lanes", recursive=True)
)
_LANES = select(
    _lanes.union_all(
        select(
            select(func.max(_run.c.priority))
            .where(_INDEXED, _run.c.priority < _lanes.c.priority)
            .scalar_subquery()
        ).where(_lanes.c.priority.is_not(None))
    ).c.priority
).limit(LANES + 2)


def pick(tx: Tx, limits: Limits, common: Mapping[str, Any], limit: int) -> list[str]:
    """The ids of due runs that may be claimed now, in order."""
    room = limited.room(tx, limits, common["now"])
    wide = dict(limits.wide)
    in_lane, below = _statements(limits.wide)
    picked: list[str] = []
    beside: Counter[tuple[str, str]] = Counter()
    begun: Counter[tuple[str, str]] = Counter()
    lanes = [one for one in tx.execute(_LANES).scalars() if one is not None]
    again = bool(lanes)
    while again:
        before, behind = len(picked), False
        for number, lane in enumerate(lanes[: LANES + 1]):
            statement, busy = (in_lane if number < LANES else below), set[str]()
            while (most := _least(limit - len(picked), room.total)) > 0:
                known = (len(room.full), len(room.slow), len(busy))
                found = _look(tx, statement, common, lane, room, busy, picked, most)
                for row in found:
                    group, first = (row.workflow, row.key), not row.attempt
                    if not room.lets(row.workflow, first=first):
                        continue
                    if row.key is not None and row.workflow in wide:
                        queued = row.status == RunStatus.QUEUED
                        # The counts are of before: those picked since come on top.
                        full = row.at_work + beside[group] >= wide[row.workflow]
                        if full or (queued and row.ahead != begun[group]):
                            busy.add(row.key)
                            behind = True
                            continue
                        beside[group] += 1
                        begun[group] += queued
                    room.take(row.workflow, first=first)
                    picked.append(row.id)
                if len(found) < most or known == (len(room.full), len(room.slow), len(busy)):
                    break
        # What waited for an older one of its key, picked from a lower lane, may follow it.
        again = behind and before < len(picked) < limit
    return picked


def _look(
    tx: Tx,
    statement: Executable,
    common: Mapping[str, Any],
    lane: int,
    room: Room,
    busy: set[str],
    picked: list[str],
    most: int,
) -> list[Any]:
    values = {
        **common,
        "workflows": [name for name in common["workflows"] if name not in room.full],
        "holding": [*common["holding"], *picked],
        "slow": list(room.slow),
        "busy": list(busy),
        "lane": lane,
        "most": most,
    }
    return list(tx.execute(statement, values))


def _least(a: int, b: int | None) -> int:
    return a if b is None else min(a, b)


@lru_cache
def _statements(wide: frozenset[tuple[str, int]]) -> tuple[Executable, Executable]:
    """Statements for the due runs of one priority, and of one and all below it."""
    may_go = [_run.c.key.is_(None), and_(_run.c.workflow.not_in([n for n, _ in wide]), _is_first())]
    for most in {most for _, most in wide}:
        names = [name for name, its in wide if its == most]
        may_go.append(and_(_run.c.workflow.in_(names), _is_among(most)))
    ahead = _count(and_(QUEUED, of_status(RunStatus.QUEUED, table=_other), _OLDER))
    at_work = _count(of_status(*HELD_RUN, table=_other))
    slow: Any = bindparam("slow", expanding=True)
    busy: Any = bindparam("busy", expanding=True)
    query = (
        select(
            _run.c.id,
            _run.c.workflow,
            _run.c.key,
            _run.c.status,
            _run.c.attempt,
            *((ahead.label("ahead"), at_work.label("at_work")) if wide else ()),
        )
        .where(
            _INDEXED,
            _run.c.due_at <= bindparam("now"),
            FREE,
            _run.c.workflow.not_in(PAUSED),
            or_(_run.c.attempt > 0, _run.c.workflow.not_in(slow)),
            or_(_run.c.key.is_(None), _run.c.key.not_in(busy)),
            or_(*may_go),
        )
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True, of=_run)
    )
    lane: Any = bindparam("lane")
    return (
        query.where(_run.c.priority == lane).order_by(_run.c.due_at, _run.c.id),
        query.where(_run.c.priority <= lane).order_by(
            _run.c.priority.desc(), _run.c.due_at, _run.c.id
        ),
    )


def _is_first() -> ColumnElement[bool]:
    """No other run of the key goes before. Clocks may differ, or step back: what has begun
    goes first, and then the oldest.
    """
    begun = and_(
        _other.c.key == _run.c.key,
        of_status(*HELD_RUN, RunStatus.WAITING, RunStatus.PAUSED, table=_other),
        # One paused before it began is still in the queue.
        or_(~of_status(RunStatus.PAUSED, table=_other), _other.c.started_at.is_not(None)),
        or_(QUEUED, _OLDER),
    )
    queued = and_(
        QUEUED,
        _other.c.key == _run.c.key,
        of_status(RunStatus.QUEUED, RunStatus.PAUSED, table=_other),
        _OLDER,
    )
    return and_(~exists().where(begun), ~exists().where(queued))


def _is_among(most: int) -> ColumnElement[bool]:
    """Fewer than ``most`` of the workflow and key are at work or go before, and none of
    these is to begin later.
    """
    older = and_(QUEUED, of_status(RunStatus.QUEUED, table=_other), _OLDER)
    before = and_(_SAME_GROUP, or_(of_status(*HELD_RUN, table=_other), older))
    late = and_(_SAME_GROUP, older, _other.c.due_at > bindparam("now"))
    last = select(_other.c.id).where(before).limit(1).offset(most - 1).correlate(_run)
    return and_(~last.exists(), ~exists().where(late))


def _count(which: ColumnElement[bool]) -> Any:
    return (
        select(func.count()).select_from(_other).where(_SAME_GROUP, which).correlate(_run)
    ).scalar_subquery()
