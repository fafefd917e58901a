"""Why a run stands where it stands, and what happens next, in words. Pure.

``{at}`` in words stands for a time that comes with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agentchat.models import ACTIVE_RUN, AskKind, RunStatus, StepKind
from agentchat.operations.redact import redacted_text

HELD = "code_changed"
"""The kind of error of a run that is held because the code does not fit its journal."""
MOST_WORDS = 200

_ASKED = {
    AskKind.APPROVAL: "waiting for approval",
    AskKind.QUESTION: "waiting for an answer",
    AskKind.LIMIT: "waiting for a go-on: it has reached a limit",
}


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a run besides its row: what a person is asked (``ask``), the step that
    it waits in (``wait``), the run it is ``behind`` and who has paused its workflow.
    """

    ask: Any = None
    wait: Any = None
    behind: str = ""
    workflow_paused_by: str | None = None


@dataclass(frozen=True, slots=True)
class Why:
    """The words, empty if the status says it all, and the time in them."""

    words: str = ""
    at: datetime | None = None


def why(run: Any, known: Known, now: datetime, *, private: bool = False) -> Why:
    """The reason of the status of a run. Of a ``private`` one nothing is told that somebody said
    or that code wrote.
    """
    status = RunStatus(run.status)
    if run.retry_at is not None and status in (RunStatus.RUNNING, RunStatus.WAITING):
        return Why(f"retrying ({run.tries} of {run.max_tries}) at {{at}}", run.retry_at)
    if status == RunStatus.QUEUED:
        return _queued(run, known, now)
    if status == RunStatus.RUNNING:
        if run.pausing:
            return Why(f"pausing after this step, by {run.paused_by}")
        if run.tries > 1:
            return Why(f"try {run.tries} of {run.max_tries}")
        return Why()
    if status == RunStatus.WAITING:
        return _waiting(run, known, private)
    if status == RunStatus.PAUSED:
        return Why(_paused(run, private))
    if status == RunStatus.STOPPING:
        by = f"stopped by {run.stopped_by}, " if run.stopped_by else ""
        words = f"{by}cleaning up until {{at}} at most" if run.stop_by else f"{by}cleaning up"
        return Why(words, run.stop_by)
    if status == RunStatus.STOPPED:
        return Why(f"stopped by {run.stopped_by}" if run.stopped_by else "")
    if status == RunStatus.FAILED:
        return Why(_failed(run, private))
    return Why()


def can(run: Any) -> tuple[str, ...]:
    """The actions that a run is in a state for."""
    found = []
    status = RunStatus(run.status)
    if status in ACTIVE_RUN and status != RunStatus.STOPPING:
        found.append("cancel")
    pausing = bool(run.pausing)
    if status in (RunStatus.QUEUED, RunStatus.WAITING) or (
        status == RunStatus.RUNNING and not pausing
    ):
        found.append("pause")
    if status == RunStatus.PAUSED or (pausing and status in (RunStatus.RUNNING, RunStatus.QUEUED)):
        found.append("resume")
    if status in (RunStatus.FAILED, RunStatus.STOPPED):
        found.append("retry")
    return tuple(found)


def _queued(run: Any, known: Known, now: datetime) -> Why:
    if known.workflow_paused_by is not None:
        return Why(f"the workflow was paused by {known.workflow_paused_by}")
    if run.due_at is not None and run.due_at > now:
        return Why("starts at {at}", run.due_at)
    if known.behind:
        return Why(f"queued behind {known.behind[:8]}")
    return Why("waiting for a free worker")


def _waiting(run: Any, known: Known, private: bool) -> Why:
    if known.ask is not None:
        words = _ASKED[AskKind(known.ask.kind)]
        deadline = known.ask.deadline
        return Why(words if deadline is None else f"{words} until {{at}}", deadline)
    wait = known.wait
    if wait is not None and wait.kind == StepKind.SLEEP:
        return Why("sleeping until {at}", run.due_at) if run.due_at else Why("sleeping")
    if wait is not None and wait.child_id:
        return Why(f"waiting for run {wait.child_id[:8]}")
    named = wait is not None and wait.event and not private
    words = f"waiting for event {wait.event!r}" if named else "waiting"
    return Why(f"{words} until {{at}}", run.due_at) if run.due_at is not None else Why(words)


def _paused(run: Any, private: bool) -> str:
    if run.error_kind == HELD:
        return "held: the code changed"
    if run.paused_by:
        return f"paused by {run.paused_by}"
    if private or not run.error:
        return "paused: a step has failed"
    return shortened(f"paused: {run.step or 'a step'} failed: {run.error}")


def _failed(run: Any, private: bool) -> str:
    if private or not run.error:
        return run.error_kind or ""
    kind = f"{run.error_kind}: " if run.error_kind else ""
    at = f"{run.failed_step}: " if run.failed_step else ""
    return shortened(f"{at}{kind}{run.error}")


def shortened(text: str) -> str:
    """The first line of a text, cut where it is long, without passwords and keys."""
    line = redacted_text(text.strip()).split("\n", 1)[0]
    # Braces are for the time.
    line = line.replace("{at}", "{ at }")
    return line if len(line) <= MOST_WORDS else f"{line[: MOST_WORDS - 1]}…"
