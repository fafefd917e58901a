"""Tools for a model that cannot call any: it is asked first, in JSON, which one it needs.

Small models write a tool call as plain text, if at all. Held to a schema that names each tool
with its arguments, they do choose: right in most cases, and never anything else than one of them.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from agentchat.llm.base import (
    Chunk,
    Finished,
    ModelRequest,
    Provider,
    StopReason,
    Text,
    ToolCall,
    ToolResult,
    ToolSpec,
    Turn,
    Usage,
)
from agentchat.llm.wire import fresh_ids, object_in, parameters_of

NO_TOOL = "none"
_QUESTION = """\
---
Do not answer the message above yet. Choose the tool that it asks for, as JSON:
- {none}: no tool. For greetings, thanks, questions of knowledge, writing, translating, explaining.
{tools}
Examples:
"Hi there" -> {{"tool": "{none}"}}
"Tell me a joke" -> {{"tool": "{none}"}}"""
"""With these words the default model chose right for 9 of 12 messages, with plainer ones for 4:
a small model takes whatever it is offered unless it is shown when not to. The arguments need no
words: the schema holds it to them."""


async def stream_deciding(provider: Provider, request: ModelRequest) -> AsyncGenerator[Chunk, None]:
    """As :meth:`agentchat.llm.base.Provider.stream`, with at most one call in a turn.

    Results are told as text, and whoever has just been told some is offered no more tools: a
    small model would call the same one for ever. Costs one more call where tools are offered.
    """
    spent: Usage | None = None
    told = request.turns[-1].results if request.turns else ()
    if request.tools and not told:
        text, finished = await _whole(provider, _choosing(request))
        spent = finished.usage
        if (call := _chosen(text, request)) is not None:
            yield call
            yield replace(finished, reason=StopReason.TOOLS)
            return
    async with aclosing(provider.stream(_plain(request))) as chunks:
        async for chunk in chunks:
            if isinstance(chunk, Finished) and spent is not None:
                chunk = replace(chunk, usage=_sum(spent, chunk.usage))
            yield chunk


def choice_schema(tools: Sequence[ToolSpec]) -> dict[str, Any]:
    """The schema of a choice: a tool with its arguments, or none."""
    definitions: dict[str, Any] = {}
    options = [_option(NO_TOOL)]
    for tool in tools:
        # A reference is looked up from the root, which is another one here.
        arguments = _moved(parameters_of(tool), tool.name)
        for name, definition in arguments.pop("$defs", {}).items():
            definitions[f"{tool.name}.{name}"] = definition
        options.append(_option(tool.name, arguments))
    schema: dict[str, Any] = {"type": "object", "oneOf": options}
    return {**schema, "$defs": definitions} if definitions else schema


def _option(name: str, arguments: dict[str, Any] | None = None) -> dict[str, Any]:
    properties: dict[str, Any] = {"tool": {"const": name}}
    if arguments is not None:
        properties["arguments"] = arguments
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _moved(schema: Any, tool: str) -> Any:
    if isinstance(schema, list):
        return [_moved(each, tool) for each in schema]
    if not isinstance(schema, dict):
        return schema
    moved = {name: _moved(value, tool) for name, value in schema.items()}
    if isinstance(reference := moved.get("$ref"), str):
        moved["$ref"] = reference.replace("#/$defs/", f"#/$defs/{tool}.")
    return moved


def _choosing(request: ModelRequest) -> ModelRequest:
    """The question which tool is needed. It ends the last turn, so that all before it can be
    had from the model's cache when the answer itself is asked for.
    """
    plain = _plain(request)
    tools = "\n".join(f"- {tool.name}: {tool.description}" for tool in request.tools)
    asked = _QUESTION.format(none=NO_TOOL, tools=tools)
    *before, last = plain.turns or (Turn("user"),)
    turns = (*before, replace(last, text=f"{last.text}\n\n{asked}".strip()))
    schema = choice_schema(request.tools)
    return replace(plain, turns=turns, schema=schema, schema_name="choice")


def _chosen(text: str, request: ModelRequest) -> ToolCall | None:
    choice = object_in(text) or {}
    name, arguments = choice.get("tool"), choice.get("arguments", {})
    if name not in [tool.name for tool in request.tools]:
        return None
    return ToolCall(next(fresh_ids(request.turns)), str(name), json.dumps(arguments))


def _plain(request: ModelRequest) -> ModelRequest:
    """``request`` without tools, its calls and results told as text."""
    turns: list[Turn] = []
    asked: dict[str, ToolCall] = {}
    for turn in request.turns:
        asked |= {call.id: call for call in turn.calls}
        told = [_told(result, asked.get(result.call_id)) for result in turn.results]
        text = "\n\n".join([*told, turn.text] if turn.text else told)
        if not text and not turn.files:
            continue
        if turns and turn.role == turns[-1].role:
            last = turns.pop()
            text = f"{last.text}\n\n{text}".strip()
            turns.append(replace(last, text=text, files=last.files + turn.files))
        else:
            turns.append(Turn(turn.role, text, files=turn.files))
    return replace(request, turns=tuple(turns), tools=())


def _told(result: ToolResult, call: ToolCall | None) -> str:
    arguments = f" with {call.arguments}" if call is not None else ""
    how = "failed" if result.failed else "gave this result"
    return f"The tool {result.name}, called{arguments}, {how}:\n{result.text}"


async def _whole(provider: Provider, request: ModelRequest) -> tuple[str, Finished]:
    text, finished = "", None
    async with aclosing(provider.stream(request)) as chunks:
        async for chunk in chunks:
            if isinstance(chunk, Text):
                text += chunk.text
            elif isinstance(chunk, Finished):
                finished = chunk
    assert finished is not None, "a provider ends every stream with Finished"
    return text, finished


def _sum(one: Usage, other: Usage) -> Usage:
    return Usage(
        one.input_tokens + other.input_tokens,
        one.output_tokens + other.output_tokens,
        one.estimated or other.estimated,
        one.cached_tokens + other.cached_tokens,
        one.cache_written_tokens + other.cache_written_tokens,
    )
