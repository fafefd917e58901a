"""What machines ask a server: ``/health``, ``/ready`` and ``/metrics``."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from agentchat.chat import AgentChat
from agentchat.settings import Settings

_NOT_STORED: Final = {"Cache-Control": "no-store"}
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


def with_endpoints(app: ASGIApp, chat: AgentChat) -> ASGIApp:
    """Wrap an app so that the addresses for machines answer for this chat."""

    async def health(_request: Request) -> Response:
        if chat.health is None:
            return _said(503, "starting", "The app is not open yet, or no more.")
        alive = await chat.health.alive()
        return _said(200, "alive", "The process is alive: its event loop moves.", **alive)

    async def ready(_request: Request) -> Response:
        if chat.health is None:
            return _said(503, "starting", "The app is not open yet, or no more.")
        found = await chat.health.ready()
        checks = {name: asdict(check) for name, check in found.checks.items()}
        if found.ready:
            return _said(200, "ready", "Runs are carried out here.", checks=checks)
        needed = [check for name, check in found.checks.items() if name != "model"]
        wrong = " ".join(check.words for check in needed if not check.ok)
        return _said(503, "not ready", wrong, checks=checks)

    async def metrics(request: Request) -> Response:
        if chat.health is None:
            return _words(503, "The app is not open yet, or no more.")
        if chat.metrics is None:
            return _words(404, "Metrics are switched off by AGENTCHAT_METRICS.")
        assert chat.settings is not None
        client = request.client.host if request.client is not None else ""
        if refused := refusal(chat.settings, client, request.headers):
            return refused
        text = await chat.metrics.text()
        return Response(text, headers=_NOT_STORED, media_type=chat.metrics.content_type)

    answers: dict[str, Callable[[Request], Awaitable[Response]]] = {
        "/health": health,
        "/ready": ready,
        "/metrics": metrics,
    }

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        answer = answers.get(scope["path"]) if scope["type"] == "http" else None
        if answer is None:
            await app(scope, receive, send)
        elif scope["method"] not in ("GET", "HEAD"):
            response = _words(405, "This can only be read.")
            response.headers["Allow"] = "GET, HEAD"
            await response(scope, receive, send)
        else:
            await (await answer(Request(scope, receive)))(scope, receive, send)

    return wrapped


def refusal(settings: Settings, client: str, headers: Headers) -> Response | None:
    """Why this reader may not see the metrics, None if it may.

    With ``AGENTCHAT_METRICS_TOKEN`` whoever shows it may, from anywhere; without it only this
    machine, asked for by its own name and not through a proxy.
    """
    if settings.metrics_token is not None:
        kind, _, shown = headers.get("authorization", "").partition(" ")
        token = settings.metrics_token.get_secret_value()
        if kind.lower() == "bearer" and hmac.compare_digest(shown.strip().encode(), token.encode()):
            return None
        response = _words(401, "Show the token: Authorization: Bearer AGENTCHAT_METRICS_TOKEN.")
        response.headers["WWW-Authenticate"] = 'Bearer realm="agentchat metrics"'
        return response
    # By its own name: a page of another site that points its name here is not let in.
    host = urlsplit(f"//{headers.get('host', '')}").hostname or ""
    here = _is_loopback(client) and (host == "localhost" or _is_loopback(host))
    if here and not any(name in headers for name in _FORWARDED):
        return None
    return _words(
        403, "Only this machine may read the metrics; set AGENTCHAT_METRICS_TOKEN for others."
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _said(code: int, status: str, words: str, **more: object) -> Response:
    return JSONResponse({"status": status, "words": words, **more}, code, _NOT_STORED)


def _words(code: int, words: str) -> Response:
    return PlainTextResponse(f"{words}\n", code, _NOT_STORED)
