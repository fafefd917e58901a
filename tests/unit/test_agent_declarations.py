"""Declaring agents: what is refused at once, so that nobody finds out in the middle of a run."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from agentchat import Actor, Agent, AgentChat, HandOver, Limits, tool
from agentchat.agents.team import checked, hand_over_of
from agentchat.errors import ConfigError

ANN = Actor("ann", "Ann")


@tool
def look(what: str) -> str:
    """Look."""
    return what


BAD_NAMES = ("", "Upper", "1st", "-a", "a b", "ä", "a" * 41, "a\n", "a.b", "../a", "a\x00")


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_cannot_be_used_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no name for an agent"):
        Agent(name, "x")


@pytest.mark.parametrize("name", ["a", "a1", "a-b_c", "a" * 40])
def test_a_name_may_be_what_can_be_typed_and_called(name: str) -> None:
    assert Agent(name, "x").name == name


@pytest.mark.parametrize(
    ("agents", "words"),
    [
        ((), "at least one"),
        ((Agent("a", "x"), Agent("a", "y")), "two agents named 'a'"),
        ((Agent("a", "x", asks=("b",)),), "'b', which is not another agent"),
        ((Agent("a", "x", asks=("a",)),), "'a', which is not another agent"),
        ((Agent("a", "x", hand_overs=("b",)),), "'b', which is not another agent"),
        ((Agent("a", "x", hand_overs=(HandOver("a"),)),), "'a', which is not another agent"),
        ((Agent("a", "x", tools=(look, look)),), "two tools named 'look'"),
    ],
)
def test_agents_that_do_not_fit_together_are_refused(agents: tuple[Agent, ...], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        checked(agents)
    with pytest.raises(ConfigError, match=words):
        AgentChat(agents=agents)


def test_agents_are_known_by_name_in_their_order() -> None:
    first, second = Agent("b", "x", hand_overs=("a",)), Agent("a", "x", asks=("b",))
    assert list(checked([first, second])) == ["b", "a"]


def test_who_may_use_an_agent_is_decided_for_each_person_and_fails_loudly() -> None:
    assert Agent("a", "x").may_be_used_by(ANN)
    assert Agent("a", "x", allowed=lambda actor: actor.id == "ann").may_be_used_by(ANN)
    assert not Agent("a", "x", allowed=lambda actor: False).may_be_used_by(ANN)
    none: Any = lambda actor: None  # noqa: E731
    assert not Agent("a", "x", allowed=none).may_be_used_by(ANN)


def test_a_hand_over_may_be_a_name() -> None:
    assert hand_over_of("a") == HandOver("a")
    assert hand_over_of(HandOver("a", "when asked")).when == "when asked"


def test_structured_output_is_checked_by_its_type() -> None:
    class City(BaseModel):
        name: str

    adapter = Agent("a", "x", output=City).adapter
    assert adapter is not None
    assert adapter.validate_json('{"name": "Bonn"}') == City(name="Bonn")
    assert Agent("a", "x").adapter is None


def test_instructions_are_not_shown_where_an_agent_is() -> None:
    assert "secret" not in repr(Agent("a", "secret"))


def test_an_agent_has_limits_unless_it_is_told_otherwise() -> None:
    limits = Agent("a", "x").limits
    bounds = (limits.model_calls, limits.tool_calls, limits.tokens, limits.cost_usd, limits.wall)
    assert None not in bounds
    assert Agent("a", "x", limits=Limits(model_calls=None)).limits.model_calls is None
