"""What only OpenAI's format has, and what servers make of it that are merely compatible."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from agentchat.errors import ModelRefused, TruncatedStream
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
    Usage,
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


def deltas(*said: dict[str, Any], finish: str = "stop") -> Reply:
    """An answer in OpenAI's format made of these deltas."""
    choices: list[dict[str, Any]] = [{"index": 0, "delta": delta} for delta in said]
    choices.append({"index": 0, "delta": {}, "finish_reason": finish})
    return Reply(body=sse(*({"choices": [choice]} for choice in choices)))


def part(
    name: str | None = None,
    arguments: object = None,
    id: str | None = None,
    index: int | None = 0,
    **more: Any,
) -> dict[str, Any]:
    """A piece of a call in OpenAI's format, with the fields left out that are None."""
    function = {"name": name, "arguments": arguments}
    whole = {"index": index, "id": id, "function": _given(function), **more}
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
        [part("add", '{"a"', "x"), part("", ": 1}", ""), part("clock", "{}", "y", 1)],
        [part("add", '{"a": 1}', "x"), part("add", "", "x"), part("clock", "", "y", 1)],
        [part("add", '{"a"'), part("clock", "{}", index=1), part(None, ": 1}")],
        [part("add", '{"a": 1}', "x"), part("clock", "{}", "x")],
        [part("add", '{"a": 1}', "x"), part("clock", "{", "y"), part(None, "}")],
        [part("add", '{"a": 1}'), part("clock", "")],
        [part("add", '{"a"'), part(None, ": 1}", "x"), part("clock", "{}", "y", 1)],
        [part("add", '{"a"', "x", None), part("", ": 1}", "x", None), part("clock", "", "y", None)],
        [part("add", '{"a": 1}', "call_1"), part("clock", "{}", None, 1)],
        [part("add", '{"a": 1}', "call_1"), part("clock", "{}", "call_1", 1)],
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
        "empty name and id later on",
        "id and name repeated at the end",
        "taking turns",
        "one id and one index",
        "one index and pieces",
        "no id, one index and no arguments",
        "id only at last",
        "no index but ids",
        "an id like ours and none",
        "an id like ours twice",
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


async def test_one_tool_called_twice_without_ids_is_two_calls(
    openai: OpenAIProvider, fake: FakeProvider
) -> None:
    fake.enqueue(deltas(part("add", '{"a": 1}'), part("add", '{"a": 2}')))
    assert called(await chunks_of(openai, ASKING)) == [("add", '{"a": 1}'), ("add", '{"a": 2}')]


async def test_pieces_without_an_index_go_to_the_call_of_their_id(
    openai: OpenAIProvider, fake: FakeProvider
) -> None:
    fake.enqueue(
        deltas(
            part("add", '{"a"', "x", None),
            part("clock", "{", "y", None),
            part(None, ": 1}", "x", None),
            part(None, "}", "y", None),
        )
    )
    chunks = await chunks_of(openai, ASKING)
    assert called(chunks) == BOTH
    assert [call.id for call in of(ToolCall, chunks)] == ["x", "y"]


async def test_what_gemini_adds_to_a_call_goes_back_with_that_call(
    openai: OpenAIProvider, fake: FakeProvider
) -> None:
    signed = {"google": {"thought_signature": "sig"}}
    first = part("add", '{"a": 1}', "c1", 0, extra_content=signed)
    fake.enqueue(deltas(first, part("clock", "{}", "c2", 1)))
    chunks = await chunks_of(openai, ASKING)
    calls = tuple(of(ToolCall, chunks))
    turns = (
        *QUESTION.turns,
        Turn("assistant", calls=calls, reasoning=tuple(of(Reasoning, chunks))),
        Turn("user", results=tuple(ToolResult(call.id, call.name, "3") for call in calls)),
    )
    await ask(openai, ModelRequest("", turns, tools=(ADD, CLOCK)))
    one, two = fake.requests[-1].json["messages"][1]["tool_calls"]
    assert one["extra_content"] == signed
    assert "extra_content" not in two
    assert "tool_calls" not in fake.requests[-1].json["messages"][2]


async def test_an_answer_of_mistral_in_parts_is_thoughts_and_text(
    openai: OpenAIProvider, fake: FakeProvider
) -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}], "closed": True}
    text, other = {"type": "text", "text": "Yes"}, {"type": "reference", "reference_ids": [1]}
    fake.enqueue(deltas({"content": [thinking]}, {"content": [text, other]}, {"content": "."}))
    chunks = await chunks_of(openai)
    assert chunks[:-1] == [Reasoning("Hm."), Text("Yes"), Text(".")]
    assert of(Finished, chunks)[0].usage.output_tokens == 2  # seven characters


