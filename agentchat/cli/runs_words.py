"""What ``agentchat runs`` writes for people: tables and lines. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from agentchat.operations.detail_views import RunHead
from agentchat.operations.list_views import RunLine
from agentchat.operations.redact import redacted_text
from agentchat.views import StepView

_COLOURS = {
    "running": "cyan",
    "waiting": "blue",
    "paused": "yellow",
    "stopping": "yellow",
    "done": "green",
    "failed": "red",
}
MOST_WORDS = 100


def table(lines: Sequence[RunLine], now: datetime) -> Table:
    """A list of runs."""
    made = _table("RUN", "WORKFLOW", "STATUS", "AGE", "TRIES", "TOKENS", "WHY")
    for line in lines:
        made.add_row(
            line.id,
            Text(line.workflow),
            _status(line.status),
            _age(line.created, now),
            str(line.attempts),
            f"{line.tokens:,}" if line.tokens else "",
            Text(_why(line.why, line.at)[:MOST_WORDS]),
        )
    return made


def head(run: RunHead) -> Table:
    """What a run is, a line for each that is known."""
    spent = run.spent
    tokens = spent.input_tokens + spent.output_tokens
    cost = f", ${spent.cost_usd:,.4f}" if spent.cost_usd else ""
    told: dict[str, str | Text] = {
        "run": run.id,
        "workflow": f"{run.workflow} {run.version}".strip(),
        "status": _status(run.status),
        "why": _why(run.why, run.at),
        "error": f"{run.error_kind}: {run.error}" if run.error_kind else "",
        "in step": run.failed_step,
        "what to do": run.next_step,
        "agent": run.agent,
        "key": run.key,
        "thread": f"{run.thread_title} ({run.thread_id})" if run.thread_id else "",
        "started by": run.started_by,
        "schedule": run.schedule,
        "created": run.created,
        "started": run.started,
        "finished": run.finished,
        "queued for": f"{run.queue_ms / 1000:.3f} s",
        "attempts": str(run.attempts),
        "worker": run.worker,
        "tokens": f"{tokens:,}{cost}" if tokens else "",
        "part of": run.parent.id if run.parent is not None else "",
        "forked from": run.origin.id if run.origin is not None else "",
        "started runs": ", ".join(link.id for link in run.children),
        "steps": f"{run.steps}, {run.failed} failed, {run.open} open",
        "you may": ", ".join(choice.action for choice in run.choices),
    }
    made = Table(box=None, pad_edge=False, show_header=False)
    made.add_column(style="dim", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in told.items():
        if value:
            made.add_row(name, value if isinstance(value, Text) else Text(value))
    return made


def steps(journal: Sequence[StepView]) -> Table:
    """The steps of a run, in the order in which they were begun."""
    made = _table("STEP", "KIND", "STATUS", "TRIES", "STARTED", "SECONDS", "ERROR")
    for one in journal:
        told = step(one)
        took = told["seconds"]
        made.add_row(
            Text(one.key),
            one.kind,
            _status(one.status),
            str(one.tries),
            told["started"][:19],
            "" if took is None else f"{took:.3f}",
            Text(told["error"][:MOST_WORDS]),
        )
    return made


def step(one: StepView) -> dict[str, Any]:
    """A step without what it was given and what it came to: ``export`` has those."""
    began, ended = one.started_at, one.finished_at
    return {
        "key": one.key,
        "kind": one.kind,
        "status": one.status,
        "tries": one.tries,
        "attempt": one.attempt,
        "worker": one.worker,
        "started": "" if began is None else began.isoformat(),
        "finished": "" if ended is None else ended.isoformat(),
        "seconds": (ended - began).total_seconds() if began and ended else None,
        "error_kind": one.error_kind,
        "error": redacted_text(one.error),
        "child": one.child_id,
    }


def _table(*names: str) -> Table:
    made = Table(box=None, pad_edge=False)
    for name in names:
        made.add_column(name, no_wrap=name not in ("WHY", "ERROR"), overflow="fold")
    return made


def _status(status: str) -> Text:
    return Text(status, style=_COLOURS.get(status, ""))


def _why(words: str, at: str) -> str:
    return words.replace("{at}", at)


def _age(created: str, now: datetime) -> str:
    seconds = (now - datetime.fromisoformat(created)).total_seconds()
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f}{unit}"
    return f"{max(seconds, 0):.0f}s"
