"""Who may open a page, and which state a tab has: both go by the login in the browser's cookie."""

from __future__ import annotations

import hashlib
import uuid
from typing import Final
from urllib.parse import parse_qs, parse_qsl, quote, urlencode

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from agentchat.chat import AgentChat
from agentchat.errors import AgentChatError
from agentchat.login.requests import safe_path
from agentchat.ui import words_accounts as words
from agentchat.ui import words_sharing
from agentchat.ui.visits import token_among

_TO_COME_IN: Final = (words.LOGIN_PATH, words.SIGN_UP_PATH)
"""For whoever is not logged in, and of no use to others."""
ENTRANCES: Final = (*_TO_COME_IN, words.INVITE_PATH, words.RESET_PATH, words_sharing.READ_PATH)
"""The pages that may be opened by whoever is not logged in. They show nothing of anybody, but for
the thread whose public link somebody comes with.
"""


def logged_in_only(app: ASGIApp, chat: AgentChat) -> ASGIApp:
    """Wrap an app so that its pages are sent to whoever is logged in, and others to the page
    where one logs in, and back from there.

    Pages hold no data: this keeps them from being seen for a moment. What they show comes over
    the socket, which asks again.
    """

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        to = await _elsewhere(scope, chat) if scope["type"] == "http" else ""
        if to:
            response = RedirectResponse(to, 303, {"Cache-Control": "no-store"})
            await response(scope, receive, send)
        else:
            await app(scope, receive, send)

    return wrapped


async def _elsewhere(scope: Scope, chat: AgentChat) -> str:
    """Where a browser has to go that asks for a page, empty if it may stay."""
    headers, settings = Headers(scope=scope), chat.settings
    page = scope["method"] in ("GET", "HEAD") and "text/html" in headers.get("accept", "")
    if not page or settings is None or chat.health is None:
        return ""
    path, query = scope["path"].rstrip("/") or "/", scope["query_string"].decode("latin-1")
    if settings.auth == "open":
        who = True
    elif path in ENTRANCES and path not in _TO_COME_IN:
        return ""
    else:
        cookies = "; ".join(headers.getlist("cookie"))
        try:
            who = await chat.accounts.who(token_among(chat, cookies)) is not None
        except AgentChatError:
            # The page says what is wrong.
            return ""
    if path in _TO_COME_IN:
        return safe_path(parse_qs(query).get("next", ["/"])[0]) if who else ""
    wanted = f"{path}?{query}" if query else path
    return "" if who else f"{words.LOGIN_PATH}?next={quote(wanted, safe='/')}"


def states_of_logins(app: ASGIApp, chat: AgentChat) -> ASGIApp:
    """Wrap Reflex's app so that a tab has a state for each login: whoever logs in after somebody
    else in the same tab begins with an empty one, and nobody gets to a state who knows no more
    than the name of its tab.
    """

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and chat.settings is not None:
            cookies = "; ".join(Headers(scope=scope).getlist("cookie"))
            query = _of_login(scope["query_string"], token_among(chat, cookies))
            scope = {**scope, "query_string": query}
        await app(scope, receive, send)

    return wrapped


def _of_login(query: bytes, login: str) -> bytes:
    told = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    return urlencode(
        [(name, _state_of(value, login) if name == "token" else value) for name, value in told]
    ).encode()


def _state_of(tab: str, login: str) -> str:
    digest = hashlib.sha256(f"{tab} {login}".encode()).digest()
    return str(uuid.UUID(bytes=digest[:16]))
