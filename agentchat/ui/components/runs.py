"""The page of runs; its sources are runs.jsx and the files beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import reflex as rx

from agentchat.operations.list_views import BulkView, Choices, SavedViewView
from agentchat.ui import words_runs as words
from agentchat.ui.build import local_library
from agentchat.ui.states.runs import Planned, RunsState, Shown

_LUCIDE = "lucide-react@1.26.0"

Plan = rx.event.passthrough_event_spec(str, list[str], int)
Text = rx.event.passthrough_event_spec(str)
TwoTexts = rx.event.passthrough_event_spec(str, str)


class RunsPage(rx.Component):
    """Filters, the list, and what is done to many runs at once."""

    library = local_library("runs.jsx")
    tag = "RunsPage"
    lib_dependencies: list[str] = [
        _LUCIDE,
        "@radix-ui/react-alert-dialog@1.2.1",
        "@radix-ui/react-dialog@1.3.1",
    ]

    shown: rx.Var[Shown]
    problem: rx.Var[str]
    choices: rx.Var[Choices]
    views: rx.Var[list[SavedViewView]]
    view_problem: rx.Var[str]
    planned: rx.Var[Planned]
    bulk: rx.Var[BulkView]
    words: rx.Var[Mapping[str, Any]]
    bulk_words: rx.Var[Mapping[str, Any]]
    view_words: rx.Var[Mapping[str, str]]
    on_hold: rx.EventHandler[rx.event.no_args_event_spec]
    on_release: rx.EventHandler[rx.event.no_args_event_spec]
    on_plan: rx.EventHandler[Plan]
    on_confirm: rx.EventHandler[Text]
    on_save: rx.EventHandler[TwoTexts]
    on_rename: rx.EventHandler[TwoTexts]
    on_delete: rx.EventHandler[Text]


def runs_list() -> rx.Component:
    """All of the page but its frame."""
    return RunsPage.create(
        shown=RunsState.shown,
        problem=RunsState.problem,
        choices=RunsState.choices,
        views=RunsState.views,
        view_problem=RunsState.view_problem,
        planned=RunsState.planned,
        bulk=RunsState.bulk,
        words=words.LIST,
        bulk_words=words.BULK,
        view_words=words.VIEWS,
        on_hold=RunsState.hold,
        on_release=RunsState.release,
        on_plan=RunsState.plan,
        on_confirm=RunsState.confirm,
        on_save=RunsState.save,
        on_rename=RunsState.rename,
        on_delete=RunsState.delete,
    )
