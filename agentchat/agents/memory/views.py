"""What the outside sees of memories, and what may become one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from sqlalchemy import Row

from agentchat.agents.memory.rank import By, Ranked
from agentchat.agents.memory.secrets import holds_secret
from agentchat.errors import InvalidInput
from agentchat.inputs import storable

Kind = Literal["fact", "message"]

MOST_CHARACTERS = 4000
"""The longest memory. The embedder reads the first 256 tokens of it, about 1,000 characters."""
MOST_NAME = 64
"""The longest name of an agent, and the longest id of a source."""


@dataclass(frozen=True)
class MemoryView:
    """Something remembered. ``kind`` is fact or message. ``agent`` is the only one that recalls
    it, empty for all. ``thread_title`` is empty when the thread it is from is gone. Times are
    aware UTC.
    """

    id: str
    kind: str
    text: str
    agent: str
    thread_id: str
    thread_title: str
    source_id: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Recalled:
    """A memory that has to do with what was asked. ``score`` orders them, and means nothing
    else; ``by`` tells whether its meaning (vector), its words (text) or both fit.
    """

    id: str
    text: str
    kind: str
    thread_id: str
    source_id: str
    score: float
    by: By


def checked_memory(value: str) -> str:
    """A text that may be remembered; raises InvalidInput."""
    if not isinstance(value, str):
        raise InvalidInput(f"A memory is text, not {type(value).__name__}.")
    text = storable(value).strip()
    if not text:
        raise InvalidInput("There is nothing to remember. Write something first.")
    if len(text) > MOST_CHARACTERS:
        raise InvalidInput(
            f"A memory has at most {MOST_CHARACTERS:,} characters; this has {len(text):,}."
        )
    if holds_secret(text):
        raise InvalidInput(
            "This looks as if it held a password, a key or the number of a card. Such things"
            " are not remembered: leave it out."
        )
    return text


def check_place(kind: str, agent: str, source_id: str, thread_id: str) -> None:
    """Raise InvalidInput for what cannot be a memory's kind, or where it is from."""
    if kind not in get_args(Kind):
        raise InvalidInput(f"{kind!r} is no kind of memory: {' or '.join(get_args(Kind))}.")
    for value in (agent, source_id, thread_id):
        if not isinstance(value, str) or len(value) > MOST_NAME or value != storable(value):
            raise InvalidInput(f"{str(value)[:80]!r} is no name: at most {MOST_NAME} characters.")


def view_of(row: Row[Any]) -> MemoryView:
    """Of a row of :func:`agentchat.store.memories.get`."""
    found = dict(row._mapping)
    title, _ = found.pop("title") or "", found.pop("user_id")
    return MemoryView(**found, thread_title=title)


def recalled_of(one: Ranked, row: Row[Any]) -> Recalled:
    """Of a rank and the row of the same memory."""
    return Recalled(one.id, row.text, row.kind, row.thread_id, row.source_id, one.score, one.by)
