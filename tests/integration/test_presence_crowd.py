"""Who is in a thread that very many look at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from datetime import timedelta

import pytest

from agentchat import ManualClock
from agentchat.store import threads
from agentchat.store.database import Database
from agentchat.store.writer import Tx
from agentchat.ui.states.presence import MOST_NAMED, MOST_TYPING, _seen_by
from agentchat.verbs.presence import FEW_TABS, PER_TAB, SELDOM, HereView, PersonHere, Presence
from agentchat.views import Actor
from tests.guards import open_to_all
from tests.waiting import eventually

THREAD = "thread-of-a-crowd"
PEOPLE = [Actor(f"person-{number:03}", f"Person {number}") for number in range(60)]


@pytest.fixture
async def presence(database: Database, clock: ManualClock) -> AsyncIterator[Presence]:
    def write(tx: Tx) -> None:
        threads.create(tx, THREAD, owner_id=PEOPLE[0].id, title="Crowd", now=clock.now())

    await database.write(write)
    presence = Presence(database, clock, open_to_all())
    yield presence
    await presence.close()


def tab_of(person: Actor) -> str:
    return f"tab-of-{person.id}"


async def test_of_many_each_is_told_seldom_and_at_last_what_is_so(
    presence: Presence, clock: ManualClock
) -> None:
    told: dict[str, list[HereView]] = {person.id: [] for person in PEOPLE}

    async def follow(person: Actor) -> None:
        async with aclosing(presence.follow(THREAD, actor=person)) as views:
            async for view in views:
                told[person.id].append(view)

    async with AsyncExitStack() as stack:
        for person in PEOPLE:
            await stack.enter_async_context(presence.here(THREAD, tab_of(person), actor=person))
        following = [asyncio.create_task(follow(person)) for person in PEOPLE]
        await eventually(lambda: all(told.values()))
        assert [len(views[-1].people) for views in told.values()] == [len(PEOPLE)] * len(PEOPLE)
        for views in told.values():
            views.clear()
        began = asyncio.get_running_loop().time()
        for person in PEOPLE[:30]:
            await presence.typing(THREAD, tab_of(person), actor=person)
            await asyncio.sleep(0.02)
        await eventually(
            lambda: all(
                views and sum(one.typing for one in views[-1].people) == 30
                for views in told.values()
            )
        )
        took = asyncio.get_running_loop().time() - began
        pause = len(PEOPLE) * PER_TAB
        assert pause < SELDOM
        for views in told.values():
            assert len(views) <= took / pause + 2
        # What is told to all is made once.
        assert len({id(views[-1]) for views in told.values()}) == 1
        clock.advance(timedelta(minutes=1))
        await eventually(
            lambda: all(not any(one.typing for one in v[-1].people) for v in told.values())
        )
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)


async def test_of_few_each_is_told_at_once(
    presence: Presence, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whoever had to wait now would do so for a minute.
    for seconds in ("PER_TAB", "SELDOM"):
        monkeypatch.setattr(f"agentchat.verbs.presence.{seconds}", 60.0)
    async with AsyncExitStack() as stack:
        few = PEOPLE[: FEW_TABS - 1]
        for person in few:
            await stack.enter_async_context(presence.here(THREAD, tab_of(person), actor=person))
        views = await stack.enter_async_context(aclosing(presence.follow(THREAD, actor=few[0])))
        await anext(views)
        for typing in range(1, len(few)):
            await presence.typing(THREAD, tab_of(few[typing]), actor=few[typing])
            view = await asyncio.wait_for(anext(views), 20)
            assert sum(one.typing for one in view.people) == typing


def test_a_page_is_told_the_names_of_few_and_of_who_types(clock: ManualClock) -> None:
    now = clock.now()
    people = tuple(
        PersonHere(one.id, one.name, now, typing=number >= 50) for number, one in enumerate(PEOPLE)
    )
    here = _seen_by(PEOPLE[3].id, HereView(people, 2))
    assert len(here.people) == MOST_NAMED + MOST_TYPING
    assert len(here.people) + here.more == len(PEOPLE) - 1
    assert here.visitors == 2
    assert PEOPLE[3].id not in {one.id for one in here.people}
    typing = [one.name for one in here.people if one.typing]
    assert typing == ["Person 50", "Person 51", "Person 52"]
    few = _seen_by(PEOPLE[0].id, HereView(people[:5]))
    assert (len(few.people), few.more) == (4, 0)
