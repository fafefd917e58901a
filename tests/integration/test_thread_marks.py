"""What threads are to each person: pinned, archived, in folders, read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from agentchat import Actor, Agent, AgentChat, ThreadSummary
from agentchat.errors import InvalidInput, NotAllowed, ThreadNotFound
from agentchat.shown import threads
from agentchat.store import thread_marks
from agentchat.verbs.marks import MOST_FOLDER
from tests.integration.agents_stage import HeldUp, settled, until
from tests.integration.people_stage import ANN, BOB, NOBODY, SAM, THREAD, VERA, People
from tests.long import LONG_ON_POSTGRES

pytestmark = LONG_ON_POSTGRES

CLERK = Agent(name="clerk", instructions="Answer.")


@pytest.fixture
async def people(database_url: str) -> AsyncIterator[People]:
    async with AsyncExitStack() as stack:
        yield People(database_url, stack)


@pytest.fixture
async def chat(people: People) -> AgentChat:
    return await people.shared(CLERK)


async def listed(chat: AgentChat, actor: Actor, **which: Any) -> list[ThreadSummary]:
    return list(await anext(chat.follow_threads(actor=actor, **which)))


async def line(chat: AgentChat, actor: Actor, thread_id: str = THREAD) -> ThreadSummary:
    [found] = [one for one in await listed(chat, actor) if one.id == thread_id]
    return found


async def say(chat: AgentChat, actor: Actor, text: str = "Hello") -> None:
    await chat.send_message(THREAD, text, actor=actor)
    await until(chat, THREAD, lambda view: not view.live)


async def test_a_pin_and_a_folder_are_one_persons_own(chat: AgentChat) -> None:
    await chat.pin_thread(THREAD, actor=BOB)
    await chat.move_thread(THREAD, "  Zanzibar \n plans ", actor=VERA)
    assert [(one.pinned, one.folder) for one in await listed(chat, BOB)] == [(True, "")]
    assert [(one.pinned, one.folder) for one in await listed(chat, VERA)] == [
        (False, "Zanzibar plans")
    ]
    assert [(one.pinned, one.folder) for one in await listed(chat, ANN)] == [(False, "")]
    await chat.pin_thread(THREAD, False, actor=BOB)
    await chat.move_thread(THREAD, "", actor=VERA)
    assert not (await line(chat, BOB)).pinned
    assert (await line(chat, VERA)).folder == ""


async def test_the_list_says_what_a_person_is_in_a_thread(chat: AgentChat) -> None:
    roles = {actor.id: (await line(chat, actor)).role for actor in (ANN, BOB, VERA)}
    assert roles == {ANN.id: "owner", BOB.id: "member", VERA.id: "viewer"}


async def test_an_archived_thread_is_in_the_other_list_of_that_person_alone(
    chat: AgentChat,
) -> None:
    await chat.pin_thread(THREAD, actor=BOB)
    await chat.archive_thread(THREAD, actor=BOB)
    assert await listed(chat, BOB) == []
    assert [one.id for one in await listed(chat, BOB, archived=True)] == [THREAD]
    assert [one.id for one in await listed(chat, ANN)] == [THREAD]
    assert await listed(chat, ANN, archived=True) == []
    await chat.archive_thread(THREAD, False, actor=BOB)
    assert (await line(chat, BOB)).pinned


async def test_what_others_and_agents_say_is_unread_until_one_looks(chat: AgentChat) -> None:
    await say(chat, ANN)
    assert (await line(chat, ANN)).unread, "the answer came after she had said it"
    assert (await line(chat, BOB)).unread, "he has never looked"
    for actor in (ANN, BOB):
        await chat.read_thread(THREAD, actor=actor)
        assert not (await line(chat, actor)).unread
    await say(chat, BOB)
    assert (await line(chat, ANN)).unread
    await chat.read_thread(THREAD, actor=ANN)
    assert not (await line(chat, ANN)).unread
    assert (await line(chat, BOB)).unread, "what she has read is hers"


async def test_ones_own_words_and_an_answer_that_grows_are_not_unread(people: People) -> None:
    held = HeldUp("One. Two.")
    chat = await people.shared(CLERK, provider=held)
    await chat.send_message(THREAD, "Hello", actor=ANN)
    await until(chat, THREAD, lambda view: view.live and view.live[0].text)
    assert not (await line(chat, ANN)).unread
    await chat.read_thread(THREAD, actor=ANN)
    held.held.set()
    await settled(chat, THREAD)
    assert (await line(chat, ANN)).unread, "it ended after she had looked"


async def test_a_thread_can_be_unread_again_as_far_as_others_have_said_something(
    chat: AgentChat,
) -> None:
    await chat.read_thread(THREAD, False, actor=ANN)
    assert not (await line(chat, ANN)).unread, "there is nothing"
    await say(chat, ANN)
    await chat.read_thread(THREAD, actor=ANN)
    await chat.read_thread(THREAD, False, actor=ANN)
    assert (await line(chat, ANN)).unread
    await chat.read_thread(THREAD, actor=ANN)
    assert not (await line(chat, ANN)).unread


async def test_what_others_say_in_a_thread_that_one_has_made_is_unread(chat: AgentChat) -> None:
    assert not (await line(chat, ANN)).unread
    await say(chat, BOB)
    assert (await line(chat, ANN)).unread


async def test_an_own_thread_from_before_there_were_marks_is_read(chat: AgentChat) -> None:
    await say(chat, BOB)
    await chat._database.write(thread_marks.delete_of_thread, THREAD)
    assert not (await line(chat, ANN)).unread
    await chat.pin_thread(THREAD, actor=ANN)
    assert not (await line(chat, ANN)).unread, "a pin says nothing about reading"
    await chat.pin_thread(THREAD, actor=VERA)
    assert (await line(chat, VERA)).unread


async def test_what_is_not_shown_any_more_makes_nothing_unread(chat: AgentChat) -> None:
    await say(chat, ANN, "First")
    await say(chat, ANN, "Second")
    view = await until(chat, THREAD, lambda view: len(view.messages) == 4 and not view.live)
    # Another way, on which there is less.
    await chat.edit_message(view.messages[0].id, "Otherwise", actor=ANN)
    await until(chat, THREAD, lambda view: len(view.messages) == 2 and not view.live)
    await chat.read_thread(THREAD, actor=ANN)
    assert not (await line(chat, ANN)).unread


async def test_pinned_and_filed_threads_are_listed_however_old_they_are(chat: AgentChat) -> None:
    made = [await chat.create_thread(f"Number {n}", actor=ANN) for n in range(6)]
    await chat.pin_thread(made[0].id, actor=ANN)
    await chat.move_thread(made[1].id, "Old", actor=ANN)
    titles = [one.title for one in await listed(chat, ANN, limit=2)]
    assert titles == ["Number 5", "Number 4", "Number 1", "Number 0"]


async def test_of_very_many_pinned_threads_those_used_last_are_listed_and_one_more(
    chat: AgentChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "MOST_KEPT", 2)
    for n in range(4):
        made = await chat.create_thread(f"Number {n}", actor=ANN)
        await chat.pin_thread(made.id, actor=ANN)
    titles = [one.title for one in await listed(chat, ANN, limit=2) if one.pinned]
    assert titles == ["Number 3", "Number 2", "Number 1"]


async def test_two_marks_at_once_both_count(chat: AgentChat) -> None:
    await asyncio.gather(
        chat.pin_thread(THREAD, actor=BOB),
        chat.move_thread(THREAD, "Plans", actor=BOB),
        chat.read_thread(THREAD, actor=BOB),
    )
    found = await line(chat, BOB)
    assert (found.pinned, found.folder, found.unread) == (True, "Plans", False)


@pytest.mark.parametrize("actor", [SAM, NOBODY])
async def test_a_stranger_marks_nothing(chat: AgentChat, actor: Actor) -> None:
    refusal = ThreadNotFound if actor is SAM else NotAllowed
    for verb in (
        chat.pin_thread(THREAD, actor=actor),
        chat.archive_thread(THREAD, actor=actor),
        chat.move_thread(THREAD, "Mine", actor=actor),
        chat.read_thread(THREAD, actor=actor),
        chat.read_thread(THREAD, False, actor=actor),
    ):
        with pytest.raises(refusal):
            await verb


async def test_what_is_no_folder_is_refused_and_no_thread_gets_no_mark(people: People) -> None:
    chat = await people.open(CLERK, auth="open")
    thread = await chat.create_thread("A thread")
    for name in ("x" * (MOST_FOLDER + 1), 7, None, ["x"]):
        with pytest.raises(InvalidInput):
            await chat.move_thread(thread.id, name)  # type: ignore[arg-type]
    for verb in (chat.pin_thread("never-there"), chat.read_thread("never-there", False)):
        with pytest.raises(ThreadNotFound):
            await verb


async def test_where_everybody_sees_everything_only_what_comes_after_a_look_is_new(
    people: People,
) -> None:
    chat = await people.open(CLERK, auth="open")
    thread = await chat.create_thread("A thread", actor=ANN, thread_id=THREAD)
    await say(chat, ANN)
    assert not (await line(chat, BOB)).unread
    await chat.pin_thread(thread.id, actor=BOB)
    assert not (await line(chat, BOB)).unread
    await chat.read_thread(thread.id, actor=BOB)
    await say(chat, ANN)
    assert (await line(chat, BOB)).unread
