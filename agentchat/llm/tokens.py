"""How many tokens a text costs when the provider does not say."""

from __future__ import annotations

import json

from agentchat.llm.base import File, ModelRequest, ToolSpec, Turn, Usage

CHARACTERS_PER_TOKEN = 4
"""About right for English; other languages cost more, so an estimate is a lower bound."""
IMAGE_CHARACTERS = 6000
"""What an image costs, as characters: about 1500 tokens at the size that vendors scale it to."""


def estimated_usage(request: ModelRequest, answer_characters: int) -> Usage:
    """The likely cost of ``request`` and an answer of so many characters, marked as a guess."""
    asked = len(request.instructions) + sum(characters_of(turn) for turn in request.turns)
    asked += sum(_tool_characters(tool) for tool in request.tools)
    asked += len(json.dumps(dict(request.schema))) if request.schema is not None else 0
    return Usage(
        input_tokens=tokens(asked), output_tokens=tokens(answer_characters), estimated=True
    )


def characters_of(turn: Turn) -> int:
    """How much a turn makes a model read, in characters: its text and all else that it holds."""
    called = sum(len(call.name) + len(call.arguments) for call in turn.calls)
    told = sum(len(result.text) for result in turn.results)
    # Only what its provider wants back is sent.
    thought = sum(len(thought.sealed) for thought in turn.reasoning)
    return len(turn.text) + called + told + thought + sum(map(_file_characters, turn.files))


def tokens(characters: int) -> int:
    """The likely cost of so many characters."""
    return -(-characters // CHARACTERS_PER_TOKEN)


def _file_characters(file: File) -> int:
    return IMAGE_CHARACTERS if file.media_type.startswith("image/") else len(file.text)


def _tool_characters(tool: ToolSpec) -> int:
    return len(tool.name) + len(tool.description) + len(json.dumps(dict(tool.schema)))
