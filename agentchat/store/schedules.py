"""Schedules: their rows. When one is due is not known here: callers pass what tells it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from sqlalchemy import and_, delete, func, insert, or_, select, update
from sqlmodel import Session, col

from agentchat.columns import table_of
from agentchat.errors import ScheduleNotFound
from agentchat.models import Firing, Run, Schedule
from agentchat.store.writer import Tx

CONTENT = (
    "workflow", "data", "trigger", "spec", "timezone", "jitter", "start_at", "end_at",
    "missed", "most_missed", "overlap",
)  # fmt: skip
"""The columns that declare a schedule."""
TIMES = ("trigger", "spec", "timezone", "start_at", "end_at")
"""Those of them that say when it fires."""
NextAt = Callable[[Schedule], datetime | None]
"""When a schedule fires next, from now."""


def declare(tx: Tx, new: Schedule, *, next_at: NextAt) -> str:
    """Add the schedule, or give the one of this name the same content; its id.

    One that has the content already is left as it is. Another keeps its runs, whether it
    is paused, and, unless its times change, when it fires next.
    """
    query = select(table_of(Schedule)).where(col(Schedule.name) == new.name).with_for_update()
    row = tx.execute(query).mappings().first()
    if row is None:
        # If another process does so in this moment, the name is taken: the writer runs the
        # unit that failed once more, and it finds the row.
        add(tx, new, next_at=next_at)
        return new.id
    old = Schedule(**row)
    content = {column: getattr(new, column) for column in (*CONTENT, "declared")}
    revise(tx, old, content, next_at=next_at)
    return old.id


def add(tx: Tx, new: Schedule, *, next_at: NextAt) -> None:
    """Add a schedule, to fire from now on."""
    tx.execute(insert(Schedule), {**new.model_dump(), "next_at": next_at(new)})


def find(tx: Tx, *, id: str = "", name: str = "") -> Schedule | None:
    """The schedule of this id or this name."""
    query = select(table_of(Schedule)).where(
        or_(col(Schedule.id) == id, col(Schedule.name) == name)
    )
    row = tx.execute(query).mappings().first()
    return None if row is None else Schedule(**row)


def revise(tx: Tx, old: Schedule, content: dict[str, object], *, next_at: NextAt) -> None:
    """Give a locked schedule other content."""
    changes = {name: value for name, value in content.items() if getattr(old, name) != value}
    if not changes:
        return
    if any(name in changes for name in TIMES):
        changes["next_at"] = next_at(old.model_copy(update=changes))
    change(tx, old.id, **changes)


def pause(tx: Tx, schedule_id: str, *, by: str, now: datetime) -> bool:
    """Let it not fire until it is resumed; false if it is paused already. Raises
    :class:`ScheduleNotFound`.
    """
    if lock(tx, schedule_id).paused_at is not None:
        return False
    change(tx, schedule_id, paused_at=now, paused_by=by)
    return True


def resume(tx: Tx, schedule_id: str, *, next_at: NextAt) -> bool:
    """Let it fire again, from now on; false if it is not paused. Raises
    :class:`ScheduleNotFound`.

    The times while it was paused do not count as missed.
    """
    schedule = lock(tx, schedule_id)
    if schedule.paused_at is None:
        return False
    change(tx, schedule_id, paused_at=None, paused_by=None, next_at=next_at(schedule))
    return True


def remove(tx: Tx, schedule_id: str) -> None:
    """Remove a schedule and its firings, not its runs; raises :class:`ScheduleNotFound`."""
    lock(tx, schedule_id)
    tx.execute(delete(Firing).where(col(Firing.schedule_id) == schedule_id))
    tx.execute(delete(Schedule).where(col(Schedule.id) == schedule_id))


def lock(tx: Tx, schedule_id: str) -> Schedule:
    """The schedule, held until the transaction ends; raises :class:`ScheduleNotFound`."""
    query = select(table_of(Schedule)).where(col(Schedule.id) == schedule_id).with_for_update()
    row = tx.execute(query).mappings().first()
    if row is None:
        raise ScheduleNotFound
    return Schedule(**row)


def change(tx: Tx, schedule_id: str, **values: object) -> None:
    """Change columns of a schedule that is locked."""
    tx.execute(update(Schedule).where(col(Schedule.id) == schedule_id).values(**values))


def check_owner(tx: Tx, schedule_id: str, user_id: str | None) -> None:
    """Raise :class:`ScheduleNotFound` unless this person has made it; None stands for all."""
    if user_id is not None and lock(tx, schedule_id).user_id != user_id:
        raise ScheduleNotFound


def get(session: Session, schedule_id: str, user_id: str | None = None) -> Schedule:
    """The schedule, or that of this person; raises :class:`ScheduleNotFound`."""
    schedule = session.get(Schedule, schedule_id)
    if schedule is None or user_id not in (None, schedule.user_id):
        raise ScheduleNotFound
    return schedule


def overview(
    session: Session, schedule_id: str | None = None, *, user_id: str | None = None
) -> list[tuple[Schedule, Firing | None, str | None]]:
    """All schedules by name, or this one, or those of this person; each with its newest firing,
    and the status of the run of that.
    """
    newest = and_(
        col(Firing.schedule_id) == col(Schedule.id),
        col(Firing.due_at) == col(Schedule.last_at),
    )
    query = (
        select(Schedule, Firing, col(Run.status))
        .outerjoin(Firing, newest)
        .outerjoin(Run, col(Run.id) == col(Firing.run_id))
        .order_by(col(Schedule.name), col(Schedule.id))
    )
    if schedule_id is not None:
        query = query.where(col(Schedule.id) == schedule_id)
    if user_id is not None:
        query = query.where(col(Schedule.user_id) == user_id)
    return [(schedule, firing, status) for schedule, firing, status in session.execute(query)]


def next_due(session: Session, *, workflows: Collection[str]) -> datetime | None:
    """When the first of these workflows' schedules is due; None if none will be."""
    query = select(func.min(col(Schedule.next_at))).where(
        col(Schedule.paused_at).is_(None), col(Schedule.workflow).in_(workflows)
    )
    found: datetime | None = session.scalar(query)
    return found
