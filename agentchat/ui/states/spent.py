"""What the answer has cost that a person has asked about."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import reflex as rx

from agentchat.chat import AgentChat
from agentchat.ui.live import LiveState, live
from agentchat.views import AnswerSpentView


async def _spent(chat: AgentChat, message_id: str) -> AsyncGenerator[AnswerSpentView, None]:
    if not message_id:
        yield AnswerSpentView()
        return
    async with aclosing(chat.spent.follow_answer(message_id)) as views:
        async for view in views:
            yield view


class SpentState(LiveState):
    """What one answer has cost: the one that is open. Nothing is read of others."""

    message: str = ""
    spent: AnswerSpentView = live(_spent, "message", default=AnswerSpentView())

    @rx.event
    def show(self, message_id: str):
        """Show what this answer has cost; none, if there is no id."""
        self.message = message_id if isinstance(message_id, str) else ""
