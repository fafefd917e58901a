"""Requests to log in: which may be answered, what they hold, and where they came from."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Message, Receive, Scope

from agentchat.accounts.tokens import cookie_name, token_in
from agentchat.errors import InvalidInput
from agentchat.settings import Settings

logger = logging.getLogger(__name__)

MOST_BYTES = 16_384
"""How large a request may be."""
BODY_SECONDS = 15.0
"""How long it may take to come."""
DAY = 86_400


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that may be answered: its fields, and the browser that sent it."""

    fields: dict[str, Any]
    token: str
    address: str
    browser: str

    def text(self, name: str) -> str:
        """A field; raises InvalidInput unless it is text, empty if it is not there."""
        value = self.fields.get(name, "")
        if not isinstance(value, str):
            raise InvalidInput(f"{name!r} is text.")
        return value


class Refused(Exception):
    """Why a request is not answered."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


def safe_path(value: str) -> str:
    """Where to go next: a path of this app, or its first page for all else, and for what is too
    long for a cookie.
    """
    # Browsers read \ as /, and leave out tabs and line ends: what is left may name another host.
    plain = value.isprintable() and "\\" not in value and len(value) <= 1_000
    return value if plain and value.startswith("/") and not value.startswith("//") else "/"


async def asked_of(
    scope: Scope, receive: Receive, settings: Settings, warn: Callable[[], None]
) -> Asked:
    """A request as one of our own pages posts it; raises Refused for all others. ``warn`` is
    called for what came through a proxy that the settings do not tell of.
    """
    headers = Headers(scope=scope)
    if scope["method"] != "POST":
        raise Refused(405, "This takes POST.")
    cookies = "; ".join(headers.getlist("cookie"))
    if refused := cross_site(headers, settings.origins, cookies=bool(cookies)):
        raise Refused(403, refused)
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        # A form of another site could send any other kind.
        raise Refused(415, "This takes application/json.")
    return visiting(scope, settings, warn, _fields(await _body(receive)))


def visiting(
    scope: Scope, settings: Settings, warn: Callable[[], None], fields: dict[str, Any]
) -> Asked:
    """A request with these fields, from the browser that sends it."""
    headers = Headers(scope=scope)
    cookies = "; ".join(headers.getlist("cookie"))
    token = token_in(cookies, cookie_name(secure=settings.secure_cookies))
    peer = scope["client"][0] if scope.get("client") else ""
    if "x-forwarded-for" in headers and not settings.trusted_proxy_hops:
        warn()
    address = client_address(peer, headers, settings.trusted_proxy_hops)
    return Asked(fields, token, address, headers.get("user-agent", ""))


def warn_of_proxy() -> None:
    """Say in the log that logins come through a proxy that the settings do not tell of."""
    logger.warning(
        "A login came through a proxy. Set AGENTCHAT_TRUSTED_PROXY_HOPS to how many of yours there"
        " are: as long as it is 0, all who come through them share one address and its limits"
    )


def cross_site(headers: Headers, origins: tuple[str, ...], *, cookies: bool) -> str:
    """Why a request is not one of our own pages'; empty if it is, or if no browser sent it."""
    words = "Only pages of this app may send this."
    said = headers.getlist("origin")
    if said:
        if len(said) != 1 or said[0] not in origins:
            return words
    elif cookies:
        # Every browser tells the origin of a POST.
        return words
    site = headers.getlist("sec-fetch-site")
    return words if site and site != ["same-origin"] else ""


async def _body(receive: Receive) -> bytes:
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _whole(receive)
    except TimeoutError:
        raise Refused(408, "The request took too long to come.") from None


async def _whole(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message: Message = await receive()
        if message["type"] != "http.request":
            raise Refused(400, "The request was cut.")
        body += message.get("body", b"")
        if len(body) > MOST_BYTES:
            raise Refused(413, f"This is more than {MOST_BYTES:,} bytes.")
        if not message.get("more_body", False):
            return bytes(body)


def _fields(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, "This is no JSON.") from None
    if not isinstance(found, dict):
        raise Refused(400, "This takes a JSON object.")
    return found


def client_address(peer: str, headers: Headers, hops: int) -> str:
    """The address of who asks: that of the ``peer`` that is connected, or, behind so many
    proxies (``hops``), the one that the first of them saw. What came before may be made up.
    """
    told = [one.strip() for line in headers.getlist("x-forwarded-for") for one in line.split(",")]
    # Each proxy adds who asked it at the end; fewer entries were not made by all of ours.
    claimed = told[-hops] if 0 < hops <= len(told) else peer
    return _plain(claimed) or _plain(peer) or peer


def _plain(address: str) -> str:
    host = address
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        found = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return ""
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)


def set_cookie(response: Response, settings: Settings, token: str, seconds: int) -> None:
    """Have the browser keep a token for so long; 0 has it forget the one it holds."""
    secure = settings.secure_cookies
    response.set_cookie(
        cookie_name(secure=secure),
        token,
        max_age=seconds,
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )
