"""Files that are made while they are sent: a run as JSON."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator

from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from agentchat.chat import AgentChat
from agentchat.errors import AgentChatError, NotAllowed, NotFound

_PATH = re.compile(r"/export/runs/([A-Za-z0-9_-]{8,64})\.json")


def with_exports(app: ASGIApp, chat: AgentChat) -> ASGIApp:
    """``app`` with ``/export/runs/ID.json``: see :mod:`agentchat.operations.exported`."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        found = _PATH.fullmatch(scope["path"]) if scope["type"] == "http" else None
        if found is None or scope["method"] not in ("GET", "HEAD"):
            await app(scope, receive, send)
            return
        response = await _exported(chat, found[1])
        await response(scope, receive, send)

    return serve


async def _exported(chat: AgentChat, run_id: str) -> Response:
    pieces = chat.operations.details.exported(run_id)
    try:
        # Whether there is a run, and may be seen, is known with the first piece.
        first = await anext(pieces)
    except AgentChatError as error:
        known = {NotFound: 404, NotAllowed: 403}
        status = next((code for kind, code in known.items() if isinstance(error, kind)), 400)
        return JSONResponse({"error": str(error)}, status)
    return StreamingResponse(
        _whole(first, pieces),
        media_type="application/json",
        headers={
            "Content-Disposition": f'attachment; filename="run-{run_id}.json"',
            "Cache-Control": "no-store",
        },
    )


async def _whole(first: str, pieces: AsyncGenerator[str, None]) -> AsyncGenerator[str, None]:
    try:
        yield first
        async for piece in pieces:
            yield piece
    finally:
        await pieces.aclose()
