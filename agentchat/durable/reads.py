"""Queries behind the verbs on runs: plain reads that return views."""

from __future__ import annotations

from sqlmodel import Session

from agentchat.errors import RunNotFound
from agentchat.models import RunStatus
from agentchat.store import runs
from agentchat.views import RunView


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
