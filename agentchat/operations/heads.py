"""What stands at the top of the page of a run: a read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlmodel import Session

from agentchat.durable.own import Declared
from agentchat.models import Run, RunStatus, StepKind, StepStatus
from agentchat.operations import shown
from agentchat.operations.choices import Facts, choices, unforkable
from agentchat.operations.detail_views import RunHead, RunLink
from agentchat.operations.failures import next_step
from agentchat.operations.redact import redacted_text
from agentchat.operations.run_words import Known, why
from agentchat.operations.shown import iso, key_of
from agentchat.shown.parts import ask_view
from agentchat.store import limits, run_details, run_reasons, spendings
from agentchat.store.spendings import Spent
from agentchat.views import SpentView

MOST_RELATIVES = 20
MOST_OPEN = 5
MOST_ERROR = 2_000


def head(session: Session, run: Run, declared: Declared, now: datetime) -> RunHead:
    """A run that the reader may look at."""
    counts = run_details.counts(session, run.id)
    open_steps = run_details.open_steps(session, run.id, limit=MOST_OPEN) if counts.open else ()
    asks = run_details.asks_of(session, run.id)
    facts = Facts(
        [key_of(one) for one in open_steps if one.status == StepStatus.RUNNING],
        counts.remembered,
        run_details.awaited(session, run.id),
        len(asks),
    )
    reason = why(run, _known(session, run), now)
    children, forks, more = _relatives(session, run.id)
    near = run_details.heads(session, [one for one in (run.parent_id, run.origin_id) if one])
    thread_id, message_id, title = _answers(session, run)
    failed = run.error if run.status in (RunStatus.FAILED, RunStatus.PAUSED) else None
    return RunHead(
        id=run.id,
        workflow=run.workflow,
        status=run.status,
        why=reason.words,
        at=iso(reason.at),
        next_step=next_step(run.error_kind or "") if failed else "",
        error=redacted_text(run.error or "")[:MOST_ERROR],
        error_kind=run.error_kind or "",
        failed_step=run.failed_step or "",
        version=run.version,
        agent=run.agent,
        key=run.key or "",
        thread_id=thread_id,
        thread_title=title,
        message_id=message_id,
        started_by=run.started_by,
        schedule_id=run.schedule_id or "",
        schedule=run_details.schedule_name(session, run.schedule_id) if run.schedule_id else "",
        created=iso(run.created_at),
        started=iso(run.started_at),
        finished=iso(run.finished_at),
        queue_ms=run.queue_ms,
        attempts=run.attempt,
        worker=run.worker or "",
        steps=counts.steps,
        failed=counts.failed,
        open=counts.open,
        spent=_spent(spendings.of_runs(session, run.id), run),
        parent=_link(near, run.parent_id),
        origin=_link(near, run.origin_id, run.origin_step),
        children=children,
        forks=forks,
        more=more,
        asks=tuple(ask_view(one) for one in asks),
        choices=choices(run, facts, declared),
        events=_events(open_steps, declared),
        forkable=not unforkable(run, declared),
        unforkable=unforkable(run, declared),
        beside=declared.beside,
    )


def _known(session: Session, run: Run) -> Known:
    waits = run_reasons.waits(session, {run.id: run.step}) if run.step else {}
    queued = run.status == RunStatus.QUEUED
    first = run_reasons.first_of_keys(session, [run.key]) if queued and run.key else {}
    behind = first.get(run.key or "", "")
    paused = limits.paused_workflows(session).get(run.workflow) if queued else None
    return Known(
        run_reasons.asked(session, [run.id]).get(run.id),
        waits.get(run.id),
        behind if behind != run.id else "",
        None if paused is None else paused.paused_by,
    )


def _relatives(
    session: Session, run_id: str
) -> tuple[tuple[RunLink, ...], tuple[RunLink, ...], bool]:
    found = run_details.relatives(session, run_id, limit=MOST_RELATIVES + 1)
    children = [shown.link(one) for one in found if one.parent_id == run_id]
    forks = [shown.link(one, one.origin_step) for one in found if one.origin_id == run_id]
    more = max(len(children), len(forks)) > MOST_RELATIVES
    return tuple(children[:MOST_RELATIVES]), tuple(forks[:MOST_RELATIVES]), more


def _link(near: dict[str, Any], run_id: str | None, step: str | None = "") -> RunLink | None:
    if not run_id:
        return None
    return shown.link(near[run_id], step) if run_id in near else RunLink(run_id)


def _answers(session: Session, run: Run) -> tuple[str, str, str]:
    """The thread that a run is about, and the answer in it that it writes."""
    message_id = run.data.get("message_id")
    if isinstance(message_id, str):
        answer = run_details.answer_of(session, message_id)
        if answer is not None and answer.run_id == run.id:
            return answer.thread_id, answer.id, answer.title
    title = run_details.title_of(session, run.thread_id) if run.thread_id else None
    return ("", "", "") if title is None else (run.thread_id or "", "", title)


def _spent(spent: Spent, run: Run) -> SpentView:
    if not spent.calls:
        # Steps may have counted by themselves.
        tokens = run.input_tokens + run.output_tokens
        unknown = int(tokens > 0 and run.cost_usd is None)
        estimated = int(run.tokens_estimated)
        return SpentView(
            *(int(tokens > 0), run.input_tokens, run.output_tokens),
            *(run.cost_usd or 0.0, unknown, estimated),
        )
    return SpentView(
        spent.calls,
        spent.input_tokens,
        spent.output_tokens,
        spent.cost_usd,
        spent.unknown,
        spent.estimated,
        spent.cached_tokens,
    )


def _events(open_steps: Iterable[Any], declared: Declared) -> tuple[str, ...]:
    """The names of events that a run may be sent; those it waits for come first."""
    waited = [
        one.event
        for one in open_steps
        if one.kind == StepKind.EVENT and one.event and not one.event.startswith("ask ")
    ]
    return tuple(dict.fromkeys([*waited, *declared.events]))
