"""Live queries: followed reads run again when rows they read change, and only then."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col

from agentchat.errors import ThreadNotFound
from agentchat.models import Thread
from agentchat.store import threads
from agentchat.store.changes import Rows
from agentchat.store.database import Database
from agentchat.store.writer import Tx
from tests.waiting import eventually

NOW = datetime(2026, 1, 1, tzinfo=UTC)
T = TypeVar("T")
ran: Counter[str] = Counter()


def add(tx: Tx, thread_id: str, owner: str = "o") -> None:
    threads.create(tx, thread_id, owner_id=owner, title="", now=NOW)


def move(tx: Tx, thread_id: str, owner: str) -> None:
    tx.execute(update(Thread).where(col(Thread.id) == thread_id).values(owner_id=owner))


def owned_by(session: Session, owner: str) -> list[str]:
    ran[owner] += 1
    query = select(col(Thread.id)).where(col(Thread.owner_id) == owner).order_by(col(Thread.id))
    return list(session.scalars(query))


def title_of(session: Session, thread_id: str) -> str:
    ran[thread_id] += 1
    return threads.get(session, thread_id).title


async def next_of(following: AsyncGenerator[T, None]) -> T:
    return await asyncio.wait_for(anext(following), 30)


async def quiet(database: Database) -> None:
    """Until everything that was written has been told and read again."""
    await database.write(lambda tx: None)
    await asyncio.sleep(0.05)


@pytest.fixture(autouse=True)
def count_anew() -> None:
    ran.clear()


async def test_a_follower_gets_the_value_and_each_change(database: Database) -> None:
    async with aclosing(database.live.follow(owned_by, "o")) as following:
        assert await next_of(following) == []
        await database.write(add, "a")
        assert await next_of(following) == ["a"]
        await database.write(add, "b")
        assert await next_of(following) == ["a", "b"]


async def test_a_new_follower_sees_what_was_written_before_it_came(
    database: Database,
) -> None:
    async with aclosing(database.live.follow(owned_by, "me")) as old:
        await next_of(old)
        for n in range(20):
            await database.write(add, f"t{n}", "me")
            async with aclosing(database.live.follow(owned_by, "me")) as new:
                assert len(await next_of(new)) == n + 1


async def test_a_read_past_the_orm_wakes_for_everything(database: Database) -> None:
    def raw(session: Session) -> int:
        found = session.connection().exec_driver_sql("SELECT count(*) FROM threads")
        return int(found.scalar_one())

    async with aclosing(database.live.follow(raw)) as following:
        assert await next_of(following) == 0
        await database.write(add, "a")
        assert await next_of(following) == 1


async def test_a_commit_of_another_process_is_seen(database: Database) -> None:
    other = Database(database.url)
    other.open()
    async with aclosing(database.live.follow(owned_by, "me")) as following:
        assert await next_of(following) == []
        await other.write(add, "a", "me")
        assert await next_of(following) == ["a"]
        # So many rows that one notification cannot name them.
        await asyncio.gather(*(other.write(add, "b" * 60 + str(n), "me") for n in range(200)))
        async with asyncio.timeout(30):
            while len(await next_of(following)) < 201:
                pass
    await other.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_another_process_tells_which_rows_it_changed(database: Database) -> None:
    other = Database(database.url)
    other.open()
    told: list[Rows] = []
    database.live.listen(told.extend)
    async with aclosing(database.live.follow(owned_by, "me")) as following:
        await next_of(following)
        before = ran["me"]
        await other.write(add, "a", "you")
        await eventually(lambda: told)
        await quiet(database)
        assert ran["me"] == before
    assert dict(told[0].known)["owner_id"] == "you"
    await other.close()


async def test_a_change_elsewhere_does_not_run_the_query_again(database: Database) -> None:
    async with aclosing(database.live.follow(owned_by, "me")) as following:
        await next_of(following)
        for n in range(5):
            await database.write(add, f"t{n}", "you")
        await quiet(database)
        assert ran["me"] == 1


async def test_a_row_that_moves_is_seen_by_both_sides(database: Database) -> None:
    await database.write(add, "a", "me")
    async with (
        aclosing(database.live.follow(owned_by, "me")) as mine,
        aclosing(database.live.follow(owned_by, "you")) as yours,
    ):
        assert (await next_of(mine), await next_of(yours)) == (["a"], [])
        await database.write(move, "a", "you")
        assert (await next_of(mine), await next_of(yours)) == ([], ["a"])


async def test_a_value_equal_to_the_last_is_not_sent(database: Database) -> None:
    await database.write(add, "a", "me")
    async with aclosing(database.live.follow(owned_by, "me")) as following:
        await next_of(following)
        await database.write(threads.rename, "a", "another title")
        await eventually(lambda: ran["me"] == 2)
        await database.write(add, "b", "me")
        assert await next_of(following) == ["a", "b"]


async def test_one_run_serves_all_followers_of_the_same_query(database: Database) -> None:
    followings = [database.live.follow(owned_by, "me") for _ in range(20)]
    await asyncio.gather(*(next_of(following) for following in followings))
    await database.write(add, "a", "me")
    values = await asyncio.gather(*(next_of(following) for following in followings))
    assert values == [["a"]] * 20
    assert ran["me"] == 2
    for following in followings:
        await following.aclose()
    assert len(database.live) == 0


async def test_a_slow_follower_skips_to_the_newest_value(database: Database) -> None:
    async with aclosing(database.live.follow(owned_by, "me")) as following:
        await next_of(following)
        async with aclosing(database.live.follow(owned_by, "me")) as quick:
            for n in range(10):
                await database.write(add, f"t{n}", "me")
                while len(await next_of(quick)) <= n:
                    pass
        assert len(await next_of(following)) == 10


async def test_a_change_while_the_query_runs_is_not_missed(database: Database) -> None:
    reading, go_on = threading.Event(), threading.Event()

    def slow(session: Session) -> list[str]:
        found = owned_by(session, "me")
        reading.set()
        go_on.wait(5)
        return found

    async with aclosing(database.live.follow(slow)) as following:
        first = asyncio.ensure_future(next_of(following))
        await asyncio.to_thread(reading.wait, 5)
        await database.write(add, "a", "me")
        go_on.set()
        assert await first in ([], ["a"])
        if first.result() == []:
            assert await next_of(following) == ["a"]


async def test_a_read_by_primary_key_wakes_for_its_row_only(database: Database) -> None:
    await database.write(add, "a")
    await database.write(add, "b")
    async with aclosing(database.live.follow(title_of, "a")) as following:
        assert await next_of(following) == ""
        await database.write(threads.rename, "b", "B")
        await quiet(database)
        assert ran["a"] == 1
        await database.write(threads.rename, "a", "A")
        assert await next_of(following) == "A"


async def test_raw_sql_wakes_everybody(database: Database) -> None:
    await database.write(add, "a", "me")
    async with aclosing(database.live.follow(owned_by, "me")) as following:
        await next_of(following)
        await database.write(lambda tx: tx.execute(text("DELETE FROM threads")) and None)
        assert await next_of(following) == []


async def test_a_bulk_delete_is_seen(database: Database) -> None:
    await database.write(add, "a", "me")
    async with aclosing(database.live.follow(owned_by, "me")) as following:
        await next_of(following)
        await database.write(
            lambda tx: tx.execute(delete(Thread).where(col(Thread.owner_id) == "me")) and None
        )
        assert await next_of(following) == []


async def test_an_error_of_the_query_ends_the_following_with_it(database: Database) -> None:
    await database.write(add, "a")
    async with aclosing(database.live.follow(title_of, "a")) as following:
        await next_of(following)
        await database.write(threads.delete, "a", now=NOW)
        with pytest.raises(ThreadNotFound):
            await next_of(following)
    assert len(database.live) == 0


async def test_a_database_that_is_away_for_a_moment_ends_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentchat.store.live.AGAIN", timedelta(0))
    away = [True, True]

    def flaky(session: Session) -> list[str]:
        if away:
            away.pop()
            raise OperationalError("SELECT", {}, Exception("server closed the connection"))
        return owned_by(session, "me")

    async with aclosing(database.live.follow(flaky)) as following:
        assert await next_of(following) == []
        away.append(True)
        await database.write(add, "a", "me")
        assert await next_of(following) == ["a"]


async def test_a_query_that_failed_can_be_followed_again(database: Database) -> None:
    with pytest.raises(ThreadNotFound):
        await next_of(database.live.follow(title_of, "a"))
    await database.write(add, "a")
    async with aclosing(database.live.follow(title_of, "a")) as following:
        assert await next_of(following) == ""


async def test_a_follower_that_leaves_leaves_nothing_behind(database: Database) -> None:
    before = asyncio.all_tasks()
    for _ in range(50):
        async with aclosing(database.live.follow(owned_by, "me")) as following:
            await next_of(following)
    waiting = asyncio.ensure_future(next_of(database.live.follow(owned_by, "you")))
    await asyncio.sleep(0.05)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await quiet(database)
    assert len(database.live) == 0
    assert asyncio.all_tasks() == before


async def test_closing_the_database_ends_its_followers(database_url: str) -> None:
    database = Database(database_url)
    database.open()
    following = database.live.follow(owned_by, "me")
    await next_of(following)
    waiting = asyncio.ensure_future(anext(following))
    await asyncio.sleep(0)
    await database.close()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(waiting, 30)
