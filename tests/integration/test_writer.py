"""The one writer: groups, failures that stay alone, connections that come back."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterable
from datetime import UTC, datetime

import psycopg
import pytest
from sqlalchemy import event, text, update
from sqlalchemy.exc import IntegrityError

from agentchat.errors import ThreadNotFound
from agentchat.models import Thread
from agentchat.store import threads
from agentchat.store.changes import Rows, rows
from agentchat.store.database import Database
from agentchat.store.writer import Tx
from tests.waiting import eventually

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def add(tx: Tx, thread_id: str) -> str:
    threads.create(tx, thread_id, owner_id="o", title=thread_id, now=NOW)
    return thread_id


async def titles(database: Database) -> set[str]:
    return {thread.title for thread in await database.read(threads.newest, limit=1000)}


async def test_what_is_written_can_be_read_when_the_write_returns(database: Database) -> None:
    assert await database.write(add, "a") == "a"
    thread = await database.read(threads.get, "a")
    assert (thread.title, thread.created_at) == ("a", NOW)


async def test_what_comes_while_another_is_written_shares_the_next_commit(
    database: Database,
) -> None:
    groups: list[int] = []
    database.on_commit(lambda units, _seconds: groups.append(units))
    at_work, go_on = threading.Event(), threading.Event()

    def stays(_tx: Tx) -> None:
        at_work.set()
        go_on.wait(30)

    first = asyncio.create_task(database.write(stays))
    await asyncio.to_thread(at_work.wait, 30)
    others = [asyncio.create_task(database.write(add, f"t{n}")) for n in range(200)]
    await eventually(lambda: database.waiting == 200)
    go_on.set()
    await asyncio.gather(first, *others)
    assert len(await titles(database)) == 200
    assert groups == [1, 200]


async def test_a_write_that_fails_undoes_itself_and_no_other(database: Database) -> None:
    def bad(tx: Tx) -> None:
        add(tx, "half")
        raise ThreadNotFound

    results = await asyncio.gather(
        database.write(add, "a"),
        database.write(bad),
        database.write(add, "b"),
        database.write(add, "a"),
        database.write(add, "c"),
        return_exceptions=True,
    )
    assert [type(r) for r in results] == [str, ThreadNotFound, str, IntegrityError, str]
    assert await titles(database) == {"a", "b", "c"}


async def test_only_what_was_committed_is_told(database: Database) -> None:
    told: list[Rows] = []
    database.live.listen(told.extend)

    def bad(tx: Tx) -> None:
        add(tx, "bad")
        raise ThreadNotFound

    await asyncio.gather(database.write(add, "good"), database.write(bad), return_exceptions=True)
    assert [dict(row.known)["id"] for row in told] == ["good"]


async def test_news_are_told_once_for_what_was_committed_and_before_the_caller_goes_on(
    database: Database,
) -> None:
    told: list[object] = []
    database.on_news(told.append)

    def bad(tx: Tx) -> None:
        tx.announce("bad")
        raise ThreadNotFound

    def announce(tx: Tx, news: str) -> None:
        add(tx, news)
        tx.announce(news)
        with contextlib.suppress(ThreadNotFound), tx.savepoint():
            tx.announce("undone")
            raise ThreadNotFound

    # In one group, which is run again without the one that fails.
    await asyncio.gather(
        database.write(announce, "a"),
        database.write(bad),
        database.write(announce, "b"),
        return_exceptions=True,
    )
    assert told == ["a", "b"]
    await database.write(announce, "c")
    assert told == ["a", "b", "c"]


async def test_a_listener_to_news_that_fails_holds_up_nobody(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_news: object) -> None:
        raise ValueError

    database.on_news(fail)
    await database.write(lambda tx: tx.announce("a"))
    assert "could not be told" in caplog.text


async def test_what_a_savepoint_undoes_is_not_told_and_the_rest_goes_on(database: Database) -> None:
    told: list[Rows] = []
    database.live.listen(told.extend)

    def unit(tx: Tx) -> str:
        add(tx, "before")
        with contextlib.suppress(IntegrityError), tx.savepoint():
            add(tx, "undone")
            add(tx, "before")
        with tx.savepoint():
            add(tx, "kept")
            with contextlib.suppress(ThreadNotFound), tx.savepoint():
                add(tx, "inner")
                raise ThreadNotFound
        return add(tx, "after")

    assert await database.write(unit) == "after"
    assert await titles(database) == {"before", "kept", "after"}
    assert [dict(row.known)["id"] for row in told] == ["before", "kept", "after"]


async def test_the_change_is_told_before_the_write_returns(database: Database) -> None:
    told: list[Rows] = []
    database.live.listen(told.extend)
    await database.write_soon(add, "a")
    assert told


async def test_only_what_must_survive_a_power_cut_waits_for_the_disk(
    database: Database,
) -> None:
    sqlite = database.url.startswith("sqlite")

    def level(tx: Tx) -> str:
        query = "PRAGMA synchronous" if sqlite else "SHOW synchronous_commit"
        return str(tx.execute(text(query)).scalar())

    safe, quick = ("2", "1") if sqlite else ("on", "off")
    for _ in "twice":
        assert await database.write(level) == safe
        assert await database.write_soon(level) == quick
    both = asyncio.gather(database.write_soon(level), database.write(level))
    assert (await both)[1] == safe


async def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises(Exception, match=r"read-?only"):
        await database.read(lambda session: session.execute(text("DELETE FROM threads")))


async def test_all_that_one_read_sees_is_of_one_moment(database: Database) -> None:
    loop = asyncio.get_running_loop()

    def twice(session: object) -> tuple[int, int]:
        assert hasattr(session, "scalars")
        first = len(threads.newest(session, limit=10))  # type: ignore[arg-type]
        asyncio.run_coroutine_threadsafe(database.write(add, "between"), loop).result(10)
        return first, len(threads.newest(session, limit=10))  # type: ignore[arg-type]

    assert await database.read(twice) == (0, 0)
    assert len(await titles(database)) == 1


async def test_an_error_that_a_future_cannot_hold_hangs_nobody(database: Database) -> None:
    def stops(_tx: Tx) -> None:
        next(iter(()))

    results = await asyncio.wait_for(
        asyncio.gather(database.write(add, "a"), database.write(stops), return_exceptions=True),
        30,
    )
    assert [type(result) for result in results] == [str, RuntimeError]


async def test_a_listener_that_fails_holds_up_no_write(database: Database) -> None:
    def broken(_changes: list[Rows]) -> None:
        raise KeyError("a bug")

    database.live.listen(broken)
    await asyncio.wait_for(database.write(add, "a"), 30)


async def test_what_a_unit_says_it_changes_must_be_of_the_table_it_changes(
    database: Database,
) -> None:
    def lies(tx: Tx) -> None:
        tx.execute(text("UPDATE threads SET title = 'x'"), about=Rows("messages"))

    with pytest.raises(AssertionError):
        await database.write(lies)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_change_told_again_and_again_reaches_other_processes(database: Database) -> None:
    # psycopg prepares what is sent often, which several statements at once cannot be.
    about = rows("threads", {"id": "it's 100% \\ \u00e9"})

    def touch(tx: Tx) -> None:
        tx.execute(update(Thread).values(title="x"), about=about)

    other = Database(database.url)
    other.open()
    assert other._listener is not None
    await asyncio.to_thread(other._listener.hears.wait, 10)
    await asyncio.sleep(0)
    heard = asyncio.Event()
    told: list[Rows] = []

    def hear(changes: list[Rows]) -> None:
        told.extend(changes)
        heard.set()

    other.live.listen(hear)
    for write in (database.write, database.write_soon) * 8:
        heard.clear()
        await write(touch)
        await asyncio.wait_for(heard.wait(), 30)
    await other.close()
    assert set(told) == {about}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_commit_that_tells_what_it_changed_is_two_messages_more_than_its_statements(
    database: Database,
) -> None:
    sent: list[str] = []
    event.listen(
        database._writing, "before_cursor_execute", lambda *args: sent.append(args[2].split()[0])
    )
    await database.write(add, "a")
    await database.write_soon(threads.rename, "a", "b")
    assert sent == ["BEGIN", "INSERT", "NOTIFY", "BEGIN;", "UPDATE", "NOTIFY"]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_two_processes_that_lock_each_other_out_both_get_through(
    database: Database,
) -> None:
    for n in range(15):
        await database.write(add, f"t{n}")
    other = Database(database.url)
    other.open()

    async def rename(where: Database, order: Iterable[int]) -> None:
        for _ in range(5):
            await asyncio.gather(*(where.write(threads.rename, f"t{n}", "renamed") for n in order))

    async with asyncio.timeout(60):
        await asyncio.gather(rename(database, range(15)), rename(other, range(14, -1, -1)))
    await other.close()
    assert await titles(database) == {"renamed"}


async def test_a_write_in_a_closed_database_says_so(database_url: str) -> None:
    database = Database(database_url)
    database.open()
    await database.write(add, "a")
    await database.close()
    with pytest.raises(RuntimeError, match="closed"):
        await database.write(add, "b")


async def test_writes_that_wait_are_committed_when_the_database_closes(
    database_url: str,
) -> None:
    database = Database(database_url)
    database.open()
    waiting = [asyncio.ensure_future(database.write(add, f"t{n}")) for n in range(50)]
    await asyncio.sleep(0)
    await database.close()
    await asyncio.gather(*waiting)
    again = Database(database_url)
    again.open()
    assert len(await titles(again)) == 50
    await again.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_connection_that_the_server_dropped_is_opened_anew(
    database: Database, postgres: str
) -> None:
    await database.write(add, "before")
    name = database.url.rsplit("/", 1)[1].split("?")[0]
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
    await database.write(add, "after")
    assert await titles(database) == {"before", "after"}
