"""Cron: what its five fields allow, and at which real moments a clock shows that. Pure.

APScheduler searches the calendar. It is asked in plain wall-clock time, as if in UTC, for
in a zone with daylight saving its cron does otherwise than ours (see :func:`_moments`): a
daily 02:30 in the gap of spring is fired an hour late, at 03:30, and in autumn it is fired
twice. The fields are read here, for APScheduler counts weekdays from Monday = 0, ignores
what follows a name ("mon-fri/2"), and wants both day fields to match where cron is content
with either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

from agentchat.errors import InvalidInput

HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)
LONGEST_BACK = timedelta(hours=3)
"""More than any zone has set its clocks back by since 1970."""

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_PART = re.compile(r"(?:(?P<all>\*)|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>[0-9]{1,4}))?")


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    def allowed(self) -> str:
        words = f"{self.low} to {self.high}"
        if self.names:
            words += f" or {self.names[0]} to {self.names[-1]}"
        return words + (" (0 and 7 are Sunday)" if self.names is WEEKDAYS else "")


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, MONTHS),
    _Field("day of the week", 0, 7, WEEKDAYS),
)


@dataclass(frozen=True, slots=True)
class Fields:
    """What the fields of a cron allow, sorted; weekday 0 is Sunday.

    With ``either``, a day counts if its day of the month or its weekday is allowed; else
    both must be. As in crontab(5): either, unless one of the two fields begins with ``*``.
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    either: bool

    @property
    def hourly(self) -> bool:
        """Whether it is meant for every hour there is, not for certain ones."""
        return len(self.hours) == 24


@lru_cache(maxsize=256)
def parse(spec: str) -> Fields:
    """What the five fields allow; raises InvalidInput naming the field and what it takes."""
    texts = spec.split()
    if len(texts) != len(_FIELDS):
        raise InvalidInput(
            f"The cron {spec[:80]!r} has {len(texts)} fields, not 5:"
            " minute, hour, day of the month, month, day of the week, as in '0 9 * * mon-fri'."
        )
    found = [_values(spec, field, text) for field, text in zip(_FIELDS, texts, strict=True)]
    minutes, hours, days, months, weekdays = found
    weekdays = tuple(sorted({day % 7 for day in weekdays}))
    either = not (texts[2].startswith("*") or texts[4].startswith("*"))
    if not either and days[0] > max(_LONGEST_MONTHS[month - 1] for month in months):
        raise InvalidInput(
            f"The cron {spec!r} would never fire: no such month has a day {days[0]}."
            " Change its day of the month or its month."
        )
    return Fields(minutes, hours, days, months, weekdays, either)


def _values(spec: str, field: _Field, text: str) -> tuple[int, ...]:
    found: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise _wrong(spec, field, text, f"{part!r} cannot be read")
        step = int(match["step"] or 1)
        if match["all"]:
            # Sunday is not counted twice.
            first, last = field.low, 6 if field.names is WEEKDAYS else field.high
        else:
            first = last = _number(spec, field, text, match["first"])
            if match["last"]:
                last = _number(spec, field, text, match["last"])
                if last == 0 < first and field.names is WEEKDAYS:
                    last = 7
            elif match["step"]:
                last = 6 if field.names is WEEKDAYS else field.high
        if step == 0:
            raise _wrong(spec, field, text, "a step of 0 leads nowhere")
        if first > last:
            raise _wrong(spec, field, text, f"{part!r} ends before it begins")
        found.update(range(first, last + 1, step))
    return tuple(sorted(found))


def _number(spec: str, field: _Field, text: str, word: str) -> int:
    if word.lower() in field.names:
        return field.names.index(word.lower()) + (1 if field.names is MONTHS else 0)
    if not re.fullmatch("[0-9]{1,4}", word):
        raise _wrong(spec, field, text, f"{word!r} is unknown")
    if not field.low <= int(word) <= field.high:
        raise _wrong(spec, field, text, f"{word} is out of range")
    return int(word)


def _wrong(spec: str, field: _Field, text: str, why: str) -> InvalidInput:
    return InvalidInput(
        f"In the cron {spec[:80]!r}, the {field.name} {text[:40]!r} is wrong: {why}."
        f" Allowed is {field.allowed()}, written as *, 5, 1,3, 1-5 or */2."
    )


def next_moment(spec: str, zone: ZoneInfo, moment: datetime) -> datetime | None:
    """The first moment (UTC) strictly after ``moment`` at which the cron fires in ``zone``;
    None when the calendar ends.
    """
    fields = parse(spec)
    here = moment.astimezone(zone)
    # If clocks are set back soon, times that have been shown already are shown again.
    back = _offset(moment + LONGEST_BACK, zone) - _offset(moment, zone)
    best: datetime | None = None
    for wall in _walls(spec, here.replace(tzinfo=None) + min(back, timedelta())):
        moments = _moments(wall, zone, hourly=fields.hourly)
        if best is not None and _instant(wall, zone, fold=0) >= best:
            break
        later = [one for one in moments if one > moment]
        best = min([*later, best] if best is not None else later, default=None)
        if best is not None and back >= timedelta():
            break
    return best


def _moments(wall: datetime, zone: ZoneInfo, *, hourly: bool) -> tuple[datetime, ...]:
    """The real moments that stand for a time on the clock.

    Two of the same name in autumn: the first only. None in spring: the first moment after
    the gap. But a cron for every hour fires in each real hour: both in autumn, and in
    spring none for a gap of whole hours, as the next hour has the same minute.
    """
    early, late = _instant(wall, zone, fold=0), _instant(wall, zone, fold=1)
    if early == late:
        return (early,)
    if early < late:
        return (early, late) if hourly else (early,)
    # In a gap, the zone's older offset gives the later moment; the gap's end is between.
    if hourly and not (early - late) % HOUR:
        return ()
    before, after = late, early
    old = _offset(before, zone)
    while after - before > timedelta(seconds=1):
        middle = (before + (after - before) // 2).replace(microsecond=0)
        if _offset(middle, zone) == old:
            before = middle
        else:
            after = middle
    return (after,)


def _instant(wall: datetime, zone: ZoneInfo, *, fold: int) -> datetime:
    return wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    offset = moment.astimezone(zone).utcoffset()
    assert offset is not None
    return offset


def _walls(spec: str, after: datetime) -> Iterator[datetime]:
    """The times on the clock that the cron allows, after ``after``, in order."""
    calendars = _calendars(spec)
    while True:
        start = (after + TICK).replace(tzinfo=UTC)
        found = [calendar.get_next_fire_time(None, start) for calendar in calendars]
        walls: list[datetime] = [one.replace(tzinfo=None) for one in found if one is not None]
        if not walls:
            return
        after = min(walls)
        yield after


@lru_cache(maxsize=256)
def _calendars(spec: str) -> tuple[CronTrigger, ...]:
    fields = parse(spec)
    days: tuple[Sequence[int], Sequence[int]] = (fields.days, fields.weekdays)
    pairs = [(days[0], range(7)), (range(1, 32), days[1])] if fields.either else [days]
    return tuple(
        CronTrigger(
            minute=_list(fields.minutes, 60),
            hour=_list(fields.hours, 24),
            day=_list(month_days, 31),
            month=_list(fields.months, 12),
            # It counts from Monday.
            day_of_week=_list(sorted((day - 1) % 7 for day in week_days), 7),
            timezone=UTC,
        )
        for month_days, week_days in pairs
    )


def _list(values: Sequence[int], all_: int) -> str:
    return "*" if len(values) == all_ else ",".join(map(str, values))
