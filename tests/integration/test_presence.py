"""Who looks at a thread just now, and who types."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from agentchat import Actor, ManualClock
from agentchat.durable import identity
from agentchat.errors import NotAllowed, ThreadNotFound
from agentchat.models import MemberRole
from agentchat.models import Presence as PresenceRow
from agentchat.rights import visitor
from agentchat.store import members, presences, processes, share_links, threads
from agentchat.store.database import Database
from agentchat.store.processes import Beat
from agentchat.store.writer import Tx
from agentchat.verbs.presence import (
    MOST_TABS,
    SILENT,
    SWEEP,
    TYPED_EVERY,
    TYPING,
    HereView,
    Presence,
)
from tests.guards import by_rows, open_to_all
from tests.integration.people_stage import ANN, BOB, NOBODY, SAM, THREAD, VERA, rows
from tests.waiting import eventually

OTHER = "thread-of-others"
LINK = "link-of-ann"


@pytest.fixture
async def shared(database: Database, clock: ManualClock) -> Database:
    """A thread that Ann shares with Bob, who writes, Vera, who reads, and whoever has a link."""

    def write(tx: Tx) -> None:
        now = clock.now()
        for thread_id in (THREAD, OTHER):
            threads.create(tx, thread_id, owner_id=ANN.id, title="Shared", now=now)
        for person, role in ((BOB, MemberRole.MEMBER), (VERA, MemberRole.VIEWER)):
            members.add(tx, THREAD, person.id, role, by=ANN.id, now=now)
        share_links.add(
            tx,
            LINK,
            THREAD,
            token_hash="hash",
            role=MemberRole.VIEWER,
            public=True,
            by=ANN.id,
            now=now,
            expires_at=now + timedelta(hours=1),
        )

    await database.write(write)
    return database


@pytest.fixture
async def presence(shared: Database, clock: ManualClock) -> AsyncIterator[Presence]:
    presence = Presence(shared, clock, by_rows(clock))
    yield presence
    await presence.close()


def names(view: HereView) -> list[str]:
    return [f"{one.name}…" if one.typing else one.name for one in view.people]


async def now_here(presence: Presence, actor: Actor = ANN) -> HereView:
    async with aclosing(presence.follow(THREAD, actor=actor)) as views:
        return await anext(views)


async def changed(views: Any) -> HereView:
    """The next view, which comes at once."""
    async with asyncio.timeout(30):
        view: HereView = await anext(views)
        return view


async def count(database: Database) -> int:
    return len(await rows(database, PresenceRow))


async def until_count(database: Database, number: int) -> None:
    async with asyncio.timeout(30):
        while await count(database) != number:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_people_are_seen_once_in_however_many_tabs(
    presence: Presence, shared: Database, clock: ManualClock
) -> None:
    views = presence.follow(THREAD, actor=VERA)
    async with aclosing(views):
        assert await changed(views) == HereView()
        async with presence.here(THREAD, "tab-of-bob", actor=BOB):
            began = clock.now()
            assert names(await changed(views)) == ["Bob"]
            clock.advance(timedelta(seconds=1))
            async with presence.here(THREAD, "tab-of-ann", actor=ANN):
                assert names(await changed(views)) == ["Bob", "Ann"]
                async with presence.here(THREAD, "tab-two-of-bob", actor=BOB):
                    await until_count(shared, 3)
                    seen = await now_here(presence)
                    assert names(seen) == ["Bob", "Ann"]
                    assert seen.people[0].since == began
                await until_count(shared, 2)
            assert names(await changed(views)) == ["Bob"]
        assert await changed(views) == HereView()


async def test_whoever_is_cut_off_is_gone_too(presence: Presence, shared: Database) -> None:
    inside = asyncio.Event()

    async def look() -> None:
        async with presence.here(THREAD, "tab-of-bob", actor=BOB):
            inside.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(look())
    await inside.wait()
    assert await count(shared) == 1
    task.cancel()
    await asyncio.wait([task])
    await until_count(shared, 0)


async def test_typing_ends_by_itself_though_no_row_changes(
    presence: Presence, clock: ManualClock
) -> None:
    views = presence.follow(THREAD, actor=VERA)
    async with aclosing(views), presence.here(THREAD, "tab-of-bob", actor=BOB):
        assert names(await changed(views)) == ["Bob"]
        await presence.typing(THREAD, "tab-of-bob", actor=BOB)
        assert names(await changed(views)) == ["Bob…"]
        coming = asyncio.ensure_future(anext(views))
        await eventually(lambda: clock.sleeping == 2)
        clock.advance(TYPING - timedelta(seconds=1))
        await asyncio.sleep(0.05)
        assert not coming.done()
        clock.advance(timedelta(seconds=1))
        async with asyncio.timeout(30):
            assert names(await coming) == ["Bob"]


async def test_typing_is_written_every_few_seconds_at_most(
    presence: Presence, shared: Database, clock: ManualClock
) -> None:
    written: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().upper().startswith("UPDATE"):
            written.append(statement)

    event.listen(shared._writing, "before_cursor_execute", note)
    async with presence.here(THREAD, "tab-of-bob", actor=BOB):
        for _ in range(3):
            await asyncio.gather(
                *(presence.typing(THREAD, "tab-of-bob", actor=BOB) for _ in range(20))
            )
            clock.advance(TYPED_EVERY - timedelta(seconds=1))
            await presence.typing(THREAD, "tab-of-bob", actor=BOB)
            clock.advance(timedelta(seconds=1))
        assert len(written) == 3
        # Nobody types in somebody else's tab.
        await presence.typing(THREAD, "tab-of-bob", actor=ANN)
        assert len(written) == 3


async def test_who_may_not_write_does_not_type_and_who_may_not_read_is_told_nothing(
    presence: Presence, shared: Database
) -> None:
    async with presence.here(THREAD, "tab-of-vera", actor=VERA):
        for _ in range(2):
            with pytest.raises(NotAllowed):
                await presence.typing(THREAD, "tab-of-vera", actor=VERA)
        for actor, error in ((SAM, ThreadNotFound), (NOBODY, NotAllowed)):
            with pytest.raises(error):
                async with presence.here(THREAD, "tab-of-sam", actor=actor):
                    pass
            with pytest.raises(error):
                await presence.typing(THREAD, "tab-of-vera", actor=actor)
            with pytest.raises(error):
                await now_here(presence, actor)
        assert await count(shared) == 1


async def test_visitors_are_counted_and_not_named_and_told_of_nobody(
    presence: Presence, clock: ManualClock
) -> None:
    guest = visitor(LINK)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(presence.here(THREAD, "tab-of-bob", actor=BOB))
        for number in range(3):
            here = presence.here(THREAD, f"tab-number-{number}", actor=guest)
            await stack.enter_async_context(here)
        seen = await now_here(presence)
        assert (names(seen), seen.visitors) == (["Bob"], 3)
        views = await stack.enter_async_context(aclosing(presence.follow(THREAD, actor=guest)))
        assert await changed(views) == HereView((), 3)
        # When the link ends, so does what is followed with it.
        coming = asyncio.ensure_future(anext(views))
        await eventually(lambda: clock.sleeping == 2)
        clock.advance(timedelta(hours=1))
        async with asyncio.timeout(30):
            with pytest.raises(ThreadNotFound):
                await coming


async def test_nobody_is_woken_by_what_happens_in_other_threads(
    presence: Presence, shared: Database, clock: ManualClock
) -> None:
    async with presence.here(THREAD, "tab-of-ann", actor=ANN):
        views = presence.follow(THREAD, actor=ANN)
        async with aclosing(views):
            await changed(views)
            [before] = shared.live.inspect()
            async with presence.here(OTHER, "tab-of-ann", actor=ANN):
                await presence.typing(OTHER, "tab-of-ann", actor=ANN)
            await until_count(shared, 1)
            await asyncio.sleep(0.2)
            [after] = shared.live.inspect()
            assert after.runs == before.runs
            async with presence.here(THREAD, "tab-of-bob", actor=BOB):
                assert set(names(await changed(views))) == {"Ann", "Bob"}


async def test_tabs_of_dead_processes_are_taken_away(
    presence: Presence, shared: Database, clock: ManualClock
) -> None:
    dead = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await dead.wait()
    machine = identity.new_worker().partition(":")[0]
    served_by = {
        "dead": f"{machine}:{dead.pid}:aaaaaaaa",
        "alive": f"{machine}:{os.getppid()}:aaaaaaaa",
        "same-number-before": f"{machine}:{os.getpid()}:aaaaaaaa",
        "lost-here": presence._process,
        "silent-elsewhere": "elsewhere:7:aaaaaaaa",
        "unknown-elsewhere": "elsewhere:9:aaaaaaaa",
        "well-elsewhere": "elsewhere:8:aaaaaaaa",
    }

    def write(tx: Tx) -> None:
        now = clock.now()
        for tab, process in served_by.items():
            about = {"thread_id": THREAD, "tab_id": tab, "user_id": BOB.id, "name": "Bob"}
            presences.add(tx, {"id": tab, "since": now, "process": process, **about})
        for pid, at in ((7, now - SILENT), (8, now)):
            # Its worker has another name than that under which it serves tabs.
            processes.beat(tx, Beat(f"elsewhere:{pid}:bbbbbbbb", "e", pid, 0, 0, now, at))

    await shared.write(write)
    async with presence.here(THREAD, "tab-of-ann", actor=ANN):
        await until_count(shared, 3)
        left = {row.tab_id for row in await rows(shared, PresenceRow)}
        assert left == {"alive", "well-elsewhere", "tab-of-ann"}
        # And as long as somebody is here: the other machine has been silent since.
        await eventually(lambda: clock.sleeping == 1)
        clock.advance(SILENT + SWEEP)
        await until_count(shared, 2)


async def test_an_app_that_closes_takes_its_tabs_away(shared: Database, clock: ManualClock) -> None:
    presence = Presence(shared, clock, open_to_all(clock))
    async with presence.here(THREAD, "tab-of-bob", actor=BOB):
        await presence.close()
        assert await count(shared) == 0


async def test_nobody_fills_the_table_with_tabs(presence: Presence, shared: Database) -> None:
    async with AsyncExitStack() as stack:
        for number in range(MOST_TABS + 3):
            await stack.enter_async_context(
                presence.here(THREAD, f"tab-number-{number}", actor=BOB)
            )
        assert await count(shared) == MOST_TABS
        assert names(await now_here(presence)) == ["Bob"]
    await until_count(shared, 0)
