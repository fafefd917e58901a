"""What only one of the wire formats has, and what servers make of it that are merely compatible."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from agentchat.errors import ModelRefused
from agentchat.llm.anthropic import AnthropicProvider
from agentchat.llm.base import (
    Chunk,
    Finished,
    ModelRequest,
    Reasoning,
    StopReason,
    Text,
    ToolCall,
    ToolResult,
    Turn,
)
from agentchat.llm.openai import OpenAIProvider
from tests.fake_provider import FakeProvider, Reply
from tests.integration.asking import ADD, CLOCK, KEY, QUESTION, ask, chunks_of, failure, of, sse

ASKING = ModelRequest("", QUESTION.turns, tools=(ADD, CLOCK))


@pytest.fixture
async def fake() -> AsyncIterator[FakeProvider]:
    async with FakeProvider() as server:
        yield server


@pytest.fixture
async def openai(fake: FakeProvider) -> AsyncIterator[OpenAIProvider]:
    provider = OpenAIProvider("fake", KEY, fake.openai_url)
    yield provider
    await provider.close()


@pytest.fixture
async def anthropic(fake: FakeProvider) -> AsyncIterator[AnthropicProvider]:
    provider = AnthropicProvider("fake", KEY, fake.anthropic_url)
    yield provider
    await provider.close()


def deltas(*said: dict[str, Any], finish: str = "stop") -> Reply:
    """An answer in OpenAI's format made of these deltas."""
    choices: list[dict[str, Any]] = [{"index": 0, "delta": delta} for delta in said]
    choices.append({"index": 0, "delta": {}, "finish_reason": finish})
    return Reply(body=sse(*({"choices": [choice]} for choice in choices)))


def blocks(*events: dict[str, Any], reason: str = "end_turn", **details: Any) -> Reply:
    """An answer in Anthropic's format made of these events."""
    usage = {"input_tokens": 3, "output_tokens": 4}
    start = {"type": "message_start", "message": {"content": [], "usage": usage}}
    ended = {"type": "message_delta", "delta": {"stop_reason": reason, **details}, "usage": usage}
    return Reply(body=sse(start, *events, ended, {"type": "message_stop"}))


def block(index: int, begin: dict[str, Any], *grown: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": begin},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in grown),
        {"type": "content_block_stop", "index": index},
    ]


def part(
    name: str | None = None, arguments: object = None, id: str | None = None, index: int | None = 0
) -> dict[str, Any]:
    """A piece of a call in OpenAI's format, with the fields left out that are None."""
    function = {"name": name, "arguments": arguments}
    whole = {"index": index, "id": id, "function": _given(function)}
    return {"tool_calls": [_given(whole)]}


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def called(chunks: list[Chunk]) -> list[tuple[str, str]]:
    return [(call.name, call.arguments) for call in of(ToolCall, chunks)]


BOTH = [("add", '{"a": 1}'), ("clock", "{}")]


@pytest.mark.parametrize(
    "said",
    [
        [part("add", '{"a": 1}', "x"), part("clock", "{}", "y", 1)],
        [part("add", '{"a": 1}', index=None), part("clock", "{}", index=None)],
        [part("add", '{"a": 1}'), part("clock", "{}")],
        [part("add", '{"a": 1}', "x"), part("clock", "{}", "y")],
        [part("add", '{"a": 1}', "x"), part("clock", "", "y")],
        [part("add", '{"a": 1}', "x", None), part("clock", "{}", "y", None)],
        [part("add", '{"a', "x"), part("add", '": 1}', "x"), part("clock", "{}", "y", 1)],
        [part("add", "", "x"), part("add", '{"a": 1}'), part("clock", "", "y", 1)],
        [part("add", '{"a"', "x"), part(None, ": 1}", index=None), part("clock", "", "y", 1)],
        [part("add", '{"a": 1}', "x"), part("clock", "", "x", 1)],
        [part("add", {"a": 1}, "x"), part("clock", {}, "y", 1)],
        [part("ad", "", "x"), part("d", ""), part(None, '{"a": 1}'), part("clock", "", "y", 1)],
    ],
    ids=[
        "whole",
        "neither index nor id",
        "no id and one index",
        "one index",
        "one index and no arguments",
        "no index",
        "id and name repeated",
        "name repeated",
        "index only at first",
        "one id",
        "arguments as an object",
        "name in pieces",
    ],
)
async def test_calls_are_understood_however_a_server_cuts_them(
    openai: OpenAIProvider, fake: FakeProvider, said: list[dict[str, Any]]
) -> None:
    fake.enqueue(deltas(*said))
    chunks = await chunks_of(openai, ASKING)
    assert called(chunks) == BOTH
    assert of(Finished, chunks)[0].reason is StopReason.TOOLS
    ids = [call.id for call in of(ToolCall, chunks)]
    assert len(set(ids)) == 2
    assert all(ids)


