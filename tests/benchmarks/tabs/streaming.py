"""Answers that stream to many tabs, beside bare events that go to as many."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise

from tests.benchmarks.tabs.bare import ROUTE
from tests.benchmarks.tabs.fill import fill
from tests.benchmarks.tabs.lag import Lag
from tests.benchmarks.tabs.server import TabServer, tab_servers
from tests.benchmarks.tabs.stamps import Order
from tests.benchmarks.tabs.tab import Tab
from tests.benchmarks.tabs.table import percentile

SETTLED = 2
"""Messages in each thread before; what many of them cost is measured elsewhere."""
LATE = 1.0
"""Seconds after which an update counts as late."""
IDLE = 2.0
"""Seconds of doing nothing, whose CPU is taken off."""
AT_ONCE = 20
"""Tabs that connect at the same time."""


@dataclass(frozen=True, slots=True)
class Case:
    """So many tabs, spread over so many threads and server processes."""

    tabs: int
    threads: int
    servers: int = 1

    @property
    def label(self) -> str:
        """The head of its column."""
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        tabs = "1 tab" if self.tabs == 1 else f"{self.tabs} tabs"
        return f"{tabs}, {threads}" + (f", {self.servers} processes" if self.servers > 1 else "")


Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class _Noted:
    said: dict[str, float]
    committed: dict[str, float]
    lag: list[float]
    pauses: list[float]


async def stream(url: str, case: Case, order: Order) -> Figures:
    """Measure one case on a fresh database: the app first, then bare events."""
    ids = [f"thread{n:03}" for n in range(case.threads)]
    fill(url, dict.fromkeys(ids, SETTLED))
    with tab_servers(url, count=case.servers) as servers:
        await _warm_up(servers, ids[0])
        lag = Lag()
        app = await _app(servers, ids, case, order)
        figures = {**app, "client lag": percentile(lag.take(), 95)}
        bare = await _bare(servers, case, order)
        lag.end()
    return figures | {f"bare {name}": value for name, value in bare.items()}


async def _warm_up(servers: Sequence[TabServer], thread_id: str) -> None:
    for n, server in enumerate(servers):
        async with Tab(server.url, server.facts, thread_id=thread_id) as tab:
            await tab.sees(f"{thread_id}:{SETTLED - 1}")
            await tab.send(str(Order(f"warm{n}", 5, 0.05)))
            await tab.sees(f"warm{n}:4")
            await asyncio.sleep(0.5)
        async with Tab(server.url, server.facts, ROUTE) as tab:
            await tab.until(lambda tab=tab: len(tab.frames) > 3)  # type: ignore[misc]
            await server.ask_soon("tick", name=f"warm{n}", updates=3, pace=0.05, size=80)
            await tab.sees(f"warm{n}:2")


async def _app(
    servers: Sequence[TabServer], ids: Sequence[str], case: Case, order: Order
) -> Figures:
    before = sum(server.rss() for server in servers)
    names = {thread_id: f"s{n}" for n, thread_id in enumerate(ids)}
    wanted = [
        Tab(server.url, server.facts, thread_id=ids[n % len(ids)])
        for n, server in _spread(case.tabs, servers)
    ]
    async with opened(wanted) as tabs:
        await asyncio.gather(*(tab.sees(f"{tab.thread_id}:{SETTLED - 1}") for tab in tabs))
        await asyncio.sleep(0.5)
        connected = sum(server.rss() for server in servers)
        idle = await _idle(servers)
        await _stamps(servers)
        async with CpuClock(servers) as clock:
            for thread_id, name in names.items():
                first = next(tab for tab in tabs if tab.thread_id == thread_id)
                await first.send(str(Order(name, order.updates, order.pace, order.size)))
                # Not in step with each other, as people are not.
                await asyncio.sleep(0.011)
            last = [f"{names[tab.thread_id]}:{order.updates - 1}" for tab in tabs]
            await _all_seen(tabs, last, order.updates * order.pace + 20)
            await asyncio.sleep(0.5)
        peak = sum(server.rss() for server in servers)
        noted = await _stamps(servers)
        for tab in tabs:
            tab.look()
    return {
        "rss": before,
        "rss tab": (connected - before) / case.tabs,
        "rss grown": peak - connected,
        "idle": idle,
        "lag": percentile(noted.lag, 95),
        "pause": max(noted.pauses, default=0.0),
        **_read(tabs, names, noted, order, clock, idle),
    }


def _read(
    tabs: Sequence[Tab],
    names: dict[str, str],
    noted: _Noted,
    order: Order,
    clock: CpuClock,
    idle: float,
) -> Figures:
    """What the tabs saw; of the time in which all threads streamed, but for what says "all"."""
    committed = noted.committed
    began = max(committed[f"{name}:0"] for name in names.values())
    ended = min(committed[f"{name}:{order.updates - 1}"] for name in names.values())
    every: list[float] = []
    delays: list[float] = []
    said: list[float] = []
    lost = plain = wire = pushes = 0
    for tab in tabs:
        marks = [f"{names[tab.thread_id]}:{n}" for n in range(order.updates)]
        seen = [mark for mark in marks if mark in tab.seen]
        lost += len(marks) - len(seen)
        every += [tab.seen[mark] - committed[mark] for mark in seen]
        steady = [mark for mark in seen if began <= committed[mark] < ended]
        delays += [tab.seen[mark] - committed[mark] for mark in steady]
        said += [tab.seen[mark] - noted.said[mark] for mark in steady]
        if frames := list(tab.frames_between(began, ended)):
            plain += sum(len(frame.text.encode()) for frame in frames[1:])
            wire += frames[-1].wire - frames[0].wire
            pushes += len(frames) - 1
    used = clock.between(began, ended) - idle * (ended - began)
    count = max(1, len(delays))
    return {
        "p50": percentile(delays, 50),
        "p95": percentile(delays, 95),
        "p99": percentile(delays, 99),
        "said p95": percentile(said, 95),
        "all p95": percentile(every, 95),
        "all late": sum(delay > LATE for delay in every),
        "lost": lost,
        "cpu": used / count,
        "load": clock.between(began, ended) / (ended - began),
        "all cpu": clock.total / max(1, len(every)),
        "bytes": plain / count,
        "wire": wire / count,
        "pushes": pushes / count,
        "seconds": ended - began,
    }


async def _bare(servers: Sequence[TabServer], case: Case, order: Order) -> Figures:
    wanted = [Tab(server.url, server.facts, ROUTE) for _, server in _spread(case.tabs, servers)]
    async with opened(wanted) as tabs:
        await asyncio.sleep(1)
        idle = await _idle(servers)
        await _stamps(servers)
        cpu, began = _cpu(servers), time.time()
        asked = {"updates": order.updates, "pace": order.pace, "size": order.size}
        await asyncio.gather(
            *(server.ask_soon("tick", name=f"b{n}", **asked) for n, server in enumerate(servers))
        )
        last = [f"b{n % len(servers)}:{order.updates - 1}" for n in range(len(tabs))]
        await _all_seen(tabs, last, 20)
        await asyncio.sleep(0.2)
        used, passed = _cpu(servers) - cpu, time.time() - began
        noted = await _stamps(servers)
    delays = [seen - noted.said[mark] for tab in tabs for mark, seen in tab.seen.items()]
    return {
        "p50": percentile(delays, 50),
        "p95": percentile(delays, 95),
        "cpu": (used - idle * passed) / len(delays),
        "lag": percentile(noted.lag, 95),
    }


async def _stamps(servers: Iterable[TabServer]) -> _Noted:
    answers = [await server.ask_soon("stamps") for server in servers]
    return _Noted(
        {mark: at for answer in answers for mark, at in answer["said"].items()},
        {mark: at for answer in answers for mark, at in answer["committed"].items()},
        [lag for answer in answers for lag in answer["lag"]],
        [pause for answer in answers for pause in answer["pauses"]],
    )


async def _all_seen(tabs: Sequence[Tab], last: Sequence[str], within: float) -> int:
    """Wait until each tab saw its mark; how many did not."""
    waiting = (tab.sees(mark, within) for tab, mark in zip(tabs, last, strict=True))
    found = await asyncio.gather(*waiting, return_exceptions=True)
    for one in found:
        if isinstance(one, BaseException) and not isinstance(one, TimeoutError):
            raise one
    return sum(isinstance(one, TimeoutError) for one in found)


async def _idle(servers: Sequence[TabServer]) -> float:
    """Seconds of CPU a second while nothing happens."""
    cpu, began = _cpu(servers), time.time()
    await asyncio.sleep(IDLE)
    return (_cpu(servers) - cpu) / (time.time() - began)


def _cpu(servers: Iterable[TabServer]) -> float:
    return sum(server.cpu() for server in servers)


class CpuClock:
    """The servers' CPU over time, sampled, so that any stretch can be asked for afterwards."""

    def __init__(self, servers: Sequence[TabServer]) -> None:
        self._servers = servers
        self._samples: list[tuple[float, float]] = []

    async def __aenter__(self) -> CpuClock:
        self._note()
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        self._note()

    @property
    def total(self) -> float:
        """All seconds of CPU in the block."""
        return self._samples[-1][1] - self._samples[0][1]

    def between(self, began: float, ended: float) -> float:
        """Seconds of CPU in a stretch of time."""
        return self._at(ended) - self._at(began)

    def _at(self, moment: float) -> float:
        for (before, low), (after, high) in pairwise(self._samples):
            if before <= moment <= after:
                return low + (high - low) * (moment - before) / (after - before)
        return self._samples[-1][1]

    def _note(self) -> None:
        self._samples.append((time.time(), _cpu(self._servers)))

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(0.2)
            self._note()


def _spread(tabs: int, servers: Sequence[TabServer]) -> list[tuple[int, TabServer]]:
    return [(n, servers[n % len(servers)]) for n in range(tabs)]


@asynccontextmanager
async def opened(tabs: Sequence[Tab]) -> AsyncIterator[Sequence[Tab]]:
    """The tabs, open; a few at a time, so that none waits too long for its handshake."""
    async with AsyncExitStack() as stack:
        for n in range(0, len(tabs), AT_ONCE):
            few = tabs[n : n + AT_ONCE]
            await asyncio.gather(*(stack.enter_async_context(tab) for tab in few))
        yield tabs
