"""The model that answers, and how far it is on its way."""

from __future__ import annotations

import reflex as rx

from agentchat.ui.bridge import chat
from agentchat.views import ModelView


class ModelState(rx.State):
    """What the header and the notices say about the model."""

    model: ModelView = ModelView(id="", label="")

    @rx.event(background=True, supersedes=True)
    async def follow(self):
        """Show the model as it changes, as long as the page is open."""
        async for model in chat().follow_model():
            async with self:
                self.model = model

    @rx.var
    def percent(self) -> int:
        """The progress of a download in percent; -1 when it cannot be known."""
        return -1 if self.model.progress < 0 else round(self.model.progress * 100)
