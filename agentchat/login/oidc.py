"""Logging in with an identity provider over HTTP: a browser leaves for it, and comes back."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import Scope

from agentchat.accounts import Accounts
from agentchat.accounts.oidc import CALLBACK, Flow
from agentchat.errors import (
    AgentChatError,
    InvalidInput,
    NotAllowed,
    NotFound,
    TooManyTries,
)
from agentchat.login.requests import DAY, Asked, safe_path, set_cookie, visiting
from agentchat.settings import Settings

logger = logging.getLogger(__name__)

AWAY_FOR: Final = 600
"""How many seconds a person may stay at the provider."""
LOGIN: Final = "/login#problem="
"""Where somebody is sent who was not let in; one of these follows, never words of a stranger."""
_PROBLEMS: Final = (
    (NotAllowed, "not-allowed"),
    (NotFound, "link"),
    (TooManyTries, "too-often"),
    (InvalidInput, "not-asked"),
)


async def leave(accounts: Accounts, settings: Settings, asked: Asked) -> Response:
    """Tell a page where to go, and give the browser what it must bring back."""
    url, flow = await accounts.begin_with_provider(
        safe_path(asked.text("next")), asked.text("invitation")
    )
    response = JSONResponse({"url": url}, headers={"Cache-Control": "no-store"})
    _keep(response, settings, flow.packed(), AWAY_FOR)
    return response


async def come_back(
    scope: Scope, accounts: Accounts, settings: Settings, warn: Callable[[], None]
) -> Response:
    """Let in whom the provider sends back, if this browser was sent there.

    What the provider answers is of use in this browser alone, so that nobody is logged in as
    somebody else by a link.
    """
    flow = Flow.unpacked(_kept(scope, settings))
    try:
        if scope["method"] != "GET" or flow is None:
            raise InvalidInput("This was not asked for here.")
        asked = visiting(scope, settings, warn, {})
        token = await accounts.log_in_with_provider(
            flow,
            dict(parse_qsl(scope["query_string"].decode("latin-1"))),
            address=asked.address,
            browser=asked.browser,
            replacing=asked.token,
        )
        response = _sent(safe_path(flow.next))
        set_cookie(response, settings, token, settings.login_days * DAY)
    except AgentChatError as error:
        problem = next((name for kind, name in _PROBLEMS if isinstance(error, kind)), "failed")
        response = _sent(LOGIN + problem)
    _keep(response, settings, "", 0)
    return response


def _sent(where: str) -> Response:
    return RedirectResponse(where, 303, {"Cache-Control": "no-store"})


def _name(settings: Settings) -> str:
    # With this prefix a browser sends it nowhere but here.
    return "__Host-agentchat-oidc" if settings.secure_cookies else "agentchat-oidc"


def _kept(scope: Scope, settings: Settings) -> str:
    for line in Headers(scope=scope).getlist("cookie"):
        for part in line.split(";"):
            name, _, value = part.strip().partition("=")
            if name == _name(settings):
                return value
    return ""


def _keep(response: Response, settings: Settings, value: str, seconds: int) -> None:
    secure = settings.secure_cookies
    response.set_cookie(
        _name(settings),
        value,
        max_age=seconds,
        path="/" if secure else CALLBACK,
        secure=secure,
        httponly=True,
        # It must come along when the provider sends the person back.
        samesite="lax",
    )
