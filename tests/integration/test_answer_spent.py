"""What an answer has cost, by agent and model, followed as it changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing
from datetime import timedelta

import pytest

from agentchat import Agent, AgentChat
from agentchat.errors import InvalidInput
from agentchat.llm.base import Finished, Usage
from agentchat.llm.scripted import ScriptedProvider
from agentchat.views import AnswerSpentView, SpentView
from tests.integration.agents_stage import ANN, AgentStage, answered, call, settled, until
from tests.waiting import eventually


class Priced(ScriptedProvider):
    """A model with a price that says what each call took, some of it cached."""

    def __init__(self, *replies: object, model: str = "openai:gpt-4o-mini") -> None:
        super().__init__("instant", replies=replies)  # type: ignore[arg-type]
        self.id = model

    async def stream(self, request):  # type: ignore[no-untyped-def]
        async with aclosing(super().stream(request)) as chunks:
            async for chunk in chunks:
                if isinstance(chunk, Finished):
                    chunk = Finished(chunk.reason, Usage(1_000, 100, cached_tokens=400))
                yield chunk


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[AgentStage]:
    async with AsyncExitStack() as stack:
        yield AgentStage(database_url, stack)


async def spent_of(
    chat: AgentChat,
    message_id: str,
    wanted: Callable[[AnswerSpentView], object] = lambda view: True,
) -> AnswerSpentView:
    """What an answer has cost, as soon as it is as wanted."""
    async with asyncio.timeout(20), aclosing(chat.spent.follow_answer(message_id)) as views:
        async for view in views:
            if wanted(view):
                return view
    raise AssertionError("it was never as wanted")


async def test_the_parts_of_an_answer_are_those_of_its_agents_and_models(
    stage: AgentStage,
) -> None:
    helper = Agent("helper", "Help.", model=Priced("Three.", model="compatible:small"))
    boss = Agent("boss", "Lead.", asks=("helper",))
    replies = [call("ask_helper", task="Count.")], "It is three."
    chat = await stage.open(boss, helper, provider=Priced(*replies))
    message = await answered(chat, "How many?", agent="boss")
    view = await spent_of(chat, message.id)
    known, unknown = view.parts
    assert [(one.agent, one.model) for one in view.parts] == [
        ("boss", "openai:gpt-4o-mini"),
        ("helper", "compatible:small"),
    ]
    assert (known.spent.calls, known.spent.input_tokens, known.spent.cached_tokens) == (
        2,
        2_000,
        800,
    )
    assert known.spent.cost_usd > 0
    assert (known.spent.unknown, known.spent.estimated) == (0, 0)
    assert (unknown.spent.calls, unknown.spent.unknown, unknown.spent.cost_usd) == (1, 1, 0)
    assert view.spent == SpentView(3, 3_000, 300, known.spent.cost_usd, 1, 0, 1_200)
    assert view.spent == await chat.spent.of_message(message.id) == view.thread
    assert view.message_id == message.id
    # In the thread of its own the sub-agent's answer is one, too.
    [part] = [part for part in message.parts if part.kind == "agent"]
    assert part.answer is not None
    inner = await spent_of(chat, part.answer.id)
    assert (inner.spent.calls, inner.thread.calls) == (1, 1)
    assert [one.agent for one in inner.parts] == ["helper"]


async def test_what_is_open_grows_with_the_thread_and_says_when_the_answer_is_over(
    stage: AgentStage,
) -> None:
    chat = await stage.open(Agent("clerk", "Answer."), provider=Priced("One.", "Two."))
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "1?", actor=ANN)
    first = await settled(chat, thread.id)
    seen: list[tuple[int, int]] = []

    async def look() -> None:
        async with aclosing(chat.spent.follow_answer(first.id)) as views:
            async for view in views:
                seen.append((view.spent.calls, view.thread.calls))
                if view.thread.calls == 2:
                    assert view.seconds >= 0
                    return

    looking = asyncio.create_task(look())
    await eventually(lambda: seen)
    await chat.send_message(thread.id, "2?", actor=ANN)
    await asyncio.wait_for(looking, 20)
    assert (seen[0], seen[-1]) == ((1, 1), (1, 2))


async def test_an_answer_under_way_has_taken_no_time_yet_and_a_stopped_one_has(
    stage: AgentStage,
) -> None:
    slow = ScriptedProvider("instant", replies=["One. " * 400], pace=timedelta(milliseconds=20))
    chat = await stage.open(Agent("clerk", "Answer."), provider=slow)
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Go", actor=ANN)
    view = await until(chat, thread.id, lambda view: view.live and view.live[0].text)
    message_id = view.live[0].id
    under_way = await spent_of(chat, message_id)
    assert under_way.seconds < 0
    await chat.stop(thread.id, actor=ANN)
    over = await spent_of(chat, message_id, lambda view: view.seconds >= 0)
    assert 0 < over.seconds < 20
    assert (over.spent.calls, over.spent.estimated) == (1, 1)


async def test_of_what_is_not_there_nothing_was_spent_and_a_wrong_id_is_refused(
    stage: AgentStage,
) -> None:
    chat = await stage.open(Agent("clerk", "Answer."), provider=Priced())
    assert await spent_of(chat, "nothing-0001") == AnswerSpentView("nothing-0001")
    with pytest.raises(InvalidInput):
        chat.spent.follow_answer("no")
