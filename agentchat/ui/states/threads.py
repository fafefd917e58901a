"""The list of threads, live in every tab."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

import reflex as rx

from agentchat.chat import AgentChat
from agentchat.errors import AgentChatError
from agentchat.ui.live import LiveState, live
from agentchat.ui.states.notice import NoticeState
from agentchat.ui.states.thread import ThreadState
from agentchat.ui.visits import acting


@dataclass(frozen=True)
class ThreadLine:
    """A line of the sidebar: no more than is shown, for all lines go to every tab."""

    id: str
    title: str
    running: bool
    asks: bool


async def _lines(chat: AgentChat) -> AsyncGenerator[tuple[ThreadLine, ...], None]:
    async with aclosing(chat.follow_threads()) as lists:
        async for threads in lists:
            yield tuple(ThreadLine(one.id, one.title, one.running, one.asks) for one in threads)


class ThreadsState(LiveState):
    """What the sidebar shows, newest first."""

    threads: list[ThreadLine] = live(_lines)

    @rx.event
    async def new(self):
        """Go to an empty thread, of this person alone until they share its address."""
        shown = await self.get_state(ThreadState)
        if shown.is_empty(self.thread_id):  # type: ignore[attr-defined]  # the route's own var
            return None
        try:
            thread = await (await acting(self)).create_thread()
        except AgentChatError as error:
            return NoticeState.say(str(error))
        return rx.redirect(f"/t/{thread.id}")

    @rx.event
    async def rename(self, thread_id: str, title: str):
        """Give a thread another title; every tab sees it through its list."""
        try:
            await (await acting(self)).rename_thread(thread_id, title)
        except AgentChatError as error:
            return NoticeState.say(str(error))
        return NoticeState.dismiss

    @rx.event
    async def delete(self, thread_id: str):
        """Delete a thread and what is in it."""
        try:
            await (await acting(self)).delete_thread(thread_id)
        except AgentChatError as error:
            return NoticeState.say(str(error))
