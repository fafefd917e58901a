"""The list of threads."""

from __future__ import annotations

import reflex as rx

from agentchat.ui import words, words_runs, words_threads
from agentchat.ui.components.accounts import whoever
from agentchat.ui.components.languages import language_menu
from agentchat.ui.components.local import DrawerButton, NewThreadButton, ThreadLink
from agentchat.ui.components.places import RUN_PATHS
from agentchat.ui.components.search import search
from agentchat.ui.components.threads import thread_list, thread_undo
from agentchat.ui.states.asks import WaitingState


def sidebar() -> rx.Component:
    """Brand, New thread, the threads, and who one is; then what was just done to a thread."""
    return rx.fragment(_sidebar(), thread_undo())


def _sidebar() -> rx.Component:
    return rx.el.div(
        rx.el.div(
            ThreadLink.create(
                rx.el.span(class_name="brand-mark", aria_hidden=True),
                words.APP,
                to="/",
                class_name="brand",
            ),
            language_menu(),
            theme_toggle(),
            DrawerButton.create(opens=False, label=words.HIDE_THREADS),
            class_name="sidebar-top",
        ),
        NewThreadButton.create(
            rx.icon("square-pen", size=15, aria_hidden=True),
            words.NEW_THREAD,
        ),
        search(),
        _inbox_link(),
        _place("brain", words.MEMORY, words.MEMORY_PATH),
        _place("activity", words_runs.TITLE, words_runs.PATH, others=RUN_PATHS),
        rx.el.nav(
            thread_list(),
            aria_label=words.THREADS,
            class_name="threads",
        ),
        rx.el.div(
            _put_away("archive", words_threads.ARCHIVED, words_threads.ARCHIVE_PATH),
            _put_away("trash-2", words_threads.DELETED, words_threads.DELETED_PATH),
            class_name="put-away-links",
        ),
        whoever(),
        id="threads",
        class_name="sidebar",
    )


def _inbox_link() -> rx.Component:
    number = rx.el.span(WaitingState.number, class_name="count", data_part="waiting")
    return _place("inbox", words.INBOX, words.INBOX_PATH, rx.cond(WaitingState.number > 0, number))


def _place(
    icon: str, name: str, path: str, *more: rx.Component, others: tuple[str, ...] = ()
) -> rx.Component:
    return ThreadLink.create(
        rx.icon(icon, size=15, aria_hidden=True),
        rx.el.span(name, class_name="thread-title"),
        *more,
        to=path,
        others=list(others),
        class_name="thread-link place-link",
    )


def _put_away(icon: str, name: str, path: str) -> rx.Component:
    return ThreadLink.create(
        rx.icon(icon, size=13, aria_hidden=True),
        rx.el.span(name, class_name="thread-title"),
        to=path,
        class_name="put-away-link",
    )


def theme_toggle() -> rx.Component:
    """Light and dark; the system decides until it is pressed."""
    return rx.el.button(
        rx.icon("sun", class_name="when-dark", aria_hidden=True),
        rx.icon("moon", class_name="when-light", aria_hidden=True),
        type="button",
        class_name="icon-button",
        aria_label=words.TOGGLE_THEME,
        title=words.TOGGLE_THEME,
        on_click=rx.toggle_color_mode,
    )
