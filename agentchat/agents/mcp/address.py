"""The way to a server at an address: streamable HTTP."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from agentchat.agents.mcp.servers import McpServer
from agentchat.llm.connection import http_client

LONGEST_MESSAGE = 32 * 1024 * 1024
"""Bytes of one message; a longer one fails the call."""
_NEVER = timedelta(days=7)
"""Calls have a limit of their own; the stream that tells of changes has none."""


@dataclass
class Heard:
    """What HTTP said to one call: the library keeps it to itself."""

    status: int = 0
    forgotten: bool = False
    """Whether the server did not know the session, and so did not look at the call."""


heard_by: ContextVar[Heard] = ContextVar("heard_by")
"""Set by whoever calls: the library sends each message in the context of its sender."""


@contextlib.asynccontextmanager
async def reached(server: McpServer) -> AsyncIterator[tuple[Any, Any]]:
    """The streams from and to the server's url; what HTTP says is noted in :data:`heard_by`."""
    from mcp.client.streamable_http import streamable_http_client

    assert server.url is not None
    client = http_client(server.url, _NEVER)
    client.headers.update(server.headers)
    client.event_hooks = {"response": [_note]}
    async with (
        client,
        streamable_http_client(
            server.url, http_client=client, max_sse_event_size=LONGEST_MESSAGE
        ) as streams,
    ):
        yield streams


async def _note(response: Any) -> None:
    heard = heard_by.get(Heard())
    heard.status = int(response.status_code)
    heard.forgotten = heard.status == 404 and "mcp-session-id" in response.request.headers
