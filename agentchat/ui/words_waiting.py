"""What the message box says of models, and of messages that were taken back."""

from __future__ import annotations

from typing import Final

from agentchat.ui.said import said

WAITING: Final = said(
    {
        "model": "Model",
        "ownModel": "The agent's model",
        "ownModelMore": "Whatever the agent who answers asks by itself",
        "modelGone": "{name} is not offered any more",
        "modelGoneMore": "The agent's own model answers",
        "waits": "Sends after this answer, which is for somebody else",
        "returned": "Your message was taken back",
        "returnedBy": "{name} took your message back",
        "collect": "Put it in the message box",
        "discard": "Discard",
    }
)
