"""Agents that remember: what is recalled for an answer, shown under it, and kept after it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from typing import Any, cast

import pytest
from sqlalchemy import inspect, select, update
from sqlmodel import Session, col

from agentchat import Agent, AgentChat, Tx, tool
from agentchat.agents.memory import Memories
from agentchat.agents.memory.tools import memory_tools
from agentchat.agents.tools import Tool
from agentchat.columns import table_of
from agentchat.llm.base import ModelRequest
from agentchat.llm.embedder import HashEmbedder
from agentchat.models import Part, Step, Unquoted
from agentchat.store.memory_texts import FORGOTTEN
from tests.integration.agents_stage import (
    ANN,
    BOB,
    AgentStage,
    answered,
    asked,
    call,
    results,
    settled,
    until,
)
from tests.integration.people_stage import rows
from tests.long import LONG_ON_POSTGRES

pytestmark = LONG_ON_POSTGRES

FRIEND = Agent("friend", "You are a friend.", memory=True)


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[AgentStage]:
    async with AsyncExitStack() as stack:
        yield AgentStage(database_url, stack)


async def remembered(chat: AgentChat, number: int) -> list[str]:
    """What is remembered for Ann, once it is so much."""
    async with asyncio.timeout(20), aclosing(chat.memories.follow(actor=ANN)) as lists:
        async for found in lists:
            if len(found) >= number:
                return [one.text for one in found]
    raise AssertionError("nothing was remembered")


async def test_what_is_remembered_is_told_and_shown_under_the_answer(stage: AgentStage) -> None:
    chat = await stage.open(FRIEND, replies=["Walnuts."], embedder=HashEmbedder())
    await chat.memories.remember("Ann is allergic to peanuts.", actor=ANN)
    await chat.memories.remember("Bob is allergic to peanuts and walnuts.", actor=BOB)
    message = await answered(chat, "Are peanuts good for Ann, allergic as she is?")
    [request] = stage.provider.requests
    assert "- Ann is allergic to peanuts." in request.turns[-1].text
    assert "Bob" not in request.turns[-1].text
    assert request.instructions == "You are a friend."
    [part] = [part for part in message.parts if part.kind == "sources"]
    assert [(one.title, one.url) for one in part.sources] == [
        ("Ann is allergic to peanuts.", "/memory")
    ]


async def test_an_agent_without_memory_is_told_nothing(stage: AgentStage) -> None:
    agent = Agent("clerk", "x")
    chat = await stage.open(agent, replies=["?"], embedder=HashEmbedder())
    await chat.memories.remember("Ann is allergic to peanuts.", actor=ANN)
    message = await answered(chat, "Is Ann allergic to peanuts?")
    assert message.parts == ()
    assert "allergic to peanuts." not in stage.provider.requests[0].turns[-1].text


async def test_an_answer_is_remembered_in_a_run_of_its_own(stage: AgentStage) -> None:
    facts = json.dumps({"facts": ["Ann has a sister named Lu."]})
    chat = await stage.open(FRIEND, replies=["Nice.", facts], embedder=HashEmbedder())
    message = await answered(chat, "My sister is called Lu.")
    assert message.text == "Nice."
    assert sorted(await remembered(chat, 2)) == [
        "Ann has a sister named Lu.",
        "My sister is called Lu.",
    ]


async def test_nobody_is_asked_for_facts_where_there_are_none(stage: AgentStage) -> None:
    chat = await stage.open(FRIEND, replies=["Fine.", "4"], embedder=HashEmbedder())
    await answered(chat, "@friend, the next meeting is on Tuesday")
    await answered(chat, "What is 2 + 2?")
    assert await remembered(chat, 1) == ["the next meeting is on Tuesday"]
    assert len(stage.provider.requests) == 2


async def test_the_thread_itself_is_not_recalled_again(stage: AgentStage) -> None:
    chat = await stage.open(FRIEND, replies=["A.", "B."], embedder=HashEmbedder())
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "The code word is heron.", actor=ANN)
    await settled(chat, thread.id)
    await remembered(chat, 1)
    await chat.send_message(thread.id, "Which is the code word, heron?", actor=ANN)
    message = await settled(chat, thread.id)
    assert message.parts == ()


SISTER, HARP = "Ann has a sister named Lu.", "Ann plays the harp."


async def stored(chat: AgentChat) -> str:
    """All that the database holds, but for the texts of messages."""

    def read(session: Session) -> str:
        found = []
        for table in inspect(session.connection()).get_table_names():
            rows = session.connection().exec_driver_sql(f'SELECT * FROM "{table}"').mappings()
            held = "messages" if table == "messages" else ""
            found += [
                str({k: v for k, v in row.items() if not held or k != "text"}) for row in rows
            ]
        return "\n".join(found)

    return await chat._database.read(read)


async def remembering(stage: AgentStage, chat_: list[AgentChat]) -> tuple[AgentChat, str]:
    """An app in which a fact was found in what was said, another remembered by a tool, and both
    recalled: by the app, and by a tool. The second thread is where.
    """
    friend = replace(FRIEND, tools=memory_tools_of(chat_))
    replies = [
        "Nice.",
        json.dumps({"facts": [SISTER]}),
        [call("remember", text=HARP)],
        "I will.",
        [call("recall", query="sister harp")],
        "You have both.",
    ]
    chat = await stage.open(friend, replies=replies, embedder=HashEmbedder())
    chat_.append(chat)
    await answered(chat, "My sister is called Lu.")
    await remembered(chat, 2)
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Keep it.", actor=ANN)
    await settled(chat, thread.id)
    await chat.send_message(thread.id, "Does Ann who plays the harp have a sister?", actor=ANN)
    await settled(chat, thread.id)
    return chat, thread.id


def memory_tools_of(chat_: list[AgentChat]) -> tuple[Tool, ...]:
    class Later:
        """The memory of an app that is yet to be opened."""

        def __getattr__(self, name: str) -> Any:
            return getattr(chat_[0].memories, name)

    return memory_tools(cast(Memories, Later()))


async def test_what_is_forgotten_is_nowhere_any_more(stage: AgentStage) -> None:
    chat, thread_id = await remembering(stage, [])
    before = await stored(chat)
    assert before.count(SISTER) >= 3
    assert before.count(HARP) >= 4
    async with aclosing(chat.follow(thread_id)) as views:
        [sources] = [part for part in (await anext(views)).messages[-1].parts if part.sources]
        assert {SISTER, HARP} <= {one.title for one in sources.sources}
        for memory in await anext(chat.memories.follow(actor=ANN)):
            if memory.text == SISTER:
                assert (await chat.memories.forget(memory.id, actor=ANN)).text == SISTER
        assert SISTER not in await stored(chat)
        assert HARP in await stored(chat)
        # Whoever looks at it sees it go.
        async with asyncio.timeout(30):
            async for view in views:
                [sources] = [part for part in view.messages[-1].parts if part.sources]
                titles = {one.title for one in sources.sources}
                if SISTER not in titles:
                    break
    assert {FORGOTTEN, HARP} <= titles
    await chat.memories.forget_all(actor=ANN)
    assert HARP not in await stored(chat)
    # What was said stays.
    view = await until(chat, thread_id, lambda view: not view.live)
    assert [message.text for message in view.messages] == [
        "Keep it.",
        "I will.",
        "Does Ann who plays the harp have a sister?",
        "You have both.",
    ]
    [kept] = [part for part in view.messages[1].parts if part.kind == "tool"]
    assert (json.loads(kept.input), kept.text) == ({"text": FORGOTTEN}, FORGOTTEN)


async def test_other_peoples_memories_of_the_same_stay(stage: AgentStage) -> None:
    chat, thread_id = await remembering(stage, [])
    await chat.memories.remember(SISTER, actor=BOB)
    await chat.memories.forget_all(actor=BOB)
    view = await until(chat, thread_id, lambda view: not view.live)
    [sources] = [part for part in view.messages[-1].parts if part.sources]
    assert {SISTER, HARP} <= {one.title for one in sources.sources}


async def test_what_was_edited_since_is_forgotten_as_it_was(stage: AgentStage) -> None:
    chat, _ = await remembering(stage, [])
    [memory] = [one for one in await anext(chat.memories.follow(actor=ANN)) if one.text == HARP]
    await chat.memories.edit(memory.id, "Ann plays the flute.", actor=ANN)
    await chat.memories.forget(memory.id, actor=ANN)
    assert HARP not in await stored(chat)


async def test_what_older_versions_kept_in_journals_is_forgotten_too(stage: AgentStage) -> None:
    chat, _ = await remembering(stage, [])

    def as_before(tx: Tx) -> None:
        for part in tx.execute(select(table_of(Part))).all():
            data = {name: value for name, value in part.data.items() if name != "memories"}
            if "sources" in data:
                data["sources"] = [
                    {"title": one["title"], "url": one["url"]} for one in data["sources"]
                ]
            tx.execute(update(Part).where(col(Part.id) == part.id).values(data=data))
        found: dict[str, Any] = {
            "extract": [SISTER],
            "recall": [{"id": "1", "text": SISTER, "kind": "fact", "thread_id": ""}],
            "store": 1,
        }
        for name, result in found.items():
            given = [[{"text": SISTER, "known": ""}]] if name == "store" else []
            tx.execute(
                update(Step).where(col(Step.name) == name).values(result=result, input=given)
            )

    await chat._database.write(as_before)
    assert (await stored(chat)).count(SISTER) >= 5
    for memory in await anext(chat.memories.follow(actor=ANN)):
        await chat.memories.forget(memory.id, actor=ANN)
    left = await stored(chat)
    assert SISTER not in left
    assert HARP not in left


async def test_an_answer_under_way_goes_on_after_what_it_remembered_is_forgotten(
    stage: AgentStage,
) -> None:
    @tool(approval=True)
    def act() -> str:
        """Act."""
        return "acted"

    chat_: list[AgentChat] = []
    friend = replace(FRIEND, tools=(*memory_tools_of(chat_), act))
    replies = [[call("remember", text=HARP), call("act", "c2")], "Done."]
    chat = await stage.open(friend, replies=replies, embedder=HashEmbedder())
    chat_.append(chat)
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Go", actor=ANN)
    [ask] = await asked(chat)
    run_id = (await until(chat, thread.id, lambda view: view.live)).live[0].run_id
    async with asyncio.timeout(20), aclosing(chat.runs.follow(run_id)) as views:
        async for run in views:
            if run.status == "waiting":
                break
    await chat.memories.forget_all(actor=ANN)
    assert HARP not in await stored(chat)
    await chat.inbox.approve(ask.id, input_hash=ask.input_hash, actor=ANN)
    message = await settled(chat, thread.id)
    assert (message.status, message.text) == ("done", "Done."), message.words
    assert await anext(chat.memories.follow(actor=ANN)) == ()


async def test_what_a_deleted_thread_told_is_not_shown_in_others(stage: AgentStage) -> None:
    chat = await stage.open(FRIEND, replies=["A.", "B."], embedder=HashEmbedder())
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "The code word is heron.", actor=ANN)
    await settled(chat, thread.id)
    await remembered(chat, 1)
    message = await answered(chat, "Which is the code word, heron?")
    [part] = [part for part in message.parts if part.sources]
    assert part.sources[0].title == "The code word is heron."
    await chat.delete_thread(thread.id, actor=ANN)
    [other] = await anext(chat.follow_threads(actor=ANN))
    message = await settled(chat, other.id)
    [part] = [part for part in message.parts if part.sources]
    assert part.sources[0].title == FORGOTTEN
    await chat.empty_thread(thread.id, actor=ANN)
    assert "The code word is heron." not in await stored(chat)


async def test_a_thread_that_is_had_back_is_quoted_as_before(stage: AgentStage) -> None:
    chat_: list[AgentChat] = []
    friend = replace(FRIEND, tools=memory_tools_of(chat_))

    def play(request: ModelRequest) -> Any:
        if "Which is" in request.turns[-1].text and not results(request):
            return [call("recall", query="the code word heron or ibis")]
        return json.dumps({"facts": []})

    chat = await stage.open(friend, replies=[play] * 20, embedder=HashEmbedder())
    chat_.append(chat)
    heron, ibis = [await chat.create_thread(actor=ANN) for _ in range(2)]
    for number, (thread, word) in enumerate(((heron, "heron"), (ibis, "ibis")), 1):
        await chat.send_message(thread.id, f"The code word is {word}.", actor=ANN)
        await settled(chat, thread.id)
        await remembered(chat, number)
    asked = await answered(chat, "Which is the code word, heron or ibis?")
    thread_id = next(
        one.id
        for one in await anext(chat.follow_threads(actor=ANN))
        if one.id not in (heron.id, ibis.id)
    )

    async def quoted() -> tuple[set[str], bool, bool]:
        message = await settled(chat, thread_id)
        [sources] = [part for part in message.parts if part.sources]
        [told] = [part.text for part in message.parts if part.kind == "tool"]
        return {one.title for one in sources.sources}, "heron" in told, "ibis" in told

    before = await settled(chat, thread_id)
    assert before == asked
    words = {"The code word is heron.", "The code word is ibis."}
    assert await quoted() == (words, True, True)
    await chat.delete_thread(heron.id, actor=ANN)
    assert await quoted() == ({FORGOTTEN, "The code word is ibis."}, False, False)
    await chat.delete_thread(ibis.id, actor=ANN)
    assert await quoted() == ({FORGOTTEN}, False, False)
    # What the other one said stays unsaid until that is had back, too.
    await chat.restore_thread(heron.id, actor=ANN)
    assert await quoted() == ({FORGOTTEN, "The code word is heron."}, False, False)
    await chat.restore_thread(ibis.id, actor=ANN)
    assert await quoted() == (words, True, True)
    assert [part.sources for part in (await settled(chat, thread_id)).parts] == [
        part.sources for part in before.parts
    ]
    assert await rows(chat._database, Unquoted) == []

    # What is forgotten meanwhile, or removed for good, does not come back, nor is it kept.
    await chat.delete_thread(heron.id, actor=ANN)
    await chat.delete_thread(ibis.id, actor=ANN)
    await chat.empty_thread(heron.id, actor=ANN)
    assert "The code word is heron." not in await stored(chat)
    await chat.restore_thread(ibis.id, actor=ANN)
    assert await quoted() == ({FORGOTTEN, "The code word is ibis."}, False, False)
    await chat.delete_thread(ibis.id, actor=ANN)
    await chat.memories.forget_all(actor=ANN)
    await chat.restore_thread(ibis.id, actor=ANN)
    assert await quoted() == ({FORGOTTEN}, False, False)


async def test_a_deleted_thread_is_forgotten(stage: AgentStage) -> None:
    chat = await stage.open(FRIEND, replies=["A."], embedder=HashEmbedder())
    message = await answered(chat, "The code word is heron.")
    await remembered(chat, 1)
    run = await chat.runs.get(message.run_id)
    [memory] = await anext(chat.memories.follow(actor=ANN))
    await chat.delete_thread(memory.thread_id, actor=ANN)
    assert await anext(chat.memories.follow(actor=ANN)) == ()
    assert run.status == "done"
