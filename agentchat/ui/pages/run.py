"""The page of one run: what it is, its timeline, logs and events, and what may be done to it."""

from __future__ import annotations

import reflex as rx

from agentchat.ui import words, words_run
from agentchat.ui.components.framed import framed
from agentchat.ui.components.places import run_places
from agentchat.ui.components.run import run
from agentchat.ui.states.run import RunState
from agentchat.ui.words_workflows import WORKFLOWS

_called = rx.match(RunState.head.workflow, *WORKFLOWS.items(), RunState.head.workflow)

run_title = rx.cond(
    RunState.head.workflow != "",
    f"{_called} · {rx.Var.create(words_run.TITLE)} · {words.APP}",
    f"{rx.Var.create(words_run.TITLE)} · {words.APP}",
)
"""What the browser calls the page."""


def run_page() -> rx.Component:
    """Threads at the left, the run at the right."""
    return framed(words_run.TITLE, run(), places=run_places())
