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


def test_tokens_from_the_cache_cost_less_and_those_put_there_more() -> None:
    model = "anthropic:claude-sonnet-4-5"
    plain = cost_of(model, Usage(1000, 0))
    cached = cost_of(model, Usage(1000, 0, cached_tokens=1000))
    written = cost_of(model, Usage(1000, 0, cache_written_tokens=1000))
    assert plain is not None
    assert cached == pytest.approx(plain * 0.1)
    assert written == pytest.approx(plain * 1.25)


def test_more_cached_tokens_than_were_read_are_no_error() -> None:
    said = Usage(10, 0, cached_tokens=11, cache_written_tokens=3)
    assert cost_of("openai:gpt-4o-mini", said) == cost_of(
        "openai:gpt-4o-mini", Usage(10, 0, cached_tokens=10)
    )


@pytest.mark.parametrize(
    "model", ["openai:nobody-knows-it", "compatible:gpt-4o-mini", "scripted:demo", "x"]
)
def test_an_unknown_model_has_none(model: str) -> None:
    assert cost_of(model, Usage(1000, 1000)) is None


def test_a_model_that_runs_here_costs_nothing() -> None:
    assert cost_of("local:qwen", Usage(1000, 1000)) == 0
