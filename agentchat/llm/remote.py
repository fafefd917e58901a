"""Models that are asked at an address: where that is, and which others there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable
from urllib.parse import urlsplit, urlunsplit

from agentchat.llm.base import Provider
from agentchat.llm.wrapped import unwrapped

SHOWN = 4
"""How many characters of a key may be shown, its last."""
LONG_ENOUGH = 20
"""Of a shorter one they would tell too much."""


@dataclass(frozen=True, slots=True)
class Connection:
    """Where a model is asked, without what is secret in the address, and in whose format;
    ``has_key`` says whether a key is sent along, and ``key_end`` how it ends, if it is long enough
    for that to be told.
    """

    speaks: Literal["anthropic", "openai"]
    base_url: str
    has_key: bool = False
    key_end: str = ""


@runtime_checkable
class Remote(Protocol):
    """A provider that asks a server."""

    @property
    def connection(self) -> Connection:
        """Where it is asked."""
        ...

    async def model_names(self) -> tuple[str, ...]:
        """The models that the server says it has, the first page of them. Raises
        :class:`~agentchat.errors.ModelError`, also where the server has no such list.
        """
        ...


def remote_of(provider: Provider) -> Remote | None:
    """The provider that asks a server, whatever it is wrapped in; None if this one asks none."""
    inner = unwrapped(provider)
    return inner if isinstance(inner, Remote) else None


def connection_of(
    speaks: Literal["anthropic", "openai"], base_url: str, key: str | None
) -> Connection:
    """What may be told of an address and its key."""
    return Connection(speaks, shown_url(base_url), key is not None, key_end(key or ""))


def key_end(key: str) -> str:
    """How a key ends; empty if it is so short that this would tell too much."""
    return key[-SHOWN:] if len(key) >= LONG_ENOUGH else ""


def shown_url(url: str) -> str:
    """An address without names, passwords and what follows a question mark in it."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
