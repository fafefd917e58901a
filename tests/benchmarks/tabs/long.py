"""One very long answer: what is sent of it must not grow with it."""

from __future__ import annotations

from dataclasses import dataclass

from tests.benchmarks.tabs.fill import fill
from tests.benchmarks.tabs.server import tab_servers
from tests.benchmarks.tabs.stamps import Order, stamps_in
from tests.benchmarks.tabs.streaming import CpuClock
from tests.benchmarks.tabs.tab import Tab
from tests.benchmarks.tabs.table import percentile

TICK = 0.005
"""Seconds between writes, instead of the app's: 5,000 deltas at its pace take ten minutes."""
PACE = 0.015
SIZE = 40


@dataclass(frozen=True, slots=True)
class Tenth:
    """A tenth of the answer."""

    bytes: float
    bytes_update: float
    p50: float
    p95: float
    cpu: float
    pushes: int


async def long_answer(url: str, deltas: int) -> tuple[Tenth, Tenth, int]:
    """The first and the last tenth, and how many deltas there really were."""
    fill(url, {"longthread": 2})
    order = Order("long", deltas, PACE, SIZE)
    with tab_servers(url, {"BENCH_TICK": str(TICK)}) as [server]:
        async with Tab(server.url, server.facts, thread_id="longthread") as tab:
            await tab.sees("longthread:1")
            await server.ask_soon("stamps")
            async with CpuClock([server]) as clock:
                await tab.send(str(order))
                await tab.sees(f"long:{deltas - 1}", deltas * PACE * 4 + 20)
            noted = await server.ask_soon("stamps")
            first = _tenth(tab, noted["committed"], clock, 0, deltas // 10)
            last = _tenth(tab, noted["committed"], clock, deltas - deltas // 10, deltas)
    return first, last, int(noted["deltas"])


def _tenth(tab: Tab, committed: dict[str, float], clock: CpuClock, low: int, high: int) -> Tenth:
    marks = [f"long:{n}" for n in range(low, high)]
    began, ended = tab.seen[marks[0]], tab.seen[marks[-1]]
    # Not the last one of all: the end of the run may come with it.
    frames = [f for f in tab.frames_between(began, ended) if f.at < ended and stamps_in(f.text)]
    delays = [tab.seen[mark] - committed[mark] for mark in marks]
    total = sum(len(frame.text.encode()) for frame in frames)
    return Tenth(
        bytes=total / len(frames),
        # Several updates may come in one push, and how many is a matter of speed.
        bytes_update=total / len(marks),
        p50=percentile(delays, 50),
        p95=percentile(delays, 95),
        cpu=clock.between(began, ended) / len(frames),
        pushes=len(frames),
    )
