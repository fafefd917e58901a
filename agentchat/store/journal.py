"""The journal of a run: its remembered steps, the tries that came to nothing, its log."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Text, and_, bindparam, cast, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from agentchat.columns import of_row, table_of
from agentchat.errors import Fenced
from agentchat.models import (
    HELD_RUN,
    REMEMBERED,
    Attempt,
    Event,
    Log,
    Run,
    Step,
    StepKind,
    StepStatus,
    step_key,
)
from agentchat.store.changes import Rows
from agentchat.store.events import UNTAKEN
from agentchat.store.runs import Hold
from agentchat.store.writer import Tx

_STEPS = table_of(Step)
_RUNS = table_of(Run)
_WRITTEN = [column for column in _STEPS.columns if column.name != "id"]
_KEY = ("run_id", "branch", "name", "occurrence")
_BLANK: dict[str, Any] = {
    "branch": "",
    "kind": StepKind.STEP,
    "wake_at": None,
    "event": None,
    "child_id": None,
    "input": None,
    "result": None,
    "error_kind": None,
    "error": None,
    "tries": 1,
    "cleanup": False,
    "input_tokens": None,
    "output_tokens": None,
    "cost_usd": None,
    "finished_at": None,
}


class Remembered(NamedTuple):
    """What a replay needs of a step that is over; ``result`` is JSON."""

    branch: str
    name: str
    occurrence: int
    kind: str
    status: str
    args_hash: str
    attempt: int
    result: str | None
    error_kind: str | None
    error: str | None

    @property
    def key(self) -> str:
        """Which step of its run it is."""
        return step_key(self.branch, self.name, self.occurrence)


@dataclass(slots=True)
class History:
    """What a run has done and been sent: its steps that are over and those that are begun,
    each in the order in which they were first written, the events that no wait has taken, and
    how many lines it has logged between steps, by branch.
    """

    remembered: list[Remembered] = field(default_factory=list)
    begun: list[Step] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    logged: dict[str, int] = field(default_factory=dict)


def histories(session: Session, run_ids: Collection[str]) -> dict[str, History]:
    """The histories of many runs, in one go."""
    found = {run_id: History() for run_id in run_ids}
    of_them = {"ids": list(run_ids)}
    for step in session.execute(_OVER, of_them):
        found[step[0]].remembered.append(Remembered._make(step[1:]))
    for row in session.execute(_BEGUN, of_them).mappings():
        found[row["run_id"]].begun.append(of_row(Step, row))
    for row in session.execute(UNTAKEN, of_them).mappings():
        found[row["run_id"]].events.append(of_row(Event, row))
    for run_id, branch, last in session.execute(_LOGGED, of_them):
        found[run_id].logged[branch] = last + 1
    return found


_OF_RUNS = _STEPS.c.run_id.in_(bindparam("ids", expanding=True))
# A long journal is mostly this: only what is needed, and nothing is decoded.
_OVER = (
    select(
        _STEPS.c.run_id,
        *(
            cast(_STEPS.c.result, Text) if name == "result" else _STEPS.c[name]
            for name in Remembered._fields
        ),
    )
    .where(_OF_RUNS, _STEPS.c.status.in_(REMEMBERED))
    .order_by(_STEPS.c.id)
)
_BEGUN = select(_STEPS).where(_OF_RUNS, _STEPS.c.status.not_in(REMEMBERED)).order_by(_STEPS.c.id)
_LOGGED = (
    select(col(Log.run_id), col(Log.branch), func.max(Log.occurrence))
    .where(col(Log.run_id).in_(bindparam("ids", expanding=True)), col(Log.occurrence).is_not(None))
    .group_by(col(Log.run_id), col(Log.branch))
)


def load(session: Session, run_id: str) -> list[Step]:
    """All steps of a run, in the order in which they were first written."""
    query = select(Step).where(col(Step.run_id) == run_id).order_by(col(Step.id))
    return list(session.scalars(query))


def attempts(session: Session, run_id: str) -> list[Attempt]:
    """The tries of a run's steps that came to no result, oldest first."""
    query = select(Attempt).where(col(Attempt.run_id) == run_id).order_by(col(Attempt.id))
    return list(session.scalars(query))


def logs(session: Session, run_id: str, *, after: int = 0, limit: int = 1000) -> list[Log]:
    """The lines that a run logged after the one of this id, oldest first."""
    query = select(Log).where(col(Log.run_id) == run_id, col(Log.id) > after)
    return list(session.scalars(query.order_by(col(Log.id)).limit(limit)))


def parallel(branch: str, other: str) -> bool:
    """Whether two branches are of one gather or race, or within such."""
    for one, two in zip(branch.split("/"), other.split("/"), strict=False):
        if one != two:
            return one.rpartition("[")[0] == two.rpartition("[")[0]
    return False


