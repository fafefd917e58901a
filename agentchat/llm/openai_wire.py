"""Requests in OpenAI's chat completions format: the history, the tools, the answer's shape."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from agentchat.llm.base import File, ModelRequest, ToolCall, ToolResult, Turn
from agentchat.llm.strict import is_strict
from agentchat.llm.wire import (
    PDF,
    arguments_of,
    clean_name,
    cleaned,
    parameters_of,
    rooted,
    told,
    unsealed,
)

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionFunctionToolParam, ChatCompletionMessageParam
    from openai.types.chat.completion_create_params import ResponseFormat

_Param: TypeAlias = dict[str, Any]


def messages_of(
    request: ModelRequest, media_types: Collection[str], sealer: tuple[str, str]
) -> list[ChatCompletionMessageParam]:
    """Instructions and history. ``sealer`` is vendor and model: reasoning goes back only to
    those who sealed it.
    """
    messages: list[_Param] = []
    if request.instructions:
        messages.append({"role": "system", "content": request.instructions})
    for turn in cleaned(request.turns):
        if turn.role == "assistant":
            messages.append(_answered(turn, media_types, sealer))
        else:
            messages += [_result(result) for result in turn.results]
            messages += _asked(turn, media_types)
    return cast("list[ChatCompletionMessageParam]", messages)


def tools_of(request: ModelRequest) -> list[ChatCompletionFunctionToolParam]:
    """The tools that the model may call."""
    tools = [
        {"name": tool.name, "description": tool.description, "parameters": parameters_of(tool)}
        for tool in request.tools
    ]
    return [
        cast("ChatCompletionFunctionToolParam", {"type": "function", "function": tool})
        for tool in tools
    ]


def response_format_of(request: ModelRequest) -> ResponseFormat | None:
    """The shape of the answer; strictly where the vendor would not refuse the schema then."""
    if request.schema is None:
        return None
    schema = rooted(request.schema)
    shape: _Param = {"name": clean_name(request.schema_name), "schema": schema}
    if is_strict(schema):
        shape["strict"] = True
    return cast("ResponseFormat", {"type": "json_schema", "json_schema": shape})


def _answered(turn: Turn, media_types: Collection[str], sealer: tuple[str, str]) -> _Param:
    message: _Param = {"role": "assistant", "content": told(turn, media_types) or None}
    if turn.calls:
        message["tool_calls"] = [_call(call) for call in turn.calls]
        for thought in turn.reasoning:
            back = unsealed(thought.sealed, *sealer) or {}
            for call, extra in zip(message["tool_calls"], back.pop("tool_calls", ()), strict=False):
                call |= extra
            message |= back
    return message


def _asked(turn: Turn, media_types: Collection[str]) -> list[_Param]:
    text = told(turn, media_types)
    parts = [_file(file) for file in turn.files if file.media_type in media_types]
    if not parts:
        return [{"role": "user", "content": text}] if text else []
    if text:
        parts.append({"type": "text", "text": text})
    return [{"role": "user", "content": parts}]


def _result(result: ToolResult) -> _Param:
    # The format has no word for failure, so that the text has to say it.
    text = f"Error: {result.text}" if result.failed else result.text
    return {"role": "tool", "tool_call_id": result.call_id, "content": text}


def _call(call: ToolCall) -> _Param:
    # Servers that are merely compatible may parse the arguments, and fail if they cannot.
    arguments = json.dumps(arguments_of(call), ensure_ascii=False)
    function = {"name": call.name, "arguments": arguments}
    return {"id": call.id, "type": "function", "function": function}


def _file(file: File) -> _Param:
    data = base64.b64encode(file.content).decode()
    url = f"data:{file.media_type};base64,{data}"
    if file.media_type == PDF:
        return {"type": "file", "file": {"filename": file.name, "file_data": url}}
    return {"type": "image_url", "image_url": {"url": url}}
