"""From the card of a call to the step that made it, or that waits for the run which makes it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from agentchat import Agent, AgentChat, MessageView, ThreadView, ToolError, Tx, tool, workflow
from agentchat.durable.context import Context
from agentchat.errors import NonRetryable
from agentchat.views import StepView
from tests.integration.agents_stage import (
    ANN,
    AgentStage,
    answered,
    call,
    settled,
    tools_of,
    until,
)


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[AgentStage]:
    async with AsyncExitStack() as stack:
        yield AgentStage(database_url, stack)


async def held(room: str) -> str:
    if room == "none":
        raise NonRetryable("There is no such room.")
    return f"held {room}"


@tool
async def look(room: str) -> str:
    """Look at a room."""
    return await held(room)


@tool
def pay(tx: Tx, amount: int) -> str:
    """Pay."""
    if amount > 10:
        raise ToolError("That is too much.")
    return f"paid {amount}"


@tool
async def book(ctx: Context, room: str) -> str:
    """Book a room."""
    return await ctx.step("hold", held, room)


@workflow(name="letters")
async def letters(ctx: Context, to: str) -> str:
    return await ctx.wait_for("signed", str)


@tool
async def write(ctx: Context, to: str) -> str:
    """Write a letter."""
    return await ctx.run(letters, to)


async def steps_of(chat: AgentChat, message: MessageView) -> list[StepView]:
    """The steps to which the calls of an answer lead, in the order of the calls."""
    steps = {step.key: step for step in await chat.runs.steps(message.run_id)}
    return [steps[part.step] for part in tools_of(message)]


def clerk() -> Agent:
    return Agent("clerk", "x", tools=(look, pay, book, write))


async def test_calls_side_by_side_lead_each_to_its_own_step(stage: AgentStage) -> None:
    said = [
        *(call("look", "c1", room="4"), call("pay", "c2", amount=5), call("pay", "c3", amount=7)),
        call("book", "c4", room="8"),
    ]
    chat = await stage.open(clerk(), replies=[said, [call("pay", amount=9)], "Done."])
    message = await answered(chat, "Go")
    steps = await steps_of(chat, message)
    assert [step.key for step in steps] == [
        "gather[0]/tool look",
        "gather[1]/tool pay",
        "gather[2]/tool pay",
        "gather[3]/told book",
        "gather#2[0]/tool pay",
    ]
    assert [step.input[1] for step in steps[1:3]] == [{"amount": 5}, {"amount": 7}]
    assert {step.status for step in steps} == {"done"}


async def test_calls_that_fail_lead_to_the_step_that_says_why(stage: AgentStage) -> None:
    said = [
        *(call("look", "c1", room="none"), call("pay", "c2", amount=50)),
        call("book", "c3", room="none"),
    ]
    chat = await stage.open(clerk(), replies=[said, "Done."])
    message = await answered(chat, "Go")
    assert [part.status for part in tools_of(message)] == ["failed"] * 3
    steps = await steps_of(chat, message)
    assert [step.key for step in steps] == [
        "gather[0]/tool look",
        "gather[1]/tool pay",
        "gather[2]/hold",
    ]
    no_room = "There is no such room."
    assert [step.error for step in steps] == [no_room, "", no_room]


async def test_a_call_leads_to_the_run_that_does_its_work_as_soon_as_that_is_there(
    stage: AgentStage,
) -> None:
    said = [call("write", "c1", to="Bo"), call("pay", "c2", amount=5)]
    chat = await stage.open(clerk(), replies=[said, "Done."], workflows=[letters])
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Write to Bo", actor=ANN)

    def both_lead(view: ThreadView) -> bool:
        return [bool(part.step) for one in view.live for part in tools_of(one)] == [True, True]

    view = await until(chat, thread.id, both_lead)
    [waiting, _] = await steps_of(chat, view.live[0])
    assert (waiting.key, waiting.kind, waiting.status) == ("gather[0]/letters", "run", "waiting")
    assert (await chat.runs.get(waiting.child_id)).workflow == "letters"

    await chat.runs.send_event(waiting.child_id, "signed", "Dear Bo")
    message = await settled(chat, thread.id)
    [over, _] = await steps_of(chat, message)
    assert (over.key, over.status, over.child_id) == (waiting.key, "done", waiting.child_id)
    assert tools_of(message)[0].text == "Dear Bo"
