"""The page about schedules as a component; its sources are schedules.jsx and those beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import reflex as rx

from agentchat.ui import words_schedules as words
from agentchat.ui.build import local_library
from agentchat.ui.states.schedules import (
    Acted,
    AuditLine,
    FiringLine,
    Previewed,
    ScheduleLine,
    SchedulesState,
    WorkflowLine,
)

_Preview = rx.event.passthrough_event_spec(str, str, int)
_Create = rx.event.passthrough_event_spec(str, str, int)
_Change = rx.event.passthrough_event_spec(str, str, str, int)
_Act = rx.event.passthrough_event_spec(str, str, int)


class SchedulesPage(rx.Component):
    """The list, or the schedule of the address; and the form."""

    library = local_library("schedules.jsx")
    tag = "SchedulesPage"
    lib_dependencies: list[str] = ["lucide-react@1.26.0", "@radix-ui/react-dialog@1.3.1"]

    schedules: rx.Var[list[ScheduleLine]]
    history: rx.Var[list[FiringLine]]
    audits: rx.Var[list[AuditLine]]
    workflows: rx.Var[list[WorkflowLine]]
    previewed: rx.Var[Previewed]
    acted: rx.Var[Acted]
    loaded: rx.Var[bool]
    problem: rx.Var[str]
    words: rx.Var[Mapping[str, Any]]
    on_preview: rx.EventHandler[_Preview]
    on_create: rx.EventHandler[_Create]
    on_change: rx.EventHandler[_Change]
    on_act: rx.EventHandler[_Act]


def schedules() -> rx.Component:
    """All of the page but its frame."""
    return SchedulesPage.create(
        schedules=SchedulesState.schedules,
        history=SchedulesState.history,
        audits=SchedulesState.audits,
        workflows=SchedulesState.workflows,
        previewed=SchedulesState.previewed,
        acted=SchedulesState.acted,
        loaded=SchedulesState.loaded,
        problem=SchedulesState.problem,
        words=words.SCHEDULES,
        on_preview=SchedulesState.preview,
        on_create=SchedulesState.create,
        on_change=SchedulesState.change,
        on_act=SchedulesState.act,
    )
