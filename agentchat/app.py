"""The composition root: settings make an AgentChat, the states talk to it, Reflex serves them."""

from __future__ import annotations

import logging
from functools import partial

import reflex as rx
from reflex.event import EventSpec
from reflex.state import FrontendEventExceptionState
from reflex.utils.prerequisites import get_web_dir
from reflex_base.environment import environment
from reflex_base.vars.function import ArgsFunctionOperation
from reflex_components_core.base.error_boundary import ErrorBoundary
from starlette.types import ASGIApp

from agentchat.agents.mcp import load_servers
from agentchat.chat import AgentChat
from agentchat.endpoints import with_endpoints
from agentchat.errors import AgentChatError
from agentchat.login_routes import with_logins
from agentchat.settings import load_settings
from agentchat.ui import (
    words,
    words_accounts,
    words_faults,
    words_memory,
    words_overview,
    words_runs,
    words_schedules,
    words_sharing,
)
from agentchat.ui.arrivals import logged_in_only, states_of_logins
from agentchat.ui.bridge import serving
from agentchat.ui.components.accounts import gate
from agentchat.ui.components.faults import fault_bar
from agentchat.ui.components.notices import connection_notice
from agentchat.ui.downloads import with_downloads
from agentchat.ui.exports import with_exports
from agentchat.ui.headers import security_headers
from agentchat.ui.hosts import known_hosts
from agentchat.ui.pages.chat import chat_page, chat_title
from agentchat.ui.pages.faults import faults_page
from agentchat.ui.pages.inbox import inbox_page
from agentchat.ui.pages.join import join_page
from agentchat.ui.pages.login import link_page, login_page, sign_up_page
from agentchat.ui.pages.memories import memories_page
from agentchat.ui.pages.notes import crash_page, loading_page, models_page, not_found_page
from agentchat.ui.pages.overview import overview_page
from agentchat.ui.pages.run import run_page, run_title
from agentchat.ui.pages.runs import runs_page
from agentchat.ui.pages.schedules import schedules_page
from agentchat.ui.pages.settings import settings_page
from agentchat.ui.socket_gate import guarded_socket
from agentchat.ui.states.account import AccountState
from agentchat.ui.states.agents import AgentsState
from agentchat.ui.states.asks import InboxState, WaitingState
from agentchat.ui.states.auth import AuthState
from agentchat.ui.states.build import BuildState
from agentchat.ui.states.entry import EntryState
from agentchat.ui.states.faults import FaultsState
from agentchat.ui.states.memories import MemoriesState
from agentchat.ui.states.model import ModelState
from agentchat.ui.states.notice import NoticeState
from agentchat.ui.states.overview import OverviewState
from agentchat.ui.states.people import PeopleState
from agentchat.ui.states.presence import PresenceState
from agentchat.ui.states.run import RunState, RunTabState, RunWholeState
from agentchat.ui.states.runs import RunsState
from agentchat.ui.states.schedules import SchedulesState
from agentchat.ui.states.sharing import JoinState, SharingState
from agentchat.ui.states.spent import SpentState
from agentchat.ui.states.thread import ThreadState
from agentchat.ui.states.threads import ThreadsState
from agentchat.ui.states.tool_servers import ToolServersState

logger = logging.getLogger(__name__)


def _with_headers(app: ASGIApp, chat: AgentChat) -> ASGIApp:
    pages = get_web_dir() / rx.constants.Dirs.STATIC
    # What rxconfig.py gives Reflex, too.
    origins = load_settings().origins
    socket = guarded_socket(states_of_logins(app, chat), origins)
    pages_only = with_exports(with_downloads(logged_in_only(socket, chat), chat), chat)
    pages_only = with_logins(pages_only, chat)
    # Probes ask for an address, not for a name.
    served = with_endpoints(known_hosts(pages_only, origins), chat)
    tls = all(origin.startswith("https:") for origin in origins)
    return security_headers(served, pages, tls=tls)


def _error_boundary() -> rx.Component:
    fallback = ArgsFunctionOperation.create(("problem",), rx.Var.create(crash_page()))
    return ErrorBoundary.create(fallback_render=fallback)


def _say_something_went_wrong(exception: Exception) -> EventSpec:
    """A handler failed in a way nobody foresaw: the log gets all of it, the person a line."""
    logger.error("A handler of the pages failed", exc_info=exception)
    return NoticeState.say(words.SOMETHING_WRONG)


