"""Random reads, random writes: an update is never missed, and few runs are for nothing."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import pytest
from hypothesis import strategies as st
from sqlalchemy import insert

from agentchat.store.database import Database
from agentchat.store.writer import Tx
from tests.integration import live_reads, live_writes
from tests.integration.live_reads import Post
from tests.integration.live_watching import (
    EXAMPLES,
    FOLLOWS,
    GROUPS,
    ROOM,
    Follow,
    Watching,
    apply,
    begin,
    forum_url,
    search,
)
from tests.integration.live_writes import ROOMS, Write

__all__ = ["forum_url"]

NARROW = (
    live_reads.by_room,
    live_reads.by_room_and_position,
    live_reads.after_position,
    live_reads.counted,
    live_reads.newest,
    live_reads.ranked,
)
OF_A_ROOM = (
    live_writes.add_post,
    live_writes.reword_room,
    live_writes.shift,
    live_writes.change_and_fail,
)


@pytest.mark.timeout(0 if EXAMPLES else 120)
def test_whatever_is_read_and_written_no_update_is_missed(forum_url: str) -> None:
    async def example(database: Database, follows: list[Follow], groups: list[list[Write]]) -> None:
        await begin(database)
        watching = Watching(database, follows)
        async with AsyncExitStack() as stack:
            await watching.watch(stack)
            await watching.check("the beginning")
            for group in groups:
                results = await apply([database], group)
                await watching.settled()
                await watching.check(list(zip(group, results, strict=True)))
        assert len(database.live) == 0

    search(forum_url, 80 if forum_url.startswith("sqlite") else 40, example, FOLLOWS, GROUPS)


@pytest.mark.timeout(0 if EXAMPLES else 120)
def test_a_write_in_one_room_does_not_run_the_queries_on_another(forum_url: str) -> None:
    async def example(database: Database, n: int, writes: list[Write]) -> None:
        await begin(database)
        follows = [(read, room, n) for read in NARROW for room in ROOMS]
        watching = Watching(database, follows)
        async with AsyncExitStack() as stack:
            await watching.watch(stack)
            for write in writes:
                before = _runs(database)
                (result,) = await apply([database], [write])
                await watching.settled()
                await watching.check(write)
                # A unit that failed has written nothing, and one room is not another.
                touched = {write.room} if result is None else set()
                more = {key: ran - before[key] for key, ran in _runs(database).items()}
                assert {room for (_, room), ran in more.items() if ran} <= touched, write

    writes = st.lists(
        st.builds(Write, st.sampled_from(OF_A_ROOM), ROOM, ROOM, st.integers(0, 6)),
        min_size=3,
        max_size=8,
    )
    search(forum_url, 20, example, st.integers(0, 4), writes)


@pytest.mark.timeout(0 if EXAMPLES else 120)
def test_a_query_on_a_room_never_runs_for_nothing(forum_url: str) -> None:
    async def example(database: Database, words: list[str], rooms: list[str]) -> None:
        await begin(database)
        await database.write(Write(live_writes.add_room, "c", "c", 0))
        follows = [(live_reads.by_room, room, 0) for room in ROOMS]
        watching = Watching(database, follows)
        async with AsyncExitStack() as stack:
            await watching.watch(stack)
            for n, room in enumerate(rooms):
                row = {"id": f"x{n}", "room_id": room, "position": n, "words": words[n % 3]}
                await database.write_soon(put, row)
                await watching.settled()
            views = database.live.inspect()
        assert sum(view.runs - 1 for view in views) == len(rooms)
        assert sum(view.idle_runs for view in views) == 0

    words = st.lists(st.text("abc", max_size=2), min_size=3, max_size=3)
    search(forum_url, 20, example, words, st.lists(ROOM, min_size=5, max_size=15))


def put(tx: Tx, row: dict[str, Any]) -> None:
    tx.execute(insert(Post), row)


def _runs(database: Database) -> dict[tuple[str, str], int]:
    views = database.live.inspect()
    return {(view.name, view.arguments.split("'")[1]): view.runs for view in views}
