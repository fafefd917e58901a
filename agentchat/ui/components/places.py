"""Where to go from a page about runs: the others beside it."""

from __future__ import annotations

import reflex as rx

from agentchat.ui import words_faults, words_overview, words_runs, words_schedules
from agentchat.ui.components.local import ThreadLink
from agentchat.ui.states.faults import FaultsState

_PLACES = (words_runs, words_overview, words_schedules)


def run_places() -> rx.Component:
    """Links to the runs, the overview, the schedules, and to the faults where they are allowed."""
    return rx.el.nav(
        *(_place(one.TITLE, one.PATH) for one in _PLACES),
        rx.cond(FaultsState.allowed, _place(words_faults.TITLE, words_faults.PATH)),
        aria_label=words_runs.PLACES,
        class_name="places",
    )


def _place(name: str, path: str) -> rx.Component:
    return ThreadLink.create(name, to=path, class_name="place")