def _note_in_log(exception: Exception) -> None:
    """A page says that it failed. Anybody may say so, in any words: one line, and not all."""
    logger.warning("A page failed: %.1000r", str(exception))


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
            (4, "Faults"): lambda _: fault_bar(),
            (3, "Gate"): lambda _: gate(),
        },
        api_transformer=partial(_with_headers, chat=chat),
        backend_exception_handler=_say_something_went_wrong,
        frontend_exception_handler=_note_in_log,
        head_components=[rx.el.link(rel="icon", href="/favicon.svg", type="image/svg+xml")],
    )
    # It would reload a page that failed, by a script that our pages do not evaluate; they say
    # it, and offer to be loaded again.
    FrontendEventExceptionState.auto_reload_on_errors = []
    app.register_lifespan_task(serving, chat=chat)
    arriving = [BuildState.tell, EntryState.arrive]
    for path, page, name in (
        (words_accounts.LOGIN_PATH, login_page, words_accounts.LOGIN),
        (words_accounts.SIGN_UP_PATH, sign_up_page, words_accounts.SIGN_UP),
        (words_accounts.INVITE_PATH, link_page, words_accounts.INVITATION),
        (words_accounts.RESET_PATH, link_page, words_accounts.RESET),
    ):
        app.add_page(page, route=path, title=f"{name} · {words.APP}", on_load=arriving)
    common = [
        AuthState.follow,
        BuildState.tell,
        NoticeState.dismiss,
        AgentsState.tell,
        ThreadsState.follow,
        WaitingState.follow,
        FaultsState.follow,
    ]
    for route in ("/", "/t/[thread_id]"):
        app.add_page(
            chat_page,
            route=route,
            title=chat_title,
            description=words.DESCRIPTION,
            on_load=[
                *common,
                ThreadState.follow,
                ModelState.follow,
                ToolServersState.follow,
                SpentState.follow,
                SharingState.arrive,
                SharingState.follow,
                PresenceState.follow,
            ],
        )
    app.add_page(
        join_page,
        route=words_sharing.JOIN_PATH,
        title=f"{words_sharing.JOIN_TITLE} · {words.APP}",
        on_load=[AuthState.follow, BuildState.tell, JoinState.arrive],
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
        on_load=[*common, MemoriesState.arrive, MemoriesState.follow],
    )
    app.add_page(
        runs_page,
        route=words_runs.PATH,
        title=f"{words_runs.TITLE} · {words.APP}",
        on_load=[*common, RunsState.arrive, RunsState.follow],
    )
    app.add_page(
        models_page,
        route=words.MODEL_HELP,
        title=f"{words.MODELS_TITLE} · {words.APP}",
        on_load=common,
    )
    app.add_page(
        run_page,
        route="/runs/[run_id]",
        title=run_title,
        on_load=[*common, RunWholeState.hide, RunState.follow, RunTabState.follow],
    )
    app.add_page(
        faults_page,
        route=words_faults.PATH,
        title=f"{words_faults.TITLE} · {words.APP}",
        on_load=common,
    )
    app.add_page(
        overview_page,
        route=words_overview.PATH,
        title=f"{words_overview.TITLE} · {words.APP}",
        on_load=[*common, OverviewState.follow],
    )
    app.add_page(
        schedules_page,
        route=words_schedules.PATH,
        title=f"{words_schedules.TITLE} · {words.APP}",
        on_load=[*common, SchedulesState.arrive, SchedulesState.follow],
    )
    app.add_page(
        settings_page,
        route=words_accounts.SETTINGS_PATH,
        title=f"{words_accounts.SETTINGS} · {words.APP}",
        on_load=[
            *common,
            AccountState.arrive,
            AccountState.follow,
            PeopleState.arrive,
            PeopleState.follow,
        ],
    )
    app.add_page(
        not_found_page,
        route="404",
        title=f"{words.NOT_FOUND_TITLE} · {words.APP}",
        on_load=[AuthState.follow, FaultsState.follow],
    )
    return app


app: rx.App


def __getattr__(name: str) -> rx.App:
    """``app`` is made when it is first asked for: a process has one, and may build its own."""
    if name != "app":
        raise AttributeError(name)
    if environment.REFLEX_COMPILE_CONTEXT.get() is rx.constants.CompileContext.RUN:
        _check_servers()
    made = globals()["app"] = build(AgentChat())
    return made


def _check_servers() -> None:
    """End ``reflex run`` in words if the file of MCP servers is wrong. Once it serves, Reflex
    would say it with tracebacks.
    """
    try:
        file = load_settings().mcp_file
        if file is not None:
            load_servers(file)
    except AgentChatError as error:
        raise SystemExit(str(error)) from None
