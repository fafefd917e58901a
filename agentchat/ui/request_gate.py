"""How often an address may ask for pages and files, and log in."""

from __future__ import annotations

import math
from typing import Final

from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from agentchat.ui.rate_limits import MOST_WAIT, Addresses

TOO_MANY: Final = "Too much was asked for from this address. Try again in {seconds} s."
PART: Final = 0.05
"""What a part of a page counts, such as a script: a page has dozens."""
_OWN: Final = ("/auth/", "/files/", "/export/", "/uploads")
_OF_SCRIPTS: Final = ("/auth/", "/uploads")


def limited_requests(app: ASGIApp, addresses: Addresses) -> ASGIApp:
    """Wrap an app so that no address asks it for more than
    :data:`~agentchat.ui.rate_limits.REQUESTS` a second: what is more waits for its turn, and what
    would wait too long is told to come later, by 429.
    """

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        address = addresses.of(scope)
        wait = address.requests.turn(addresses.now(), _cost(scope["path"]))
        if wait is None:
            await addresses.refuse(address, "Requests")
            await too_many(scope["path"])(scope, receive, send)
            return
        if wait:
            await addresses.sleep(wait)
        await app(scope, receive, send)

    return wrapped


def too_many(path: str) -> Response:
    """The answer to who asks for too much."""
    seconds = math.ceil(MOST_WAIT)
    headers = {"Retry-After": str(seconds), "Cache-Control": "no-store"}
    words = TOO_MANY.format(seconds=seconds)
    if path.startswith(_OF_SCRIPTS):
        # As pages read what they asked for.
        return JSONResponse({"error": words}, 429, headers)
    return PlainTextResponse(f"{words}\n", 429, headers)


def _cost(path: str) -> float:
    return PART if "." in path.rpartition("/")[2] and not path.startswith(_OWN) else 1.0
