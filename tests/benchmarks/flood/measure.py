"""How long people wait while nothing else happens, and while one client floods the server."""

from __future__ import annotations

import asyncio
import json
import sys
import time
import uuid
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from agentchat.store import schema
from tests.acceptance.server import ROOT, Server
from tests.benchmarks.tabs.fill import fill
from tests.benchmarks.tabs.stamps import Order
from tests.benchmarks.tabs.tab import Tab

VARIANTS = (
    "small events",
    "dear events",
    "typing",
    "unknown handlers",
    "wrong arguments",
    "rubbish",
    "large events",
    "too large",
    "inflating",
    "many sockets",
    "opening sockets",
    "HTTP requests",
)
FLOODED = "thread_of_the_flood"
TABS = 3
EVERY = 0.05
"""Seconds between two events of a tab."""
SEND_EVERY = 0.25
MARGIN = 0.015
"""Seconds that a busy machine alone may add to a wait of a few milliseconds."""


@dataclass
class Side:
    """How long others waited, in seconds."""

    events: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)


@dataclass
class Figures:
    """What one kind of flood did to others."""

    variant: str
    quiet: Side = field(default_factory=Side)
    flooded: Side = field(default_factory=Side)
    did: dict[str, float] = field(default_factory=dict)
    cpu: float = 0.0
    """CPU seconds of the server in a second of the flood."""
    grew: int = 0
    """Bytes of memory that the server held more at the end than at its beginning."""

    @property
    def ratio(self) -> float:
        """The worse of how many times the flood lengthens the p95 of the two."""
        return max(
            p95(self.flooded.events) / p95(self.quiet.events),
            p95(self.flooded.answers) / p95(self.quiet.answers),
        )


def p50(samples: Sequence[float]) -> float:
    """The median."""
    return sorted(samples)[len(samples) // 2]


def p95(samples: Sequence[float]) -> float:
    """What 95 of 100 do not exceed."""
    return sorted(samples)[int(len(samples) * 0.95)]


def facts() -> dict[str, Any]:
    """The names that the compiled pages know."""
    from reflex.state import State

    from agentchat.ui.states.notice import NoticeState
    from agentchat.ui.states.presence import PresenceState
    from agentchat.ui.states.thread import ThreadState

    return {
        "hydrate": f"{State.get_full_name()}.hydrate_and_load",
        "send": f"{ThreadState.get_full_name()}.send",
        "say": f"{NoticeState.get_full_name()}.say",
        "typing": f"{PresenceState.get_full_name()}.typing",
        "hashes": [],
        "thread": FLOODED,
    }


def flood_server(folder: Path, **environment: str) -> Server:
    """A server as ``agentchat run`` starts it, with a thread to flood and an exact model."""
    schema.upgrade(_database(folder))
    fill(_database(folder), {FLOODED: 200})
    program = ("agentchat", "run", "--chat", "tests.benchmarks.flood.app:chat")
    # Everybody has an address of their own, as behind a proxy.
    server = Server(folder, program=program, AGENTCHAT_TRUSTED_PROXY_HOPS="1", **environment)
    server.start()
    return server


def _database(folder: Path) -> str:
    return f"sqlite:///{folder / 'agentchat.db'}"


@dataclass
class Flood:
    """The process of the client that floods."""

    process: Process

    async def run(self, variant: str, seconds: float) -> dict[str, float]:
        """Flood for so long; what it did, by name."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([variant, seconds]).encode() + b"\n")
        did: dict[str, float] = json.loads(await self.process.stdout.readline())
        return did


@asynccontextmanager
async def flood_process(url: str, known: dict[str, Any]) -> AsyncIterator[Flood]:
    """A process that floods; it ends with this."""
    command = [sys.executable, "-m", "tests.benchmarks.flood.hostile", url, json.dumps(known)]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=PIPE, stdout=PIPE)
    try:
        yield Flood(process)
    finally:
        process.kill()
        await process.wait()


async def measure(
    server: Server, variants: Sequence[str], *, seconds: float, rounds: int
) -> AsyncIterator[Figures]:
    """What each kind of flood does, as it is known. Stretches of so many seconds with a flood and
    without take turns, so that whatever else the machine does is the same for both.
    """
    known = facts()
    pid = server._process.pid if server._process is not None else 0
    seen = psutil.Process(pid)
    async with AsyncExitStack() as stack:
        flood = await stack.enter_async_context(flood_process(server.url, known))
        for variant in variants:
            figures = Figures(variant)
            held = seen.memory_info().rss
            async with _others(server, known) as tabs:
                await _stretch(tabs, known["say"], "warm", 1.0, Side())
                for number in range(rounds):
                    name = f"r{number}{variant.replace(' ', '')}"
                    await _stretch(tabs, known["say"], f"q{name}", seconds, figures.quiet)
                    cpu = _cpu(seen)
                    flooding = asyncio.create_task(flood.run(variant, seconds + 0.5))
                    # It has its connection by then.
                    await asyncio.sleep(0.4)
                    await _stretch(tabs, known["say"], f"f{name}", seconds, figures.flooded)
                    for what, how_often in (await flooding).items():
                        figures.did[what] = figures.did.get(what, 0) + how_often
                    figures.cpu += (_cpu(seen) - cpu) / (seconds + 0.5) / rounds
                    # What is left of it is not the next one's.
                    await asyncio.sleep(0.5)
            figures.grew = seen.memory_info().rss - held
            yield figures


@asynccontextmanager
async def _others(server: Server, known: dict[str, Any]) -> AsyncIterator[list[Tab]]:
    """Tabs of other people in a thread of their own, which is not long yet."""
    thread_id = f"thread_{uuid.uuid4().hex}"
    await asyncio.to_thread(fill, _database(server.data_dir), {thread_id: 20})
    async with AsyncExitStack() as stack:
        tabs = [
            await stack.enter_async_context(
                Tab(server.url, known, thread_id=thread_id, forwarded=f"198.51.100.{n}")
            )
            for n in range(TABS)
        ]
        for tab in tabs:
            await tab.sees(f"{thread_id}:19")
        yield tabs


async def _stretch(tabs: list[Tab], say: str, name: str, seconds: float, side: Side) -> None:
    end = asyncio.get_running_loop().time() + seconds
    async with asyncio.TaskGroup() as group:
        for number, tab in enumerate(tabs[1:]):
            group.create_task(_events(tab, say, f"{name}{number}", end, side.events))
        group.create_task(_answers(tabs[0], name, end, side.answers))


async def _events(tab: Tab, say: str, name: str, end: float, waits: list[float]) -> None:
    loop, number = asyncio.get_running_loop(), 0
    while loop.time() < end:
        number += 1
        tab.frames.clear()
        tab._looked = 0
        began = time.time()
        await tab.call(say, {"words": f"[[{name}:{number}]]"})
        waits.append(await tab.sees(f"{name}:{number}") - began)
        await asyncio.sleep(EVERY)


async def _answers(tab: Tab, name: str, end: float, waits: list[float]) -> None:
    loop, number = asyncio.get_running_loop(), 0
    while loop.time() < end:
        number += 1
        tab.frames.clear()
        tab._looked = 0
        began = time.time()
        await tab.send(str(Order(f"a{name}x{number}", 1, 0)))
        waits.append(await tab.sees(f"a{name}x{number}:0") - began)
        await asyncio.sleep(SEND_EVERY)


def _cpu(process: Any) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
