"""Rows of one run made into what a page shows: rows in, views out. Pure."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from agentchat.models import REMEMBERED, StepStatus, step_key
from agentchat.operations.detail_views import (
    AuditLine,
    EventLine,
    Kept,
    LogLine,
    RunLink,
    StepLine,
    Stretch,
    TryDetail,
    Written,
)
from agentchat.operations.redact import redacted, redacted_text

MOST_SHOWN = 4_000
"""How many characters of a value a page is sent, unless it asks for more."""
MOST_LINE = 2_000
MOST_TRIED = 12
"""How many tries of a step a line of a timeline shows."""


def iso(moment: datetime | None) -> str:
    """A time as a page reads it."""
    return "" if moment is None else moment.isoformat()


def json_text(value: Any) -> str:
    """A value as a person reads it, without passwords and keys."""
    return json.dumps(redacted(value), indent=2, ensure_ascii=False)


def kept(value: Any, most: int = MOST_SHOWN) -> Kept:
    """A value as JSON, its beginning if it is long; nothing for none."""
    return Kept() if value is None else kept_text(json_text(value), most)


def kept_text(text: str, most: int = MOST_SHOWN) -> Kept:
    """A text in which nothing is left to be hidden, its beginning if it is long."""
    return Kept(text[:most], len(text))


def key_of(row: Any) -> str:
    """Which step of its run a row is about."""
    return step_key(row.branch, row.name, row.occurrence)


def lines(rows: Sequence[Any], tries: Iterable[Any]) -> tuple[StepLine, ...]:
    """Steps with the tries that came to nothing."""
    tried: dict[str, list[Stretch]] = defaultdict(list)
    for one in tries:
        stretch = Stretch(iso(one.started_at), iso(one.finished_at), one.error_kind)
        tried[key_of(one)].append(stretch)
    return tuple(line(row, tuple(tried[key_of(row)][-MOST_TRIED:])) for row in rows)


def line(row: Any, tried: tuple[Stretch, ...] = ()) -> StepLine:
    """One step."""
    over = row.status in REMEMBERED or row.status == StepStatus.DROPPED
    return StepLine(
        id=row.id,
        key=key_of(row),
        kind=row.kind,
        status=row.status,
        began=iso(row.started_at),
        ended=iso(row.finished_at),
        until="" if over else iso(row.wake_at),
        event=row.event or "",
        child=row.child_id or "",
        tries=row.tries,
        cleanup=row.cleanup,
        tokens=(row.input_tokens or 0) + (row.output_tokens or 0),
        cost_usd=-1.0 if row.cost_usd is None else float(row.cost_usd),
        error_kind=row.error_kind or "",
        tried=tried,
    )


def settled(line: StepLine) -> bool:
    """Whether a line will not change any more, as long as nobody repairs its run."""
    return line.status in REMEMBERED


def log_line(row: Any) -> LogLine:
    """A line of a log."""
    return LogLine(
        row.id,
        iso(row.created_at),
        row.level,
        redacted_text(row.text)[:MOST_LINE],
        row.step,
        "" if not row.fields else json.dumps(redacted(row.fields), ensure_ascii=False)[:MOST_LINE],
    )


def event_line(row: Any) -> EventLine:
    """An event that was sent."""
    return EventLine(
        row.id,
        row.name,
        kept(row.payload, MOST_LINE),
        row.sent_by,
        row.taken_by or "",
        iso(row.created_at),
    )


def audit_line(row: Any) -> AuditLine:
    """What somebody did."""
    detail = {name: value for name, value in (row.detail or {}).items() if name != "new"}
    words = ", ".join(redacted_text(str(value)) for value in detail.values())
    new = (row.detail or {}).get("new")
    return AuditLine(
        row.id, row.action, row.by, iso(row.created_at), words, new if isinstance(new, str) else ""
    )


def tries_of(step: Any, attempts: Iterable[Any]) -> tuple[TryDetail, ...]:
    """Every try of a step, the last of them its own row."""
    found = [
        TryDetail(
            one.tries,
            one.attempt,
            one.worker,
            iso(one.started_at),
            iso(one.finished_at),
            redacted_text(one.error),
            one.error_kind,
        )
        for one in attempts
    ]
    # A step that waits for its next try has only tries that came to nothing.
    if step.status not in (StepStatus.RETRYING, StepStatus.EDITED):
        found.append(
            TryDetail(
                step.tries,
                step.attempt,
                step.worker,
                iso(step.started_at),
                iso(step.finished_at),
                redacted_text(step.error or ""),
                step.error_kind or "",
            )
        )
    return tuple(found)


def written(row: Any) -> Written:
    """A part of an answer that a step wrote."""
    return Written(
        row.kind, row.status, row.name, kept(row.input), kept_text(redacted_text(row.text))
    )


def said(text: str) -> Written:
    """The text that ends an answer."""
    return Written("text", "done", text=kept_text(redacted_text(text)))


def link(row: Any, step: str | None = "") -> RunLink:
    """Another run."""
    return RunLink(row.id, row.workflow, row.status, step or "")
