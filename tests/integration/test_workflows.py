"""Workflows of one's own, started and followed through the verbs."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from typing import Annotated, Any

import pytest
from pydantic import BeforeValidator, Field, PlainSerializer

from agentchat import Actor, AgentChat, Context, RunView, Settings, workflow
from agentchat.errors import InvalidInput, NotAllowed, RunNotFound
from agentchat.llm.scripted import ScriptedProvider

ANN = Actor("ann", "Ann")


async def double(n: int) -> int:
    return n * 2


@workflow
async def doubles(ctx: Context, n: int, *, again: bool = False) -> int:
    result = await ctx.step("double", double, n)
    return await ctx.step("double", double, result) if again else result


@workflow
async def rated(ctx: Context) -> dict[str, Any]:
    stars = await ctx.wait_for("rating", int, timeout=timedelta(days=1))
    return {"stars": stars}


Few = Annotated[int, Field(ge=1, le=10)]


@workflow
async def repeated(ctx: Context, times: Few, word: Annotated[str, Field(min_length=2)]) -> str:
    return word * times


def _bare(text: str) -> str:
    return text.removeprefix("no. ")


# Has a form of its own in rows.
Numbered = Annotated[str, BeforeValidator(_bare), PlainSerializer("no. {}".format)]


@workflow
async def carried(ctx: Context, parcel: Numbered) -> Numbered:
    return f"{parcel}!"


@workflow
async def unknown(ctx: Context) -> None:
    """Not named when the app is opened."""


@pytest.fixture
async def chat(database_url: str) -> AsyncIterator[AgentChat]:
    settings = Settings(db_url=database_url)
    provider = ScriptedProvider("instant")
    async with AgentChat(
        settings, provider=provider, workflows=[doubles, rated, repeated, carried]
    ) as chat:
        yield chat


async def until(chat: AgentChat, run_id: str, *statuses: str) -> RunView:
    async with asyncio.timeout(30), aclosing(chat.runs.follow(run_id)) as states:
        async for run in states:
            if run.status in statuses:
                return run
    raise AssertionError("the run was never so")


async def test_a_started_run_is_carried_out_and_followed(chat: AgentChat) -> None:
    run_id = await chat.runs.start(doubles, 4, again=True)
    run = await until(chat, run_id, "done")
    assert (run.workflow, run.result, run.error, run.ended) == ("doubles", 16, "", True)


async def test_the_same_key_is_the_same_run(chat: AgentChat) -> None:
    first, second = await asyncio.gather(
        *(chat.runs.start_once("order 7", doubles, n) for n in (1, 2))
    )
    assert first == second
    assert await chat.runs.start_once("order 7", doubles, 3) == first
    assert (await until(chat, first, "done")).result in (2, 4)
    assert await chat.runs.start_once("order 8", doubles, 3) != first


async def test_an_event_is_sent_once_a_key(chat: AgentChat) -> None:
    run_id = await chat.runs.start(rated)
    run = await until(chat, run_id, "waiting")
    assert run.due_at is not None
    sent = [await chat.runs.send_event(run_id, "rating", n, key="the-vote") for n in (5, 1)]
    assert sent == [True, False]
    assert (await until(chat, run_id, "done")).result == {"stars": 5}
    assert not await chat.runs.send_event(run_id, "rating", 3)
    assert not await chat.runs.send_event("r" * 32, "rating", 3)


async def test_a_waiting_run_is_stopped_by_name(chat: AgentChat) -> None:
    run_id = await chat.runs.start(rated)
    await until(chat, run_id, "waiting")
    assert await chat.runs.by(ANN).kill(run_id)
    assert not await chat.runs.by(ANN).kill(run_id)
    assert (await until(chat, run_id, "stopped")).stopped_by == "Ann"


@pytest.mark.parametrize(
    ("times", "word", "words"),
    [
        (0, "ha", "'times' of workflow 'repeated' does not fit: Input should be greater than or"),
        (11, "ha", "Input should be less than or equal to 10"),
        (3, "h", "'word' of workflow 'repeated' does not fit: String should have at least 2"),
    ],
)
async def test_limits_of_arguments_hold_when_a_run_is_started(
    chat: AgentChat, times: int, word: str, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        await chat.runs.start(repeated, times, word)
    run_id = await chat.runs.start(repeated, 3, "ha")
    assert (await until(chat, run_id, "done")).result == "hahaha"
    with pytest.raises(InvalidInput, match=words):
        await chat.runs.rerun(run_id, {"times": times, "word": word})


async def test_what_has_a_form_of_its_own_is_stored_in_that(chat: AgentChat) -> None:
    run_id = await chat.runs.start(carried, "7")
    run = await until(chat, run_id, "done")
    assert (run.result, (await chat.runs.get(run_id)).result) == ("no. 7!", "no. 7!")


async def test_what_cannot_be_started_is_refused_with_words(chat: AgentChat) -> None:
    with pytest.raises(InvalidInput, match="'unknown' is not one of this app"):
        await chat.runs.start(unknown)
    with pytest.raises(InvalidInput, match="argument 'n' of workflow 'doubles' does not fit"):
        await chat.runs.start(doubles, math.nan)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        await chat.runs.start(doubles)  # type: ignore[call-arg]
    with pytest.raises(InvalidInput, match="payload of event 'rating'"):
        await chat.runs.send_event("r" * 32, "rating", object())
    with pytest.raises(RunNotFound):
        await chat.runs.kill("r" * 32)
    with pytest.raises(RunNotFound):
        await anext(chat.runs.follow("r" * 32))
    with pytest.raises(NotAllowed):
        await chat.runs.by(Actor("", "")).send_event("r" * 32, "rating", 1)


async def test_the_run_of_an_answer_is_not_killed_when_it_is_over(chat: AgentChat) -> None:
    thread = await chat.create_thread()
    await chat.send_message(thread.id, "Hello")
    async with aclosing(chat.follow(thread.id)) as views:
        async for view in views:
            if not view.running:
                break
    run_id = view.settled[-1].run_id
    assert not await chat.runs.kill(run_id)
