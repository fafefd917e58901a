"""A trigger in plain words, for a person. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from agentchat.durable import cron
from agentchat.durable.triggers import Cron, Trigger, zone_of

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_DAYS = ("Sundays", "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays")
_WEEK = (1, 2, 3, 4, 5, 6, 0)
_MOST_TIMES = 4
"""More times of a day than this are not listed."""


def describe(trigger: Trigger) -> str:
    """When it fires, such as "Mondays to Fridays at 09:00 (Europe/Berlin)"; a cron that
    plain words would make longer is shown as it is written.
    """
    if isinstance(trigger, Cron):
        words = f"{_cron(trigger.spec)} ({trigger.timezone})"
    else:
        words = f"Every {_span(trigger.interval)}"
    if trigger.start is not None:
        words += f", from {_moment(trigger.start, trigger.timezone)}"
    if trigger.end is not None:
        words += f", until {_moment(trigger.end, trigger.timezone)}"
    return words


def _cron(spec: str) -> str:
    fields = cron.parse(spec)
    days, time = _days(fields), _times(fields)
    if days is None or time is None:
        return f"Cron {' '.join(spec.split())}"
    if time.startswith("at"):
        return f"{days or 'Every day'} {time}"
    return f"{days}, {time}" if days else time[0].upper() + time[1:]


def _times(fields: cron.Fields) -> str | None:
    minutes, hours = fields.minutes, fields.hours
    if len(minutes) * len(hours) <= _MOST_TIMES:
        return "at " + _list([f"{hour:02}:{minute:02}" for hour in hours for minute in minutes])
    if fields.hourly:
        if step := _step(minutes, 60):
            return f"every {_count(step, 'minute')}"
        if len(minutes) == 1:
            return "every hour" if minutes == (0,) else f"every hour at {minutes[0]} past"
    elif minutes == (0,) and (step := _step(hours, 24)):
        return f"every {step} hours"
    return None


def _step(values: tuple[int, ...], of: int) -> int | None:
    step = of // len(values)
    return step if len(values) > 1 and values == tuple(range(0, of, step)) else None


def _days(fields: cron.Fields) -> str | None:
    """Which days, empty for all of them, None if that takes too many words."""
    parts = []
    if fields.either or len(fields.days) < 31:
        if len(fields.days) > _MOST_TIMES:
            return None
        plural = "s" if len(fields.days) > 1 else ""
        parts.append(f"Day{plural} {_list([str(day) for day in fields.days])} of the month")
    if fields.either or len(fields.weekdays) < 7:
        parts.append(_weekdays(fields.weekdays))
    if len(parts) == 2 and not fields.either:
        return None
    words = " and ".join(parts)
    if len(fields.months) < 12:
        if len(fields.months) > _MOST_TIMES:
            return None
        months = _list([_MONTHS[month - 1] for month in fields.months])
        words = f"{words or 'Every day'} in {months}"
    return words


def _weekdays(days: tuple[int, ...]) -> str:
    places = [place for place, day in enumerate(_WEEK) if day in days]
    names = [_DAYS[_WEEK[place]] for place in places]
    if len(places) > 2 and places[-1] - places[0] == len(places) - 1:
        return f"{names[0]} to {names[-1]}"
    return _list(names)


def _span(interval: timedelta) -> str:
    hours, rest = divmod(interval.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = [
        (f"{interval.days}", "day"),
        (f"{hours}", "hour"),
        (f"{minutes}", "minute"),
        (f"{seconds + interval.microseconds / 1e6:g}", "second"),
    ]
    parts = [(number, unit) for number, unit in parts if number != "0"]
    if len(parts) == 1 and parts[0][0] == "1":
        return parts[0][1]
    return " ".join(f"{number} {unit}{'s' * (number != '1')}" for number, unit in parts)


def _count(number: int, unit: str) -> str:
    return unit if number == 1 else f"{number} {unit}s"


def _list(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _moment(moment: datetime, zone: str) -> str:
    return moment.astimezone(zone_of(zone)).strftime("%Y-%m-%d %H:%M")
