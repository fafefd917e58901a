"""Following many queries at once, and whether what is held is what is there.

More examples than usual: set AGENTCHAT_EXAMPLES, for example to 2000.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, aclosing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete
from sqlmodel import Session

from agentchat.store.database import Database, connect
from agentchat.store.live import Outcome, QueryView
from tests.integration import live_writes
from tests.integration.live_reads import READS, Forum, Read, Room
from tests.integration.live_writes import ROOMS, WRITES, Write
from tests.waiting import STEP, eventually

EXAMPLES = int(os.environ.get("AGENTCHAT_EXAMPLES", "0"))

Follow = tuple[Read, str, int]

ROOM = st.sampled_from(ROOMS)
FOLLOWS = st.lists(
    st.tuples(st.sampled_from(READS), ROOM, st.integers(0, 4)), min_size=4, max_size=8, unique=True
)
WRITE = st.builds(Write, st.sampled_from(WRITES), ROOM, ROOM, st.integers(0, 6))
GROUPS = st.lists(st.lists(WRITE, min_size=1, max_size=3), min_size=2, max_size=6)


@pytest.fixture
def forum_url(database_url: str) -> Iterator[str]:
    engine = connect(database_url)
    Forum.metadata.create_all(engine)
    yield database_url
    Forum.metadata.drop_all(engine)
    engine.dispose()


class Watching:
    """Follows queries, and holds what came last of each."""

    def __init__(self, database: Database, follows: Sequence[Follow]) -> None:
        self.database = database
        self.follows = follows
        self.newest: dict[Follow, Any] = {}

    async def watch(self, stack: AsyncExitStack) -> None:
        for follow in self.follows:
            read, room, n = follow
            outcomes = self.database.live.outcomes(read, room, n)
            task = asyncio.create_task(self._collect(follow, outcomes))
            stack.push_async_callback(_end, task)
        await self.settled()

    async def _collect(self, follow: Follow, outcomes: AsyncGenerator[Outcome[Any], None]) -> None:
        async with aclosing(outcomes):
            async for outcome in outcomes:
                self.newest[follow] = _plain(outcome)

    async def settled(self) -> tuple[QueryView, ...]:
        """Until every query has read since the last change that it was told of."""
        async with asyncio.timeout(20):
            while True:
                # What was read is on its way to the follower.
                for _ in range(5):
                    await asyncio.sleep(0)
                views = self.database.live.inspect()
                if len(views) == len(self.follows) and all(view.settled for view in views):
                    return views
                await asyncio.sleep(STEP / 10)

    async def check(self, after: object) -> None:
        now = await self.database.read(_run_all, self.follows)
        missed = {
            f"{follow[0].__name__}{follow[1:]}": (self.newest.get(follow), value)
            for follow, value in now.items()
            if self.newest.get(follow) != value
        }
        assert not missed, f"after {after}: (held, is now) {missed}"

    async def caught_up(self) -> None:
        """Until what is held is what is there, however it was told."""
        now = await self.database.read(_run_all, self.follows)
        try:
            await eventually(lambda: self.newest == now, 10)
        except TimeoutError:
            await self.check("waiting long")


def _plain(outcome: Outcome[Any]) -> Any:
    return outcome.value if outcome.error is None else repr(outcome.error)


def _run_all(session: Session, follows: Sequence[Follow]) -> dict[Follow, Any]:
    found: dict[Follow, Any] = {}
    for follow in follows:
        read, room, n = follow
        try:
            found[follow] = read(session, room, n)
        except Exception as error:
            found[follow] = repr(error)
        session.expunge_all()
    return found


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def begin(database: Database) -> None:
    """The forum as every example finds it."""
    await database.write(lambda tx: tx.execute(delete(Room)) and None)
    for n, room in enumerate(ROOMS[:2]):
        await database.write_soon(Write(live_writes.add_room, room, room, n))
        await database.write_soon(Write(live_writes.add_posts, room, room, 2 * n))


async def apply(databases: Sequence[Database], group: Sequence[Write]) -> list[Any]:
    """Write a group at once, now to this database object and then to that."""
    kinds = [
        (database.write, database.write_soon)[n % 2]
        for n, database in enumerate((*databases, *databases, *databases)[: len(group)])
    ]
    units = (write(unit) for write, unit in zip(kinds, group, strict=True))
    return await asyncio.gather(*units, return_exceptions=True)


def search(
    url: str, examples: int, example: Callable[[Database, Any, Any], Awaitable[None]], *what: Any
) -> None:
    """Run ``example`` on one open database with many ``what``."""
    with asyncio.Runner() as runner:

        async def opened() -> Database:
            database = Database(url)
            database.open()
            if database._listener is not None:
                await asyncio.to_thread(database._listener.hears.wait, 10)
            return database

        database = runner.run(opened())

        @settings(
            max_examples=EXAMPLES or examples,
            derandomize=not EXAMPLES,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(*what)
        def run(first: Any, second: Any) -> None:
            async def bounded() -> None:
                async with asyncio.timeout(60):
                    await example(database, first, second)

            runner.run(bounded())

        try:
            run()
        finally:
            runner.run(database.close())
