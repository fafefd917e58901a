"""The chat page: one page for a new thread and for an existing one."""

from __future__ import annotations

import reflex as rx

from agentchat.ui import (
    words,
    words_files,
    words_search,
    words_threads,
    words_transfer,
    words_waiting,
)
from agentchat.ui.components.actions import desk, joins_answer
from agentchat.ui.components.further import Earlier
from agentchat.ui.components.local import (
    Composer,
    DrawerButton,
    Growth,
    Log,
    Main,
    Outbox,
    Shell,
    SkipLink,
    SpentFeed,
    Starter,
    ThreadLink,
    Welcome,
)
from agentchat.ui.components.message import messages
from agentchat.ui.components.notices import (
    build_notice,
    model_notice,
    problem_notice,
    tools_notice,
)
from agentchat.ui.components.parts import ask_teller
from agentchat.ui.components.presence import who_is_here, who_types
from agentchat.ui.components.route import disconnected, route_thread
from agentchat.ui.components.sharing import read_only, share_button
from agentchat.ui.components.sidebar import sidebar
from agentchat.ui.components.transfer import file_menu
from agentchat.ui.said import said
from agentchat.ui.states.actions import ActionsState
from agentchat.ui.states.agents import AgentsState
from agentchat.ui.states.model import ModelState
from agentchat.ui.states.presence import PresenceState
from agentchat.ui.states.spent import SpentState
from agentchat.ui.states.thread import ThreadState
from agentchat.ui.states.tool_servers import ToolServersState

_arrived = ThreadState.shown == route_thread
_missing = _arrived & ThreadState.missing
_there = _arrived & ~ThreadState.missing & (route_thread != "")
_read_only = _there & (ThreadState.role == "viewer")
_messages = ThreadState.far + ThreadState.older + ThreadState.settled + ThreadState.live
_elsewhere = ThreadState.far + ThreadState.others
_growing = _elsewhere + ThreadState.live
_other_is_live: rx.Var[bool] = rx.Var(
    f"{_elsewhere!s}.some((one) => ['pending', 'running'].includes(one.status))",
    _var_type=bool,
    _var_data=_elsewhere._get_all_var_data(),
)
"""Whether an answer waits or grows that is not kept, or far back: it can be stopped, too."""

_several_are_live: rx.Var[bool] = rx.Var(
    f"({ThreadState.live!s}.filter((one) => one.role === 'assistant').length > 1)",
    _var_type=bool,
    _var_data=ThreadState.live._get_all_var_data(),
)
"""Whether answers wait behind the one that is written: they are stopped with it."""

chat_title = rx.cond(
    _arrived & (ThreadState.title != ""), f"{ThreadState.title} · {words.APP}", words.APP
)
"""What the browser calls the page."""


def chat_page() -> rx.Component:
    """Threads at the left, the thread with its message box at the right."""
    return rx.fragment(
        SkipLink.create(words.SKIP),
        Shell.create(
            sidebar(),
            Main.create(
                _header(),
                build_notice(),
                model_notice(),
                tools_notice(),
                problem_notice(),
                _conversation(),
            ),
        ),
    )


def _header() -> rx.Component:
    model = ModelState.model
    return rx.el.header(
        DrawerButton.create(opens=True, label=words.SHOW_THREADS),
        rx.cond(
            _arrived & (ThreadState.parent != ""),
            ThreadLink.create(
                rx.icon("arrow-left", aria_hidden=True),
                rx.el.span(words.PART_OF, class_name="visually-hidden"),
                to=f"/t/{ThreadState.parent}",
                class_name="icon-button",
            ),
        ),
        rx.el.h1(
            rx.cond(
                (route_thread == "") | _missing,
                rx.el.span(words.NEW_THREAD, class_name="visually-hidden"),
                rx.cond(
                    _arrived,
                    rx.cond(ThreadState.title != "", ThreadState.title, words.UNTITLED),
                    rx.fragment(
                        rx.el.span(class_name="title-wait", aria_hidden=True),
                        rx.el.span(words_threads.NOT_HERE_YET, class_name="visually-hidden"),
                    ),
                ),
            ),
            class_name="header-title",
        ),
        rx.cond(
            _there,
            rx.fragment(
                who_is_here(),
                file_menu(ThreadState.shown),
                rx.cond(ThreadState.parent == "", share_button()),
            ),
        ),
        rx.cond(
            model.label != "",
            rx.el.div(
                rx.el.span(class_name="model-dot", aria_hidden=True),
                rx.el.span(words.MODEL, ": ", class_name="visually-hidden"),
                rx.el.span(model.label),
                class_name="model-chip",
                title=model.id,
                data_state=model.state,
                data_part="model",
            ),
        ),
        class_name=rx.cond(route_thread == "", "header", "header titled"),
    )


