"""Which servers of tools cannot be reached, and whose tools are missing for it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from pathlib import Path

import pytest

from agentchat import Agent, AgentChat, Settings
from agentchat.errors import NotAllowed
from agentchat.llm.scripted import ScriptedProvider
from agentchat.verbs.tool_servers import ToolServers
from agentchat.views import Actor, ToolServerView
from tests.acceptance.server import free_port

ROOT = Path(__file__).parents[2]
ANN = Actor("ann", "Ann")


class Stage:
    """Opens apps with a file of MCP servers, and starts one of them by itself."""

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        self.folder, self.port, self._stack = folder, free_port(), stack

    async def open(self, *agents: Agent, **servers: object) -> AgentChat:
        if servers:
            (self.folder / "mcp.json").write_text(json.dumps({"mcpServers": servers}))
        settings = Settings(data_dir=self.folder, _env_file=None)
        chat = AgentChat(settings, agents=agents, provider=ScriptedProvider("instant"))
        return await self._stack.enter_async_context(chat)

    @property
    def address(self) -> dict[str, str]:
        return {"url": f"http://127.0.0.1:{self.port}/mcp"}

    def serve(self) -> None:
        """Start what is to answer at the address."""
        command = [sys.executable, "-m", "tests.mcp_server", "http", "--port", str(self.port)]
        process = subprocess.Popen(command, cwd=ROOT)
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        yield Stage(tmp_path, stack)


async def seen(chat: AgentChat, number: int, within: float = 40) -> tuple[ToolServerView, ...]:
    """What is missing, once it is so many."""
    async with (
        asyncio.timeout(within),
        aclosing(chat.tool_servers.follow_missing(actor=ANN)) as followed,
    ):
        async for missing in followed:
            if len(missing) == number:
                return missing
    raise AssertionError("it was never so many")


async def test_who_misses_the_tools_of_a_server_is_said_until_it_comes_back(
    stage: Stage,
) -> None:
    all_of_them, one_of_them = Agent("all", "A."), Agent("one", "O.", servers=("calendar",))
    none_of_them = Agent("none", "N.", servers=())
    hidden = Agent("hidden", "H.", allowed=lambda actor: actor.id != ANN.id)
    chat = await stage.open(
        all_of_them,
        one_of_them,
        none_of_them,
        hidden,
        calendar=stage.address,
        files={"command": "/no/such/program"},
    )
    calendar, files = await seen(chat, 2)
    assert (calendar.name, calendar.agents) == ("calendar", ("all", "one"))
    assert "connection" in calendar.why.lower()
    assert (files.name, files.agents) == ("files", ("all",))
    assert files.why == "No such file or directory: /no/such/program."
    stage.serve()
    # Nobody asks for its tools: it is tried again because somebody looks.
    [left] = await seen(chat, 1)
    assert left.name == "files"
    assert chat.tool_servers.missing(actor=ANN) == (left,)


async def test_one_that_is_tried_again_is_missing_all_the_while(stage: Stage) -> None:
    chat = await stage.open(Agent("all", "A."), calendar=stage.address)
    await seen(chat, 1)
    seen_since: list[int] = []

    async def look() -> None:
        async with aclosing(chat.tool_servers.follow_missing()) as followed:
            async for missing in followed:
                seen_since.append(len(missing))

    looking = asyncio.create_task(look())
    for _ in range(4):
        await asyncio.sleep(1)
        await chat._team.ask_for_tools()
    looking.cancel()
    assert seen_since == [1]


async def test_nothing_is_missing_where_there_are_no_servers_and_strangers_are_told_nothing(
    stage: Stage,
) -> None:
    chat = await stage.open(Agent("all", "A."))
    async with asyncio.timeout(30), aclosing(chat.tool_servers.follow_missing()) as followed:
        assert [missing async for missing in followed] == [()]
    with pytest.raises(NotAllowed):
        chat.tool_servers.follow_missing(actor=Actor("", ""))
    with pytest.raises(NotAllowed):
        ToolServers(chat._team, chat._guard).missing(actor=Actor("", ""))
