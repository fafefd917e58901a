"""An app with agents whose models say what a test wants, and how to wait for its threads."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, aclosing
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import event

from agentchat import Actor, Agent, AgentChat, AskView, MessageView, PartView, Settings, ThreadView
from agentchat.durable.clock import SystemClock
from agentchat.durable.worker import LEASE
from agentchat.llm.base import Chunk, ModelRequest, ToolCall
from agentchat.llm.scripted import ScriptedProvider

ANN, BOB = Actor("ann", "Ann"), Actor("bob", "Bob")


def call(name: str, call_id: str = "c1", **arguments: Any) -> ToolCall:
    """A model's wish to call a tool."""
    return ToolCall(call_id, name, json.dumps(arguments))


class HeldUp(ScriptedProvider):
    """Its first answer stands still after each piece until ``held`` is set."""

    def __init__(self, *replies: Any) -> None:
        super().__init__("instant", replies=replies)
        self.held = asyncio.Event()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk, None]:
        first = not self.requests
        async for chunk in super().stream(request):
            yield chunk
            if first:
                await self.held.wait()


class AgentStage:
    """Opens apps on one database."""

    def __init__(self, url: str, stack: AsyncExitStack) -> None:
        self.settings = Settings(db_url=url)
        self._stack = stack

    async def open(self, *agents: Agent, replies: Any = (), **options: Any) -> AgentChat:
        """An app with these agents, whose model says these things in order."""
        provider = options.pop("provider", None) or ScriptedProvider("instant", replies=replies)
        self.provider = provider
        chat = AgentChat(self.settings, agents=agents, provider=provider, **options)
        return await self._stack.enter_async_context(chat)


async def until(
    chat: AgentChat, thread_id: str, wanted: Callable[[ThreadView], object], within: float = 40
) -> ThreadView:
    """Follow a thread until it is as wanted."""
    last = None
    try:
        async with asyncio.timeout(within), aclosing(chat.follow(thread_id)) as views:
            async for view in views:
                last = view
                if wanted(view):
                    return view
    except TimeoutError:
        raise AssertionError(f"the thread was never as wanted: {last}") from None
    raise AssertionError("the thread was never as wanted")


async def settled(chat: AgentChat, thread_id: str, within: float = 40) -> MessageView:
    """The last message of a thread in which nothing is live any more."""
    view = await until(chat, thread_id, lambda view: view.settled and not view.live, within)
    return view.messages[-1]


async def answered(chat: AgentChat, text: str, **options: Any) -> MessageView:
    """The answer to a message in a new thread."""
    thread = await chat.create_thread("A thread", actor=ANN)
    await chat.send_message(thread.id, text, actor=ANN, **options)
    return await settled(chat, thread.id)


async def asked(chat: AgentChat, number: int = 1) -> list[AskView]:
    """What waits for somebody, once it is so many."""
    async with asyncio.timeout(40), aclosing(chat.inbox.follow(actor=ANN)) as inboxes:
        async for waiting in inboxes:
            if len(waiting) >= number:
                return list(waiting)
    raise AssertionError("nothing was ever asked")


class Jumping(SystemClock):
    """The machine's clock, which may be set forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead


class Died(Exception):
    """What a dead process hears of its database."""


async def die(chat: AgentChat, clock: Jumping) -> None:
    """Let an app be as if its process had been killed, so long ago that its runs are free."""

    def gone(*_: Any) -> None:
        raise Died

    event.listen(chat._database._writing, "before_cursor_execute", gone)
    worker = chat._durable._worker
    for task in (*worker._loops, *worker._tasks.values()):
        task.cancel()
    worker.name = "nobody"
    with contextlib.suppress(Exception):
        await chat.__aexit__(None, None, None)
    clock.ahead += LEASE + timedelta(seconds=1)


def tools_of(message: MessageView) -> list[PartView]:
    """The calls of tools on the way to an answer."""
    return [part for part in message.parts if part.kind == "tool"]


def results(request: ModelRequest) -> list[tuple[str, str, bool]]:
    """What a model was told of its calls: the name, the text, and whether it failed."""
    return [(one.name, one.text, one.failed) for turn in request.turns for one in turn.results]
