"""What visitors with a public link are shown of a thread. Pure.

Each field is named here, so that one that is new is shown to nobody before somebody has decided
it: views go out with what is said, and without what tells how the app works, what it costs and
what is remembered of people.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from agentchat.models import AskKind, PartKind, PartStatus
from agentchat.operations.redact import redacted, redacted_text
from agentchat.views import AskView, MessageView, PartView, SourceView, ThreadView

PRIVATE_TOOLS: Final = frozenset(
    {
        *("remember", "recall", "search_messages"),
        *("schedule_follow_up", "list_follow_ups", "cancel_follow_up"),
    }
)
"""Tools whose arguments and results are about a person, or other threads of theirs: that one was
called is told, and no more.
"""
WAITING: Final = "Waiting for somebody to decide"
_TOLD: Final = (PartKind.TEXT, PartKind.TOOL, PartKind.AGENT, PartKind.HAND_OVER, PartKind.MESSAGE)
"""What is left out: thoughts, which may repeat what was remembered, what was recalled, how an
agent was picked, and notes, which are about limits.
"""


def public_view(view: ThreadView) -> ThreadView:
    """The thread as whoever comes with a public link reads it: only the answers that are kept,
    without runs, models, prices and settings. Arguments and results of tools are as on the pages
    for runs, with passwords and keys hidden, and those of :data:`PRIVATE_TOOLS` are not there.
    """
    return ThreadView(
        id=view.id,
        title=view.title,
        settled=tuple(map(_message, view.settled)),
        live=tuple(map(_message, view.live)),
        earlier=view.earlier,
        far=tuple(map(_message, view.far)),
        between=view.between,
        role=view.role,
    )


def _message(message: MessageView) -> MessageView:
    return MessageView(
        id=message.id,
        role=message.role,
        status=message.status,
        text=message.text,
        position=message.position,
        revision=message.revision,
        parts=tuple(_parts(message.parts)),
        files=message.files,
        joins=message.joins,
        words=WAITING if any(one.status == PartStatus.ASKED for one in message.parts) else "",
        author=message.author,
        created_at=message.created_at,
    )


def _parts(parts: Iterable[PartView]) -> Iterable[PartView]:
    for part in parts:
        if part.kind in _TOLD:
            yield _part(part)


def _part(part: PartView) -> PartView:
    closed = part.kind == PartKind.TOOL and part.name in PRIVATE_TOOLS
    verbatim = part.kind in (PartKind.TEXT, PartKind.MESSAGE)
    return PartView(
        position=part.position,
        kind=part.kind,
        status=part.status,
        agent=part.agent,
        name=part.name,
        text="" if closed else part.text if verbatim else redacted_text(part.text),
        input="" if closed else _redacted_json(part.input),
        quiet=part.quiet,
        why=redacted_text(part.why) if part.kind == PartKind.HAND_OVER else "",
        sources=() if closed else tuple(_sources(part.sources)),
        began=part.began,
        ended=part.ended,
        asks=tuple(_asks(part)),
        answer=None if part.answer is None else _message(part.answer),
    )


def _sources(sources: Iterable[SourceView]) -> Iterable[SourceView]:
    """Those on the web; others are threads and memories."""
    for one in sources:
        if one.url.lower().startswith(("https://", "http://")):
            yield SourceView(one.title, one.url)


def _asks(part: PartView) -> Iterable[AskView]:
    """Questions and their answers are said; who let a tool run is for those who work there."""
    for number, ask in enumerate(part.asks):
        if ask.kind == AskKind.QUESTION:
            yield AskView(
                id=f"{part.position}-{number}",
                kind=ask.kind,
                status=ask.status,
                thread_id="",
                message_id="",
                text=ask.text,
                agent=ask.agent,
                deadline=ask.deadline,
                answer=ask.answer,
                decided_by=ask.decided_by,
                decided_at=ask.decided_at,
            )


def _redacted_json(text: str) -> str:
    """JSON as a person reads it; nothing of one that was shortened, for passwords and keys are
    told by the names that they stand under.
    """
    try:
        value = json.loads(text)
    except ValueError:
        return ""
    return json.dumps(redacted(value), indent=2, ensure_ascii=False)
