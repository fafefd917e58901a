"""What the palette finds."""

from __future__ import annotations

from dataclasses import dataclass, field

import reflex as rx

from agentchat.errors import AgentChatError
from agentchat.shown.search import MessageHit, SnippetPiece, ThreadHit
from agentchat.ui.states.notice import NoticeState
from agentchat.ui.visits import acting

PAGE = 12
"""How many threads are shown at once."""


@dataclass(frozen=True)
class MessageFound:
    """A message that holds what was asked for; ``at`` is an ISO 8601 time."""

    id: str
    role: str
    author: str
    at: str
    snippet: tuple[SnippetPiece, ...]


@dataclass(frozen=True)
class ThreadFound:
    """A thread that was found, with the messages of it that are shown."""

    id: str
    title: tuple[SnippetPiece, ...]
    at: str
    messages: tuple[MessageFound, ...]
    more: bool
    archived: bool


@dataclass(frozen=True)
class Found:
    """What the page's question of this ``number`` found, from ``skip`` on; ``following`` is where
    the rest begins, -1 if there is none; then ``cut`` says that older ones were not looked at.
    ``problem`` says why nothing could be looked for.
    """

    number: int = 0
    skip: int = 0
    threads: tuple[ThreadFound, ...] = field(default=())
    following: int = -1
    cut: bool = False
    problem: str = ""


class SearchState(rx.State):
    """The newest answer to what was typed."""

    found: Found = Found()

    @rx.event(background=True, supersedes=True)
    async def look(self, text: str, skip: int, number: int):
        """Look for threads; what is still looked for is not, any more."""
        try:
            async with self:
                chat = await acting(self)
            view = await chat.search(text, skip=skip, limit=PAGE)
            threads = tuple(map(_thread, view.threads))
            found = Found(number, skip, threads, view.skip, view.cut)
        except AgentChatError as error:
            found = Found(number, skip, problem=str(error))
        async with self:
            self.found = found

    @rx.event
    async def rename(self, thread_id: str, title: str):
        """Give the thread on the page another title."""
        try:
            await (await acting(self)).rename_thread(thread_id, title)
        except AgentChatError as error:
            return NoticeState.say(str(error))


def _thread(hit: ThreadHit) -> ThreadFound:
    messages = tuple(map(_message, hit.messages))
    at = hit.updated_at.isoformat()
    return ThreadFound(hit.id, hit.title, at, messages, hit.more, hit.archived)


def _message(hit: MessageHit) -> MessageFound:
    return MessageFound(hit.id, hit.role, hit.author, hit.created_at.isoformat(), hit.snippet)
