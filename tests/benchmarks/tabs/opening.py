"""What it takes to open a thread and to send into it, by the number of its messages."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from tests.benchmarks.tabs.fill import fill
from tests.benchmarks.tabs.server import TabServer, tab_servers
from tests.benchmarks.tabs.stamps import stamp
from tests.benchmarks.tabs.tab import Tab

QUIET = 0.3
"""Seconds after which all that a send brings has come."""


@dataclass(slots=True)
class Size:
    """What was measured on threads of one size."""

    length: int
    opened: list[float] = field(default_factory=list)
    bytes_opened: list[float] = field(default_factory=list)
    sent: list[float] = field(default_factory=list)
    bytes_sent: list[float] = field(default_factory=list)

    @property
    def thread_id(self) -> str:
        """The id of the thread."""
        return f"length{self.length:06}"


async def opening(url: str, lengths: Sequence[int], rounds: int) -> list[Size]:
    """Open threads of these lengths in turn, then send into them in turn."""
    sizes = [Size(length) for length in lengths]
    fill(url, {size.thread_id: size.length for size in sizes})
    with tab_servers(url) as [server]:
        for n in range(rounds + 1):
            for size in _forth_and_back(sizes, n):
                await _open(server, size)
        async with AsyncExitStack() as stack:
            tabs = {
                size.length: await stack.enter_async_context(
                    Tab(server.url, server.facts, thread_id=size.thread_id)
                )
                for size in sizes
            }
            await asyncio.sleep(QUIET)
            for n in range(rounds + 1):
                for size in _forth_and_back(sizes, n):
                    await _send(tabs[size.length], size, n)
    for size in sizes:
        # The first of each is to warm up.
        for samples in (size.opened, size.bytes_opened, size.sent, size.bytes_sent):
            del samples[0]
    return sizes


def _forth_and_back(sizes: list[Size], n: int) -> list[Size]:
    return sizes[::-1] if n % 2 else sizes


async def _open(server: TabServer, size: Size) -> None:
    began = time.time()
    async with Tab(server.url, server.facts, thread_id=size.thread_id) as tab:
        at = await tab.sees(f"{size.thread_id}:{size.length - 1}")
        size.opened.append(at - began)
        size.bytes_opened.append(sum(len(f.text.encode()) for f in tab.frames if f.at <= at))
    # Else the next one's beginning is measured together with this one's end.
    await asyncio.sleep(0.02)


async def _send(tab: Tab, size: Size, n: int) -> None:
    began, name = time.time(), f"sent{size.length}"
    await tab.send(f"Hello {stamp(name, n)}")
    size.sent.append(await tab.sees(f"{name}:{n}") - began)
    await asyncio.sleep(QUIET)
    came = tab.frames_between(began, time.time())
    size.bytes_sent.append(sum(len(frame.text.encode()) for frame in came))
