"""The models that answer: started, closed, and how far each is written down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from agentchat.agents.agent import Agent
from agentchat.agents.mcp import McpTools, load_servers
from agentchat.durable.clock import Clock
from agentchat.llm.base import ModelStatus, Provider
from agentchat.llm.choose import provider_named
from agentchat.settings import Settings
from agentchat.store import providers
from agentchat.store.database import Database


@asynccontextmanager
async def reporting(
    provider: Provider, database: Database, clock: Clock
) -> AsyncGenerator[None, None]:
    """Start a model, and write its newest state into its row; states in between may be
    skipped. It is closed at the end.
    """
    model_id, changed = provider.id, asyncio.Event()
    newest: list[ModelStatus] = []

    def note(status: ModelStatus) -> None:
        newest[:] = [status]
        changed.set()

    async def report() -> None:
        while True:
            await changed.wait()
            changed.clear()
            [status] = newest
            await database.write_soon(
                providers.save,
                model_id,
                now=clock.now(),
                label=provider.label,
                embedded=provider.embedded,
                state=status.state,
                detail=status.detail[:500],
                progress=status.progress,
            )

    async with AsyncExitStack() as stack:
        stack.push_async_callback(provider.close)
        task = asyncio.create_task(report(), name="agentchat-model")
        stack.callback(task.cancel)
        await provider.start(note)
        yield


@asynccontextmanager
async def others(
    agents: Iterable[Agent], provider: Provider, settings: Settings
) -> AsyncGenerator[tuple[Mapping[str, Provider], Mapping[str, Provider]], None]:
    """The models of the agents that have one of their own, by the agent's name, and those that
    people may choose, by what they are chosen by; all of them started, each once.

    Raises :class:`~agentchat.errors.ConfigError` for one that cannot work.
    """
    named: dict[str, Provider] = {provider.id: provider}
    found: dict[str, Provider] = {}
    offered: dict[str, Provider] = {}
    for agent in agents:
        if isinstance(agent.model, str):
            if agent.model not in named:
                named[agent.model] = provider_named(agent.model, settings)
            found[agent.name] = named[agent.model]
        elif agent.model is not None:
            found[agent.name] = agent.model
    for model in settings.offered_models:
        if model not in named:
            named[model] = provider_named(model, settings)
        offered[model] = named[model]
    async with AsyncExitStack() as stack:
        for other in {id(one): one for one in (*found.values(), *offered.values())}.values():
            if other is not provider:
                stack.push_async_callback(other.close)
                await other.start(_unheeded)
        yield found, offered


def _unheeded(_status: ModelStatus) -> None:
    """Only the state of the app's own model is shown."""


@asynccontextmanager
async def served(settings: Settings) -> AsyncGenerator[McpTools | None, None]:
    """The tools of the MCP servers that are configured; None if there are none.

    Raises :class:`~agentchat.errors.ConfigError` for a file that cannot be read.
    """
    file = settings.mcp_file
    servers = load_servers(file) if file is not None else ()
    if not servers:
        yield None
        return
    async with McpTools(servers) as tools:
        yield tools
