"""Long threads: older messages are summarised for the model, and nothing is lost for people."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import Session, col, select

from agentchat import Agent, AgentChat, MessageView, ThreadView, Tx, tool
from agentchat.agents.compaction import INSTRUCTIONS, NOTE
from agentchat.agents.told import SUMMARY
from agentchat.errors import ContextTooLong, ModelRefused
from agentchat.llm.base import Chunk, Finished, ModelRequest
from agentchat.llm.scripted import FailAfter, ScriptedProvider
from agentchat.models import Message, Spending, Summary
from agentchat.store import summaries
from tests.integration.agents_stage import ANN, AgentStage, call, settled, until
from tests.long import LONG_ON_POSTGRES
from tests.waiting import eventually

pytestmark = LONG_ON_POSTGRES

WORDS = "lorem ipsum " * 50
"""About 150 tokens."""
CLERK = Agent("clerk", "Answer.")
START = INSTRUCTIONS[:60]


class Small(ScriptedProvider):
    """A model with a small window, which summarises in words of the test."""

    def __init__(self, *args: Any, summary: Any = "They spoke of herons.", **kwargs: Any) -> None:
        super().__init__("instant", *args, **kwargs)
        self.context_tokens = 2_000
        self.max_output_tokens = 400
        self.summary = summary
        self.summarised: list[Any] = []
        self.how: dict[str, Any] = {}

    def stream(self, request: ModelRequest) -> Any:
        if request.instructions.startswith(START):
            self.summarised.append(json.loads(request.turns[0].text))
            reply = self.summary
            if isinstance(reply, Exception):
                return _raising(reply)
            inner = ScriptedProvider("instant", replies=[reply], **self.how)
            return inner.stream(request)
        return super().stream(request)


async def _raising(error: Exception) -> AsyncIterator[Chunk]:
    raise error
    yield


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[AgentStage]:
    async with AsyncExitStack() as stack:
        yield AgentStage(database_url, stack)


async def talk(chat: AgentChat, thread_id: str, *said: str) -> None:
    """Say things one after the other, each answered."""
    for text in said:
        await chat.send_message(thread_id, text, actor=ANN)
        message = await settled(chat, thread_id)
        assert message.status == "done", message.words


def texts(request: ModelRequest) -> str:
    return "\n".join(turn.text for turn in request.turns)


def rows_of(session: Session, thread_id: str) -> list[Summary]:
    query = select(Summary).where(col(Summary.thread_id) == thread_id)
    return list(session.exec(query.order_by(col(Summary.position))))


def spent(session: Session) -> list[tuple[str, str]]:
    return [(one.step, one.outcome) for one in session.exec(select(Spending))]


async def kept(chat: AgentChat, thread_id: str) -> list[Summary]:
    return await chat._database.read(rows_of, thread_id)


async def open_small(
    stage: AgentStage, agent: Agent = CLERK, **options: Any
) -> tuple[AgentChat, Small]:
    replies = options.pop("replies", [f"Answer {n}. {WORDS}" for n in range(1, 40)])
    provider = Small(replies=replies, **options)
    return await stage.open(agent, provider=provider), provider


def numbered(first: int, last: int) -> list[str]:
    return [f"Question {n}. {WORDS}" for n in range(first, last + 1)]


async def test_a_short_thread_is_told_as_it_is(stage: AgentStage) -> None:
    chat, model = await open_small(stage)
    thread = await chat.create_thread(actor=ANN)
    await talk(chat, thread.id, *numbered(1, 2))
    assert model.summarised == []
    assert len(model.requests[-1].turns) == 3
    run = (await _view(chat, thread.id)).messages[-1].run_id
    assert "compacted" not in [step.key for step in await chat.runs.steps(run)]


async def test_what_is_old_in_a_long_thread_is_told_as_a_summary(stage: AgentStage) -> None:
    chat, model = await open_small(stage)
    thread = await chat.create_thread(actor=ANN)
    await talk(chat, thread.id, *numbered(1, 6))
    assert len(model.summarised) >= 1
    told = model.requests[-1].turns
    assert told[0].text.startswith(f"{SUMMARY}\n\nThey spoke of herons.")
    # Two of twelve messages fit into what a summary leaves for them.
    assert all(
        f"{who} {n}." not in texts(model.requests[-1])
        for who in ("Question", "Answer")
        for n in (1, 2, 3)
    )
    assert "Question 6." in told[-1].text
    assert "Answer 5." in texts(model.requests[-1])
    view = await _view(chat, thread.id)
    assert len(view.messages) == 12
    assert view.messages[0].text.startswith("Question 1.")
    notes = [part for one in view.messages for part in one.parts if part.kind == "note"]
    assert notes[0].text.startswith(NOTE)
    assert notes[0].why == "They spoke of herons."


async def test_the_last_summary_is_part_of_the_next(stage: AgentStage) -> None:
    chat, model = await open_small(stage)
    thread = await chat.create_thread(actor=ANN)
    await talk(chat, thread.id, *numbered(1, 9))
    assert len(await kept(chat, thread.id)) >= 2
    before = [one["summary_so_far"] for one in model.summarised]
    assert before == ["", *["They spoke of herons."] * (len(before) - 1)]
    # Nothing is left out between two summaries, and nothing is told in both.
    told = [one["said"].split(".")[0] for made in model.summarised for one in made["messages"]]
    assert (
        told == [f"{who} {n}" for n in range(1, 99) for who in ("Question", "Answer")][: len(told)]
    )


async def test_a_summary_costs_what_it_costs(stage: AgentStage) -> None:
    chat, model = await open_small(stage)
    thread = await chat.create_thread(actor=ANN)
    await talk(chat, thread.id, *numbered(1, 6))

    found = await chat._database.read(spent)
    assert found.count(("compact", "done")) == len(model.summarised)


async def test_a_summary_that_failed_on_the_way_costs_too(stage: AgentStage) -> None:
    chat, model = await open_small(stage)
    model.how = {"faults": [FailAfter(2, ModelRefused("no"))]}
    thread = await chat.create_thread(actor=ANN)
    await talk(chat, thread.id, *numbered(1, 6))
    found = await chat._database.read(spent)
    assert found.count(("compact", "failed")) == len(model.summarised)


async def test_a_summary_that_is_stopped_costs_too_and_the_answer_with_it(
    stage: AgentStage,
) -> None:
    chat, model = await open_small(stage, summary="One word after the other. " * 50)
    model.how = {"pace": timedelta(milliseconds=30)}
    thread = await chat.create_thread(actor=ANN)
    await talk(chat, thread.id, *numbered(1, 3))

    def further(before: int) -> bool:
        return bool(model.summarised) or model.finished > before

    for n in range(4, 8):
        before = model.finished
        await chat.send_message(thread.id, f"Question {n}. {WORDS}", actor=ANN)
        await eventually(partial(further, before))
        if model.summarised:
            break
        await settled(chat, thread.id)
    await asyncio.sleep(0.3)
    await chat.stop(thread.id, actor=ANN)
    assert (await settled(chat, thread.id)).status == "stopped"
    async with asyncio.timeout(30), aclosing(chat._database.live.follow(spent)) as found:
        async for one in found:
            if ("compact", "stopped") in one:
                break
    assert await kept(chat, thread.id) == []


@pytest.mark.parametrize("summary", ["", "  ", "too long " * 2_000, ModelRefused("no")])
async def test_without_a_summary_the_oldest_is_left_out_and_the_answer_comes(
    stage: AgentStage, summary: Any
) -> None:
    chat, model = await open_small(stage, summary=summary)
    thread = await chat.create_thread(actor=ANN)
    await talk(chat, thread.id, *numbered(1, 7))
    assert model.summarised
    assert await kept(chat, thread.id) == []
    assert "Question 1." not in texts(model.requests[-1])
    assert "Question 7." in texts(model.requests[-1])
    view = await _view(chat, thread.id)
    assert not [part for one in view.messages for part in one.parts]


async def test_calls_are_never_told_without_their_results(stage: AgentStage) -> None:
    @tool
    def find(word: str) -> str:
        """Find a word."""
        return f"{word}: {WORDS}"

    replies: list[Any] = []
    for n in range(1, 8):
        replies += [[f"Looking {n}. ", call("find", word=f"w{n}")], f"Answer {n}."]
    agent = Agent("clerk", "Answer.", tools=(find,))
    chat, model = await open_small(stage, agent, replies=replies)
    thread = await chat.create_thread(actor=ANN)
    # The scripted model refuses a history with a call and no result, and the reverse.
    await talk(chat, thread.id, *numbered(1, 7))
    assert model.summarised
    [answer] = [one for one in model.summarised[0]["messages"][:2] if one["who"] != "Ann"]
    done = answer["before"][1]
    assert (done["tool"], done["arguments"]) == ("find", {"word": "w1"})
    assert done["result"].startswith("w1: lorem")


async def test_the_built_in_model_makes_no_summaries(stage: AgentStage) -> None:
    provider = Small(replies=[f"Answer {n}. {WORDS}" for n in range(1, 40)])
    provider.embedded = True
    chat = await stage.open(CLERK, provider=provider)
    thread = await chat.create_thread(actor=ANN)
    await talk(chat, thread.id, *numbered(1, 7))
    assert provider.summarised == []
    assert "Question 7." in texts(provider.requests[-1])
    assert "Question 1." not in texts(provider.requests[-1])


async def test_the_built_in_model_makes_none_beside_other_models(stage: AgentStage) -> None:
    small = Small(replies=[f"Answer {n}. {WORDS}" for n in range(1, 40)])
    small.embedded = True
    chat = await stage.open(Agent("clerk", "Answer.", model=small), Agent("other", "Answer."))
    thread = await chat.create_thread(actor=ANN)
    await chat.choose_agent(thread.id, "clerk", actor=ANN)
    # Longer than what the other model has room for, so that it is looked at.
    stage.provider.context_tokens = 2_000
    await talk(chat, thread.id, *numbered(1, 7))
    assert len(small.requests) == 7
    assert small.summarised == []


async def test_what_is_summarised_in_part_only_is_not_summarised(stage: AgentStage) -> None:
    large = ScriptedProvider("instant", replies=[f"Answer {n}. {WORDS}" for n in range(1, 40)])
    first = await stage.open(CLERK, provider=large)
    thread = await first.create_thread(actor=ANN)
    await talk(first, thread.id, *numbered(1, 12))
    await first.__aexit__(None, None, None)
    said = iter(["They spoke.", "", "Of herons.", "Of herons.", "Of herons."])
    chat, model = await open_small(stage, summary=lambda _: next(said))
    await talk(chat, thread.id, "Question 13.")
    assert len(model.summarised) == 2
    assert await kept(chat, thread.id) == []


async def test_a_history_larger_than_the_window_is_summarised_in_pieces(stage: AgentStage) -> None:
    large = ScriptedProvider("instant", replies=[f"Answer {n}. {WORDS}" for n in range(1, 40)])
    first = await stage.open(CLERK, provider=large)
    thread = await first.create_thread(actor=ANN)
    await talk(first, thread.id, *numbered(1, 12))
    await first.__aexit__(None, None, None)
    chat, model = await open_small(stage)
    await talk(chat, thread.id, "Question 13.")
    assert len(model.summarised) > 1
    assert model.summarised[1]["summary_so_far"] == "They spoke of herons."
    assert len(await kept(chat, thread.id)) == 1


async def test_what_is_edited_or_deleted_does_not_live_on_in_a_summary(stage: AgentStage) -> None:
    chat, _model = await open_small(stage)
    thread = await chat.create_thread(actor=ANN)
    await talk(chat, thread.id, *numbered(1, 9))
    made = await kept(chat, thread.id)
    assert len(made) >= 2
    await chat._database.write(summaries.delete_from, thread.id, made[-1].position)
    assert [one.id for one in await kept(chat, thread.id)] == [one.id for one in made[:-1]]
    await chat._database.write(summaries.delete_from, thread.id, 0)
    assert await kept(chat, thread.id) == []


def _edit(tx: Tx, message: MessageView, _thread_id: str) -> None:
    tx.execute(update(Message).where(col(Message.id) == message.id).values(text="Edited."))


def _summarise(tx: Tx, message: MessageView, thread_id: str) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    summaries.add(tx, thread_id, message.position, "Another run was faster.", now=now)


@pytest.mark.parametrize(("change", "left"), [(_edit, 0), (_summarise, 1)])
async def test_a_summary_of_what_was_changed_meanwhile_does_not_count(
    stage: AgentStage, change: Any, left: int
) -> None:
    chat, model = await open_small(stage)
    thread = await chat.create_thread(actor=ANN)
    await talk(chat, thread.id, *numbered(1, 3))
    first = (await _view(chat, thread.id)).messages[0]
    loop = asyncio.get_running_loop()

    def edited(_request: ModelRequest) -> str:
        # From within the call of the model: it changes while it is summarised.
        if not changing:
            work = chat._database.write(change, first, thread.id)
            changing.append(loop.create_task(work))
        return "They spoke of herons."

    changing: list[asyncio.Task[None]] = []
    model.summary = edited
    before = model.stream

    async def slow(request: ModelRequest) -> AsyncIterator[Chunk]:
        async with aclosing(before(request)) as chunks:
            async for chunk in chunks:
                await asyncio.gather(*changing)
                yield chunk

    model.stream = slow  # type: ignore[method-assign]
    for text in numbered(4, 5):
        await talk(chat, thread.id, text)
        if changing:
            break
    assert changing
    assert len(await kept(chat, thread.id)) == left


async def test_an_answer_that_is_given_anew_is_not_told_in_a_summary(stage: AgentStage) -> None:
    chat, model = await open_small(stage)
    thread = await chat.create_thread(actor=ANN)
    await talk(chat, thread.id, *numbered(1, 2))
    model._faults.append(ModelRefused("not now"))
    await chat.send_message(thread.id, f"Question 3. {WORDS}", actor=ANN)
    failed = await settled(chat, thread.id)
    assert failed.status == "failed"
    await talk(chat, thread.id, *numbered(4, 8))
    assert (await kept(chat, thread.id))[-1].position >= failed.position
    await chat.retry(failed.id, actor=ANN)
    await until(
        chat,
        thread.id,
        lambda view: (
            not view.live
            and all(one.status == "done" for one in view.messages if one.id == failed.id)
        ),
    )
    assert all(one.position < failed.position for one in await kept(chat, thread.id))


async def test_a_model_that_finds_it_too_long_is_told_less(stage: AgentStage) -> None:
    faults = [*[None] * 6, ContextTooLong(), ContextTooLong()]
    provider = ScriptedProvider(
        "instant", replies=[f"Answer {n}. {WORDS}" for n in range(1, 10)], faults=faults
    )
    chat = await stage.open(CLERK, provider=provider)
    thread = await chat.create_thread(actor=ANN)
    await talk(chat, thread.id, *numbered(1, 7))
    sizes = [len(one.turns) for one in provider.requests[6:]]
    assert sizes[0] == 13
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == 3
    assert "Question 7." in texts(provider.requests[-1])
    keys = [one.idempotency_key for one in provider.requests[6:]]
    assert len(set(keys)) == 3


async def test_a_question_that_alone_is_too_long_fails_with_words(stage: AgentStage) -> None:
    faults: list[Exception | None] = [ContextTooLong() for _ in range(9)]
    provider = ScriptedProvider("instant", faults=faults)
    chat = await stage.open(CLERK, provider=provider)
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, WORDS, actor=ANN)
    message = await settled(chat, thread.id)
    assert message.status == "failed"
    assert len(provider.requests) == 1
    assert "larger context" in message.next_step


async def test_what_the_provider_counted_decides_how_much_is_told(stage: AgentStage) -> None:
    class Counts(ScriptedProvider):
        async def stream(self, request: ModelRequest) -> Any:
            async with aclosing(super().stream(request)) as chunks:
                async for chunk in chunks:
                    if isinstance(chunk, Finished):
                        told = sum(len(turn.text) for turn in request.turns)
                        usage = replace(chunk.usage, input_tokens=told, estimated=False)
                        chunk = replace(chunk, usage=usage)
                    yield chunk

    provider = Counts("instant", replies=["ok"] * 20)
    provider.embedded = False
    provider.context_tokens = 3_000
    provider.max_output_tokens = 100
    chat = await stage.open(CLERK, provider=provider)
    thread = await chat.create_thread(actor=ANN)
    # 600 characters each: by its count five fill the window, by ours twenty would.
    await talk(chat, thread.id, *numbered(1, 9))
    assert any(one.instructions.startswith(START) for one in provider.requests)
    told = [one for one in provider.requests if not one.instructions.startswith(START)]
    assert sum(len(turn.text) for turn in told[-1].turns) < 3_000


async def _view(chat: AgentChat, thread_id: str) -> ThreadView:
    return await until(chat, thread_id, lambda view: not view.live)
