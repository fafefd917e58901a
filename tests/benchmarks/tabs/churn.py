"""Tabs that come and go: what they leave behind in the server."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tests.benchmarks.tabs.server import TabServer
from tests.benchmarks.tabs.tab import Tab

AT_ONCE = 20
FORGET_SECONDS = 2
"""How long the server keeps the state of a closed tab; it is 15 minutes in the app."""
LASTING_SECONDS = 7
"""How long counts stay as they are before they are taken to: longer than the timeout of sockets."""
ENVIRONMENT = {
    "REFLEX_REDIS_TOKEN_EXPIRATION": str(FORGET_SECONDS),
    # A task for each socket sleeps that long before it sees that the socket is closed.
    "REFLEX_SOCKET_INTERVAL": "1",
    "REFLEX_SOCKET_TIMEOUT": "5",
}
NO_MORE = ("tasks", "live", "ThreadState", "_Query", "_Follower", "EventFuture", "AsyncSocket")
"""Counts that may not be higher than before: some of what was there at first ends late."""
NONE = ("live", "ThreadState", "_Query", "_Follower")
"""Those of them that belong to tabs."""

Counts = dict[str, int]


async def come_and_go(server: TabServer, thread_ids: Sequence[str], times: int) -> None:
    """So many tabs, a few at a time: each sees its thread, and leaves politely or does not."""
    for n in range(0, times, AT_ONCE):
        few = range(n, min(n + AT_ONCE, times))
        await asyncio.gather(*(_visit(server, thread_ids[m % len(thread_ids)], m) for m in few))


async def _visit(server: TabServer, thread_id: str, n: int) -> None:
    async with Tab(server.url, server.facts, thread_id=thread_id) as tab:
        if n % 5 != 4:
            await tab.sees(f"{thread_id}:0")
        # Every fifth leaves while it is still being told what is there.
        if n % 2:
            tab.leave()


async def settled(server: TabServer, before: Counts | None = None, within: float = 30) -> Counts:
    """What there is once everything has ended that was going to: nothing of any tab, and all else
    as it was ``before``, or as it stays. What there is after so many seconds, if that never comes.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + within
    last: Counts | None = before
    since = loop.time()
    while True:
        await asyncio.sleep(FORGET_SECONDS / 2)
        counts: Counts = await server.ask_soon("counts")
        gone = not any(counts[name] for name in NONE)
        same = last is not None and all(counts[name] <= last[name] for name in NO_MORE)
        if not same:
            since = loop.time()
        # A closed socket is seen to be one only after a while.
        lasts = before is not None or loop.time() - since > LASTING_SECONDS
        if (gone and same and lasts) or loop.time() > end:
            return counts
        last = before or counts
