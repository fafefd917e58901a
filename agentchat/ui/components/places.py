"""Where to go from a page about runs: the others beside it."""

from __future__ import annotations

import reflex as rx

from agentchat.ui import words_faults, words_overview, words_runs, words_schedules
from agentchat.ui.components.local import ThreadLink
from agentchat.ui.states.auth import AuthState
from agentchat.ui.states.faults import FaultsState

RUN_PATHS = (words_overview.PATH, words_schedules.PATH, words_faults.PATH)
"""The pages beside that of the runs."""


def run_places() -> rx.Component:
    """Links to the runs and the schedules, and for administrators to the overview, and to the
    faults where they are allowed.
    """
    # Most who look are; a link that comes late would move the others.
    operator = AuthState.who.operator | (AuthState.who.id == "")
    return rx.el.nav(
        _place(words_runs.TITLE, words_runs.PATH),
        rx.cond(operator, _place(words_overview.TITLE, words_overview.PATH)),
        _place(words_schedules.TITLE, words_schedules.PATH),
        rx.cond(FaultsState.allowed & operator, _place(words_faults.TITLE, words_faults.PATH)),
        aria_label=words_runs.PLACES,
        class_name="places",
    )


def _place(name: str, path: str) -> rx.Component:
    return ThreadLink.create(name, to=path, class_name="place")
