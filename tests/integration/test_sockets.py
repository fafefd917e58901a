"""Tabs as sockets alone: very many of them, and what they leave behind in the server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest

from agentchat.store import schema
from tests.benchmarks.tabs.churn import ENVIRONMENT, NO_MORE, NONE, come_and_go, settled
from tests.benchmarks.tabs.fill import fill
from tests.benchmarks.tabs.report import MOST_OBJECTS
from tests.benchmarks.tabs.server import TabServer, tab_servers
from tests.benchmarks.tabs.stamps import Order
from tests.benchmarks.tabs.tab import Tab
from tests.long import LONG

THREADS = {"thread_01": 3, "thread_02": 10, "thread_03": 50}


@pytest.fixture(scope="module")
def tab_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TabServer]:
    url = f"sqlite:///{tmp_path_factory.mktemp('sockets') / 'agentchat.db'}"
    schema.upgrade(url)
    fill(url, THREADS)
    with tab_servers(url, ENVIRONMENT) as [server]:
        yield server
        print(*server.output)


async def test_every_tab_is_brought_every_update(tab_server: TabServer) -> None:
    order = Order("together", 20, 0.05)
    async with AsyncExitStack() as stack:
        tabs = [
            await stack.enter_async_context(
                Tab(tab_server.url, tab_server.facts, thread_id="thread_01")
            )
            for _ in range(20)
        ]
        await asyncio.gather(*(tab.sees("thread_01:2") for tab in tabs))
        await tabs[0].send(str(order))
        await asyncio.gather(*(tab.sees("together:19") for tab in tabs))
        for tab in tabs:
            assert {f"together:{n}" for n in range(20)} <= tab.seen.keys()


@LONG
async def test_tabs_that_come_and_go_leave_nothing_behind(tab_server: TabServer) -> None:
    # What is made only once must not count as left behind.
    await _come_and_go_while_it_is_written(tab_server, "before", 100)
    before = await settled(tab_server)
    await _come_and_go_while_it_is_written(tab_server, "meanwhile", 200)
    after = await settled(tab_server, before)
    more = {name: after[name] for name in NO_MORE if after[name] > before[name]}
    assert not more, before
    assert not any(after[name] for name in NONE)
    assert (after["objects"] - before["objects"]) / 200 < MOST_OBJECTS


async def _come_and_go_while_it_is_written(server: TabServer, name: str, times: int) -> None:
    async with Tab(server.url, server.facts, thread_id="thread_01") as stays:
        await stays.sees("thread_01:2")
        await stays.send(str(Order(name, 20, 0.05)))
        await come_and_go(server, list(THREADS), times)
        await stays.sees(f"{name}:19")
