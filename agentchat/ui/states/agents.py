"""The agents that may be picked."""

from __future__ import annotations

import reflex as rx

from agentchat.errors import NotAllowed
from agentchat.ui.visits import acting
from agentchat.views import AgentView


class AgentsState(rx.State):
    """What the menu of agents lists. They are declared in code, so they stay while it runs."""

    agents: list[AgentView] = []

    @rx.event
    async def tell(self):
        """Say it once the page is there, and whenever it is connected again."""
        try:
            agents = list((await acting(self)).agents())
        except NotAllowed:
            agents = []
        if self.agents != agents:
            self.agents = agents
