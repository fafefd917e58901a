"""The agents that may be picked."""

from __future__ import annotations

import reflex as rx

from agentchat.ui.bridge import chat
from agentchat.views import AgentView


class AgentsState(rx.State):
    """What the menu of agents lists. They are declared in code, so they stay while it runs."""

    agents: list[AgentView] = []

    @rx.event
    def tell(self):
        """Say it once the page is there, and whenever it is connected again."""
        agents = list(chat().agents())
        if self.agents != agents:
            self.agents = agents
