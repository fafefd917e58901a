"""What only Anthropic's format has: answers in blocks, thoughts that are signed."""

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
    ToolSpec,
    Turn,
    Usage,
)
from tests.fake_provider import FakeProvider, Reply
from tests.integration.asking import ADD, CLOCK, KEY, QUESTION, ask, chunks_of, failure, of, sse

ASKING = ModelRequest("", QUESTION.turns, tools=(ADD, CLOCK))


@pytest.fixture
async def fake() -> AsyncIterator[FakeProvider]:
    async with FakeProvider() as server:
        yield server


@pytest.fixture
async def anthropic(fake: FakeProvider) -> AsyncIterator[AnthropicProvider]:
    provider = AnthropicProvider("fake", KEY, fake.anthropic_url)
    yield provider
    await provider.close()


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


def after(chunks: list[Chunk]) -> ModelRequest:
    """The question that follows an answer, once its calls came to something."""
    calls, thoughts = tuple(of(ToolCall, chunks)), tuple(of(Reasoning, chunks))
    results = tuple(ToolResult(call.id, call.name, "noon") for call in calls)
    answer = Turn("assistant", calls=calls, reasoning=thoughts)
    return ModelRequest(
        "", (*QUESTION.turns, answer, Turn("user", results=results)), tools=(CLOCK,)
    )


async def test_a_block_may_come_whole_and_need_not_be_closed(
    anthropic: AnthropicProvider, fake: FakeProvider
) -> None:
    text = block(0, {"type": "text", "text": "Yes."})
    call = block(1, {"type": "tool_use", "id": "", "name": "add", "input": {"a": 1}})
    fake.enqueue(blocks(*text, *call[:-1]))
    chunks = await chunks_of(anthropic, ASKING)
    call_1 = ToolCall("call_1", "add", '{"a": 1}')
    assert chunks[:-1] == [Text("Yes."), call_1]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("t", "t"), ["t", "call_1"]),
        (("call_1", "call_1"), ["call_1", "call_2"]),
        (("call_1", None), ["call_1", "call_2"]),
        ((None, "call_1"), ["call_1", "call_2"]),
    ],
)
async def test_two_calls_of_one_id_get_two(
    anthropic: AnthropicProvider,
    fake: FakeProvider,
    given: tuple[str | None, str | None],
    expected: list[str],
) -> None:
    uses: list[dict[str, Any]] = [
        {"type": "tool_use", "id": id, "name": "clock", "input": {}} for id in given
    ]
    fake.enqueue(blocks(*block(0, uses[0]), *block(1, uses[1]), reason="tool_use"))
    chunks = await chunks_of(anthropic, ASKING)
    assert [call.id for call in of(ToolCall, chunks)] == expected


async def test_a_thought_that_comes_whole_goes_back_whole(
    anthropic: AnthropicProvider, fake: FakeProvider
) -> None:
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "sig"}
    again = {"type": "signature_delta", "signature": "sig"}
    use = {"type": "tool_use", "id": "t", "name": "clock", "input": {}}
    fake.enqueue(blocks(*block(0, thought), *block(1, thought, again), *block(2, use)))
    chunks = await chunks_of(anthropic, ASKING)
    assert "".join(piece.text for piece in of(Reasoning, chunks)) == "Hm.Hm."
    await ask(anthropic, after(chunks))
    assert fake.requests[-1].json["messages"][1]["content"] == [thought, thought, use]


async def test_blocks_that_were_never_begun_are_read_all_the_same(
    anthropic: AnthropicProvider, fake: FakeProvider
) -> None:
    said = [
        (0, {"type": "thinking_delta", "thinking": "Hm."}),
        (0, {"type": "signature_delta", "signature": "sig"}),
        (1, {"type": "text_delta", "text": "Yes."}),
    ]
    events = [{"type": "content_block_delta", "index": at, "delta": delta} for at, delta in said]
    fake.enqueue(blocks(*events, {"type": "content_block_stop", "index": 7}))
    thought, text, sealed = (await chunks_of(anthropic))[:-1]
    assert (thought, text) == (Reasoning("Hm."), Text("Yes."))
    assert isinstance(sealed, Reasoning)
    assert json.loads(sealed.sealed)["block"]["thinking"] == "Hm."


