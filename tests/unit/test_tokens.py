"""What a request is likely to cost: everything that a model is made to read counts."""

from __future__ import annotations

import json

import pytest

from agentchat.llm.base import (
    File,
    ModelRequest,
    Reasoning,
    ToolCall,
    ToolResult,
    ToolSpec,
    Turn,
    Usage,
)
from agentchat.llm.tokens import IMAGE_CHARACTERS, estimated_usage

SCHEMA = {"type": "object"}
HISTORY = (Turn("user", "x" * 40),)


def test_an_estimate_says_that_it_is_one() -> None:
    assert estimated_usage(ModelRequest("", HISTORY), 9) == Usage(10, 3, estimated=True)


@pytest.mark.parametrize(
    ("request_", "characters"),
    [
        (ModelRequest("y" * 8, HISTORY), 8),
        (ModelRequest("", (*HISTORY, Turn("user", "y" * 8))), 8),
        (ModelRequest("", (*HISTORY, Turn("user", calls=(ToolCall("c1", "ab", "{}"),)))), 4),
        (
            ModelRequest("", (*HISTORY, Turn("user", results=(ToolResult("c", "t", "12345678"),)))),
            8,
        ),
        (ModelRequest("", (*HISTORY, Turn("assistant", reasoning=(Reasoning("x", "y" * 8),)))), 8),
        (
            ModelRequest(
                "", (*HISTORY, Turn("user", files=(File("n", "text/plain", b"", "1234"),)))
            ),
            4,
        ),
        (
            ModelRequest("", (*HISTORY, Turn("user", files=(File("n", "image/png", b""),)))),
            IMAGE_CHARACTERS,
        ),
        (
            ModelRequest("", HISTORY, tools=(ToolSpec("ab", "cd", SCHEMA),)),
            4 + len(json.dumps(SCHEMA)),
        ),
        (ModelRequest("", HISTORY, schema=SCHEMA), len(json.dumps(SCHEMA))),
    ],
    ids=["instructions", "turn", "call", "result", "seal", "file", "image", "tool", "schema"],
)
def test_all_that_is_read_counts(request_: ModelRequest, characters: int) -> None:
    assert estimated_usage(request_, 0).input_tokens == -(-(40 + characters) // 4)
