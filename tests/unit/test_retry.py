"""How long between tries."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentchat.durable.retry import RetryPolicy
from agentchat.errors import InvalidInput, NonRetryable, Overloaded, RateLimited, WrongKey

POLICY = RetryPolicy(attempts=5, first=timedelta(seconds=1), longest=timedelta(seconds=10))


@given(st.integers(1, 20), st.integers())
def test_a_wait_is_between_half_and_all_of_its_step(tries: int, seed: int) -> None:
    step = min(timedelta(seconds=2 ** (tries - 1)), timedelta(seconds=10))
    delay = POLICY.delay(tries, Overloaded(), random.Random(seed))
    assert step / 2 <= delay <= step


def test_waits_of_many_runs_spread_out() -> None:
    chance = random.Random(1)
    assert len({POLICY.delay(3, Overloaded(), chance) for _ in range(50)}) == 50


def test_what_a_provider_asks_for_is_the_least_that_is_waited() -> None:
    error = RateLimited(retry_after=timedelta(seconds=42))
    assert POLICY.delay(1, error, random.Random(1)) == timedelta(seconds=42)


def test_only_errors_that_another_try_could_help_are_tried_again() -> None:
    assert POLICY.may_retry(Overloaded())
    assert POLICY.may_retry(ValueError())
    assert not POLICY.may_retry(WrongKey())
    assert not POLICY.may_retry(InvalidInput("no"))
    assert not POLICY.may_retry(NonRetryable("the address does not exist"))
    assert not POLICY.may_retry(KeyboardInterrupt())
    assert not RetryPolicy(non_retryable=(LookupError,)).may_retry(KeyError("k"))


def test_a_provider_that_asks_for_too_much_patience_is_not_waited_for() -> None:
    hour = RateLimited(retry_after=timedelta(hours=1))
    assert POLICY.may_retry(hour)
    assert not RetryPolicy(longest_retry_after=timedelta(minutes=59)).may_retry(hour)


def test_waits_do_not_overflow_after_very_many_tries() -> None:
    patient = RetryPolicy(attempts=10_000, longest=timedelta(hours=1))
    assert patient.delay(9_999, None, random.Random(1)) <= timedelta(hours=1)


@pytest.mark.parametrize("wrong", [{"attempts": 0}, {"factor": 0.5}, {"first": -timedelta(1)}])
def test_a_policy_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"tried at least once|do not shrink"):
        RetryPolicy(**wrong)
