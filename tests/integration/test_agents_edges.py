"""Agents where it is easy to go wrong: text of other tries, rights that change, threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import Session, col, select

from agentchat import Agent, AgentChat, HandOver, Limits, RetryPolicy, ThreadView, Tx, tool
from agentchat.agents.team import checked
from agentchat.agents.toolbox import ask_person
from agentchat.assistants import Kit
from agentchat.durable.workflow import Workflow
from agentchat.errors import ConfigError, InvalidInput, NotAllowed, Overloaded
from agentchat.llm.base import Chunk, Finished, ModelRequest, StopReason
from agentchat.llm.embedder import HashEmbedder
from agentchat.llm.scripted import FailAfter, ScriptedProvider
from agentchat.models import Run
from tests.integration.agents_stage import (
    ANN,
    BOB,
    AgentStage,
    answered,
    asked,
    call,
    results,
    settled,
    tools_of,
    until,
)


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[AgentStage]:
    async with AsyncExitStack() as stack:
        yield AgentStage(database_url, stack)


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


async def test_the_text_of_a_try_that_failed_does_not_become_part_of_the_answer(
    stage: AgentStage,
) -> None:
    replies: list[Any] = [
        "I will do something else entirely now.",
        [call("add", a=1, b=2)],
        "Three.",
    ]
    provider = ScriptedProvider("instant", replies=replies, faults=[FailAfter(3, Overloaded())])
    chat = await stage.open(Agent("clerk", "x", tools=(add,)), provider=provider)
    message = await answered(chat, "1 + 2?")
    assert message.text == "Three."
    assert [part.kind for part in message.parts] == ["tool"]
    assert "something else" not in str(provider.requests[-1].turns)


async def test_a_right_that_is_taken_away_meanwhile_does_not_break_the_run(
    stage: AgentStage,
) -> None:
    allowed = {"ann"}
    lead = Agent("lead", "x", asks=("helper",), tools=(ask_person,))
    helper = Agent("helper", "y", allowed=lambda actor: actor.id in allowed)
    said = [call("ask_helper", "c1", task="Help"), call("ask_person", "c2", question="Which?")]
    chat = await stage.open(lead, helper, replies=[said, "Helped.", "So be it."])
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Go", actor=ANN, agent="lead")
    [ask] = await asked(chat)

    def helped(view: ThreadView) -> bool:
        tools = tools_of(view.live[0]) if view.live else []
        return any(part.status == "done" for part in tools)

    await until(chat, thread.id, helped)
    allowed.clear()
    await chat.inbox.answer(ask.id, "this", actor=ANN)
    message = await settled(chat, thread.id)
    assert (message.status, message.text) == ("done", "So be it.")
    assert {part.text for part in tools_of(message)} == {"Helped.", "this"}


async def test_tools_that_hang_keep_no_thread_from_others(stage: AgentStage) -> None:
    release = threading.Event()

    @tool(timeout=timedelta(seconds=0.3))
    def hang() -> str:
        """Hang."""
        release.wait(20)
        return "late"

    said = [call("hang", f"c{n}") for n in range(12)]
    replies = [said, [call("add", a=1, b=2)], "Done."]
    chat = await stage.open(Agent("clerk", "x", tools=(hang, add)), replies=replies)
    try:
        message = await answered(chat, "Go")
        assert await asyncio.wait_for(asyncio.to_thread(lambda: "free"), 30) == "free"
    finally:
        release.set()
    assert [part.text for part in tools_of(message)][-1] == "3"
    told = results(stage.provider.requests[1])
    assert set(told) == {
        ("hang", "hang took too long. It may still go on, and have its effect.", True)
    }


async def test_a_plain_function_that_raises_stop_iteration_just_fails(stage: AgentStage) -> None:
    nothing: Iterator[str] = iter(())

    @tool
    def take() -> str:
        """Take the next."""
        return next(nothing)

    chat = await stage.open(Agent("clerk", "x", tools=(take,)), replies=[[call("take")], "None."])
    message = await answered(chat, "Go")
    assert [(part.status, part.text) for part in tools_of(message)] == [("failed", "take failed.")]


async def test_a_predicate_of_approval_is_given_values_of_the_types_of_the_function(
    stage: AgentStage,
) -> None:
    @tool(approval=lambda amount, on: amount > Decimal(10) or on.year > 2026)
    def pay(amount: Decimal, on: datetime) -> str:
        """Pay."""
        return f"{amount}"

    said = [call("pay", amount="9.50", on=datetime(2026, 1, 1, tzinfo=UTC).isoformat())]
    chat = await stage.open(Agent("clerk", "x", tools=(pay,)), replies=[said, "Paid."])
    message = await answered(chat, "Pay")
    assert tools_of(message)[0].text == "9.50"


def test_tools_whose_options_do_not_fit_are_refused() -> None:
    with pytest.raises(TypeError, match="called once"):
        tool(once=True, retry=RetryPolicy(attempts=3))(lambda: "")

    def write(tx: Tx) -> str:
        """Write."""
        return ""

    with pytest.raises(TypeError, match="transaction, which has no timeout"):
        tool(timeout=timedelta(seconds=5))(write)


def test_a_tool_may_not_take_the_name_of_one_that_asks_or_hands_over() -> None:
    for name in ("ask_b", "hand_over_to_b"):
        own = tool(name=name)(lambda: "")
        agent = Agent("a", "x", tools=(own,), asks=("b",), hand_overs=(HandOver("b"),))
        with pytest.raises(ConfigError, match=name):
            checked([agent, Agent("b", "y")])


async def test_nobody_starts_or_reads_the_runs_that_are_about_another_person(
    stage: AgentStage,
) -> None:
    kits: list[Kit] = []

    def agents(kit: Kit) -> list[Agent]:
        kits.append(kit)
        return [Agent("friend", "x", memory=True)]

    chat = AgentChat(
        stage.settings,
        agents=agents,
        provider=ScriptedProvider("instant", replies=["A."]),
        embedder=HashEmbedder(),
    )
    async with chat:
        [kit] = kits
        follow_up: Workflow[..., object] = kit.follow_up
        with pytest.raises(InvalidInput, match="by the app itself"):
            await chat.runs.by(BOB).start(
                follow_up, "t" * 8, "ann", "friend", "x", datetime(2026, 1, 1, tzinfo=UTC)
            )
        message = await answered(chat, "The code word is heron.")
        assert message.status == "done"

        def remembers(session: Session) -> list[str]:
            query = select(col(Run.id)).where(col(Run.workflow) == "remember")
            return list(session.exec(query))

        [run_id] = await chat._database.read(remembers)
        with pytest.raises(NotAllowed):
            await chat.runs.by(BOB).steps(run_id)
        assert await chat.runs.by(ANN).steps(run_id) is not None


async def test_arguments_that_are_too_long_are_refused_when_they_are_approved(
    stage: AgentStage,
) -> None:
    @tool(approval=True)
    def write(text: str) -> str:
        """Write."""
        return str(len(text))

    chat = await stage.open(
        Agent("clerk", "x", tools=(write,)), replies=[[call("write", text="a")], "Done."]
    )
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Go", actor=ANN)
    [ask] = await asked(chat)
    with pytest.raises(InvalidInput, match="longer than 200,000"):
        await chat.inbox.approve(ask.id, arguments={"text": "x" * 300_000}, actor=ANN)
    await chat.inbox.approve(ask.id, arguments={"text": "xyz"}, actor=ANN)
    assert tools_of(await settled(chat, thread.id))[0].text == "3"


async def test_a_hand_over_that_is_refused_hands_nothing_over(stage: AgentStage) -> None:
    desk = Agent("desk", "x", tools=(add,), hand_overs=("bills",), limits=Limits(tool_calls=1))
    said = [call("add", "c1", a=1, b=2), call("hand_over_to_bills", "c2")]
    chat = await stage.open(desk, Agent("bills", "y"), replies=[said, "Desk here."])
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Go", actor=ANN, agent="desk")
    [ask] = await asked(chat)
    assert ask.kind == "limit"
    await chat.inbox.approve(ask.id, actor=ANN)
    message = await settled(chat, thread.id)
    assert (message.author, message.text) == ("desk", "Desk here.")
    assert [part.status for part in tools_of(message)] == ["done", "failed"]


async def test_a_model_that_declines_in_the_middle_says_so(stage: AgentStage) -> None:
    class Declining(ScriptedProvider):
        async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk, None]:
            async for chunk in super().stream(request):
                if isinstance(chunk, Finished):
                    yield replace(chunk, reason=StopReason.REFUSAL)
                else:
                    yield chunk

    provider = Declining("instant", replies=["So far, and no further."])
    chat = await stage.open(Agent("clerk", "x", output=dict[str, str]), provider=provider)
    message = await answered(chat, "Go")
    assert (message.status, message.text) == ("done", "So far, and no further.")
    assert message.words == "The model declined to go on"
    assert len(provider.requests) == 1
