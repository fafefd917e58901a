"""Files of other apps, as threads of this one: what ChatGPT and Claude export as
``conversations.json``. Pure. What has no place here is counted, and said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from agentchat.errors import InvalidInput
from agentchat.inputs import problems_of
from agentchat.models import Role
from agentchat.transfer.form import FORMAT, MOST_TEXT, MessageHeld, ThreadFile, ThreadHeld

_LONGEST: Final = 50_000
"""How many nodes of a conversation are looked at."""


class _Loose(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Author(_Loose):
    role: str = ""


class _Content(_Loose):
    content_type: str = "text"
    parts: list[Any] | None = None


class _Message(_Loose):
    author: _Author = _Author()
    create_time: float | None = None
    content: _Content = _Content()
    metadata: dict[str, Any] | None = None


class _Node(_Loose):
    parent: str | None = None
    message: _Message | None = None


class ChatGpt(_Loose):
    """A conversation of ChatGPT: a tree of messages, of which one way is shown."""

    title: str | None = None
    create_time: float | None = None
    current_node: str | None = None
    mapping: dict[str, _Node]


class _Said(_Loose):
    sender: str
    text: str = ""
    content: list[dict[str, Any]] | None = None
    created_at: datetime | None = None
    attachments: list[Any] = []
    files: list[Any] = []


class Claude(_Loose):
    """A conversation of Claude."""

    name: str | None = None
    created_at: datetime | None = None
    chat_messages: list[_Said]


def threads_of(found: list[Any], now: datetime, left_out: Counter[str]) -> Iterable[ThreadFile]:
    """The threads of a list of conversations; raises InvalidInput for what is none."""
    for number, one in enumerate(found, 1):
        try:
            if isinstance(one, dict) and "mapping" in one:
                yield _of_chatgpt(ChatGpt.model_validate(one), now, left_out)
            elif isinstance(one, dict) and "chat_messages" in one:
                yield _of_claude(Claude.model_validate(one), now, left_out)
            else:
                raise InvalidInput(f"Conversation {number} of this file is of no known app.")
        except ValidationError as error:
            problem = problems_of(error)[:300]
            raise InvalidInput(
                f"Conversation {number} of this file is damaged: {problem}"
            ) from None


def _of_chatgpt(one: ChatGpt, now: datetime, left_out: Counter[str]) -> ThreadFile:
    way: list[_Node] = []
    at, seen = one.current_node or "", set[str]()
    while at in one.mapping and at not in seen and len(way) < _LONGEST:
        seen.add(at)
        way.append(one.mapping[at])
        at = one.mapping[at].parent or ""
    said: list[tuple[Role, str, datetime]] = []
    for node in reversed(way):
        message = node.message
        if message is None or message.author.role == "system":
            continue
        role = {"user": Role.USER, "assistant": Role.ASSISTANT}.get(message.author.role)
        pieces = message.content.parts or []
        text = "\n\n".join(one for one in pieces if isinstance(one, str) and one.strip())
        if any(not isinstance(one, str) for one in pieces):
            left_out["pictures and files"] += 1
        if role is None or message.content.content_type not in ("text", "multimodal_text"):
            left_out["calls of tools, and thoughts"] += 1
        elif text:
            said.append((role, text, _time(message.create_time, now)))
    spoken = [node for node in one.mapping.values() if node.message is not None]
    other = sum(one.message.author.role in ("user", "assistant") for one in spoken if one.message)
    shown = sum(
        node.message is not None and node.message.author.role in ("user", "assistant")
        for node in way
    )
    left_out["messages of other versions"] += other - shown
    return _thread(one.title or "", _time(one.create_time, now), said)


def _of_claude(one: Claude, now: datetime, left_out: Counter[str]) -> ThreadFile:
    said: list[tuple[Role, str, datetime]] = []
    for message in one.chat_messages:
        role = Role.USER if message.sender == "human" else Role.ASSISTANT
        texts = [
            str(piece.get("text", ""))
            for piece in message.content or ()
            if piece.get("type") == "text"
        ]
        left_out["calls of tools, and thoughts"] += len(message.content or ()) - len(texts)
        left_out["pictures and files"] += len(message.attachments) + len(message.files)
        text = "\n\n".join(filter(None, texts)) or message.text
        if text.strip():
            said.append((role, text, _aware(message.created_at, now)))
    return _thread(one.name or "", _aware(one.created_at, now), said)


def _thread(title: str, began: datetime, said: list[tuple[Role, str, datetime]]) -> ThreadFile:
    joined: list[tuple[Role, str, datetime]] = []
    for role, text, at in said:
        if joined and joined[-1][0] == role:
            before = joined[-1]
            joined[-1] = (role, f"{before[1]}\n\n{text}", before[2])
        else:
            joined.append((role, text, at))
    held = [
        MessageHeld(
            id=str(position),
            position=position,
            role=role,
            text=text[:MOST_TEXT],
            created_at=at,
            finished_at=at,
        )
        for position, (role, text, at) in enumerate(joined)
    ]
    thread = ThreadHeld(title=" ".join(title.split())[:120], created_at=began)
    return ThreadFile(format=FORMAT, thread=thread, messages=held)


def _time(seconds: float | None, now: datetime) -> datetime:
    try:
        return now if not seconds else datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return now


def _aware(at: datetime | None, now: datetime) -> datetime:
    if at is None:
        return now
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
