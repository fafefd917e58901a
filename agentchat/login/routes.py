"""Logging in and out over HTTP: ``/auth/...``, for pages of this app and for nobody else.

A browser keeps its token in a cookie that scripts cannot read. Each address takes a JSON object
and answers with one; what went wrong is under ``error``, in words.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agentchat.accounts import Accounts
from agentchat.accounts.oidc import CALLBACK
from agentchat.accounts.tokens import cookie_name, new_token, token_in
from agentchat.chat import AgentChat
from agentchat.errors import (
    AgentChatError,
    InvalidInput,
    NotAllowed,
    NotFound,
    ProviderFailed,
    StorageUnavailable,
    TooManyTries,
    WrongPassword,
    WrongState,
)
from agentchat.login.oidc import come_back, leave
from agentchat.login.requests import (
    DAY,
    Asked,
    Refused,
    asked_of,
    safe_path,
    set_cookie,
    warn_of_proxy,
)
from agentchat.settings import Settings

logger = logging.getLogger(__name__)

GUEST_DAYS = 365
"""How long a browser keeps who its guest is, from its first page on."""

_NOT_STORED: Final = {"Cache-Control": "no-store"}
_STATUS: Final = (
    (WrongPassword, 401),
    (NotAllowed, 403),
    (NotFound, 404),
    (WrongState, 409),
    (TooManyTries, 429),
    (InvalidInput, 400),
    (ProviderFailed, 502),
    (StorageUnavailable, 503),
)


def with_logins(app: ASGIApp, chat: AgentChat) -> ASGIApp:
    """Wrap an app so that people log in to this chat, and out.

    Where it is open to all, a page that is sent to a browser without a cookie brings one: who
    its guest is from then on. No row is written for that.
    """
    routes: dict[str, Callable[[Accounts, Settings, Asked], Awaitable[Response]]] = {
        "/auth/login": _log_in,
        "/auth/sign-up": _sign_up,
        "/auth/log-out": _log_out,
        "/auth/reset": _reset,
        "/auth/password": _change_password,
        "/auth/oidc": leave,
    }
    # Once is enough, however many come.
    warn = cache(warn_of_proxy)

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        settings = chat.settings
        if scope["type"] != "http" or settings is None:
            await app(scope, receive, send)
        elif scope["path"] == CALLBACK and chat.health is not None:
            await (await come_back(scope, chat.accounts, settings, warn))(scope, receive, send)
        elif (route := routes.get(scope["path"])) is not None:
            try:
                if chat.health is None:
                    raise Refused(503, "The app is not open yet, or no more.")
                asked = await asked_of(scope, receive, settings, warn)
                response = await route(chat.accounts, settings, asked)
            except Refused as refused:
                response = _said(refused.status, {"error": str(refused)})
            except AgentChatError as error:
                response = _explained(error)
            await response(scope, receive, send)
        elif settings.auth == "open" and _is_new_guest(scope, settings):
            await app(scope, receive, _with_guest(send, settings))
        else:
            await app(scope, receive, send)

    return wrapped


# What is answered


async def _log_in(accounts: Accounts, settings: Settings, asked: Asked) -> Response:
    token = await accounts.log_in(
        asked.text("name"),
        asked.text("password"),
        asked.address,
        asked.browser,
        replacing=asked.token,
    )
    return await _came_in(accounts, settings, asked, token)


async def _sign_up(accounts: Accounts, settings: Settings, asked: Asked) -> Response:
    token = await accounts.sign_up(
        asked.text("name"),
        asked.text("password"),
        asked.text("display_name"),
        asked.text("invitation"),
        address=asked.address,
        browser=asked.browser,
        replacing=asked.token,
    )
    return await _came_in(accounts, settings, asked, token)


async def _reset(accounts: Accounts, settings: Settings, asked: Asked) -> Response:
    token = await accounts.use_reset(
        asked.text("token"),
        asked.text("password"),
        address=asked.address,
        browser=asked.browser,
        replacing=asked.token,
    )
    return await _came_in(accounts, settings, asked, token)


async def _change_password(accounts: Accounts, _settings: Settings, asked: Asked) -> Response:
    actor = await accounts.who(asked.token)
    if actor is None:
        raise Refused(401, "Log in first.")
    await accounts.change_password(
        actor, asked.text("old"), asked.text("new"), token=asked.token, address=asked.address
    )
    return _said(200, {"changed": True})


async def _log_out(accounts: Accounts, settings: Settings, asked: Asked) -> Response:
    await accounts.log_out(asked.token)
    response = _said(200, {"next": safe_path(asked.text("next"))})
    set_cookie(response, settings, "", 0)
    return response


async def _came_in(accounts: Accounts, settings: Settings, asked: Asked, token: str) -> Response:
    actor = await accounts.who(token)
    if actor is None:
        # Deactivated, or logged out everywhere, in this very moment.
        raise WrongPassword
    said = {"id": actor.id, "name": actor.name, "admin": actor.admin}
    response = _said(200, {**said, "next": safe_path(asked.text("next"))})
    set_cookie(response, settings, token, settings.login_days * DAY)
    return response


def _explained(error: AgentChatError) -> Response:
    status = next((code for kind, code in _STATUS if isinstance(error, kind)), 500)
    if status == 500:
        logger.error("A request to log in failed", exc_info=error)
    response = _said(status, {"error": str(error)})
    if isinstance(error, TooManyTries):
        response.headers["Retry-After"] = str(math.ceil(error.retry_after.total_seconds()))
    return response


def _said(status: int, content: dict[str, Any]) -> Response:
    return JSONResponse(content, status, _NOT_STORED)


# Cookies


def _is_new_guest(scope: Scope, settings: Settings) -> bool:
    if scope["method"] != "GET":
        return False
    headers = Headers(scope=scope)
    if "text/html" not in headers.get("accept", ""):
        return False
    cookies = "; ".join(headers.getlist("cookie"))
    return not token_in(cookies, cookie_name(secure=settings.secure_cookies))


def _with_guest(send: Send, settings: Settings) -> Send:
    """Send a page with the cookie of a new guest; what is no page goes as it is."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            kind = headers.get("content-type", "text/html").partition(";")[0]
            if kind == "text/html" and message["status"] in (200, 304, 404):
                cookie = Response()
                set_cookie(cookie, settings, new_token(), GUEST_DAYS * DAY)
                headers.append("Set-Cookie", cookie.headers["set-cookie"])
                # Two browsers that were given one answer would be one person.
                headers["Cache-Control"] = "private, no-store"
        await send(message)

    return sending
