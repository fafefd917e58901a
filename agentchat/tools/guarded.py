"""The one way in which an agent's tools fetch from the web: public servers, within limits."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentchat.errors import ToolError
from agentchat.tools.addresses import (
    Address,
    Resolver,
    is_public,
    is_public_name,
    literal,
    resolve,
)
from agentchat.tools.bodies import Body, BodyRefused, media_type_of, read_body

if TYPE_CHECKING:
    import httpx2

USER_AGENT = "agentchat"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NOT_PUBLIC = "There is no public web server of that name, so it cannot be fetched."


class FetchRefused(ToolError):
    """This address may not be fetched."""


class FetchFailed(ToolError):
    """The server did not answer as it should."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What may be fetched, and how much of it; times are in seconds."""

    allowed: Callable[[Address], bool] = is_public
    """Asked for every address that a name resolves to. Only tests may put another here."""
    ports: frozenset[int] = frozenset({80, 443})
    most_url: int = 4_000
    most_redirects: int = 5
    most_header_bytes: int = 32_000
    most_bytes: int = 5_000_000
    """Of a body, as sent and as unpacked."""
    seconds: float = 20
    """For everything: names, redirects and the body."""
    connect_seconds: float = 5
    idle_seconds: float = 8
    """The longest silence of a server."""
    most_addresses: int = 4
    """How many addresses of one name are tried."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a server answered: ``content`` is empty unless ``status`` says that it succeeded.

    ``truncated`` says that it was longer than the limit, and the rest was not read.
    """

    url: str
    status: int
    media_type: str
    charset: str | None
    content: bytes
    truncated: bool = False


