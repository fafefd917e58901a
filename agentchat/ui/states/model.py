"""The model that answers, and how far it is on its way."""

from __future__ import annotations

import reflex as rx

from agentchat.chat import AgentChat
from agentchat.ui.live import LiveState, live
from agentchat.views import ModelView


class ModelState(LiveState):
    """What the header and the notices say about the model."""

    model: ModelView = live(AgentChat.follow_model, default=ModelView(id="", label=""))

    @rx.var
    def percent(self) -> int:
        """The progress of a download in percent; -1 when it cannot be known."""
        return -1 if self.model.progress < 0 else round(self.model.progress * 100)
