"""Searching the web, by whichever service the operator has."""

from __future__ import annotations

import asyncio
import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Protocol
from urllib.parse import urlsplit

from pydantic import Field

from agentchat.agents.tools import Source, Tool, ToolOutput, tool
from agentchat.agents.untrusted import framed, visible
from agentchat.errors import ToolError
from agentchat.llm.connection import checked_key, checked_url

SECONDS = 15
MOST_BYTES = 2_000_000
MOST_HITS = 20
MOST_QUERY = 400
BRAVE_URL = "https://api.search.brave.com/res/v1/web/search"
TAVILY_URL = "https://api.tavily.com/search"
_MOST_TITLE = 200
_MOST_SNIPPET = 500
_TAG = re.compile(r"<[^<>]{0,200}>")


@dataclass(frozen=True, slots=True)
class Hit:
    """One page that was found."""

    title: str
    url: str
    snippet: str


class SearchProvider(Protocol):
    """A service that searches the web."""

    async def search(self, query: str, limit: int) -> list[Hit]:
        """The best hits first, at most ``limit``; raises :class:`ToolError`."""


class OfflineSearch:
    """Searches the given documents, those with most of the query's words first."""

    def __init__(self, documents: Sequence[Hit]) -> None:
        self._documents = tuple(documents)

    async def search(self, query: str, limit: int) -> list[Hit]:
        """The documents with at least one of the words; equal ones in their order."""
        words = set(_words(query))
        weighed = [
            (len(words & set(_words(f"{one.title} {one.snippet}"))), one) for one in self._documents
        ]
        weighed.sort(key=lambda one: -one[0])
        return [one for weight, one in weighed if weight][:limit]


class SearXNG:
    """A SearXNG server of the operator's, which must allow the format ``json``.

    Raises :class:`~agentchat.errors.ConfigError` when ``url`` is not an http(s) address.
    """

    def __init__(self, url: str) -> None:
        self._url = checked_url(url).rstrip("/") + "/search"

    async def search(self, query: str, limit: int) -> list[Hit]:
        """See :class:`SearchProvider`."""
        found = await _ask("GET", self._url, params={"q": query, "format": "json"})
        return _hits(found.get("results"), "content", limit)


class Brave:
    """The search of brave.com; raises :class:`~agentchat.errors.ConfigError` for no key."""

    def __init__(self, key: str, url: str = BRAVE_URL) -> None:
        self._key = checked_key(key, "Brave Search")
        self._url = checked_url(url)

    async def search(self, query: str, limit: int) -> list[Hit]:
        """See :class:`SearchProvider`."""
        found = await _ask(
            "GET",
            self._url,
            params={"q": query, "count": str(limit)},
            headers={"X-Subscription-Token": self._key},
        )
        web = found.get("web")
        return _hits(web.get("results") if isinstance(web, dict) else None, "description", limit)


class Tavily:
    """The search of tavily.com; raises :class:`~agentchat.errors.ConfigError` for no key."""

    def __init__(self, key: str, url: str = TAVILY_URL) -> None:
        self._key = checked_key(key, "Tavily")
        self._url = checked_url(url)

    async def search(self, query: str, limit: int) -> list[Hit]:
        """See :class:`SearchProvider`."""
        found = await _ask(
            "POST",
            self._url,
            body={"query": query, "max_results": limit},
            headers={"Authorization": f"Bearer {self._key}"},
        )
        return _hits(found.get("results"), "content", limit)


def search_provider(
    *, searxng_url: str | None = None, brave_key: str | None = None, tavily_key: str | None = None
) -> SearchProvider | None:
    """The first that is configured; None if none is, and then no search is offered."""
    if searxng_url:
        return SearXNG(searxng_url)
    if brave_key:
        return Brave(brave_key)
    return Tavily(tavily_key) if tavily_key else None


async def web_search(provider: SearchProvider, query: str, limit: int = 5) -> ToolOutput:
    """The hits, framed as untrusted. Raises :class:`ToolError` when nothing can be searched."""
    query = " ".join(query.split())
    if not query:
        raise ToolError("The query is empty.")
    if len(query) > MOST_QUERY:
        raise ToolError(f"The query has more than {MOST_QUERY} characters. Use fewer words.")
    hits = await provider.search(query, max(1, min(limit, MOST_HITS)))
    if not hits:
        return ToolOutput("Nothing was found. Try other words.")
    told = "\n\n".join(
        f"{number}. {hit.title}\n{hit.url}\n{hit.snippet}" for number, hit in enumerate(hits, 1)
    )
    sources = tuple(Source(hit.title, hit.url, hit.snippet) for hit in hits)
    return ToolOutput(framed(told, "a web search"), sources)


def search_tool(provider: SearchProvider) -> Tool:
    """``web_search`` as a tool that asks ``provider``."""

    @tool(name="web_search", read_only=True, timeout=timedelta(seconds=30))
    async def search(
        query: str, limit: Annotated[int, Field(ge=1, le=MOST_HITS)] = 5
    ) -> ToolOutput:
        """Search the web. Gives titles, addresses and a few words of each page found.

        Args:
            query: What to look for, in a few words.
            limit: How many pages at most.
        """
        return await web_search(provider, query, limit)

    return search


async def _ask(
    method: str,
    url: str,
    *,
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    body: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The JSON object that a service answers; no redirect is followed, for the key's sake."""
    httpx2 = await asyncio.to_thread(_httpx2)
    try:
        async with (
            asyncio.timeout(SECONDS),
            httpx2.AsyncClient(timeout=SECONDS, trust_env=False) as client,
            client.stream(method, url, params=params, headers=headers, json=body) as response,
        ):
            if response.status_code != 200:
                raise ToolError(_refusal(response.status_code))
            answer = bytearray()
            async for piece in response.aiter_bytes():
                answer += piece
                if len(answer) > MOST_BYTES:
                    raise ToolError("The search service answered too much.")
        found = json.loads(answer)
    except (httpx2.HTTPError, TimeoutError) as error:
        raise ToolError("The search service does not answer just now.") from error
    except (ValueError, RecursionError) as error:
        raise ToolError("The search service did not answer with JSON.") from error
    return found if isinstance(found, dict) else {}


def _httpx2() -> Any:
    import httpx2

    return httpx2


def _refusal(status: int) -> str:
    if status in (401, 402, 403):
        return "The search service does not accept this server's key or account."
    if status == 429:
        return "The search service has been asked too often; try again later."
    return f"The search service answered with the status {status}."


def _hits(results: object, snippet: str, limit: int) -> list[Hit]:
    found = [one for one in results if isinstance(one, dict)] if isinstance(results, list) else []
    hits = [
        Hit(
            _plain(one.get("title"), _MOST_TITLE) or url,
            url,
            _plain(one.get(snippet), _MOST_SNIPPET),
        )
        for one in found
        if (url := _web_address(one.get("url")))
    ]
    return hits[:limit]


def _web_address(value: object) -> str:
    if not isinstance(value, str) or len(value) > 2000 or any(one <= " " for one in value):
        return ""
    try:
        parts = urlsplit(value)
    except ValueError:
        return ""
    return value if parts.scheme in ("http", "https") and parts.hostname else ""


def _plain(value: object, most: int) -> str:
    if not isinstance(value, str):
        return ""
    text = " ".join(visible(html.unescape(_TAG.sub("", value[: 4 * most]))).split())
    return text if len(text) <= most else text[: most - 1] + "…"


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())
