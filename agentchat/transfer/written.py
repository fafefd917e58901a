"""A thread as a file, piece by piece."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row

from agentchat.models import LIVE_MESSAGE, OPEN_PART, MessageStatus, PartKind, PartStatus, Role
from agentchat.store import attachments, memory_texts, transfers
from agentchat.store.transfers import Outline, Whole
from agentchat.transfer.form import FORMAT, Remarks

AT_ONCE: Final = 50
"""How many messages are held in memory."""
MOST_BYTES: Final = 50_000_000
"""How many bytes of files are written into a file; of what is beyond that, only the names."""
_TOOK: Final = 300
"""How many characters of a result stand in a file that is to be read."""

Read = Callable[..., Awaitable[Any]]


async def as_json(read: Read, outline: Outline, now: datetime) -> AsyncGenerator[str, None]:
    """Yield the JSON of a thread; together the pieces are one document, as
    :class:`~agentchat.transfer.form.ThreadFile` says. Passwords in what tools were called with are
    as they are: whoever may read the thread sees them.
    """
    thread = outline.thread
    head = {name: getattr(thread, name) for name in ("title", "agent", "branch", "created_at")}
    yield f'{{\n"format": {_json(FORMAT)},\n"exported_at": {_json(now)},\n"thread": {_json(head)}'
    names = ("number", "parent", "position", "created_by", "created_at")
    others = [{name: getattr(row, name) for name in names} for row in outline.branches]
    yield f',\n"branches": {_json(others)},\n"messages": ['
    left, first = MOST_BYTES, True
    async for found, ids in _in_order(read, outline.ids):
        for message_id in ids:
            files = []
            for file in found.files.get(message_id, ()):
                content = None
                if file.size <= left:
                    left -= file.size
                    content = await read(attachments.content_of, file.id)
                files.append(_file(file, content))
            held = _message(found.messages[message_id], message_id in outline.kept)
            held["parts"] = [
                _part(row)
                for row in found.parts.get(message_id, ())
                if not memory_texts.tells(row.kind, row.name, row.data)
            ]
            yield ("\n" if first else ",\n") + _json(held | {"files": files})
            first = False
    yield "]\n}\n"


async def as_markdown(read: Read, outline: Outline) -> AsyncGenerator[str, None]:
    """Yield what a thread shows, to be read: who said what, when, with which tools."""
    yield f"# {outline.thread.title or 'Untitled'}\n"
    async for found, ids in _in_order(read, [one for one in outline.ids if one in outline.shown]):
        for message_id in ids:
            yield _said(found, found.messages[message_id])


async def _in_order(read: Read, ids: list[str]) -> AsyncGenerator[tuple[Whole, list[str]], None]:
    for start in range(0, len(ids), AT_ONCE):
        some = ids[start : start + AT_ONCE]
        found: Whole = await read(transfers.whole, some)
        # One that was deleted meanwhile is not there any more.
        yield found, [one for one in some if one in found.messages]


def _message(row: Row[Any], kept: bool) -> dict[str, Any]:
    names = ("id", "position", "variant", "branch", "role", "text", "author", "model")
    more = ("error_kind", "error", "stopped_by", "kept_by", "kept_at", "created_at", "finished_at")
    live = row.status in LIVE_MESSAGE
    status = MessageStatus.STOPPED if live else row.status
    return {
        **{name: getattr(row, name) for name in (*names, *more)},
        **{"kept": kept, "status": status},
        **{"joins": row.joins is not None, "joined": row.joined_at is not None},
    }


def _part(row: Row[Any]) -> dict[str, Any]:
    names = ("kind", "agent", "name", "call_id", "text", "input", "round", "started_at")
    status = PartStatus.INTERRUPTED if row.status in OPEN_PART else row.status
    data = {name: row.data[name] for name in Remarks.model_fields if name in (row.data or {})}
    held = {name: getattr(row, name) for name in (*names, "finished_at")}
    return {**held, "status": status, "data": data}


def _file(row: Row[Any], content: bytes | None) -> dict[str, Any]:
    text = None if content is None else base64.b64encode(content).decode()
    about = {"name": row.name, "media_type": row.media_type, "size": row.size}
    return {**about, "content": text}


def _said(found: Whole, row: Row[Any]) -> str:
    who = row.author or ("Person" if row.role == Role.USER else "Assistant")
    lines = [f"\n## {_line(who)}\n\n*{row.created_at:%Y-%m-%d %H:%M} UTC*\n"]
    for part in found.parts.get(row.id, ()):
        if part.kind == PartKind.TEXT:
            lines.append(f"\n{part.text}\n")
        elif part.kind == PartKind.TOOL and not memory_texts.tells(part.kind, part.name, part.data):
            given = "" if part.input is None else _code(json.dumps(part.input, ensure_ascii=False))
            lines.append(f"\n- Called {_code(part.name)} {given}: {_line(part.text)[:_TOOK]}\n")
        elif part.kind == PartKind.AGENT:
            lines.append(f"\n- Asked {_code(part.name)}: {_line(part.text)[:_TOOK]}\n")
    if row.text:
        lines.append(f"\n{row.text}\n")
    for file in found.files.get(row.id, ()):
        lines.append(f"\n- File: {_code(file.name)} ({file.size:,} bytes)\n")
    if row.status != MessageStatus.DONE:
        why = row.error or (f"stopped by {row.stopped_by}" if row.stopped_by else row.status)
        lines.append(f"\n*({_line(why)})*\n")
    return "".join(lines)


def _line(text: str) -> str:
    return " ".join(text.split())


def _code(text: str) -> str:
    """Text that is shown as it is. Backticks in it would end it, so they become quotes."""
    return f"`{_line(text).replace('`', chr(39))}`"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
