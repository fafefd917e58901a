"""Tools, reasoning, files and answers in JSON, with the vendors' real SDKs over real HTTP."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from agentchat.errors import BadRequest, ModelRefused
from agentchat.llm.anthropic import AnthropicProvider
from agentchat.llm.anthropic_wire import knows_output_format
from agentchat.llm.base import (
    File,
    Finished,
    ModelRequest,
    Provider,
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
from tests.integration.asking import (
    ADD,
    CLOCK,
    KEY,
    LONG,
    NUMBERS,
    QUESTION,
    Make,
    anthropic_at,
    ask,
    chunks_of,
    failure,
    of,
    openai_at,
)

TWO_CALLS = (("add", '{"a": 1, "b": 22}'), ("clock", ""))
PNG = File("cat.png", "image/png", b"\x89PNG")
PAPER = File("paper.pdf", "application/pdf", b"%PDF-1.7", "What the paper says.")
NOTE = File("note.txt", "text/plain", b"Buy milk.", "Buy milk.")


@pytest.fixture(params=[openai_at, anthropic_at], ids=["openai", "anthropic"])
def make(request: pytest.FixtureRequest) -> Make:
    maker: Make = request.param
    return maker


@pytest.fixture
async def fake() -> AsyncIterator[FakeProvider]:
    async with FakeProvider() as server:
        yield server


@pytest.fixture
async def provider(make: Make, fake: FakeProvider) -> AsyncIterator[Provider]:
    """A model behind a server that is merely compatible."""
    made = make(fake.openai_url, fake.anthropic_url, LONG)
    yield made
    await made.close()


@pytest.fixture
async def vendor(
    make: Make, fake: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Provider]:
    """A model of the vendor's own."""
    monkeypatch.setattr("agentchat.llm.openai.OPENAI_URL", fake.openai_url)
    monkeypatch.setattr("agentchat.llm.anthropic.ANTHROPIC_URL", fake.anthropic_url)
    made = make(fake.openai_url, fake.anthropic_url, LONG)
    yield made
    await made.close()


def asking(*turns: Turn, **more: Any) -> ModelRequest:
    return ModelRequest("Be brief.", turns or QUESTION.turns, **{"tools": (ADD, CLOCK), **more})


def after(*calls: ToolCall, text: str = "", failed: bool = False, **assistant: Any) -> list[Turn]:
    """A history that ends with the results of ``calls``."""
    results = tuple(ToolResult(call.id, call.name, "23", failed) for call in calls)
    return [
        Turn("user", "What is 1 + 22?"),
        Turn("assistant", "Let me see.", calls, **assistant),
        Turn("user", text, results=results),
    ]


def messages(fake: FakeProvider, number: int = -1) -> list[dict[str, Any]]:
    """The history as it was sent, without the instructions."""
    sent: list[dict[str, Any]] = fake.requests[number].json["messages"]
    return [message for message in sent if message["role"] != "system"]


async def test_calls_come_whole_after_the_text_and_say_that_they_wait(
    provider: Provider, fake: FakeProvider
) -> None:
    fake.enqueue(Reply("Let me see.", calls=TWO_CALLS))
    chunks = await chunks_of(provider, asking())
    first, second = of(ToolCall, chunks)
    assert chunks == [Text("Let "), Text("me "), Text("see."), first, second, chunks[-1]]
    assert (first.name, first.arguments) == ("add", '{"a": 1, "b": 22}')
    assert (second.name, second.arguments) == ("clock", "{}")
    assert "req_fake_1" in first.id
    assert first.id != second.id
    assert chunks[-1] == Finished(StopReason.TOOLS, Usage(11, 11), "req_fake_1")


async def test_the_model_is_told_of_the_tools(
    make: Make, provider: Provider, fake: FakeProvider
) -> None:
    await chunks_of(provider, asking())
    nothing = {"type": "object", "properties": {}}
    tools = [("add", "Adds two numbers.", NUMBERS), ("clock", "Tells the time.", nothing)]
    seen = fake.requests[0].json
    if make is openai_at:
        keys = ("name", "description", "parameters")
        assert seen["tools"] == [
            {"type": "function", "function": dict(zip(keys, tool, strict=True))} for tool in tools
        ]
    else:
        keys = ("name", "description", "input_schema")
        assert seen["tools"] == [dict(zip(keys, tool, strict=True)) for tool in tools]
    assert "tool_choice" not in seen