def _conversation() -> rx.Component:
    return rx.fragment(
        Growth.create(tail=ThreadState.tail, live=_growing, on_missed=ThreadState.catch_up),
        SpentFeed.create(
            spent=SpentState.spent, problem=said(SpentState.problem), on_show=SpentState.show
        ),
        desk(_log(), count=_messages.length()),
        ask_teller(_growing),
        rx.el.div(
            rx.cond(_read_only, read_only(), _composer()),
            rx.cond(_there, who_types()),
            class_name="dock",
        ),
    )


def _log() -> rx.Component:
    empty = (ThreadState.settled.length() == 0) & (ThreadState.live.length() == 0)
    return Log.create(
        rx.cond(
            _arrived,
            rx.cond(ThreadState.missing, _gone(), _rows()),
            # In a tab that comes from a thread that is still shown; a new one waits for nothing.
            rx.cond(route_thread != "", _skeleton()),
        ),
        Welcome.create(_welcome(), empty=(route_thread == "") | (_arrived & empty & ~_missing)),
        Outbox.create(
            shown=ThreadState.shown,
            missing=_missing,
            settled=ThreadState.settled,
            live=ThreadState.live,
            accepted=ThreadState.accepted,
            rejected=ThreadState.refused,
            online=~disconnected,
            words=words.OUTBOX,
            file_words=words_files.MESSAGE,
            on_send=ThreadState.send,
        ),
        shown=ThreadState.shown,
        first=rx.cond(empty, "", _messages[0].id),
        label=words.MESSAGES,
        jump=words.LATEST,
    )


def _composer() -> rx.Component:
    return Composer.create(
        shown=ThreadState.shown,
        missing=_missing,
        running=ThreadState.live.length() > 0,
        beside=_other_is_live,
        several=_several_are_live,
        agents=AgentsState.agents,
        agent=ThreadState.agent,
        model=ModelState.model.label,
        models=AgentsState.models,
        chosen_model=ThreadState.model,
        joins=joins_answer,
        returned=ActionsState.line.returned,
        lacking=ToolServersState.missing,
        second=ThreadState.second,
        watched=PresenceState.here.people.length() > 0,
        words=words.COMPOSER,
        agent_words=words.AGENTS,
        file_words=words_files.COMPOSER,
        command_words=words_search.COMMANDS,
        waiting_words=words_waiting.WAITING,
        on_send=ThreadState.send,
        on_stop=ThreadState.stop,
        on_agent=ThreadState.choose_agent,
        on_model=ThreadState.choose_model,
        on_collect=ActionsState.collect,
        on_second=ThreadState.choose_second,
        on_typing=PresenceState.typing,
    )


def _rows() -> rx.Component:
    return rx.fragment(
        rx.cond(
            ThreadState.back != "",
            Earlier.create(words.LOAD_EARLIER, to=ThreadState.back),
        ),
        # One list, so that an answer that is complete stays the element that it was.
        messages(_messages),
    )


def _welcome() -> rx.Component:
    return rx.el.div(
        rx.el.h2(words.GREETING, class_name="greeting"),
        rx.el.p(words.GREETING_MORE),
        rx.el.div(
            *(Starter.create(title=title, text=text) for title, text in words.STARTERS),
            class_name="starters",
        ),
        ThreadLink.create(
            words_transfer.IMPORT_FIRST, to=words_transfer.IMPORT_PATH, class_name="start-import"
        ),
        class_name="start",
    )


def _skeleton() -> rx.Component:
    return rx.el.div(
        *(rx.el.div(style={"width": width}) for width in ("40%", "92%", "85%", "60%")),
        class_name="skeleton",
        aria_hidden=True,
    )


def _gone() -> rx.Component:
    return rx.el.div(
        rx.el.h2(words.MISSING_TITLE, class_name="note-title"),
        rx.el.p(words.MISSING),
        rx.el.a(words.START_OVER, href="/", class_name="button primary"),
        class_name="center-note",
        data_part="missing",
    )
