"""What waits for the person: approvals, questions, and answers that have reached a limit."""

from __future__ import annotations

import reflex as rx

from agentchat.ui import words, words_threads
from agentchat.ui.components.framed import framed
from agentchat.ui.components.parts import inbox_list
from agentchat.ui.said import said
from agentchat.ui.states.asks import InboxState


def inbox_page() -> rx.Component:
    """Threads at the left, what waits at the right."""
    return framed(
        words.INBOX,
        rx.el.div(
            rx.cond(
                InboxState.problem != "",
                rx.el.p(said(InboxState.problem), role="alert"),
                rx.cond(
                    InboxState.loaded,
                    _waiting(),
                    rx.el.p(words_threads.NOT_HERE_YET, aria_busy=True),
                ),
            ),
            class_name="inbox",
        ),
    )


def _waiting() -> rx.Component:
    return rx.fragment(
        inbox_list(InboxState.waiting),
        rx.cond(
            InboxState.waiting.length() == 0,
            rx.el.div(
                rx.icon("inbox", aria_hidden=True),
                rx.el.h2(words.INBOX_EMPTY_TITLE, class_name="note-title"),
                rx.el.p(words.INBOX_EMPTY),
                class_name="center-note",
                data_part="empty",
            ),
        ),
    )
