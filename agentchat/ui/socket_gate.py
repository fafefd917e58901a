"""What may come in through the socket: what our pages send, and not more than people do.

Whoever reaches the port can open a socket and send anything. What is refused here has cost
one look at one frame: no state was loaded, no handler ran.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections import Counter
from collections.abc import Collection
from typing import Any, Final
from urllib.parse import parse_qs

from reflex_base.registry import RegistrationContext
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from agentchat.ui.event_shapes import wrong_with_event
from agentchat.ui.rate_limits import Address, Addresses, Bucket
from agentchat.ui.request_gate import too_many

logger = logging.getLogger(__name__)

PATH = "/_event"
MOST_BYTES = 1_000_000
"""How large one frame may be; a message of the most characters has less than half of it."""
BURST = 100
"""How many frames a socket may send at once before it has to wait."""
PER_SECOND = 20.0
"""How many it may send each second after that; no hand is that fast."""
FRAME: Final = 20_000
"""Bytes that count as one more frame: to read a large one is as much work as many small ones."""
DEAR: Final = 5
"""How many frames an event counts that reads much: one that loads a page, or begins to follow."""
FLOOD_SECONDS = 10.0
"""How long a socket may go on sending faster than that before it is closed."""
CONNECT_SECONDS = 10.0
"""How long a socket may be open before it connects as pages do."""
LINES, LINES_EVERY = 50, 3.0
"""How many lines of one kind go into the log at once, and after how many seconds one more."""

_TOKEN = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PONG, _CLOSE = "3", "1"
_CONNECT, _DISCONNECT, _EVENT = f"40{PATH},", f"41{PATH},", f"42{PATH},"
_NAMES: Final = frozenset({"event", "ping", "client_error"})
_LOADING: Final = frozenset({"hydrate", "hydrate_and_load", "on_load_internal"})


class _Unwanted(Exception):
    """A frame that no page of ours sends; its words say why."""

    code = 1008


class _TooLarge(_Unwanted):
    code = 1009


class _Flooding(_Unwanted):
    """More than anybody types, for long."""


class _Harmless(_Unwanted):
    """One that a page of an older build may send: it is let drop."""


def guarded_socket(app: ASGIApp, origins: Collection[str], addresses: Addresses) -> ASGIApp:
    """Wrap Reflex's app so that its socket takes only what pages of these origins send.

    Refused before it opens: another origin or none, a token that is not a UUID, any transport
    but WebSocket, more of them than one of the ``addresses`` may have. Closed with words: frames
    that are too large or of another protocol, and a flood that goes on. Let drop, with a line in
    the log: events of unknown handlers, or with arguments that do not fit. Faster than
    :data:`PER_SECOND`, and faster than an address may be with all its sockets, frames wait, which
    is felt only by who sent them.
    """
    log = _Log()

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _is_socket(scope):
            await PlainTextResponse("Only WebSocket is spoken here.\n", 400)(scope, receive, send)
        elif scope["type"] == "websocket":
            address = addresses.of(scope)
            wait = address.wait_to_open(addresses.now())
            if wait is None:
                await addresses.refuse(address, "Sockets")
                refused: Response | None = too_many(scope["path"])
            else:
                refused = _refusal(scope, origins, log)
            if refused is not None:
                await WebSocket(scope, receive, send).send_denial_response(refused)
                return
            address.sockets += 1
            try:
                await addresses.sleep(wait or 0)
                gate = _Gate(receive, send, addresses, address, log)
                await app(scope, gate.receive, gate.send)
            finally:
                address.sockets -= 1
        else:
            await app(scope, receive, send)

    return wrapped


def _is_socket(scope: Scope) -> bool:
    path: str = scope["path"]
    return path == PATH or path.startswith(f"{PATH}/")


def _refusal(scope: Scope, origins: Collection[str], log: _Log) -> Response | None:
    if not _is_socket(scope):
        return PlainTextResponse("There is no socket here.\n", 404)
    # Every browser says where a socket's page came from; what does not is no page.
    said = Headers(scope=scope).getlist("origin")
    if len(said) != 1 or said[0] not in origins:
        log.warn("A socket was refused", f"of the origin {', '.join(said)[:200]!r}")
        return PlainTextResponse("Only this app's own pages may open this socket.\n", 403)
    tokens = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
    if len(tokens) != 1 or not _TOKEN.fullmatch(tokens[0]):
        return PlainTextResponse("The token of a tab is a UUID.\n", 400)
    return None


class _Log:
    """Lines for the log: of each kind not so many that a flood becomes one of the log."""

    def __init__(self) -> None:
        self._paces: dict[str, Bucket] = {}
        self._left_out: Counter[str] = Counter()

    def warn(self, kind: str, words: str = "") -> None:
        pace = self._paces.setdefault(kind, Bucket(LINES, 1 / LINES_EVERY))
        if pace.delay(asyncio.get_running_loop().time(), most=0):
            self._left_out[kind] += 1
            return
        left_out = self._left_out.pop(kind, 0)
        more = f" ({left_out} such lines were left out before)" if left_out else ""
        logger.warning("%s%s%s", kind, words and f": {words}", more)


class _Gate:
    """The way in of one socket."""

    def __init__(
        self, receive: Receive, send: Send, addresses: Addresses, address: Address, log: _Log
    ) -> None:
        self._receive, self._send = receive, send
        self._addresses, self._address = addresses, address
        self._pace = Bucket(BURST, PER_SECOND)
        self._fast_since: float | None = None
        self._connect_by = asyncio.get_running_loop().time() + CONNECT_SECONDS
        self._connected = False
        self._closed = False
        self._log = log
        self._told: set[tuple[str, str]] = set()

    async def receive(self) -> Message:
        """The next message that may pass."""
        while True:
            try:
                message = await self._next()
                if message["type"] != "websocket.receive":
                    return message
                if self._closed:
                    continue
                text = _text(message)
                await self._in_turn(1 + len(text) / FRAME)
                dearer = self._check(text)
                if dearer:
                    await self._in_turn(dearer)
            except _Harmless as unwanted:
                self._warn("An event was not taken", str(unwanted))
            except _Unwanted as unwanted:
                self._warn("A socket was closed", str(unwanted))
                return await self._close(unwanted.code, str(unwanted))
            else:
                return message

    async def send(self, message: Message) -> None:
        """Send, as long as there is somebody to send to."""
        if not self._closed:
            await self._send(message)

    async def _next(self) -> Message:
        if self._connected or self._closed:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._connect_by):
                return await self._receive()
        except TimeoutError:
            raise _Unwanted("it has not connected") from None

    async def _in_turn(self, cost: float) -> None:
        """Wait until something of this cost may pass."""
        now = self._addresses.now()
        wait = self._pace.delay(now, cost)
        if self._pace.rested:
            self._fast_since = None
        elif wait:
            # What came in while this process was busy is no pause of who sends.
            self._warn("A socket sends faster than anybody types; it is read more slowly")
            self._fast_since = now if self._fast_since is None else self._fast_since
            if now - self._fast_since > FLOOD_SECONDS:
                raise _Flooding(f"it went on sending too fast for {FLOOD_SECONDS:g} seconds")
        # Others of the same address are no reason to close this one.
        if wait := max(wait, self._address.events.delay(now, cost)):
            await self._addresses.sleep(wait)

    async def _close(self, code: int, words: str) -> Message:
        await self._send({"type": "websocket.close", "code": code, "reason": words})
        self._closed = True
        return {"type": "websocket.disconnect", "code": code, "reason": words}

    def _warn(self, kind: str, words: str = "") -> None:
        if (kind, words) not in self._told and len(self._told) < 5:
            self._told.add((kind, words))
            self._log.warn(kind, words)

    def _check(self, text: str) -> int:
        """Raise what is wrong with a frame; returns how many more it counts as."""
        if text in (_PONG, _CLOSE, _DISCONNECT):
            return 0
        if text.startswith(_CONNECT):
            if self._connected:
                raise _Unwanted("it is connected already")
            self._connected = True
            return _check_boot(_parsed(text[len(_CONNECT) :]) if text != _CONNECT else None)
        if text.startswith(_EVENT) and self._connected:
            return _check_event(_parsed(text[len(_EVENT) :]))
        raise _Unwanted("not what pages of this app send")


def _text(message: Message) -> str:
    text = message.get("text")
    if not isinstance(text, str):
        raise _Unwanted("bytes, where all is text")
    # Characters first: they are counted already.
    if len(text) > MOST_BYTES or len(text.encode("utf-8", "replace")) > MOST_BYTES:
        raise _TooLarge(f"too large, {MOST_BYTES:,} bytes is the most")
    return text


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise _Unwanted("no JSON") from None


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _check_boot(data: Any) -> int:
    """What comes with the connection: the first event, if any."""
    if data is None:
        return 0
    if not isinstance(data, dict):
        raise _Unwanted("it does not connect as pages do")
    event = data.get("event")
    if event is None:
        return 0
    if wrong := _wrong(event):
        # Without its first event a page never shows anything: better it learns of it.
        raise _Unwanted(wrong)
    return _dearer(event)


def _check_event(data: Any) -> int:
    if not isinstance(data, list) or not data or not isinstance(data[0], str):
        raise _Unwanted("no event")
    if data[0] not in _NAMES or len(data) > 2:
        raise _Harmless("nobody listens to it")
    if data[0] != "event":
        return 0
    event: Any = data[1] if len(data) == 2 else None
    if wrong := _wrong(event):
        raise _Harmless(wrong)
    return _dearer(event)


def _wrong(event: Any) -> str:
    return wrong_with_event(event, RegistrationContext.get().event_handlers)


def _dearer(event: dict[str, Any]) -> int:
    name: str = event["name"]
    handler = RegistrationContext.get().event_handlers[name].handler
    loads = name.rpartition(".")[2] in _LOADING
    return DEAR - 1 if loads or handler.is_background else 0
