"""Lists of runs: pages, counts and what a row of them tells. Reads that stay fast on large tables.

One condition at most is found by an index that also gives the order: it *drives* the read. The
others are looked at row by row, so far as :data:`LOOK` says and no further.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Row,
    Select,
    and_,
    case,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
)
from sqlmodel import Session

from agentchat.columns import table_of
from agentchat.models import Run, RunStatus, Spending, Thread
from agentchat.rights import Right
from agentchat.store import access, threads

LOOK = 20_000
"""How many runs, the newest that drive a read, are looked through for the other conditions."""
FIRST_LOOK = 1_000
"""How many of them are looked through at first."""
RANKED = 5_000
"""How many runs, the newest that fit, are put in order by a measure."""
CAP = 1_000
"""Up to how many are counted."""
COUNT_LOOK = 1_000
"""How many runs are looked through to count those that fit other conditions."""

_RUNS = table_of(Run)
_THREADS = table_of(Thread)
_SPENDINGS = table_of(Spending)
_r = _RUNS.c


class At(NamedTuple):
    """A place in the order of time."""

    at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class Where:
    """Which runs. ``private`` are workflows whose runs tell their content only to ``user_id``,
    if they are about somebody; ``mine`` are only those that this person has started, and not in
    threads that they may not read any more.
    """

    user_id: str = ""
    mine: bool = False
    private: tuple[str, ...] = ()
    statuses: tuple[RunStatus, ...] = ()
    workflow: str = ""
    agent: str = ""
    model: str = ""
    user: str = ""
    thread: str = ""
    schedule: str = ""
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A page: its runs in order, the place where looking stopped before the end, if it did, and
    whether there are more runs behind the last one.
    """

    runs: tuple[At, ...]
    stopped: At | None = None
    more: bool = False

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of its runs."""
        return tuple(run.id for run in self.runs)


def page(
    session: Session,
    where: Where,
    *,
    limit: int,
    down: bool = True,
    place: At | None = None,
    inclusive: bool = False,
) -> Found:
    """The runs behind a place in the order of time, newest first if ``down``."""
    drive = _Drive(where, down, place, inclusive)
    # Most pages are full long before the last that may be looked at.
    for look in (FIRST_LOOK, LOOK):
        stopped = drive.place_at(session, look) if drive.rest else None
        rows = session.execute(drive.query(stopped).limit(limit + 1)).all()
        more = len(rows) > limit
        if more or stopped is None:
            break
    return Found(_places(rows[:limit]), None if more else stopped, more)


def ranked(
    session: Session, where: Where, measure: str, *, now: datetime, limit: int, skip: int
) -> Found:
    """The runs that have most of a measure, among the newest that fit. ``stopped`` is set if
    there are more of those.
    """
    drive = _Drive(where)
    stopped = drive.place_at(session, LOOK) if drive.rest else None
    fitting = drive.query(stopped, _measure(session, measure, now).label("measure"))
    last = session.execute(fitting.offset(RANKED).limit(1)).first()
    if last is not None:
        stopped = At(last.created_at, last.id)
    newest = fitting.limit(RANKED).subquery()
    query = select(newest.c.id, newest.c.created_at).order_by(
        newest.c.measure.desc(), newest.c.created_at.desc(), newest.c.id.desc()
    )
    rows = session.execute(query.offset(skip).limit(limit + 1)).all()
    return Found(_places(rows[:limit]), stopped, len(rows) > limit)


def number_above(session: Session, where: Where, place: At, *, cap: int) -> int:
    """How many runs that fit are newer than a place, counted up to ``cap``."""
    found = page(session, where, limit=cap, down=False, place=place)
    return len(found.runs)


def counts(session: Session, where: Where) -> tuple[dict[RunStatus, int], bool]:
    """How many runs that fit have each status, whatever statuses are asked for; and whether
    only some of the runs were looked through, so that there may be more of each.

    Counted up to one more than :data:`CAP`.
    """
    where = replace(where, statuses=())
    drive = _Drive(where)
    if drive.driven or drive.rest:
        stopped = drive.place_at(session, COUNT_LOOK)
        # With the limit it stays a read in the order of time, of which no more is read.
        fitting = drive.query(stopped, _r.status).limit(COUNT_LOOK).subquery()
        query = select(fitting.c.status, func.count()).group_by(fitting.c.status)
        return _by_status(session.execute(query).all()), stopped is not None
    each = []
    for status in RunStatus:
        some = select(literal(1)).where(_r.status == status, *drive.times).limit(CAP + 1)
        each.append(select(literal(str(status)), func.count()).select_from(some.subquery()))
    return _by_status(session.execute(union_all(*each)).all()), False


def any_run(session: Session, where: Where) -> bool:
    """Whether there is a run at all, among all or the person's."""
    query = select(_r.id).where(*([_r.user_id == where.user_id] if where.mine else []))
    return session.execute(query.limit(1)).first() is not None


