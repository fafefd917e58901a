"""How this app connects to a model server: addresses, keys, proxies and time limits."""

from __future__ import annotations

import asyncio
import importlib
import ipaddress
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar
from urllib.parse import urlsplit

from agentchat.errors import ConfigError
from agentchat.llm.base import ModelRequest

if TYPE_CHECKING:
    import httpx2

READ_TIMEOUT = timedelta(seconds=60)
"""The longest silence between two pieces of an answer."""


class _Closable(Protocol):
    async def close(self) -> None: ...


ClientT = TypeVar("ClientT", bound=_Closable)


class LazyClient(Generic[ClientT]):
    """A vendor's client, made on first use.

    ``module`` is imported in a thread first: that takes one to three seconds, which no
    other answer under way may have to wait for. Then ``make`` is called.
    """

    def __init__(self, module: str, make: Callable[[], ClientT]) -> None:
        self._module = module
        self._make = make
        self._client: ClientT | None = None
        self._making = asyncio.Lock()
        self._warming: asyncio.Task[ClientT] | None = None

    def warm(self) -> None:
        """Begin to make the client, to spare the first answer the wait."""
        self._warming = asyncio.create_task(self.get())

    async def get(self) -> ClientT:
        """The client, the same one each time until it is closed."""
        async with self._making:
            if self._client is None:
                await asyncio.to_thread(importlib.import_module, self._module)
                self._client = self._make()
            return self._client

    async def close(self) -> None:
        """Close every connection. Safe to call twice."""
        if self._warming is not None:
            self._warming.cancel()
        client, self._client = self._client, None
        if client is not None:
            await client.close()


def checked_key(key: str, whose: str) -> str:
    """``key`` without blanks around it.

    Raises :class:`ConfigError` when it cannot be sent in an HTTP header at all: a
    pasted quote or a line break would otherwise look like a lost connection.
    """
    key = key.strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigError(
            f"The API key for {whose} is empty or has a character in it that no key has"
            " (a space, a line break, a curly quote). Copy it again."
        )
    return key


def checked_url(url: str) -> str:
    """``url`` as given. Raises :class:`ConfigError` when it is not an http(s) address."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(
            f"{url!r} is not the address of a model server."
            " Write it in full, for example http://127.0.0.1:8080/v1"
        )
    return url


def vendor_at(base_url: str, official_url: str, official_name: str) -> str:
    """Whom a person is told about: the vendor by name, any other server by its address."""
    host = urlsplit(base_url).netloc.rpartition("@")[2]
    return official_name if host == urlsplit(official_url).netloc else f"The model server at {host}"


def http_client(base_url: str, read_timeout: timedelta) -> httpx2.AsyncClient:
    """A client with our time limits, for either vendor's SDK."""
    import httpx2

    here = _on_this_machine(base_url)
    return httpx2.AsyncClient(
        timeout=time_limits(read_timeout),
        limits=httpx2.Limits(
            max_connections=1000,
            # llama.cpp's server drops a connection just as it is used again (5 % of calls
            # under load); on this machine a new one costs nothing.
            max_keepalive_connections=0 if here else 100,
        ),
        follow_redirects=True,
        # A company proxy in the environment cannot reach a server on this machine.
        trust_env=not here,
    )


def idempotency_headers(request: ModelRequest) -> dict[str, str] | None:
    """The header by which a server can tell a repeated call, where it looks at it."""
    key = request.idempotency_key
    return None if key is None else {"Idempotency-Key": key}


def time_limits(read_timeout: timedelta) -> httpx2.Timeout:
    """Both SDKs would wait 600 seconds; a person is waiting here."""
    import httpx2

    return httpx2.Timeout(connect=5, read=read_timeout.total_seconds(), write=30, pool=5)


def _on_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
