"""One connection to an MCP server, entered and left by a task of its own.

The library's sessions hold cancel scopes of anyio, which must be left by the task that entered
them. Calls are made from any task: several at once, each cancelled by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from agentchat.agents.mcp.address import Heard, heard_by, reached
from agentchat.agents.mcp.process import started
from agentchat.agents.mcp.servers import McpServer
from agentchat.agents.mcp.stderr import Stderr
from agentchat.agents.mcp.unavailable import McpUnavailable, SessionOver
from agentchat.agents.mcp.words import line, origin_of
from agentchat.agents.untrusted import framed
from agentchat.errors import ToolError

if TYPE_CHECKING:
    import mcp
    import mcp_types as types

log = logging.getLogger(__name__)

START_TIMEOUT = 30.0
"""Seconds a server may take from its start to its list of tools."""
END_TIMEOUT = 5.0
"""Seconds that leaving a server may take; a process that does not end by then is killed."""
REST = 0.2
"""Seconds between a word that the list has changed and reading it, for there may be more."""
LONGEST_REST = 60.0
_LOST = ("Connection closed", "SSE stream ")
"""How the library's words begin when a connection was lost under a call."""
MOST_TOOLS = 256
MOST_PAGES = 100


Listed = Callable[[tuple["types.Tool", ...]], Awaitable[None]]


