"""How often a person may do something."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from agentchat import paces
from agentchat.durable.clock import ManualClock
from agentchat.errors import TooManyTries
from agentchat.paces import Paces

SECOND = timedelta(seconds=1)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 1, 1, tzinfo=UTC))


def test_the_most_within_a_minute_and_no_more(clock: ManualClock) -> None:
    mine = Paces(clock.now, 3)
    for _ in range(3):
        mine.take("ann", "send")
        clock.advance(10 * SECOND)
    with pytest.raises(TooManyTries, match=r"sent 3 messages .* Wait 30 seconds") as refused:
        mine.take("ann", "send")
    assert refused.value.retry_after == 30 * SECOND
    clock.advance(30 * SECOND)
    mine.take("ann", "send")
    # What was refused did not count, what came 10 seconds after the first still does.
    with pytest.raises(TooManyTries, match="Wait 10 seconds"):
        mine.take("ann", "send")


def test_each_person_and_each_deed_has_its_own_pace(clock: ManualClock) -> None:
    mine = Paces(clock.now, 1)
    mine.take("ann", "send")
    mine.take("bob", "send")
    mine.take("ann", "decide")
    with pytest.raises(TooManyTries):
        mine.take("bob", "send")


def test_without_a_limit_nothing_is_counted(clock: ManualClock) -> None:
    mine = Paces(clock.now, 0)
    for _ in range(10_000):
        mine.take("ann", "send")
    assert not mine._done


def test_no_number_of_people_fills_the_memory(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paces, "MOST_PEOPLE", 10)
    mine = Paces(clock.now, 1)
    for number in range(100):
        mine.take(f"person-{number}", "send")
    assert len(mine._done) == 10
    with pytest.raises(TooManyTries):
        mine.take("person-99", "send")
