"""What calls of models cost: by answer, run, thread and person; what may be spent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from datetime import timedelta
from typing import Any

import pytest

from agentchat import Actor, Agent, AgentChat, Limits, Settings
from agentchat.errors import InvalidInput, NotAllowed, Overloaded, ThreadNotFound
from agentchat.llm.base import Chunk, Finished, ModelRequest, Usage
from agentchat.llm.scripted import FailAfter, ScriptedProvider
from agentchat.spent import allowance_of
from agentchat.views import SpentView
from tests.integration.agents_stage import (
    ANN,
    BOB,
    AgentStage,
    answered,
    asked,
    call,
    settled,
    until,
)

CLERK = Agent("clerk", "Answer.")


class Priced(ScriptedProvider):
    """A model with a known price that says what each call took: 1,000 tokens read, 100 written."""

    def __init__(self, *args: Any, model: str = "openai:gpt-4o-mini", **kwargs: Any) -> None:
        super().__init__("instant", *args, **kwargs)
        self.id = model

    async def stream(self, request: ModelRequest) -> Any:
        async with aclosing(super().stream(request)) as chunks:
            async for chunk in chunks:
                yield _said(chunk)


def _said(chunk: Chunk) -> Chunk:
    if isinstance(chunk, Finished):
        return Finished(chunk.reason, Usage(1_000, 100))
    return chunk


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[AgentStage]:
    async with AsyncExitStack() as stack:
        yield AgentStage(database_url, stack)


async def thread_of(chat: AgentChat, *said: str) -> str:
    thread = await chat.create_thread(actor=ANN)
    for text in said:
        await chat.send_message(thread.id, text, actor=ANN)
        await settled(chat, thread.id)
    return thread.id


async def test_what_an_answer_cost_is_known_by_answer_run_thread_and_person(
    stage: AgentStage,
) -> None:
    chat = await stage.open(CLERK, provider=Priced(replies=["One.", "Two."]))
    thread_id = await thread_of(chat, "1?", "2?")
    last = (await until(chat, thread_id, lambda view: not view.live)).messages[-1]
    once = await chat.spent.of_message(last.id, actor=ANN)
    assert (once.calls, once.input_tokens, once.output_tokens) == (1, 1_000, 100)
    assert once.cost_usd == pytest.approx(1_000 * 0.15e-6 + 100 * 0.6e-6)
    assert (once.unknown, once.estimated) == (0, 0)
    assert await chat.spent.of_run(last.run_id, actor=ANN) == once
    thread = await chat.spent.of_thread(thread_id, actor=ANN)
    assert (thread.calls, thread.input_tokens) == (2, 2_000)
    assert thread.cost_usd == pytest.approx(2 * once.cost_usd)
    assert await chat.spent.of_me(actor=ANN) == thread
    assert await chat.spent.of_me(actor=BOB) == SpentView()


async def test_a_price_that_nobody_knows_is_unknown_and_not_nothing(stage: AgentStage) -> None:
    chat = await stage.open(CLERK, provider=Priced(replies=["Hi."], model="compatible:gpt-4o"))
    message = await answered(chat, "Hello")
    spent = await chat.spent.of_message(message.id)
    assert (spent.calls, spent.unknown, spent.cost_usd) == (1, 1, 0.0)
    assert spent.input_tokens == 1_000


async def test_what_a_sub_agent_spent_counts_with_the_answer_that_asked_it(
    stage: AgentStage,
) -> None:
    boss = Agent("boss", "Lead.", asks=("helper",))
    helper = Agent("helper", "Help.")
    replies = [[call("ask_helper", task="Count.")], "Three.", "It is three."]
    chat = await stage.open(boss, helper, provider=Priced(replies=replies))
    message = await answered(chat, "How many?", agent="boss")
    assert message.text == "It is three."
    assert (await chat.spent.of_message(message.id)).calls == 3
    assert (await chat.spent.of_run(message.run_id)).calls == 3
    [part] = [part for part in message.parts if part.kind == "agent"]
    assert part.answer is not None
    assert (await chat.spent.of_message(part.answer.id)).calls == 1
    assert (await chat.spent.of_run(part.answer.run_id)).calls == 1
    assert (await chat.spent.of_thread(part.thread_id)).calls == 1
    assert (await chat.spent.of_me(actor=ANN)).calls == 3


async def test_a_call_that_failed_on_the_way_is_counted(stage: AgentStage) -> None:
    faults = [FailAfter(2, Overloaded("busy", retry_after=timedelta(0)))]
    chat = await stage.open(
        CLERK, provider=Priced(replies=["One two three.", "All done."], faults=faults)
    )
    message = await answered(chat, "Go")
    assert message.text == "All done."
    spent = await chat.spent.of_message(message.id)
    assert (spent.calls, spent.estimated) == (2, 1)


async def test_a_call_that_was_stopped_is_counted(stage: AgentStage) -> None:
    chat = await stage.open(
        CLERK, provider=Priced(replies=["One. " * 200], pace=timedelta(milliseconds=20))
    )
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Go", actor=ANN)
    await until(chat, thread.id, lambda view: view.live and view.live[0].text)
    await chat.stop(thread.id, actor=ANN)
    message = await settled(chat, thread.id)
    spent = await chat.spent.of_message(message.id)
    assert (message.status, spent.calls, spent.estimated) == ("stopped", 1, 1)
    assert spent.output_tokens > 0


async def test_each_try_of_an_answer_counts(stage: AgentStage) -> None:
    wrong = Agent("clerk", "x", output=int, limits=Limits(repairs=0))
    chat = await stage.open(wrong, provider=Priced(replies=["no", "3"]))
    thread_id = await thread_of(chat, "?")
    message = await settled(chat, thread_id)
    assert message.status == "failed"
    assert (await chat.spent.of_message(message.id)).calls == 1
    await chat.retry(message.id, actor=ANN)
    await until(chat, thread_id, lambda view: view.messages[-1].status == "done")
    assert (await chat.spent.of_message(message.id)).calls == 2


async def test_what_a_thread_cost_is_followed(stage: AgentStage) -> None:
    chat = await stage.open(CLERK, provider=Priced(replies=["One.", "Two."]))
    thread = await chat.create_thread(actor=ANN)
    async with asyncio.timeout(20), aclosing(chat.spent.follow_thread(thread.id)) as costs:
        assert await anext(costs) == SpentView()
        await chat.send_message(thread.id, "1?", actor=ANN)
        assert (await anext(costs)).calls == 1
        await chat.send_message(thread.id, "2?", actor=ANN)
        assert (await anext(costs)).calls == 2
        await chat.delete_thread(thread.id, actor=ANN)
        with pytest.raises(ThreadNotFound):
            await anext(costs)
    with pytest.raises(ThreadNotFound):
        await chat.spent.of_thread(thread.id)
    # It was spent all the same.
    assert (await chat.spent.of_me(actor=ANN)).calls == 2


async def test_who_is_nobody_is_told_nothing(stage: AgentStage) -> None:
    chat = await stage.open(CLERK)
    nobody = Actor("", "")
    for verb in (chat.spent.of_message, chat.spent.of_run, chat.spent.of_thread):
        with pytest.raises(NotAllowed):
            await verb("0" * 32, actor=nobody)
    with pytest.raises(NotAllowed):
        await chat.spent.of_me(actor=nobody)
    with pytest.raises(NotAllowed):
        chat.spent.follow_thread("0" * 32, actor=nobody)


@pytest.mark.parametrize("days", [0, -1, 10_000, float("nan")])
async def test_days_that_cannot_be_added_up_are_refused(stage: AgentStage, days: float) -> None:
    chat = await stage.open(CLERK)
    with pytest.raises(InvalidInput):
        await chat.spent.of_me(days)


# What may be spent


def test_no_limit_is_said_by_zero() -> None:
    settings = Settings(thread_tokens=0, thread_usd=0, user_day_tokens=0, user_day_usd=0)
    allowance = allowance_of(settings)
    assert allowance.thread_tokens is allowance.thread_usd is None
    assert allowance.user_day_tokens is allowance.user_day_usd is None


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ({"thread_tokens": 1_000}, "1,000 tokens in this thread"),
        ({"thread_usd": 0.0002}, "in this thread"),
        ({"user_day_tokens": 1_000}, "1,000 tokens for you in a day"),
        ({"user_day_usd": 0.0002}, "for you in a day"),
    ],
)
async def test_beyond_what_a_deployment_allows_a_person_is_asked(
    stage: AgentStage, limit: dict[str, Any], words: str
) -> None:
    stage.settings = Settings(db_url=stage.settings.db_url, **limit)
    chat = await stage.open(CLERK, provider=Priced(replies=["One.", "Two."]))
    thread_id = await thread_of(chat, "1?")
    await chat.send_message(thread_id, "2?", actor=ANN)
    [ask] = await asked(chat)
    assert ask.kind == "limit"
    assert words in ask.text
    await chat.inbox.approve(ask.id, actor=ANN)
    assert (await settled(chat, thread_id)).text == "Two."
