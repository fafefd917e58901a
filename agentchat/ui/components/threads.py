"""The components of the list of threads, and of the pages of those that were put away."""

from __future__ import annotations

from collections.abc import Mapping

import reflex as rx

from agentchat.ui import words_threads as words
from agentchat.ui.build import local_library
from agentchat.ui.said import said
from agentchat.ui.states.auth import AuthState
from agentchat.ui.states.threads import (
    ArchivedPage,
    ArchiveState,
    DeletedPage,
    DeletedState,
    Done,
    ThreadsState,
)
from agentchat.ui.thread_lines import ListChange

_DEPENDENCIES = [
    "lucide-react@1.26.0",
    "@radix-ui/react-dialog@1.3.1",
    "@radix-ui/react-dropdown-menu@2.2.1",
]
_Text = rx.event.passthrough_event_spec(str)
_TwoTexts = rx.event.passthrough_event_spec(str, str)
_Mark = rx.event.passthrough_event_spec(str, str, str)
_Away = rx.event.passthrough_event_spec(str, str, int)


class ThreadList(rx.Component):
    """The threads in groups, each with its menu."""

    library = local_library("thread_list.jsx")
    tag = "ThreadList"
    lib_dependencies: list[str] = _DEPENDENCIES

    change: rx.Var[ListChange]
    loaded: rx.Var[bool]
    done: rx.Var[Done]
    shares: rx.Var[bool]
    words: rx.Var[Mapping[str, str]]
    on_miss: rx.EventHandler[rx.event.no_args_event_spec]
    on_look: rx.EventHandler[_Text]
    on_rename: rx.EventHandler[_TwoTexts]
    on_mark: rx.EventHandler[_Mark]
    on_put_away: rx.EventHandler[_Away]


class ThreadUndo(rx.Component):
    """Tells what was just done to a thread, and undoes it."""

    library = local_library("thread_undo.jsx")
    tag = "ThreadUndo"
    lib_dependencies: list[str] = _DEPENDENCIES

    words: rx.Var[Mapping[str, str]]
    on_bring_back: rx.EventHandler[_TwoTexts]


class ArchivedList(rx.Component):
    """Archived threads."""

    library = local_library("thread_pages.jsx")
    tag = "ArchivedList"

    page: rx.Var[ArchivedPage]
    words: rx.Var[Mapping[str, str]]
    on_look: rx.EventHandler[_Text]
    on_bring_back: rx.EventHandler[_TwoTexts]


class DeletedList(rx.Component):
    """Deleted threads that can be had back."""

    library = local_library("thread_pages.jsx")
    tag = "DeletedList"

    page: rx.Var[DeletedPage]
    words: rx.Var[Mapping[str, str]]
    on_look: rx.EventHandler[_Text]
    on_bring_back: rx.EventHandler[_TwoTexts]
    on_empty: rx.EventHandler[_Text]


def thread_list() -> rx.Component:
    """The list, or why it cannot be shown."""
    return rx.fragment(
        ThreadList.create(
            change=ThreadsState.change,
            loaded=ThreadsState.loaded,
            done=ThreadsState.done,
            shares=~AuthState.who.open,
            words=words.LIST,
            on_miss=ThreadsState.miss,
            on_look=ThreadsState.look,
            on_rename=ThreadsState.rename,
            on_mark=ThreadsState.mark,
            on_put_away=ThreadsState.put_away,
        ),
        rx.cond(
            ThreadsState.problem != "",
            rx.el.p(said(ThreadsState.problem), class_name="threads-empty", role="alert"),
        ),
    )


def thread_undo() -> rx.Component:
    """The line that offers to undo."""
    return ThreadUndo.create(words=words.UNDO, on_bring_back=ThreadsState.bring_back)


def archived_list() -> rx.Component:
    """The list of archived threads."""
    return ArchivedList.create(
        page=ArchiveState.page,
        words=words.PAGES,
        on_look=ArchiveState.look,
        on_bring_back=ThreadsState.bring_back,
    )


def deleted_list() -> rx.Component:
    """The list of deleted threads."""
    return DeletedList.create(
        page=DeletedState.page,
        words=words.PAGES,
        on_look=DeletedState.look,
        on_bring_back=ThreadsState.bring_back,
        on_empty=DeletedState.empty,
    )
