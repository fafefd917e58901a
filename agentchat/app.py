"""The composition root: settings make an AgentChat, the states talk to it, Reflex serves them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import Any

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
from agentchat.login.routes import with_logins
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
    words_threads,
    words_transfer,
)
from agentchat.ui.arrivals import logged_in_only, states_of_logins
from agentchat.ui.bridge import serving
from agentchat.ui.components.accounts import gate
from agentchat.ui.components.faults import fault_bar
from agentchat.ui.components.languages import language_arrived, language_script
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
from agentchat.ui.pages.put_away import archive_page, deleted_page
from agentchat.ui.pages.read import read_page, read_title
from agentchat.ui.pages.run import run_page, run_title
from agentchat.ui.pages.runs import runs_page
from agentchat.ui.pages.schedules import schedules_page
from agentchat.ui.pages.settings import SETTINGS_PAGES
from agentchat.ui.pages.transfer import import_page
from agentchat.ui.rate_limits import Addresses
from agentchat.ui.request_gate import limited_requests
from agentchat.ui.socket_gate import guarded_socket
from agentchat.ui.states.actions import ActionsState
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
from agentchat.ui.states.presence import PresenceState
from agentchat.ui.states.read import ReadState
from agentchat.ui.states.run import RunState, RunTabState, RunWholeState
from agentchat.ui.states.runs import RunsState
from agentchat.ui.states.schedules import SchedulesState
from agentchat.ui.states.sharing import JoinState, SharingState
from agentchat.ui.states.spent import SpentState
from agentchat.ui.states.thread import ThreadState
from agentchat.ui.states.threads import ArchiveState, DeletedState, ThreadsState
from agentchat.ui.states.tool_servers import ToolServersState
from agentchat.ui.thread_exports import with_thread_files
from agentchat.ui.uploads import with_uploads

logger = logging.getLogger(__name__)


def _with_headers(app: ASGIApp, chat: AgentChat) -> ASGIApp:
    pages = get_web_dir() / rx.constants.Dirs.STATIC
    settings = load_settings()
    # What rxconfig.py gives Reflex, too.
    origins = settings.origins
    addresses = Addresses(
        monotonic,
        most_sockets=settings.address_sockets,
        hops=settings.trusted_proxy_hops,
        open_to_all=settings.auth == "open",
    )
    socket = guarded_socket(states_of_logins(app, chat), origins, addresses)
    files = with_uploads(with_downloads(logged_in_only(socket, chat), chat), chat)
    pages_only = with_thread_files(with_exports(files, chat), chat)
    pages_only = with_logins(pages_only, chat)
    # Probes ask for an address, not for a name.
    served = with_endpoints(known_hosts(limited_requests(pages_only, addresses), origins), chat)
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


def _titled(name: str) -> rx.Var[str]:
    """What the browser calls a page, in the language that the page is in."""
    return rx.Var.create(f"{rx.Var.create(name)} · {words.APP}")


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
            (6, "Language"): lambda _: language_arrived(),
            (4, "Faults"): lambda _: fault_bar(),
            (3, "Gate"): lambda _: gate(),
        },
        api_transformer=partial(_with_headers, chat=chat),
        backend_exception_handler=_say_something_went_wrong,
        frontend_exception_handler=_note_in_log,
        head_components=[
            language_script(),
            rx.el.link(rel="icon", href="/favicon.svg", type="image/svg+xml"),
        ],
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
        app.add_page(page, route=path, title=_titled(name), on_load=arriving)
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
                ActionsState.follow,
            ],
        )
    app.add_page(
        join_page,
        route=words_sharing.JOIN_PATH,
        title=_titled(words_sharing.JOIN_TITLE),
        on_load=[AuthState.follow, BuildState.tell, JoinState.arrive],
    )
    app.add_page(
        read_page,
        route=words_sharing.READ_PATH,
        title=read_title,
        meta=[{"name": "robots", "content": "noindex"}],
        on_load=[BuildState.tell, ReadState.arrive, ReadState.follow],
    )
    app.add_page(
        run_page,
        route="/runs/[run_id]",
        title=run_title,
        on_load=[*common, RunWholeState.hide, RunState.follow, RunTabState.follow],
    )
    framed: tuple[tuple[Callable[[], rx.Component], str, str, list[Any]], ...] = (
        (inbox_page, words.INBOX_PATH, words.INBOX, [InboxState.follow]),
        (import_page, words_transfer.IMPORT_PATH, words_transfer.IMPORT_TITLE, []),
        (archive_page, words_threads.ARCHIVE_PATH, words_threads.ARCHIVE, [ArchiveState.follow]),
        (deleted_page, words_threads.DELETED_PATH, words_threads.DELETED, [DeletedState.follow]),
        (
            memories_page,
            words.MEMORY_PATH,
            words_memory.TITLE,
            [MemoriesState.arrive, MemoriesState.follow],
        ),
        (runs_page, words_runs.PATH, words_runs.TITLE, [RunsState.arrive, RunsState.follow]),
        (models_page, words.MODEL_HELP, words.MODELS_TITLE, []),
        (faults_page, words_faults.PATH, words_faults.TITLE, []),
        (overview_page, words_overview.PATH, words_overview.TITLE, [OverviewState.follow]),
        (
            schedules_page,
            words_schedules.PATH,
            words_schedules.TITLE,
            [SchedulesState.arrive, SchedulesState.follow],
        ),
    )
    for page, path, name, begins in framed:
        app.add_page(page, route=path, title=_titled(name), on_load=[*common, *begins])
    for path, (page, name, begins) in SETTINGS_PAGES.items():
        app.add_page(page, route=path, title=_titled(name), on_load=[*common, *begins])
    app.add_page(
        not_found_page,
        route="404",
        title=_titled(words.NOT_FOUND_TITLE),
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
