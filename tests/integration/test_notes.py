"""What agents keep in a thread: notes of their own, and a state that they share."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from pydantic import BaseModel, Field
from sqlalchemy import update
from sqlmodel import Session, col, select

from agentchat import Agent, AgentChat, ToolContext, Tx, tool
from agentchat.agents.notes import MOST_NOTES, NOTE_TOOLS, set_thread_state, thread_state
from agentchat.llm.base import ModelRequest, ToolCall
from agentchat.llm.scripted import ScriptedProvider
from agentchat.models import Note, Thread
from tests.integration.agents_stage import (
    ANN,
    AgentStage,
    answered,
    call,
    results,
    settled,
    tools_of,
)

CLERK = Agent("clerk", "Clerk.", tools=NOTE_TOOLS)
OTHER = Agent("other", "Other.", tools=NOTE_TOOLS)


def note(call_id: str, *, name: str, text: str) -> ToolCall:
    """A model's wish to write a note."""
    return ToolCall(call_id, "write_note", json.dumps({"name": name, "text": text}))


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[AgentStage]:
    async with AsyncExitStack() as stack:
        yield AgentStage(database_url, stack)


async def notes_in(chat: AgentChat) -> list[tuple[str, str, str]]:
    def read(session: Session) -> list[tuple[str, str, str]]:
        found = session.scalars(select(Note).order_by(col(Note.agent), col(Note.name)))
        return [(one.agent, one.name, one.text) for one in found]

    return await chat._database.read(read)


async def test_an_agent_is_told_its_own_notes_after_the_history(stage: AgentStage) -> None:
    replies: list[Any] = [
        [note("c1", name="plan", text="First the roof.")],
        "Noted.",
        "I know.",
        [call("read_notes")],
        "Nothing.",
    ]
    chat = await stage.open(CLERK, OTHER, replies=replies)
    thread = await chat.create_thread(actor=ANN)
    for text in ("Plan it", "What is the plan?"):
        await chat.send_message(thread.id, text, actor=ANN)
        await settled(chat, thread.id)
    asked = stage.provider.requests[2]
    assert asked.instructions == "Clerk.", "the beginning stays the same, for the cache"
    assert [turn.text for turn in asked.turns[:1]] == ["Plan it"]
    assert asked.turns[-1].text == (
        "(Your own notes from earlier in this conversation:\n- plan: First the roof.)\n\n"
        "What is the plan?"
    )
    await chat.send_message(thread.id, "@other and you?", actor=ANN)
    message = await settled(chat, thread.id)
    assert "First the roof" not in stage.provider.requests[3].turns[-1].text
    assert tools_of(message)[0].text == "You have written no notes."


async def test_notes_are_replaced_removed_and_limited(stage: AgentStage) -> None:
    many = [note(f"c{n}", name=f"n{n:02}", text="x") for n in range(MOST_NOTES + 1)]
    replies: list[Any] = [
        [note("a", name="plan", text="One")],
        [note("b", name=" plan ", text="Two")],
        [
            note("c", name="", text="Two"),
            note("d", name="n", text="x" * 5_000),
        ],
        "Done.",
        [note("e", name="plan", text="")],
        many,
        "Done.",
    ]
    chat = await stage.open(CLERK, replies=replies)
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Go", actor=ANN)
    message = await settled(chat, thread.id)
    statuses = [part.status for part in tools_of(message)]
    assert statuses == ["done", "done", "failed", "failed"]
    assert await notes_in(chat) == [("clerk", "plan", "Two")]
    await chat.send_message(thread.id, "Go", actor=ANN)
    message = await settled(chat, thread.id)
    assert tools_of(message)[-1].text.startswith(f"You have {MOST_NOTES} notes")
    assert len(await notes_in(chat)) == MOST_NOTES
    await chat.delete_thread(thread.id, actor=ANN)
    await chat.empty_thread(thread.id, actor=ANN)
    assert await notes_in(chat) == []


async def test_an_agent_without_the_tools_is_told_nothing(stage: AgentStage) -> None:
    replies: list[Any] = [[note("c1", name="a", text="Secret.")], "Ok.", "Hi."]
    provider = ScriptedProvider("instant", replies=replies[:2])
    async with AgentChat(stage.settings, agents=[CLERK], provider=provider) as chat:
        thread = await chat.create_thread(actor=ANN)
        await chat.send_message(thread.id, "Note it", actor=ANN)
        await settled(chat, thread.id)
    plain = await stage.open(Agent("clerk", "Clerk."), replies=replies[2:])
    await plain.send_message(thread.id, "Hello", actor=ANN)
    await settled(plain, thread.id)
    assert stage.provider.requests[-1].turns[-1].text == "Hello"


# The shared state


class Trip(BaseModel):
    city: str = ""
    nights: int = Field(default=0, ge=0)


class Strict(BaseModel):
    city: str
    budget: float


@tool
def go(tx: Tx, context: ToolContext, city: str) -> str:
    """Choose a city."""
    trip = thread_state(tx, context, Trip)
    trip.city, trip.nights = city, trip.nights + 1
    set_thread_state(tx, context, trip)
    return trip.model_dump_json()


@tool
def spoil(tx: Tx, context: ToolContext) -> str:
    """Store what does not fit."""
    trip = thread_state(tx, context, Trip)
    trip.nights = -1
    set_thread_state(tx, context, trip)
    return "stored"


@tool
def budget(tx: Tx, context: ToolContext) -> str:
    """Tell the budget."""
    return str(thread_state(tx, context, Strict).budget)


async def test_agents_share_a_typed_state_and_sub_agents_too(stage: AgentStage) -> None:
    lead = Agent("lead", "Lead.", tools=(go,), asks=("helper",))
    helper = Agent("helper", "Help.", tools=(go,))

    def play(request: ModelRequest) -> Any:
        told = results(request)
        if request.instructions == "Help.":
            return "Gone." if told else [call("go", city="Rome")]
        return [[call("go", city="Bonn")], [call("ask_helper", task="Rome")], "Done."][len(told)]

    chat = await stage.open(lead, helper, replies=[play] * 6)
    message = await answered(chat, "Go")
    assert message.status == "done"

    def state(session: Session) -> list[Any]:
        return [one.state for one in session.scalars(select(Thread)) if one.parent_id is None]

    assert await chat._database.read(state) == [{"city": "Rome", "nights": 2}]


async def test_a_state_that_does_not_fit_is_refused_in_words(stage: AgentStage) -> None:
    agent = Agent("clerk", "x", tools=(go, spoil, budget))
    replies: list[Any] = [[call("budget")], [call("spoil")], [call("go", city="Bonn")], "Done."]
    chat = await stage.open(agent, replies=[*replies, [call("go", city="Rome")], "Done."])
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Go", actor=ANN)
    message = await settled(chat, thread.id)
    first, second, third = tools_of(message)
    assert first.text.startswith("The shared state of this conversation is not there yet: city")
    assert second.text.startswith("This cannot be the shared state: nights")
    assert third.text == '{"city":"Bonn","nights":1}'

    def damage(tx: Tx) -> None:
        tx.execute(update(Thread).values(state={"city": 7}))

    await chat._database.write(damage)
    await chat.send_message(thread.id, "Go", actor=ANN)
    message = await settled(chat, thread.id)
    assert message.status == "done"
    assert tools_of(message)[0].text.startswith(
        "The shared state of this conversation does not fit: city"
    )
