"""Agents that remember: what is recalled for an answer, shown under it, and kept after it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing

import pytest

from agentchat import Agent, AgentChat
from agentchat.llm.embedder import HashEmbedder
from tests.integration.agents_stage import ANN, BOB, AgentStage, answered, settled

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


async def test_a_deleted_thread_is_forgotten(stage: AgentStage) -> None:
    chat = await stage.open(FRIEND, replies=["A."], embedder=HashEmbedder())
    message = await answered(chat, "The code word is heron.")
    await remembered(chat, 1)
    run = await chat.runs.get(message.run_id)
    [memory] = await anext(chat.memories.follow(actor=ANN))
    await chat.delete_thread(memory.thread_id, actor=ANN)
    assert await anext(chat.memories.follow(actor=ANN)) == ()
    assert run.status == "done"
