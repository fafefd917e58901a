"""The form of a schedule: what it reads, what it refuses, and what it leaves as it is."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentchat.durable.schedule_views import ScheduleView
from agentchat.durable.triggers import Cron, Every
from agentchat.operations.schedule_forms import (
    ScheduleForm,
    Wrong,
    arguments_of_form,
    form_of,
    read_form,
    trigger_of_form,
)

NOW = datetime(2026, 1, 1, 12, 30, 15, 123_456, tzinfo=UTC)
KEY = "sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789"
VIEW = ScheduleView(
    "s-1", "hello", "greet", "", trigger="cron", spec="0 9 * * mon-fri", timezone="Europe/Berlin",
    start_at=NOW, end_at=NOW + timedelta(days=200), jitter=90.0, missed="all", most_missed=3,
    overlap="queue", arguments={"name": "Ann", "api_key": KEY, "times": 2},
)  # fmt: skip


def problems(form: ScheduleForm) -> dict[str, str]:
    with pytest.raises(Wrong) as refusal:
        trigger_of_form(form)
    return {one.field: one.words for one in refusal.value.problems}


def test_a_form_describes_a_cron() -> None:
    form = ScheduleForm(
        spec="30 7 * * *", timezone="Europe/Berlin", start="2026-07-01T08:00", end="",
        jitter="60", missed="skip", overlap="allow",
    )  # fmt: skip
    assert trigger_of_form(form) == Cron(
        "30 7 * * *", "Europe/Berlin", timedelta(minutes=1),
        start=datetime(2026, 7, 1, 6, tzinfo=UTC), missed="skip", overlap="allow",
    )  # fmt: skip


def test_a_form_describes_an_interval() -> None:
    form = ScheduleForm(kind="interval", number="1.5", unit="hours", spec="nonsense")
    assert trigger_of_form(form) == Every(timedelta(minutes=90))


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"spec": "61 * * * *"}, "spec", "61 is out of range"),
        ({"spec": ""}, "spec", "has 0 fields, not 5"),
        ({"timezone": "Mars/Base"}, "timezone", "'Mars/Base' is unknown"),
        ({"start": "soon"}, "start", "'soon' is no date"),
        ({"end": "1960-01-01T00:00"}, "end", "cannot be in 1960"),
        ({"start": "2026-02-01T00:00", "end": "2026-01-01T00:00"}, "end", "cannot end"),
        ({"jitter": "-1"}, "jitter", "0 or more"),
        ({"jitter": "nan"}, "jitter", "0 or more"),
        ({"jitter": "a bit"}, "jitter", "not 'a bit'"),
        ({"most_missed": "0"}, "most_missed", "1 to 1000"),
        ({"most_missed": "many"}, "most_missed", "whole number"),
        ({"missed": "never"}, "missed", "skip, one, all"),
        ({"overlap": "no"}, "overlap", "skip, queue, allow"),
        ({"kind": "interval", "number": "0"}, "number", "1 second at least"),
        ({"kind": "interval", "number": "1e300"}, "number", "0 or more"),
        ({"kind": "interval", "unit": "weeks"}, "number", "seconds, minutes, hours, days"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    changes: dict[str, str], field: str, words: str
) -> None:
    [(found, said)] = problems(replace(ScheduleForm(), **changes)).items()
    assert found == field
    assert words in said


def test_all_that_is_wrong_is_said_at_once() -> None:
    form = ScheduleForm(spec="x", timezone="y", jitter="z")
    assert set(problems(form)) == {"spec", "timezone", "jitter"}


def test_what_is_not_touched_stays_exactly_as_it_is() -> None:
    form = form_of(VIEW)
    assert (form.start, form.end) == ("2026-01-01T13:30:15", "2026-07-20T14:30:15")
    trigger = trigger_of_form(form, VIEW)
    assert (trigger.start, trigger.end) == (VIEW.start_at, VIEW.end_at)
    assert (trigger.jitter, trigger.missed, trigger.most_missed, trigger.overlap) == (
        timedelta(seconds=90), "all", 3, "queue",
    )  # fmt: skip
    # In another zone, the same clock shows another time.
    moved = trigger_of_form(replace(form, timezone="UTC"), VIEW)
    assert moved.start == datetime(2026, 1, 1, 13, 30, 15, tzinfo=UTC)


@given(st.floats(1, 1e6, allow_nan=False) | st.integers(1, 10**6).map(float))
def test_every_interval_comes_back_from_its_form(seconds: float) -> None:
    interval = timedelta(seconds=seconds)
    view = replace(VIEW, trigger="interval", spec=repr(interval.total_seconds()))
    trigger = trigger_of_form(form_of(view), view)
    assert isinstance(trigger, Every)
    assert trigger.interval == interval


@pytest.mark.parametrize(
    ("seconds", "number", "unit"),
    [(86400, "1", "days"), (7200, "2", "hours"), (90, "90", "seconds"), (0.5, "0.5", "seconds")],
)
def test_an_interval_is_told_in_the_largest_unit_that_fits(
    seconds: float, number: str, unit: str
) -> None:
    form = form_of(replace(VIEW, trigger="interval", spec=repr(float(seconds))))
    assert (form.number, form.unit) == (number, unit)


def test_a_key_among_the_arguments_is_not_shown_and_not_lost() -> None:
    form = form_of(VIEW)
    assert KEY not in json.dumps(asdict(form))
    told = json.loads(form.arguments)
    assert arguments_of_form(form, VIEW) == VIEW.arguments
    changed = replace(form, arguments=json.dumps(told | {"name": "Bob"}))
    assert arguments_of_form(changed, VIEW) == {"name": "Bob", "api_key": KEY, "times": 2}
    # Of another workflow, they are other arguments.
    other = replace(form, workflow="other")
    assert arguments_of_form(other, VIEW)["api_key"] != KEY


@pytest.mark.parametrize("text", ["{", "[1]", "null", "[" * 100_000])
def test_arguments_that_are_no_object_are_refused(text: str) -> None:
    with pytest.raises(Wrong) as refusal:
        arguments_of_form(ScheduleForm(arguments=text))
    assert [one.field for one in refusal.value.problems] == ["arguments"]


def test_a_page_may_send_anything() -> None:
    told: dict[str, Any] = {"name": " a ", "spec": 7, "unknown": "x", "jitter": None}
    assert read_form(told) == ScheduleForm(name="a")
