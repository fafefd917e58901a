"""The fault panel: what may be made to go wrong, or how to let it be."""

from __future__ import annotations

import reflex as rx

from agentchat.ui import words_faults as words
from agentchat.ui.components.accounts import for_operators
from agentchat.ui.components.faults import fault_card
from agentchat.ui.components.framed import framed
from agentchat.ui.components.places import run_places
from agentchat.ui.said import said
from agentchat.ui.states.faults import FaultsState


def faults_page() -> rx.Component:
    """Threads at the left; a card for each fault at the right, where they are allowed."""
    found = rx.cond(
        FaultsState.problem != "",
        rx.el.p(said(FaultsState.problem), role="alert"),
        rx.cond(
            FaultsState.loaded,
            rx.cond(FaultsState.allowed, _cards(), _off()),
            rx.el.p(aria_busy=True),
        ),
    )
    return framed(
        words.TITLE,
        rx.el.div(for_operators(found), class_name="document faults-page"),
        places=run_places(),
    )


def _cards() -> rx.Component:
    return rx.fragment(
        rx.el.p(words.ABOUT, class_name="fault-about"),
        *(fault_card(kind) for kind in words.FAULTS),
    )


def _off() -> rx.Component:
    return rx.el.div(
        rx.icon("shield", aria_hidden=True),
        rx.el.h2(words.OFF_TITLE, class_name="note-title"),
        rx.el.p(words.OFF),
        class_name="center-note",
        data_part="off",
    )
