"""The fake servers refuse what the real ones refuse, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fake_history import anthropic_complaint, openai_complaint

TOOL = {"name": "add", "input_schema": {"type": "object", "properties": {}}}
HELLO = {"role": "user", "content": "Hi."}


def use(id: str = "t1", name: str = "add", given: object = None) -> dict[str, Any]:
    return {"type": "tool_use", "id": id, "name": name, "input": {} if given is None else given}


def result(id: str = "t1", **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": id, "content": "3", **more}


def text(words: str = "Yes.") -> dict[str, Any]:
    return {"type": "text", "text": words}


def assistant(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def user(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


@pytest.mark.parametrize(
    "messages",
    [
        [HELLO],
        [HELLO, HELLO],
        [HELLO, assistant(text()), HELLO],
        [HELLO, assistant(text(), use()), user(result(), text())],
        [HELLO, assistant(use(), use("t2")), user(result("t2"), result())],
        [HELLO, assistant(use(), use("t2")), user(result()), user(result("t2")), HELLO],
        [HELLO, assistant(use()), user(result()), assistant(use("t2")), user(result("t2"))],
    ],
)
def test_anthropic_accepts_a_sound_history(messages: list[Any]) -> None:
    assert anthropic_complaint({"messages": messages, "tools": [TOOL]}) is None


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([], "at least one message"),
        ([assistant(text())], 'first message must use the "user" role'),
        ([{"role": "user", "content": ""}], "messages.0: all messages must have non-empty content"),
        ([user()], "messages.0: all messages must have non-empty content"),
        ([user(text(""))], "text content blocks must be non-empty"),
        ([user(text(" \n"))], "must contain non-whitespace text"),
        (
            [HELLO, assistant(use()), HELLO],
            "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after",
        ),
        ([HELLO, assistant(use())], "without `tool_result` blocks immediately after: t1"),
        ([HELLO, assistant(use(), use("t2")), user(result("t2"))], "immediately after: t1."),
        ([HELLO, assistant(use()), user(text(), result())], "immediately after: t1"),
        ([user(result())], "messages.0.content.0: unexpected `tool_use_id` found"),
        (
            [HELLO, assistant(use()), user(result()), assistant(text()), user(result())],
            "messages.4.content.0: unexpected `tool_use_id`",
        ),
        ([HELLO, assistant(use(), use()), user(result())], "`tool_use` ids must be unique"),
        (
            [HELLO, assistant(use()), user(result()), assistant(use()), user(result())],
            "messages.3.content.0: `tool_use` ids must be unique",
        ),
        ([HELLO, assistant(use()), user(result(), result())], "must have a single result"),
        ([HELLO, assistant(use("a:b")), user(result("a:b"))], "messages.1.content.0.tool_use.id"),
        ([HELLO, assistant(use(name="a b")), user(result())], "tool_use.name: String should match"),
        ([HELLO, assistant(use(given="x")), user(result())], "should be a valid dictionary"),
        (
            [HELLO, assistant(use()), user(result(is_error=True, content=""))],
            "messages.2.content.0.tool_result: content cannot be empty if `is_error` is true",
        ),
        ([HELLO, assistant({"type": "thinking", "thinking": "x"}, text())], "signature: Field"),
        ([user(*[{**text(), "cache_control": {}}] * 5)], "A maximum of 4 blocks"),
    ],
)
def test_anthropic_refuses(messages: list[Any], words: str) -> None:
    assert words in (anthropic_complaint({"messages": messages, "tools": [TOOL]}) or "")


@pytest.mark.parametrize(
    ("tools", "words"),
    [
        ([{**TOOL, "name": "a b"}], "tools.0.custom.name: String should match pattern"),
        ([{**TOOL, "name": "a" * 129}], "tools.0.custom.name: String should match pattern"),
        ([TOOL, TOOL], "Tool names must be unique"),
        ([{**TOOL, "input_schema": {}}], "tools.0.custom.input_schema.type"),
    ],
)
def test_anthropic_refuses_tools(tools: list[Any], words: str) -> None:
    assert words in (anthropic_complaint({"messages": [HELLO], "tools": tools}) or "")


def test_anthropic_refuses_calls_of_tools_that_nobody_declared() -> None:
    body = {"messages": [HELLO, assistant(use()), user(result())]}
    assert "must define tools" in (anthropic_complaint(body) or "")


def calling(*ids: str, name: str = "add") -> dict[str, Any]:
    function = {"name": name, "arguments": "{}"}
    calls = [{"id": id, "type": "function", "function": function} for id in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def told(id: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": id, "content": "3"}


@pytest.mark.parametrize(
    "messages",
    [
        [HELLO, HELLO],
        [{"role": "assistant", "content": "First."}, HELLO],
        [HELLO, calling("a", "b"), told("b"), told("a"), HELLO],
        [HELLO, calling("a"), told("a"), calling("a"), told("a")],
    ],
)
def test_openai_accepts_a_sound_history(messages: list[Any]) -> None:
    assert openai_complaint({"messages": messages}) is None


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([], "Invalid 'messages': empty array"),
        ([{"role": "assistant", "content": None}], "expected a string, got null"),
        ([{"role": "user", "content": []}], "Invalid 'messages[0].content': empty array"),
        ([{**calling(), "content": "x"}], "Invalid 'messages[0].tool_calls': empty array"),
        ([HELLO, calling("a", "b"), told("a"), HELLO], "did not have response messages: b"),
        ([HELLO, calling("a")], "did not have response messages: a"),
        ([HELLO, told("a")], "must be a response to a preceeding message with 'tool_calls'"),
        ([HELLO, calling("a"), told("a"), HELLO, told("a")], "must be a response to a preceeding"),
        ([HELLO, calling("a"), told("a"), told("a")], "Duplicate value for 'tool_call_id' of 'a'"),
        ([HELLO, calling("a"), told("b")], "'tool_call_id' of 'b' not found"),
        ([calling("a" * 41), told("a" * 41)], "Invalid 'messages[0].tool_calls[0].id': string too"),
        ([calling("a", name="x y"), told("a")], "tool_calls[0].function.name': string does not"),
    ],
)
def test_openai_refuses(messages: list[Any], words: str) -> None:
    assert words in (openai_complaint({"messages": messages}) or "")


def function(name: str = "add", parameters: Any = None) -> dict[str, Any]:
    whole = {"type": "object", "properties": {}} if parameters is None else parameters
    return {"type": "function", "function": {"name": name, "parameters": whole}}


@pytest.mark.parametrize(
    ("tools", "words"),
    [
        ([], "Invalid 'tools': empty array"),
        ([function()] * 129, "maximum length 128, but got an array with length 129"),
        ([function("a.b")], "tools[0].function.name': string does not match pattern"),
        ([function("a" * 65)], "maximum length 64"),
        ([function(parameters={"type": "object"})], "object schema missing properties"),
    ],
)
def test_openai_refuses_tools(tools: list[Any], words: str) -> None:
    assert words in (openai_complaint({"messages": [HELLO], "tools": tools}) or "")


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "array"}, "must be a JSON Schema of"),
        ({"type": "object", "properties": {}}, "'additionalProperties' is required"),
        (
            {"type": "object", "properties": {"a": {}}, "additionalProperties": False},
            "'required' is required",
        ),
        (
            {"type": "object", "properties": {}, "additionalProperties": False, "default": {}},
            "'default' is not permitted",
        ),
    ],
)
def test_openai_refuses_a_schema_that_is_said_to_be_strict(schema: Any, words: str) -> None:
    shape = {"name": "answer", "schema": schema, "strict": True}
    format = {"type": "json_schema", "json_schema": shape}
    body = {"messages": [HELLO], "response_format": format}
    assert words in (openai_complaint(body) or "")