async def test_a_request_without_tools_speaks_of_none(
    provider: Provider, fake: FakeProvider
) -> None:
    await ask(provider)
    assert not {"tools", "tool_choice", "response_format", "output_config"} & set(
        fake.requests[0].json
    )


async def test_what_the_model_called_and_what_came_of_it_go_back_in_the_wire_format(
    make: Make, provider: Provider, fake: FakeProvider
) -> None:
    fake.enqueue(Reply("Let me see.", calls=TWO_CALLS), Reply("It is 23."))
    calls = of(ToolCall, await chunks_of(provider, asking()))
    text, finished = await ask(provider, asking(*after(*calls, text="Go on.")))
    assert (text, finished.reason, fake.rejected) == ("It is 23.", StopReason.END, [])
    one, two = (call.id for call in calls)
    _, called, *told = messages(fake)
    if make is openai_at:
        assert called == {
            "role": "assistant",
            "content": "Let me see.",
            "tool_calls": [
                {
                    "id": one,
                    "type": "function",
                    "function": {"name": "add", "arguments": '{"a": 1, "b": 22}'},
                },
                {
                    "id": two,
                    "type": "function",
                    "function": {"name": "clock", "arguments": "{}"},
                },
            ],
        }
        assert told == [
            {"role": "tool", "tool_call_id": one, "content": "23"},
            {"role": "tool", "tool_call_id": two, "content": "23"},
            {"role": "user", "content": "Go on."},
        ]
    else:
        assert called["content"] == [
            {"type": "text", "text": "Let me see."},
            {"type": "tool_use", "id": one, "name": "add", "input": {"a": 1, "b": 22}},
            {"type": "tool_use", "id": two, "name": "clock", "input": {}},
        ]
        assert told == [
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": one, "content": "23"},
                    {"type": "tool_result", "tool_use_id": two, "content": "23"},
                    {"type": "text", "text": "Go on."},
                ],
            }
        ]


async def test_a_call_that_failed_is_told_as_failed(
    make: Make, provider: Provider, fake: FakeProvider
) -> None:
    await ask(provider, asking(*after(ToolCall("c1", "add", "{}"), failed=True)))
    told = messages(fake)[-1]
    if make is openai_at:
        assert told["content"] == "Error: 23"
    else:
        assert told["content"][0]["is_error"] is True


@pytest.mark.parametrize("words", ["", " \n"])
async def test_a_result_without_words_is_accepted_even_when_it_failed(
    make: Make, provider: Provider, fake: FakeProvider, words: str
) -> None:
    result = ToolResult("c1", "add", words, failed=True)
    turns = [*after(ToolCall("c1", "add", "{}"))[:2], Turn("user", results=(result,))]
    await ask(provider, asking(*turns))
    assert fake.rejected == []
    if make is anthropic_at:
        assert messages(fake)[-1]["content"][0]["content"] == "(nothing)"


async def test_results_come_before_the_files_and_the_words_that_follow_them(
    make: Make, provider: Provider, fake: FakeProvider
) -> None:
    *before, last = after(ToolCall("c1", "add", "{}"), text="Look.")
    await ask(provider, asking(*before, replace(last, files=(PNG,))))
    assert fake.rejected == []
    told = messages(fake)[2:]
    if make is openai_at:
        assert [message["role"] for message in told] == ["tool", "user"]
        assert [part["type"] for part in told[1]["content"]] == ["image_url", "text"]
    else:
        assert [part["type"] for part in told[0]["content"]] == ["tool_result", "image", "text"]