class Connection:
    """A connection that is open once :meth:`open` has returned, until it is ``over``.

    ``listed`` is told the server's tools, each time that they have changed.
    """

    def __init__(
        self, server: McpServer, listed: Callable[[tuple[types.Tool, ...]], Awaitable[None]]
    ) -> None:
        self._server = server
        self._listed = listed
        self._over = asyncio.Event()
        self._stale = asyncio.Event()
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._closing = False
        self._scope: Any = None
        self._client: mcp.Client | None = None
        self._stderr = Stderr(server.name, server.without_secrets)
        self._owner: asyncio.Task[None] | None = None
        self.words = ""
        """Why it is over, or could not be opened."""

    @property
    def over(self) -> bool:
        """Whether it was lost or closed."""
        return self._over.is_set()

    async def open(self) -> None:
        """Connect and read the list of tools; raises :class:`McpUnavailable` with the reason."""
        # It takes a second, which nothing else may have to wait for.
        await asyncio.to_thread(importlib.import_module, "mcp")
        if not self._closing:
            self._owner = asyncio.create_task(self._own())
            await asyncio.wait([self._opened, self._owner], return_when="FIRST_COMPLETED")
        if not self._opened.done():
            raise McpUnavailable(self.words)

    async def close(self) -> None:
        """Leave the server, ending its process. Safe to repeat."""
        self._closing = True
        self._over.set()
        if self._scope is not None and not self._opened.done():
            self._scope.cancel()
        if self._owner is not None:
            await asyncio.wait([self._owner])

    async def call(
        self, name: str, arguments: Mapping[str, Any], meta: Mapping[str, Any]
    ) -> types.CallToolResult:
        """What the server answers. Cancelled, it tells the server so.

        Raises ToolError with what the server has against the call, or McpUnavailable.
        """
        from mcp import MCPError
        from mcp_types import CONNECTION_CLOSED

        if self.over or self._client is None:
            raise McpUnavailable(self.words)
        heard = Heard()
        token = heard_by.set(heard)
        try:
            return await self._client.call_tool(name, dict(arguments), meta=dict(meta))  # type: ignore[arg-type]
        except MCPError as error:
            # Servers give that code to errors of their own too.
            if error.code == CONNECTION_CLOSED and error.message.startswith(_LOST):
                words = f"The connection to the MCP server {self._server.name} was lost."
                raise McpUnavailable(words, sent=True) from None
            if heard.forgotten:
                self._lost()
                raise SessionOver from None
            raise ToolError(self._framed(error)) from None
        except (RuntimeError, ValueError) as error:
            words = "The answer is not of the form that the server told."
            raise ToolError(f"{words} {self._framed(error)}") from None
        finally:
            heard_by.reset(token)

    def _lost(self) -> None:
        self.words = "The connection was lost."
        self._over.set()

    async def _own(self) -> None:
        import anyio

        heard_by.set(Heard())
        if self._closing:
            return
        try:
            with anyio.CancelScope(deadline=anyio.current_time() + START_TIMEOUT) as self._scope:
                async with self._made() as client:
                    await self._listed(await _tools(client))
                    self._client = client
                    self._scope.deadline = math.inf
                    self._opened.set_result(None)
                    await self._serve(client)
                    self._scope.deadline = anyio.current_time() + END_TIMEOUT
            self.words = self._why_over()
        except Exception as error:
            self.words = self._cleaned(error)
        finally:
            self._over.set()

    def _why_over(self) -> str:
        if self._closing:
            return "It is closed."
        if not self._opened.done():
            return f"It did not answer within {START_TIMEOUT:g} s."
        return self._with_last_words("The connection was lost.")

    async def _serve(self, client: mcp.Client) -> None:
        import anyio

        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._keep_listed, client)
                tasks.start_soon(self._listen, client)
                await self._over.wait()
                tasks.cancel_scope.cancel()
        finally:
            # Before anything is torn down: no call may begin any more.
            self._over.set()

    async def _keep_listed(self, client: mcp.Client) -> None:
        while True:
            await self._stale.wait()
            await asyncio.sleep(REST)
            self._stale.clear()
            try:
                async with asyncio.timeout(START_TIMEOUT):
                    await self._listed(await _tools(client))
            except Exception as error:
                name, words = self._server.name, self._cleaned(error)
                log.warning("MCP server %s: its tools were not read again: %s", name, words)

    async def _listen(self, client: mcp.Client) -> None:
        """Hear of changes where the server tells of them only if asked."""
        from mcp.client.subscriptions import ListenNotSupportedError

        tools = client.server_capabilities.tools
        if tools is None or not tools.list_changed:
            return
        rest = 1.0
        while True:
            try:
                async with client.listen(tools_list_changed=True) as changes:
                    rest = 1.0
                    # There may have been changes before it listened.
                    self._stale.set()
                    async for _ in changes:
                        self._stale.set()
            except ListenNotSupportedError:
                return
            except Exception as error:
                log.debug("MCP server %s: %s", self._server.name, self._cleaned(error))
            await asyncio.sleep(rest)
            rest = min(rest * 2, LONGEST_REST)

    @contextlib.asynccontextmanager
    async def _made(self) -> AsyncIterator[mcp.Client]:
        import mcp

        if self._server.url is None:
            transport = started(self._server, self._stderr, self._lost)
        else:
            transport = reached(self._server)
        info = mcp.Implementation(name="agentchat", version="0.1.0")
        # Without a cache: what is read again is to be what is there now.
        async with mcp.Client(
            transport, client_info=info, message_handler=self._hear, cache=None
        ) as client:
            yield client

    async def _hear(self, message: Any) -> None:
        if getattr(message, "method", "") == "notifications/tools/list_changed":
            self._stale.set()

    def _cleaned(self, error: BaseException) -> str:
        """The first of what went wrong, in words without secrets."""
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        if isinstance(error, OSError) and error.strerror:
            words = f"{error.strerror}: {error.filename}" if error.filename else error.strerror
        else:
            words = str(error) or type(error).__name__
        words = line(self._server.without_secrets(words), 1_000)
        status = heard_by.get().status
        if status in (401, 403):
            words = f"It refused the key in its headers (HTTP {status}). {words}"
        return words if self._opened.done() else self._with_last_words(words)

    def _framed(self, error: BaseException) -> str:
        return framed(self._cleaned(error), origin_of(self._server.name))

    def _with_last_words(self, words: str) -> str:
        return f"{words} Its last words: {self._stderr.last}" if self._stderr.last else words


async def _tools(client: mcp.Client) -> tuple[types.Tool, ...]:
    """All tools of a server, page by page; not more than anybody wants."""
    found: list[types.Tool] = []
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        page = await client.list_tools(cursor=cursor)
        found.extend(page.tools)
        cursor = page.next_cursor
        if cursor is None or len(found) > MOST_TOOLS:
            break
    return tuple(found)
