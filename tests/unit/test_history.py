"""What a model is told of a thread."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agentchat.agents.history import fitting, turns_of
from agentchat.llm.base import Turn
from agentchat.models import Message, MessageStatus, Role

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def message(role: Role, text: str) -> Message:
    return Message(
        id="m",
        thread_id="t",
        position=0,
        role=role,
        status=MessageStatus.DONE,
        text=text,
        created_at=NOW,
    )


def test_what_one_says_twice_in_a_row_is_one_turn() -> None:
    said = [message(Role.USER, "a"), message(Role.USER, "b"), message(Role.ASSISTANT, "c")]
    assert turns_of(said) == (Turn("user", "a\n\nb"), Turn("assistant", "c"))


def test_a_history_begins_with_the_person() -> None:
    assert turns_of([message(Role.ASSISTANT, "hi"), message(Role.USER, "a")]) == (
        Turn("user", "a"),
    )


@given(st.lists(st.tuples(st.sampled_from(list(Role)), st.text(min_size=1))))
def test_person_and_model_always_take_turns(said: list[tuple[Role, str]]) -> None:
    turns = turns_of(message(role, text) for role, text in said)
    roles = [turn.role for turn in turns]
    assert all(a != b for a, b in pairwise(roles))
    assert not roles or roles[0] == "user"


def test_the_oldest_turns_are_left_out_when_room_is_short() -> None:
    turns = [Turn("user", "x" * 400), Turn("assistant", "y" * 40), Turn("user", "z" * 40)]
    assert fitting(turns, 25) == (turns[2],)
    assert fitting(turns, 1000) == tuple(turns)
    assert fitting(turns, None) == tuple(turns)


def test_the_last_turn_is_told_even_if_it_is_too_long() -> None:
    assert fitting([Turn("user", "x" * 4000)], 10) == (Turn("user", "x" * 4000),)
