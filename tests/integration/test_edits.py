"""Messages that are edited and sent again: what is shown, what is told; nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing
from typing import Any

import pytest
from sqlalchemy import insert
from sqlmodel import Session, select

from agentchat import Agent, AgentChat, MessageView, ThreadView, ToolContext, tool
from agentchat.columns import table_of
from agentchat.errors import (
    InvalidInput,
    MessageNotFound,
    ThreadNotFound,
    WrongState,
)
from agentchat.llm.base import ModelRequest
from agentchat.models import (
    Audit,
    Branch,
    Message,
    MessageStatus,
    Role,
    Run,
    RunStatus,
    Summary,
    Thread,
    ThreadMark,
)
from agentchat.shown.thread import Shown, thread_view
from agentchat.store import exchanges, message_words, messages
from agentchat.store.message_words import Where
from agentchat.store.messages import Answer
from agentchat.store.writer import Tx
from agentchat.verbs.files import NewFile
from tests.integration.agents_stage import ANN, BOB, AgentStage, HeldUp, call, settled, until
from tests.integration.test_live_agents import counted
from tests.integration.test_live_agents import seen as read_noting
from tests.long import LONG_ON_POSTGRES


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[AgentStage]:
    async with AsyncExitStack() as stack:
        yield AgentStage(database_url, stack)


async def said(chat: AgentChat, *texts: str, thread_id: str = "") -> ThreadView:
    """A thread in which Ann said these things, one after the other."""
    if not thread_id:
        thread_id = (await chat.create_thread("A thread", actor=ANN)).id
    for text in texts:
        await chat.send_message(thread_id, text, actor=ANN)
        await settled(chat, thread_id)
    return await view_of(chat, thread_id)


async def view_of(chat: AgentChat, thread_id: str) -> ThreadView:
    async with aclosing(chat.follow(thread_id)) as views:
        return await anext(views)


async def over(chat: AgentChat, thread_id: str) -> ThreadView:
    """The thread, once nothing is under way in it."""
    return await until(chat, thread_id, lambda view: view.settled and not view.live)


def texts(view: ThreadView | Sequence[MessageView]) -> list[str]:
    return [one.text for one in (view.messages if isinstance(view, ThreadView) else view)]


def told(request: ModelRequest) -> list[str]:
    return [turn.text for turn in request.turns]


async def rows_of(chat: AgentChat, model: type[Any], **where: Any) -> list[Any]:
    def read(session: Session) -> list[Any]:
        query = select(model)
        for name, value in where.items():
            query = query.where(getattr(model, name) == value)
        return list(session.exec(query))

    return await chat._database.read(read)


async def audits(chat: AgentChat, thread_id: str) -> list[tuple[str, str]]:
    found = await rows_of(chat, Audit, kind="thread", subject_id=thread_id)
    return [(one.action, one.by) for one in sorted(found, key=lambda one: one.id)]


# Edited


async def test_an_edited_message_is_answered_and_what_was_there_is_kept(stage: AgentStage) -> None:
    chat = await stage.open(Agent("a", "x"), replies=["A1.", "A2.", "A3.", "A4."])
    before = await said(chat, "one", "two", "three")
    second = before.messages[2]
    edited = await chat.edit_message(second.id, "zwei", actor=ANN)
    view = await over(chat, before.id)
    assert texts(view) == ["one", "A1.", "zwei", "A4."]
    assert [one.position for one in view.messages] == [0, 1, 2, 3]
    assert (view.messages[2].id, view.others, view.earlier) == (edited.id, (), 0)
    assert (view.messages[2].branches, view.messages[2].way) == ((0, 1), 1)
    assert told(stage.provider.requests[-1]) == ["one", "A1.", "zwei"]
    [thread] = await rows_of(chat, Thread)
    assert (thread.length, thread.branch) == (4, 1)
    # As it was, for everybody, and forth again.
    await chat.show_branch(before.id, 0, actor=BOB)
    again = await view_of(chat, before.id)
    assert texts(again) == ["one", "A1.", "two", "A2.", "three", "A3."]
    assert [one.id for one in again.messages] == [one.id for one in before.messages]
    assert (again.messages[2].branches, again.messages[2].way) == ((0, 1), 0)
    await chat.show_branch(before.id, 1, actor=ANN)
    assert texts(await view_of(chat, before.id)) == texts(view)
    assert (await audits(chat, before.id))[-3:] == [
        ("edit", "Ann"), ("show branch", "Bob"), ("show branch", "Ann"),
    ]  # fmt: skip


async def test_the_thread_goes_on_from_what_is_shown(stage: AgentStage) -> None:
    chat = await stage.open(Agent("a", "x"), replies=[f"A{n}." for n in range(1, 9)])
    before = await said(chat, "one", "two")
    await chat.edit_message(before.messages[2].id, "zwei", actor=ANN)
    await over(chat, before.id)
    await said(chat, "drei", thread_id=before.id)
    assert told(stage.provider.requests[-1]) == ["one", "A1.", "zwei", "A3.", "drei"]
    await chat.show_branch(before.id, 0, actor=ANN)
    view = await said(chat, "three", thread_id=before.id)
    assert told(stage.provider.requests[-1]) == ["one", "A1.", "two", "A2.", "three"]
    # The places were taken already, by what is not shown.
    assert texts(view) == ["one", "A1.", "two", "A2.", "three", "A5."]
    await chat.show_branch(before.id, 1, actor=ANN)
    view = await view_of(chat, before.id)
    assert texts(view) == ["one", "A1.", "zwei", "A3.", "drei", "A4."]


async def test_the_first_message_is_edited_twice(stage: AgentStage) -> None:
    chat = await stage.open(Agent("a", "x"), replies=["A1.", "A2.", "A3."])
    before = await said(chat, "one")
    first = await chat.edit_message(before.messages[0].id, "uno", actor=ANN)
    await over(chat, before.id)
    await chat.edit_message(first.id, "eins", actor=ANN)
    view = await over(chat, before.id)
    assert texts(view) == ["eins", "A3."]
    assert told(stage.provider.requests[-1]) == ["eins"]
    # All three are said instead of each other.
    assert (view.messages[0].branches, view.messages[0].way) == ((0, 1, 2), 2)
    assert {(one.parent, one.position) for one in await rows_of(chat, Branch)} == {(0, 0)}
    await chat.show_branch(before.id, view.messages[0].branches[1], actor=ANN)
    assert texts(await view_of(chat, before.id)) == ["uno", "A2."]


async def test_going_back_shows_what_was_newest_there(stage: AgentStage) -> None:
    chat = await stage.open(Agent("a", "x"), replies=[f"A{n}." for n in range(1, 9)])
    before = await said(chat, "one", "two")
    await chat.edit_message(before.messages[2].id, "zwei", actor=ANN)
    await over(chat, before.id)
    await chat.edit_message(before.messages[0].id, "eins", actor=ANN)
    view = await over(chat, before.id)
    assert texts(view) == ["eins", "A4."]
    assert view.messages[0].branches == (1, 2)
    await chat.show_branch(before.id, 1, actor=ANN)
    view = await view_of(chat, before.id)
    assert texts(view) == ["one", "A1.", "zwei", "A3."]
    assert (view.messages[0].branches, view.messages[0].way) == ((1, 2), 0)
    assert (view.messages[2].branches, view.messages[2].way) == ((0, 1), 1)


async def test_an_answer_that_grows_ends_with_its_words(stage: AgentStage) -> None:
    provider = HeldUp("Slowly it begins. And goes on.", "Quick.")
    chat = await stage.open(Agent("a", "x"), provider=provider)
    thread = await chat.create_thread("A", actor=ANN)
    first = await chat.send_message(thread.id, "one", actor=ANN)
    second = await chat.send_message(thread.id, "two", actor=ANN)
    await until(chat, thread.id, lambda view: view.live and view.live[0].text)
    await chat.edit_message(first.id, "eins", actor=ANN)
    view = await over(chat, thread.id)
    assert texts(view) == ["eins", "Quick."]
    # Neither goes on, where nobody sees it.
    provider.held.set()
    assert {run.status for run in await rows_of(chat, Run)} == {RunStatus.DONE, RunStatus.STOPPED}
    await chat.show_branch(thread.id, 0, actor=ANN)
    view = await view_of(chat, thread.id)
    assert [one.id for one in view.messages[::2]] == [first.id, second.id]
    assert [one.status for one in view.messages[1::2]] == ["stopped", "stopped"]
    assert view.messages[1].text.startswith("Slowly")
    assert view.messages[1].words == "Stopped by Ann"


async def test_an_answer_before_what_is_edited_goes_on(stage: AgentStage) -> None:
    provider = HeldUp("Slowly it begins. And goes on.", "Quick.")
    chat = await stage.open(Agent("a", "x"), provider=provider)
    thread = await chat.create_thread("A", actor=ANN)
    await chat.send_message(thread.id, "one", actor=ANN)
    second = await chat.send_message(thread.id, "two", actor=ANN)
    await until(chat, thread.id, lambda view: view.live and view.live[0].text)
    await chat.edit_message(second.id, "zwei", actor=ANN)
    view = await view_of(chat, thread.id)
    assert [one.status for one in view.live] == ["running", "done", "pending"]
    assert view.live[2].words == "Queued behind the answer above"
    provider.held.set()
    view = await over(chat, thread.id)
    assert texts(view) == ["one", "Slowly it begins. And goes on.", "zwei", "Quick."]


async def test_a_steering_message_that_is_edited_is_not_taken_in(stage: AgentStage) -> None:
    gate = asyncio.Event()

    @tool
    async def wait() -> str:
        """Wait."""
        await gate.wait()
        return "x"

    replies: list[Any] = [[call("wait")], "All done.", "Other."]
    chat = await stage.open(Agent("a", "x", tools=(wait,)), replies=replies)
    thread = await chat.create_thread("A", actor=ANN)
    await chat.send_message(thread.id, "go", actor=ANN)
    await until(chat, thread.id, lambda view: "Calling wait" in [one.words for one in view.live])
    steers = await chat.send_message(thread.id, "left", actor=ANN, second="steer")  # type: ignore[arg-type]
    assert steers.joins
    await chat.edit_message(steers.id, "right", actor=ANN)
    gate.set()
    view = await over(chat, thread.id)
    assert texts(view) == ["go", "All done.", "right", "Other."]
    assert not any("left" in text for text in told(stage.provider.requests[1]))
    assert told(stage.provider.requests[2])[-1] == "right"
    # Nothing was done with it, and it does not say so.
    await chat.show_branch(thread.id, 0, actor=ANN)
    assert [one.joins for one in (await view_of(chat, thread.id)).messages] == [False] * 3


async def test_the_same_press_edits_once(stage: AgentStage) -> None:
    chat = await stage.open(Agent("a", "x"), replies=["A1.", "A2."])
    before = await said(chat, "one")
    pressed = [
        chat.edit_message(before.messages[0].id, "eins", actor=ANN, new_id="the-one-press")
        for _ in range(3)
    ]
    assert {one.id for one in await asyncio.gather(*pressed)} == {"the-one-press"}
    view = await over(chat, before.id)
    assert len(view.messages[0].branches) == 2
    other = await said(chat, "other")
    with pytest.raises(InvalidInput, match="already used"):
        await chat.edit_message(other.messages[0].id, "x", actor=ANN, new_id="the-one-press")


async def test_two_people_edit_at_once_and_the_page_that_is_behind_is_told(
    stage: AgentStage,
) -> None:
    chat = await stage.open(Agent("a", "x"), replies=[f"A{n}." for n in range(1, 9)])
    thread = await chat.create_thread("A", actor=ANN)
    first = await chat.send_message(thread.id, "one", actor=ANN)
    await settled(chat, thread.id)
    second = await chat.send_message(thread.id, "two", actor=BOB)
    await settled(chat, thread.id)
    answer = (await view_of(chat, thread.id)).messages[-1]
    done = await asyncio.gather(
        chat.edit_message(first.id, "eins", actor=ANN),
        chat.edit_message(second.id, "zwei", actor=BOB),
        return_exceptions=True,
    )
    view = await over(chat, thread.id)
    assert texts(view)[0] == "eins"
    assert not isinstance(done[0], BaseException)
    if isinstance(done[1], BaseException):
        assert isinstance(done[1], WrongState)
    # What a page that is behind still shows cannot be acted on.
    for act in (
        chat.edit_message(second.id, "due", actor=BOB),
        chat.retry(answer.id, actor=BOB),
        chat.regenerate(answer.id, actor=BOB),
        chat.keep(answer.id, actor=BOB),
        chat.runs.by(BOB).rerun(answer.run_id),
    ):
        with pytest.raises(WrongState, match="not shown now"):
            await act
    assert texts(await view_of(chat, thread.id)) == texts(view)


async def test_a_stopped_run_of_what_is_not_shown_does_not_go_on(stage: AgentStage) -> None:
    provider = HeldUp("Slowly it begins. And goes on.", "Quick.")
    chat = await stage.open(Agent("a", "x"), provider=provider)
    thread = await chat.create_thread("A", actor=ANN)
    first = await chat.send_message(thread.id, "one", actor=ANN)
    view = await until(chat, thread.id, lambda view: view.live and view.live[0].text)
    run_id = view.live[0].run_id
    await chat.edit_message(first.id, "eins", actor=ANN)
    provider.held.set()
    await over(chat, thread.id)
    with pytest.raises(WrongState, match="not shown now"):
        await chat.runs.by(ANN).retry(run_id)
    await chat.show_branch(thread.id, 0, actor=ANN)
    await chat.runs.by(ANN).retry(run_id)
    view = await over(chat, thread.id)
    assert [one.status for one in view.messages] == ["done", "done"]


async def test_only_what_people_say_is_edited(stage: AgentStage) -> None:
    chat = await stage.open(Agent("a", "x"), replies=["A1.", "A2."])
    view = await said(chat, "one")
    mine, answer = view.messages
    assert (mine.user_id, answer.user_id) == ("ann", "ann")
    for message_id in (answer.id, "no-such-message"):
        with pytest.raises(MessageNotFound):
            await chat.edit_message(message_id, "x", actor=ANN)
    for text in ("", "x" * 100_001, None):
        with pytest.raises(InvalidInput):
            await chat.edit_message(mine.id, text, actor=ANN)  # type: ignore[arg-type]
    assert texts(await view_of(chat, view.id)) == ["one", "A1."]
    assert await rows_of(chat, Branch) == []


async def test_without_accounts_others_words_are_edited_under_ones_own_name(
    stage: AgentStage,
) -> None:
    chat = await stage.open(Agent("a", "x"), replies=["A1.", "A2."])
    view = await said(chat, "one")
    await chat.edit_message(view.messages[0].id, "hers", actor=BOB)
    view = await over(chat, view.id)
    assert (view.messages[0].author, view.messages[0].user_id) == ("Bob", "bob")


async def test_what_an_agent_asked_another_is_not_edited(stage: AgentStage) -> None:
    lead = Agent("lead", "x", asks=("helper",))
    replies: list[Any] = [[call("ask_helper", task="t")], "helped", "Done."]
    chat = await stage.open(lead, Agent("helper", "x"), replies=replies)
    view = await said(chat, "go")
    [part] = [one for one in view.messages[1].parts if one.kind == "agent"]
    inner = await view_of(chat, part.thread_id)
    with pytest.raises(InvalidInput, match="asked by an agent"):
        await chat.edit_message(inner.messages[0].id, "x", actor=ANN)


async def test_its_files_go_with_what_is_said_instead(stage: AgentStage) -> None:
    stage.settings = stage.settings.model_copy(update={"person_files_mb": 1})
    chat = await stage.open(Agent("a", "x"), replies=["A1.", "A2.", "A3."])
    thread = await chat.create_thread("A", actor=ANN)
    files = [NewFile("notes.txt", "", b"tern " * 60_000), NewFile("b.txt", "", b"plover")]
    first = await chat.send_message(thread.id, "one", actor=ANN, files=files)
    await settled(chat, thread.id)
    edited = await chat.edit_message(first.id, "eins", actor=ANN)
    view = await over(chat, thread.id)
    assert [one.name for one in view.messages[0].files] == ["notes.txt", "b.txt"]
    assert "b.txt" in str(stage.provider.requests[-1].turns[0])
    [own] = [one for one in view.messages[0].files if one.name == "b.txt"]
    assert (await chat.files.get(own.id, actor=ANN)).content == b"plover"
    await chat.edit_message(edited.id, "uno", actor=ANN)
    await over(chat, thread.id)
    # Each has its own, and all of them count.
    last = (await view_of(chat, thread.id)).messages[0]
    with pytest.raises(InvalidInput, match="is the most"):
        await chat.edit_message(last.id, "due", actor=ANN)
    assert texts(await view_of(chat, thread.id))[0] == "uno"


# Shown again


async def test_nothing_is_hidden_while_it_is_being_written(stage: AgentStage) -> None:
    provider = HeldUp("Slowly it begins. And goes on.", "Quick.", "Slow.")
    chat = await stage.open(Agent("a", "x"), provider=provider)
    provider.held.set()
    before = await said(chat, "one")
    await chat.edit_message(before.messages[0].id, "eins", actor=ANN)
    await over(chat, before.id)
    await chat.show_branch(before.id, 0, actor=ANN)
    provider.held.clear()
    provider.requests.clear()
    await chat.send_message(before.id, "more", actor=ANN)
    await until(chat, before.id, lambda view: view.live and view.live[0].text)
    with pytest.raises(WrongState, match="being written"):
        await chat.show_branch(before.id, 1, actor=BOB)
    provider.held.set()
    await over(chat, before.id)
    await chat.show_branch(before.id, 1, actor=BOB)
    assert texts(await view_of(chat, before.id)) == ["eins", "Quick."]


async def test_there_is_no_other_way_to_show(stage: AgentStage) -> None:
    chat = await stage.open(Agent("a", "x"), replies=["A1."])
    view = await said(chat, "one")
    for branch in (1, -1, None, "0", [0]):
        with pytest.raises(InvalidInput, match="no version"):
            await chat.show_branch(view.id, branch, actor=ANN)  # type: ignore[arg-type]
    with pytest.raises(ThreadNotFound):
        await chat.show_branch("no-such-thread", 0, actor=ANN)
    # What is shown already is not shown again.
    await chat.show_branch(view.id, 0, actor=ANN)
    assert ("show branch", "Ann") not in await audits(chat, view.id)


async def test_each_way_keeps_its_own_answers_side_by_side(stage: AgentStage) -> None:
    chat = await stage.open(Agent("a", "x"), replies=[f"A{n}." for n in range(1, 9)])
    before = await said(chat, "one")
    other = await chat.regenerate(before.messages[1].id, actor=ANN)
    await until(chat, before.id, lambda view: [one.status for one in view.others] == ["done"])
    await chat.keep(other, actor=ANN)
    edited = await chat.edit_message(before.messages[0].id, "eins", actor=ANN)
    view = await over(chat, before.id)
    assert texts(view) == ["eins", "A3."]
    assert (view.others, view.messages[1].variants) == ((), 1)
    # There is nothing to choose among.
    await chat.keep(view.messages[1].id, actor=ANN)
    assert not (await view_of(chat, before.id)).messages[1].kept_by
    third = await chat.regenerate(view.messages[1].id, actor=ANN)
    await until(chat, before.id, lambda view: [one.status for one in view.others] == ["done"])
    view = await view_of(chat, before.id)
    assert ([one.id for one in view.others], view.messages[1].variants) == ([third], 2)
    await chat.show_branch(before.id, 0, actor=ANN)
    view = await view_of(chat, before.id)
    assert texts(view) == ["one", "A2."]
    assert [one.id for one in view.others] == [before.messages[1].id]
    assert (view.messages[1].id, view.messages[1].variants) == (other, 2)
    assert (view.messages[1].undecided, view.messages[1].kept_by) == (False, "Ann")
    await chat.show_branch(before.id, 1, actor=ANN)
    view = await view_of(chat, before.id)
    assert view.messages[0].id == edited.id
    assert [one.id for one in view.others] == [third]


# Who reads messages


async def test_what_is_not_shown_is_not_found_remembered_or_summed_up(stage: AgentStage) -> None:
    chat = await stage.open(Agent("a", "x"), replies=["Axolotls.", "Terns.", "More."])
    before = await said(chat, "I like axolotls")
    mine, answer = before.messages
    thread_id = before.id

    def add(tx: Tx) -> None:
        own = {"thread_id": thread_id, "created_at": chat._clock.now()}
        sums = [own | {"position": at, "text": f"to {at}"} for at in (0, 1)]
        tx.execute(insert(table_of(Summary)), sums)
        mark = {"thread_id": thread_id, "user_id": "bob", "read_to": 2, "folder": ""}
        tx.execute(insert(table_of(ThreadMark)), mark)

    await chat._database.write(add)
    remembered = await chat.memories.remember(
        "Likes axolotls", source_id=mine.id, thread_id=thread_id, actor=ANN
    )

    async def known() -> tuple[Any, ...]:
        found = await chat._database.read(message_words.search, "axolotls", Where("ann"), limit=9)
        exchange = await chat._database.read(
            exchanges.exchange, answer.id, thread_id=thread_id, user_id="ann"
        )
        recalled = await chat.memories.recall("axolotls", actor=ANN)
        return (
            {one.id for one in found},
            None if exchange[0] is None else (exchange[0].id, exchange[1]),
            [one.id for one in recalled],
        )

    shown = ({mine.id, answer.id}, (mine.id, "Axolotls."), [remembered.id])
    assert await known() == shown
    await chat.edit_message(mine.id, "I like terns", actor=ANN)
    view = await over(chat, thread_id)
    assert await known() == (set(), None, [])
    assert await rows_of(chat, Summary) == []
    # Whoever has read what was there has not read this.
    [mark] = await rows_of(chat, ThreadMark, user_id="bob")
    assert mark.read_to == 0
    first = view.messages[1]

    def before_it(tx: Tx) -> tuple[list[str], int]:
        there = Answer(first.id, thread_id, first.run_id, first.position)
        return messages.ids_before(tx, there, limit=9), messages.characters_before(tx, there)

    assert await chat._database.write(before_it) == ([view.messages[0].id], len("I like terns"))
    await chat.show_branch(thread_id, 0, actor=ANN)
    assert await known() == shown


async def test_a_deleted_thread_takes_all_its_ways_with_it(stage: AgentStage) -> None:
    chat = await stage.open(Agent("a", "x"), replies=["A1.", "A2."])
    before = await said(chat, "one")
    await chat.edit_message(before.messages[0].id, "eins", actor=ANN)
    await over(chat, before.id)
    await chat.delete_thread(before.id, actor=ANN)
    with pytest.raises(ThreadNotFound):
        await chat.show_branch(before.id, 0, actor=ANN)


@LONG_ON_POSTGRES
async def test_many_long_versions_cost_a_page_no_more_than_one(stage: AgentStage) -> None:
    chat = await stage.open(Agent("a", "x"), replies=["A1.", "Last."])
    view = await said(chat, "one")
    thread_id, now = view.id, chat._clock.now()
    own = {
        **{column.name: None for column in table_of(Message).columns},
        **{"thread_id": thread_id, "hidden": True, "author": "", "user_id": "ann", "model": ""},
        **{"status": MessageStatus.DONE, "created_at": now, "finished_at": now},
    }

    def grow(tx: Tx) -> None:
        for number in range(1, 21):
            branch = {"thread_id": thread_id, "number": number, "parent": 0, "position": 0}
            about = {"created_by": "Ann", "created_at": now}
            tx.execute(insert(table_of(Branch)), branch | about)
            tx.execute(
                insert(table_of(Message)),
                [
                    own
                    | {"id": f"m-{number}-{at}", "position": at, "variant": number}
                    | {"branch": number, "shelved": True, "text": "y" * 300}
                    | {"role": Role.ASSISTANT if at % 2 else Role.USER}
                    for at in range(300)
                ],
            )

    alone, (one, _) = await look(chat, thread_id)
    await chat._database.write(grow)
    many, (shown, read) = await look(chat, thread_id)
    assert texts(shown.view) == ["one", "A1."]
    assert many == alone == 5
    assert set(shown.heads) == set(one.heads)
    assert len(shown.view.messages[0].branches) == 21
    # Only what is done in this thread wakes it.
    assert all(row.known for row in read)
    await chat.show_branch(thread_id, 20, actor=ANN)
    shown = await chat._database.read(_look, thread_id)
    assert (len(shown.heads), shown.view.earlier) == (50, 250)
    [thread] = await rows_of(chat, Thread)
    assert thread.length == 300
    view = await said(chat, "and?", thread_id=thread_id)
    assert (view.messages[-2].text, view.messages[-2].position) == ("and?", 300)


async def look(chat: AgentChat, thread_id: str) -> tuple[int, tuple[Shown, Any]]:
    """How many statements it takes to read a thread, and what was read. The app may read threads
    of its own accord meanwhile: the least of a few counts.
    """
    numbers = []
    for _ in range(4):
        with counted(chat._database) as statements:
            found = await read_noting(chat._database, None, thread_id)
        numbers.append(of_page(statements))
    return min(numbers), found


def of_page(statements: list[str]) -> int:
    """How many of these read what a page of a thread shows."""
    tables = ("threads", "messages", "parts", "asks", "attachments")
    return sum(any(f"FROM {table}" in one for table in tables) for one in statements)


def _look(session: Session, thread_id: str) -> Shown:
    return thread_view(session, None, thread_id, "scripted:instant", 50)


async def test_the_tools_of_a_new_way_are_asked_for_who_edited(stage: AgentStage) -> None:
    asked: list[str] = []

    @tool
    async def who(context: ToolContext) -> str:
        """Say who asks."""
        asked.append(context.actor.id)
        return context.actor.id

    replies: list[Any] = [[call("who")], "A1.", [call("who")], "A2."]
    chat = await stage.open(Agent("a", "x", tools=(who,)), replies=replies)
    before = await said(chat, "one")
    await chat.edit_message(before.messages[0].id, "eins", actor=ANN)
    await over(chat, before.id)
    assert asked == ["ann", "ann"]
