"""The list of threads."""

from __future__ import annotations

import reflex as rx

from agentchat.ui import words, words_runs
from agentchat.ui.components.accounts import whoever
from agentchat.ui.components.local import DrawerButton, NewThreadButton, ThreadLink, ThreadMenu
from agentchat.ui.components.places import RUN_PATHS
from agentchat.ui.states.asks import WaitingState
from agentchat.ui.states.threads import ThreadLine, ThreadsState


def sidebar() -> rx.Component:
    """Brand, New thread, every thread with its menu, and who one is."""
    return rx.el.div(
        rx.el.div(
            ThreadLink.create(
                rx.el.span(class_name="brand-mark", aria_hidden=True),
                words.APP,
                to="/",
                class_name="brand",
            ),
            theme_toggle(),
            DrawerButton.create(opens=False, label=words.HIDE_THREADS),
            class_name="sidebar-top",
        ),
        NewThreadButton.create(
            rx.icon("square-pen", size=15, aria_hidden=True),
            words.NEW_THREAD,
            on_press=ThreadsState.new,
        ),
        _inbox_link(),
        _place("brain", words.MEMORY, words.MEMORY_PATH),
        _place("activity", words_runs.TITLE, words_runs.PATH, others=RUN_PATHS),
        rx.el.nav(
            rx.el.p(words.THREADS, class_name="threads-heading", aria_hidden=True),
            rx.el.ul(rx.foreach(ThreadsState.threads, _line)),
            rx.cond(
                ThreadsState.problem != "",
                rx.el.p(ThreadsState.problem, class_name="threads-empty", role="alert"),
                rx.cond(
                    ThreadsState.loaded & (ThreadsState.threads.length() == 0),
                    rx.el.p(words.NO_THREADS, class_name="threads-empty"),
                ),
            ),
            aria_label=words.THREADS,
            class_name="threads",
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


def _line(thread: rx.Var[ThreadLine]) -> rx.Component:
    title = rx.cond(thread.title != "", thread.title, words.UNTITLED)
    return rx.el.li(
        ThreadLink.create(
            rx.el.span(title, id=f"title-{thread.id}", class_name="thread-title"),
            rx.cond(
                thread.asks,
                rx.el.span(class_name="asks-mark", role="img", aria_label=words.ASKING),
                rx.cond(
                    thread.running,
                    rx.el.span(class_name="spinner", role="img", aria_label=words.ANSWERING),
                ),
            ),
            to=f"/t/{thread.id}",
        ),
        ThreadMenu.create(
            thread=thread.id,
            title=title,
            words=words.MENU,
            on_rename=ThreadsState.rename,
            on_delete=ThreadsState.delete,
        ),
        key=thread.id,
        class_name="thread-line",
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
