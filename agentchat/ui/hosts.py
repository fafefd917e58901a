"""By which names the app may be asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit, urlunsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
UNKNOWN_HOST = (
    "This app does not answer to that name. Open it at one of: {known}. (A page of another site"
    " that points its own name here could otherwise read it.)\n"
)


def known_hosts(app: ASGIApp, origins: Iterable[str]) -> ASGIApp:
    """Wrap an app so that it answers only what was asked of a host in these origins, over HTTP
    and sockets: 421 in words for all others.

    Browsers let a page read what its own name points to, also if that is this machine. The
    name is what it cannot change. A redirect to another page of the app names the page alone: a
    proxy may have taken TLS off, or the port from the name, and then it would lead elsewhere.
    """
    origins = tuple(origins)
    known = frozenset(urlsplit(origin).hostname for origin in origins)

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await app(scope, receive, send)
            return
        asked = Headers(scope=scope).getlist("host")
        if len(asked) == 1 and host_of(asked[0]) in known:

            async def send_here(message: Message) -> None:
                if message["type"] == "http.response.start":
                    _redirect_within(MutableHeaders(scope=message), asked[0])
                await send(message)

            await app(scope, receive, send_here if scope["type"] == "http" else send)
            return
        refused = PlainTextResponse(UNKNOWN_HOST.format(known=", ".join(origins)), 421)
        if scope["type"] == "http":
            await refused(scope, receive, send)
        else:
            await WebSocket(scope, receive, send).send_denial_response(refused)

    return wrapped


def host_of(header: str) -> str | None:
    """The name in a ``Host`` header, without its port; None if it is no such header."""
    found = _HOST.fullmatch(header)
    return found[1].strip("[]").lower() if found else None


def _redirect_within(headers: MutableHeaders, asked: str) -> None:
    to = urlsplit(headers.get("location", ""))
    # Two slashes, also as browsers read them, would begin the name of another site.
    if to.netloc == asked and not to.path[1:].startswith(("/", "\\")):
        headers["location"] = urlunsplit(("", "", to.path or "/", to.query, to.fragment))
