"""A tab without a browser: engine.io and socket.io as Reflex's ``utils/state.js`` speaks them.

Frames are only noted when they come, with their time; what is in them is looked at afterwards,
so that a hundred tabs in one process do not measure themselves.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

from tests.benchmarks.tabs.stamps import stamps_in

NAMESPACE = "/_event"
PATIENCE = 30.0
"""Seconds after which something is missing and not slow."""


class _Wire(ClientConnection):
    """Counts the bytes that came, as they were on the wire."""

    came = 0

    def data_received(self, data: bytes) -> None:
        self.came += len(data)
        super().data_received(data)


@dataclass(frozen=True, slots=True)
class Frame:
    """One message of the socket: when it came, and how many bytes had come by then."""

    at: float
    wire: int
    text: str


class Tab:
    """An open tab: ``async with Tab(url, facts, "/t/THREAD") as tab``.

    ``token`` is what a tab keeps when it is reloaded, ``cookie`` what its browser sends, and
    ``forwarded`` for which address a proxy asks, as it says.
    """

    def __init__(
        self,
        url: str,
        facts: dict[str, Any],
        path: str = "/",
        *,
        thread_id: str = "",
        token: str | None = None,
        cookie: str = "",
        forwarded: str = "",
    ) -> None:
        self.thread_id = thread_id
        self.frames: list[Frame] = []
        self.seen: dict[str, float] = {}
        """When each mark came first; filled by :meth:`look`."""
        self._url = url
        self._facts = facts
        self._router = {"pathname": path, "asPath": path}
        if thread_id:
            self._router |= {"pathname": f"/t/{thread_id}", "asPath": f"/t/{thread_id}"}
        self._token = token or str(uuid.uuid4())
        said = {"Cookie": cookie, "X-Forwarded-For": forwarded}
        self._headers = {name: value for name, value in said.items() if value}
        self._looked = 0
        self._came = asyncio.Event()

    async def __aenter__(self) -> Self:
        address = self._url.replace("http", "ws", 1)
        self._wire = await connect(
            f"{address}{NAMESPACE}/?token={self._token}&EIO=4&transport=websocket",
            origin=Origin(self._url),
            additional_headers=self._headers,
            ping_interval=None,
            max_size=None,
            max_queue=None,
            create_connection=_Wire,
        )
        boot = self._event(self._facts["hydrate"], {"hashes": self._facts["hashes"]})
        await self._wire.send(f"40{NAMESPACE}," + json.dumps({"event": boot}))
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._wire.close()
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    def leave(self) -> None:
        """Break the connection as a closed laptop does: without a word."""
        self._wire.transport.abort()

    @property
    def wire(self) -> int:
        """How many bytes came so far."""
        return self._wire.came if isinstance(self._wire, _Wire) else 0

    @property
    def alive(self) -> bool:
        """Whether the server still speaks to it."""
        return not self._reading.done()

    async def send(self, text: str) -> str:
        """Post a message to the tab's thread, as its message box does; returns its id."""
        message_id = str(uuid.uuid4())
        payload = {
            "thread_id": self.thread_id,
            "message_id": message_id,
            "text": text,
            "create": False,
            "attempt": 1,
        }
        event = json.dumps(["event", self._event(self._facts["send"], payload)])
        await self._wire.send(f"42{NAMESPACE},{event}")
        return message_id

    async def call(self, name: str, payload: dict[str, Any]) -> None:
        """Call a handler by its name, as anybody can."""
        event = json.dumps(["event", self._event(name, payload)])
        await self._wire.send(f"42{NAMESPACE},{event}")

    async def until(
        self,
        holds: Callable[[], bool],
        within: float = PATIENCE,
    ) -> None:
        """Wait until something holds; asked whenever a frame came. Raises TimeoutError."""
        async with asyncio.timeout(within):
            while not holds():
                self._came.clear()
                await self._came.wait()

    async def sees(self, mark: str, within: float = PATIENCE) -> float:
        """When a mark came first, once it has. Raises TimeoutError."""

        def there() -> bool:
            self.look()
            return mark in self.seen

        await self.until(there, within)
        return self.seen[mark]

    def look(self) -> None:
        """Look for marks in the frames that came since the last time."""
        for frame in self.frames[self._looked :]:
            for mark in stamps_in(frame.text):
                self.seen.setdefault(mark, frame.at)
        self._looked = len(self.frames)

    def frames_between(self, began: float, ended: float) -> Iterator[Frame]:
        """The frames of a stretch of time."""
        return (frame for frame in self.frames if began <= frame.at <= ended)

    def _event(self, name: str, payload: dict[str, Any]) -> dict[str, Any]:
        router: dict[str, Any] = dict(self._router)
        if self.thread_id:
            router["query"] = {"thread_id": self.thread_id}
        return {"name": name, "payload": payload, "router_data": router}

    async def _read(self) -> None:
        try:
            async for message in self._wire:
                now = time.time()
                if message == "2":
                    await self._wire.send("3")
                elif isinstance(message, str):
                    self.frames.append(Frame(now, self.wire, message))
                    self._came.set()
        except ConnectionClosed:
            pass
        finally:
            self._came.set()
