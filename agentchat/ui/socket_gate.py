"""What may come in through the socket: what our pages send, and not more than people do.

Whoever reaches the port can open a socket and send anything. What is refused here has cost
one look at one frame: no state was loaded, no handler ran.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Collection
from typing import Any, Final
from urllib.parse import parse_qs

from reflex_base.registry import RegistrationContext
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from agentchat.ui.event_shapes import wrong_with_event

logger = logging.getLogger(__name__)

PATH = "/_event"
MOST_BYTES = 1_000_000
"""How large one frame may be; a message of the most characters has less than half of it."""
BURST = 100
"""How many frames a socket may send at once before it has to wait."""
PER_SECOND = 20.0
"""How many it may send each second after that; no hand is that fast."""

_TOKEN = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PONG, _CLOSE = "3", "1"
_CONNECT, _DISCONNECT, _EVENT = f"40{PATH},", f"41{PATH},", f"42{PATH},"
_NAMES: Final = frozenset({"event", "ping", "client_error"})


class _Unwanted(Exception):
    """A frame that no page of ours sends; its words say why."""

    code = 1008


class _TooLarge(_Unwanted):
    code = 1009


class _Harmless(_Unwanted):
    """One that a page of an older build may send: it is let drop."""


def guarded_socket(app: ASGIApp, origins: Collection[str]) -> ASGIApp:
    """Wrap Reflex's app so that its socket takes only what pages of these origins send.

    Refused before it opens: another origin or none, a token that is not a UUID, any transport
    but WebSocket. Closed with words: frames that are too large or of another protocol. Let
    drop, with a line in the log: events of unknown handlers, or with arguments that do not
    fit. Faster than :data:`PER_SECOND`, frames wait, which is felt only by who sent them.
    """

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _is_socket(scope):
            await PlainTextResponse("Only WebSocket is spoken here.\n", 400)(scope, receive, send)
        elif scope["type"] == "websocket":
            if refused := _refusal(scope, origins):
                await WebSocket(scope, receive, send).send_denial_response(refused)
            else:
                gate = _Gate(receive, send)
                await app(scope, gate.receive, gate.send)
        else:
            await app(scope, receive, send)

    return wrapped


def _is_socket(scope: Scope) -> bool:
    path: str = scope["path"]
    return path == PATH or path.startswith(f"{PATH}/")


def _refusal(scope: Scope, origins: Collection[str]) -> Response | None:
    if not _is_socket(scope):
        return PlainTextResponse("There is no socket here.\n", 404)
    # Every browser says where a socket's page came from; what does not is no page.
    said = Headers(scope=scope).getlist("origin")
    if len(said) != 1 or said[0] not in origins:
        logger.warning("A socket was refused, of the origin %r", ", ".join(said)[:200])
        return PlainTextResponse("Only this app's own pages may open this socket.\n", 403)
    tokens = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
    if len(tokens) != 1 or not _TOKEN.fullmatch(tokens[0]):
        return PlainTextResponse("The token of a tab is a UUID.\n", 400)
    return None


class Pace:
    """A bucket of tokens: how long to wait so that no more than ``per_second`` go on for ever,
    and ``burst`` at once.
    """

    def __init__(self, burst: int, per_second: float) -> None:
        self._burst, self._per_second = burst, per_second
        self._left, self._at = float(burst), float("-inf")

    def delay(self, now: float) -> float:
        """The seconds that one more, come at ``now``, has to wait; 0 if none."""
        if self._at != float("-inf"):
            came = (now - self._at) * self._per_second
            self._left = min(float(self._burst), self._left + came)
        self._at = now
        self._left -= 1
        return max(0.0, -self._left / self._per_second)


class _Gate:
    """The way in of one socket."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._pace = Pace(BURST, PER_SECOND)
        self._connected = False
        self._closed = False
        self._told: set[str] = set()

    async def receive(self) -> Message:
        """The next message that may pass."""
        while True:
            message = await self._receive()
            if message["type"] != "websocket.receive":
                return message
            if self._closed:
                continue
            if delay := self._pace.delay(asyncio.get_running_loop().time()):
                self._log("A socket sends faster than anybody types; it is read more slowly")
                await asyncio.sleep(delay)
            try:
                self._check(message)
            except _Harmless as unwanted:
                self._log(f"An event was not taken: {unwanted}")
            except _Unwanted as unwanted:
                self._log(f"A socket was closed: {unwanted}")
                return await self._close(unwanted.code, str(unwanted))
            else:
                return message

    async def send(self, message: Message) -> None:
        """Send, as long as there is somebody to send to."""
        if not self._closed:
            await self._send(message)

    async def _close(self, code: int, words: str) -> Message:
        await self._send({"type": "websocket.close", "code": code, "reason": words})
        self._closed = True
        return {"type": "websocket.disconnect", "code": code, "reason": words}

    def _log(self, words: str) -> None:
        # Once for each socket: a flood must not become one of the log.
        if words not in self._told and len(self._told) < 5:
            self._told.add(words)
            logger.warning(words)

    def _check(self, message: Message) -> None:
        text = message.get("text")
        if not isinstance(text, str):
            raise _Unwanted("bytes, where all is text")
        # Characters first: they are counted already.
        if len(text) > MOST_BYTES or len(text.encode("utf-8", "replace")) > MOST_BYTES:
            raise _TooLarge(f"too large, {MOST_BYTES:,} bytes is the most")
        if text in (_PONG, _CLOSE, _DISCONNECT):
            return
        if text.startswith(_CONNECT):
            if self._connected:
                raise _Unwanted("it is connected already")
            self._connected = True
            _check_boot(_parsed(text[len(_CONNECT) :]) if text != _CONNECT else None)
        elif text.startswith(_EVENT) and self._connected:
            _check_event(_parsed(text[len(_EVENT) :]))
        else:
            raise _Unwanted("not what pages of this app send")


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise _Unwanted("no JSON") from None


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _check_boot(data: Any) -> None:
    """What comes with the connection: the first event, if any."""
    if data is None:
        return
    if not isinstance(data, dict):
        raise _Unwanted("it does not connect as pages do")
    if (event := data.get("event")) is not None and (wrong := _wrong(event)):
        # Without its first event a page never shows anything: better it learns of it.
        raise _Unwanted(wrong)


def _check_event(data: Any) -> None:
    if not isinstance(data, list) or not data or not isinstance(data[0], str):
        raise _Unwanted("no event")
    if data[0] not in _NAMES or len(data) > 2:
        raise _Harmless("nobody listens to it")
    if data[0] == "event" and (wrong := _wrong(data[1] if len(data) == 2 else None)):
        raise _Harmless(wrong)


def _wrong(event: Any) -> str:
    return wrong_with_event(event, RegistrationContext.get().event_handlers)