LINE = (
    "id",
    *("workflow", "status", "step", "key", "thread_id", "started_by", "user_id", "agent"),
    "attempt",
    *("due_at", "tries", "max_tries", "retry_at", "pausing", "paused_by", "stop_by"),
    *("stopped_by", "failed_step", "error_kind", "input_tokens", "output_tokens"),
    *("tokens_estimated", "cost_usd", "queue_ms", "created_at", "started_at", "finished_at"),
)


def lines(session: Session, ids: Sequence[str], private: Collection[str]) -> list[Row[Any]]:
    """What a list tells of these runs, in their order: the columns in :data:`LINE`, the
    beginning of ``error``, the ``title`` of the thread, and in ``about`` whom a run of a
    private workflow is about. Those that are gone are left out.
    """
    query = (
        select(
            *(_r[name] for name in LINE),
            func.substr(_r.error, 1, 400).label("error"),
            func.coalesce(_THREADS.c.title, "").label("title"),
            case((_r.workflow.in_(list(private)), _about()), else_="").label("about"),
        )
        .join(_THREADS, _alive(), isouter=True)
        .where(_r.id.in_(list(ids)), threads.not_deleted(_r.thread_id))
    )
    found = {row.id: row for row in session.execute(query)}
    return [found[run_id] for run_id in ids if run_id in found]


class _Drive:
    """A read of runs in the order of time, and which of its conditions drives it."""

    def __init__(
        self, where: Where, down: bool = True, place: At | None = None, inclusive: bool = False
    ) -> None:
        self.down = down
        self.times = _times(where, down, place, inclusive)
        rest = {"agent": _r.agent, "user": _r.started_by}
        exact = {
            "thread": _r.thread_id,
            "schedule": _r.schedule_id,
            "workflow": _r.workflow,
            **rest,
        }
        asked = [(name, column) for name, column in exact.items() if getattr(where, name)]
        statuses = where.statuses
        by_status = bool(statuses) and not (where.thread or where.schedule or where.mine)
        # Runs that are done are many: then a workflow leaves more of the others out.
        by_status &= not (where.workflow and RunStatus.DONE in statuses)
        self.statuses = statuses if by_status else ()
        self.driven: list[ColumnElement[bool]] = []
        self.rest: list[ColumnElement[bool]] = []
        if where.mine:
            self.driven.append(_r.user_id == where.user_id)
            readable = access.among(_r.thread_id, where.user_id, Right.READ)
            self.rest.append(or_(_r.thread_id.is_(None), readable))
        for name, column in asked:
            if not (self.driven or by_status or name in rest):
                self.driven.append(column == getattr(where, name))
            else:
                # No plain column: or a planner may take another index, without the order.
                self.rest.append(func.coalesce(column, "") == getattr(where, name))
        if statuses and not by_status:
            self.rest.append(func.coalesce(_r.status, "").in_(list(statuses)))
        if where.model:
            self.rest.append(_called(where.model))
        if where.text:
            self.rest.append(_holds(where))
        self.driven_by_status = by_status

    def query(
        self, stopped: At | None, *more: ColumnElement[Any], rest: bool = True
    ) -> Select[Any] | CompoundSelect[Any]:
        """The places of all that fit, up to the one where looking stops."""
        conditions = [
            *self.times,
            *self.driven,
            threads.not_deleted(_r.thread_id),
            *(self.rest if rest else ()),
        ]
        if stopped is not None:
            conditions.append(_behind(stopped, not self.down, inclusive=True))
        columns = (_r.id, _r.created_at, *more)
        if len(self.statuses) > 1:
            # Each status is in order by its index; together they are merged.
            each = [
                select(*columns).where(_r.status == status, *conditions) for status in self.statuses
            ]
            found: Any = union_all(*each)
            at, run_id = found.selected_columns.created_at, found.selected_columns.id
        else:
            found = select(*columns).where(*(_r.status == s for s in self.statuses), *conditions)
            at, run_id = _r.created_at, _r.id
        order = (at.desc(), run_id.desc()) if self.down else (at, run_id)
        return found.order_by(*order)  # type: ignore[no-any-return]

    def place_at(self, session: Session, number: int) -> At | None:
        """The place of the last run that is looked at, if there are more."""
        found = session.execute(self.query(None, rest=False).offset(number - 1).limit(2)).all()
        return _places(found)[0] if len(found) == 2 else None


