"""What the real servers refuse in a request, with their own words, as pure functions.

Each takes the body of a request and returns the complaint, or None when it would be accepted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

ANTHROPIC_NAME = r"^[a-zA-Z0-9_-]{1,128}$"
ANTHROPIC_ID = r"^[a-zA-Z0-9_-]+$"
OPENAI_NAME = r"^[a-zA-Z0-9_-]+$"
MOST_TOOLS = 128
MOST_CACHE_MARKS = 4


def anthropic_complaint(body: Mapping[str, Any]) -> str | None:
    """What Anthropic's messages API has against ``body``."""
    messages = list(_merged(body.get("messages", ())))
    complaints = (
        *_anthropic_tools(body, messages),
        *_anthropic_order(messages),
        *_anthropic_contents(messages),
        *_anthropic_pairs(messages),
        *_anthropic_cache(body, messages),
    )
    return complaints[0] if complaints else None


def openai_complaint(body: Mapping[str, Any]) -> str | None:
    """What OpenAI's chat completions API has against ``body``."""
    messages = body.get("messages", [])
    complaints = (
        *_openai_tools(body),
        *_openai_contents(messages),
        *_openai_pairs(messages),
        *_openai_format(body),
    )
    return complaints[0] if complaints else None


def _merged(messages: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """As Anthropic reads them: texts as blocks, neighbours of one role as one message."""
    merged: list[dict[str, Any]] = []
    for message in messages:
        content = message.get("content")
        text = isinstance(content, str)
        blocks: Any = [{"type": "text", "text": content}] if text else content
        if content and merged and merged[-1]["role"] == message["role"]:
            merged[-1]["content"] += blocks
        else:
            merged.append({"role": message["role"], "content": [*(blocks if content else ())]})
    return iter(merged)


def _anthropic_tools(body: Mapping[str, Any], messages: list[dict[str, Any]]) -> Iterator[str]:
    tools = body.get("tools", [])
    for number, tool in enumerate(tools):
        if not re.match(ANTHROPIC_NAME, tool["name"]):
            yield f"tools.{number}.custom.name: String should match pattern '{ANTHROPIC_NAME}'"
        if tool["input_schema"].get("type") != "object":
            yield f"tools.{number}.custom.input_schema.type: Input should be 'object'"
    if len({tool["name"] for tool in tools}) < len(tools):
        yield "tools: Tool names must be unique."
    used = {block["type"] for message in messages for block in message["content"]}
    if used & {"tool_use", "tool_result"} and not tools:
        yield (
            "Requests which have `tool_use` or `tool_result` blocks in their messages must"
            " define tools."
        )


def _anthropic_order(messages: list[dict[str, Any]]) -> Iterator[str]:
    if not messages:
        yield "messages: at least one message is required"
    elif messages[0]["role"] != "user":
        yield 'messages: first message must use the "user" role'


def _anthropic_contents(messages: list[dict[str, Any]]) -> Iterator[str]:
    for number, message in enumerate(messages):
        if not message["content"] and not (
            message["role"] == "assistant" and number == len(messages) - 1
        ):
            yield (
                f"messages.{number}: all messages must have non-empty content except for the"
                " optional final assistant message"
            )
        for place, block in enumerate(message["content"]):
            for words in _anthropic_block(block):
                yield words.format(f"messages.{number}.content.{place}")


def _anthropic_block(block: Mapping[str, Any]) -> Iterator[str]:
    match block["type"]:
        case "text" if not block["text"]:
            yield "messages: text content blocks must be non-empty"
        case "text" if not block["text"].strip():
            yield "messages: text content blocks must contain non-whitespace text"
        case "tool_use":
            for key, pattern in (("id", ANTHROPIC_ID), ("name", ANTHROPIC_NAME)):
                if not re.match(pattern, block[key]):
                    shown = pattern.replace("{", "{{").replace("}", "}}")
                    yield f"{{}}.tool_use.{key}: String should match pattern '{shown}'"
            if not isinstance(block["input"], dict):
                yield "{}.tool_use.input: Input should be a valid dictionary"
        case "tool_result" if block.get("is_error") and not block.get("content"):
            yield "{}.tool_result: content cannot be empty if `is_error` is true"
        case "thinking" if "signature" not in block:
            yield "{}.thinking.signature: Field required"


def _anthropic_pairs(messages: list[dict[str, Any]]) -> Iterator[str]:
    seen: set[str] = set()
    nothing: dict[str, Any] = {"content": []}
    for number, (before, message) in enumerate(pairwise([nothing, *messages, nothing])):
        called = [block["id"] for block in before["content"] if block["type"] == "tool_use"]
        blocks = message["content"]
        leading = next(
            (place for place, block in enumerate(blocks) if block["type"] != "tool_result"),
            len(blocks),
        )
        answered = [block["tool_use_id"] for block in blocks[:leading]]
        for place, block in enumerate(blocks):
            where = f"messages.{number}.content.{place}"
            if block["type"] == "tool_result" and block["tool_use_id"] not in called:
                yield (
                    f"{where}: unexpected `tool_use_id` found in `tool_result` blocks:"
                    f" {block['tool_use_id']}. Each `tool_result` block must have a corresponding"
                    " `tool_use` block in the previous message."
                )
            if block["type"] == "tool_use" and block["id"] in seen:
                yield f"{where}: `tool_use` ids must be unique"
            seen |= {block["id"]} if block["type"] == "tool_use" else set()
        for missing in [", ".join(id for id in called if id not in answered)]:
            if missing:
                yield (
                    f"messages.{number - 1}: `tool_use` ids were found without `tool_result`"
                    f" blocks immediately after: {missing}. Each `tool_use` block must have a"
                    " corresponding `tool_result` block in the next message."
                )
        for id in answered:
            if answered.count(id) > 1:
                yield (
                    f"messages.{number}.content: each tool_use must have a single result. Found"
                    f" multiple `tool_result` blocks with id: {id}"
                )


def _anthropic_cache(body: Mapping[str, Any], messages: list[dict[str, Any]]) -> Iterator[str]:
    system = body.get("system", "")
    blocks = [*body.get("tools", ()), *(system if isinstance(system, list) else ())]
    blocks += [block for message in messages for block in message["content"]]
    marked = [block for block in blocks if "cache_control" in block]
    if len(marked) > MOST_CACHE_MARKS:
        yield (
            f"A maximum of {MOST_CACHE_MARKS} blocks with cache_control may be provided. Found"
            f" {len(marked)}."
        )
    if any(block.get("type") in ("thinking", "redacted_thinking") for block in marked):
        yield "cache_control: Extra inputs are not permitted"


def _openai_tools(body: Mapping[str, Any]) -> Iterator[str]:
    tools = body.get("tools")
    if tools is None:
        return
    if not tools:
        yield _size("tools", "empty array", "minimum length 1", "an empty array")
    if len(tools) > MOST_TOOLS:
        count = f"an array with length {len(tools)}"
        yield _size("tools", "array too long", f"maximum length {MOST_TOOLS}", count)
    for number, tool in enumerate(tools):
        function = tool["function"]
        yield from _openai_name(f"tools[{number}].function.name", function["name"])
        parameters = function["parameters"]
        if parameters.get("type") == "object" and "properties" not in parameters:
            yield (
                f"Invalid schema for function '{function['name']}': In context=(), object schema"
                " missing properties."
            )


def _openai_name(where: str, name: str) -> Iterator[str]:
    if not re.match(OPENAI_NAME, name):
        yield (
            f"Invalid '{where}': string does not match pattern. Expected a string that matches"
            f" the pattern '{OPENAI_NAME}'."
        )
    if len(name) > 64:
        yield _long(where, name, 64)


def _openai_contents(messages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not messages:
        yield _size("messages", "empty array", "minimum length 1", "an empty array")
    for number, message in enumerate(messages):
        calls, content = message.get("tool_calls"), message.get("content")
        if content is None and not calls:
            yield "Invalid value for 'content': expected a string, got null."
        for name, value in (("content", content), ("tool_calls", calls)):
            if value == []:
                where = f"messages[{number}].{name}"
                yield _size(where, "empty array", "minimum length 1", "an empty array")
        for place, call in enumerate(calls or ()):
            where = f"messages[{number}].tool_calls[{place}]"
            yield from _openai_name(f"{where}.function.name", call["function"]["name"])
            if len(call["id"]) > 40:
                yield _long(f"{where}.id", call["id"], 40)


def _openai_pairs(messages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    called: list[str] = []
    waiting: list[str] = []
    for message in [*messages, {"role": "end"}]:
        if message["role"] == "tool":
            id = message["tool_call_id"]
            if not called:
                yield (
                    "Invalid parameter: messages with role 'tool' must be a response to a"
                    " preceeding message with 'tool_calls'."
                )
            elif id in waiting:
                waiting.remove(id)
            elif id in called:
                yield f"Invalid parameter: Duplicate value for 'tool_call_id' of '{id}'."
            else:
                yield (
                    f"Invalid parameter: 'tool_call_id' of '{id}' not found in 'tool_calls' of"
                    " previous message."
                )
            continue
        if waiting:
            yield (
                "An assistant message with 'tool_calls' must be followed by tool messages"
                " responding to each 'tool_call_id'. The following tool_call_ids did not have"
                f" response messages: {', '.join(waiting)}"
            )
        called = [call["id"] for call in message.get("tool_calls") or ()]
        waiting = list(called)


def _openai_format(body: Mapping[str, Any]) -> Iterator[str]:
    shape = body.get("response_format", {}).get("json_schema")
    if shape is None:
        return
    yield from _openai_name("response_format.json_schema.name", shape["name"])
    begin = f"Invalid schema for response_format '{shape['name']}': In context=(), "
    if shape["schema"].get("type") != "object":
        yield f"{begin}schema must be a JSON Schema of 'type: \"object\"'."
    if shape.get("strict"):
        yield from (begin + words for words in _strict(shape["schema"]))


def _strict(schema: object) -> Iterator[str]:
    if isinstance(schema, list):
        for each in schema:
            yield from _strict(each)
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "object":
        if schema.get("additionalProperties") is not False:
            yield "'additionalProperties' is required to be supplied and to be false."
        if set(schema.get("required", ())) != set(schema.get("properties", ())):
            yield (
                "'required' is required to be supplied and to be an array including every key in"
                " properties."
            )
    for unknown in ("oneOf", "allOf", "default", "minLength"):
        if unknown in schema:
            yield f"'{unknown}' is not permitted."
    for each in schema.values():
        yield from _strict(each)


def _size(where: str, what: str, expected: str, got: str) -> str:
    return f"Invalid '{where}': {what}. Expected an array with {expected}, but got {got} instead."


def _long(where: str, text: str, most: int) -> str:
    return (
        f"Invalid '{where}': string too long. Expected a string with maximum length {most}, but"
        f" got a string with length {len(text)} instead."
    )
