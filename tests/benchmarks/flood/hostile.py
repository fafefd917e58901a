"""The client that floods, in a process of its own: ``python -m tests.benchmarks.flood.hostile``.

It asks on standard input what to do, ``VARIANT SECONDS`` a line, and says when it has done it,
with how much it got through. It sends up to 1,000 events a second; where the server reads more
slowly or hangs up, it goes on as fast as it can.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sys
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Final

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Origin

from tests.benchmarks.tabs.tab import NAMESPACE

RATE: Final = 1_000
"""Events a second that one client tries to send."""
ADDRESS: Final = {"X-Forwarded-For": "203.0.113.7"}
MANY: Final = 50
"""Sockets of the flood that comes over many."""
_BROKEN = (OSError, WebSocketException, TimeoutError)


class Hostile:
    """One client that floods a server with what it is told to."""

    def __init__(self, url: str, facts: dict[str, Any]) -> None:
        self._url = url
        self._facts = facts
        self._router = {
            "pathname": f"/t/{facts['thread']}",
            "asPath": f"/t/{facts['thread']}",
            "query": {"thread_id": facts["thread"]},
        }
        self.did: Counter[str] = Counter()
        self._variants: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
            "small events": lambda: self._sending(self._small),
            "dear events": lambda: self._sending(self._dear),
            "typing": lambda: self._sending(self._typing),
            "unknown handlers": lambda: self._sending(lambda: self._event("no.such", {})),
            "wrong arguments": lambda: self._sending(self._wrong),
            "rubbish": lambda: self._sending(lambda: "rubbish"),
            "large events": lambda: self._sending(self._large),
            "too large": lambda: self._sending(self._too_large),
            "inflating": lambda: self._sending(self._inflating, deflate=True),
            "many sockets": self._many,
            "opening sockets": self._opening,
            "HTTP requests": self._requests,
        }

    async def flood(self, variant: str, seconds: float) -> Counter[str]:
        """Flood for so long; what was done, by name."""
        self.did = Counter()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._variants[variant]()
        return self.did

    # What is sent

    def _event(self, name: str, payload: dict[str, Any]) -> str:
        event = {"name": name, "payload": payload, "router_data": self._router}
        return f"42{NAMESPACE}," + json.dumps(["event", event])

    def _small(self) -> str:
        return self._event(self._facts["say"], {"words": str(self.did["sent"])})

    def _dear(self) -> str:
        return self._event(self._facts["hydrate"], {"hashes": []})

    def _typing(self) -> str:
        return self._event(self._facts["typing"], {"thread_id": self._facts["thread"]})

    def _wrong(self) -> str:
        return self._event(self._facts["say"], {"words": 7})

    def _large(self) -> str:
        return self._event(self._facts["say"], {"words": "x" * 900_000})

    def _too_large(self) -> str:
        return "x" * 2_000_000

    def _inflating(self) -> str:
        # A thousandth of it on the wire.
        return "x" * 990_000

    # How

    @contextlib.asynccontextmanager
    async def _socket(self, *, deflate: bool = False) -> AsyncIterator[ClientConnection]:
        address = self._url.replace("http", "ws", 1)
        async with connect(
            f"{address}{NAMESPACE}/?token={uuid.uuid4()}&EIO=4&transport=websocket",
            origin=Origin(self._url),
            additional_headers=ADDRESS,
            compression="deflate" if deflate else None,
            ping_interval=None,
            max_size=None,
            close_timeout=0.1,
        ) as wire:
            boot = json.loads(self._dear().removeprefix(f"42{NAMESPACE},"))[1]
            await wire.send(f"40{NAMESPACE}," + json.dumps({"event": boot}))
            self.did["sockets"] += 1
            hearing = asyncio.create_task(_hear(wire))
            try:
                yield wire
            finally:
                hearing.cancel()
                wire.transport.abort()

    async def _sending(
        self, frame: Callable[[], str], *, rate: float = RATE, deflate: bool = False
    ) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                async with self._socket(deflate=deflate) as wire:
                    due = loop.time()
                    while True:
                        await wire.send(frame())
                        self.did["sent"] += 1
                        due = max(due + 1 / rate, loop.time() - 0.1)
                        if (wait := due - loop.time()) > 0.002:
                            await asyncio.sleep(wait)
            except _BROKEN:
                self.did["broken"] += 1
                await asyncio.sleep(1 / rate)

    async def _many(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(MANY):
                group.create_task(self._sending(self._small, rate=RATE / MANY))

    async def _opening(self) -> None:
        async def one() -> None:
            while True:
                try:
                    async with self._socket():
                        pass
                except _BROKEN:
                    self.did["broken"] += 1

        async with asyncio.TaskGroup() as group:
            for _ in range(20):
                group.create_task(one())

    async def _requests(self) -> None:
        paths = ("/files/abcdefgh", "/export/runs/abcdefgh.json", "/auth/login", "/")
        async with httpx.AsyncClient(base_url=self._url, timeout=5, headers=ADDRESS) as client:

            async def one(path: str) -> None:
                while True:
                    try:
                        if path.startswith("/auth"):
                            said = {"name": "ann", "password": "wrong"}
                            answer = await client.post(
                                path, json=said, headers={"Origin": self._url}
                            )
                        else:
                            answer = await client.get(path)
                        self.did[f"status {answer.status_code}"] += 1
                    except httpx.HTTPError:
                        self.did["broken"] += 1

            async with asyncio.TaskGroup() as group:
                for path in paths * 4:
                    group.create_task(one(path))


async def _hear(wire: ClientConnection) -> None:
    with contextlib.suppress(*_BROKEN):
        async for message in wire:
            if message == "2":
                await wire.send("3")


async def main() -> None:
    """Flood as standard input says, until it ends."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.flood.hostile")
    parser.add_argument("url")
    parser.add_argument("facts", type=json.loads)
    asked = parser.parse_args()
    # What it costs to send is not what it costs to be sent to: others have the first turn.
    os.nice(10)
    hostile = Hostile(asked.url, asked.facts)
    while line := await asyncio.to_thread(sys.stdin.readline):
        variant, seconds = json.loads(line)
        began = time.process_time()
        did = await hostile.flood(variant, seconds)
        spent = (time.process_time() - began) / seconds
        print(json.dumps({**did, "cpu": round(spent, 2)}), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
