"""Queries behind the verbs on runs: plain reads that return views."""

from __future__ import annotations

from collections import defaultdict

from sqlmodel import Session

from agentchat.errors import RunNotFound
from agentchat.models import Attempt, RunStatus, Step, step_key
from agentchat.store import journal, runs
from agentchat.views import LogView, RunView, StepView, TryView


def run_view(session: Session, run_id: str) -> RunView:
    """A run; raises :class:`~agentchat.errors.RunNotFound`."""
    run = runs.get(session, run_id)
    if run is None:
        raise RunNotFound
    return RunView(
        id=run.id,
        workflow=run.workflow,
        status=run.status,
        step=run.step,
        result=run.result,
        error=run.error or "",
        error_kind=run.error_kind or "",
        failed_step=run.failed_step or "",
        stopped_by=run.stopped_by or "",
        paused_by=run.paused_by or "",
        due_at=run.due_at if run.status == RunStatus.WAITING else None,
        attempt=run.attempt,
        version=run.version,
        key=run.key or "",
        parent_id=run.parent_id or "",
        origin_id=run.origin_id or "",
        origin_step=run.origin_step or "",
        input_tokens=run.input_tokens,
        output_tokens=run.output_tokens,
        cost_usd=run.cost_usd,
    )


def step_views(session: Session, run_id: str) -> tuple[StepView, ...]:
    """The steps of a run, in the order in which they were begun."""
    tried = defaultdict(list)
    for one in journal.attempts(session, run_id):
        tried[step_key(one.branch, one.name, one.occurrence)].append(_try_view(one))
    return tuple(_step_view(step, tuple(tried[step.key])) for step in journal.load(session, run_id))


def log_views(session: Session, run_id: str, after: int = 0) -> tuple[LogView, ...]:
    """The lines that a run logged after the one of this id, up to a thousand."""
    return tuple(
        LogView(line.id or 0, line.created_at, line.level, line.text, line.step, line.fields)
        for line in journal.logs(session, run_id, after=after)
    )


def _step_view(step: Step, tried: tuple[TryView, ...]) -> StepView:
    return StepView(
        key=step.key,
        kind=step.kind,
        status=step.status,
        input=step.input,
        result=step.result,
        error=step.error or "",
        error_kind=step.error_kind or "",
        attempt=step.attempt,
        tries=step.tries,
        worker=step.worker,
        child_id=step.child_id or "",
        wake_at=step.wake_at,
        started_at=step.started_at,
        finished_at=step.finished_at,
        input_tokens=step.input_tokens or 0,
        output_tokens=step.output_tokens or 0,
        cost_usd=step.cost_usd,
        tried=tried,
    )


def _try_view(one: Attempt) -> TryView:
    return TryView(
        tries=one.tries,
        attempt=one.attempt,
        worker=one.worker,
        error_kind=one.error_kind,
        error=one.error,
        started_at=one.started_at,
        finished_at=one.finished_at,
    )