async def test_a_call_without_words_says_none_and_a_result_without_words_is_followed_by_none(
    make: Make, provider: Provider, fake: FakeProvider
) -> None:
    call = ToolCall("c1", "add", '{"a": "ü"}')
    turns = after(call)
    await ask(provider, asking(turns[0], replace(turns[1], text=""), turns[2]))
    assert fake.rejected == []
    _, called, told = messages(fake)
    if make is openai_at:
        assert called["content"] is None
        assert called["tool_calls"][0]["function"]["arguments"] == call.arguments
        assert told["role"] == "tool"
    else:
        assert [block["type"] for block in called["content"]] == ["tool_use"]
        assert [block["type"] for block in told["content"]] == ["tool_result"]


async def test_a_history_whose_calls_have_no_results_is_refused_by_the_server(
    provider: Provider, fake: FakeProvider
) -> None:
    turns = [*after(ToolCall("c1", "add", "{}"))[:2], Turn("user", "And?")]
    error = await failure(provider, asking(*turns))
    assert isinstance(error, BadRequest)
    assert "c1" in str(error)
    assert len(fake.rejected) == 1


@pytest.mark.parametrize(
    ("openai_word", "anthropic_word", "reason"),
    [
        ("length", "max_tokens", StopReason.LENGTH),
        ("length", "model_context_window_exceeded", StopReason.LENGTH),
        ("length", "pause_turn", StopReason.LENGTH),
        ("content_filter", "refusal", StopReason.REFUSAL),
    ],
)
async def test_calls_of_an_answer_that_was_cut_off_are_not_made(
    make: Make,
    provider: Provider,
    fake: FakeProvider,
    openai_word: str,
    anthropic_word: str,
    reason: StopReason,
) -> None:
    word = openai_word if make is openai_at else anthropic_word
    fake.enqueue(Reply("Some text.", calls=(("clock", ""),), finish=word))
    chunks = await chunks_of(provider, asking())
    assert of(ToolCall, chunks) == []
    assert of(Finished, chunks)[0].reason is reason


async def test_calls_count_though_the_server_says_a_natural_end(
    make: Make, provider: Provider, fake: FakeProvider
) -> None:
    word = "stop" if make is openai_at else "end_turn"
    fake.enqueue(Reply("", calls=TWO_CALLS, finish=word))
    chunks = await chunks_of(provider, asking())
    assert len(of(ToolCall, chunks)) == 2
    assert of(Finished, chunks)[0].reason is StopReason.TOOLS


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        ('{"a": 1', {"_invalid": '{"a": 1'}),
        ("[1]", {"_invalid": "[1]"}),
        ('{"a": NaN}', {"_invalid": '{"a": NaN}'}),
        ('{"a": "\\ud800"}', {"_invalid": '{"a": "\\ud800"}'}),
        ("[" * 100_000, {"_invalid": "[" * 100_000}),
        ("", {}),
        ("null", {}),
        ('{"a": "ü"}', {"a": "ü"}),
    ],
    ids=["cut", "list", "nan", "surrogate", "deep", "empty", "null", "fine"],
)
async def test_arguments_that_are_no_object_go_back_inside_of_one(
    make: Make, provider: Provider, fake: FakeProvider, arguments: str, sent: object
) -> None:
    await ask(provider, asking(*after(ToolCall("c1", "add", arguments))))
    called = messages(fake)[1]
    if make is openai_at:
        assert json.loads(called["tool_calls"][0]["function"]["arguments"]) == sent
    else:
        assert called["content"][1]["input"] == sent


async def test_ids_and_names_from_another_vendor_are_made_to_fit(
    provider: Provider, fake: FakeProvider
) -> None:
    odd = ToolCall("functions.add:0", "add numbers!", "{}")
    long = ToolCall("c" * 41, "a" * 200, "{}")
    turns = [
        *after(ToolCall("call_2", "add", "{}")),
        *after(odd, long),
        *after(ToolCall("call_1", "add", "{}")),
        *after(ToolCall("call_1", "", "{}")),
    ]
    await ask(provider, asking(*turns))
    assert fake.rejected == []


