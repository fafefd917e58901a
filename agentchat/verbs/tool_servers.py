"""The servers whose tools agents are given: which of them cannot be reached."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta

from agentchat.agents.team import Team
from agentchat.guard import Guard
from agentchat.views import LOCAL, Actor, ToolServerView

LOOK = timedelta(seconds=0.5)
"""How often the states of the servers are looked at: they are in memory, not rows."""
TRY = timedelta(seconds=5)
"""How often one that is not reached is tried again while somebody looks, at most: it is left
alone for longer each time that it fails, up to a minute.
"""


class ToolServers:
    """The MCP servers of an app: ``chat.tool_servers``."""

    def __init__(self, team: Team, guard: Guard) -> None:
        self._team = team
        self._guard = guard
        self._tried_at = 0.0
        self._why: dict[str, str] = {}
        """Of each server that is not reached. One that is being tried again still counts."""

    def missing(self, *, actor: Actor = LOCAL) -> tuple[ToolServerView, ...]:
        """The servers that could not be reached when they were last tried, with the agents
        that this person may use and that miss their tools.
        """
        self._guard.person(actor)
        self._look()
        usable = self._team.usable_by(actor)
        return tuple(
            ToolServerView(
                name,
                why if why.endswith((".", "!", "?", "…")) else f"{why}.",
                tuple(one.name for one in usable if one.servers is None or name in one.servers),
            )
            for name, why in self._why.items()
        )

    def follow_missing(
        self, *, actor: Actor = LOCAL
    ) -> AsyncGenerator[tuple[ToolServerView, ...], None]:
        """Yield what :meth:`missing` says, now and whenever it changes. As long as it is
        followed, servers that are missing are tried again.
        """
        self._guard.person(actor)
        return self._follow(actor)

    async def _follow(self, actor: Actor) -> AsyncGenerator[tuple[ToolServerView, ...], None]:
        last = None
        while True:
            if (missing := self.missing(actor=actor)) != last:
                yield (last := missing)
            if self._team.mcp is None:
                return
            await self._try_again()
            await asyncio.sleep(LOOK.total_seconds())

    def _look(self) -> None:
        before, states = self._why, () if self._team.mcp is None else self._team.mcp.states()
        self._why = {
            one.name: one.detail if one.state == "failed" else before[one.name]
            for one in states
            if one.state == "failed" or (one.state == "starting" and one.name in before)
        }

    async def _try_again(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._why and self._team.mcp is not None and now - self._tried_at > TRY.total_seconds():
            self._tried_at = now
            await self._team.mcp.tools(within=0)
