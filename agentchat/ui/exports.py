"""Files that are made while they are sent: a run as JSON, and what people did."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable
from functools import partial

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from agentchat.chat import AgentChat
from agentchat.errors import AgentChatError, NotAllowed, NotFound
from agentchat.ui.visits import actor_of, token_among

_RUN = re.compile(r"/export/runs/([A-Za-z0-9_-]{8,64})\.json")
_AUDITS = "/export/audits.jsonl"


def with_exports(app: ASGIApp, chat: AgentChat) -> ASGIApp:
    """``app`` with ``/export/runs/ID.json`` (see :mod:`agentchat.operations.exported`) and, for
    administrators, ``/export/audits.jsonl``, a line for each thing that somebody did.
    """

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await app(scope, receive, send)
        elif scope["path"] == _AUDITS:
            audits = "audits.jsonl", "application/jsonl"
            response = await _sent(chat, scope, lambda by: by.operations.audits.exported(), *audits)
            await response(scope, receive, send)
        elif found := _RUN.fullmatch(scope["path"]):
            run = f"run-{found[1]}.json", "application/json"
            exported = partial(_run, run_id=found[1])
            response = await _sent(chat, scope, exported, *run)
            await response(scope, receive, send)
        else:
            await app(scope, receive, send)

    return serve


def _run(chat: AgentChat, run_id: str) -> AsyncGenerator[str, None]:
    return chat.operations.details.exported(run_id)


async def _sent(
    chat: AgentChat,
    scope: Scope,
    export: Callable[[AgentChat], AsyncGenerator[str, None]],
    name: str,
    media_type: str,
) -> Response:
    cookies = "; ".join(Headers(scope=scope).getlist("cookie"))
    try:
        pieces = export(chat.by(await actor_of(chat, token_among(chat, cookies))))
        # Whether it is there, and may be seen, is known with the first piece.
        first = await anext(pieces, "")
    except AgentChatError as error:
        known = {NotFound: 404, NotAllowed: 403}
        status = next((code for kind, code in known.items() if isinstance(error, kind)), 400)
        return JSONResponse({"error": str(error)}, status)
    return StreamingResponse(
        _whole(first, pieces),
        media_type=media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
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