async def test_a_history_with_calls_is_accepted_when_no_tools_are_offered_any_more(
    make: Make, provider: Provider, fake: FakeProvider
) -> None:
    await ask(provider, asking(*after(ToolCall("c1", "add", "{}")), tools=()))
    assert fake.rejected == []
    if make is anthropic_at:
        seen = fake.requests[0].json
        assert [tool["name"] for tool in seen["tools"]] == ["add"]
        assert seen["tool_choice"] == {"type": "none"}


async def test_turns_that_say_nothing_are_left_out(provider: Provider, fake: FakeProvider) -> None:
    turns = (Turn("user", "Hi."), Turn("assistant", " \n"), Turn("user", "Are you there?"))
    await ask(provider, asking(*turns))
    assert fake.rejected == []
    assert [message["content"] for message in messages(fake)] == ["Hi.", "Are you there?"]


async def test_reasoning_comes_apart_from_the_answer(
    provider: Provider, fake: FakeProvider
) -> None:
    fake.enqueue(Reply("Yes.", reasoning="Hm, hm.", calls=TWO_CALLS))
    chunks = await chunks_of(provider, asking())
    thoughts = of(Reasoning, chunks)
    assert "".join(thought.text for thought in thoughts) == "Hm, hm."
    assert [bool(thought.sealed) for thought in thoughts] == [False, True]
    assert "".join(text.text for text in of(Text, chunks)) == "Yes."


async def test_reasoning_goes_back_to_whom_it_came_from_and_to_nobody_else(
    make: Make, provider: Provider, fake: FakeProvider
) -> None:
    fake.enqueue(Reply("Yes.", reasoning="Hm, hm.", calls=(("clock", ""),)))
    chunks = await chunks_of(provider, asking())
    thoughts = tuple(of(Reasoning, chunks))
    request = asking(*after(*of(ToolCall, chunks), reasoning=thoughts))
    await ask(provider, request)
    back = messages(fake)[1]
    if make is openai_at:
        assert back["reasoning_content"] == "Hm, hm."
    else:
        thinking = {"type": "thinking", "thinking": "Hm, hm.", "signature": "signed"}
        assert back["content"][0] == thinking
    for other in (
        OpenAIProvider("other", KEY, fake.openai_url),
        AnthropicProvider("other", KEY, fake.anthropic_url),
    ):
        await ask(other, request)
        assert "Hm, hm." not in json.dumps(fake.requests[-1].json)
        await other.close()
    assert fake.rejected == []


async def test_a_turn_of_nothing_but_thoughts_is_left_out(
    provider: Provider, fake: FakeProvider
) -> None:
    fake.enqueue(Reply("", reasoning="Hm."))
    thoughts = tuple(of(Reasoning, await chunks_of(provider, asking())))
    await ask(provider, asking(Turn("user", "?"), Turn("assistant", "", reasoning=thoughts)))
    assert fake.rejected == []
    assert len(messages(fake)) == 1


async def test_tokens_from_the_cache_are_counted_among_those_read(
    provider: Provider, fake: FakeProvider
) -> None:
    fake.enqueue(Reply("Four.", cached=8))
    _, finished = await ask(provider)
    assert finished.usage == Usage(11, 5, cached_tokens=8)


async def test_an_estimate_counts_tools_calls_and_results(
    provider: Provider, fake: FakeProvider
) -> None:
    fake.enqueue(
        Reply("x", usage=False), Reply("x", usage=False), Reply("", usage=False, calls=TWO_CALLS)
    )
    _, plain = await ask(provider, asking(tools=()))
    _, full = await ask(provider, asking(*after(ToolCall("c1", "add", '{"a": 1}'))))
    called = of(Finished, await chunks_of(provider, asking()))[0]
    assert plain.usage.estimated
    assert full.usage.input_tokens > plain.usage.input_tokens + len(json.dumps(NUMBERS)) // 4
    assert called.usage.output_tokens > plain.usage.output_tokens


