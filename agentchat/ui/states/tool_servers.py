"""Servers of tools that cannot be reached."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from agentchat.chat import AgentChat
from agentchat.ui.live import LiveState, live
from agentchat.views import ToolServerView


async def _missing(chat: AgentChat) -> AsyncGenerator[tuple[ToolServerView, ...], None]:
    async with aclosing(chat.tool_servers.follow_missing()) as followed:
        async for missing in followed:
            yield missing


class ToolServersState(LiveState):
    """The servers whose tools agents miss just now, and why."""

    missing: list[ToolServerView] = live(_missing)