def _statement(dialect: Any) -> Any:
    """Write a step if the run is held, in one statement; what is remembered stays."""
    written = [bindparam(f"p_{c.name}", type_=c.type).label(c.name) for c in _WRITTEN]
    held = (
        select(*written)
        .where(
            _RUNS.c.id == bindparam("p_run_id", type_=_RUNS.c.id.type),
            _RUNS.c.attempt == bindparam("p_hold", type_=_RUNS.c.attempt.type),
            # Not IN: its list would be written out anew for each step.
            or_(*(_RUNS.c.status == status for status in HELD_RUN)),
        )
        # Whoever takes the run over waits for this, or this sees that it is taken.
        .with_for_update(key_share=True)
    )
    statement = dialect.insert(_STEPS).from_select([c.name for c in _WRITTEN], held)
    upsert = statement.on_conflict_do_update(
        index_elements=list(_KEY),
        set_={c.name: statement.excluded[c.name] for c in _WRITTEN if c.name not in _KEY},
        where=and_(*(_STEPS.c.status != status for status in REMEMBERED)),
    )
    # How many rows there were is all that is asked for; no key is to be returned.
    return upsert.inline().execution_options(preserve_rowcount=True)


_WRITE = {"sqlite": _statement(sqlite), "postgresql": _statement(postgresql)}


def write(tx: Tx, hold: Hold, step: dict[str, Any]) -> bool:
    """Write a step, given by column, over what was begun of it; raises :class:`Fenced`.

    Finished already by the same attempt, because an answer of the database was lost, it is
    let be: then false.
    """
    about = Rows("steps", (("run_id", hold.run_id),))
    values = {f"p_{name}": value for name, value in (_BLANK | step).items()}
    done = tx.execute(_WRITE[tx.dialect], {**values, "p_hold": hold.attempt}, about=about)
    if done.rowcount == 0 and find(tx, step) != (hold.attempt, step["status"]):
        raise Fenced
    return done.rowcount > 0


def find(tx: Tx, step: dict[str, Any]) -> tuple[int, str] | None:
    """By which attempt a step was last written, and how far it was."""
    query = select(col(Step.attempt), col(Step.status)).where(
        *(getattr(Step, name) == step.get(name, "") for name in _KEY)
    )
    row = tx.execute(query).first()
    return None if row is None else (row[0], row[1])


def result(tx: Tx, step: dict[str, Any]) -> Any:
    """What a step came to, as JSON."""
    query = select(col(Step.result)).where(
        *(getattr(Step, name) == step.get(name, "") for name in _KEY)
    )
    return tx.execute(query).scalar()


def add_attempts(tx: Tx, rows: list[dict[str, Any]]) -> None:
    """Add tries that came to nothing, but those that are there already: a run that was cut
    off between telling of one and going on tells of it again. The caller holds the fence.
    """
    for row in rows:
        same = (getattr(Attempt, name) == row[name] for name in (*_KEY, "attempt", "tries"))
        if tx.execute(select(col(Attempt.id)).where(*same)).first() is None:
            tx.execute(insert(Attempt), row)


def add_logs(tx: Tx, rows: list[dict[str, Any]], *, again: bool = False) -> None:
    """Add lines to the log; those between steps that are there already are let be, and all
    that are if this is done ``again`` because an answer of the database was lost. The caller
    holds the fence.
    """
    if again:
        rows = [row for row in rows if not _is_logged(tx, row)]
    if not rows:
        return
    dialect = sqlite if tx.dialect == "sqlite" else postgresql
    tx.execute(
        dialect.insert(Log).on_conflict_do_nothing(
            index_elements=["run_id", "branch", "occurrence"]
        ),
        rows,
        about=Rows("logs", (("run_id", rows[0]["run_id"]),)),
    )


def _is_logged(tx: Tx, row: dict[str, Any]) -> bool:
    same = ("run_id", "step", "attempt", "text", "created_at")
    query = select(col(Log.id)).where(*(getattr(Log, name) == row[name] for name in same))
    return tx.execute(query).first() is not None


def drop(tx: Tx, run_id: str, branches: Collection[str] | None = None) -> list[str]:
    """What is begun and not over will not be gone on with: in these branches, or in all.

    Returns the ids of the runs that those steps waited for.
    """
    open_ = [
        col(Step.run_id) == run_id,
        col(Step.status).not_in((*REMEMBERED, StepStatus.DROPPED)),
    ]
    if branches is not None:
        open_.append(
            or_(
                *(
                    or_(
                        col(Step.branch) == branch,
                        col(Step.branch).startswith(f"{branch}/", autoescape=True),
                    )
                    for branch in branches
                )
            )
        )
    awaited = select(col(Step.child_id)).where(*open_, col(Step.child_id).is_not(None))
    children = list(tx.execute(awaited).scalars())
    tx.execute(
        update(Step).where(*open_).values(status=StepStatus.DROPPED),
        about=Rows("steps", (("run_id", run_id),)),
    )
    return children
