"""The one AgentChat that all states of this process talk to."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agentchat.chat import AgentChat

_open: AgentChat | None = None


def chat() -> AgentChat:
    """The open AgentChat; states call its verbs and nothing deeper."""
    if _open is None:
        raise RuntimeError("AgentChat is not open; the app opens it while it serves")
    return _open


@asynccontextmanager
async def bridged(opened: AgentChat) -> AsyncIterator[None]:
    """Let the states talk to *opened* as long as this context lasts."""
    global _open
    _open = opened
    try:
        yield
    finally:
        _open = None


@asynccontextmanager
async def serving(chat: AgentChat) -> AsyncIterator[None]:
    """Open *chat* and let the states talk to it: for an app's life,
    ``app.register_lifespan_task(serving, chat=AgentChat())``.
    """
    async with chat, bridged(chat):
        # What is loaded by now stays: to look through it all, again and again, would halt every
        # tab for 0.2 s each time.
        gc.collect()
        gc.freeze()
        yield
