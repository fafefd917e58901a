"""The list of runs: what runs, what waits, what failed and why."""

from __future__ import annotations

import reflex as rx

from agentchat.ui import words_runs as words
from agentchat.ui.components.framed import framed
from agentchat.ui.components.places import run_places
from agentchat.ui.components.runs import runs_list


def runs_page() -> rx.Component:
    """Threads at the left, the runs at the right."""
    return framed(words.TITLE, runs_list(), places=run_places())
