"""How much one address may ask of a real server, by a clock of the test's own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from functools import partial

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agentchat import connections
from agentchat.ui import rate_limits, socket_gate
from agentchat.ui.rate_limits import Addresses
from agentchat.ui.request_gate import limited_requests
from agentchat.ui.socket_gate import guarded_socket
from tests.integration.connections_stage import closed, hello, served
from tests.waiting import eventually

ORIGIN = "http://here.test"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "LINGER", 0.1)
    monkeypatch.setattr(rate_limits, "HELD", 0.05)


class Clock:
    """Time that passes when the test says so, for who reads it and who waits by it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._waiting: dict[asyncio.Future[None], float] = {}

    def __call__(self) -> float:
        return self.now

    @property
    def waits(self) -> list[float]:
        """For how many seconds more each waits, who waits."""
        return sorted(due - self.now for due in self._waiting.values())

    async def sleep(self, seconds: float) -> None:
        """Wait until so much time has passed."""
        if seconds > 0:
            over = asyncio.get_running_loop().create_future()
            self._waiting[over] = self.now + seconds
            try:
                await over
            finally:
                self._waiting.pop(over, None)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
        # Hundredths added up are not quite their sum.
        for over in [one for one, due in self._waiting.items() if due <= self.now + 1e-6]:
            del self._waiting[over]
            if not over.done():
                over.set_result(None)


def gated(app: ASGIApp, clock: Clock | None = None, *, most_sockets: int = 0) -> ASGIApp:
    known = Addresses(
        clock or time.monotonic,
        most_sockets=most_sockets,
        hops=1,
        open_to_all=False,
        sleep=clock.sleep if clock else asyncio.sleep,
    )
    return limited_requests(guarded_socket(app, [ORIGIN], known), known)


class Counting:
    """A socket that takes all that comes, and counts it by the address it came from."""

    def __init__(self) -> None:
        self.came: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        socket = WebSocket(scope, receive, send)
        await socket.accept()
        who = socket.headers["x-forwarded-for"]
        with contextlib.suppress(Exception):
            while True:
                await socket.receive_text()
                self.came.append(who)

    def have_come(self, who: str, number: int) -> bool:
        """Whether so much has come from an address."""
        return self.came.count(who) >= number

    async def counts(self, who: str, number: int) -> None:
        """Wait until so much has come from an address, and not more."""
        await eventually(partial(self.have_come, who, number))
        assert self.came.count(who) == number


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
    app = gated(Counting(), most_sockets=2)
    async with served(app) as port, contextlib.AsyncExitStack() as stack:
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

        async with asyncio.timeout(30):
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
    clock = Clock()
    async with (
        served(gated(hello, clock)) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client,
    ):

        async def ask(path: str, address: str) -> httpx.Response:
            return await client.get(path, headers={"X-Forwarded-For": address})

        asking = [asyncio.create_task(ask("/files/abcdefgh", "203.0.113.7")) for _ in range(30)]
        # Those for whom there is no turn within the wait are held back for a moment, too.
        turns, held = [n / 10 for n in range(1, 11)], [rate_limits.HELD] * 15
        await eventually(lambda: len(clock.waits) == len(turns + held))
        assert clock.waits == pytest.approx(sorted(turns + held))
        await eventually(lambda: sum(one.done() for one in asking) == 5)
        # Others do not feel it.
        assert (await ask("/files/abcdefgh", "203.0.113.8")).status_code == 200

        clock.advance(rate_limits.HELD)
        await eventually(lambda: sum(one.done() for one in asking) == 20)
        refused = [one.result() for one in asking if one.done() and one.result().is_error]
        assert [answer.status_code for answer in refused] == [429] * 15
        assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
        login = asyncio.create_task(ask("/auth/login", "203.0.113.7"))
        await eventually(lambda: len(clock.waits) == len(turns) + 1)
        clock.advance(1.0)
        assert (await login).status_code == 429
        assert "Too much was asked for" in (await login).json()["error"]
        answers = await asyncio.gather(*asking)
        assert sum(answer.status_code == 200 for answer in answers) == 15

        clock.advance(0.5)
        # A page has dozens of parts, which are cheap.
        parts = [ask(f"/assets/part-{n}.js", "203.0.113.7") for n in range(60)]
        assert {answer.status_code for answer in await asyncio.gather(*parts)} == {200}


