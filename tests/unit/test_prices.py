"""What a call costs, where anybody knows."""

from __future__ import annotations

import pytest

from agentchat.llm.base import Usage
from agentchat.llm.prices import cost_of


def test_a_known_model_has_a_price_for_input_and_output() -> None:
    only_input = cost_of("anthropic:claude-sonnet-4-5", Usage(1_000_000, 0))
    only_output = cost_of("anthropic:claude-sonnet-4-5", Usage(0, 1_000_000))
    assert only_input is not None
    assert only_output is not None
    assert 0 < only_input < only_output


@pytest.mark.parametrize("model", ["openai:nobody-knows-it", "local:qwen", "scripted:demo", "x"])
def test_an_unknown_or_local_model_has_none(model: str) -> None:
    assert cost_of(model, Usage(1000, 1000)) is None
