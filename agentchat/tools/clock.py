"""The date, the time, and how far apart they are."""

from __future__ import annotations

import calendar
import difflib
import zoneinfo
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from agentchat.agents.tools import Tool, tool
from agentchat.errors import ToolError

Now = Callable[[], datetime]
"""The present time, with a time zone."""


def utc_now() -> datetime:
    """The present time by this machine's clock."""
    return datetime.now(UTC)


def current_time(now: Now, timezone: str = "UTC") -> str:
    """The date and the time in an IANA time zone; raises :class:`ToolError` for no such zone."""
    return _told(now().astimezone(_zone(timezone)), timezone)


def days_between(start: str, end: str) -> str:
    """How far ``end`` is from ``start``, both dates or times in ISO form.

    Raises :class:`ToolError` when one cannot be read.
    """
    first, last = _moment(start), _moment(end)
    if (first.tzinfo is None) != (last.tzinfo is None):
        raise ToolError("Write both times with an offset such as +01:00, or neither.")
    apart = last - first
    if first.time() == last.time() == time():
        weeks, days = divmod(abs(apart.days), 7)
        return f"{_count(apart.days, 'day')} ({_count(weeks, 'week')} and {_count(days, 'day')})"
    seconds = int(apart.total_seconds())
    hours, rest = divmod(abs(seconds), 3600)
    minutes, left = divmod(rest, 60)
    sign = "-" if seconds < 0 else ""
    days, hours = divmod(hours, 24)
    return (
        f"{sign}{_count(days, 'day')}, {_count(hours, 'hour')}, {_count(minutes, 'minute')}"
        f" and {_count(left, 'second')}"
    )


def add_to_date(
    start: str,
    *,
    years: int = 0,
    months: int = 0,
    weeks: int = 0,
    days: int = 0,
    hours: int = 0,
    minutes: int = 0,
) -> str:
    """The date or time so much later; a day that the month does not have becomes its last.

    Raises :class:`ToolError` when ``start`` cannot be read, or the calendar ends.
    """
    first = _moment(start)
    try:
        year, month = divmod(first.year * 12 + first.month - 1 + years * 12 + months, 12)
        day = min(first.day, calendar.monthrange(year, month + 1)[1])
        moved = first.replace(year=year, month=month + 1, day=day)
        moved += timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes)
    except (OverflowError, ValueError) as error:
        raise ToolError("That is outside of the years 1 to 9999.") from error
    if ":" not in start and not hours and not minutes:
        return f"{moved:%A}, {moved.date().isoformat()}"
    return f"{moved:%A}, {moved.isoformat(timespec='minutes')}"


def clock_tools(now: Now = utc_now) -> tuple[Tool, ...]:
    """The tools ``current_time``, ``days_between`` and ``add_to_date``, by the clock ``now``."""

    @tool(name="current_time", read_only=True)
    async def tell(timezone: str = "UTC") -> str:
        """Tell the present date and time.

        Args:
            timezone: An IANA time zone such as Europe/Berlin or America/New_York.
        """
        return current_time(now, timezone)

    return tell, _between, _add


@tool(name="days_between", read_only=True)
def _between(start: str, end: str) -> str:
    """Tell how far the end is from the start.

    Args:
        start: A date such as 2026-03-01, or a time such as 2026-03-01T15:00+01:00.
        end: The same.
    """
    return days_between(start, end)


@tool(name="add_to_date", read_only=True)
def _add(
    start: str,
    years: int = 0,
    months: int = 0,
    weeks: int = 0,
    days: int = 0,
    hours: int = 0,
    minutes: int = 0,
) -> str:
    """Tell the date so much later than another, or earlier with negative numbers.

    Args:
        start: A date such as 2026-03-01, or a time such as 2026-03-01T15:00.
    """
    return add_to_date(
        start, years=years, months=months, weeks=weeks, days=days, hours=hours, minutes=minutes
    )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name.strip())
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        near = difflib.get_close_matches(name, zoneinfo.available_timezones(), 3, 0.5)
        hint = f" Perhaps {' or '.join(near)}?" if near else " One is Europe/Berlin."
        raise ToolError(f"{name[:60]!r} is not an IANA time zone.{hint}") from error


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ToolError(
            f"{text[:60]!r} is not a date. Write it like {date(2026, 3, 1).isoformat()},"
            " or with a time like 2026-03-01T15:00."
        ) from error


def _told(moment: datetime, zone: str) -> str:
    number = moment.isocalendar().week
    return f"{moment:%A}, {moment.isoformat(timespec='seconds')} ({zone}), week {number}"


def _count(number: int, unit: str) -> str:
    return f"{number:,} {unit}{'' if abs(number) == 1 else 's'}"