async def test_a_socket_that_never_connects_as_pages_do_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket_gate, "CONNECT_SECONDS", 0.4)
    began = time.monotonic()
    async with served(gated(Counting())) as port, coming(port, "203.0.113.7") as wire:

        async def ping() -> None:
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await wire.send("3")
                    await asyncio.sleep(0.05)

        pinging = asyncio.create_task(ping())
        assert await closed(wire) == (1008, "it has not connected")
        assert time.monotonic() - began > 0.3
        await pinging


@pytest.mark.parametrize("late", [0.0, 0.1], ids=["in time", "late"])
async def test_a_socket_that_goes_on_flooding_is_closed_and_one_that_pauses_is_not(
    monkeypatch: pytest.MonkeyPatch, late: float
) -> None:
    monkeypatch.setattr(socket_gate, "FLOOD_SECONDS", 0.5)
    monkeypatch.setattr(socket_gate, "BURST", 20)
    monkeypatch.setattr(socket_gate, "PER_SECOND", 50.0)
    app, clock = Counting(), Clock()

    async def sends(wire: ClientConnection, number: int) -> None:
        for _ in range(number):
            await wire.send("3")

    async def pass_by_pass(over: Callable[[], bool]) -> None:
        """Let time pass until the socket that waits for its turn need not; a busy process lets
        more pass than that."""
        while not over():
            await eventually(lambda: over() or clock.waits)
            if clock.waits:
                clock.advance(clock.waits[0] + late)

    async with (
        served(gated(app, clock)) as port,
        coming(port, "203.0.113.7") as flooding,
        coming(port, "203.0.113.8") as pausing,
    ):
        for wire in (flooding, pausing):
            await wire.send("40/_event,")
        await app.counts("203.0.113.7", 1)
        await app.counts("203.0.113.8", 1)
        for burst in range(1, 6):
            await sends(pausing, 25)
            await pass_by_pass(partial(app.have_come, "203.0.113.8", 1 + burst * 25))
            clock.advance(0.5)
        await sends(flooding, 500)
        ends = asyncio.create_task(closed(flooding))
        await pass_by_pass(ends.done)
        code, words = await ends
        assert code == 1008
        assert "too fast" in (words or "")
        assert not app.have_come("203.0.113.7", 501)
        await (await pausing.ping())


async def test_all_sockets_of_an_address_have_one_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "EVENTS", 50.0)
    # A frame counts a little more than one.
    monkeypatch.setattr(rate_limits, "EVENTS_BURST", 10.5)
    monkeypatch.setattr(rate_limits, "OPENING_BURST", 10)
    app, clock = Counting(), Clock()
    async with served(gated(app, clock)) as port, contextlib.AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(coming(port, "203.0.113.7")) for _ in range(5)]
        other = await stack.enter_async_context(coming(port, "203.0.113.8"))
        for wire in (*wires, other):
            await wire.send("40/_event,")
        await app.counts("203.0.113.7", 5)
        await app.counts("203.0.113.8", 1)
        for wire in wires:
            for _ in range(15):
                await wire.send("3")
        # What is left of the burst; of each socket one more waits for its turn.
        await eventually(lambda: len(clock.waits) == len(wires))
        await app.counts("203.0.113.7", 10)
        assert clock.waits == pytest.approx([(n - 0.5) / 50 for n in range(1, 6)], abs=0.001)
        await other.send("3")
        await app.counts("203.0.113.8", 2)
        for so_far in range(15, 60, 5):
            clock.advance(0.1)
            await app.counts("203.0.113.7", so_far)
            await eventually(lambda: len(clock.waits) == len(wires))
        await other.send("3")
        await app.counts("203.0.113.8", 3)
        await app.counts("203.0.113.7", 55)
