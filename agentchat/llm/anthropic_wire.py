"""Requests in Anthropic's messages format: the history, the tools and the shape of the answer."""

from __future__ import annotations

import base64
import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from agentchat.llm.base import File, ModelRequest, ToolCall, ToolResult, Turn
from agentchat.llm.wire import (
    PDF,
    arguments_of,
    clean_name,
    cleaned,
    offered,
    parameters_of,
    rooted,
    told,
    unsealed,
)

if TYPE_CHECKING:
    from anthropic.types import (
        MessageParam,
        TextBlockParam,
        ToolChoiceParam,
        ToolParam,
    )

_Param: TypeAlias = dict[str, Any]
_CACHED = {"type": "ephemeral"}
_WITHOUT_OUTPUT_FORMAT = re.compile(
    r"claude-(\d|instant|(sonnet|opus)-4(-0)?$|(sonnet|opus)-4-2025)"
)


def system_of(request: ModelRequest, *, cache: bool) -> str | list[TextBlockParam]:
    """The instructions; with ``cache``, they and the tools before them are kept for later."""
    if not cache:
        return request.instructions
    block = {"type": "text", "text": request.instructions, "cache_control": _CACHED}
    return [cast("TextBlockParam", block)]


def messages_of(
    request: ModelRequest, media_types: Collection[str], sealer: tuple[str, str], *, cache: bool
) -> list[MessageParam]:
    """The history. With ``cache``, all of it is kept for a request that goes on from it.

    ``sealer`` is vendor and model: reasoning goes back only to those who sealed it.
    """
    messages: list[_Param] = [
        {"role": turn.role, "content": _blocks(turn, media_types, sealer)}
        for turn in cleaned(request.turns)
    ]
    if cache and messages:
        messages[-1]["content"][-1]["cache_control"] = _CACHED
    for message in messages:
        message["content"] = _plain(message["content"])
    return cast("list[MessageParam]", messages)


def tools_of(request: ModelRequest, answer: ToolParam | None, *, cache: bool) -> list[ToolParam]:
    """The tools, the one that takes the ``answer`` last; with ``cache``, kept for later."""
    tools: list[ToolParam] = [
        {"name": tool.name, "description": tool.description, "input_schema": parameters_of(tool)}
        for tool in offered(request)
    ]
    if answer is not None:
        tools.append(answer)
    if cache and tools:
        tools[-1]["cache_control"] = {"type": "ephemeral"}
    return tools


def choice_of(request: ModelRequest, answer: ToolParam | None) -> ToolChoiceParam | None:
    """How the model may choose among the tools; None where it is as the vendor has it."""
    if answer is not None and not request.tools:
        return {"type": "tool", "name": answer["name"], "disable_parallel_tool_use": True}
    if answer is not None:
        return {"type": "any", "disable_parallel_tool_use": True}
    if not request.tools and offered(request):
        return {"type": "none"}
    return None


def answer_tool(request: ModelRequest) -> ToolParam:
    """A tool whose arguments are the answer, for models that know no output format."""
    name = clean_name(request.schema_name)
    while name in {tool.name for tool in offered(request)}:
        name = f"_{name}"[:64]
    return {
        "name": name,
        "description": "Give your final answer by calling this.",
        "input_schema": {"type": "object", **rooted(request.schema or {})},
    }


def knows_output_format(model: str) -> bool:
    """Whether a model of Anthropic's takes a JSON schema for its answer; the oldest do not."""
    return _WITHOUT_OUTPUT_FORMAT.match(model) is None


def is_closed(schema: object) -> bool:
    """Whether every object in ``schema`` names its properties and allows no others.

    Anthropic's output format has no other objects: it would leave them empty.
    """
    if isinstance(schema, list):
        return all(is_closed(each) for each in schema)
    if not isinstance(schema, dict):
        return True
    kind = schema.get("type")
    if isinstance(kind, list) and "object" in kind:
        return False  # the SDK would drop what it holds
    if kind == "object" and (
        "properties" not in schema or schema.get("additionalProperties", False) is not False
    ):
        return False
    return all(is_closed(each) for each in schema.values())


def _blocks(turn: Turn, media_types: Collection[str], sealer: tuple[str, str]) -> list[_Param]:
    thoughts = [unsealed(thought.sealed, *sealer) for thought in turn.reasoning]
    said = [_result(result) for result in turn.results]
    said += [_file(file) for file in turn.files if file.media_type in media_types]
    if text := told(turn, media_types):
        said.append({"type": "text", "text": text})
    said += [_call(call) for call in turn.calls]
    return [thought for thought in thoughts if thought] + said


def _plain(blocks: list[_Param]) -> str | list[_Param]:
    # Servers that are merely compatible read a string best.
    if len(blocks) == 1 and blocks[0].keys() == {"type", "text"}:
        return str(blocks[0]["text"])
    return blocks


def _call(call: ToolCall) -> _Param:
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": arguments_of(call)}


def _result(result: ToolResult) -> _Param:
    # What failed may not be told without words.
    text = result.text if result.text.strip() else "(nothing)"
    block = {"type": "tool_result", "tool_use_id": result.call_id, "content": text}
    return {**block, "is_error": True} if result.failed else block


def _file(file: File) -> _Param:
    data = base64.b64encode(file.content).decode()
    source = {"type": "base64", "media_type": file.media_type, "data": data}
    if file.media_type == PDF:
        return {"type": "document", "source": source, "title": file.name}
    return {"type": "image", "source": source}
