"""Parts of answers and what they ask, as people see them: rows in, views out. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from agentchat.models import OPEN_PART, AskStatus, PartKind, PartStatus, step_key
from agentchat.views import AskView, FileView, MessageView, PartView, SourceView

_WHOLE = (PartKind.TEXT, PartKind.REASONING)
MOST_SHOWN = 4_000
"""How many characters of a result or an argument a page is sent."""


def part_view(row: Row[Any]) -> PartView:
    """One part of an answer, but for what is asked in it and what a sub-agent answered."""
    data: Mapping[str, Any] = row.data or {}
    return PartView(
        position=row.position,
        kind=row.kind,
        status=row.status,
        agent=row.agent,
        name=row.name,
        text=row.text if row.kind in _WHOLE else shortened(row.text),
        input="" if row.input is None else json_view(row.input),
        quiet=bool(data.get("quiet")),
        edited="asked_for" in data,
        given=data.get("given") or "",
        by=data.get("by") or data.get("decided_by") or "",
        why=data.get("why") or data.get("reason") or "",
        others=_others(data.get("others") or {}),
        cost_usd=-1.0 if data.get("cost_usd") is None else float(data["cost_usd"]),
        sources=tuple(
            SourceView(one.get("title", ""), one.get("url", ""), one.get("text", ""))
            for one in data.get("sources", ())
        ),
        thread_id=data.get("thread_id", ""),
        began=iso(row.started_at),
        ended=iso(row.finished_at),
        step=_step(row),
    )


def _step(row: Row[Any]) -> str:
    """What a model said was written by the step of the round in which it was called."""
    if row.kind in _WHOLE and not row.step and row.round >= 0:
        return step_key("", "generate", row.round)
    return row.step if row.kind == PartKind.TOOL else ""


def part_with(part: PartView, asks: tuple[AskView, ...], answer: MessageView | None) -> PartView:
    """The part with what is asked in it, and the answer of the sub-agent that it is about."""
    if part.asks == asks and part.answer is answer:
        return part
    return replace(part, asks=asks, answer=answer)


def ask_view(row: Row[Any], title: str = "") -> AskView:
    """Something that a run waits for."""
    answer = row.answer if isinstance(row.answer, str) else ""
    return AskView(
        id=row.id,
        kind=row.kind,
        status=row.status,
        thread_id=row.thread_id,
        message_id=row.message_id,
        text=row.text,
        agent=row.agent,
        tool=row.tool,
        # Whole: a person decides about exactly this.
        input="" if row.input is None else json.dumps(row.input, indent=2, ensure_ascii=False),
        input_hash=row.input_hash,
        choices=tuple(row.choices or ()),
        deadline=iso(row.deadline),
        answer=answer,
        reason=row.reason,
        decided_by=row.decided_by or "",
        decided_at=iso(row.decided_at),
        created_at=iso(row.created_at),
        thread_title=title,
    )


def file_view(row: Row[Any]) -> FileView:
    """A file of a message."""
    return FileView(row.id, row.name, row.media_type, row.size)


def words_of(parts: Iterable[PartView]) -> str:
    """What an answer that is being written does now; empty if it writes."""
    parts = [one for one in parts if one.status in OPEN_PART]
    for ask in (ask for part in parts for ask in part.asks):
        if ask.status == AskStatus.OPEN:
            return _WAITING.get(ask.kind, "Waiting for you").format(ask.tool)
    running = [
        one
        for one in parts
        if one.status == PartStatus.RUNNING and one.kind in (PartKind.TOOL, PartKind.AGENT)
    ]
    agents = [one.name for one in running if one.kind == PartKind.AGENT]
    for part in running:
        if part.answer is not None and part.answer.words.startswith("Waiting for"):
            return part.answer.words
    if agents:
        return f"Waiting for {', '.join(agents)}"
    tools = [one.name for one in running if not one.quiet]
    return f"Calling {', '.join(tools)}" if tools else ""


_WAITING = {
    "approval": "Waiting for somebody to approve {}",
    "question": "Waiting for an answer",
    "limit": "Waiting for somebody to let it go on",
}


def json_view(value: Any) -> str:
    """A value as a person reads it."""
    return shortened(json.dumps(value, indent=2, ensure_ascii=False))


def shortened(text: str) -> str:
    """The beginning of a text that is long."""
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def iso(moment: datetime | None) -> str:
    """A time as a page reads it."""
    return "" if moment is None else moment.isoformat()


def _others(others: Mapping[str, float | None]) -> str:
    """How the agents that were not picked did, the best first."""
    ranked = sorted(others.items(), key=lambda one: -(one[1] or 0))
    return ", ".join(name if score is None else f"{name} {score:.2f}" for name, score in ranked[:8])
