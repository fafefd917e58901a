"""Reads behind the page of one run: never more than a window of it at a time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Row,
    Select,
    cast,
    extract,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlmodel import Session, col

from agentchat.columns import table_of
from agentchat.models import (
    ACTIVE_RUN,
    REMEMBERED,
    Ask,
    AskStatus,
    Attempt,
    Event,
    Log,
    Message,
    Part,
    Run,
    Schedule,
    Spending,
    Step,
    StepStatus,
    Thread,
)
from agentchat.store.run_reasons import places

_STEPS = table_of(Step)
_RUNS = table_of(Run)
_LOGS = table_of(Log)
_EVENTS = table_of(Event)
_ATTEMPTS = table_of(Attempt)
_PARTS = table_of(Part)
_s = _STEPS.c
OPEN_STEP = (StepStatus.RUNNING, StepStatus.WAITING, StepStatus.RETRYING, StepStatus.EDITED)
_LINE = (
    *(_s.id, _s.branch, _s.name, _s.occurrence, _s.kind, _s.status, _s.wake_at, _s.event),
    *(_s.child_id, _s.tries, _s.cleanup, _s.input_tokens, _s.output_tokens, _s.cost_usd),
    *(_s.started_at, _s.finished_at, _s.error_kind),
)
"""What a line of a timeline needs: nothing that may be large."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which steps of a run: those whose name holds ``text``, of these statuses (all, if there
    are none); ``retried`` ones had more than one try.
    """

    text: str = ""
    statuses: tuple[StepStatus, ...] = ()
    retried: bool = False

    def of(self, run_id: str) -> list[ColumnElement[bool]]:
        """As conditions."""
        found: list[ColumnElement[bool]] = [_s.run_id == run_id]
        if self.text:
            whole = func.lower(_s.branch + "/" + _s.name)
            found.append(whole.contains(self.text.lower(), autoescape=True))
        if self.statuses:
            found.append(_s.status.in_(self.statuses))
        if self.retried:
            found.append(_s.tries > 1)
        return found


@dataclass(frozen=True, slots=True)
class Counts:
    """How many steps a run has, and how many of them are remembered, have failed, are open."""

    steps: int = 0
    remembered: int = 0
    failed: int = 0
    open: int = 0


def counts(session: Session, run_id: str) -> Counts:
    """How many steps of a run have which status, in one look at an index."""
    of = _s.run_id == run_id
    # Most are done: all are quickly counted, and only the others are looked at.
    others = select(_s.status, func.count()).where(of, _s.status != StepStatus.DONE)
    query = union_all(select(literal(""), func.count()).where(of), others.group_by(_s.status))
    found = {status: int(number) for status, number in session.execute(query)}
    steps = found.pop("")
    return Counts(
        steps=steps,
        remembered=steps - sum(found.values()) + found.get(StepStatus.FAILED, 0),
        failed=found.get(StepStatus.FAILED, 0),
        open=sum(found.get(status, 0) for status in OPEN_STEP),
    )


def count(session: Session, run_id: str, wanted: Wanted, *, before: int | None = None) -> int:
    """How many steps are wanted; those with a lower id than ``before``, if that is given."""
    query = select(func.count()).where(*wanted.of(run_id))
    if before is not None:
        query = query.where(_s.id < before)
    return int(session.execute(query).scalar_one())


def lines(
    session: Session, run_id: str, wanted: Wanted, *, limit: int, at: int = 0
) -> Sequence[Row[Any]]:
    """The wanted steps, in order: from the one with the id ``at`` on, or up to the one before
    ``-at``, or the newest.
    """
    query = select(*_LINE).where(*wanted.of(run_id))
    if at > 0:
        return session.execute(query.where(_s.id >= at).order_by(_s.id).limit(limit)).all()
    if at < 0:
        query = query.where(_s.id < -at)
    return session.execute(query.order_by(_s.id.desc()).limit(limit)).all()[::-1]


def span(session: Session, run_id: str) -> tuple[datetime, datetime] | None:
    """When the first step of a run began, and the last."""
    of = select(_s.started_at).where(_s.run_id == run_id)
    ends = (of.order_by(_s.id).limit(1), of.order_by(_s.id.desc()).limit(1))
    first, last = session.execute(select(*(one.scalar_subquery() for one in ends))).one()
    return None if first is None or last is None else (first, max(first, last))


@dataclass(frozen=True, slots=True)
class Dense:
    """What began in a stretch of time: its place, and how many steps. ``failed`` says whether any
    has failed, if any has not come to its result; ``first`` is the id of the first that has, or
    else of the first of all.
    """

    place: int
    number: int
    failed: bool | None
    first: int


def density(session: Session, run_id: str, begin: datetime, width: timedelta) -> list[Dense]:
    """How many steps began in each stretch of time from ``begin`` on, unless none did."""
    if session.get_bind().dialect.name == "sqlite":
        # What is stored has no zone.
        since = begin.replace(tzinfo=None).isoformat(" ")
        seconds: Any = (func.julianday(_s.started_at) - func.julianday(since)) * 86_400
    else:
        seconds = extract("epoch", _s.started_at - begin)
    number = cast(func.floor(seconds / width.total_seconds() + 1e-6), Integer).label("bucket")
    # What is grouped is sorted, so no more than it takes goes along.
    query = select(number, func.count().label("number"), func.min(_s.id).label("first"))
    found = session.execute(query.where(_s.run_id == run_id).group_by("bucket").order_by("bucket"))
    bad = _s.status.in_((StepStatus.FAILED, *OPEN_STEP))
    looks = select(number, _s.status, _s.id).where(_s.run_id == run_id, bad)
    worst: dict[int, tuple[bool, int]] = {}
    for place, status, step_id in session.execute(looks.order_by(_s.id)):
        is_failed = status == StepStatus.FAILED
        if place not in worst or (is_failed and not worst[place][0]):
            worst[place] = is_failed, step_id
    return [
        Dense(row.bucket, row.number, *worst.get(row.bucket, (None, row.first))) for row in found
    ]


def tries(
    session: Session, run_id: str, names: Collection[str], *, since: datetime, limit: int
) -> Sequence[Row[Any]]:
    """The tries that came to nothing, of steps of these names, the newest so many, in order."""
    a = _ATTEMPTS.c
    query = select(
        *(a.branch, a.name, a.occurrence, a.started_at, a.finished_at, a.error_kind)
    ).where(a.run_id == run_id, a.name.in_(list(names)), a.started_at >= since)
    return session.execute(query.order_by(a.id.desc()).limit(limit)).all()[::-1]


def step(session: Session, run_id: str, key: str) -> Step | None:
    """The step of a run with this key."""
    for branch, name, occurrence in places(key):
        found = session.scalars(
            select(Step).where(
                _s.run_id == run_id,
                _s.branch == branch,
                _s.name == name,
                _s.occurrence == occurrence,
            )
        ).first()
        if found is not None:
            return found
    return None


def tries_of(session: Session, step: Step, *, limit: int) -> Sequence[Row[Any]]:
    """The tries of a step that came to nothing, the newest so many, in order."""
    a = _ATTEMPTS.c
    query = select(*a).where(
        a.run_id == step.run_id,
        a.branch == step.branch,
        a.name == step.name,
        a.occurrence == step.occurrence,
    )
    return session.execute(query.order_by(a.id.desc()).limit(limit)).all()[::-1]


def remembered_before(session: Session, step: Step) -> int:
    """How many steps before this one a fork would copy."""
    query = select(func.count()).where(
        _s.run_id == step.run_id,
        _s.id < step.id,
        _s.status.in_(REMEMBERED),
    )
    return int(session.execute(query).scalar_one())


def parts_of_step(session: Session, run_id: str, key: str, round_: int | None) -> list[Row[Any]]:
    """The parts of an answer that a step wrote: a tool's by its key, a model's by its round."""
    p = _PARTS.c
    of: ColumnElement[bool] = p.step == key
    if round_ is not None:
        of = or_(of, (p.step == "") & (p.round == round_))
    query = select(
        *(p.message_id, p.thread_id, p.position, p.kind, p.status, p.name, p.input, p.text, p.step)
    ).where(p.run_id == run_id, of)
    return list(session.execute(query.order_by(p.position).limit(40)).all())


def said_last(session: Session, step: Step, message_id: str) -> Row[Any] | None:
    """The answer that ends with what this call of a model said: the last of its run."""
    later = select(_s.id).where(
        _s.run_id == step.run_id,
        _s.branch == step.branch,
        _s.name == step.name,
        _s.occurrence > step.occurrence,
    )
    if step.status != StepStatus.DONE or session.execute(later.limit(1)).first() is not None:
        return None
    message = table_of(Message)
    query = select(message.c.id, message.c.thread_id, message.c.text).where(
        message.c.id == message_id, message.c.run_id == step.run_id, message.c.text != ""
    )
    return session.execute(query).first()


def answer_of(session: Session, message_id: str) -> Row[Any] | None:
    """A message, with the title of its thread."""
    message, thread = table_of(Message), table_of(Thread)
    query = select(message.c.id, message.c.thread_id, message.c.run_id, thread.c.title).join(
        thread, thread.c.id == message.c.thread_id
    )
    return session.execute(query.where(message.c.id == message_id)).first()


def title_of(session: Session, thread_id: str) -> str | None:
    """What a thread is called; None if it is gone."""
    thread = table_of(Thread)
    query = select(thread.c.title).where(thread.c.id == thread_id, thread.c.deleted_at.is_(None))
    return session.execute(query).scalar()


def schedule_name(session: Session, schedule_id: str) -> str:
    """What a schedule is called; empty if it is gone."""
    query = select(col(Schedule.name)).where(col(Schedule.id) == schedule_id)
    return session.execute(query).scalar() or ""


def relatives(session: Session, run_id: str, *, limit: int) -> list[Row[Any]]:
    """The runs that a run started, and those that were forked from it: up to so many of each,
    oldest first.
    """
    found: list[Row[Any]] = []
    for column in (_RUNS.c.parent_id, _RUNS.c.origin_id):
        query = _heads().where(column == run_id).order_by(_RUNS.c.created_at, _RUNS.c.id)
        found += session.execute(query.limit(limit)).all()
    return found


def heads(session: Session, run_ids: Collection[str]) -> dict[str, Row[Any]]:
    """What a link to each of these runs tells."""
    if not run_ids:
        return {}
    rows = session.execute(_heads().where(_RUNS.c.id.in_(list(run_ids))))
    return {row.id: row for row in rows}


def _heads() -> Select[Any]:
    r = _RUNS.c
    return select(r.id, r.workflow, r.status, r.parent_id, r.origin_id, r.origin_step, r.agent)


def awaited(session: Session, run_id: str) -> int:
    """How many runs that a run waits for are under way."""
    query = select(func.count()).where(
        _RUNS.c.parent_id == run_id, _RUNS.c.awaited, _RUNS.c.status.in_(ACTIVE_RUN)
    )
    return int(session.execute(query).scalar_one())


def open_steps(session: Session, run_id: str, *, limit: int) -> Sequence[Row[Any]]:
    """The steps that are under way or waited in."""
    query = select(_s.branch, _s.name, _s.occurrence, _s.kind, _s.status, _s.event).where(
        _s.run_id == run_id, _s.status.in_(OPEN_STEP)
    )
    return session.execute(query.order_by(_s.id).limit(limit)).all()


def asks_of(session: Session, run_id: str) -> Sequence[Row[Any]]:
    """What a run asks people, oldest first."""
    a = table_of(Ask).c
    query = select(*a).where(a.run_id == run_id, a.status == AskStatus.OPEN)
    return session.execute(query.order_by(a.created_at).limit(50)).all()


def log_count(session: Session, run_id: str, text: str, levels: Collection[str]) -> int:
    """How many lines of the log of a run fit."""
    query = select(func.count()).where(*_of_logs(run_id, text, levels))
    return int(session.execute(query).scalar_one())


def logs(
    session: Session,
    run_id: str,
    text: str,
    levels: Collection[str],
    *,
    before: int = 0,
    limit: int,
) -> Sequence[Row[Any]]:
    """The newest lines of the log of a run that fit, or those before the one of this id."""
    query = select(_LOGS).where(*_of_logs(run_id, text, levels))
    if before:
        query = query.where(_LOGS.c.id < before)
    return session.execute(query.order_by(_LOGS.c.id.desc()).limit(limit)).all()[::-1]


def _of_logs(run_id: str, text: str, levels: Collection[str]) -> list[ColumnElement[bool]]:
    found = [_LOGS.c.run_id == run_id]
    if text:
        found.append(func.lower(_LOGS.c.text).contains(text.lower(), autoescape=True))
    if levels:
        found.append(func.lower(_LOGS.c.level).in_(list(levels)))
    return found


def events_of(session: Session, run_id: str, *, limit: int) -> Sequence[Row[Any]]:
    """The events that were sent to a run, newest first."""
    query = select(_EVENTS).where(_EVENTS.c.run_id == run_id)
    return session.execute(query.order_by(_EVENTS.c.id.desc()).limit(limit)).all()


ALL = {"steps": _STEPS, "attempts": _ATTEMPTS, "events": _EVENTS, "logs": _LOGS}
"""The tables that belong to a run, by the names under which they are exported."""


def rows_after(
    session: Session, table: str, run_id: str, after: int, *, limit: int
) -> Sequence[Row[Any]]:
    """The rows of a run in one of :data:`ALL`, in order, after the one of this id."""
    of = ALL[table]
    query = select(of).where(of.c.run_id == run_id, of.c.id > after).order_by(of.c.id)
    return session.execute(query.limit(limit)).all()


def has_spent(session: Session, run_id: str) -> bool:
    """Whether a run of this id has asked a model: that is known when it is cleaned away, too."""
    query = select(col(Spending.id)).where(col(Spending.run_id) == run_id)
    return session.execute(query.limit(1)).first() is not None
