"""Files that are made while they are sent: a run as JSON, and what people did."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable
from functools import partial
from typing import Literal

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from agentchat.chat import AgentChat
from agentchat.errors import AgentChatError, InvalidInput, NotAllowed, NotFound
from agentchat.operations.audit_filters import audits_asked
from agentchat.ui.visits import actor_of, token_among

_RUN = re.compile(r"/export/runs/([A-Za-z0-9_-]{8,64})\.json")
_AUDITS: dict[str, tuple[Literal["jsonl", "csv"], str]] = {
    "/export/audits.jsonl": ("jsonl", "application/jsonl"),
    "/export/audits.csv": ("csv", "text/csv; charset=utf-8"),
}


def with_exports(app: ASGIApp, chat: AgentChat) -> ASGIApp:
    """``app`` with ``/export/runs/ID.json`` (see :mod:`agentchat.operations.exported`) and, for
    administrators, ``/export/audits.jsonl`` and ``/export/audits.csv``, a line for each thing that
    somebody did; the filters of the page of audits may stand in its address. Each is written to
    the audits itself.
    """

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await app(scope, receive, send)
        elif scope["path"] in _AUDITS:
            form, media_type = _AUDITS[scope["path"]]
            exported = partial(_audits, query=scope["query_string"].decode("latin-1"), form=form)
            response = await streamed(chat, scope, exported, f"audits.{form}", media_type)
            await response(scope, receive, send)
        elif found := _RUN.fullmatch(scope["path"]):
            run = f"run-{found[1]}.json", "application/json"
            response = await streamed(chat, scope, partial(_run, run_id=found[1]), *run)
            await response(scope, receive, send)
        else:
            await app(scope, receive, send)

    return serve


def _run(chat: AgentChat, run_id: str) -> AsyncGenerator[str, None]:
    return chat.operations.details.exported(run_id)


def _audits(
    chat: AgentChat, query: str, form: Literal["jsonl", "csv"]
) -> AsyncGenerator[str, None]:
    asked = audits_asked(query)
    if asked.problems:
        # A file that holds more than was asked for would not show it.
        raise InvalidInput(" ".join(asked.problems))
    return chat.operations.audits.exported(asked.wanted, form=form)


async def streamed(
    chat: AgentChat,
    scope: Scope,
    export: Callable[[AgentChat], AsyncGenerator[str, None]],
    name: str,
    media_type: str,
) -> Response:
    """What a verb exports, made while it is sent, to whoever asks for it; or why not."""
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
