"""Files of messages, handed to browsers so that they cannot do anything there."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from agentchat.chat import AgentChat
from agentchat.errors import AgentChatError, NotAllowed, NotFound
from agentchat.ui.visits import actor_of, token_among
from agentchat.views import FileContent

_PATH = re.compile(r"/files/([A-Za-z0-9_-]{8,64})")
PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""What a browser shows and cannot carry out. SVG is no picture here: it may hold scripts."""
_HARMLESS: Final = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; sandbox"


def with_downloads(app: ASGIApp, chat: AgentChat) -> ASGIApp:
    """``app`` with ``/files/ID``: a file of a message, for who may read its thread.

    Pictures are shown; all else is a download without a type, whatever it says that it is.
    """

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        found = _PATH.fullmatch(scope["path"]) if scope["type"] == "http" else None
        if found is None or scope["method"] not in ("GET", "HEAD"):
            await app(scope, receive, send)
            return
        cookies = "; ".join(Headers(scope=scope).getlist("cookie"))
        response = await _file(chat, found[1], cookies)
        await response(scope, receive, send)

    return serve


async def _file(chat: AgentChat, file_id: str, cookies: str) -> Response:
    try:
        actor = await actor_of(chat, token_among(chat, cookies))
        return response_of(await chat.files.get(file_id, actor=actor))
    except AgentChatError as error:
        known = {NotFound: 404, NotAllowed: 403}
        status = next((code for kind, code in known.items() if isinstance(error, kind)), 400)
        return PlainTextResponse(f"{error}\n", status, {"Cache-Control": "no-store"})


def response_of(file: FileContent) -> Response:
    """The answer that holds a file."""
    picture = file.media_type in PICTURES
    # The first name is for what does not read the second.
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", file.name)
    named = f"filename=\"{plain}\"; filename*=UTF-8''{quote(file.name, safe='')}"
    return Response(
        file.content,
        media_type=file.media_type if picture else "application/octet-stream",
        headers={
            "Content-Disposition": f"{'inline' if picture else 'attachment'}; {named}",
            "Content-Security-Policy": _HARMLESS,
            "Cache-Control": "private, no-store",
        },
    )
