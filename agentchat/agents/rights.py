"""What the app's own code says of people and calls: asked in threads, and not waited for long."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

from agentchat.agents.agent import Agent
from agentchat.agents.threads import asked_in_thread
from agentchat.agents.tools import Tool
from agentchat.views import Actor

logger = logging.getLogger(__name__)

PATIENCE = timedelta(seconds=5)
"""How long an answer is waited for. None in time is a no, as is an error."""


async def usable(agents: Iterable[Agent], actor: Actor) -> list[str]:
    """The names of those of the agents that a person may use, in their order.

    ``Agent.allowed`` may be slow, or never come back: nothing else is held up by it, and the
    agents that it does not answer for may not be used.
    """
    agents = list(agents)
    answers = await asyncio.gather(*(_may_use(agent, actor) for agent in agents))
    return [agent.name for agent, may in zip(agents, answers, strict=True) if may]


async def _may_use(agent: Agent, actor: Actor) -> bool:
    if agent.allowed is None:
        return True
    return await _said(f"who may use {agent.name}", agent.may_be_used_by, actor=actor) is True


async def needs_approval(tool: Tool, arguments: Mapping[str, Any], *, untrusted: bool) -> bool:
    """Whether a person must approve a call; yes where the tool's own predicate does not say no."""
    if not callable(tool.approval):
        return tool.needs_approval(arguments, untrusted=untrusted)
    words = f"whether {tool.name} needs approval"
    return await _said(words, tool.needs_approval, arguments=arguments) is not False


async def _said(what: str, function: Callable[..., bool], **given: Any) -> bool | None:
    """What code of the app says; None if it fails, or takes too long."""
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            return await asked_in_thread(function, **given)
    except Exception as error:
        logger.warning("nobody says %s: %r", what, error)
        return None
