"""The page about schedules."""

from __future__ import annotations

import reflex as rx

from agentchat.ui import words_schedules as words
from agentchat.ui.components.framed import framed
from agentchat.ui.components.places import run_places
from agentchat.ui.components.schedules import schedules


def schedules_page() -> rx.Component:
    """Threads at the left, schedules at the right."""
    return framed(words.TITLE, schedules(), places=run_places())
