"""The scripted provider: the same answer each time, and faults in the order given."""

from __future__ import annotations

import asyncio
import json
import re
import time
from contextlib import aclosing
from datetime import timedelta

import pytest

from agentchat.errors import BadRequest, ConfigError, Overloaded, RateLimited
from agentchat.llm.base import (
    Finished,
    ModelRequest,
    ModelState,
    ModelStatus,
    Provider,
    Reasoning,
    StopReason,
    Text,
    ToolCall,
    ToolResult,
    Turn,
)
from agentchat.llm.scripted import FailAfter, Piece, ScriptedProvider

NOW = timedelta(0)


def _request(text: str = "Why is the sky blue?") -> ModelRequest:
    return ModelRequest("", (Turn("user", text),))


async def _answer(provider: Provider, request: ModelRequest | None = None) -> str:
    """The text that came; an error carries it as its note."""
    text = ""
    try:
        async for chunk in provider.stream(request or _request()):
            text += chunk.text if isinstance(chunk, Text) else ""
    except Exception as error:
        error.add_note(text)
        raise
    return text


async def test_replies_are_used_in_order_then_the_default_one() -> None:
    provider = ScriptedProvider(
        "instant", replies=["First.", lambda request: request.turns[-1].text.upper()]
    )
    assert await _answer(provider) == "First."
    assert await _answer(provider, _request("loud")) == "LOUD"
    default = await _answer(provider)
    assert "Why is the sky blue?" in default
    assert default == await _answer(ScriptedProvider("demo", pace=NOW))
    assert provider.finished == 3
    assert [request.turns[-1].text for request in provider.requests][:2] == [
        "Why is the sky blue?",
        "loud",
    ]


async def test_an_answer_comes_word_by_word_and_ends_with_an_estimate() -> None:
    provider = ScriptedProvider("instant", replies=["One two.\n\nThree."])
    chunks = [chunk async for chunk in provider.stream(_request())]
    assert chunks[:-1] == [Text("One "), Text("two.\n\n"), Text("Three.")]
    last = chunks[-1]
    assert isinstance(last, Finished)
    assert last.reason is StopReason.END
    assert last.usage.estimated


CALL = ToolCall("c1", "add", '{"a": 1}')


@pytest.mark.parametrize("late", [False, True], ids=["list", "function"])
async def test_a_reply_may_think_and_call_tools(late: bool) -> None:
    reply: list[Piece] = [Reasoning("Hm."), CALL, "Let me see."]
    provider = ScriptedProvider("instant", replies=[(lambda _: reply) if late else reply])
    *said, last = [chunk async for chunk in provider.stream(_request())]
    assert said == [Reasoning("Hm."), Text("Let "), Text("me "), Text("see."), CALL]
    assert isinstance(last, Finished)
    assert last.reason is StopReason.TOOLS
    assert last.usage.output_tokens == -(-len("Hm.Let me see." + "add" + '{"a": 1}') // 4)
    assert provider.finished == 1


async def test_without_a_reply_the_answer_fits_the_schema_that_was_asked_for() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    request = ModelRequest("", (Turn("user", "How many?"),), schema=schema)
    assert json.loads(await _answer(ScriptedProvider("instant"), request)) == {"n": 0}
    provider = ScriptedProvider("instant", replies=["Many."])
    assert await _answer(provider, request) == "Many."


def _called(*results: ToolResult) -> ModelRequest:
    turns = [
        Turn("user", "1 + 2?"),
        Turn("assistant", calls=(CALL,)),
        Turn("user", "", (), results),
    ]
    return ModelRequest("", tuple(turns))


@pytest.mark.parametrize(
    "request_",
    [
        _called(),
        _called(ToolResult("c2", "add", "3")),
        _called(ToolResult("c1", "add", "3"), ToolResult("c1", "add", "3")),
        ModelRequest("", (Turn("user", results=(ToolResult("c1", "add", "3"),)),)),
        ModelRequest("", (Turn("user", "?"), Turn("assistant", calls=(CALL,)))),
    ],
    ids=["no result", "another's", "two", "no call", "at the end"],
)
async def test_a_history_in_which_calls_and_results_do_not_match_is_refused(
    request_: ModelRequest,
) -> None:
    provider = ScriptedProvider("instant", replies=["Unused."])
    with pytest.raises(BadRequest, match="c1"):
        await _answer(provider, request_)
    assert await _answer(provider, _called(ToolResult("c1", "add", "3"))) == "Unused."


async def test_the_default_answer_speaks_of_the_last_thing_a_person_said() -> None:
    answer = await _answer(ScriptedProvider("instant"), _called(ToolResult("c1", "add", "3")))
    assert "> 1 + 2?" in answer
    assert "it is number 1 in" in answer


async def test_the_slow_script_has_forty_different_sentences() -> None:
    text = await _answer(ScriptedProvider("slow", pace=NOW))
    assert re.findall(r"Sentence (\d+)\.", text) == [str(number) for number in range(1, 41)]


async def test_faults_come_in_order_before_or_within_an_answer() -> None:
    provider = ScriptedProvider(
        "instant",
        replies=["One two three.", "Kept."],
        faults=[RateLimited(), FailAfter(2, Overloaded()), None],
    )
    with pytest.raises(RateLimited) as before:
        await _answer(provider)
    assert before.value.__notes__ == [""]
    with pytest.raises(Overloaded) as within:
        await _answer(provider)
    assert within.value.__notes__ == ["One two "]
    assert await _answer(provider) == "Kept."
    assert len(provider.requests) == 3
    assert (provider.finished, provider.closed) == (1, 0)


async def test_a_stop_between_two_pieces_is_counted() -> None:
    provider = ScriptedProvider("instant", replies=["One two."])
    async with aclosing(provider.stream(_request())) as chunks:
        await anext(chunks)
    assert (provider.finished, provider.closed) == (0, 1)


async def test_a_cancelled_wait_for_the_next_word_is_counted() -> None:
    asked = asyncio.Event()

    def reply(_: ModelRequest) -> str:
        asked.set()
        return "One two."

    provider = ScriptedProvider("demo", replies=[reply], pace=timedelta(hours=1))
    reading = asyncio.create_task(_answer(provider))
    await asked.wait()
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    assert (provider.finished, provider.closed) == (0, 1)


async def test_the_pace_is_kept() -> None:
    started = time.monotonic()
    provider = ScriptedProvider("demo", replies=["a b c d e"], pace=timedelta(milliseconds=20))
    await _answer(provider)
    assert time.monotonic() - started >= 0.1


async def test_it_is_a_provider_that_is_ready_at_once() -> None:
    provider: Provider = ScriptedProvider()
    said: list[ModelStatus] = []
    await provider.start(said.append)
    assert [status.state for status in said] == [ModelState.READY]
    assert (provider.id, provider.embedded) == ("scripted:demo", False)
    await provider.close()


def test_an_unknown_script_is_refused_with_the_names_of_the_others() -> None:
    with pytest.raises(ConfigError, match="scripted:demo, scripted:slow, scripted:instant"):
        ScriptedProvider("fast")
