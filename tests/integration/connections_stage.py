"""A real server of connections, in this process, and who talks to it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from agentchat import frontend
from agentchat.connections import PacedSocket, Patient
from agentchat.ui.socket_gate import MOST_BYTES
from tests.waiting import eventually


class ByTools(Patient, HttpToolsProtocol):
    """HTTP by the parser that is quicker."""


class ByH11(Patient, H11Protocol):
    """HTTP by the parser that is always there."""


@asynccontextmanager
async def served(app: ASGIApp, http: Any = ByTools) -> AsyncIterator[int]:
    """A server as the app has it, in this process; its port."""
    listener = frontend.listen("127.0.0.1", 0)
    config = uvicorn.Config(
        app,
        http=http,
        ws=PacedSocket,
        ws_max_size=MOST_BYTES,
        lifespan="off",
        log_level="warning",
        # Else what it says is not seen here.
        log_config=None,
    )
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]
    serving = asyncio.create_task(server.serve([listener]))
    await eventually(lambda: server.started)
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        await serving


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer everybody."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-said", b"hello")]})
    await send({"type": "http.response.body", "body": b"hello"})


class Line:
    """A connection that says what it is told to."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, began: float
    ) -> None:
        self._reader, self._writer = reader, writer
        self._began = began

    @classmethod
    @asynccontextmanager
    async def to(cls, port: int) -> AsyncIterator[Line]:
        began = time.monotonic()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            yield cls(reader, writer, began)
        finally:
            writer.transport.abort()

    def say(self, text: bytes) -> None:
        self._writer.write(text)

    async def hears(self, end: bytes) -> bytes:
        async with asyncio.timeout(30):
            return await self._reader.readuntil(end)

    async def is_closed(self) -> float:
        """How many seconds after it was opened the other side hung up."""
        async with asyncio.timeout(30):
            with contextlib.suppress(ConnectionError):
                while await self._reader.read(65_536):
                    pass
        return time.monotonic() - self._began


async def closed(wire: ClientConnection) -> tuple[int | None, str | None]:
    """The code and the words that a socket is closed with."""
    async with asyncio.timeout(30):
        with contextlib.suppress(ConnectionClosed):
            while True:
                await wire.recv()
    return wire.close_code, wire.close_reason
