"""What is remembered about the person, live in every tab."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import reflex as rx

from agentchat.chat import AgentChat
from agentchat.errors import AgentChatError
from agentchat.ui import words_memory as words
from agentchat.ui.live import LiveState, live
from agentchat.ui.visits import acting

T = TypeVar("T")

SHOWN = 200
"""How many of a kind are shown, the newest."""


@dataclass(frozen=True)
class MemoryLine:
    """One memory as it is shown. ``at`` is a time in ISO 8601; ``thread_id`` is empty when its
    thread is gone.
    """

    id: str
    text: str
    at: str
    agent: str
    thread_id: str
    thread_title: str


async def _lines(
    chat: AgentChat, words: str, *, kind: Literal["fact", "message"]
) -> AsyncGenerator[tuple[MemoryLine, ...], None]:
    async with aclosing(chat.memories.follow(words, kind=kind, limit=SHOWN)) as lists:
        async for found in lists:
            yield tuple(
                MemoryLine(
                    one.id,
                    one.text,
                    one.created_at.isoformat(),
                    one.agent,
                    one.thread_id if one.thread_title else "",
                    one.thread_title,
                )
                for one in found
            )


async def facts_of(chat: AgentChat, words: str) -> AsyncGenerator[tuple[MemoryLine, ...], None]:
    """The facts that hold ``words``."""
    async with aclosing(_lines(chat, words, kind="fact")) as lists:
        async for found in lists:
            yield found


async def messages_of(chat: AgentChat, words: str) -> AsyncGenerator[tuple[MemoryLine, ...], None]:
    """The messages that hold ``words``."""
    async with aclosing(_lines(chat, words, kind="message")) as lists:
        async for found in lists:
            yield found


class MemoriesState(LiveState):
    """What the page about memory shows, newest first.

    ``said`` is what came of the last action; ``undoable`` whether it can be taken back.
    """

    words: str = ""
    facts: list[MemoryLine] = live(facts_of, "words", keep=True)
    messages: list[MemoryLine] = live(messages_of, "words", keep=True)
    editing: str = ""
    asked: bool = False
    said: str = ""
    undoable: bool = False

    _forgotten: dict[str, Any] = {}
    """What :meth:`undo` remembers again."""

    @rx.event
    def arrive(self):
        """A page begins as if nothing had been done."""
        self.words = self.editing = self.said = ""
        self.asked = self.undoable = False
        self._forgotten = {}

    @rx.event
    def search(self, words: str):
        """Show only what holds these words."""
        self.words = words[:200]

    @rx.event
    def edit(self, memory_id: str):
        """Open a memory for editing; none, if there is no id."""
        self.editing, self.said, self.undoable = memory_id, "", False

    @rx.event
    async def save(self, form: dict[str, Any]):
        """Store what was edited."""
        text = form.get("text", "")
        if await self._does(lambda verbs: verbs.edit(self.editing, text)):
            self.editing = self.said = ""

    @rx.event
    async def forget(self, memory_id: str):
        """Delete a memory; it can be taken back."""
        was = await self._does(lambda verbs: verbs.forget(memory_id))
        if was is not None:
            self._forgotten = {
                "text": was.text,
                "kind": was.kind,
                "agent": was.agent,
                "source_id": was.source_id,
                "thread_id": was.thread_id,
            }
            self.said, self.undoable = words.DELETED, True

    @rx.event
    async def undo(self):
        """Remember again what was deleted last."""
        told = dict(self._forgotten)
        if told and await self._does(lambda verbs: verbs.remember(**told)):
            self.said, self.undoable, self._forgotten = "", False, {}

    @rx.event
    def ask(self, asked: bool):
        """Ask whether everything is to be forgotten, or ask no more."""
        self.asked, self.said, self.undoable = asked, "", False

    @rx.event
    async def forget_all(self):
        """Delete everything, once that was asked."""
        if self.asked and await self._does(lambda verbs: verbs.forget_all()) is not None:
            self.asked, self.editing = False, ""
            self.said, self.undoable, self._forgotten = words.FORGOTTEN, False, {}

    async def _does(self, verb: Callable[[Any], Awaitable[T]]) -> T | None:
        """What a verb returns; None, its words being said, if it refuses."""
        try:
            return await verb((await acting(self)).memories)
        except AgentChatError as error:
            self.said, self.undoable = str(error), False
            return None
