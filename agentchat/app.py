"""The composition root: settings make an AgentChat, the states talk to it, Reflex serves them."""

from __future__ import annotations

import logging

import reflex as rx
from reflex.event import EventSpec
from reflex.utils.prerequisites import get_web_dir
from reflex_base.vars.function import ArgsFunctionOperation
from reflex_components_core.base.error_boundary import ErrorBoundary
from starlette.types import ASGIApp

from agentchat.chat import AgentChat
from agentchat.ui import words, words_memory
from agentchat.ui.bridge import serving
from agentchat.ui.components.notices import connection_notice
from agentchat.ui.headers import security_headers
from agentchat.ui.pages.chat import chat_page, chat_title
from agentchat.ui.pages.inbox import inbox_page
from agentchat.ui.pages.memories import memories_page
from agentchat.ui.pages.notes import crash_page, loading_page, models_page, not_found_page
from agentchat.ui.states.agents import AgentsState
from agentchat.ui.states.asks import InboxState, WaitingState
from agentchat.ui.states.build import BuildState
from agentchat.ui.states.memories import MemoriesState
from agentchat.ui.states.model import ModelState
from agentchat.ui.states.notice import NoticeState
from agentchat.ui.states.thread import ThreadState
from agentchat.ui.states.threads import ThreadsState

logger = logging.getLogger(__name__)


def _with_headers(app: ASGIApp) -> ASGIApp:
    return security_headers(app, get_web_dir() / rx.constants.Dirs.STATIC)


def _error_boundary() -> rx.Component:
    fallback = ArgsFunctionOperation.create(("problem",), rx.Var.create(crash_page()))
    return ErrorBoundary.create(fallback_render=fallback)


def _say_something_went_wrong(exception: Exception) -> EventSpec:
    """A handler failed in a way nobody foresaw: the log gets all of it, the person a line."""
    logger.error("A handler of the pages failed", exc_info=exception)
    return NoticeState.say(words.SOMETHING_WRONG)


def build(chat: AgentChat) -> rx.App:
    """The web app of this AgentChat: with agents, tools and workflows of your own, for example.

    Its pages are the same whatever it is given, so one frontend serves them all.
    """
    app = rx.App(
        html_lang="en",
        toaster=None,
        hydrate_fallback=loading_page,
        app_wraps={
            (55, "ErrorBoundary"): lambda _: _error_boundary(),
            (5, "Overlay"): lambda _: connection_notice(),
        },
        api_transformer=_with_headers,
        backend_exception_handler=_say_something_went_wrong,
        head_components=[rx.el.link(rel="icon", href="/favicon.svg", type="image/svg+xml")],
    )
    app.register_lifespan_task(serving, chat=chat)
    common = [
        BuildState.tell,
        NoticeState.dismiss,
        AgentsState.tell,
        ThreadsState.follow,
        WaitingState.follow,
    ]
    for route in ("/", "/t/[thread_id]"):
        app.add_page(
            chat_page,
            route=route,
            title=chat_title,
            description=words.DESCRIPTION,
            on_load=[*common, ThreadState.follow, ModelState.follow],
        )
    app.add_page(
        inbox_page,
        route=words.INBOX_PATH,
        title=f"{words.INBOX} · {words.APP}",
        on_load=[*common, InboxState.follow],
    )
    app.add_page(
        memories_page,
        route=words.MEMORY_PATH,
        title=f"{words_memory.TITLE} · {words.APP}",
        on_load=[NoticeState.dismiss, MemoriesState.arrive, MemoriesState.follow],
    )
    app.add_page(models_page, route=words.MODEL_HELP, title=f"Models · {words.APP}")
    app.add_page(not_found_page, route="404", title=f"{words.NOT_FOUND_TITLE} · {words.APP}")
    return app


app: rx.App


def __getattr__(name: str) -> rx.App:
    """``app`` is made when it is first asked for: a process has one, and may build its own."""
    if name != "app":
        raise AttributeError(name)
    made = globals()["app"] = build(AgentChat())
    return made
