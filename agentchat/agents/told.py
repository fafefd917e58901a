"""Reading what an agent is told of its thread."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from agentchat.agents.history import PartSaid, Said
from agentchat.llm.base import File
from agentchat.models import PartKind
from agentchat.store import attachments, messages, parts, summaries
from agentchat.store.messages import Answer

FILES_OF = 20
"""Of how many messages, the newest, files are told; of older ones only the names."""
MOST_CONTENT = 20_000_000
"""How many bytes of files are sent as they are, the newest: vendors take 32 MB in base64."""
UNREADABLE = "[This file cannot be read"
"""How the text of a file begins that no model is to be sent."""
SUMMARY = (
    "[A summary of this conversation so far, written by a model; the messages themselves are"
    " not shown any more.]"
)
_TOLD = (PartKind.TEXT, PartKind.REASONING, PartKind.MESSAGE)


def history(
    session: Session,
    answer: Answer,
    ids: Sequence[str],
    media_types: Collection[str] = (),
) -> list[Said]:
    """The messages of these ids with their parts, oldest first, and at last what there is of
    the answer itself. What the newest summary covers is not there; the summary comes first.

    Files of ``media_types`` come as they are, of others comes the text.
    """
    summary = summaries.newest(session, answer.thread_id, before=answer.position)
    covered = -1 if summary is None else summary.position
    found = [one for one in messages.by_ids(session, ids) if one.position > covered]
    ids = [message.id for message in found]
    told = parts.of_messages(session, answer.thread_id, [*ids, answer.message_id])
    own = [row for row in told.get(answer.message_id, ()) if _is_told(row)]
    joined = [row.data.get("message_id", "") for row in own if row.kind == PartKind.MESSAGE]
    files = _Files(session, answer.thread_id, [*ids, *joined], media_types)
    said = [
        Said(
            message.role,
            files.named(message.id, message.text),
            message.position,
            message.author,
            tuple(_part(row) for row in told.get(message.id, ()) if _is_told(row)),
            files.of(message.id),
        )
        for message in found
    ]
    if summary is not None:
        text = f"{SUMMARY}\n\n{summary.text}"
        said.insert(0, Said("user", text, summary.position, summary=True))
    mine = tuple(replace(_part(row), files=files.of(row.data.get("message_id", ""))) for row in own)
    said.append(Said("assistant", "", answer.position, parts=mine, current=True))
    return said


@dataclass
class _Files:
    """The files of messages: the newest whole, of older ones only the names."""

    session: Session
    thread_id: str
    ids: Sequence[str]
    media_types: Collection[str]
    _old: dict[str, list[str]] = field(default_factory=dict, init=False)
    _found: dict[str, list[File]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        heads = attachments.heads_of_messages(self.session, self.thread_id, self.ids)
        newest, left = set(self.ids[-FILES_OF:]), MOST_CONTENT
        for message_id in reversed(self.ids):
            for head in heads.get(message_id, ()):
                if message_id not in newest:
                    self._old.setdefault(message_id, []).append(f"{head.name} ({head.media_type})")
                    continue
                text = attachments.text_of(self.session, head.id)
                content = b""
                # What a vendor would refuse fails the whole answer.
                wanted = head.media_type in self.media_types and not text.startswith(UNREADABLE)
                if wanted and head.size <= left:
                    left -= head.size
                    content = attachments.content_of(self.session, head.id)
                one = File(head.name, head.media_type, content, text)
                self._found.setdefault(message_id, []).append(one)

    def of(self, message_id: str) -> tuple[File, ...]:
        return tuple(self._found.get(message_id, ()))

    def named(self, message_id: str, text: str) -> str:
        """The text of a message with the names of its files that are not told any more."""
        lines = [
            f"[A file was sent here: {name}. It is not shown any more.]"
            for name in self._old.get(message_id, ())
        ]
        return "\n".join([*lines, text])


def _is_told(row: Row[Any]) -> bool:
    return bool(row.kind in _TOLD or row.call_id or row.data.get("tell"))


def _part(row: Row[Any]) -> PartSaid:
    return PartSaid(
        row.kind,
        row.position,
        row.status,
        row.round,
        row.name,
        row.call_id,
        row.data.get("told", row.text),
        row.input,
        row.data.get("sealed", ""),
    )
