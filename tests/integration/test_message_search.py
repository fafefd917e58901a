"""Searching messages: what is found, in which order, and what of whom."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from sqlmodel import Session

from agentchat import Actor, Agent, AgentChat, Settings
from agentchat.llm.base import ModelRequest
from agentchat.llm.scripted import ScriptedProvider
from agentchat.store import message_words
from agentchat.store.message_words import Where
from agentchat.tools.messages import excerpt
from agentchat.views import MessageView
from alembic import command
from tests.integration import people_stage
from tests.integration.agents_stage import (
    ANN,
    BOB,
    AgentStage,
    call,
    results,
    settled,
    tools_of,
)
from tests.integration.people_stage import SECRET
from tests.integration.test_migration import move


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[AgentStage]:
    async with AsyncExitStack() as stack:
        yield AgentStage(database_url, stack)


async def say(chat: AgentChat, text: str, actor: Actor = ANN, thread_id: str = "") -> str:
    """Say something, in a thread of its own if none is given, and wait for the answer."""
    thread_id = thread_id or (await chat.create_thread(f"About {text[:12]}", actor=actor)).id
    await chat.send_message(thread_id, text, actor=actor, agent="assistant")
    await settled(chat, thread_id)
    return thread_id


async def found(chat: AgentChat, query: str, where: Where, limit: int = 10) -> list[str]:
    def look(session: Session) -> list[str]:
        return [one.text for one in message_words.search(session, query, where, limit=limit)]

    return await chat._database.read(look)


def echo(_: ModelRequest) -> str:
    return "Very well."


async def shipped(stage: AgentStage, *replies: Any) -> AgentChat:
    """The app with the agents that it ships."""
    stage.provider = ScriptedProvider("instant", replies=replies)
    chat = AgentChat(stage.settings, provider=stage.provider)
    return await stage._stack.enter_async_context(chat)


async def test_the_tool_finds_what_was_said_with_excerpt_link_and_author(
    stage: AgentStage,
) -> None:
    ask = [call("search_messages", query="blue elephants?", everywhere=True)]
    chat = await shipped(stage, "They are rare. " * 5, "Ok.", ask, "Found.")
    long = "x " * 400 + "I saw three blue elephants in Lisbon. " + "y " * 400
    thread = await say(chat, long)
    await say(chat, "Something else")
    here = await say(chat, "When did I see blue elephants?")
    message = await settled(chat, here)
    [part] = tools_of(message)
    assert "Ann, in “About x x x x x x”" in part.text
    assert f"(/t/{thread})" in part.text
    assert "three blue elephants in Lisbon" in part.text
    assert "untrusted" in part.text
    assert "When did I see" not in part.text, "the question itself is known"
    assert len(part.text) < 1_200
    assert [source.url for source in part.sources] == [f"/t/{thread}"]


async def test_without_everywhere_only_this_conversation_is_searched(stage: AgentStage) -> None:
    ask = [call("search_messages", query="budget")]
    chat = await shipped(stage, "Ok.", "Ok.", ask, "Found.")
    await say(chat, "The budget is 500")
    here = await say(chat, "The budget is 700")
    await say(chat, "What was the budget?", thread_id=here)
    [part] = tools_of(await settled(chat, here))
    assert "700" in part.text
    assert "500" not in part.text


async def test_nothing_of_other_people_is_found(stage: AgentStage) -> None:
    chat = await stage.open(Agent("assistant", "x"), replies=[echo] * 20)
    secret = await say(chat, "Bob's secret elephant", BOB)
    await say(chat, "Ann's elephant", ANN)
    shared = await say(chat, "A shared elephant", BOB)
    assert await found(chat, "elephant", Where("ann")) == ["Ann's elephant"]
    assert await found(chat, "elephant", Where("ann", secret)) == []
    assert await found(chat, "elephant", Where("")) == []
    await say(chat, "Me too", ANN, thread_id=shared)
    assert set(await found(chat, "elephant", Where("ann", open_to_all=True))) == {
        "Ann's elephant",
        "A shared elephant",
    }


async def test_who_may_not_read_a_thread_any_more_finds_nothing_of_it(database_url: str) -> None:
    async def ask(thread_id: str, text: str) -> MessageView:
        await chat.send_message(thread_id, text, actor=bob, agent="assistant")
        async for view in chat.follow(thread_id, actor=bob):
            if view.messages and not view.live:
                return view.messages[-1]
        raise LookupError(thread_id)

    bob = people_stage.BOB
    search = [call("search_messages", query=SECRET, everywhere=True)]
    replies = ["Very well.", search, "Found.", search, "Found."]
    async with people_stage.people_on(database_url) as people:
        chat = await people.shared(replies=replies)
        await ask(people_stage.THREAD, f"The word is {SECRET}.")
        own = await chat.create_thread(actor=bob)
        [part] = tools_of(await ask(own.id, "Which word was it?"))
        assert SECRET in part.text
        await chat.sharing.remove(people_stage.THREAD, bob.id, actor=people_stage.ANN)
        [part] = tools_of(await ask(own.id, "And now?"))
        assert SECRET not in part.text


async def test_deleted_threads_and_the_work_of_sub_agents_are_not_found(stage: AgentStage) -> None:
    def play(request: ModelRequest) -> Any:
        if request.instructions == "Lead.":
            return "Done." if results(request) else [call("ask_helper", task="Count elephants")]
        return "Two elephants."

    lead = Agent("assistant", "Lead.", asks=("helper",))
    chat = await stage.open(lead, Agent("helper", "Help."), replies=[play] * 10)
    thread = await say(chat, "Elephants, please")
    assert await found(chat, "elephants", Where("ann")) == ["Elephants, please"]
    await chat.delete_thread(thread, actor=ANN)
    assert await found(chat, "elephants", Where("ann")) == []


async def test_answers_are_found_once_they_are_over_and_as_they_are_then(
    stage: AgentStage,
) -> None:
    chat = await stage.open(Agent("assistant", "x"), replies=["A giraffe.", "A zebra."])
    thread = await say(chat, "Name an animal")
    assert await found(chat, "giraffes", Where("ann", thread)) == ["A giraffe."]
    assert await found(chat, "zebra", Where("ann")) == []


async def test_the_best_come_first_and_numbers_and_ids_are_found_as_a_whole(
    stage: AgentStage,
) -> None:
    chat = await stage.open(Agent("assistant", "x"), replies=[echo] * 20)
    for text in (
        "The invoice is late",
        "The invoice ORD-4471 for Lisbon is late",
        "ORD-4472 is something else",
        "Ärger in München",
    ):
        await say(chat, text)
    best = await found(chat, "Which invoice was for Lisbon, ORD-4471?", Where("ann"))
    assert best[0] == "The invoice ORD-4471 for Lisbon is late"
    assert "The invoice is late" in best
    assert await found(chat, "münchen", Where("ann")) == ["Ärger in München"]
    assert len(await found(chat, "invoice late", Where("ann"), limit=1)) == 1


@pytest.mark.parametrize(
    "query",
    [
        *('"', "a OR b", "text : *", "NEAR(a b)", "' OR 1=1 --", "a:b & !c | <-> ()", "\\", "%"),
        *("place : t00", "messages_search", "😀", "-", "a" * 5_000, "x\x00y"),
    ],
)
async def test_a_query_is_data_whatever_it_holds(stage: AgentStage, query: str) -> None:
    chat = await stage.open(Agent("assistant", "x"), replies=[echo] * 3)
    await say(chat, "Nothing to see")
    assert await found(chat, query, Where("ann")) == []


async def test_long_messages_and_many_words_can_be_sent(stage: AgentStage) -> None:
    chat = await stage.open(Agent("assistant", "x"), replies=[echo])
    text = " ".join(f"wörd{n}ü" for n in range(9_000))
    await say(chat, text)
    assert await found(chat, "wörd8ü", Where("ann")) == [text]


def test_an_excerpt_is_around_the_match() -> None:
    text = "a " * 300 + "the running dogs " + "b " * 300
    assert "the running dogs" in excerpt(text, "run dogs")
    assert excerpt("Short", "x") == "Short"
    assert excerpt(text, "nothing").startswith("a a a")
    assert len(excerpt(text, "dogs")) < 310


async def test_ids_that_hold_other_ids_are_kept_apart(stage: AgentStage) -> None:
    chat = await stage.open(Agent("assistant", "x"), replies=[echo] * 4)
    first, second = "thread-1_a", "thread-1_aa"
    for thread_id in (first, second):
        await chat.create_thread(actor=ANN, thread_id=thread_id)
        await say(chat, f"elephant in {thread_id}", thread_id=thread_id)
    assert await found(chat, "elephant", Where("ann", first)) == [f"elephant in {first}"]
    await chat.delete_thread(first, actor=ANN)
    await asyncio.sleep(0)
    assert await found(chat, "elephant", Where("ann")) == [f"elephant in {second}"]


async def test_messages_from_before_the_index_are_found_after_the_migration(
    own_database_url: str,
) -> None:
    provider = ScriptedProvider("instant", replies=["A giraffe.", "A zebra."])
    settings = Settings(db_url=own_database_url)
    agents = [Agent("assistant", "x")]
    async with AgentChat(settings, agents=agents, provider=provider) as chat:
        thread = await say(chat, "Name an animal")
    move(own_database_url, command.downgrade, "0005")
    move(own_database_url, command.upgrade, "head")
    async with AgentChat(settings, agents=agents, provider=provider) as chat:
        assert await found(chat, "giraffe", Where("ann")) == ["A giraffe."]
        await say(chat, "Another animal", thread_id=thread)
        assert await found(chat, "zebra", Where("ann")) == ["A zebra."]
        await chat.delete_thread(thread, actor=ANN)
        assert await found(chat, "giraffe zebra animal", Where("ann")) == []
