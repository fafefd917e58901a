"""Messages that wait to be answered: taken back, changed at their place, or sent now."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing

import pytest

from agentchat import Actor, Agent, AgentChat, SecondMessage, ThreadView, tool
from agentchat.errors import InvalidInput, MessageNotFound, NotAllowed, WrongState
from agentchat.models import Branch, Run, Thread
from agentchat.verbs.files import NewFile
from agentchat.verbs.waiting import WaitingView
from tests.integration.agents_stage import (
    ANN,
    BOB,
    AgentStage,
    HeldUp,
    call,
    settled,
    tools_of,
    until,
)
from tests.integration.people_stage import ADA, THREAD, VERA, People, audited, people_on
from tests.integration.people_stage import ANN as OWNER
from tests.integration.people_stage import BOB as MEMBER
from tests.integration.test_variants import audits, rows_of
from tests.long import LONG_ON_POSTGRES

CLERK = Agent("clerk", "x")


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[AgentStage]:
    async with AsyncExitStack() as stack:
        yield AgentStage(database_url, stack)


@pytest.fixture
async def people(database_url: str) -> AsyncIterator[People]:
    async with people_on(database_url) as people:
        yield people


def texts(view: ThreadView) -> list[str]:
    return [one.text for one in view.messages]


async def now(chat: AgentChat, thread_id: str, actor: Actor = ANN) -> WaitingView:
    async with aclosing(chat.follow_waiting(thread_id, actor=actor)) as views:
        return await anext(views)


async def queue(chat: AgentChat, *said: str) -> tuple[str, list[str]]:
    """A thread in which an answer stands still, and the messages that wait behind it."""
    thread = await chat.create_thread("A thread", actor=ANN)
    await chat.send_message(thread.id, "One", actor=ANN)
    await until(chat, thread.id, lambda view: view.live and view.live[0].text)
    return thread.id, [(await chat.send_message(thread.id, one, actor=ANN)).id for one in said]


async def test_a_message_is_taken_back_before_it_is_answered(stage: AgentStage) -> None:
    model = HeldUp("One done.", "Three done.", "Four done.")
    chat = await stage.open(CLERK, provider=model)
    thread_id, (two, three, four) = await queue(chat, "Two", "Three", "Four")
    assert [one.id for one in (await now(chat, thread_id)).waiting] == [two, three, four]
    await chat.take_back(two, actor=ANN)
    left = await now(chat, thread_id)
    assert [one.id for one in left.waiting] == [three, four]
    [back] = left.returned
    assert (back.id, back.text, back.taken_by) == (two, "Two", "")
    model.held.set()
    await settled(chat, thread_id)
    view = await until(chat, thread_id, lambda view: True)
    assert texts(view) == ["One", "One done.", "Three", "Three done.", "Four", "Four done."]
    assert [one.position for one in view.messages] == list(range(6))
    # What comes after its new place is not told.
    assert [turn.text for turn in model.requests[1].turns] == ["One", "One done.", "Three"]
    assert (await now(chat, thread_id)).waiting == ()
    assert ("take back", "Ann") in await audits(chat)


async def test_what_was_taken_back_is_collected_once_and_by_nobody_else(stage: AgentStage) -> None:
    chat = await stage.open(CLERK, provider=HeldUp("One done."))
    thread_id, [two] = await queue(chat, "Two")
    await chat.take_back(two, actor=ANN)
    assert (await now(chat, thread_id, BOB)).returned == ()
    with pytest.raises(MessageNotFound):
        await chat.collect(two, actor=BOB)
    tries = await asyncio.gather(
        *(chat.collect(two, actor=ANN) for _ in range(3)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in tries) == [
        *["MessageNotFound"] * 2,
        "NoneType",
    ]
    assert (await now(chat, thread_id)).returned == ()


async def test_files_of_a_message_that_is_taken_back_are_to_be_sent_again(
    stage: AgentStage,
) -> None:
    model = HeldUp("One done.", "Two done.")
    chat = await stage.open(CLERK, provider=model)
    thread_id, _ = await queue(chat)
    files = [NewFile(f"{name}.txt", "text/plain", name.encode()) for name in ("a", "b")]
    two = await chat.send_message(thread_id, "Two", actor=ANN, files=files)
    await chat.take_back(two.id, actor=ANN)
    [back] = (await now(chat, thread_id)).returned
    assert [file.name for file in back.files] == ["a.txt", "b.txt"]
    unsent = await chat.files.unsent(actor=ANN)
    assert {file.id for file in unsent} == {file.id for file in back.files}
    again = [file.id for file in back.files]
    await chat.send_message(thread_id, "Two again", actor=ANN, uploads=again)
    model.held.set()
    await settled(chat, thread_id)
    last = model.requests[1].turns[-1]
    assert [(file.name, file.text) for file in last.files] == [("a.txt", "a"), ("b.txt", "b")]


@pytest.mark.parametrize("times", range(8))
async def test_of_a_run_that_begins_and_who_takes_its_message_back_one_wins(
    stage: AgentStage, times: int
) -> None:
    model = HeldUp("One done.", "Two done.")
    chat = await stage.open(CLERK, provider=model)
    thread_id, [two] = await queue(chat, "Two")
    model.held.set()
    # Spread over the moments in which the first answer ends and the second begins.
    await asyncio.sleep(times * 0.004)
    tries = await asyncio.gather(
        *(chat.take_back(two, actor=ANN) for _ in range(2)), return_exceptions=True
    )
    await settled(chat, thread_id)
    view = await until(chat, thread_id, lambda view: True)
    taken = [one for one in tries if one is None]
    returned = (await now(chat, thread_id)).returned
    if taken:
        assert texts(view) == ["One", "One done."]
        assert len(taken) == len(returned) == 1
        [told] = [one for one in tries if one is not None]
        assert isinstance(told, MessageNotFound)
        assert len(model.requests) == 1
    else:
        assert texts(view) == ["One", "One done.", "Two", "Two done."]
        assert all(isinstance(one, WrongState) for one in tries)
        assert returned == ()


async def test_an_answer_that_has_begun_is_not_taken_away(stage: AgentStage) -> None:
    chat = await stage.open(CLERK, provider=HeldUp("One done."))
    thread_id, _ = await queue(chat)
    view = await until(chat, thread_id, lambda view: view.live)
    with pytest.raises(WrongState, match="answered already"):
        await chat.take_back(view.messages[0].id, actor=ANN)
    with pytest.raises(WrongState, match="answered already"):
        await chat.edit_waiting(view.messages[0].id, "Other words", actor=ANN)
    with pytest.raises(WrongState, match="answered already"):
        await chat.send_now(view.messages[0].id, actor=ANN)
    with pytest.raises(WrongState):
        await chat.take_back(view.messages[1].id, actor=ANN)


async def test_a_waiting_message_is_changed_at_its_place(stage: AgentStage) -> None:
    model = HeldUp("One done.", "Two done.", "Three done.")
    chat = await stage.open(CLERK, Agent("poet", "y"), provider=model)
    thread_id, (two, _) = await queue(chat, "Two", "Three")
    async with aclosing(chat.follow(thread_id)) as views:
        assert (await anext(views)).messages[2].text == "Two"
        await chat.edit_waiting(two, "@poet Two, in verse", actor=ANN)
        async with asyncio.timeout(30):
            assert (await anext(views)).messages[2].text == "@poet Two, in verse"
    with pytest.raises(InvalidInput):
        await chat.edit_waiting(two, "  ", actor=ANN)
    model.held.set()
    await settled(chat, thread_id)
    view = await until(chat, thread_id, lambda view: True)
    assert texts(view)[2:] == ["@poet Two, in verse", "Two done.", "Three", "Three done."]
    assert [one.author for one in view.messages[3::2]] == ["poet", "clerk"]
    assert view.messages[2].branches == ()
    assert ("edit waiting", "Ann") in await audits(chat)


async def test_a_waiting_message_is_sent_now_and_joins_at_the_next_step(
    stage: AgentStage,
) -> None:
    gates = [asyncio.Event(), asyncio.Event()]
    closed = iter(gates)

    @tool
    async def wait() -> str:
        """Wait."""
        await next(closed).wait()
        return "over"

    replies = [[call("wait", "c1")], [call("wait", "c2")], "Blue.", "Three done."]
    chat = await stage.open(Agent("clerk", "x", tools=(wait,)), replies=replies)
    thread = await chat.create_thread("A thread", actor=ANN)
    await chat.send_message(thread.id, "One", actor=ANN)
    await until(chat, thread.id, lambda view: view.live and tools_of(view.live[0]))
    two = await chat.send_message(thread.id, "In blue", actor=ANN)
    await chat.send_message(thread.id, "Three", actor=ANN)
    await chat.send_now(two.id, actor=ANN)
    [joins, _] = (await now(chat, thread.id)).waiting
    assert (joins.id, joins.joins) == (two.id, True)
    with pytest.raises(WrongState, match="joins the answer already"):
        await chat.send_now(two.id, actor=ANN)
    gates[0].set()
    view = await until(chat, thread.id, lambda view: len(tools_of(view.live[0])) == 2)
    assert "message" in {part.kind for part in view.live[0].parts}
    assert two.id not in {one.id for one in (await now(chat, thread.id)).waiting}
    with pytest.raises(WrongState, match="answered already"):
        await chat.take_back(two.id, actor=ANN)
    gates[1].set()
    await settled(chat, thread.id)
    view = await until(chat, thread.id, lambda view: True)
    assert texts(view) == ["One", "Blue.", "In blue", "Three", "Three done."]
    assert "In blue" in stage.provider.requests[2].turns[-1].text
    assert [one.position for one in view.messages] == [0, 1, 2, 3, 4]


async def test_what_is_to_join_an_answer_is_taken_back_until_it_is_taken_in(
    stage: AgentStage,
) -> None:
    model = HeldUp("One done.", "Two done.")
    chat = await stage.open(CLERK, provider=model)
    thread_id, _ = await queue(chat)
    steers = SecondMessage.STEER
    two = await chat.send_message(thread_id, "Two", actor=ANN, second=steers)
    await chat.send_message(thread_id, "Three", actor=ANN, second=steers)
    await chat.take_back(two.id, actor=ANN)
    model.held.set()
    view = await until(chat, thread_id, lambda view: len(view.messages) == 4 and not view.live)
    assert texts(view) == ["One", "One done.", "Three", "Two done."]
    with pytest.raises(WrongState):
        await chat.take_back(view.messages[2].id, actor=ANN)


async def test_nobodys_message_joins_what_is_answered_for_somebody_else(stage: AgentStage) -> None:
    chat = await stage.open(CLERK, Agent("poet", "y"), provider=HeldUp("One done."))
    thread_id, [named] = await queue(chat, "@poet Two")
    bobs = await chat.send_message(thread_id, "Three", actor=BOB)
    for message_id, actor in ((named, ANN), (bobs.id, BOB)):
        with pytest.raises(WrongState, match="for somebody else, or of another agent"):
            await chat.send_now(message_id, actor=actor)
    await chat.stop(thread_id, actor=ANN)
    async with asyncio.timeout(30):
        await chat.runs.pause_workflow("reply")
    alone = await chat.send_message(thread_id, "Four", actor=ANN)
    with pytest.raises(WrongState, match="next to be answered"):
        await chat.send_now(alone.id, actor=ANN)


async def test_an_edit_that_is_taken_back_gives_its_place_to_what_was_there(
    stage: AgentStage,
) -> None:
    model = HeldUp("One done.", "Last done.")
    chat = await stage.open(CLERK, provider=model)
    thread_id, [two] = await queue(chat, "Two")
    edited = await chat.edit_message(two, "Two, otherwise", actor=ANN)
    await chat.take_back(edited.id, actor=ANN)
    view = await until(chat, thread_id, lambda view: True)
    assert [one.text for one in view.messages if one.role == "user"] == ["One", "Two"]
    assert view.messages[2].branches == ()
    assert await rows_of(chat, Branch) == []
    model.held.set()
    await chat.send_message(thread_id, "Last", actor=ANN)
    await settled(chat, thread_id)
    view = await until(chat, thread_id, lambda view: True)
    assert [one.position for one in view.messages] == list(range(6))


async def test_a_thread_is_whole_after_something_was_taken_back_from_its_middle(
    stage: AgentStage,
) -> None:
    """It is told to the model, forked, exported and taken in again as any other."""
    model = HeldUp(*(f"{n} done." for n in range(9)))
    chat = await stage.open(CLERK, provider=model)
    thread_id, said = await queue(chat, "Two", "Three", "Four")
    await chat.take_back(said[1], actor=ANN)
    await chat.take_back(said[0], actor=ANN)
    model.held.set()
    last = await settled(chat, thread_id)
    [thread] = await rows_of(chat, Thread, id=thread_id)
    assert thread.length == 4
    exported = "".join([piece async for piece in chat.export_thread(thread_id, actor=ANN)])
    taken = await chat.import_threads(exported.encode(), actor=ANN)
    forked = await chat.fork_thread(last.id, actor=ANN)
    wanted = texts(await until(chat, thread_id, lambda view: True))
    for other in (taken.threads[0].id, forked.id):
        await chat.send_message(other, "Go on", actor=ANN)
        await settled(chat, other)
        view = await until(chat, other, lambda view: True)
        assert texts(view)[:4] == wanted == ["One", "0 done.", "Four", "1 done."]
        assert [one.position for one in view.messages] == list(range(6))


async def test_taking_back_ends_the_run_that_would_have_answered(stage: AgentStage) -> None:
    chat = await stage.open(CLERK, provider=HeldUp("One done."))
    thread_id, [two] = await queue(chat, "Two")
    await chat.take_back(two, actor=ANN)
    runs = await rows_of(chat, Run, thread_id=thread_id, workflow="reply")
    [stopped] = [run for run in runs if run.status == "stopped"]
    assert (stopped.stopped_by, stopped.attempt) == ("Ann", 0)
    await chat.delete_thread(thread_id, actor=ANN)
    await chat.empty_thread(thread_id, actor=ANN)
    with pytest.raises(MessageNotFound):
        await chat.collect(two, actor=ANN)


@LONG_ON_POSTGRES
async def test_who_wrote_it_and_the_owner_take_it_back_and_only_who_wrote_it_gets_it(
    people: People,
) -> None:
    chat = await people.shared(CLERK, provider=HeldUp("One done."))
    await chat.send_message(THREAD, "One", actor=OWNER)
    await until(chat.by(OWNER), THREAD, lambda view: view.live and view.live[0].text)
    bobs = (await chat.send_message(THREAD, "Two", actor=MEMBER)).id
    anns = (await chat.send_message(THREAD, "Three", actor=OWNER)).id
    seen = {one.name: (await now(chat, THREAD, one)).waiting for one in (OWNER, MEMBER, VERA)}
    rights = {
        name: [(one.mine, one.may_take_back) for one in waiting] for name, waiting in seen.items()
    }
    assert rights == {
        "Ann": [(False, True), (True, True)],
        "Bob": [(True, True), (False, False)],
        "Vera": [(False, False), (False, False)],
    }
    for verb in (chat.take_back, chat.send_now):
        with pytest.raises(NotAllowed):
            await verb(anns, actor=MEMBER)
    with pytest.raises(NotAllowed):
        await chat.edit_waiting(bobs, "Mine", actor=OWNER)
    await chat.take_back(bobs, actor=OWNER)
    [back] = (await now(chat, THREAD, MEMBER)).returned
    assert (back.text, back.taken_by) == ("Two", "Ann")
    assert (await now(chat, THREAD, OWNER)).returned == ()
    await chat.take_back(anns, actor=ADA)
    assert ("take back", "Ada") in await audited(chat)