class GuardedClient:
    """Fetches from public web servers and from nowhere else.

    Names are resolved once, every address must be public, and the connection goes to what
    was checked, with the certificate of the name; a redirect is checked the same way.
    Nothing is kept between two calls: no connection, no cookie. No proxy is used.
    Nothing in the environment changes any of this.
    """

    def __init__(
        self,
        rules: Rules | None = None,
        *,
        resolver: Resolver = resolve,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._rules = rules or Rules()
        self._resolver = resolver
        self._tls = tls
        self._making = asyncio.Lock()

    async def get(self, url: str) -> Page:
        """What is at ``url``, redirects followed.

        Raises :class:`FetchRefused` when it may not be fetched, :class:`FetchFailed` when
        the server does not answer, or not within the limits.
        """
        try:
            async with asyncio.timeout(self._rules.seconds):
                return await self._follow(url)
        except TimeoutError as error:
            raise FetchFailed(
                f"The server took longer than {self._rules.seconds:g} seconds."
            ) from error

    async def _follow(self, url: str) -> Page:
        async with self._making:
            if self._tls is None:
                self._tls = await asyncio.to_thread(_tls)
        target = self._checked(url)
        for _ in range(self._rules.most_redirects + 1):
            answer = await self._fetch(target)
            if isinstance(answer, Page):
                return answer
            found = self._checked(answer, target)
            if target.scheme == "https" and found.scheme == "http":
                raise FetchRefused("The address leads from https to http, which is not followed.")
            target = found
        raise FetchRefused(f"The address leads on more than {self._rules.most_redirects} times.")

    def _checked(self, url: str, base: httpx2.URL | None = None) -> httpx2.URL:
        """``url`` taken apart, once: what is checked is what is connected to."""
        import httpx2

        rules = self._rules
        if len(url) > rules.most_url:
            raise FetchRefused(f"The address is longer than {rules.most_url:,} characters.")
        if any(character <= " " or character in "\\\x7f" for character in url):
            raise FetchRefused("The address has a blank or a backslash in it.")
        try:
            parsed = httpx2.URL(url) if base is None else base.join(url)
            parsed = parsed.copy_with(fragment=None)
        except (httpx2.InvalidURL, UnicodeError, ValueError) as error:
            raise FetchRefused("That is not a valid address.") from error
        if parsed.scheme not in ("http", "https"):
            raise FetchRefused("Only addresses that begin with http:// or https:// can be fetched.")
        if parsed.userinfo:
            raise FetchRefused("An address with a user or a password in it is not fetched.")
        if _port(parsed) not in rules.ports:
            raise FetchRefused("Only the usual web ports, 80 and 443, can be fetched.")
        host = _host(parsed)
        if literal(host) is None and not is_public_name(host):
            raise FetchRefused(_NOT_PUBLIC)
        return parsed

    async def _fetch(self, target: httpx2.URL) -> Page | str:
        """A page, or where it is instead."""
        import httpx2

        addresses = await self._addresses(_host(target), _port(target))
        for address in addresses[: self._rules.most_addresses]:
            try:
                return await self._fetch_from(address, target)
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                continue
            except httpx2.TimeoutException as error:
                raise FetchFailed("The server stopped answering.") from error
            except httpx2.HTTPError as error:
                raise FetchFailed("The server does not answer as a web server should.") from error
            except BodyRefused as error:
                raise FetchFailed(str(error)) from error
        raise FetchFailed("The server cannot be reached, or its certificate is not valid.")

    async def _addresses(self, host: str, port: int) -> Sequence[Address]:
        """Every address of the host, all of them allowed; refused in the same words as a name
        that does not exist, so that nobody learns which internal names do.
        """
        written = literal(host)
        if written is not None:
            found: list[Address | None] = [written]
        else:
            try:
                found = [literal(one) for one in await self._resolver(host, port)]
            except (OSError, UnicodeError) as error:
                raise FetchRefused(_NOT_PUBLIC) from error
        good = [one for one in found if one is not None and self._rules.allowed(one)]
        if not good or len(good) != len(found):
            raise FetchRefused(_NOT_PUBLIC)
        return good

    async def _fetch_from(self, address: Address, target: httpx2.URL) -> Page | str:
        import httpx2

        rules = self._rules
        assert self._tls is not None
        request = httpx2.Request(
            "GET",
            target.copy_with(host=str(address)),
            headers={
                "Host": target.netloc.decode("ascii"),
                "User-Agent": USER_AGENT,
                "Accept": "text/html, text/*, application/json, application/pdf, */*;q=0.5",
                "Accept-Encoding": "gzip",
                "Connection": "close",
            },
            extensions={
                "timeout": httpx2.Timeout(
                    rules.idle_seconds, connect=rules.connect_seconds
                ).as_dict(),
                "sni_hostname": _host(target),
            },
        )
        # A transport of its own for each hop: a pool would know connections by address alone,
        # and a client would look for proxies, cookies and passwords.
        async with httpx2.AsyncHTTPTransport(verify=self._tls, trust_env=False) as transport:
            response = await transport.handle_async_request(request)
            try:
                return await self._answered(response, target)
            finally:
                await response.aclose()

    async def _answered(self, response: httpx2.Response, target: httpx2.URL) -> Page | str:
        headers = response.headers
        size = sum(len(name) + len(value) for name, value in headers.raw)
        if size > self._rules.most_header_bytes:
            raise FetchFailed("The server's answer has too long a header.")
        status = response.status_code
        if status in _REDIRECTS and "location" in headers:
            return str(headers["location"])
        media_type, charset = media_type_of(headers.get("content-type", ""))
        body = Body(media_type, b"")
        if 200 <= status < 300:
            body = await read_body(response, media_type, self._rules.most_bytes)
        return Page(str(target), status, body.media_type, charset, body.content, body.truncated)


def _host(url: httpx2.URL) -> str:
    return url.raw_host.decode("ascii").lower()


def _port(url: httpx2.URL) -> int:
    if url.port is not None:
        return url.port
    return 443 if url.scheme == "https" else 80


def _tls() -> ssl.SSLContext:
    import httpx2

    return httpx2.create_ssl_context(trust_env=False)
