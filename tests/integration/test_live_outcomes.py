"""Errors as outcomes, values built on the last, and the view of what runs and why."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlmodel import Session, col, select

from agentchat.errors import NotAllowed, ThreadNotFound
from agentchat.models import Delta, Message, Role, Thread
from agentchat.store import live, threads
from agentchat.store.changes import EVERYTHING, Rows, rows
from agentchat.store.database import Database
from agentchat.store.live import Outcome
from agentchat.store.writer import Tx
from tests.waiting import eventually

NOW = datetime(2026, 1, 1, tzinfo=UTC)
T = TypeVar("T")


def add(tx: Tx, thread_id: str, owner: str = "me", title: str = "") -> None:
    threads.create(tx, thread_id, owner_id=owner, title=title, now=NOW)


def give(tx: Tx, thread_id: str, owner: str) -> None:
    tx.execute(update(Thread).where(col(Thread.id) == thread_id).values(owner_id=owner))


def titles(session: Session, owner: str) -> list[str]:
    return list(session.scalars(select(Thread.title).where(Thread.owner_id == owner)))


def title_for(session: Session, thread_id: str, reader: str) -> str:
    """A query with rights: the owner may read the title, nobody else."""
    if threads.get(session, thread_id).owner_id != reader:
        raise NotAllowed(f"{reader} may not read this")
    return threads.get(session, thread_id).title


async def next_of(following: AsyncGenerator[T, None]) -> T:
    return await asyncio.wait_for(anext(following), 30)


async def settled(database: Database) -> None:
    """Until every followed query has read since the last write."""
    await database.write(lambda tx: None)
    await eventually(lambda: all(view.settled for view in database.live.inspect()))


async def test_a_right_taken_away_makes_the_value_vanish_and_given_back_it_returns(
    database: Database,
) -> None:
    await database.write(add, "a", "me", "secret")
    async with aclosing(database.live.outcomes(title_for, "a", "me")) as outcomes:
        assert await next_of(outcomes) == Outcome("secret")
        await database.write(give, "a", "you")
        refused = await next_of(outcomes)
        assert refused.value is None
        assert isinstance(refused.error, NotAllowed)
        await database.write(threads.rename, "a", "still secret")
        await database.write(give, "a", "me")
        assert await next_of(outcomes) == Outcome("still secret")


async def test_an_error_ends_a_following_but_not_that_of_others(database: Database) -> None:
    await database.write(add, "a", "me", "one")
    async with (
        aclosing(database.live.outcomes(title_for, "a", "me")) as outcomes,
        aclosing(database.live.follow(title_for, "a", "me")) as values,
    ):
        assert (await next_of(outcomes), await next_of(values)) == (Outcome("one"), "one")
        await database.write(give, "a", "you")
        assert isinstance((await next_of(outcomes)).error, NotAllowed)
        with pytest.raises(NotAllowed):
            await next_of(values)
        with pytest.raises(NotAllowed):
            await next_of(database.live.follow(title_for, "a", "me"))
        (view,) = database.live.inspect()
        assert view.followers == 1
        await database.write(give, "a", "me")
        assert await next_of(outcomes) == Outcome("one")
    assert len(database.live) == 0


async def test_a_row_that_is_missing_is_waited_for(database: Database) -> None:
    async with aclosing(database.live.outcomes(title_for, "a", "me")) as outcomes:
        assert isinstance((await next_of(outcomes)).error, ThreadNotFound)
        await database.write(add, "a", "me", "here")
        assert await next_of(outcomes) == Outcome("here")


async def test_a_query_that_fails_runs_again_only_for_what_it_read(database: Database) -> None:
    def failing(session: Session) -> str:
        threads.get(session, "a")
        raise KeyError("always")

    await database.write(add, "a")
    async with aclosing(database.live.outcomes(failing)) as outcomes:
        assert isinstance((await next_of(outcomes)).error, KeyError)
        await database.write(add, "b")
        await settled(database)
        assert database.live.inspect()[0].runs == 1
        await database.write(threads.rename, "a", "another")
        await settled(database)
        # The same error again is nothing new.
        assert (database.live.inspect()[0].runs, database.live.inspect()[0].idle_runs) == (2, 1)


@pytest.mark.parametrize("error", [StopIteration(), StopAsyncIteration(), GeneratorExit()])
async def test_whatever_a_query_raises_nobody_waits_for_ever(
    database: Database, error: BaseException
) -> None:
    def raising(session: Session) -> None:
        raise error

    with pytest.raises((RuntimeError, GeneratorExit)):
        await next_of(database.live.follow(raising))


async def test_a_database_that_is_away_is_no_outcome(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "AGAIN", timedelta(0))
    away = [True, True]

    def flaky(session: Session) -> str:
        if away:
            away.pop()
            raise OperationalError("SELECT", {}, Exception("server closed the connection"))
        return "value"

    async with aclosing(database.live.outcomes(flaky)) as outcomes:
        assert await next_of(outcomes) == Outcome("value")
        assert database.live.inspect()[0].reason == "the database was away"


def write_text(tx: Tx, text: str) -> None:
    about = {"message_id": "m", "thread_id": "a", "attempt": 1, "created_at": NOW}
    tx.execute(Delta.__table__.insert(), {**about, "text": text})  # type: ignore[attr-defined]


def message(tx: Tx) -> None:
    row = {"id": "m", "thread_id": "a", "position": 0, "role": Role.ASSISTANT}
    row |= {"status": "running", "text": "", "author": "", "model": "", "created_at": NOW}
    tx.execute(Message.__table__.insert(), row)  # type: ignore[attr-defined]


Grown = tuple[int, str, int]
"""The last delta, the text, and how many deltas the newest run read."""


def grown(session: Session, last: Grown | None, message_id: str) -> Grown:
    after, so_far, _ = last or (0, "", 0)
    query = select(Delta.id, Delta.text).where(Delta.message_id == message_id)
    new = session.execute(query.where(col(Delta.id) > after).order_by(col(Delta.id))).all()
    if any(text == "bad" for _, text in new):
        raise ValueError("a bad delta")
    return new[-1][0] if new else after, so_far + "".join(text for _, text in new), len(new)


async def test_a_value_built_on_the_last_reads_only_what_is_new(database: Database) -> None:
    await database.write(add, "a")
    await database.write(message)
    await database.write(write_text, "Once ")
    async with aclosing(database.live.fold(grown, "m")) as first:
        assert (await next_of(first))[1:] == ("Once ", 1)
        await database.write(write_text, "upon ")
        assert (await next_of(first))[1:] == ("Once upon ", 1)
        async with aclosing(database.live.fold(grown, "m")) as second:
            assert (await next_of(second))[1:] == ("Once upon ", 1)
            await database.write(write_text, "a time")
            assert (await next_of(first))[1:] == ("Once upon a time", 1)
            assert (await next_of(second))[1:] == ("Once upon a time", 1)
        (view,) = database.live.inspect()
        assert view.runs == 3
    async with aclosing(database.live.fold(grown, "m")) as anew:
        assert (await next_of(anew))[1:] == ("Once upon a time", 3)


async def test_a_fold_begins_anew_after_an_error(database: Database) -> None:
    await database.write(add, "a")
    await database.write(message)
    await database.write(write_text, "good")
    async with aclosing(database.live.fold(grown, "m")) as folded:
        assert (await next_of(folded))[1:] == ("good", 1)
        await database.write(write_text, "bad")
        with pytest.raises(ValueError, match="bad delta"):
            await next_of(folded)
    await database.write(lambda tx: tx.execute(delete(Delta).where(Delta.text == "bad")) and None)  # type: ignore[arg-type]
    async with aclosing(database.live.fold(grown, "m")) as folded:
        assert (await next_of(folded))[1:] == ("good", 1)


async def test_a_fold_that_slept_through_an_error_gets_what_was_begun_anew(
    database: Database,
) -> None:
    def count(session: Session, last: int | None) -> int:
        if "bad" in titles(session, "me"):
            raise ValueError("a bad title")
        return (last or 0) + 1

    async with aclosing(database.live.fold(count)) as following:
        assert await next_of(following) == 1
        await database.write(add, "a", "me", "good")
        await settled(database)
        await database.write(threads.rename, "a", "bad")
        await settled(database)
        await database.write(threads.rename, "a", "good again")
        await settled(database)
        assert await next_of(following) == 1


async def test_a_unit_that_is_undone_wakes_nobody_though_others_of_its_group_do(
    database: Database,
) -> None:
    def undone(tx: Tx) -> None:
        add(tx, "x", "me")
        raise ValueError("not meant")

    async with (
        aclosing(database.live.follow(titles, "me")) as mine,
        aclosing(database.live.follow(titles, "you")) as yours,
    ):
        assert (await next_of(mine), await next_of(yours)) == ([], [])
        results = await asyncio.gather(
            database.write(add, "a", "you", "one"),
            database.write(undone),
            database.write_soon(add, "b", "you", "two"),
            return_exceptions=True,
        )
        assert [type(result) for result in results] == [type(None), ValueError, type(None)]
        await settled(database)
        runs = {view.arguments: view.runs for view in database.live.inspect()}
        assert runs["'me'"] == 1
        assert runs["'you'"] > 1


async def test_a_fold_is_another_query_than_a_following_of_the_same_function(
    database: Database,
) -> None:
    def either(session: Session, last: object = "none was given") -> object:
        return last

    async with (
        aclosing(database.live.follow(either)) as followed,
        aclosing(database.live.follow(either, None)) as given,
        aclosing(database.live.fold(either)) as folded,
    ):
        assert await next_of(followed) == "none was given"
        assert await next_of(given) is None
        assert await next_of(folded) is None
        assert len(database.live) == 3


async def test_arguments_that_are_equal_but_of_another_type_are_another_query(
    database: Database,
) -> None:
    def kind(session: Session, value: object) -> str:
        return type(value).__name__

    async with (
        aclosing(database.live.follow(kind, 1)) as whole,
        aclosing(database.live.follow(kind, True)) as truth,
        aclosing(database.live.follow(kind, 1.0)) as real,
    ):
        names = [await next_of(following) for following in (whole, truth, real)]
        assert names == ["int", "bool", "float"]


async def test_the_view_says_what_a_query_reads_and_why_it_ran(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    await database.write(add, "a", "me", "one")
    async with aclosing(database.live.follow(titles, owner="me")) as following:
        await next_of(following)
        (view,) = database.live.inspect()
        assert view.name == "tests.integration.test_live_outcomes.titles"
        assert view.arguments == "owner='me'"
        assert view.reads == (rows("threads", {"owner_id": "me"}),)
        assert (view.followers, view.runs, view.idle_runs) == (1, 1, 0)
        assert view.reason == "first run"
        with caplog.at_level(logging.DEBUG, "agentchat.store.live"):
            await database.write(threads.rename, "a", "two")
            await next_of(following)
            await database.write(add, "b", "me", "three")
            await next_of(following)
        (view,) = database.live.inspect()
        assert (view.runs, view.idle_runs) == (3, 0)
        assert "owner_id='me'" in view.reason
        assert "id='b'" in view.reason
        assert view.reason in caplog.text


async def test_changes_during_a_long_read_are_not_kept_without_bound(database: Database) -> None:
    reading, go_on = threading.Event(), threading.Event()

    def slow(session: Session) -> list[str]:
        found = titles(session, "me")
        reading.set()
        go_on.wait(20)
        return found

    async with aclosing(database.live.follow(slow)) as following:
        first = asyncio.ensure_future(next_of(following))
        await asyncio.to_thread(reading.wait, 5)
        (query,) = database.live._queries.values()
        for _ in range(3):
            database.live.publish([rows("threads", {"owner_id": f"o{n}"}) for n in range(900)])
        assert len(query._during or ()) == 900
        for n in range(100):
            database.live.publish([rows("threads", {"owner_id": f"other {n}"})] * 2)
        assert len(query._during or ()) == 1000
        database.live.publish([rows("threads", {"owner_id": f"more {n}"}) for n in range(2000)])
        assert query._during == {Rows(EVERYTHING): None}
        go_on.set()
        assert await first == []
        await settled(database)
        assert database.live.inspect()[0].runs == 2


async def test_a_value_that_cannot_be_compared_counts_as_new(database: Database) -> None:
    class Odd:
        def __eq__(self, other: object) -> bool:
            raise TypeError("no comparison")

        __hash__ = None  # type: ignore[assignment]

    def odd(session: Session) -> Odd:
        titles(session, "me")
        return Odd()

    async with aclosing(database.live.follow(odd)) as following:
        first = await next_of(following)
        await database.write(add, "a", "me")
        assert await next_of(following) is not first


def misspelt(session: Session) -> object:
    return session.execute(text("SELECT no_such_column FROM threads")).all()


async def test_a_query_that_is_wrong_is_an_error_and_not_a_database_that_is_away(
    database: Database,
) -> None:
    async with aclosing(database.live.outcomes(misspelt)) as outcomes:
        outcome = await next_of(outcomes)
        assert isinstance(outcome.error, DBAPIError)
        assert "no_such_column" in str(outcome.error)


async def test_a_write_that_is_wrong_is_not_tried_for_ever(database: Database) -> None:
    with pytest.raises(DBAPIError, match="no_such_column"):
        await database.write(lambda tx: tx.execute(text("UPDATE threads SET no_such_column = 1")))
