"""Commits of other processes: seen whatever the order of events, also after a lost connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from datetime import UTC, datetime

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import func, make_url
from sqlmodel import Session, col, select

from agentchat.models import Thread
from agentchat.store import bus, threads
from agentchat.store.changes import EVERYTHING, Rows
from agentchat.store.database import Database
from agentchat.store.writer import Tx
from tests.integration.live_watching import (
    EXAMPLES,
    FOLLOWS,
    GROUPS,
    Follow,
    Watching,
    apply,
    begin,
    forum_url,
)
from tests.integration.live_writes import Write
from tests.waiting import eventually

__all__ = ["forum_url"]

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def add(tx: Tx, thread_id: str, owner: str) -> None:
    threads.create(tx, thread_id, owner_id=owner, title="", now=NOW)


def owned_by(session: Session, owner: str) -> list[str]:
    query = select(Thread.id).where(Thread.owner_id == owner).order_by(col(Thread.id))
    return list(session.scalars(query))


@pytest.fixture
async def other(database: Database) -> AsyncIterator[Database]:
    """Another process on the same database, as far as the database can tell."""
    other = Database(database.url)
    other.open()
    yield other
    await other.close()


@pytest.mark.timeout(0 if EXAMPLES else 120)
def test_random_writes_of_two_processes_are_seen_by_both(forum_url: str) -> None:
    postgres = not forum_url.startswith("sqlite")
    with asyncio.Runner() as runner:

        async def opened() -> tuple[Database, Database]:
            both = Database(forum_url), Database(forum_url)
            for one in both:
                one.open()
                if one._listener is not None:
                    await asyncio.to_thread(one._listener.hears.wait, 10)
            return both

        both = runner.run(opened())

        @settings(
            max_examples=EXAMPLES or (15 if postgres else 8),
            derandomize=not EXAMPLES,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(FOLLOWS, GROUPS)
        def run(follows: list[Follow], groups: list[list[Write]]) -> None:
            runner.run(example(follows, groups))

        async def example(follows: list[Follow], groups: list[list[Write]]) -> None:
            await begin(both[0])
            watching = [Watching(one, follows) for one in both]
            async with AsyncExitStack() as stack:
                for one in watching:
                    await one.watch(stack)
                for n, group in enumerate(groups):
                    await apply(both if n % 2 else both[::-1], group)
                for one in watching:
                    # Nobody announces when another process's commit is known here.
                    await one.caught_up()

        try:
            run()
        finally:
            for one in both:
                runner.run(one.close())


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_what_was_written_while_the_listener_was_away_is_read_afterwards(
    database: Database, other: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Long enough that the commit comes before the listener does.
    monkeypatch.setattr(bus, "AGAIN_SECONDS", 0.5)
    async with aclosing(database.live.follow(owned_by, "me")) as following:
        assert await asyncio.wait_for(anext(following), 30) == []
        for n in range(2):
            await other.write(cut_listeners_and_add, f"t{n}", "me")
            async with asyncio.timeout(30):
                while len(await anext(following)) <= n:
                    pass
        # It listens again, and not only reads once.
        await other.write(add, "last", "me")
        assert "last" in await asyncio.wait_for(anext(following), 30)


def cut_listeners_and_add(tx: Tx, thread_id: str, owner: str) -> None:
    """End the connections of all listeners, then write before they could hear of it."""
    url = make_url(tx._connection.engine.url).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE query LIKE 'LISTEN %' AND datname = current_database()"
        )
    add(tx, thread_id, owner)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_more_than_a_notification_holds_is_everything(
    database: Database, other: Database
) -> None:
    told: list[Rows] = []
    database.live.listen(told.extend)
    assert other._listener is not None
    await asyncio.to_thread(other._listener.hears.wait, 10)

    def add_many(tx: Tx, count: int) -> None:
        for n in range(count):
            add(tx, f"{count}-{n}" + "x" * 50, "me")

    async with aclosing(database.live.follow(owned_by, "me")) as following:
        assert await asyncio.wait_for(anext(following), 30) == []
        await other.write(add_many, 20)
        assert len(await asyncio.wait_for(anext(following), 30)) == 20
        assert len(told) == 20
        assert Rows(EVERYTHING) not in told
        await other.write(add_many, 300)
        assert len(await asyncio.wait_for(anext(following), 30)) == 320
        assert told[20:] == [Rows(EVERYTHING)]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    "payload", ["", "x" * 40, "y" * 32 + '[["threads", {"id": [1]}]]', "é[[1]]"]
)
async def test_a_notification_that_nobody_understands_is_everything(
    database: Database, other: Database, payload: str
) -> None:
    assert other._listener is not None
    await asyncio.to_thread(other._listener.hears.wait, 10)
    told: list[Rows] = []
    database.live.listen(told.extend)
    await other.write(lambda tx: tx.execute(select(func.pg_notify(bus.CHANNEL, payload))) and None)
    await eventually(lambda: told == [Rows(EVERYTHING)])
    await other.write(add, "a", "me")
    await eventually(lambda: len(told) == 2)


async def test_a_unit_of_another_process_that_is_undone_wakes_nobody(
    database: Database, other: Database
) -> None:
    def undone(tx: Tx) -> None:
        add(tx, "a", "me")
        raise ValueError("not meant")

    async with aclosing(database.live.follow(owned_by, "me")) as following:
        assert await asyncio.wait_for(anext(following), 30) == []
        with pytest.raises(ValueError, match="not meant"):
            await other.write(undone)
        # What is told in order has told of the undone one too, when it tells of the next.
        told: list[Rows] = []
        database.live.listen(told.extend)
        await other.write(add, "b", "you")
        await eventually(lambda: told)
        assert all(dict(row.known).get("id") != "a" for row in told)
