"""Tools for the embedded model: it is asked in JSON which one it needs."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from agentchat.llm.base import (
    Chunk,
    File,
    Finished,
    ModelRequest,
    StopReason,
    Text,
    ToolCall,
    ToolResult,
    ToolSpec,
    Turn,
    Usage,
)
from agentchat.llm.deciding import choice_schema, stream_deciding
from agentchat.llm.openai import OpenAIProvider
from tests.fake_provider import FakeProvider, Reply
from tests.integration.asking import ADD, CLOCK, KEY, of, sse

QUESTION = Turn("user", "What is 1 + 22?")
CALL = ToolCall("call_1", "add", '{"a": 1, "b": 22}')
CALLED = Turn("assistant", calls=(CALL,))
RESULT = Turn("user", results=(ToolResult("call_1", "add", "23"),))


@pytest.fixture
async def fake() -> AsyncIterator[FakeProvider]:
    async with FakeProvider() as server:
        yield server


@pytest.fixture
async def wire(fake: FakeProvider) -> AsyncIterator[OpenAIProvider]:
    provider = OpenAIProvider("embedded", KEY, fake.openai_url, embedded=True)
    yield provider
    await provider.close()


async def chunks_of(
    wire: OpenAIProvider, *turns: Turn, tools: tuple[ToolSpec, ...] = (ADD, CLOCK), **more: Any
) -> list[Chunk]:
    request = ModelRequest("Be brief.", turns, tools=tools, **more)
    return [chunk async for chunk in stream_deciding(wire, request)]


def told(fake: FakeProvider, number: int = -1) -> list[tuple[str, str]]:
    sent = fake.requests[number].json["messages"]
    return [(message["role"], message["content"]) for message in sent]


async def test_a_tool_that_is_chosen_is_called(wire: OpenAIProvider, fake: FakeProvider) -> None:
    choice = '{"tool": "add", "arguments": {"a": 1, "b": 22}}'
    fake.enqueue(Reply(choice))
    chunks = await chunks_of(wire, QUESTION)
    assert chunks == [CALL, Finished(StopReason.TOOLS, Usage(11, len(choice)), "req_fake_1")]
    asked = fake.requests[0].json
    assert "tools" not in asked
    assert asked["response_format"]["json_schema"]["schema"] == choice_schema((ADD, CLOCK))
    system, (role, words) = told(fake)
    assert system == ("system", "Be brief.")
    assert role == "user"
    assert words.startswith(f"{QUESTION.text}\n\n")
    assert "- add: Adds two numbers.\n- clock: Tells the time.\n" in words


async def test_what_is_thought_before_a_choice_is_no_part_of_it(
    wire: OpenAIProvider, fake: FakeProvider
) -> None:
    fake.enqueue(Reply('{"tool": "clock", "arguments": {}}', reasoning="Hm."))
    chunks = await chunks_of(wire, QUESTION)
    assert chunks[:-1] == [ToolCall("call_1", "clock", "{}")]


@pytest.mark.parametrize(
    "choice",
    [
        '{"tool": "none"}',
        '{"tool": "rm", "arguments": {}}',
        '{"tool": ["add"]}',
        '{"tool": "ad',
        "Hello.",
    ],
)
async def test_without_a_tool_the_answer_is_streamed_and_both_calls_are_counted(
    wire: OpenAIProvider, fake: FakeProvider, choice: str
) -> None:
    fake.enqueue(Reply(choice), Reply("It is 23."))
    *said, last = await chunks_of(wire, QUESTION)
    assert said == [Text("It "), Text("is "), Text("23.")]
    assert last == Finished(StopReason.END, Usage(22, len(choice) + 9), "req_fake_2")
    assert told(fake) == [("system", "Be brief."), ("user", QUESTION.text)]
    assert "response_format" not in fake.requests[1].json


def counted(text: str, read: int, written: int, cached: int, kept: int) -> Reply:
    details = {"cached_tokens": cached, "cache_write_tokens": kept}
    usage = {"prompt_tokens": read, "completion_tokens": written, "prompt_tokens_details": details}
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": "stop"}
    return Reply(body=sse({"choices": [choice]}, {"choices": [], "usage": usage}))


async def test_all_that_both_calls_cost_is_added_up(
    wire: OpenAIProvider, fake: FakeProvider
) -> None:
    fake.enqueue(counted('{"tool": "none"}', 100, 7, 40, 20), counted("Hi.", 200, 5, 90, 3))
    *_, last = await chunks_of(wire, QUESTION)
    assert isinstance(last, Finished)
    assert last.usage == Usage(300, 12, False, cached_tokens=130, cache_written_tokens=23)


@pytest.mark.parametrize("first", [True, False])
async def test_a_sum_with_a_guess_in_it_is_a_guess(
    wire: OpenAIProvider, fake: FakeProvider, first: bool
) -> None:
    fake.enqueue(Reply('{"tool": "none"}', usage=first), Reply("Hi.", usage=not first))
    *_, last = await chunks_of(wire, QUESTION)
    assert isinstance(last, Finished)
    assert last.usage.estimated


@pytest.mark.parametrize("turns", [(), (Turn("user", ""),)], ids=["no turn", "no word"])
async def test_whoever_says_nothing_is_answered_all_the_same(
    wire: OpenAIProvider, fake: FakeProvider, turns: tuple[Turn, ...]
) -> None:
    fake.enqueue(Reply('{"tool": "none"}'), Reply("Yes?"))
    chunks = await chunks_of(wire, *turns)
    assert "".join(text.text for text in of(Text, chunks)) == "Yes?"
    role, words = told(fake, 0)[-1]
    assert (role, words[:8]) == ("user", "---\nDo n")


async def test_results_are_told_as_text_and_no_tool_is_offered_after_them(
    wire: OpenAIProvider, fake: FakeProvider
) -> None:
    fake.enqueue(Reply("It is 23."))
    chunks = await chunks_of(wire, QUESTION, CALLED, RESULT)
    assert of(Finished, chunks)[0].reason is StopReason.END
    assert len(fake.requests) == 1
    words = 'What is 1 + 22?\n\nThe tool add, called with {"a": 1, "b": 22}, gave this result:\n23'
    assert told(fake) == [("system", "Be brief."), ("user", words)]


async def test_a_failure_is_told_as_one(wire: OpenAIProvider, fake: FakeProvider) -> None:
    failed = Turn("user", "Well?", results=(ToolResult("call_1", "add", "No.", failed=True),))
    await chunks_of(wire, QUESTION, CALLED, failed)
    assert told(fake)[-1][1].endswith(", failed:\nNo.\n\nWell?")


async def test_results_after_words_of_the_model_are_told_apart_from_them(
    wire: OpenAIProvider, fake: FakeProvider
) -> None:
    await chunks_of(wire, QUESTION, Turn("assistant", "Let me see.", calls=(CALL,)), RESULT)
    words = 'The tool add, called with {"a": 1, "b": 22}, gave this result:\n23'
    assert told(fake)[1:] == [
        ("user", QUESTION.text),
        ("assistant", "Let me see."),
        ("user", words),
    ]


async def test_each_result_is_told_with_its_own_call(
    wire: OpenAIProvider, fake: FakeProvider
) -> None:
    late = ToolCall("call_2", "clock", "{}")
    turns = (
        *(QUESTION, CALLED, RESULT, Turn("assistant", "23.", calls=(late,))),
        Turn("user", results=(ToolResult("call_2", "clock", "noon"), RESULT.results[0])),
        Turn("user", results=(ToolResult("call_9", "clock", "one"),)),
    )
    await chunks_of(wire, *turns)
    assert told(fake)[-1][1].split("\n\n") == [
        "The tool clock, called with {}, gave this result:\nnoon",
        'The tool add, called with {"a": 1, "b": 22}, gave this result:\n23',
        "The tool clock, called, gave this result:\none",
    ]


async def test_tools_are_offered_again_at_the_next_question(
    wire: OpenAIProvider, fake: FakeProvider
) -> None:
    fake.enqueue(Reply('{"tool": "clock", "arguments": {}}'))
    turns = (QUESTION, CALLED, RESULT, Turn("assistant", "23."), Turn("user", "How late is it?"))
    chunks = await chunks_of(wire, *turns)
    assert chunks[0] == ToolCall("call_2", "clock", "{}")
    assert [role for role, _ in told(fake)] == ["system", "user", "assistant", "user"]


async def test_a_request_without_tools_is_passed_on(
    wire: OpenAIProvider, fake: FakeProvider
) -> None:
    chunks = await chunks_of(wire, QUESTION, tools=(), schema=ADD.schema)
    assert of(Finished, chunks)[0].reason is StopReason.END
    assert len(fake.requests) == 1
    assert fake.requests[0].json["response_format"]["json_schema"]["schema"] == ADD.schema


async def test_a_file_is_told_as_text(wire: OpenAIProvider, fake: FakeProvider) -> None:
    image = File("cat.png", "image/png", b"\x89PNG")
    await chunks_of(wire, Turn("user", "What is it?", files=(image,)), tools=())
    assert "cannot be shown to this model" in told(fake)[-1][1]


async def test_no_file_is_lost_where_turns_are_joined(
    wire: OpenAIProvider, fake: FakeProvider
) -> None:
    notes = [File(f"{name}.txt", "text/plain", b"", f"Note {name}.") for name in "ab"]
    fake.enqueue(Reply('{"tool": "none"}'))
    await chunks_of(wire, *(Turn("user", files=(note,)) for note in notes))
    assert "- add:" in told(fake, 0)[-1][1]
    ((role, words),) = told(fake)[1:]
    assert role == "user"
    assert words.index("Note a.") < words.index("Note b.")


def test_the_schema_of_a_choice_holds_each_tool_to_its_own_arguments() -> None:
    place = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    number = {"type": "integer"}
    where = {"type": "object", "properties": {"at": {"$ref": "#/$defs/At"}}, "required": ["at"]}
    either = {"anyOf": [{"$ref": "#/$defs/At"}, {"type": "null"}]}
    go = ToolSpec("go", "", {**where, "$defs": {"At": place}})
    maybe = ToolSpec("maybe", "", {"properties": {"at": either}, "$defs": {"At": place}})
    count = ToolSpec("count", "", {**where, "$defs": {"At": number}})
    schema = choice_schema((go, count, maybe))
    Draft202012Validator.check_schema(schema)
    fits = Draft202012Validator(schema).is_valid
    assert fits({"tool": "none"})
    assert fits({"tool": "go", "arguments": {"at": {"city": "Rome"}}})
    assert fits({"tool": "count", "arguments": {"at": 3}})
    assert not fits({"tool": "count", "arguments": {"at": {"city": "Rome"}}})
    assert fits({"tool": "maybe", "arguments": {"at": {"city": "Rome"}}})
    assert not fits({"tool": "maybe", "arguments": {"at": 3}})
    assert json.dumps(schema).count('"$defs"') == 1
    assert not fits({"tool": "go"})
    assert not fits({"tool": "none", "arguments": {}})
    assert not fits({"tool": "other", "arguments": {}})
    assert json.dumps(go.schema).count("go.") == 0