async def test_an_id_that_the_server_does_not_give_is_one_that_the_history_has_not(
    openai: OpenAIProvider, fake: FakeProvider
) -> None:
    fake.enqueue(deltas(part("clock", "{}"), part("add", "{}")))
    turns = (
        *QUESTION.turns,
        Turn("assistant", calls=(ToolCall("call_2", "add", "{}"),)),
        Turn("user", results=(ToolResult("call_2", "add", "3"),)),
    )
    chunks = await chunks_of(openai, ModelRequest("", turns, tools=(ADD, CLOCK)))
    assert [call.id for call in of(ToolCall, chunks)] == ["call_3", "call_4"]


async def test_a_function_call_of_old_is_a_call(openai: OpenAIProvider, fake: FakeProvider) -> None:
    first = {"function_call": {"name": "add", "arguments": '{"a"'}}
    second = {"function_call": {"arguments": ": 1}"}}
    fake.enqueue(deltas(first, second, finish="function_call"))
    assert called(await chunks_of(openai, ASKING)) == BOTH[:1]


@pytest.mark.parametrize(
    "pieces",
    [
        ["<think>Hm, <b>.</think>\n\nYes <think>."],
        list("<think>Hm, <b>.</think>\n\nYes <think>."),
        ["\n<thi", "nk>Hm, <b>.</th", "ink>", "\n", "\nYes <think>."],
    ],
    ids=["at once", "by characters", "split"],
)
async def test_thoughts_between_tags_are_reasoning_however_they_are_split(
    openai: OpenAIProvider, fake: FakeProvider, pieces: list[str]
) -> None:
    fake.enqueue(deltas(*({"content": piece} for piece in pieces)))
    chunks = await chunks_of(openai)
    assert "".join(thought.text for thought in of(Reasoning, chunks)) == "Hm, <b>."
    assert "".join(text.text for text in of(Text, chunks)) == "Yes <think>."


@pytest.mark.parametrize("answer", ["<thin", "Use <think>.", "<", "a</think>b", "  <b>"])
async def test_an_answer_that_does_not_begin_with_the_tag_is_left_alone(
    openai: OpenAIProvider, fake: FakeProvider, answer: str
) -> None:
    fake.enqueue(deltas(*({"content": piece} for piece in answer)))
    text, _ = await ask(openai)
    assert text == answer


async def test_thoughts_that_were_cut_off_are_no_answer(
    openai: OpenAIProvider, fake: FakeProvider
) -> None:
    fake.enqueue(deltas({"content": "<think>Hm.</"}, finish="length"))
    chunks = await chunks_of(openai)
    assert chunks[:-1] == [Reasoning("Hm."), Reasoning("</")]
    assert of(Finished, chunks)[0].reason is StopReason.LENGTH


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
async def test_reasoning_in_a_field_goes_back_in_that_field_with_the_calls_it_led_to(
    openai: OpenAIProvider, fake: FakeProvider, field: str
) -> None:
    fake.enqueue(deltas({field: "Hm, "}, {field: "hm."}, part("clock", "{}", "c1")))
    chunks = await chunks_of(openai, ASKING)
    *thoughts, seal = of(Reasoning, chunks)
    assert thoughts == [Reasoning("Hm, "), Reasoning("hm.")]
    turns = (
        *QUESTION.turns,
        Turn("assistant", calls=tuple(of(ToolCall, chunks)), reasoning=(seal,)),
        Turn("user", results=(ToolResult("c1", "clock", "noon"),)),
    )
    await ask(openai, ModelRequest("", turns))
    assert fake.requests[-1].json["messages"][1][field] == "Hm, hm."


async def test_reasoning_that_led_to_no_call_is_not_sent_back(
    openai: OpenAIProvider, fake: FakeProvider
) -> None:
    fake.enqueue(deltas({"reasoning": "Hm."}, {"content": "Yes."}))
    assert of(Reasoning, await chunks_of(openai)) == [Reasoning("Hm.")]


async def test_a_choice_without_a_delta_is_passed_over(
    openai: OpenAIProvider, fake: FakeProvider
) -> None:
    last = {"choices": [{"index": 0, "finish_reason": "stop"}]}
    fake.enqueue(Reply(body=sse({"choices": [{"delta": {"content": "Yes."}}]}, last)))
    assert (await ask(openai))[0] == "Yes."


