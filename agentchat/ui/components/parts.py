"""What was said and done on the way to an answer, and what waits for a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import reflex as rx

from agentchat.ui import words, words_run
from agentchat.ui.build import local_library
from agentchat.ui.states.asks import DecisionState, Refused
from agentchat.views import AskView, MessageView, PartView

_LUCIDE = "lucide-react@1.26.0"

Approve = rx.event.passthrough_event_spec(str, str, str, int)
Say = rx.event.passthrough_event_spec(str, str, int)


class Parts(rx.Component):
    """The parts of an answer; see parts.jsx."""

    library = local_library("parts.jsx")
    tag = "Parts"
    lib_dependencies: list[str] = [_LUCIDE]

    parts: rx.Var[tuple[PartView, ...]]
    run: rx.Var[str]
    refused: rx.Var[dict[str, Refused]]
    may_write: rx.Var[bool]
    words: rx.Var[Mapping[str, str]]
    ask_words: rx.Var[Mapping[str, str]]
    run_words: rx.Var[Mapping[str, str]]
    markdown_words: rx.Var[Mapping[str, str]]
    on_approve: rx.EventHandler[Approve]
    on_deny: rx.EventHandler[Say]
    on_answer: rx.EventHandler[Say]


class Sources(rx.Component):
    """Where an answer comes from."""

    library = local_library("parts.jsx")
    tag = "Sources"

    parts: rx.Var[tuple[PartView, ...]]
    words: rx.Var[Mapping[str, str]]


class AskTeller(rx.Component):
    """Says politely that something new is asked."""

    library = local_library("asks.jsx")
    tag = "AskTeller"

    live: rx.Var[list[MessageView]]
    words: rx.Var[Mapping[str, str]]


class InboxList(rx.Component):
    """All that waits for the person."""

    library = local_library("asks.jsx")
    tag = "InboxList"
    lib_dependencies: list[str] = [_LUCIDE]

    waiting: rx.Var[list[AskView]]
    refused: rx.Var[dict[str, Refused]]
    ask_words: rx.Var[Mapping[str, str]]
    on_approve: rx.EventHandler[Approve]
    on_deny: rx.EventHandler[Say]
    on_answer: rx.EventHandler[Say]


def parts_of(view: rx.Var[MessageView], may_write: rx.Var[bool]) -> rx.Component:
    """What was said and done before the text of an answer."""
    return Parts.create(
        parts=view.parts,
        run=view.run_id,
        may_write=may_write,
        words=words.PARTS,
        run_words=words_run.CHIP,
        markdown_words=words.MARKDOWN,
        **_deciding(),
    )


def sources_of(view: rx.Var[MessageView]) -> rx.Component:
    """Where an answer comes from, under its text."""
    return Sources.create(parts=view.parts, words=words.PARTS)


def inbox_list(waiting: rx.Var[list[AskView]] | list[AskView]) -> rx.Component:
    """What waits for the person, to be decided there and then."""
    return InboxList.create(waiting=waiting, **_deciding())


def ask_teller(live: rx.Var[list[MessageView]] | list[MessageView]) -> rx.Component:
    """Says politely that something new is asked."""
    return AskTeller.create(live=live, words=words.ASKS)


def _deciding() -> dict[str, Any]:
    return {
        "refused": DecisionState.refused,
        "ask_words": words.ASKS,
        "on_approve": DecisionState.approve,
        "on_deny": DecisionState.deny,
        "on_answer": DecisionState.answer,
    }
