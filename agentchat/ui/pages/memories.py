"""The page about memory: what is remembered about the person, to be read, mended and deleted."""

from __future__ import annotations

import reflex as rx

from agentchat.ui import words as app_words
from agentchat.ui import words_memory as words
from agentchat.ui.components.framed import framed
from agentchat.ui.components.memories import forget_everything, memories, outcome
from agentchat.ui.said import said
from agentchat.ui.states.memories import MemoriesState


def memories_page() -> rx.Component:
    """Threads at the left; search, what is remembered, and how to forget it, at the right."""
    nothing = (MemoriesState.facts.length() == 0) & (MemoriesState.messages.length() == 0)
    return framed(
        words.TITLE,
        rx.el.div(
            rx.el.p(words.ABOUT, class_name="memories-more"),
            rx.cond(
                ~nothing | (MemoriesState.words != ""),
                rx.el.input(
                    type="search",
                    placeholder=words.SEARCH,
                    aria_label=words.SEARCH,
                    class_name="memory-search",
                    on_change=MemoriesState.search.debounce(200),
                ),
            ),
            outcome(),
            rx.cond(
                MemoriesState.problem != "",
                rx.el.p(said(MemoriesState.problem), role="alert", class_name="memory-said"),
                rx.cond(
                    MemoriesState.loaded,
                    rx.cond(nothing, _nothing(), _lists()),
                    rx.el.p(class_name="memories-more", aria_busy=True),
                ),
            ),
            class_name="document memory-page",
        ),
    )


def _lists() -> rx.Component:
    return rx.fragment(
        memories("fact", MemoriesState.facts),
        memories("message", MemoriesState.messages),
        rx.cond(MemoriesState.words == "", forget_everything()),
    )


def _nothing() -> rx.Component:
    return rx.cond(
        MemoriesState.words != "",
        rx.el.p(words.NOTHING_FOUND, class_name="memories-more", role="status"),
        rx.el.div(
            rx.icon("brain", aria_hidden=True),
            rx.el.h2(words.EMPTY_TITLE, class_name="note-title"),
            rx.el.p(words.EMPTY),
            rx.el.a(app_words.START_OVER, href="/", class_name="button primary"),
            class_name="center-note",
            data_part="empty",
        ),
    )
