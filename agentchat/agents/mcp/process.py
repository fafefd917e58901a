"""The way to a server that is a program: its process, and messages as lines to and from it.

The library's own does not end what a server started itself, and keeps a message of any length.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

from agentchat.agents.mcp.servers import McpServer
from agentchat.agents.mcp.stderr import Stderr

if TYPE_CHECKING:
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

log = logging.getLogger(__name__)

LONGEST_MESSAGE = 32 * 1024 * 1024
"""Bytes of one message; a longer one ends the connection."""
GRACE = 2.0
"""Seconds in which a process may end by itself, and again when it is asked to."""
_LOOK = 0.01


@contextlib.asynccontextmanager
async def started(
    server: McpServer, stderr: Stderr, ended: Callable[[], None]
) -> AsyncIterator[tuple[Any, Any]]:
    """The streams from and to a new process, which is ended with all that it started; ``ended``
    is called when it closes its end of them. Raises OSError when it cannot be started.
    """
    import anyio
    from mcp.client.stdio import get_default_environment

    assert server.command is not None
    # Given up midway, what it has started by then would be left.
    with anyio.CancelScope(shield=True):
        process = await asyncio.create_subprocess_exec(
            server.command,
            *server.args,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            # Not this app's own: there are keys in it.
            env=get_default_environment() | server.env,
            cwd=server.cwd,
            # Its own group, to be ended as one; Ctrl-C is for this app.
            start_new_session=True,
            limit=LONGEST_MESSAGE,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    to_us, read = anyio.create_memory_object_stream[Any](0)
    write, from_us = anyio.create_memory_object_stream[Any](0)
    errors = asyncio.create_task(stderr.read(process.stderr))
    try:
        async with anyio.create_task_group() as tasks, to_us, read, write, from_us:
            tasks.start_soon(_receive, server.name, process.stdout, to_us, ended)
            tasks.start_soon(_send, process.stdin, from_us, ended)
            try:
                yield read, write
            finally:
                tasks.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await _end(process)
            # What it has said is there already; a child that escaped may hold the pipe open.
            await asyncio.wait([errors], timeout=_LOOK * 10)
            errors.cancel()


async def _receive(
    name: str,
    stdout: asyncio.StreamReader,
    to_us: MemoryObjectSendStream[Any],
    ended: Callable[[], None],
) -> None:
    from mcp.shared.message import SessionMessage
    from mcp_types import jsonrpc_message_adapter

    async with to_us:
        try:
            while line := await stdout.readline():
                try:
                    message = jsonrpc_message_adapter.validate_json(line, by_name=False)
                except ValueError:
                    log.debug("MCP server %s said something that is no message", name)
                else:
                    await to_us.send(SessionMessage(message))
        except ValueError:
            log.warning("MCP server %s: a message over %d bytes", name, LONGEST_MESSAGE)
        except ConnectionError as error:
            log.debug("MCP server %s: %s", name, error)
        ended()


async def _send(
    stdin: asyncio.StreamWriter,
    from_us: MemoryObjectReceiveStream[Any],
    ended: Callable[[], None],
) -> None:
    with contextlib.suppress(ConnectionError):
        async for one in from_us:
            line = one.message.model_dump_json(by_alias=True, exclude_unset=True)
            stdin.write(line.encode() + b"\n")
            await stdin.drain()
        return
    ended()


async def _end(process: asyncio.subprocess.Process) -> None:
    """Let it end by itself, ask it to, do not ask; then the same for what it started."""
    assert process.stdin is not None
    process.stdin.close()
    # Not its wait(): that waits for those too who were handed its pipes.
    await _until(lambda: process.returncode is not None)
    if _signalled(process.pid, signal.SIGTERM):
        await _until(lambda: process.returncode is not None and not _signalled(process.pid, 0))
    if _signalled(process.pid, signal.SIGKILL):
        await _until(lambda: process.returncode is not None)
    # Otherwise open as long as anybody has its pipes.
    process._transport.close()  # type: ignore[attr-defined]


def _signalled(group: int, sent: int) -> bool:
    """Whether there was anybody in the group to be sent the signal."""
    try:
        os.killpg(group, sent)
    except ProcessLookupError:
        return False
    except PermissionError:
        log.warning("A process in the group %d of an MCP server may not be ended", group)
        return False
    return True


async def _until(true: Callable[[], bool]) -> None:
    end = asyncio.get_running_loop().time() + GRACE
    # Nothing tells when a process of another is gone.
    while not true() and asyncio.get_running_loop().time() < end:  # noqa: ASYNC110
        await asyncio.sleep(_LOOK)
