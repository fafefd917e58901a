"""Deleted threads: out of everybody's reach at once, had back whole, and empty in the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from agentchat import Agent, tool
from agentchat.durable.clock import ManualClock
from agentchat.durable.keeper import Keep, Keeper
from agentchat.errors import NotFound, ThreadNotFound
from agentchat.models import Memory, Message, Part, Run, Thread, ThreadMark, ThreadMember
from agentchat.operations.detail_views import Nested, RunHead
from agentchat.operations.list_views import BulkPlan
from agentchat.store import emptying
from agentchat.store.database import Database
from agentchat.views import AnswerSpentView, SpentView
from tests.integration.agents_stage import HeldUp, call, settled, until
from tests.integration.people_stage import (
    ADA,
    ANN,
    BOB,
    PEOPLE,
    SAM,
    SECRET,
    THREAD,
    VERA,
    People,
    add_person,
    audited,
    people_on,
    rows,
)
from tests.integration.strangers_table import OWN, READ, SUMS, TABLE, WRITE
from tests.integration.strangers_world import World
from tests.integration.test_strangers import CLERK, OPTIONS, at_rest, outcome
from tests.long import LONG_ON_POSTGRES

PLAIN = Agent(name="clerk", instructions="Answer.")
DAY = timedelta(days=1)


@pytest.fixture
async def people(database_url: str) -> AsyncIterator[People]:
    async with people_on(database_url) as people:
        yield people


TELL = ("follow_deleted", "operations.audits.", "operations.overview.")
"""What tells of it all the same: its owner that it can be had back, and whoever looks after the app
what was done to it, by its id, and what was spent, by agent and model.
"""


@LONG_ON_POSTGRES
@pytest.mark.parametrize("auth", ["password", "open"])
async def test_nobody_reaches_anything_of_a_deleted_thread_by_any_verb(
    people: People, auth: str
) -> None:
    chat = await people.open(CLERK, auth=auth, **OPTIONS)
    for person in PEOPLE:
        await add_person(chat._database, person)
    await at_rest(chat)
    world, reached, tried = World(1), [], 0
    await chat._database.write(world.write)
    for thread_id in (world.thread, world.line):
        await chat.delete_thread(thread_id, actor=ANN)
    for verb, several in TABLE.items():
        for number, row in enumerate(several):
            about_it = row.expected in (READ, WRITE, OWN, SUMS)
            for actor in (ANN, BOB, ADA):
                found = await outcome(row, chat, actor, world)
                tried += about_it
                words = f"{verb} [{number}] by {actor.name}: {found!r:.300}"
                if SECRET in repr(found) and not verb.startswith(TELL):
                    reached.append(words)
                if about_it and not (isinstance(found, NotFound) or _nothing(found)):
                    reached.append(words)
    assert reached == [], "\n".join(reached)
    assert tried > 150


def _nothing(found: Any) -> bool:
    """Whether that tells nothing: no rows, sums of nothing, a run that is missing."""
    if isinstance(found, BulkPlan):
        return not found.ids
    if isinstance(found, tuple) and found and isinstance(found[0], Nested):
        return bool(found[0].refused)
    if isinstance(found, RunHead):
        return bool(found.missing)
    if isinstance(found, AnswerSpentView):
        found = found.spent
    return found == SpentView() or not found


@tool
async def look(text: str) -> str:
    """Look something up."""
    return "It is there."


HELPER = Agent(name="helper", instructions="x", description="Helps.", tools=(look,))
BOSS = Agent(name="boss", instructions="x", asks=("helper",))


async def count(database: Database, *tables: Any) -> list[int]:
    return [len(await rows(database, table)) for table in tables]


async def test_a_thread_is_had_back_as_it_was_with_everybody_in_it(people: People) -> None:
    chat = await people.shared(PLAIN, replies=["One.", "Two."])
    for text in ("First", "Second"):
        await chat.send_message(THREAD, text, actor=BOB)
        await settled(chat, THREAD)
    token = await chat.sharing.make_link(THREAD, "member", actor=ANN)
    await chat.pin_thread(THREAD, actor=VERA)
    before = await anext(chat.follow(THREAD, actor=VERA))
    line = await anext(chat.follow_threads(actor=VERA))

    await chat.delete_thread(THREAD, actor=ANN)
    for actor in (ANN, BOB, VERA):
        assert await anext(chat.follow_threads(actor=actor)) == ()
        with pytest.raises(ThreadNotFound):
            await anext(chat.follow(THREAD, actor=actor))
    with pytest.raises(NotFound):
        await chat.sharing.join(token, actor=SAM)

    await chat.restore_thread(THREAD, actor=ANN)
    assert await anext(chat.follow(THREAD, actor=VERA)) == before
    assert await anext(chat.follow_threads(actor=VERA)) == line
    assert await chat.sharing.join(token, actor=SAM) == THREAD
    actions = [action for action, _ in await audited(chat)]
    assert [one for one in actions if one in ("delete", "restore")] == ["delete", "restore"]


async def test_an_answer_that_grew_is_stopped_and_stays_so_when_the_thread_is_had_back(
    people: People,
) -> None:
    held = HeldUp("One. Two. Three.")
    chat = await people.shared(PLAIN, provider=held)
    await chat.send_message(THREAD, "Count", actor=BOB)
    await until(chat, THREAD, lambda view: view.live and view.live[0].text)
    await chat.delete_thread(THREAD, actor=ANN)
    held.held.set()
    await chat.restore_thread(THREAD, actor=ANN)
    message = await settled(chat, THREAD)
    assert (message.status, held.finished) == ("stopped", 0)
    assert message.text.startswith("One.")
    await chat.retry(message.id, actor=BOB)
    assert (await settled(chat, THREAD)).status == "done"


async def test_the_threads_of_sub_agents_go_and_come_back_with_it(people: People) -> None:
    chat = await people.shared(
        BOSS, HELPER, replies=[[call("ask_helper", task="Help")], "Helped.", "Done."]
    )
    await chat.send_message(THREAD, "Ask", actor=ANN)
    answer = await settled(chat, THREAD)
    [inner] = [part.thread_id for part in answer.parts if part.thread_id]
    await chat.delete_thread(THREAD, actor=ANN)
    with pytest.raises(ThreadNotFound):
        await anext(chat.follow(inner, actor=ANN))
    with pytest.raises(ThreadNotFound):
        await chat.restore_thread(inner, actor=ANN)
    await chat.restore_thread(THREAD, actor=ANN)
    assert (await anext(chat.follow(inner, actor=ANN))).messages[-1].text == "Helped."
    await chat.delete_thread(THREAD, actor=ANN)
    await chat.empty_thread(THREAD, actor=ANN)
    assert await count(chat._database, Message, Part, Run, ThreadMember, ThreadMark) == [0] * 5


async def test_in_an_open_app_the_threads_of_sub_agents_go_with_it_too(people: People) -> None:
    replies = [[call("ask_helper", task="Help")], "Helped.", "Done."]
    chat = await people.open(BOSS, HELPER, auth="open", replies=replies)
    thread = await chat.create_thread("A thread")
    await chat.send_message(thread.id, "Ask")
    [inner] = [part.thread_id for part in (await settled(chat, thread.id)).parts if part.thread_id]
    await chat.delete_thread(thread.id)
    with pytest.raises(ThreadNotFound):
        await anext(chat.follow(inner))
    with pytest.raises(ThreadNotFound):
        await chat.rename_thread(inner, "Mine")
    await chat.restore_thread(thread.id)
    assert (await anext(chat.follow(inner))).messages[-1].text == "Helped."


async def test_only_its_owner_has_a_thread_back_or_removes_it_for_good(people: People) -> None:
    chat = await people.shared(PLAIN)
    for verb in (chat.restore_thread, chat.empty_thread):
        with pytest.raises(ThreadNotFound):
            await verb(THREAD, actor=ANN)
    await chat.delete_thread(THREAD, actor=ANN)
    assert [one.title for one in await anext(chat.follow_deleted(actor=ANN))] == [f"About {SECRET}"]
    for actor in (BOB, VERA, SAM):
        assert await anext(chat.follow_deleted(actor=actor)) == ()
        for verb in (chat.restore_thread, chat.empty_thread):
            with pytest.raises(ThreadNotFound):
                await verb(THREAD, actor=actor)
    await chat.empty_thread(THREAD, actor=ANN)
    assert await anext(chat.follow_deleted(actor=ANN)) == ()
    with pytest.raises(ThreadNotFound):
        await chat.restore_thread(THREAD, actor=ANN)
    [thread] = await rows(chat._database, Thread)
    assert (thread.title, thread.deleted_at is None, thread.emptied_at is None) == (
        "",
        False,
        False,
    )


async def test_where_nothing_is_kept_a_deleted_thread_is_empty_at_once(people: People) -> None:
    chat = await people.shared(PLAIN, deleted_days=0)
    await chat.send_message(THREAD, "Hello", actor=ANN)
    await settled(chat, THREAD)
    await chat.delete_thread(THREAD, actor=ANN)
    assert await count(chat._database, Message, Run, ThreadMember) == [0, 0, 0]
    with pytest.raises(ThreadNotFound):
        await chat.restore_thread(THREAD, actor=ANN)


async def test_what_was_deleted_long_ago_is_swept_and_no_sooner(people: People) -> None:
    chat = await people.shared(PLAIN)
    database = chat._database
    await chat.send_message(THREAD, "Hello", actor=ANN)
    await settled(chat, THREAD)
    other = await chat.create_thread("Not deleted", actor=ANN)
    await chat.delete_thread(THREAD, actor=ANN)
    [found] = await anext(chat.follow_deleted(actor=ANN))
    assert found.until - found.deleted_at == 7 * DAY
    clock = ManualClock(found.until - timedelta(seconds=1))
    keeper = Keeper(database, clock, Keep(age=None, runs=None))
    await keeper.sweep()
    assert await count(database, Message) == [2]
    clock.advance(timedelta(seconds=2))
    await keeper.sweep()
    assert await count(database, Message, Run, ThreadMember) == [0, 0, 0]
    assert await anext(chat.follow_deleted(actor=ANN)) == ()
    assert [one.id for one in await anext(chat.follow_threads(actor=ANN))] == [other.id]


async def test_a_thread_had_back_since_it_was_found_is_not_swept(people: People) -> None:
    chat = await people.shared(PLAIN)
    await chat.delete_thread(THREAD, actor=ANN)
    [found] = await anext(chat.follow_deleted(actor=ANN))
    ids = await chat._database.read(emptying.overdue, before=found.until, limit=9)
    assert ids == [THREAD]
    early = found.deleted_at - timedelta(seconds=1)
    assert await chat._database.read(emptying.overdue, before=early, limit=9) == []
    await chat.restore_thread(THREAD, actor=ANN)
    about = {"before": found.deleted_at, "now": found.until}
    assert not await chat._database.write(emptying.empty_overdue, THREAD, **about)
    # Deleted once more since, it is kept as long as before.
    await chat.delete_thread(THREAD, actor=ANN)
    assert not await chat._database.write(emptying.empty_overdue, THREAD, **about)
    await chat.restore_thread(THREAD, actor=ANN)
    assert [one.id for one in await anext(chat.follow_threads(actor=ANN))] == [THREAD]


async def test_had_back_and_removed_for_good_at_once_it_is_one_of_the_two(people: People) -> None:
    chat = await people.shared(PLAIN)
    for _ in range(5):
        made = await chat.create_thread("Both", actor=ANN)
        await chat.delete_thread(made.id, actor=ANN)
        done = await asyncio.gather(
            chat.restore_thread(made.id, actor=ANN),
            chat.empty_thread(made.id, actor=ANN),
            return_exceptions=True,
        )
        assert [type(one) for one in done].count(ThreadNotFound) == 1
        listed = [one.id for one in await anext(chat.follow_threads(actor=ANN))]
        assert (made.id in listed) == (done[0] is None)


async def test_what_was_said_in_a_deleted_thread_is_not_recalled_until_it_is_had_back(
    people: People,
) -> None:
    chat = await people.shared(PLAIN)
    source = {"thread_id": THREAD, "source_id": "message-of-ann"}
    said = await chat.memories.remember(
        "I keep bees on the roof.", kind="message", **source, actor=ANN
    )
    fact = await chat.memories.remember("The person keeps goats.", actor=ANN)

    async def known() -> set[str]:
        found = await chat.memories.recall("keep bees goats roof", actor=ANN)
        listed = await anext(chat.memories.follow(actor=ANN))
        assert {one.id for one in listed} == {one.id for one in found}
        return {one.id for one in found}

    assert await known() == {said.id, fact.id}
    await chat.delete_thread(THREAD, actor=ANN)
    assert await known() == {fact.id}
    for verb in (
        chat.memories.get(said.id, actor=ANN),
        chat.memories.edit(said.id, "I keep wasps.", actor=ANN),
        chat.memories.forget(said.id, actor=ANN),
    ):
        with pytest.raises(NotFound):
            await verb
    await chat.restore_thread(THREAD, actor=ANN)
    assert await known() == {said.id, fact.id}
    await chat.delete_thread(THREAD, actor=ANN)
    await chat.empty_thread(THREAD, actor=ANN)
    assert [one.id for one in await rows(chat._database, Memory)] == [fact.id]
