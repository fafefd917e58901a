"""What ended and what was spent, added up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentchat.models import RunStatus
from agentchat.operations import sums
from agentchat.operations.overview_views import Busy

NOW = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


@dataclass
class Ended:
    status: RunStatus = RunStatus.DONE
    took: float | None = 1
    workflow: str = "digest"
    agent: str = ""
    finished_at: datetime = NOW

    @property
    def started_at(self) -> datetime | None:
        return None if self.took is None else self.finished_at - self.took * SECOND


@dataclass
class Spent:
    cost_usd: float | None = 0.5
    model: str = "m"
    agent: str = ""
    workflow: str | None = "digest"
    outcome: str = "done"
    input_tokens: int = 10
    output_tokens: int = 2
    created_at: datetime = NOW


@pytest.mark.parametrize(
    ("share", "value"), [(0.0, 1.0), (0.5, 2.0), (0.75, 3.0), (0.76, 4.0), (0.95, 4.0), (1.0, 4.0)]
)
def test_a_percentile_is_the_value_that_so_many_do_not_exceed(share: float, value: float) -> None:
    assert sums.percentile([1.0, 2.0, 3.0, 4.0], share) == value


def test_of_nothing_there_is_no_percentile_and_no_success() -> None:
    assert sums.percentile([], 0.5) is None
    nothing = sums.group("", [], [])
    assert (nothing.success, nothing.p50, nothing.p95, nothing.cost_usd) == (None, None, None, 0.0)


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1))
def test_a_percentile_is_a_value_and_at_least_so_many_do_not_exceed_it(
    values: list[float], share: float
) -> None:
    found = sums.percentile(sorted(values), share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-6


def test_success_is_the_share_of_done_and_what_a_person_stopped_is_neither() -> None:
    statuses = [RunStatus.DONE] * 3 + [RunStatus.FAILED, RunStatus.STOPPED, RunStatus.STOPPED]
    found = sums.group("digest", [Ended(status) for status in statuses], [])
    assert (found.ended, found.failed, found.stopped, found.success) == (6, 1, 2, 0.75)
    assert sums.group("digest", [Ended(RunStatus.STOPPED)], []).success is None


def test_only_what_is_done_and_was_begun_has_a_duration() -> None:
    ended = [Ended(took=3), Ended(RunStatus.FAILED, 100), Ended(took=None), Ended(took=1)]
    assert sums.durations(ended) == [1.0, 3.0]


def test_an_unknown_price_is_not_nothing() -> None:
    known, unknown = Spent(0.25), Spent(None)
    both = sums.group("", [], [known, unknown, known])
    assert (both.cost_usd, both.unknown, both.calls) == (0.5, 1, 3)
    none = sums.group("", [], [unknown])
    assert (none.cost_usd, none.unknown, none.input_tokens) == (None, 1, 10)
    [period] = sums.periods([], [unknown], NOW, NOW)
    assert (period.cost_usd, period.unknown) == (None, 1)


@pytest.mark.parametrize(
    ("whole", "length"),
    [(HOUR, 60), (24 * HOUR, 1800), (24 * 7 * HOUR, 3 * 3600), (24 * 30 * HOUR, 12 * 3600)],
)
def test_periods_are_round_and_not_too_many(whole: timedelta, length: int) -> None:
    assert sums.period_length(whole).total_seconds() == length
    found = sums.periods([], [], NOW - whole, NOW)
    assert len(found) == whole.total_seconds() // length + 1
    assert found[0].at <= NOW - whole < found[1].at
    assert found[-1].at <= NOW < found[-1].at + sums.period_length(whole)
    assert all(one.at.timestamp() % length == 0 for one in found)


def test_a_period_stays_the_same_while_time_goes_on() -> None:
    ended = [Ended(finished_at=NOW - 10 * SECOND)]
    before = sums.periods(ended, [], NOW - HOUR, NOW)
    after = sums.periods(ended, [], NOW - HOUR + 20 * SECOND, NOW + 20 * SECOND)
    assert before == after


@given(st.lists(st.floats(-100, 4000), max_size=50))
def test_every_end_and_every_call_is_in_one_period(ages: list[float]) -> None:
    ended = [Ended(finished_at=NOW - age * SECOND) for age in ages]
    spent = [Spent(created_at=NOW - age * SECOND) for age in ages]
    found = sums.periods(ended, spent, NOW - HOUR, NOW)
    assert sum(one.done for one in found) == len(ages)
    assert sum(one.input_tokens for one in found) == 10 * len(ages)


def test_an_end_is_in_the_period_in_which_it_was() -> None:
    at = NOW - timedelta(minutes=10, seconds=31)
    found = sums.periods([Ended(RunStatus.FAILED, finished_at=at)], [], NOW - HOUR, NOW)
    [period] = [one for one in found if one.failed]
    assert period.at == datetime(2026, 1, 1, 11, 49, tzinfo=UTC)


def test_groups_join_runs_and_calls_and_leave_out_what_has_no_name() -> None:
    ended = [Ended(agent="ann"), Ended(agent="ann"), Ended(agent="bob"), Ended()]
    spent = [Spent(agent="ann"), Spent(agent="cleo"), Spent(agent="")]
    found = sums.groups(ended, spent, "agent")
    assert [(one.name, one.ended, one.calls) for one in found] == [
        ("ann", 2, 1), ("bob", 1, 0), ("cleo", 0, 1),
    ]  # fmt: skip
    assert [one.cost_usd for one in found] == [0.5, 0.0, 0.5]


def test_models_count_calls_by_what_became_of_them() -> None:
    spent = [Spent(model="b"), Spent(model="a", outcome="failed"), Spent(model="b", cost_usd=None)]
    b, a = sums.models([*spent, Spent(model="a", outcome="stopped"), Spent(model="b")])
    assert (b.name, b.ended, b.failed, b.success, b.cost_usd, b.unknown) == ("b", 3, 0, 1, 1, 1)
    assert (a.name, a.ended, a.failed, a.stopped, a.success) == ("a", 2, 1, 1, 0)


def test_the_active_are_told_by_workflow() -> None:
    numbers = {RunStatus.QUEUED: {"b": 2, "a": 1}, RunStatus.RUNNING: {"b": 3}}
    assert sums.busy(numbers) == (Busy("a", queued=1), Busy("b", queued=2, running=3))
