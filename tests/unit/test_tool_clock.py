"""The date, the time and how far apart they are, by a clock that stands."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agentchat.errors import ToolError
from agentchat.tools.clock import add_to_date, clock_tools, current_time, days_between


def now() -> datetime:
    return datetime(2026, 3, 29, 0, 30, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "told"),
    [
        ("UTC", "Sunday, 2026-03-29T00:30:15+00:00 (UTC), week 13"),
        ("Europe/Berlin", "Sunday, 2026-03-29T01:30:15+01:00 (Europe/Berlin), week 13"),
        ("America/New_York", "Saturday, 2026-03-28T20:30:15-04:00 (America/New_York), week 13"),
        ("Asia/Kathmandu", "Sunday, 2026-03-29T06:15:15+05:45 (Asia/Kathmandu), week 13"),
    ],
)
def test_the_time_is_told_in_a_zone(zone: str, told: str) -> None:
    assert current_time(now, zone) == told


def test_an_unknown_zone_is_told_with_one_like_it() -> None:
    with pytest.raises(ToolError, match="Europe/Berlin"):
        current_time(now, "Europe/Berln")


@pytest.mark.parametrize("zone", ["", "../../etc/passwd", "/etc/passwd", "a\x00b", "x" * 5000, "."])
def test_what_is_no_zone_is_refused(zone: str) -> None:
    with pytest.raises(ToolError):
        current_time(now, zone)


@pytest.mark.parametrize(
    ("start", "end", "told"),
    [
        ("2026-03-01", "2026-03-31", "30 days (4 weeks and 2 days)"),
        ("2024-02-28", "2024-03-01", "2 days (0 weeks and 2 days)"),
        ("2026-03-31", "2026-03-30", "-1 day (0 weeks and 1 day)"),
        ("2026-03-01T10:00", "2026-03-02T11:30", "1 day, 1 hour, 30 minutes and 0 seconds"),
        (
            "2026-03-01T10:00+01:00",
            "2026-03-01T10:00Z",
            "0 days, 1 hour, 0 minutes and 0 seconds",
        ),
    ],
)
def test_two_dates_are_so_far_apart(start: str, end: str, told: str) -> None:
    assert days_between(start, end) == told


def test_a_time_with_an_offset_is_not_compared_with_one_without() -> None:
    with pytest.raises(ToolError, match="offset"):
        days_between("2026-03-01T10:00", "2026-03-01T10:00Z")


def test_a_date_is_moved() -> None:
    assert add_to_date("2026-01-31", months=1) == "Saturday, 2026-02-28"
    assert add_to_date("2024-02-29", years=1) == "Friday, 2025-02-28"
    assert add_to_date("2026-01-15", months=-1) == "Monday, 2025-12-15"
    assert add_to_date("2026-12-31", weeks=1, days=1) == "Friday, 2027-01-08"
    assert add_to_date("2026-12-31T23:30", minutes=45) == "Friday, 2027-01-01T00:15"
    assert add_to_date("2026-12-31", hours=36) == "Friday, 2027-01-01T12:00"


@pytest.mark.parametrize(
    "moved", [{"years": 9000}, {"days": 10**12}, {"months": -(10**20)}, {"hours": 10**30}]
)
def test_the_calendar_ends(moved: dict[str, int]) -> None:
    with pytest.raises(ToolError, match="1 to 9999"):
        add_to_date("2026-01-01", **moved)


@pytest.mark.parametrize("text", ["", "tomorrow", "2026-02-30", "31.12.2026", "x" * 5000])
def test_what_is_no_date_is_told_how_to_write_it(text: str) -> None:
    with pytest.raises(ToolError, match="2026-03-01"):
        days_between(text, "2026-01-01")


def test_the_tools_describe_their_arguments() -> None:
    names = [one.name for one in clock_tools(now)]
    assert names == ["current_time", "days_between", "add_to_date"]
    assert all(one.description and one.read_only for one in clock_tools(now))
