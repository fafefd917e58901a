"""Connections to a real server that ask late, or never, or for too much at once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agentchat import connections, frontend
from agentchat.connections import PacedSocket, Patient
from agentchat.login.requests import asked_of
from agentchat.settings import Settings
from agentchat.ui import rate_limits, socket_gate
from agentchat.ui.rate_limits import Addresses
from agentchat.ui.request_gate import limited_requests
from agentchat.ui.socket_gate import MOST_BYTES, guarded_socket
from tests.waiting import eventually


class ByTools(Patient, HttpToolsProtocol):
    """HTTP by the parser that is quicker."""


class ByH11(Patient, H11Protocol):
    """HTTP by the parser that is always there."""


@pytest.fixture(params=[ByTools, ByH11])
def http(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.5)
    monkeypatch.setattr(connections, "LINGER", 0.1)
    monkeypatch.setattr(rate_limits, "HELD", 0.05)


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

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    @asynccontextmanager
    async def to(cls, port: int) -> AsyncIterator[Line]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            yield cls(reader, writer)
        finally:
            writer.transport.abort()

    def say(self, text: bytes) -> None:
        self._writer.write(text)

    async def hears(self, end: bytes) -> bytes:
        async with asyncio.timeout(5):
            return await self._reader.readuntil(end)

    async def is_closed(self, within: float = 5) -> float:
        """After how many seconds the other side hung up."""
        began = time.monotonic()
        async with asyncio.timeout(within):
            with contextlib.suppress(ConnectionError):
                while await self._reader.read(65_536):
                    pass
        return time.monotonic() - began


ASKED = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"


async def test_who_says_nothing_is_hung_up_on(http: Any) -> None:
    async with served(hello, http) as port, Line.to(port) as line:
        assert 0.3 < await line.is_closed() < 3


async def test_a_head_that_comes_a_byte_at_a_time_is_not_waited_for(http: Any) -> None:
    async with served(hello, http) as port, Line.to(port) as line:

        async def drip() -> None:
            for byte in ASKED * 100:
                line.say(bytes([byte]) if byte != 10 else b"")
                await asyncio.sleep(0.05)

        dripping = asyncio.create_task(drip())
        assert 0.3 < await line.is_closed() < 3
        dripping.cancel()


async def test_a_second_request_on_a_connection_has_the_same_time(http: Any) -> None:
    async with served(hello, http) as port, Line.to(port) as line:
        for _ in range(3):
            line.say(ASKED)
            await line.hears(b"hello\r\n0\r\n\r\n")
            # Who has asked may think for longer than a head may take.
            await asyncio.sleep(0.6)
        line.say(ASKED[:-4])
        assert 0.3 < await line.is_closed() < 3


async def test_a_head_without_end_is_not_kept(http: Any) -> None:
    async with served(hello, http) as port, Line.to(port) as line:
        line.say(b"GET / HTTP/1.1\r\nHost: here\r\n")
        began = time.monotonic()
        closed = asyncio.create_task(line.is_closed())
        for _ in range(30):
            line.say(b"X-More: " + b"x" * 8_000 + b"\r\n")
            await asyncio.sleep(0.005)
        await closed
        assert time.monotonic() - began < 0.45


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
        await asyncio.wait_for(app.left.wait(), 5)
    assert app.came == ["ready", *last]


async def test_a_frame_that_is_too_large_is_refused_by_its_length() -> None:
    app = Kept()
    async with served(app) as port, opened(port, compression=None) as wire:
        app.go_on.release()
        await wire.send("x" * (MOST_BYTES * 2))
        assert (await closed(wire))[0] == 1009
    assert app.came == []


# Limits, as the app has them around it


ORIGIN = "http://here.test"


def gated(app: ASGIApp, *, most_sockets: int = 0, requests: bool = False) -> ASGIApp:
    known = Addresses(time.monotonic, most_sockets=most_sockets, hops=1, open_to_all=False)
    return limited_requests(guarded_socket(app, [ORIGIN], known), known)


async def silent(scope: Scope, receive: Receive, send: Send) -> None:
    """A socket that takes all that comes."""
    socket = WebSocket(scope, receive, send)
    await socket.accept()
    with contextlib.suppress(Exception):
        while True:
            await socket.receive_text()


TOKEN = "7f5d3a1e-0000-4000-8000-00000000000a"


def coming(port: int, address: str) -> connect:
    return connect(
        f"ws://127.0.0.1:{port}/_event/?token={TOKEN}",
        origin=ORIGIN,  # type: ignore[arg-type]
        additional_headers={"X-Forwarded-For": address},
        close_timeout=0.2,
    )


async def refusal(connecting: connect) -> InvalidStatus:
    with pytest.raises(InvalidStatus) as caught:
        async with connecting:
            pass
    return caught.value


async def test_an_address_has_so_many_sockets_and_others_are_not_touched(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    async with served(gated(silent, most_sockets=2)) as port, contextlib.AsyncExitStack() as stack:
        first = await stack.enter_async_context(coming(port, "203.0.113.7"))
        await stack.enter_async_context(coming(port, "203.0.113.7"))
        for _ in range(5):
            response = (await refusal(coming(port, "203.0.113.7"))).response
            assert response.status_code == 429
            assert int(response.headers["Retry-After"]) >= 1
            assert b"Too much was asked for" in bytes(response.body or b"")
        await stack.enter_async_context(coming(port, "203.0.113.8"))
        await first.close()

        async def comes_again() -> bool:
            try:
                await stack.enter_async_context(coming(port, "203.0.113.7"))
            except InvalidStatus:
                return False
            return True

        async with asyncio.timeout(5):
            while not await comes_again():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    told = [one for one in caplog.records if one.levelno >= logging.WARNING]
    assert len(told) == 1, [one.getMessage() for one in told]


async def test_an_address_that_asks_for_too_much_waits_and_then_is_told_to_come_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rate_limits, "REQUESTS", 10.0)
    monkeypatch.setattr(rate_limits, "REQUESTS_BURST", 5)
    monkeypatch.setattr(rate_limits, "MOST_WAIT", 1.0)
    async with (
        served(gated(hello)) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):

        async def ask(path: str, address: str) -> tuple[int, float, httpx.Response]:
            began = time.monotonic()
            answer = await client.get(path, headers={"X-Forwarded-For": address})
            return answer.status_code, time.monotonic() - began, answer

        asked = [ask("/files/abcdefgh", "203.0.113.7") for _ in range(30)]
        *answers, login, other = await asyncio.gather(
            *asked, ask("/auth/login", "203.0.113.7"), ask("/files/abcdefgh", "203.0.113.8")
        )
        assert other[0] == 200
        assert other[1] < 0.9
        done = sorted(took for status, took, _ in answers if status == 200)
        # A burst, and those for whom there is a turn within the wait.
        assert 14 <= len(done) <= 16
        assert 0.7 < done[-1] < 1.5
        refused = [answer for status, _, answer in answers if status == 429]
        assert len(refused) == 30 - len(done)
        assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
        assert login[0] == 429
        assert "Too much was asked for" in login[2].json()["error"]
        await asyncio.sleep(1.2)
        # A page has dozens of parts, which are cheap.
        parts = [ask(f"/assets/part-{n}.js", "203.0.113.7") for n in range(60)]
        assert {status for status, _, _ in await asyncio.gather(*parts)} == {200}


async def closed(wire: ClientConnection, within: float = 5) -> tuple[int | None, str | None]:
    async with asyncio.timeout(within):
        with contextlib.suppress(ConnectionClosed):
            while True:
                await wire.recv()
    return wire.close_code, wire.close_reason


async def test_a_socket_that_never_connects_as_pages_do_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket_gate, "CONNECT_SECONDS", 0.4)
    async with served(gated(silent)) as port, coming(port, "203.0.113.7") as wire:
        pinging = asyncio.create_task(_every(0.05, lambda: wire.send("3")))
        began = time.monotonic()
        assert await closed(wire) == (1008, "it has not connected")
        assert time.monotonic() - began > 0.2
        pinging.cancel()


async def test_a_socket_that_goes_on_flooding_is_closed_and_one_that_pauses_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket_gate, "FLOOD_SECONDS", 0.5)
    monkeypatch.setattr(socket_gate, "BURST", 20)
    monkeypatch.setattr(socket_gate, "PER_SECOND", 50.0)
    async with (
        served(gated(silent)) as port,
        coming(port, "203.0.113.7") as flooding,
        coming(port, "203.0.113.8") as pausing,
    ):
        for wire in (flooding, pausing):
            await wire.send("40/_event,")

        async def in_bursts() -> None:
            for _ in range(5):
                for _ in range(25):
                    await pausing.send("3")
                await asyncio.sleep(0.5)

        bursts = asyncio.create_task(in_bursts())
        flood = asyncio.create_task(_every(0, lambda: flooding.send("3")))
        code, words = await closed(flooding)
        assert code == 1008
        assert "too fast" in (words or "")
        await bursts
        await pausing.send("3")
        await (await pausing.ping())
        flood.cancel()
        await asyncio.gather(flood, return_exceptions=True)


async def test_all_sockets_of_an_address_have_one_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "EVENTS", 50.0)
    monkeypatch.setattr(rate_limits, "EVENTS_BURST", 10)
    monkeypatch.setattr(rate_limits, "OPENING_BURST", 10)
    came: list[str] = []

    async def counting(scope: Scope, receive: Receive, send: Send) -> None:
        socket = WebSocket(scope, receive, send)
        await socket.accept()
        who = socket.headers["x-forwarded-for"]
        with contextlib.suppress(Exception):
            while True:
                await socket.receive_text()
                came.append(who)

    async with served(gated(counting)) as port, contextlib.AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(coming(port, "203.0.113.7")) for _ in range(5)]
        other = await stack.enter_async_context(coming(port, "203.0.113.8"))
        for wire in (*wires, other):
            await wire.send("40/_event,")
        await eventually(lambda: len(came) == 6)
        began = time.monotonic()
        for wire in wires:
            for _ in range(15):
                await wire.send("3")
        await eventually(lambda: came.count("203.0.113.7") == 80)
        assert 1.0 < time.monotonic() - began < 4
        asked = time.monotonic()
        await other.send("3")
        await eventually(lambda: came.count("203.0.113.8") == 2)
        assert time.monotonic() - asked < 0.5


async def _every(seconds: float, do: Callable[[], Any]) -> None:
    with contextlib.suppress(ConnectionClosed):
        while True:
            await do()
            await asyncio.sleep(seconds)


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