def _times(
    where: Where, down: bool, place: At | None, inclusive: bool
) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if where.since is not None:
        found.append(_r.created_at >= where.since)
    if where.until is not None:
        found.append(_r.created_at < where.until)
    if place is not None:
        found.append(_behind(place, down, inclusive=inclusive))
    return found


def _behind(place: At, down: bool, *, inclusive: bool) -> ColumnElement[bool]:
    # The first condition alone says where in an index to begin.
    here = _r.created_at == place.at
    if down:
        same = _r.id <= place.id if inclusive else _r.id < place.id
        return and_(_r.created_at <= place.at, or_(_r.created_at < place.at, and_(here, same)))
    same = _r.id >= place.id if inclusive else _r.id > place.id
    return and_(_r.created_at >= place.at, or_(_r.created_at > place.at, and_(here, same)))


def _called(model: str) -> ColumnElement[bool]:
    """Whether a run has called this model."""
    call = select(literal(1)).where(
        _SPENDINGS.c.run_id == _r.id, func.coalesce(_SPENDINGS.c.model, "") == model
    )
    # A value, no EXISTS: or a planner may join all calls there are of the model.
    return func.coalesce(call.limit(1).scalar_subquery(), 0) == 1


def _holds(where: Where) -> ColumnElement[bool]:
    """Whether a run holds a text, in what the person may see of it."""
    text = where.text
    titled = (
        select(_THREADS.c.id)
        .where(_alive(), _THREADS.c.title.icontains(text, autoescape=True))
        .exists()
    )
    content = or_(
        *(
            func.coalesce(column, "").icontains(text, autoescape=True)
            for column in (_r.key, _r.step, _r.failed_step, _r.error)
        ),
        titled,
    )
    mine: ColumnElement[bool] = true()
    if where.private:
        mine = or_(
            _r.workflow.not_in(where.private),
            func.coalesce(_about(), "").in_(["", where.user_id]),
        )
    return or_(
        _r.id.istartswith(text, autoescape=True),
        _r.workflow.icontains(text, autoescape=True),
        and_(mine, content),
    )


def _about() -> ColumnElement[Any]:
    about: ColumnElement[Any] = _r.data["user_id"].as_string()
    return about


def _alive() -> ColumnElement[bool]:
    return and_(_THREADS.c.id == _r.thread_id, _THREADS.c.deleted_at.is_(None))


def _measure(session: Session, name: str, now: datetime) -> ColumnElement[Any]:
    if name == "tokens":
        return _r.input_tokens + _r.output_tokens
    if name == "cost":
        return func.coalesce(_r.cost_usd, 0)
    if name == "attempts":
        return _r.attempt
    ended = func.coalesce(_r.finished_at, literal(now, _r.finished_at.type))
    if session.get_bind().dialect.name == "sqlite":
        lasted: ColumnElement[Any] = func.julianday(ended) - func.julianday(_r.started_at)
    else:
        lasted = func.extract("epoch", ended - _r.started_at)
    return func.coalesce(lasted, 0)


def _places(rows: Sequence[Row[Any]]) -> tuple[At, ...]:
    return tuple(At(row.created_at, row.id) for row in rows)


def _by_status(rows: Sequence[Any]) -> dict[RunStatus, int]:
    return {RunStatus(status): number for status, number in rows}
