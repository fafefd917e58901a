"""The agents of an app, and what they work with."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agentchat.agents import rights
from agentchat.agents.agent import Agent, HandOver
from agentchat.agents.streams import Streams
from agentchat.agents.tools import Tool
from agentchat.durable.clock import Clock
from agentchat.errors import AgentNotFound, ConfigError, InvalidInput
from agentchat.guard import Guard
from agentchat.llm.base import Provider, Usage
from agentchat.llm.prices import cost_of
from agentchat.store.database import Database
from agentchat.views import Actor

if TYPE_CHECKING:
    from agentchat.agents.mcp import McpTools
    from agentchat.agents.memory import Memories
    from agentchat.agents.router import Router
    from agentchat.agents.tool_gate import ToolGate
    from agentchat.durable.workflow import Workflow


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much all agents together may spend before a person is asked whether to go on; None
    is no limit. A day is the last 24 hours.
    """

    thread_tokens: int | None = 5_000_000
    thread_usd: float | None = 20.0
    user_day_tokens: int | None = 2_000_000
    user_day_usd: float | None = 10.0


@dataclass(frozen=True)
class Team:
    """The agents, the first of whom answers if nobody else was chosen.

    ``providers`` are those of the agents with a model of their own, by the agent's name;
    ``offered`` those that people may choose instead, by what they are chosen by.
    ``reply`` is the workflow in which an agent answers; set once it is made. ``title`` is the one
    that names threads, None if they keep their first words. ``gate`` says
    which tools the built-in model is offered. ``guard`` decides who may still do something, None if
    that is everybody.
    """

    agents: Mapping[str, Agent]
    provider: Provider
    providers: Mapping[str, Provider]
    database: Database
    streams: Streams
    clock: Clock
    allowance: Allowance = Allowance()
    router: Router | None = None
    memories: Memories | None = None
    remember: Workflow[..., Any] | None = None
    title: Workflow[..., Any] | None = None
    gate: ToolGate | None = None
    mcp: McpTools | None = None
    guard: Guard | None = None
    offered: Mapping[str, Provider] = field(default_factory=dict)
    _reply: list[Workflow[..., Any]] = field(default_factory=list)

    @property
    def reply(self) -> Workflow[..., Any]:
        """The workflow in which an agent answers."""
        return self._reply[0]

    def replies_with(self, reply: Workflow[..., Any]) -> None:
        """Agents answer in this workflow."""
        self._reply[:] = [reply]

    async def ask_for_tools(self) -> None:
        """Wait a moment for MCP servers that are about to start."""
        if self.mcp is not None:
            await self.mcp.tools()

    def served(self, agent: Agent) -> list[Tool]:
        """The tools of MCP servers that an agent is given."""
        known = () if self.mcp is None else self.mcp.known()
        return [one for one in known if agent.servers is None or one.server in agent.servers]

    @property
    def first(self) -> Agent:
        """Who answers if nobody was chosen."""
        return next(iter(self.agents.values()))

    def find(self, name: str) -> Agent:
        """The agent of this name; raises :class:`~agentchat.errors.AgentNotFound`."""
        agent = self.agents.get(name)
        if agent is None:
            known = ", ".join(self.agents)
            raise AgentNotFound(f"There is no agent {name!r}. There are: {known}.")
        return agent

    async def chosen(self, name: str, actor: Actor) -> Agent:
        """The agent of this name, if this person may use it; raises
        :class:`~agentchat.errors.AgentNotFound`.
        """
        agent = self.find(name)
        return self.among(name, await rights.usable([agent], actor))

    def among(self, name: str, usable: Collection[str]) -> Agent:
        """The agent of this name, if it is one of those that a person may use; raises
        :class:`~agentchat.errors.AgentNotFound`.
        """
        agent = self.find(name)
        if name not in usable:
            raise AgentNotFound(f"You may not use the agent {name!r}.")
        return agent

    @property
    def guarded(self) -> bool:
        """Whether an agent is not for everybody."""
        return any(agent.allowed is not None for agent in self.agents.values())

    def usable_by(self, actor: Actor) -> list[Agent]:
        """The agents that this person may use. What the app's own code says of that is waited
        for here: within a run or a verb that can wait, see :meth:`may_use`.
        """
        return [agent for agent in self.agents.values() if agent.may_be_used_by(actor)]

    async def may_use(self, actor: Actor) -> list[str]:
        """The names of the agents that this person may use; of those of which nobody says so in
        time, they may not.
        """
        return await rights.usable(self.agents.values(), actor)

    def provider_of(self, agent: Agent, model: str = "") -> Provider:
        """The model that an agent asks: the one that was chosen, if it is offered, or its own."""
        return self.offered.get(model) or self.providers.get(agent.name, self.provider)

    def check_offered(self, model: str) -> None:
        """Raise :class:`~agentchat.errors.InvalidInput` for a model that nobody may choose; empty
        is the agent's own, which everybody may.
        """
        if model and model not in self.offered:
            known = ", ".join(self.offered) or "none"
            raise InvalidInput(f"There is no model {model[:200]!r} to choose. There are: {known}.")

    def price(self, agent: str, model: str, usage: Usage) -> tuple[str, float | None]:
        """The model that an agent asks, by the one that was chosen, and what so many tokens of it
        cost in US dollars; None if nobody knows.
        """
        provider = self.provider_of(self.agents.get(agent, self.first), model)
        return provider.id, cost_of(provider.id, usage)

    async def mentioned(self, text: str, actor: Actor) -> str:
        """The agent that a text is addressed to: ``@name`` at its beginning. Empty if none."""
        word = text.lstrip().split(None, 1)[0] if text.strip() else ""
        name = word[1:].rstrip(",:;.!?").lower() if word.startswith("@") else ""
        agent = self.agents.get(name)
        return name if agent is not None and await rights.usable([agent], actor) else ""


def checked(agents: Iterable[Agent]) -> dict[str, Agent]:
    """The agents by name; raises :class:`~agentchat.errors.ConfigError` for two of one name,
    and for one that asks or hands over to somebody who is not there.
    """
    found: dict[str, Agent] = {}
    for agent in agents:
        if agent.name in found:
            raise ConfigError(f"There are two agents named {agent.name!r}.")
        found[agent.name] = agent
    if not found:
        raise ConfigError("An app needs at least one agent.")
    for agent in found.values():
        others = (*agent.asks, *(hand_over_of(one).agent for one in agent.hand_overs))
        for name in others:
            if name not in found or name == agent.name:
                raise ConfigError(
                    f"The agent {agent.name!r} names {name!r}, which is not another agent."
                )
        names = [tool.name for tool in agent.tools]
        taken = {f"ask_{name}" for name in agent.asks}
        taken |= {f"hand_over_to_{hand_over_of(one).agent}" for one in agent.hand_overs}
        for name in names:
            if name in taken:
                raise ConfigError(
                    f"The agent {agent.name!r} has a tool named {name!r}, which is the name of"
                    " the one by which it asks another agent, or hands over to it."
                )
            if names.count(name) > 1:
                raise ConfigError(f"The agent {agent.name!r} has two tools named {name!r}.")
    return found


def hand_over_of(one: HandOver | str) -> HandOver:
    """A hand-over, if only its agent is named."""
    return HandOver(one) if isinstance(one, str) else one
