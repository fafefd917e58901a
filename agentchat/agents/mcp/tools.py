"""The tools of all MCP servers that this app knows."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

from agentchat.agents.mcp.connection import Connection
from agentchat.agents.mcp.listing import tools_of
from agentchat.agents.mcp.servers import McpServer
from agentchat.agents.mcp.unavailable import McpUnavailable, SessionOver
from agentchat.agents.tools import Tool
from agentchat.errors import ConfigError, ToolError

if TYPE_CHECKING:
    import mcp_types as types

log = logging.getLogger(__name__)

PATIENCE = 2.0
"""Seconds for which an answer waits for servers that are about to start."""
FIRST_REST = 1.0
LONGEST_REST = 60.0
"""Seconds after a server could not be reached in which it is not tried again; from the first
to the longest, they double.
"""
_EFFECT = " It may have had an effect: find out before you call it again."


@dataclass(frozen=True, slots=True)
class McpState:
    """How it stands with a server: ``detail`` says in words why it failed, ``tools`` are the
    names by which models know its tools. Those of a server that was lost are kept: it is
    reached again when one is called.
    """

    name: str
    state: Literal["starting", "ready", "failed", "closed"]
    detail: str
    tools: tuple[str, ...]


class McpTools:
    """The tools of these servers; a context manager, or :meth:`start` and :meth:`close`.

    Each object has processes and connections of its own. A server that does not start stops
    nothing but itself. Raises :class:`~agentchat.errors.ConfigError` for two of one name.
    """

    def __init__(self, servers: Iterable[McpServer]) -> None:
        self._hosts = tuple(_Host(server) for server in servers)
        self._doubled: set[str] = set()
        names = [host.server.name for host in self._hosts]
        for name in names:
            if names.count(name) > 1:
                raise ConfigError(f"There are two MCP servers named {name!r}.")

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def start(self) -> None:
        """Begin to connect to all servers at once; waits for none."""
        for host in self._hosts:
            host.begin()

    async def close(self) -> None:
        """End all processes and connections, within some seconds. Safe to repeat."""
        await asyncio.gather(*(host.close() for host in self._hosts))

    async def tools(self, within: float = PATIENCE) -> tuple[Tool, ...]:
        """What there is now, as :meth:`known` says. Waits for servers at their first start, for
        ``within`` seconds at most; one that has failed since is tried again meanwhile.
        """
        for host in self._hosts:
            host.begin()
        if beginning := [host.first for host in self._hosts if host.first is not None]:
            await asyncio.wait(beginning, timeout=within)
        return self.known()

    def known(self) -> tuple[Tool, ...]:
        """The tools as servers listed them last, also servers that were lost since. From any
        thread; waits for nothing.
        """
        found: dict[str, Tool] = {}
        for tool in (tool for host in self._hosts for tool in host.tools):
            if found.setdefault(tool.name, tool) is not tool and tool.name not in self._doubled:
                self._doubled.add(tool.name)
                log.warning("Two MCP servers have a tool %s; the first counts", tool.name)
        return tuple(found.values())

    def states(self) -> tuple[McpState, ...]:
        """How it stands with each server."""
        return tuple(host.state for host in self._hosts)


class _Host:
    """A server, connected to as often as need be."""

    def __init__(self, server: McpServer) -> None:
        self.server = server
        self.tools: tuple[Tool, ...] = ()
        self.first: asyncio.Task[None] | None = None
        """The first attempt to connect."""
        self._connection: Connection | None = None
        self._opening: asyncio.Task[None] | None = None
        self._failures = 0
        self._not_before = 0.0
        self._closed = False

    @property
    def state(self) -> McpState:
        names = tuple(tool.name for tool in self.tools)
        kind: Literal["starting", "ready", "failed", "closed"] = "failed"
        detail = self._connection.words if self._connection else ""
        if self._closed:
            kind = "closed"
        elif self._opening is not None and not self._opening.done():
            kind = "starting"
        elif self._up:
            kind = "ready"
        elif self.first is None:
            kind = "closed"
        return McpState(self.server.name, kind, detail, names)

    @property
    def _up(self) -> bool:
        return self._connection is not None and not self._connection.over

    def begin(self) -> None:
        """Begin to connect, unless it is connected, under way, or too early to try again."""
        busy = self._opening is not None and not self._opening.done()
        if self._closed or busy or self._up:
            return
        if asyncio.get_running_loop().time() < self._not_before:
            return
        self._opening = asyncio.create_task(self._open())
        self.first = self.first or self._opening

    async def _open(self) -> None:
        if self._connection is not None:
            # Two processes of one server at a time could be in each other's way.
            await self._connection.close()
        self._connection = Connection(self.server, self._listed)
        if self._closed:
            return
        try:
            await self._connection.open()
            self._failures = 0
        except Exception as error:
            if self._closed:
                return
            rest = min(FIRST_REST * 2**self._failures, LONGEST_REST)
            self._failures = min(self._failures + 1, 16)
            self._not_before = asyncio.get_running_loop().time() + rest
            log.warning("MCP server %s: %s", self.server.name, error)

    async def _listed(self, listed: tuple[types.Tool, ...]) -> None:
        # In a thread: to check some hundred schemas takes a while.
        self.tools = await asyncio.to_thread(tools_of, self.server, listed, self)

    async def close(self) -> None:
        """Leave the server and stay away."""
        self._closed = True
        if self._connection is not None:
            await self._connection.close()
        if self._opening is not None:
            await asyncio.wait([self._opening])

    async def call(
        self, name: str, arguments: Mapping[str, Any], meta: Mapping[str, Any], *, repeatable: bool
    ) -> types.CallToolResult:
        """What the server answers, which is reached again first if need be.

        Raises ToolError when it has something against the call, or takes too long; when it
        cannot be reached too, unless the call is ``repeatable``: then McpUnavailable.
        """
        try:
            try:
                return await self._call(name, arguments, meta)
            except SessionOver:
                return await self._call(name, arguments, meta)
        except TimeoutError:
            words = f"{self.server.name} did not answer within {self.server.timeout:g} s."
            raise ToolError(words + ("" if repeatable else _EFFECT)) from None
        except McpUnavailable as error:
            if repeatable:
                raise
            raise ToolError(f"{error}{_EFFECT if error.sent else ''}") from error

    async def _call(
        self, name: str, arguments: Mapping[str, Any], meta: Mapping[str, Any]
    ) -> types.CallToolResult:
        self.begin()
        if self._opening is not None:
            await asyncio.shield(self._opening)
        if self._connection is None or self._connection.over:
            why = self.state.detail or "It is closed."
            words = f"The MCP server {self.server.name} cannot be reached. {why}"
            raise McpUnavailable(words)
        async with asyncio.timeout(self.server.timeout):
            return await self._connection.call(name, arguments, meta)