async def test_images_go_as_they_are_and_other_files_as_text_under_their_names(
    make: Make, provider: Provider, fake: FakeProvider
) -> None:
    assert "image/png" in provider.media_types
    assert "application/pdf" not in provider.media_types
    heic = File("cat.heic", "image/heic", b"heic")
    turn = Turn("user", "What is this?", files=(PNG, PAPER, NOTE, heic))
    await ask(provider, asking(turn, tools=()))
    image, text = messages(fake)[0]["content"]
    data = base64.b64encode(PNG.content).decode()
    if make is openai_at:
        assert image["image_url"] == {"url": f"data:image/png;base64,{data}"}
    else:
        assert image["source"] == {"type": "base64", "media_type": "image/png", "data": data}
    assert text["text"] == (
        "[File: paper.pdf]\nWhat the paper says.\n[End of file: paper.pdf]\n\n"
        "[File: note.txt]\nBuy milk.\n[End of file: note.txt]\n\n"
        "[The file cat.heic (image/heic) cannot be shown to this model.]\n\n"
        "What is this?"
    )


async def test_the_vendor_is_given_a_pdf_as_it_is(
    make: Make, vendor: Provider, fake: FakeProvider
) -> None:
    assert "application/pdf" in vendor.media_types
    await ask(vendor, asking(Turn("user", files=(PAPER,)), tools=()))
    (part,) = messages(fake)[0]["content"]
    data = base64.b64encode(PAPER.content).decode()
    if make is openai_at:
        url = f"data:application/pdf;base64,{data}"
        assert part == {"type": "file", "file": {"filename": "paper.pdf", "file_data": url}}
    else:
        assert (part["type"], part["title"]) == ("document", "paper.pdf")
        assert part["source"]["data"] == data
    assert "What the paper says." not in json.dumps(fake.requests[0].json)


async def test_only_the_vendor_is_told_what_to_keep_in_its_cache(
    make: Make, vendor: Provider, fake: FakeProvider
) -> None:
    await ask(vendor, asking(*after(ToolCall("c1", "add", "{}"))))
    marked = json.dumps(fake.requests[0].json).count("cache_control")
    assert marked == (0 if make is openai_at else 3)
    if make is anthropic_at:
        seen = fake.requests[0].json
        assert seen["system"][-1]["cache_control"] == {"type": "ephemeral"}
        assert seen["tools"][-1]["cache_control"] == {"type": "ephemeral"}
        assert messages(fake)[-1]["content"][-1]["cache_control"] == {"type": "ephemeral"}
        assert vendor.id == "anthropic:fake"
        await ask(vendor, asking(*after(ToolCall("c1", "add", "{}"), text="Go on."), tools=()))
        kept = [block.get("cache_control") for block in messages(fake)[-1]["content"]]
        assert kept == [None, {"type": "ephemeral"}]
        await ask(vendor, asking(tools=()))
        assert messages(fake)[-1]["content"][0]["cache_control"] == {"type": "ephemeral"}
    assert fake.rejected == []


async def test_a_compatible_server_is_not_told_of_the_cache(
    provider: Provider, fake: FakeProvider
) -> None:
    await ask(provider, asking(*after(ToolCall("c1", "add", "{}"))))
    assert "cache_control" not in json.dumps(fake.requests[0].json)
    assert provider.id == "compatible:fake"


async def test_an_answer_of_a_schema_is_asked_of_the_vendor_in_its_own_way(
    make: Make, vendor: Provider, fake: FakeProvider
) -> None:
    fake.enqueue(Reply('{"a": 1, "b": 2}'))
    text, _ = await ask(vendor, asking(tools=(), schema=NUMBERS, schema_name="two numbers"))
    assert text == '{"a": 1, "b": 2}'
    seen = fake.requests[0].json
    if make is openai_at:
        shape = {"name": "two_numbers", "schema": NUMBERS, "strict": True}
        assert seen["response_format"] == {"type": "json_schema", "json_schema": shape}
    else:
        assert seen["output_config"] == {"format": {"type": "json_schema", "schema": NUMBERS}}
        assert "tool_choice" not in seen
    assert fake.rejected == []


