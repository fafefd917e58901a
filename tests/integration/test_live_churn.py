"""Followers come and go, are cancelled in the midst of a read, or never begin: nothing stays."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlmodel import Session, col, select

from agentchat.models import Thread
from agentchat.store import threads
from agentchat.store.database import Database
from agentchat.store.writer import Tx
from tests.waiting import eventually

CYCLES = 1000


class Shown:
    """A value that somebody may have kept."""


def owned_by(session: Session, owner: str) -> list[str]:
    return list(session.scalars(select(Thread.id).where(Thread.owner_id == owner)))


def add(tx: Tx, thread_id: str, owner: str) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    threads.create(tx, thread_id, owner_id=owner, title="", now=now)


def last_of(session: Session, last: int | None, owner: str) -> int:
    return len(owned_by(session, owner)) + (last or 0)


def nothing_left(database: Database, before: set[asyncio.Task[Any]]) -> bool:
    return (
        len(database.live) == 0
        and database.live.inspect() == ()
        and database.live._listeners == []
        and asyncio.all_tasks() == before
    )


async def test_a_thousand_who_come_and_go_leave_nothing_behind(database: Database) -> None:
    before = asyncio.all_tasks()
    gates = [threading.Event() for _ in range(CYCLES)]

    def held(session: Session, n: int) -> list[str]:
        found = owned_by(session, "me")
        gates[n].wait(20)
        return found

    for n in range(CYCLES):
        following: AsyncGenerator[Any, None]
        if n % 5 == 0:
            # Never begun.
            await database.live.follow(owned_by, "me").aclose()
            await database.live.fold(last_of, "me").aclose()
        elif n % 5 == 1:
            # Cancelled in the midst of a read.
            following = database.live.outcomes(held, n)
            waiting = asyncio.ensure_future(anext(following))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            gates[n].set()
        elif n % 5 == 2:
            # Cancelled before its first step.
            following = database.live.follow(owned_by, f"o{n}")
            waiting = asyncio.ensure_future(anext(following))
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        elif n % 5 == 3:
            async with aclosing(database.live.fold(last_of, "me")) as folded:
                await anext(folded)
        else:
            async with (
                aclosing(database.live.follow(owned_by, "me")) as one,
                aclosing(database.live.outcomes(owned_by, "me")) as two,
            ):
                assert await anext(one) == []
                assert (await anext(two)).value == []
    await eventually(lambda: nothing_left(database, before))


async def test_a_follower_that_is_dropped_without_being_closed_is_forgotten(
    database: Database,
) -> None:
    before = asyncio.all_tasks()
    for n in range(10):
        following = database.live.follow(owned_by, f"o{n}")
        await anext(following)
    del following
    gc.collect()
    await eventually(lambda: nothing_left(database, before))


async def test_a_follower_that_never_looks_holds_one_value(database: Database) -> None:
    values: list[weakref.ref[Shown]] = []

    def shown(session: Session) -> Shown:
        owned_by(session, "me")
        value = Shown()
        values.append(weakref.ref(value))
        return value

    async with aclosing(database.live.follow(shown)) as following:
        await anext(following)
        for n in range(20):
            database.live.publish(list(database.live.inspect()[0].reads))
            await eventually(lambda n=n: len(values) == n + 2)  # type: ignore[misc]
            await eventually(lambda: database.live.inspect()[0].settled)
        gc.collect()
        assert sum(value() is not None for value in values) == 1


async def test_followers_that_join_and_leave_do_not_disturb_the_one_that_stays(
    database: Database,
) -> None:
    def ids(session: Session) -> list[str]:
        return list(session.scalars(select(Thread.id).order_by(col(Thread.id))))

    async with aclosing(database.live.follow(ids)) as staying:
        assert await anext(staying) == []
        for _ in range(100):
            async with aclosing(database.live.follow(ids)) as passing:
                assert await anext(passing) == []
        (view,) = database.live.inspect()
        assert (view.followers, view.runs) == (1, 1)


@pytest.mark.parametrize("cut", ["one", "two"])
async def test_one_of_two_that_wait_may_be_cancelled(database: Database, cut: str) -> None:
    gate = threading.Event()

    def held(session: Session) -> list[str]:
        gate.wait(20)
        return owned_by(session, "me")

    one, two = (asyncio.ensure_future(anext(database.live.follow(held))) for _ in range(2))
    await asyncio.sleep(0)
    gone, stays = (one, two) if cut == "one" else (two, one)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    gate.set()
    assert await asyncio.wait_for(stays, 30) == []


class Gate:
    """A query that stands still after it has read, whenever the gate is shut."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.reading = threading.Event()

    def read(self, session: Session, owner: str) -> list[str]:
        found = owned_by(session, owner)
        self.reading.set()
        self.open.wait(20)
        return found

    async def held(self) -> None:
        """Until a run stands at the gate."""
        assert await asyncio.to_thread(self.reading.wait, 5)

    def shut(self) -> None:
        self.open.clear()
        self.reading.clear()


async def test_who_comes_during_a_read_does_not_get_what_it_had_missed(
    database: Database,
) -> None:
    gate = Gate()
    gate.shut()
    old = asyncio.ensure_future(anext(database.live.follow(gate.read, "me")))
    await gate.held()
    await database.write(add, "a", "me")
    new = asyncio.ensure_future(anext(database.live.follow(gate.read, "me")))
    await asyncio.sleep(0)
    gate.open.set()
    assert await asyncio.wait_for(old, 30) == []
    assert await asyncio.wait_for(new, 30) == ["a"]


async def test_who_comes_during_a_read_that_finds_nothing_new_gets_a_value(
    database: Database,
) -> None:
    gate = Gate()
    await database.write(add, "a", "me")
    async with aclosing(database.live.follow(gate.read, "me")) as following:
        assert await anext(following) == ["a"]
        gate.shut()
        await database.write(threads.rename, "a", "another")
        await gate.held()
        new = asyncio.ensure_future(anext(database.live.follow(gate.read, "me")))
        await asyncio.sleep(0)
        gate.open.set()
        assert await asyncio.wait_for(new, 30) == ["a"]