async def test_a_block_may_come_whole_and_need_not_be_closed(
    anthropic: AnthropicProvider, fake: FakeProvider
) -> None:
    text = block(0, {"type": "text", "text": "Yes."})
    call = block(1, {"type": "tool_use", "id": "", "name": "add", "input": {"a": 1}})
    fake.enqueue(blocks(*text, *call[:-1]))
    chunks = await chunks_of(anthropic, ASKING)
    call_1 = ToolCall("call_1", "add", '{"a": 1}')
    assert chunks[:-1] == [Text("Yes."), call_1]


async def test_two_calls_of_one_id_get_two(
    anthropic: AnthropicProvider, fake: FakeProvider
) -> None:
    use = {"type": "tool_use", "id": "t", "name": "clock", "input": {}}
    fake.enqueue(blocks(*block(0, use), *block(1, use), reason="tool_use"))
    chunks = await chunks_of(anthropic, ASKING)
    assert [call.id for call in of(ToolCall, chunks)] == ["t", "call_1"]


async def test_thoughts_that_nobody_can_read_go_back_as_they_came_and_in_their_order(
    anthropic: AnthropicProvider, fake: FakeProvider
) -> None:
    begin = {"type": "thinking", "thinking": "", "signature": ""}
    signed = {"type": "signature_delta", "signature": "sig"}
    secret = {"type": "redacted_thinking", "data": "xyz"}
    use = {"type": "tool_use", "id": "t", "name": "clock", "input": {}}
    answer = [*block(0, begin, signed), *block(1, secret), *block(2, use)]
    fake.enqueue(blocks(*answer, reason="tool_use"))
    chunks = await chunks_of(anthropic, ASKING)
    assert [thought.text for thought in of(Reasoning, chunks)] == ["", ""]
    turns = (
        *QUESTION.turns,
        Turn(
            "assistant", calls=tuple(of(ToolCall, chunks)), reasoning=tuple(of(Reasoning, chunks))
        ),
        Turn("user", results=(ToolResult("t", "clock", "noon"),)),
    )
    await ask(anthropic, ModelRequest("", turns, tools=(CLOCK,)))
    assert fake.requests[-1].json["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "", "signature": "sig"},
        secret,
        use,
    ]


async def test_thoughts_without_a_signature_are_not_sent_back(
    anthropic: AnthropicProvider, fake: FakeProvider
) -> None:
    thinking = {"type": "thinking_delta", "thinking": "Hm."}
    begin = {"type": "thinking", "thinking": "Oh. ", "signature": ""}
    text = block(1, {"type": "text", "text": "Yes."})
    fake.enqueue(blocks(*block(0, begin, thinking), *text))
    chunks = await chunks_of(anthropic)
    assert chunks[:-1] == [Reasoning("Oh. "), Reasoning("Hm."), Text("Yes.")]


async def test_blocks_of_another_kind_are_passed_over(
    anthropic: AnthropicProvider, fake: FakeProvider
) -> None:
    other = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    grown = {"type": "input_json_delta", "partial_json": "{}"}
    fake.enqueue(blocks(*block(0, other, grown), *block(1, {"type": "text", "text": "Yes."})))
    chunks = await chunks_of(anthropic)
    assert chunks[:-1] == [Text("Yes.")]
    assert of(Finished, chunks)[0].reason is StopReason.END


async def test_a_refusal_of_anthropic_carries_its_explanation(
    anthropic: AnthropicProvider, fake: FakeProvider
) -> None:
    why = {"type": "refusal", "category": "bio", "explanation": "I would rather not."}
    fake.enqueue(blocks(reason="refusal", stop_details=why))
    error = await failure(anthropic)
    assert isinstance(error, ModelRefused)
    assert "I would rather not." in str(error)


async def test_a_tool_of_the_answers_own_name_is_not_mistaken_for_the_answer(
    anthropic: AnthropicProvider, fake: FakeProvider
) -> None:
    request = ModelRequest("", QUESTION.turns, tools=(ADD,), schema=ADD.schema, schema_name="add")
    fake.enqueue(Reply("", calls=(("add", "{}"),)), Reply("", calls=(("_add", '{"a": 1}'),)))
    assert called(await chunks_of(anthropic, request)) == [("add", "{}")]
    assert (await ask(anthropic, request))[0] == '{"a": 1}'
    assert json.dumps(fake.rejected) == "[]"