@pytest.mark.parametrize("tools", [(), (ADD,)], ids=["alone", "with tools"])
async def test_an_answer_of_a_schema_is_had_from_any_server(
    make: Make, provider: Provider, fake: FakeProvider, tools: tuple[Any, ...]
) -> None:
    answer = '{"a": 1, "b": 2}'
    if make is openai_at:
        fake.enqueue(Reply(answer))
    else:
        fake.enqueue(Reply("Here it is:", calls=(("answer", answer),)))
    text, finished = await ask(provider, asking(schema=NUMBERS, tools=tools))
    assert (text, finished.reason, fake.rejected) == (answer, StopReason.END, [])
    if make is anthropic_at:
        choice = {"type": "any"} if tools else {"type": "tool", "name": "answer"}
        seen = fake.requests[0].json
        assert seen["tool_choice"] == {**choice, "disable_parallel_tool_use": True}
        assert seen["tools"][-1]["input_schema"] == NUMBERS


async def test_a_schema_that_refers_to_itself_is_asked_of_any_server(
    make: Make, provider: Provider, fake: FakeProvider
) -> None:
    next = {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}
    closed = {"required": ["next"], "additionalProperties": False}
    node = {"type": "object", "properties": {"next": next}, **closed}
    definitions = {"node": node}
    if make is anthropic_at:
        fake.enqueue(Reply("", calls=(("a_node", '{"next": null}'),)))
    schema = {"$ref": "#/$defs/node", "$defs": definitions}
    await ask(provider, asking(tools=(), schema=schema, schema_name="a node"))
    seen = fake.requests[0].json
    if make is openai_at:
        shape = {"name": "a_node", "schema": {**node, "$defs": definitions}, "strict": True}
        assert seen["response_format"]["json_schema"] == shape
    else:
        (tool,) = seen["tools"]
        assert tool["name"] == "a_node"
        assert tool["input_schema"] == {**node, "$defs": definitions}
    assert fake.rejected == []


async def test_tools_may_be_called_before_an_answer_of_a_schema(
    provider: Provider, fake: FakeProvider
) -> None:
    fake.enqueue(Reply("", calls=(("add", "{}"),)))
    chunks = await chunks_of(provider, asking(schema=NUMBERS))
    assert [call.name for call in of(ToolCall, chunks)] == ["add"]
    assert of(Finished, chunks)[0].reason is StopReason.TOOLS


async def test_a_schema_that_is_not_strict_is_not_said_to_be(
    make: Make, vendor: Provider, fake: FakeProvider
) -> None:
    free = {"type": "object", "properties": {"labels": {"type": "object"}}}
    if make is anthropic_at:
        fake.enqueue(Reply("", calls=(("answer", '{"labels": {"x": 1}}'),)))
    await ask(vendor, asking(schema=free, tools=()))
    seen = fake.requests[0].json
    if make is openai_at:
        assert "strict" not in seen["response_format"]["json_schema"]
    else:
        assert "output_config" not in seen
        assert seen["tool_choice"]["name"] == "answer"
    assert fake.rejected == []


@pytest.mark.parametrize(
    ("model", "native"),
    [
        ("claude-instant-1.2", False),
        ("claude-2.1", False),
        ("claude-3-5-haiku-latest", False),
        ("claude-sonnet-4", False),
        ("claude-sonnet-4-0", False),
        ("claude-opus-4-20250514", False),
        ("claude-sonnet-4-5", True),
        ("claude-opus-4-1-20250805", True),
        ("claude-opus-5-5", True),
    ],
)
def test_the_oldest_models_of_anthropic_know_no_output_format(model: str, native: bool) -> None:
    assert knows_output_format(model) is native


async def test_words_beside_a_missing_answer_of_a_schema_are_not_lost(fake: FakeProvider) -> None:
    provider = AnthropicProvider("fake", KEY, fake.anthropic_url)
    fake.enqueue(Reply("I would rather talk."))
    text, _ = await ask(provider, asking(schema=NUMBERS, tools=()))
    assert text == "I would rather talk."
    await provider.close()


async def test_a_refusal_is_no_call_and_carries_its_words(
    make: Make, provider: Provider, fake: FakeProvider
) -> None:
    word = "content_filter" if make is openai_at else "refusal"
    fake.enqueue(Reply("", refusal="No.", finish=word, calls=TWO_CALLS))
    assert isinstance(await failure(provider, asking()), ModelRefused)
