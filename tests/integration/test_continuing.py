"""Answers that were cut off, and go on from their last words."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from agentchat import Agent, AgentChat, ThreadView
from agentchat.errors import InvalidInput, MessageNotFound, WrongState
from agentchat.llm.base import Chunk, Finished, ModelRequest, StopReason
from agentchat.llm.scripted import ScriptedProvider
from tests.integration.agents_stage import ANN, BOB, AgentStage, HeldUp, settled, until
from tests.unit.test_history import complaints


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[AgentStage]:
    async with AsyncExitStack() as stack:
        yield AgentStage(database_url, stack)


class Short(ScriptedProvider):
    """Its first answer reaches its length limit."""

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk, None]:
        first = not self.requests
        async for chunk in super().stream(request):
            if first and isinstance(chunk, Finished):
                chunk = Finished(StopReason.LENGTH, chunk.usage)
            yield chunk


async def stopped(chat: AgentChat, provider: HeldUp) -> ThreadView:
    """A thread with an answer that was stopped after its first words."""
    thread = await chat.create_thread("A", actor=ANN)
    await chat.send_message(thread.id, "go", actor=ANN)
    await until(chat, thread.id, lambda view: view.live and view.live[0].text)
    await chat.stop(thread.id, actor=ANN)
    provider.held.set()
    await settled(chat, thread.id)
    return await until(chat, thread.id, lambda view: not view.live)


async def test_a_stopped_answer_goes_on_from_its_words(stage: AgentStage) -> None:
    provider = HeldUp("Once upon a time there was more.", "a tern.", "Yes.")
    chat = await stage.open(Agent("a", "x"), provider=provider)
    view = await stopped(chat, provider)
    cut = view.messages[1]
    assert cut.text.startswith("Once")
    await chat.continue_answer(cut.id, actor=BOB)
    answer = await settled(chat, view.id)
    assert (answer.id, answer.status, answer.text) == (cut.id, "done", "a tern.")
    assert [(one.kind, one.text) for one in answer.parts] == [
        ("text", cut.text),
        ("note", "Continued by Bob"),
    ]
    assert answer.run_id != cut.run_id
    [said, before, asked] = provider.requests[1].turns
    assert (said.text, before.text) == ("go", cut.text)
    assert "Go on from exactly where it ends" in asked.text
    # It is told later as it stands there.
    await chat.send_message(view.id, "nice", actor=ANN)
    await settled(chat, view.id)
    told = [turn.text for turn in provider.requests[2].turns]
    assert told[1] == cut.text
    assert told[-2:] == ["a tern.", "nice"]
    for request in provider.requests:
        assert complaints(request.turns, *request.tools) == []


async def test_an_answer_that_was_too_long_goes_on(stage: AgentStage) -> None:
    provider = Short("instant", replies=["One, two,", "three."])
    chat = await stage.open(Agent("a", "x"), provider=provider)
    thread = await chat.create_thread("A", actor=ANN)
    await chat.send_message(thread.id, "count", actor=ANN)
    cut = await settled(chat, thread.id)
    assert (cut.status, cut.cut) == ("done", True)
    await chat.continue_answer(cut.id, actor=ANN)
    answer = await settled(chat, thread.id)
    assert (answer.parts[0].text, answer.text, answer.cut) == ("One, two,", "three.", False)
    # Now it is complete.
    with pytest.raises(InvalidInput, match="was cut off"):
        await chat.continue_answer(cut.id, actor=ANN)


async def test_an_answer_that_failed_before_its_first_word_is_written(stage: AgentStage) -> None:
    class Away(ScriptedProvider):
        async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk, None]:
            if not self.requests:
                self.requests.append(request)
                raise ValueError("broken")
            async for chunk in super().stream(request):
                yield chunk

    chat = await stage.open(Agent("a", "x"), provider=Away("instant", replies=["Here."] * 9))
    thread = await chat.create_thread("A", actor=ANN)
    await chat.send_message(thread.id, "go", actor=ANN)
    failed = await settled(chat, thread.id)
    if failed.status == "failed":
        await chat.continue_answer(failed.id, actor=ANN)
    answer = await settled(chat, thread.id)
    assert (answer.status, answer.text, answer.parts) == ("done", "Here.", ())


async def test_what_cannot_go_on_is_refused(stage: AgentStage) -> None:
    provider = HeldUp("Once upon a time.", "Whole.", "Other.")
    chat = await stage.open(Agent("a", "x"), provider=provider)
    view = await stopped(chat, provider)
    asked, cut = view.messages
    for message_id in (asked.id, "no-such-message"):
        with pytest.raises(MessageNotFound):
            await chat.continue_answer(message_id, actor=ANN)
    await chat.edit_message(asked.id, "else", actor=ANN)
    whole = await settled(chat, view.id)
    with pytest.raises(InvalidInput, match="was cut off"):
        await chat.continue_answer(whole.id, actor=ANN)
    with pytest.raises(WrongState, match="not shown now"):
        await chat.continue_answer(cut.id, actor=ANN)


async def test_pressed_twice_it_goes_on_once(stage: AgentStage) -> None:
    provider = HeldUp("Once upon a time.", "and more.", "too much.")
    chat = await stage.open(Agent("a", "x"), provider=provider)
    view = await stopped(chat, provider)
    for _ in range(2):
        await chat.continue_answer(view.messages[1].id, actor=ANN)
    answer = await settled(chat, view.id)
    notes: list[Any] = [one for one in answer.parts if one.kind == "note"]
    assert (answer.text, len(notes)) == ("and more.", 1)
