"""The pages of threads that are out of the list: archived, or deleted of late."""

from __future__ import annotations

from typing import Any

import reflex as rx

from agentchat.ui import words_threads as words
from agentchat.ui.components.framed import framed
from agentchat.ui.components.threads import archived_list, deleted_list
from agentchat.ui.said import said
from agentchat.ui.states.threads import ArchiveState, DeletedState


def archive_page() -> rx.Component:
    """Threads at the left, archived ones at the right."""
    nothing = _nothing("archive", words.ARCHIVE_EMPTY_TITLE, words.ARCHIVE_EMPTY)
    return framed(words.ARCHIVE, _listed(ArchiveState, archived_list(), nothing))


def deleted_page() -> rx.Component:
    """Threads at the left, deleted ones that can be had back at the right."""
    nothing = _nothing("trash-2", words.DELETED_EMPTY_TITLE, words.DELETED_EMPTY)
    return framed(words.DELETED, _listed(DeletedState, deleted_list(), nothing))


def _listed(state: Any, threads: rx.Component, nothing: rx.Component) -> rx.Component:
    shown = rx.cond((state.page.lines.length() == 0) & (state.page.after == ""), nothing, threads)
    return rx.el.div(
        rx.cond(
            state.problem != "",
            rx.el.p(said(state.problem), role="alert"),
            rx.cond(state.loaded, shown, rx.el.p(words.NOT_HERE_YET, aria_busy=True)),
        ),
        class_name="document",
    )


def _nothing(icon: str, title: str, more: str) -> rx.Component:
    return rx.el.div(
        rx.icon(icon, aria_hidden=True),
        rx.el.h2(title, class_name="note-title"),
        rx.el.p(more),
        class_name="center-note",
        data_part="empty",
    )
