"""What can be done with a message; the source is actions.jsx."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import reflex as rx
from reflex_base.vars.base import VarData

from agentchat.ui.build import local_library
from agentchat.ui.states.actions import ActionsState, Edited, Found
from agentchat.ui.states.agents import AgentsState
from agentchat.ui.states.auth import AuthState
from agentchat.ui.states.thread import ThreadState
from agentchat.ui.words_actions import ACTIONS
from agentchat.verbs.models import ModelChoice
from agentchat.verbs.ratings import RatingView
from agentchat.verbs.waiting import WaitingMessage
from agentchat.views import AgentView, MessageView, PartView

_LIBRARY = local_library("actions.jsx")
_DEPENDENCIES = ["lucide-react@1.26.0", "@radix-ui/react-dropdown-menu@2.2.1"]

Text = rx.event.passthrough_event_spec(str)
TwoTexts = rx.event.passthrough_event_spec(str, str)
FourTexts = rx.event.passthrough_event_spec(str, str, str, str)
Edit = rx.event.passthrough_event_spec(str, str, str, int, bool)
Branch = rx.event.passthrough_event_spec(str, int)
Rate = rx.event.passthrough_event_spec(str, bool, str)


_live, _me = ThreadState.live, AuthState.who.id
joins_answer: rx.Var[bool] = rx.Var(
    f"{_live!s}.length > 0 && {_live!s}[0].status === 'running'"
    f" && ['', {_me!s}].includes({_live!s}[0].user_id)",
    _var_type=bool,
    _var_data=VarData.merge(_live._get_all_var_data(), _me._get_all_var_data()),
)
"""Whether an answer is being written that a message of who looks may join."""


class Desk(rx.Component):
    """Gives the messages within it what all of them need to be acted on."""

    library = _LIBRARY
    tag = "ActionsDesk"

    thread: rx.Var[str]
    count: rx.Var[int]
    may_write: rx.Var[bool]
    running: rx.Var[bool]
    agents: rx.Var[Sequence[AgentView]]
    models: rx.Var[Sequence[ModelChoice]]
    model: rx.Var[str]
    waiting: rx.Var[Sequence[WaitingMessage]]
    joins: rx.Var[bool]
    ratings: rx.Var[Sequence[RatingView]]
    edited: rx.Var[Edited]
    found: rx.Var[Found]
    words: rx.Var[Mapping[str, str]]
    on_edit: rx.EventHandler[Edit]
    on_branch: rx.EventHandler[Branch]
    on_again: rx.EventHandler[FourTexts]
    on_take_back: rx.EventHandler[Text]
    on_send_now: rx.EventHandler[Text]
    on_rate: rx.EventHandler[Rate]
    on_fork: rx.EventHandler[TwoTexts]
    on_go_on: rx.EventHandler[Text]
    on_find: rx.EventHandler[Text]


class OwnText(rx.Component):
    """What a person said, which they may edit in its place; its children show it."""

    library = _LIBRARY
    tag = "OwnText"
    lib_dependencies: list[str] = _DEPENDENCIES

    message: rx.Var[str]
    text: rx.Var[str]
    mine: rx.Var[bool]
    branches: rx.Var[Sequence[int]]
    way: rx.Var[int]


class AnswerActions(rx.Component):
    """What can be done with an answer that is over."""

    library = _LIBRARY
    tag = "AnswerActions"
    lib_dependencies: list[str] = _DEPENDENCIES

    message: rx.Var[str]
    text: rx.Var[str]
    parts: rx.Var[Sequence[PartView]]
    status: rx.Var[str]
    author: rx.Var[str]
    cut: rx.Var[bool]
    kept: rx.Var[bool]


class Origin(rx.Component):
    """The line that leads to the thread that this one was forked from."""

    library = _LIBRARY
    tag = "Origin"

    parts: rx.Var[Sequence[PartView]]
    words: rx.Var[Mapping[str, str]]


def desk(*log: rx.Component, count: rx.Var[int] | int) -> rx.Component:
    """The messages of the thread on the page, to be acted on; ``count`` is how many these are."""
    return Desk.create(
        *log,
        thread=ThreadState.shown,
        count=count,
        may_write=ThreadState.role != "viewer",
        running=ThreadState.live.length() > 0,
        agents=AgentsState.agents,
        models=AgentsState.models,
        model=ThreadState.model,
        waiting=ActionsState.line.waiting,
        joins=joins_answer,
        ratings=ActionsState.ratings,
        edited=ActionsState.edited,
        found=ActionsState.found,
        words=ACTIONS,
        on_edit=ActionsState.edit,
        on_branch=ActionsState.show_branch,
        on_again=ThreadState.regenerate,
        on_take_back=ActionsState.take_back,
        on_send_now=ActionsState.send_now,
        on_rate=ActionsState.rate,
        on_fork=ActionsState.fork,
        on_go_on=ActionsState.go_on,
        on_find=ActionsState.find,
    )


def own_text(view: rx.Var[MessageView], *shown: rx.Component) -> rx.Component:
    """What a person said, with what can be done with it."""
    me = AuthState.who.id
    return OwnText.create(
        *shown,
        message=view.id,
        text=view.text,
        mine=(me != "") & (view.user_id == me),
        branches=view.branches,
        way=view.way,
    )


def answer_actions(view: rx.Var[MessageView]) -> rx.Component:
    """What can be done with an answer."""
    return AnswerActions.create(
        message=view.id,
        text=view.text,
        parts=view.parts,
        status=view.status,
        author=view.author,
        cut=view.cut,
        kept=~view.hidden,
    )


def origin(view: rx.Var[MessageView]) -> rx.Component:
    """The line below the last message that was forked; nothing below others."""
    return Origin.create(parts=view.parts, words=ACTIONS)
