"""Threads as files: ``/export/threads/ID.json`` and ``.md`` to keep, and ``POST /import/file``,
which takes one as the whole body and answers with the threads that it made, and what was left out.
For administrators there is ``/export/ratings.jsonl``, a line for what somebody thinks of an answer.
What went wrong is under ``error``, in words.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Final, Literal

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from agentchat.chat import AgentChat
from agentchat.errors import AgentChatError
from agentchat.login.requests import Refused, cross_site, visiting
from agentchat.transfer.taken import MOST_BYTES
from agentchat.ui.exports import streamed
from agentchat.ui.uploads import Gone, answer_of, explained, pieces_of, send_whole
from agentchat.ui.visits import actor_of

IMPORT: Final = "/import/file"
AT_ONCE: Final = 2
"""How many files are taken in at once: each is whole in memory."""
_RATINGS: Final = "/export/ratings.jsonl"
_THREAD = re.compile(r"/export/threads/([A-Za-z0-9_-]{8,64})\.(json|md)")
_TOO_LARGE: Final = f"A file of threads has {MOST_BYTES / 1e6:,.0f} MB at most."
_BUSY: Final = "So many files are being taken in already. Try again in a minute."


def with_thread_files(app: ASGIApp, chat: AgentChat) -> ASGIApp:
    """``app`` with the addresses of files of threads."""
    coming: set[str] = set()

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"] if scope["type"] == "http" else ""
        if path == IMPORT:
            await _taken(chat, scope, receive, send, coming)
        elif path == _RATINGS and scope["method"] == "GET":
            rated = "ratings.jsonl", "application/jsonl"
            response = await streamed(chat, scope, lambda by: by.exported_ratings(), *rated)
            await response(scope, receive, send)
        elif (found := _THREAD.fullmatch(path)) and scope["method"] == "GET":
            form: Literal["json", "markdown"] = "json" if found[2] == "json" else "markdown"
            kind = "application/json" if form == "json" else "text/markdown; charset=utf-8"
            export = partial(_thread, thread_id=found[1], form=form)
            response = await streamed(chat, scope, export, f"thread-{found[1]}.{found[2]}", kind)
            await response(scope, receive, send)
        else:
            await app(scope, receive, send)

    return serve


def _thread(
    chat: AgentChat, thread_id: str, form: Literal["json", "markdown"]
) -> AsyncGenerator[str, None]:
    return chat.export_thread(thread_id, form)


async def _taken(
    chat: AgentChat, scope: Scope, receive: Receive, send: Send, coming: set[str]
) -> None:
    try:
        response = await _made(chat, scope, receive, coming)
    except Gone:
        return
    except Refused as refused:
        response = answer_of(refused.status, {"error": str(refused)})
    except AgentChatError as error:
        response = explained(error)
    await send_whole(response, scope, receive, send)


async def _made(chat: AgentChat, scope: Scope, receive: Receive, coming: set[str]) -> Response:
    if chat.settings is None or chat.health is None:
        raise Refused(503, "The app is not open yet, or no more.")
    if scope["method"] != "POST":
        raise Refused(405, "That cannot be done here.")
    headers = Headers(scope=scope)
    asked = visiting(scope, chat.settings, lambda: None, {})
    if refused := cross_site(headers, chat.settings.origins, cookies="cookie" in headers):
        raise Refused(403, refused)
    if headers.get("content-type", "").split(";")[0].strip() != "application/json":
        # No form of another site can send this.
        raise Refused(415, "This takes a file as the whole body, as application/json.")
    actor = await actor_of(chat, asked.token)
    if len(coming) >= AT_ONCE or actor.id in coming:
        raise Refused(429, _BUSY)
    coming.add(actor.id)
    try:
        told = headers.get("content-length", "")
        if re.fullmatch(r"[0-9]{1,18}", told) and int(told) > MOST_BYTES:
            raise Refused(413, _TOO_LARGE)
        body = bytearray()
        async with aclosing(pieces_of(receive)) as pieces:
            async for piece in pieces:
                body += piece
                if len(body) > MOST_BYTES:
                    raise Refused(413, _TOO_LARGE)
        done = await chat.import_threads(bytes(body), actor=actor)
    finally:
        coming.discard(actor.id)
    threads = [{"id": one.id, "title": one.title} for one in done.threads]
    return answer_of(201, {"threads": threads, "left_out": list(done.left_out)})
