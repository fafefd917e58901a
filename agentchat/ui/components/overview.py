"""The overview as a component; its sources are overview.jsx and those beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import reflex as rx

from agentchat.operations.overview_views import NowView, PastView, StorageView
from agentchat.ui import words_overview as words
from agentchat.ui.build import local_library
from agentchat.ui.states.overview import Done, OverviewState

_Act = rx.event.passthrough_event_spec(str, int)


class OverviewPage(rx.Component):
    """All of the page but its frame. Its charts, and their library, are loaded when they are
    shown.
    """

    library = local_library("overview.jsx")
    tag = "OverviewPage"
    lib_dependencies: list[str] = [
        "lucide-react@1.26.0",
        "@radix-ui/react-dialog@1.3.1",
        # As rx.recharts wraps it.
        "recharts@3.10.1",
    ]

    now: rx.Var[NowView]
    past: rx.Var[PastView]
    storage: rx.Var[StorageView]
    done: rx.Var[Done]
    loaded: rx.Var[bool]
    problem: rx.Var[str]
    words: rx.Var[Mapping[str, Any]]
    on_pause: rx.EventHandler[_Act]
    on_resume: rx.EventHandler[_Act]
    on_resume_run: rx.EventHandler[_Act]


def overview() -> rx.Component:
    """All of the page but its frame."""
    return OverviewPage.create(
        now=OverviewState.now,
        past=OverviewState.past,
        storage=OverviewState.storage,
        done=OverviewState.done,
        loaded=OverviewState.loaded,
        problem=OverviewState.problem,
        words=words.OVERVIEW,
        on_pause=OverviewState.pause,
        on_resume=OverviewState.resume,
        on_resume_run=OverviewState.resume_run,
    )
