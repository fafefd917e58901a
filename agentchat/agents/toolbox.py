"""Which tools an agent is given."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from functools import cache

from agentchat.agents.agent import Agent
from agentchat.agents.team import Team, hand_over_of
from agentchat.agents.tools import Tool, ToolContext, tool
from agentchat.durable.context import Context
from agentchat.errors import ToolError

ANSWER_DEADLINE = timedelta(days=7)


def every_tool(team: Team, agent: Agent | None) -> dict[str, Tool]:
    """All tools that an agent could ever be given, by name; none for one that is gone."""
    if agent is None:
        return {}
    others = [team.agents[name] for name in agent.asks if name in team.agents]
    found = [*team.served(agent), *agent.tools, *map(ask_tool, others)]
    return {one.name: one for one in found}


def tools_of(
    team: Team, agent: Agent, usable: Collection[str] | None, depth: int, model: str = ""
) -> dict[str, Tool]:
    """The tools of an agent when it answers a person who may use these agents, or whoever may
    use all, by name; with the ``model`` that was chosen.

    The small built-in model is given only those that change nothing and need no approval.
    """
    # One's own come last: of two of one name they count. None is named as those that ask.
    found = [*team.served(agent), *agent.tools]
    if depth < agent.limits.depth:
        others = [team.find(name) for name in agent.asks if usable is None or name in usable]
        found += map(ask_tool, others)
    if team.provider_of(agent, model).embedded:
        found = [one for one in found if one.read_only and one.approval is False]
    return {one.name: one for one in found}


def ask_tool(agent: Agent) -> Tool:
    """A tool that lets another agent do something, in a run and a thread of its own."""
    return _ask_tool(agent.name, agent.description)


@cache
def _ask_tool(agent: str, about: str) -> Tool:
    @tool(
        name=f"ask_{agent}",
        description=(
            f"Let {agent} do something, and get its answer. {about}\n\n"
            "It knows nothing of this conversation: write down all that it needs."
        ),
        timeout=None,
    )
    async def ask(_ctx: Context, context: ToolContext, task: str) -> str:
        return await context.ask_agent(agent, task)

    return replace(ask, quiet=True)


def hand_over_tools(team: Team, agent: Agent, usable: Collection[str] | None) -> list[Tool]:
    """The tools by which an agent hands the answer over to others, who are among these."""
    return [
        _hand_over(other.name, one.when or other.description)
        for one in map(hand_over_of, agent.hand_overs)
        if (other := team.find(one.agent)) and (usable is None or other.name in usable)
    ]


@cache
def _hand_over(agent: str, when: str) -> Tool:
    @tool(
        name=f"hand_over_to_{agent}",
        description=(f"Hand this conversation over to {agent}, who goes on in your place. {when}"),
        timeout=None,
    )
    def hand_over(reason: str = "") -> str:
        return reason

    return hand_over


@tool(timeout=None)
async def ask_person(
    _ctx: Context, context: ToolContext, question: str, choices: list[str] | None = None
) -> str:
    """Ask the person something you need to know to go on, and wait for the answer, which may
    take hours. Ask only for what you cannot find out yourself.

    Args:
        question: one clear question
        choices: answers to pick from, if there are obvious ones; other words are possible too
    """
    answer = await context.ask_person(question, choices or (), deadline=ANSWER_DEADLINE)
    if answer is None:
        raise ToolError("Nobody answered in time. Go on as well as you can without it.")
    return answer
