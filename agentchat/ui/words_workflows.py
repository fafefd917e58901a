"""What people call the workflows that the app brings; others are called as their code says."""

from __future__ import annotations

from typing import Final

from agentchat.ui.said import said

WORKFLOWS: Final[dict[str, str]] = said(
    {
        "reply": "Reply",
        "remember": "Remembering",
        "title": "Title of a thread",
        "follow_up": "Reminder",
        "bulk": "Many runs at once",
    }
)
