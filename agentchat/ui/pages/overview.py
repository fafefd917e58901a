"""The overview: what runs and what came of it, whether the processes and the database are well."""

from __future__ import annotations

import reflex as rx

from agentchat.ui import words_overview as words
from agentchat.ui.components.accounts import for_operators
from agentchat.ui.components.framed import framed
from agentchat.ui.components.overview import overview
from agentchat.ui.components.places import run_places


def overview_page() -> rx.Component:
    """Threads at the left, the overview at the right."""
    return framed(words.TITLE, for_operators(overview()), places=run_places())
