"""The page of one run as a component; see run.jsx and what it imports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import reflex as rx

from agentchat.operations.detail_views import (
    AuditLine,
    EventLine,
    LogLine,
    Logs,
    Nested,
    RunHead,
    RunValues,
    StepDetail,
    StepLine,
    Strip,
    Timeline,
)
from agentchat.ui import words, words_run
from agentchat.ui.build import local_library
from agentchat.ui.components.parts import Approve, Say
from agentchat.ui.said import said
from agentchat.ui.states.asks import DecisionState, Refused
from agentchat.ui.states.run import RunState, RunTabState, RunWholeState
from agentchat.ui.states.run_actions import Acted, RunActionsState

_Whole = rx.event.passthrough_event_spec(str, str, str)
_Raw = rx.event.passthrough_event_spec(str)
_Act = rx.event.passthrough_event_spec(str, str, int)
_Rerun = rx.event.passthrough_event_spec(str, str, str, int)
_Fork = rx.event.passthrough_event_spec(str, str, str, str, str, int)
_Send = rx.event.passthrough_event_spec(str, str, str, str, int)


class RunPage(rx.Component):
    """What is under the title of the page."""

    library = local_library("run.jsx")
    tag = "RunPage"
    lib_dependencies: list[str] = [
        "lucide-react@1.26.0",
        "@radix-ui/react-dialog@1.3.1",
        "@radix-ui/react-dropdown-menu@2.2.1",
    ]

    head: rx.Var[RunHead]
    problem: rx.Var[str]
    strip: rx.Var[Strip]
    settled: rx.Var[list[StepLine]]
    tail: rx.Var[Timeline]
    nested: rx.Var[list[Nested]]
    step: rx.Var[StepDetail]
    values: rx.Var[RunValues]
    log_settled: rx.Var[list[LogLine]]
    log_tail: rx.Var[Logs]
    events: rx.Var[list[EventLine]]
    audits: rx.Var[list[AuditLine]]
    whole_of: rx.Var[str]
    whole_text: rx.Var[str]
    whole_said: rx.Var[str]
    acted: rx.Var[Acted]
    refused: rx.Var[dict[str, Refused]]
    words: rx.Var[Mapping[str, Any]]
    action_words: rx.Var[Mapping[str, Any]]
    ask_words: rx.Var[Mapping[str, str]]
    on_whole: rx.EventHandler[_Whole]
    on_raw: rx.EventHandler[_Raw]
    on_act: rx.EventHandler[_Act]
    on_rerun: rx.EventHandler[_Rerun]
    on_fork: rx.EventHandler[_Fork]
    on_send: rx.EventHandler[_Send]
    on_approve: rx.EventHandler[Approve]
    on_deny: rx.EventHandler[Say]
    on_answer: rx.EventHandler[Say]


class RunChip(rx.Component):
    """Leads from an answer to the run that wrote it."""

    library = local_library("run_chip.jsx")
    tag = "RunChip"
    lib_dependencies: list[str] = ["lucide-react@1.26.0"]

    run: rx.Var[str]
    message: rx.Var[str]
    words: rx.Var[Mapping[str, str]]


def run() -> rx.Component:
    """The run of the address."""
    return RunPage.create(
        head=RunState.head,
        problem=said(RunState.problem),
        strip=RunState.strip,
        settled=RunState.settled,
        tail=RunState.tail,
        nested=RunState.nested,
        step=RunState.step,
        values=RunTabState.values,
        log_settled=RunTabState.log_settled,
        log_tail=RunTabState.log_tail,
        events=RunTabState.events,
        audits=RunTabState.audits,
        whole_of=RunWholeState.of,
        whole_text=RunWholeState.whole,
        whole_said=RunWholeState.said,
        acted=RunActionsState.acted,
        refused=DecisionState.refused,
        words=words_run.RUN,
        action_words=words_run.ACTIONS,
        ask_words=words.ASKS,
        on_whole=RunWholeState.show,
        on_raw=RunWholeState.raw,
        on_act=RunActionsState.act,
        on_rerun=RunActionsState.rerun,
        on_fork=RunActionsState.fork,
        on_send=RunActionsState.send,
        on_approve=DecisionState.approve,
        on_deny=DecisionState.deny,
        on_answer=DecisionState.answer,
    )