@pytest.mark.parametrize("word", ["error", "insufficient_system_resource"])
async def test_an_answer_that_the_server_could_not_end_is_cut_off(
    openai: OpenAIProvider, fake: FakeProvider, word: str
) -> None:
    fake.enqueue(deltas({"content": "Half of"}, part("add", '{"a"', "x"), finish=word))
    assert isinstance(await failure(openai, ASKING), TruncatedStream)


async def test_a_context_that_is_full_is_the_length_limit_in_mistrals_words_too(
    openai: OpenAIProvider, fake: FakeProvider
) -> None:
    fake.enqueue(deltas({"content": "Half of"}, finish="model_length"))
    assert of(Finished, await chunks_of(openai))[0].reason is StopReason.LENGTH


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}, Usage(9, 4)),
        ({"prompt_tokens": 9, "completion_tokens": 4}, Usage(9, 4)),
        ({"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 33}, Usage(9, 24)),
        ({"prompt_tokens": 9, "total_tokens": 9}, Usage(9, 0)),
        ({"completion_tokens": 4}, Usage(0, 4)),
        (
            {"prompt_tokens": 9, "completion_tokens": 4, "prompt_tokens_details": {}},
            Usage(9, 4),
        ),
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 4,
                "prompt_tokens_details": {"cached_tokens": 7, "cache_write_tokens": 2},
            },
            Usage(9, 4, cached_tokens=7, cache_written_tokens=2),
        ),
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 4,
                "prompt_tokens_details": {"cached_tokens": 70, "cache_write_tokens": 20},
            },
            Usage(9, 4, cached_tokens=9, cache_written_tokens=9),
        ),
        ({"prompt_tokens": 0, "completion_tokens": 0}, Usage(4, 1, estimated=True)),
    ],
)
@pytest.mark.parametrize("choices", [[], None], ids=["no choice", "null"])
async def test_tokens_are_counted_as_the_last_chunk_says(
    openai: OpenAIProvider,
    fake: FakeProvider,
    usage: dict[str, Any],
    expected: Usage,
    choices: list[Any] | None,
) -> None:
    choice = {"delta": {"content": "Yes."}, "finish_reason": "stop"}
    before = {"prompt_tokens": 1, "completion_tokens": 1} if usage.get("prompt_tokens") else None
    last = {"choices": choices, "usage": usage}
    said = {"choices": [choice], "usage": before}
    fake.enqueue(Reply(body=sse({"choices": choices}, said, last, {"choices": choices})))
    assert (await ask(openai))[1].usage == expected


async def test_an_estimate_counts_text_thoughts_and_calls(
    openai: OpenAIProvider, fake: FakeProvider
) -> None:
    said = ({"reasoning": "r" * 40}, {"content": "t" * 400}, part("clock", "c" * 3995, "x"))
    fake.enqueue(deltas(*said))
    chunks = await chunks_of(openai, ASKING)
    assert of(Finished, chunks)[0].usage.output_tokens == (40 + 400 + 4000) // 4


async def test_a_refusal_in_pieces_is_told_whole_and_beats_the_length_limit(
    openai: OpenAIProvider, fake: FakeProvider
) -> None:
    fake.enqueue(deltas({"refusal": "I would "}, {"refusal": "not."}, {}, finish="length"))
    error = await failure(openai)
    assert isinstance(error, ModelRefused)
    assert "I would not." in str(error)


@pytest.mark.parametrize("said", ["<think>Hm.</think>\n", " \n"], ids=["thoughts", "spaces"])
async def test_neither_thoughts_nor_spaces_before_a_refusal_are_words(
    openai: OpenAIProvider, fake: FakeProvider, said: str
) -> None:
    fake.enqueue(deltas({"content": said}, finish="content_filter"))
    assert isinstance(await failure(openai), ModelRefused)


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
    assert {"reasoning_content", "reasoning"} & set(fake.requests[-1].json["messages"][1]) == {
        field
    }


async def test_reasoning_that_led_to_no_call_is_not_sent_back(
    openai: OpenAIProvider, fake: FakeProvider
) -> None:
    fake.enqueue(deltas({"reasoning": "Hm."}, {"content": "Yes.", "reasoning": {"effort": 1}}))
    assert (await chunks_of(openai))[:-1] == [Reasoning("Hm."), Text("Yes.")]


async def test_a_choice_without_a_delta_is_passed_over(
    openai: OpenAIProvider, fake: FakeProvider
) -> None:
    last = {"choices": [{"index": 0, "finish_reason": "stop"}]}
    fake.enqueue(Reply(body=sse({"choices": [{"delta": {"content": "Yes."}}]}, last)))
    assert (await ask(openai))[0] == "Yes."
