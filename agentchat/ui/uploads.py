"""Files on their way to messages: ``/uploads``, for pages of this app and for scripts.

``POST /uploads`` takes one file as the whole body, its name percent-encoded in ``X-File-Name``, and
answers with its id, name, type and size. That header no form of another site can send. ``GET``
lists what a person has not sent yet, with the limits; ``/uploads/ID`` shows one, and ``DELETE``
removes it. ``/files/ID/text`` is the beginning of what can be read of a file of a message. What
went wrong is under ``error``, in words.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final
from urllib.parse import unquote

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agentchat.accounts.limits import place_of
from agentchat.chat import AgentChat
from agentchat.errors import (
    AgentChatError,
    FileTooLarge,
    NotAllowed,
    NotFound,
    StorageUnavailable,
    TooManyTries,
)
from agentchat.login.requests import Refused, cross_site, visiting
from agentchat.ui.downloads import response_of
from agentchat.ui.visits import actor_of
from agentchat.views import Actor

UPLOADS: Final = "/uploads"
NAME: Final = "x-file-name"
AT_ONCE: Final = 12
"""How many files of one person may be coming at once."""
AT_ONCE_FROM: Final = 48
"""How many may come at once from one address: an office shares one."""
SILENCE: Final = 30.0
"""Seconds without a byte after which whoever sends a file has gone."""
LONGEST: Final = timedelta(minutes=15)
"""How long a file may take to come."""
LINGER: Final = 1.0
"""Seconds for which what is refused is still taken in: whoever is cut off while sending does not
hear why."""
LINGER_BYTES: Final = 8_000_000
_ONE = re.compile(r"/uploads/([A-Za-z0-9_-]{8,64})")
_TEXT = re.compile(r"/files/([A-Za-z0-9_-]{8,64})/text")
_STATUS: Final = (
    (FileTooLarge, 413),
    (NotAllowed, 403),
    (NotFound, 404),
    (TooManyTries, 429),
    (StorageUnavailable, 503),
    (AgentChatError, 400),
)


class Gone(Exception):
    """Whoever sent a file has gone: nobody is there to be answered."""


class _Places:
    """Files that are coming just now, by the person and by the address that sends them."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()

    @contextmanager
    def taken(self, person: str, address: str) -> Iterator[None]:
        """Raise Refused if so many are coming already."""
        most = {f"person {person}": AT_ONCE, f"address {address}": AT_ONCE_FROM}
        if any(self._taken[who] >= number for who, number in most.items()):
            raise Refused(429, "So many files are coming already. Wait until some are there.")
        self._taken.update(most.keys())
        try:
            yield
        finally:
            self._taken.subtract(most.keys())
            # Only what is taken is remembered.
            self._taken = +self._taken


def with_uploads(app: ASGIApp, chat: AgentChat) -> ASGIApp:
    """``app`` with the addresses under ``/uploads``, and ``/files/ID/text``."""
    places = _Places()

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"] if scope["type"] == "http" else ""
        if path != UPLOADS and not _ONE.fullmatch(path) and not _TEXT.fullmatch(path):
            await app(scope, receive, send)
            return
        try:
            response = await _answer(chat, scope, receive, places)
        except Gone:
            return
        except Refused as refused:
            response = answer_of(refused.status, {"error": str(refused)})
            if refused.status == 429:
                response.headers["Retry-After"] = "2"
        except AgentChatError as error:
            response = explained(error)
        await send_whole(response, scope, receive, send)

    return serve


async def _answer(chat: AgentChat, scope: Scope, receive: Receive, places: _Places) -> Response:
    settings = chat.settings
    if settings is None or chat.health is None:
        raise Refused(503, "The app is not open yet, or no more.")
    method, path = scope["method"], scope["path"]
    headers = Headers(scope=scope)
    asked = visiting(scope, settings, lambda: None, {})
    changes = method not in ("GET", "HEAD")
    if changes and (refused := cross_site(headers, settings.origins, cookies="cookie" in headers)):
        raise Refused(403, refused)
    actor = await actor_of(chat, asked.token)
    if (found := _TEXT.fullmatch(path)) and not changes:
        return answer_of(200, asdict(await chat.files.preview(found[1], actor=actor)))
    if path == UPLOADS and method == "POST":
        with places.taken(actor.id, place_of(asked.address)):
            return await _kept(chat, headers, receive, actor)
    if path == UPLOADS and not changes:
        unsent = await chat.files.unsent(actor=actor)
        limits = chat.files.limits
        files = [asdict(file) for file in unsent]
        told = {"most": limits.most, "most_bytes": limits.most_bytes}
        return answer_of(200, {"files": files, **told})
    if (found := _ONE.fullmatch(path)) and not changes:
        return response_of(await chat.files.get_unsent(found[1], actor=actor))
    if found and method == "DELETE":
        await chat.files.discard(found[1], actor=actor)
        return Response(status_code=204)
    raise Refused(405, "That cannot be done here.")


async def _kept(chat: AgentChat, headers: Headers, receive: Receive, actor: Actor) -> Response:
    name = headers.get(NAME)
    if name is None:
        raise Refused(415, "This takes a file as the whole body, and its name in X-File-Name.")
    try:
        name = unquote(name, errors="strict")
    except UnicodeDecodeError:
        raise Refused(400, "The name of the file is not percent-encoded UTF-8.") from None
    told = headers.get("content-length", "")
    size = int(told) if re.fullmatch(r"[0-9]{1,18}", told) else None
    async with aclosing(pieces_of(receive)) as pieces:
        kept = await chat.files.upload(name, pieces, size=size, actor=actor)
    return answer_of(201, asdict(kept))


async def pieces_of(receive: Receive) -> AsyncGenerator[bytes, None]:
    """A body as it comes; raises Refused once it takes too long."""
    end = asyncio.get_running_loop().time() + LONGEST.total_seconds()
    while True:
        left = end - asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(min(SILENCE, left)):
                message: Message = await receive()
        except TimeoutError:
            raise Refused(408, "The file did not come in time. Try again.") from None
        if message["type"] != "http.request":
            raise Gone
        if piece := message.get("body", b""):
            yield piece
        if not message.get("more_body", False):
            return


async def send_whole(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Send an answer; with one that refuses a file the connection ends, since nobody reads the
    rest of what is coming on it.
    """
    if scope["method"] != "POST" or response.status_code < 400:
        await response(scope, receive, send)
        return
    response.headers["Connection"] = "close"
    start = {"type": "http.response.start", "status": response.status_code}
    await send({**start, "headers": response.raw_headers})
    await send({"type": "http.response.body", "body": response.body, "more_body": True})
    await _linger(receive)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _linger(receive: Receive) -> None:
    came = 0
    try:
        async with asyncio.timeout(LINGER):
            while came < LINGER_BYTES:
                message = await receive()
                came += len(message.get("body", b""))
                if message["type"] != "http.request" or not message.get("more_body", False):
                    return
    except TimeoutError:
        return


def explained(error: AgentChatError) -> Response:
    """What is answered to a request that came to this error."""
    status = next(code for kind, code in _STATUS if isinstance(error, kind))
    response = answer_of(status, {"error": str(error)})
    if isinstance(error, TooManyTries):
        response.headers["Retry-After"] = str(math.ceil(error.retry_after.total_seconds()))
    return response


def answer_of(status: int, content: dict[str, Any]) -> Response:
    """An answer in JSON, which nobody keeps."""
    return JSONResponse(content, status, {"Cache-Control": "no-store"})