async def test_tokens_that_only_the_start_tells_of_are_kept(
    anthropic: AnthropicProvider, fake: FakeProvider
) -> None:
    read = {"cache_read_input_tokens": 5, "cache_creation_input_tokens": 7}
    start = {"content": [], "usage": {"input_tokens": 3, "output_tokens": 1, **read}}
    zero = {"input_tokens": 0, "cache_read_input_tokens": None, "output_tokens": 9}
    ended = {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}, "usage": zero}
    later = {"type": "message_delta", "delta": {"stop_reason": None}, "usage": {}}
    text = block(0, {"type": "text", "text": "Yes."})
    fake.enqueue(Reply(body=sse({"type": "message_start", "message": start}, *text, ended, later)))
    _, finished = await ask(anthropic)
    assert finished.reason is StopReason.LENGTH
    assert finished.usage == Usage(15, 9, cached_tokens=5, cache_written_tokens=7)


async def test_an_estimate_counts_all_that_anthropic_wrote(
    anthropic: AnthropicProvider, fake: FakeProvider
) -> None:
    grown = {"type": "input_json_delta", "partial_json": "c" * 4000}
    said = [
        *block(0, {"type": "thinking", "thinking": "r" * 40, "signature": ""}),
        *block(1, {"type": "text", "text": "t" * 400}),
        *block(2, {"type": "tool_use", "id": "t", "name": "clock", "input": {}}, grown),
    ]
    ended = {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {}}
    fake.enqueue(Reply(body=sse(*said, ended)))
    chunks = await chunks_of(anthropic, ASKING)
    usage = of(Finished, chunks)[0].usage
    assert (usage.output_tokens, usage.estimated) == ((40 + 400 + 4000) // 4, True)


async def test_a_word_for_the_end_that_is_new_is_an_end(
    anthropic: AnthropicProvider, fake: FakeProvider
) -> None:
    fake.enqueue(blocks(*block(0, {"type": "text", "text": "Yes."}), reason="something_new"))
    assert (await ask(anthropic))[1].reason is StopReason.END


async def test_a_refusal_of_anthropic_need_not_be_explained(
    anthropic: AnthropicProvider, fake: FakeProvider
) -> None:
    why = {"type": "refusal", "category": None, "explanation": None}
    spaces = block(0, {"type": "text", "text": " \n"})
    fake.enqueue(blocks(*spaces, reason="refusal", stop_details=why))
    error = await failure(anthropic)
    assert str(error) == "fake declined to answer"


async def test_words_in_pieces_beside_an_answer_of_a_schema_are_not_lost(
    anthropic: AnthropicProvider, fake: FakeProvider
) -> None:
    request = ModelRequest("", QUESTION.turns, schema=ADD.schema)
    pieces = [{"type": "text_delta", "text": text} for text in ("I would ", "rather talk.")]
    fake.enqueue(blocks(*block(0, {"type": "text", "text": ""}, *pieces)))
    assert (await ask(anthropic, request))[0] == "I would rather talk."


async def test_the_tool_for_the_answer_is_named_like_none_of_the_history(
    anthropic: AnthropicProvider, fake: FakeProvider
) -> None:
    turns = (
        *QUESTION.turns,
        Turn("assistant", calls=(ToolCall("c1", "answer", "{}"),)),
        Turn("user", results=(ToolResult("c1", "answer", "3"),)),
    )
    fake.enqueue(Reply("", calls=(("_answer", '{"a": 1}'),)))
    assert (await ask(anthropic, ModelRequest("", turns, schema=ADD.schema)))[0] == '{"a": 1}'
    assert [tool["name"] for tool in fake.requests[0].json["tools"]] == ["answer", "_answer"]
    assert fake.rejected == []


async def test_a_name_as_long_as_may_be_stays_that_long(
    anthropic: AnthropicProvider, fake: FakeProvider
) -> None:
    name = "a" * 64
    tools = (ToolSpec(name, "", {}),)
    request = ModelRequest("", QUESTION.turns, tools=tools, schema=ADD.schema, schema_name=name)
    fake.enqueue(Reply("", calls=((f"_{name[:63]}", "{}"),)))
    assert (await ask(anthropic, request))[0] == "{}"


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
    await ask(anthropic, after(chunks))
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
    calls = of(ToolCall, await chunks_of(anthropic, request))
    assert [(call.name, call.arguments) for call in calls] == [("add", "{}")]
    assert (await ask(anthropic, request))[0] == '{"a": 1}'
    assert json.dumps(fake.rejected) == "[]"


async def test_a_refusal_after_words_leaves_the_words(
    anthropic: AnthropicProvider, fake: FakeProvider
) -> None:
    pieces = [{"type": "text_delta", "text": text} for text in ("Well.", " ")]
    fake.enqueue(blocks(*block(0, {"type": "text", "text": ""}, *pieces), reason="refusal"))
    text, finished = await ask(anthropic)
    assert (text, finished.reason) == ("Well. ", StopReason.REFUSAL)
