"""What a model is told of a thread: whatever a thread holds, every provider accepts it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agentchat.agents.history import (
    CUT,
    INTERRUPTED,
    LONGEST_OLD_RESULT,
    PartSaid,
    Said,
    fitting,
    turns_of,
    valid,
    without_tools,
)
from agentchat.llm import anthropic_wire, openai_wire
from agentchat.llm.base import File, ModelRequest, Reasoning, ToolCall, ToolResult, ToolSpec, Turn
from agentchat.llm.tokens import characters_of, tokens
from agentchat.models import PartKind, PartStatus, Role
from tests.fake_history import anthropic_complaint, openai_complaint

TOOL = ToolSpec("t", "A tool.", {"type": "object", "properties": {}})


def user(text: str, **more: Any) -> Said:
    return Said(Role.USER, text, **more)


def answer(text: str, *parts: PartSaid, **more: Any) -> Said:
    return Said(Role.ASSISTANT, text, parts=parts, **more)


def called(position: int = 0, **more: Any) -> PartSaid:
    values = {"name": "t", "call_id": "c", "text": "found", "arguments": {"a": 1}}
    return PartSaid(PartKind.TOOL, position, **{**values, **more})


# Arbitrary threads and turns

texts = st.text(st.characters(codec="utf-8"), max_size=8)
kinds = st.sampled_from([PartKind.TEXT, PartKind.TOOL, PartKind.REASONING, PartKind.MESSAGE,
                         PartKind.NOTE, PartKind.HAND_OVER])  # fmt: skip
parts = st.builds(
    PartSaid,
    kinds,
    st.integers(0, 9),
    st.sampled_from(list(PartStatus)),
    st.integers(0, 3),
    texts,
    st.sampled_from(["", "c", "d"]),
    texts,
    st.none() | st.dictionaries(texts, st.integers(), max_size=2) | st.lists(st.integers()),
    st.sampled_from(["", "{}", "seal"]),
)
saids = st.builds(
    Said,
    st.sampled_from(list(Role)),
    texts,
    st.integers(0, 9),
    st.sampled_from(["", "Ann", "Bob"]),
    st.lists(parts, max_size=5).map(tuple),
    st.lists(st.builds(File, texts, st.just("text/plain"), st.just(b""), texts), max_size=1).map(
        tuple
    ),
    st.booleans(),
)
ids = st.sampled_from(["a", "b", "c"])


@st.composite
def turns(draw: st.DrawFn) -> Turn:
    """Any turn, with calls and results that belong together by chance alone."""
    calls = st.lists(st.builds(ToolCall, ids, texts, texts), max_size=3, unique_by=lambda c: c.id)
    results = st.lists(st.builds(ToolResult, ids, texts, texts, st.booleans()), max_size=3)
    role = draw(st.sampled_from(["user", "assistant"]))
    if role == "user":
        return Turn("user", draw(texts), results=tuple(draw(results)))
    thoughts = st.lists(st.builds(Reasoning, texts, st.sampled_from(["", "s"])), max_size=1)
    return Turn("assistant", draw(texts), tuple(draw(calls)), reasoning=tuple(draw(thoughts)))


many = st.lists(turns(), max_size=8)


def complaints(told: Sequence[Turn], *tools: ToolSpec) -> list[str]:
    """What the servers of both formats have against a history."""
    request = ModelRequest("", tuple(told), tools=tools)
    offered = anthropic_wire.tools_of(request, None, cache=False)
    one: dict[str, Any] = {
        "messages": anthropic_wire.messages_of(request, (), ("x", "y"), cache=True),
        **({"tools": offered} if offered else {}),
    }
    other: dict[str, Any] = {"messages": openai_wire.messages_of(request, (), ("x", "y"))}
    return [words for words in (anthropic_complaint(one), openai_complaint(other)) if words]


def is_valid(told: Sequence[Turn]) -> None:
    """The rules that are ours: taking turns, the person first, each call with its result."""
    assert not told or told[0].role == "user"
    for before, turn in pairwise([Turn("user"), *told, Turn("user")]):
        assert [call.id for call in before.calls] == [one.call_id for one in turn.results]
    for before, turn in pairwise(told):
        assert before.role != turn.role


def said_something(told: Sequence[Turn]) -> bool:
    """Whether there is a text that is more than spaces, or a call: else nothing is sent."""
    return bool(told) and bool(told[0].text.strip() or told[0].files or told[0].results)


@given(many)
def test_any_turns_become_a_history_that_every_server_takes(given_turns: list[Turn]) -> None:
    told = valid(given_turns)
    is_valid(told)
    if said_something(told):
        assert complaints(told, TOOL) == []


@given(many)
def test_what_is_valid_stays_as_it_is(given_turns: list[Turn]) -> None:
    told = valid(given_turns)
    assert valid(told) == told


@given(many)
def test_no_call_of_the_person_s_history_is_lost(given_turns: list[Turn]) -> None:
    first = next((n for n, turn in enumerate(given_turns) if turn.role == "user"), None)
    told = valid(given_turns)
    after = [] if first is None or not told else given_turns
    calls = [call for turn in told for call in turn.calls]
    wanted = [call for turn in after for call in turn.calls]
    # Only what the model said before the person said anything goes.
    assert calls == wanted[len(wanted) - len(calls) :]


@given(st.lists(saids, max_size=6))
def test_any_thread_becomes_a_history_that_every_server_takes(given_said: list[Said]) -> None:
    unique = [
        replace(
            said,
            position=n,
            parts=tuple(
                replace(part, position=m)
                for m, part in enumerate(sorted(said.parts, key=lambda one: one.round))
            ),
        )
        for n, said in enumerate(given_said)
    ]
    told = turns_of(unique)
    is_valid(told)
    if said_something(told):
        assert complaints(told, TOOL) == []
        assert complaints(without_tools(told)) == []


@given(many, st.none() | st.integers(-10, 40))
def test_what_fits_is_valid_and_holds_the_newest_question(
    given_turns: list[Turn], room: int | None
) -> None:
    told = valid(given_turns)
    kept = fitting(told, room)
    is_valid(kept)
    asked = [turn for turn in told if turn.role == "user" and not turn.results]
    assert not asked or asked[-1] in kept
    assert kept == () or kept[-1] == told[-1]
    assert room is not None or kept == told


@given(many, st.integers(1, 40))
def test_what_fits_is_all_that_fits(given_turns: list[Turn], room: int) -> None:
    told = valid(given_turns)
    kept = fitting(told, room)
    size = sum(tokens(characters_of(turn)) for turn in kept)
    last = max(
        (n for n, one in enumerate(told) if one.role == "user" and not one.results), default=0
    )
    least = sum(tokens(characters_of(turn)) for turn in told[last:])
    assert size <= max(room, least)


@given(many)
def test_without_tools_there_are_no_calls_but_their_words(given_turns: list[Turn]) -> None:
    told = valid(given_turns)
    plain = without_tools(told)
    is_valid(plain)
    assert not any(turn.calls or turn.results or turn.reasoning for turn in plain)
    words = "\n".join(turn.text for turn in plain)
    for turn in told:
        assert turn.text in words
        assert all(result.text in words for result in turn.results)
        assert all(call.arguments in words for call in turn.calls)


# By example


def test_what_one_says_twice_in_a_row_is_one_turn() -> None:
    assert turns_of([user("a"), user("b"), answer("c")]) == (
        Turn("user", "a\n\nb"),
        Turn("assistant", "c"),
    )


def test_a_history_begins_with_the_person() -> None:
    assert turns_of([answer("hi"), user("a")]) == (Turn("user", "a"),)


def test_an_answer_with_calls_is_told_round_by_round() -> None:
    said = answer(
        "Five.",
        PartSaid(PartKind.TEXT, 0, text="Let me see."),
        called(1),
        called(2, text="", status=PartStatus.FAILED),
        PartSaid(PartKind.MESSAGE, 3, text="Hurry"),
        called(4, round=1, arguments=[1]),
        position=7,
    )
    told = turns_of([user("Go"), said])
    first, second, third = (ToolCall(f"call_7_{n}", "t", '{"a": 1}') for n in (1, 2, 4))
    assert told == (
        Turn("user", "Go"),
        Turn("assistant", "Let me see.", calls=(first, second)),
        Turn(
            "user",
            "Hurry",
            results=(
                ToolResult("call_7_1", "t", "found"),
                ToolResult("call_7_2", "t", "(nothing)", failed=True),
            ),
        ),
        Turn("assistant", calls=(replace(third, arguments='{"value": [1]}'),)),
        Turn("user", results=(ToolResult("call_7_4", "t", "found"),)),
        Turn("assistant", "Five."),
    )


def test_a_call_that_was_cut_off_was_interrupted() -> None:
    for status in PartStatus:
        told = turns_of([user("Go"), answer("", called(status=status)), user("And?")])
        [result] = told[-1].results
        final = status in (PartStatus.DONE, PartStatus.FAILED, PartStatus.DENIED)
        assert result.text == ("found" if final else INTERRUPTED)
        assert result.failed == (status != PartStatus.DONE)
        assert told[-1].text == "And?"


def test_only_old_results_are_shortened() -> None:
    long = "x" * (LONGEST_OLD_RESULT + 1)
    told = turns_of(
        [
            user("1"),
            answer("", called(text=long)),
            user("2"),
            answer("", called(text=long), current=True),
        ]
    )
    old, new = (turn.results[0].text for turn in told if turn.results)
    assert old == "x" * LONGEST_OLD_RESULT + CUT
    assert new == long


def test_reasoning_is_told_only_sealed_and_only_while_the_answer_is_written() -> None:
    thoughts = (
        PartSaid(PartKind.REASONING, 0, text="sealed", sealed="s"),
        PartSaid(PartKind.REASONING, 1, text="open"),
        called(2),
    )
    told = turns_of([user("1"), answer("", *thoughts, current=True)])
    assert told[1].reasoning == (Reasoning("sealed", "s"),)
    told = turns_of([user("1"), answer("", *thoughts)])
    assert told[1].reasoning == ()


def test_several_people_are_named() -> None:
    told = turns_of([user("a", author="Ann"), user("b", author="Bob")])
    assert told == (Turn("user", "Ann: a\n\nBob: b"),)
    assert turns_of([user("a", author="Ann")]) == (Turn("user", "a"),)


def test_the_oldest_turns_are_left_out_when_room_is_short() -> None:
    told = [Turn("user", "x" * 400), Turn("assistant", "y" * 40), Turn("user", "z" * 40)]
    assert fitting(told, 25) == (told[2],)
    assert fitting(told, 1000) == tuple(told)
    assert fitting(told, None) == tuple(told)


def test_the_last_turn_is_told_even_if_it_is_too_long() -> None:
    assert fitting([Turn("user", "x" * 4000)], 10) == (Turn("user", "x" * 4000),)


def test_results_of_the_answer_at_hand_are_shortened_when_room_is_short() -> None:
    told = [
        Turn("user", "Go"),
        Turn("assistant", calls=(ToolCall("1", "t", "{}"),)),
        Turn("user", results=(ToolResult("1", "t", "x" * 50_000),)),
        Turn("assistant", calls=(ToolCall("2", "t", "{}"),)),
        Turn("user", results=(ToolResult("2", "t", "y" * 50_000),)),
    ]
    kept = fitting(told, 14_000)
    assert len(kept[2].results[0].text) < 3_000
    assert kept[4] == told[4]


def test_arguments_of_a_call_are_told_as_they_are() -> None:
    said = answer("", called(arguments={"to": "Zoë", "n": 10**30}))
    [call] = turns_of([user("Go"), said])[1].calls
    assert json.loads(call.arguments) == {"to": "Zoë", "n": 10**30}
    assert "Zoë" in call.arguments
