"""Repairs of runs: paused, resumed, retried, forked. Each is one transaction's work."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlmodel import Session, col

from agentchat.columns import of_row, table_of
from agentchat.errors import InvalidInput, RunNotFound, WrongState
from agentchat.models import (
    ACTIVE_RUN,
    REMEMBERED,
    Attempt,
    Event,
    Run,
    RunStatus,
    Step,
    StepKind,
    StepStatus,
)
from agentchat.store import ends, journal, runs
from agentchat.store.runs import NewRun
from agentchat.store.writer import Tx


@dataclass(slots=True)
class Fork:
    """What a new run takes over from another: the arguments, and the steps before ``step``,
    or all that are finished with ``everything``. ``input`` is what ``step`` is done with
    instead, ``result`` holds what it came to instead.
    """

    data: dict[str, Any]
    step: str | None = None
    everything: bool = False
    edited: bool = False
    """Whether the arguments of the run differ."""
    input: list[Any] | None = None
    result: list[Any] = field(default_factory=list)


def pause(tx: Tx, run_id: str, *, by: str) -> None:
    """Let a run stand still: now, or after its step at hand. Raises WrongState."""
    run = _locked(tx, run_id)
    if run.status in (RunStatus.QUEUED, RunStatus.WAITING):
        runs.put(tx, run, status=RunStatus.PAUSED, paused_by=by)
    elif run.status == RunStatus.RUNNING and not run.pausing:
        runs.put(tx, run, pausing=True, paused_by=by)
    else:
        raise _wrong(run, "paused", "one that is queued, running or waiting")


def resume(tx: Tx, run_id: str, *, now: datetime) -> None:
    """Let a paused run go on. Raises WrongState."""
    run = _locked(tx, run_id)
    if run.status in (RunStatus.RUNNING, RunStatus.QUEUED) and run.pausing:
        runs.put(tx, run, pausing=False, paused_by=None)
    elif run.status == RunStatus.PAUSED:
        _queue(tx, run, now)
    else:
        raise _wrong(run, "resumed", "one that is paused")


def retry(tx: Tx, run_id: str, *, now: datetime) -> None:
    """Let a run that failed or was stopped go on from the step that failed. Raises WrongState."""
    run = _locked(tx, run_id)
    if run.status not in (RunStatus.FAILED, RunStatus.STOPPED):
        raise _wrong(run, "retried", "one that failed or was stopped")
    _queue(tx, run, now, crashes=0, finished_at=None, failed_step=None, stopped_by=None)
    steps = _steps(tx, run_id)
    # Cleaned up once, it has to be cleaned up again after what is done now.
    again = [*_failures(steps, run.failed_step), *(step for step in steps if step.cleanup)]
    for step in {step.key: step for step in again}.values():
        _forget(tx, step, now)


def fork(tx: Tx, run_id: str, fork: Fork, new: NewRun) -> None:
    """Queue ``new``, which has a run's steps up to the one that ``fork`` names. There
    already, it is let be. Raises InvalidInput if there is no such step.
    """
    run = _locked(tx, run_id)
    steps = _steps(tx, run_id)
    place = len(steps)
    target = None
    if fork.step is not None:
        keys = [step.key for step in steps]
        if fork.step not in keys:
            names = ", ".join(repr(key) for key in keys[:20]) or "none"
            raise InvalidInput(f"The run has no step {fork.step!r}; it has {names}.")
        place = keys.index(fork.step)
        target = steps[place]
    new.origin_id, new.origin_step = run.id, fork.step
    if not runs.add_once(tx, new):
        return
    if fork.step is None and not fork.everything:
        return
    rows = [
        copied(step, new.id, {"args_hash": ""} if fork.edited else {})
        for step in steps[:place]
        if step.status in REMEMBERED and step.key != run.failed_step and not step.cleanup
    ]
    if target is not None and (fork.result or fork.input is not None):
        rows.append(copied(target, new.id, _instead(target, fork)))
    if rows:
        tx.execute(insert(Step), rows)


HELD = "code_changed"
"""The kind of error of a run that is held because the code does not fit its journal."""


def hold(
    tx: Tx, reasons: Mapping[str, str], workflows: Collection[str], *, now: datetime
) -> list[str]:
    """Pause these runs, unless somebody holds them, for the reasons given; and let go on what
    of these workflows was held so before and is not among them. The ids of the latter.
    """
    for run_id, reason in reasons.items():
        run = runs.lock(tx, run_id)
        if run is not None and run.status in (RunStatus.QUEUED, RunStatus.WAITING):
            runs.put(tx, run, status=RunStatus.PAUSED, error=reason, error_kind=HELD)
    query = select(table_of(Run)).where(
        col(Run.status) == RunStatus.PAUSED,
        col(Run.error_kind) == HELD,
        col(Run.workflow).in_(workflows),
    )
    held = [of_row(Run, row) for row in tx.execute(query.with_for_update()).mappings()]
    freed = [run for run in held if run.id not in reasons]
    for run in freed:
        _queue(tx, run, now)
    return [run.id for run in freed]


def unfinished(
    session: Session, workflows: Collection[str], *, after: str, limit: int
) -> list[Run]:
    """Runs of these workflows that have begun and are not over, by id, after this one."""
    query = select(table_of(Run)).where(
        col(Run.status).in_(ACTIVE_RUN),
        col(Run.workflow).in_(workflows),
        col(Run.attempt) > 0,
        col(Run.id) > after,
    )
    rows = session.execute(query.order_by(col(Run.id)).limit(limit)).mappings()
    return [of_row(Run, row) for row in rows]


def _failures(steps: list[Step], failed_step: str | None) -> list[Step]:
    """The failed steps that ended a run: the one that is known to have, and those that ended
    other branches beside it.
    """
    ended = [step for step in steps if step.key == failed_step and step.status == StepStatus.FAILED]
    if not ended:
        return []
    [cause] = ended
    last = {step.branch: step for step in steps}
    beside = [
        step
        for step in last.values()
        if step.status == StepStatus.FAILED and journal.parallel(step.branch, cause.branch)
    ]
    return [cause, *beside]


def _instead(step: Step, fork: Fork) -> dict[str, Any]:
    failed: dict[str, Any] = {"error": None, "error_kind": None}
    if fork.edited:
        failed["args_hash"] = ""
    if fork.result:
        [value] = fork.result
        if step.kind == StepKind.EVENT:
            value = {"event": None, "payload": value}
        return {"status": StepStatus.DONE, "result": value, **failed}
    if step.kind not in (StepKind.STEP, StepKind.TRANSACTION):
        raise InvalidInput(f"{step.key!r} is a {step.kind}: it has no input to be changed.")
    return {"status": StepStatus.EDITED, "input": fork.input, "result": None, **failed}


def copied(step: Step, run_id: str, values: dict[str, Any]) -> dict[str, Any]:
    """A step as that of another run, by column; ``values`` are those that differ."""
    kept = {c.name: getattr(step, c.name) for c in table_of(Step).columns if c.name != "id"}
    return kept | {"run_id": run_id, "child_id": None, "attempt": 0} | values


def _forget(tx: Tx, step: Step, now: datetime) -> None:
    """A step will be done again; a run that it waited for goes on from its own."""
    mine = col(Step.id) == step.id
    child = None if step.child_id is None else runs.lock(tx, step.child_id)
    if child is None:
        kept = {c.name: getattr(step, c.name) for c in table_of(Attempt).columns if c.name != "id"}
        if step.error is None:
            kept |= {"error_kind": "cleaned_up", "error": "Done to clean up; then it was retried."}
        tx.execute(insert(Attempt), kept)
        tx.execute(delete(Step).where(mine))
        return
    tx.execute(
        update(Step)
        .where(mine)
        .values(status=StepStatus.WAITING, error=None, error_kind=None, finished_at=None)
    )
    revive(tx, child.id, now=now)


def revive(tx: Tx, child_id: str, *, now: datetime) -> None:
    """A run that another is to wait for again goes on if it failed or was stopped; one that
    is done tells so once more.
    """
    child = runs.lock(tx, child_id)
    if child is None or child.status in ACTIVE_RUN:
        return
    tx.execute(
        delete(Event).where(col(Event.run_id) == child.parent_id, col(Event.key) == child_id)
    )
    if child.status == RunStatus.DONE:
        ends.tell(tx, child, status=child.status, result=child.result, finished_at=now)
    else:
        retry(tx, child_id, now=now)


def waited_for(tx: Tx, run_id: str) -> list[Run]:
    """The runs that failed or were stopped and that a run will wait for when it goes on; not
    those that lost a race in it.
    """
    steps = select(col(Step.child_id)).where(
        col(Step.run_id) == run_id,
        col(Step.child_id).is_not(None),
        col(Step.status).not_in(REMEMBERED),
    )
    query = select(table_of(Run)).where(
        col(Run.id).in_(steps),
        col(Run.status).in_((RunStatus.FAILED, RunStatus.STOPPED)),
        func.coalesce(col(Run.stopped_by), "") != f"run {run_id}",
    )
    return [of_row(Run, row) for row in tx.execute(query.order_by(col(Run.id))).mappings()]


def _queue(tx: Tx, run: Run, now: datetime, **values: Any) -> None:
    runs.put(
        tx,
        run,
        status=RunStatus.QUEUED,
        due_at=now,
        paused_by=None,
        pausing=False,
        error=None,
        error_kind=None,
        **values,
    )


def _locked(tx: Tx, run_id: str) -> Run:
    run = runs.lock(tx, run_id)
    if run is None:
        raise RunNotFound
    return run


def _steps(tx: Tx, run_id: str) -> list[Step]:
    query = select(table_of(Step)).where(col(Step.run_id) == run_id).order_by(col(Step.id))
    return [of_row(Step, row) for row in tx.execute(query).mappings()]


def _wrong(run: Run, done: str, which: str) -> WrongState:
    return WrongState(f"This run is {run.status}; only {which} can be {done}.")
