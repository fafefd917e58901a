"""How many tokens a text costs when the provider does not say."""

from __future__ import annotations

from agentchat.llm.base import ModelRequest, Usage

CHARACTERS_PER_TOKEN = 4
"""About right for English; other languages cost more, so an estimate is a lower bound."""


def estimated_usage(request: ModelRequest, answer_characters: int) -> Usage:
    """The likely cost of ``request`` and an answer of so many characters, marked as a guess."""
    asked = len(request.instructions) + sum(len(turn.text) for turn in request.turns)
    return Usage(
        input_tokens=tokens(asked), output_tokens=tokens(answer_characters), estimated=True
    )


def tokens(characters: int) -> int:
    """The likely cost of so many characters."""
    return -(-characters // CHARACTERS_PER_TOKEN)
