"""Connections to a real server that ask late, or never, or for too much at once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from websockets.asyncio.client import ClientConnection, connect

from agentchat import connections
from agentchat.connections import PacedSocket
from agentchat.login.requests import asked_of
from agentchat.settings import Settings
from agentchat.ui.socket_gate import MOST_BYTES
from tests.integration.connections_stage import ByH11, ByTools, Line, closed, hello, served
from tests.waiting import eventually


@pytest.fixture(params=[ByTools, ByH11])
def http(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.5)
    monkeypatch.setattr(connections, "LINGER", 0.1)


ASKED = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"


async def test_who_says_nothing_is_hung_up_on(http: Any) -> None:
    async with served(hello, http) as port, Line.to(port) as line:
        assert await line.is_closed() > 0.4


async def test_a_head_that_comes_a_byte_at_a_time_is_not_waited_for(http: Any) -> None:
    async with served(hello, http) as port, Line.to(port) as line:

        async def drip() -> None:
            for byte in ASKED * 100:
                line.say(bytes([byte]) if byte != 10 else b"")
                await asyncio.sleep(0.05)

        dripping = asyncio.create_task(drip())
        # It would drip for minutes.
        assert await line.is_closed() > 0.4
        dripping.cancel()


async def test_a_second_request_on_a_connection_has_the_same_time(http: Any) -> None:
    async with served(hello, http) as port, Line.to(port) as line:
        for _ in range(3):
            line.say(ASKED)
            await line.hears(b"hello\r\n0\r\n\r\n")
            # Who has asked may think for longer than a head may take.
            await asyncio.sleep(0.6)
        line.say(ASKED[:-4])
        await line.is_closed()


async def test_a_head_without_end_is_not_kept(http: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 600.0)
    async with served(hello, http) as port, Line.to(port) as line:
        line.say(b"GET / HTTP/1.1\r\nHost: here\r\n")
        closed = asyncio.create_task(line.is_closed())
        for _ in range(30):
            line.say(b"X-More: " + b"x" * 8_000 + b"\r\n")
            await asyncio.sleep(0.005)
        await closed


async def test_those_who_say_nothing_make_room_for_those_who_ask(
    http: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 60.0)
    monkeypatch.setattr(connections, "MOST_SILENT", 10)
    async with served(hello, http) as port, contextlib.AsyncExitStack() as stack:
        lines = [await stack.enter_async_context(Line.to(port)) for _ in range(15)]
        for line in lines[:5]:
            await line.is_closed()
        # The others are still listened to, and who has asked counts no more.
        for line in lines[5:]:
            line.say(ASKED)
            await line.hears(b"hello\r\n0\r\n\r\n")
        more = [await stack.enter_async_context(Line.to(port)) for _ in range(10)]
        for line in (*more, *lines[5:]):
            line.say(ASKED)
            await line.hears(b"hello\r\n0\r\n\r\n")
    assert not connections._silent


async def test_the_rest_of_what_was_answered_early_is_no_head() -> None:
    # The other parser hangs up by itself.
    async with served(hello, ByTools) as port, Line.to(port) as line:
        line.say(b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 500000\r\n\r\n")
        await line.hears(b"hello\r\n0\r\n\r\n")
        line.say(b"x" * 500_000 + ASKED)
        await line.hears(b"hello\r\n0\r\n\r\n")


# Sockets


class Kept:
    """An app with a socket that takes each message when it is let."""

    def __init__(self) -> None:
        self.go_on = asyncio.Semaphore(0)
        self.came: list[str] = []
        self.left = asyncio.Event()
        self.protocols: list[PacedSocket] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.protocols.append(receive.__self__)  # type: ignore[attr-defined]
        socket = WebSocket(scope, receive, send)
        await socket.accept()
        with contextlib.suppress(Exception):
            while True:
                await self.go_on.acquire()
                self.came.append(await socket.receive_text())
        self.left.set()


@asynccontextmanager
async def opened(port: int, **options: Any) -> AsyncIterator[ClientConnection]:
    wire = await connect(f"ws://127.0.0.1:{port}/", close_timeout=0.2, max_size=None, **options)
    try:
        yield wire
    finally:
        await wire.close()


async def test_compressed_messages_are_unpacked_as_they_are_asked_for() -> None:
    app = Kept()
    async with served(app) as port, opened(port, compression="deflate") as wire:
        text = "x" * 900_000
        for _ in range(200):
            await wire.send(text)
        await eventually(lambda: app.protocols[0].read_paused)
        [protocol] = app.protocols
        # All have come: together they have 180 MB.
        for taken in range(1, 201):
            assert protocol.queue.qsize() <= 5
            app.go_on.release()
            await eventually(lambda taken=taken: len(app.came) == taken)  # type: ignore[misc]
        assert set(app.came) == {text}


async def test_messages_of_every_size_come_whole_and_in_their_order() -> None:
    app = Kept()
    sizes = [0, 1, 125, 126, 4_095, 4_096, 4_097, 65_535, 65_536, 300_000, MOST_BYTES - 9] * 3
    async with served(app) as port, opened(port) as wire:
        sending = [f"{n}:".ljust(size, "y") for n, size in enumerate(sizes)]
        for _ in sending:
            app.go_on.release()
        for text in sending:
            await wire.send(text)
        await eventually(lambda: len(app.came) == len(sending))
    assert app.came == sending


async def test_what_a_page_says_last_and_goes_is_heard() -> None:
    app = Kept()
    # More than is unpacked at once.
    last = [f"last {n}".ljust(500) for n in range(20)]
    assert sum(map(len, last)) > 2 * connections.PIECE
    async with served(app) as port:
        async with opened(port, compression=None) as wire:
            await wire.send("ready")
            app.go_on.release()
            await eventually(lambda: app.came == ["ready"])
            # All in one go, with the goodbye.
            wire.transport.set_write_buffer_limits(1_000_000)
            await asyncio.gather(*(wire.send(text) for text in last))
            await wire.close()
        for _ in range(50):
            app.go_on.release()
        await asyncio.wait_for(app.left.wait(), 30)
    assert app.came == ["ready", *last]


async def test_a_frame_that_is_too_large_is_refused_by_its_length() -> None:
    app = Kept()
    async with served(app) as port, opened(port, compression=None) as wire:
        app.go_on.release()
        await wire.send("x" * (MOST_BYTES * 2))
        assert (await closed(wire))[0] == 1009
    assert app.came == []


async def test_a_login_whose_body_never_comes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentchat.login.requests.BODY_SECONDS", 0.3)
    settings = Settings(_env_file=None)
    refused: list[Any] = []

    async def logging_in(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await asked_of(scope, receive, settings, lambda: None)
        except Exception as error:
            refused.append(error)
        await hello(scope, receive, send)

    async with served(logging_in) as port, Line.to(port) as line:
        line.say(
            b"POST /auth/login HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
            b"Content-Length: 100\r\n\r\n{"
        )
        await line.hears(b"hello\r\n")
    assert [error.status for error in refused] == [408]
