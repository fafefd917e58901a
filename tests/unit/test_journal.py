"""Replay: keys, and steps that no longer fit."""

from __future__ import annotations

import pytest

from agentchat.durable.journal import Journal, Key, hash_of
from agentchat.errors import InvalidInput, JournalMismatch
from agentchat.store.journal import Remembered


def step(name: str, occurrence: int, *args: object) -> Remembered:
    digest, _ = hash_of(name, args)
    return Remembered(
        "", name, occurrence, "step", "done", digest, 1, f'"{name}-{occurrence}"', None, None
    )


def test_the_same_name_asked_for_again_is_the_next_occurrence() -> None:
    journal = Journal("r", [])
    assert [str(journal.key("", "a")) for _ in range(3)] == ["a", "a#2", "a#3"]


def test_a_finished_step_is_found_whatever_the_order_in_which_steps_finished() -> None:
    journal = Journal("r", [step("a", 1), step("b", 0), step("a", 0)])
    for name, expected in (("a", "a-0"), ("b", "b-0"), ("a", "a-1")):
        found = journal.recorded(journal.key("", name), hash_of(name, ())[0])
        assert found is not None
        assert found.result == f'"{expected}"'


def test_a_step_that_was_never_done_is_not_found() -> None:
    assert Journal("r", []).recorded(Key("", "a", 0), hash_of("a", ())[0]) is None


def test_other_arguments_than_the_journal_holds_name_the_run_and_the_step() -> None:
    journal = Journal("run-7", [step("pay", 0, 10)])
    with pytest.raises(JournalMismatch, match=r"run-7.*'pay'"):
        journal.recorded(journal.key("", "pay"), hash_of("pay", (11,))[0])


def test_an_argument_that_is_not_data_is_said_with_the_name_of_the_step() -> None:
    with pytest.raises(InvalidInput, match="'pay'"):
        hash_of("pay", (object(),))
