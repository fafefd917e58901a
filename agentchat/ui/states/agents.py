"""The agents and the models that may be picked."""

from __future__ import annotations

import reflex as rx

from agentchat.errors import NotAllowed
from agentchat.ui.visits import acting
from agentchat.verbs.models import ModelChoice
from agentchat.views import AgentView


class AgentsState(rx.State):
    """What the menus of agents and of models list. They stay while the app runs."""

    agents: list[AgentView] = []
    models: list[ModelChoice] = []

    @rx.event
    async def tell(self):
        """Say it once the page is there, and whenever it is connected again."""
        try:
            chat = await acting(self)
            agents, models = list(chat.agents()), list(chat.models())
        except NotAllowed:
            agents, models = [], []
        if self.agents != agents:
            self.agents = agents
        if self.models != models:
            self.models = models
