"""What people think of answers, and threads that begin with what was said in another."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
from sqlalchemy import insert

from agentchat import Actor, Agent, AgentChat, ThreadView
from agentchat.columns import table_of
from agentchat.errors import InvalidInput, MessageNotFound, NotAllowed, ThreadNotFound, WrongState
from agentchat.models import Part, PartKind, PartStatus, Rating
from agentchat.store.writer import Tx
from agentchat.verbs.files import NewFile
from agentchat.verbs.ratings import RatingView
from tests.integration.agents_stage import HeldUp
from tests.integration.people_stage import (
    ADA,
    ANN,
    BOB,
    SAM,
    THREAD,
    VERA,
    People,
    audited,
    people_on,
    rows,
)
from tests.long import LONG_ON_POSTGRES

pytestmark = LONG_ON_POSTGRES


@pytest.fixture
async def people(database_url: str) -> AsyncIterator[People]:
    async with people_on(database_url) as people:
        yield people


async def over(chat: AgentChat, thread_id: str = THREAD, actor: Actor = ANN) -> ThreadView:
    async with aclosing(chat.follow(thread_id, actor=actor)) as views:
        async for view in views:
            if view.settled and not view.live:
                return view
    raise AssertionError("it ended")


async def said(chat: AgentChat, *texts: str) -> ThreadView:
    for text in texts:
        await chat.send_message(THREAD, text, actor=ANN)
        await over(chat)
    return await over(chat)


async def first(views: AsyncGenerator[Any, None]) -> Any:
    async with aclosing(views):
        return await anext(views)


# Ratings


async def test_each_thinks_of_an_answer_what_they_like(people: People) -> None:
    chat = await people.shared(Agent("a", "x"), replies=["One.", "Two."])
    view = await said(chat, "one", "two")
    one, two = view.messages[1].id, view.messages[3].id
    await chat.rate(one, True, actor=ANN)
    # Whoever may read may say so, too.
    await chat.rate(one, False, " Too short. ", actor=VERA)
    await chat.rate(two, False, actor=ANN)
    mine = await first(chat.follow_ratings(THREAD, actor=ANN))
    assert set(mine) == {RatingView(one, True), RatingView(two, False)}
    hers = await first(chat.follow_ratings(THREAD, actor=VERA))
    assert hers == (RatingView(one, False, "Too short."),)
    assert await first(chat.follow_ratings(THREAD, actor=ADA)) == ()
    # Changed, and taken back.
    await chat.rate(one, False, "Wrong.", actor=ANN)
    await chat.rate(two, None, actor=ANN)
    mine = await first(chat.follow_ratings(THREAD, actor=ANN))
    assert mine == (RatingView(one, False, "Wrong."),)


async def test_a_rating_is_seen_at_once_where_it_was_made(people: People) -> None:
    chat = await people.shared(Agent("a", "x"), replies=["One."])
    answer = (await said(chat, "one")).messages[1].id
    async with aclosing(chat.follow_ratings(THREAD, actor=ANN)) as mine:
        assert await anext(mine) == ()
        await chat.rate(answer, True, actor=ANN)
        assert await anext(mine) == (RatingView(answer, True),)


async def test_only_answers_that_one_may_read_are_rated(people: People) -> None:
    chat = await people.shared(Agent("a", "x"), replies=["One."])
    asked, answer = (await said(chat, "one")).messages
    for message_id in (asked.id, "no-such-message"):
        with pytest.raises(MessageNotFound):
            await chat.rate(message_id, True, actor=ANN)
    with pytest.raises(MessageNotFound):
        await chat.rate(answer.id, True, actor=SAM)
    with pytest.raises(ThreadNotFound):
        await first(chat.follow_ratings(THREAD, actor=SAM))
    for good, reason in ((2, ""), ("yes", ""), (True, None), (True, "x" * 1_001)):
        with pytest.raises(InvalidInput):
            await chat.rate(answer.id, good, reason, actor=ANN)  # type: ignore[arg-type]
    assert await rows(chat._database, Rating) == []


async def test_they_are_added_up_for_administrators_by_agent_and_model(people: People) -> None:
    chat = await people.shared(Agent("a", "x"), replies=["One.", "Two."])
    view = await said(chat, "one", "two")
    one, two = view.messages[1], view.messages[3]
    await chat.rate(one.id, True, actor=ANN)
    await chat.rate(one.id, False, "Too short.", actor=VERA)
    await chat.rate(two.id, True, "Just right.", actor=BOB)
    past = await chat.operations.overview.past(1, actor=ADA)
    assert [(group.name, group.good, group.bad) for group in past.agents] == [("a", 2, 1)]
    assert [(group.good, group.bad) for group in past.models] == [(2, 1)]
    assert [(said.reason, said.good, said.agent, said.run_id) for said in past.comments] == [
        ("Just right.", True, "a", two.run_id),
        ("Too short.", False, "a", one.run_id),
    ]

    # On the page of a run too, and for nobody else who may look at it.
    details = chat.operations.details
    head = await details.head(one.run_id, actor=ADA)
    assert (head.good, head.bad, head.comments) == (1, 1, ("Too short.",))
    head = await details.head(one.run_id, actor=ANN)
    assert (head.good, head.bad, head.comments) == (0, 0, ())

    # What was said of a deleted thread is told nobody, until it is had back; its costs are.
    await chat.delete_thread(THREAD, actor=ANN)
    past = await chat.operations.overview.past(1.5, actor=ADA)
    assert [(group.good, group.bad) for group in past.agents] == [(0, 0)]
    assert past.comments == ()
    assert past.total.calls == 2
    choices = await chat.operations.lists.choices(actor=ADA)
    assert (choices.agents, choices.models, choices.users) == ((), (), ())
    await chat.restore_thread(THREAD, actor=ANN)
    past = await chat.operations.overview.past(2, actor=ADA)
    assert [(group.good, group.bad) for group in past.agents] == [(2, 1)]
    choices = await chat.operations.lists.choices(actor=ADA)
    assert (choices.agents, choices.users) == (("a",), ("Ann",))


async def test_administrators_take_all_of_them(people: People) -> None:
    chat = await people.shared(Agent("a", "x"), replies=["One.", "Two."])
    view = await said(chat, "one", "two")
    answer = view.messages[1]
    await chat.rate(answer.id, True, actor=ANN)
    await chat.rate(answer.id, False, "Too “short”.\n", actor=VERA)
    with pytest.raises(NotAllowed):
        await first(chat.exported_ratings(actor=ANN))
    text = "".join([piece async for piece in chat.exported_ratings(actor=ADA)])
    lines = [json.loads(line) for line in text.splitlines()]
    assert [(one["user_id"], one["good"], one["reason"]) for one in lines] == [
        (ANN.id, True, ""),
        (VERA.id, False, "Too “short”."),
    ]
    about = {"message_id": answer.id, "thread_id": THREAD, "run_id": answer.run_id, "agent": "a"}
    assert about.items() <= lines[0].items()


async def test_ratings_go_with_their_answer(people: People) -> None:
    provider = HeldUp("Slow.", "Quick.")
    chat = await people.shared(Agent("a", "x"), provider=provider)
    await chat.send_message(THREAD, "one", actor=ANN)
    await chat.stop(THREAD, actor=ANN)
    provider.held.set()
    answer = (await over(chat)).messages[1].id
    await chat.rate(answer, False, actor=ANN)
    await chat.retry(answer, actor=ANN)
    await over(chat)
    assert await rows(chat._database, Rating) == []
    await chat.rate(answer, True, actor=ANN)
    await chat.delete_thread(THREAD, actor=ANN)
    with pytest.raises(MessageNotFound):
        await chat.rate(answer, False, actor=ANN)


# Words of others


async def test_only_who_wrote_a_message_edits_it(people: People) -> None:
    chat = await people.shared(Agent("a", "x"), replies=["One."])
    mine = (await said(chat, "one")).messages[0]
    for actor in (BOB, ADA):
        with pytest.raises(NotAllowed, match="Only who wrote"):
            await chat.edit_message(mine.id, "hers", actor=actor)
    with pytest.raises(NotAllowed):
        await chat.edit_message(mine.id, "hers", actor=VERA)
    assert [one.text for one in (await over(chat)).messages] == ["one", "One."]


# Threads that begin with another


async def test_a_thread_is_forked_at_a_message(people: People) -> None:
    chat = await people.shared(Agent("a", "x"), replies=["One.", "Two.", "Three.", "Four."])
    file = NewFile("notes.txt", "", b"terns")
    await chat.send_message(THREAD, "one", actor=ANN, files=[file])
    await over(chat)
    view = await said(chat, "two")
    own = await chat.fork_thread(view.messages[1].id, actor=VERA)
    mine = await over(chat, own.id, VERA)
    assert (mine.role, mine.title, own.title) == ("owner", f"{view.title} (2)", mine.title)
    before = view.messages[:2]
    assert [(one.role, one.text, one.author) for one in mine.messages] == [
        (one.role, one.text, one.author) for one in before
    ]
    # Ann's words are not Vera's, to be edited; nor is it Ann who may do so here.
    assert {one.user_id for one in mine.messages} == {""}
    assert {one.id for one in mine.messages}.isdisjoint(one.id for one in before)
    assert [one.run_id for one in mine.messages] == ["", ""]
    [copied] = mine.messages[0].files
    assert (await chat.files.get(copied.id, actor=VERA)).content == b"terns"
    [line] = mine.messages[1].parts
    assert (line.name, line.thread_id) == ("forked", THREAD)
    # It goes on by itself, and the other is as it was.
    await chat.send_message(own.id, "else", actor=VERA)
    mine = await over(chat, own.id, VERA)
    assert [one.text for one in mine.messages] == ["one", "One.", "else", "Three."]
    assert (await over(chat)).messages == view.messages
    with pytest.raises(ThreadNotFound):
        await over(chat, own.id, ANN)
    assert ("fork", "Vera") in await audited(chat)


async def test_an_answer_that_is_not_kept_is_forked_as_it_is(people: People) -> None:
    chat = await people.shared(Agent("a", "x"), replies=["One.", "Other."])
    kept = (await said(chat, "one")).messages[1]
    other = await chat.regenerate(kept.id, actor=ANN)
    async with aclosing(chat.follow(THREAD, actor=ANN)) as views:
        async for view in views:
            if [one.status for one in view.others] == ["done"]:
                break
    own = await chat.fork_thread(other, actor=ANN)
    mine = await over(chat, own.id)
    assert [one.text for one in mine.messages] == ["one", "Other."]
    assert (mine.others, mine.messages[1].variants) == ((), 1)


async def test_what_is_not_all_there_is_not_forked(people: People) -> None:
    provider = HeldUp("Slowly. It goes.", "Quick.", "More.")
    chat = await people.shared(Agent("a", "x"), provider=provider)
    asked = await chat.send_message(THREAD, "one", actor=ANN)
    async with aclosing(chat.follow(THREAD, actor=ANN)) as views:
        async for view in views:
            if view.live and view.live[-1].text:
                break
    with pytest.raises(WrongState, match="being written"):
        await chat.fork_thread(view.messages[1].id, actor=ANN)
    # What was said before it may be.
    own = await chat.fork_thread(asked.id, actor=ANN)
    provider.held.set()
    await over(chat)
    assert [one.text for one in (await over(chat, own.id)).messages] == ["one"]
    await chat.edit_message(asked.id, "eins", actor=ANN)
    await over(chat)
    with pytest.raises(WrongState, match="not shown now"):
        await chat.fork_thread(asked.id, actor=ANN)
    with pytest.raises(MessageNotFound):
        await chat.fork_thread(asked.id, actor=SAM)


async def test_the_same_press_forks_once_and_nobody_elses_thread(people: People) -> None:
    chat = await people.shared(Agent("a", "x"), replies=["One."])
    answer = (await said(chat, "one")).messages[1].id
    for _ in range(2):
        await chat.fork_thread(answer, actor=BOB, new_id="the-one-press")
    assert len((await over(chat, "the-one-press", BOB)).messages) == 2
    with pytest.raises(InvalidInput, match="already used"):
        await chat.fork_thread(answer, actor=ANN, new_id="the-one-press")


async def test_what_was_remembered_of_somebody_is_not_copied(people: People) -> None:
    chat = await people.shared(Agent("a", "x"), replies=["One."])
    answer = (await said(chat, "one")).messages[1]

    def add(tx: Tx) -> None:
        own = {"message_id": answer.id, "thread_id": THREAD, "run_id": answer.run_id, "round": 0}
        own |= {"status": PartStatus.DONE, "started_at": chat._clock.now(), "agent": "a"}
        own |= {"call_id": "", "text": "", "step": ""}
        recalled = {"kind": PartKind.SOURCES, "name": "memory", "data": {"sources": []}}
        tool = {"kind": PartKind.TOOL, "name": "weather", "data": {"message_id": answer.id}}
        told = {"kind": PartKind.TOOL, "name": "recall", "data": {}}
        parts = [own | one | {"position": at} for at, one in enumerate((recalled, tool, told))]
        tx.execute(insert(table_of(Part)), parts)

    await chat._database.write(add)
    own = await chat.fork_thread(answer.id, actor=BOB)
    mine = (await over(chat, own.id, BOB)).messages[1]
    assert [(one.kind, one.name) for one in mine.parts] == [("tool", "weather"), ("note", "forked")]
    copied = [one for one in await rows(chat._database, Part) if one.thread_id == own.id]
    assert {one.data.get("message_id") for one in copied} == {mine.id, answer.id}


async def test_files_that_are_copied_count(people: People) -> None:
    chat = await people.shared(Agent("a", "x"), replies=["One."], person_files_mb=1)
    file = NewFile("notes.txt", "", b"tern " * 120_000)
    await chat.send_message(THREAD, "one", actor=ANN, files=[file])
    answer = (await over(chat)).messages[1].id
    with pytest.raises(InvalidInput, match="is the most"):
        await chat.fork_thread(answer, actor=ANN)
    # Bob has room for them.
    own = await chat.fork_thread(answer, actor=BOB)
    with pytest.raises(InvalidInput, match="is the most"):
        await chat.fork_thread(answer, actor=BOB)
    assert len((await over(chat, own.id, BOB)).messages[0].files) == 1
