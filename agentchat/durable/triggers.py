"""When a schedule fires: cron or interval. Pure; all answers are aware UTC times."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Literal, TypeAlias, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from agentchat.durable import cron
from agentchat.durable.cron import TICK
from agentchat.errors import InvalidInput

Missed: TypeAlias = Literal["skip", "one", "all"]
Overlap: TypeAlias = Literal["skip", "queue", "allow"]

SHORTEST = timedelta(seconds=1)
LONGEST = timedelta(days=36_525)
MOST_MISSED = 1000
"""The most times that a schedule makes up for at once."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Cron:
    """At the times of five cron fields, as a clock in ``timezone`` shows them.

    The fields are minute, hour, day of the month, month and day of the week, with
    ``*``, ``*/5``, lists, ranges and names (``mon-fri``); Sunday is 0 or 7. When both day
    fields are restricted (neither begins with ``*``), a day that fits either counts.

    A time that daylight saving skips fires once, at the first moment after the gap; one
    that comes twice fires once, the first time. Crons for every hour (``*/15 * * * *``)
    fire in every real hour.

    ``start`` and ``end`` are the first and last moments allowed. Each run begins up to
    ``jitter`` later. ``missed`` says what becomes of times found more than a minute late:
    skip, start one (the newest), or all, the newest ``most_missed`` of them. ``overlap``
    says what to do while a run of the schedule is not finished: skip the new one, queue
    it, or allow both. Raises InvalidInput, which says what is wrong.
    """

    spec: str
    timezone: str = "UTC"
    jitter: timedelta = timedelta()
    start: datetime | None = None
    end: datetime | None = None
    missed: Missed = "one"
    most_missed: int = 10
    overlap: Overlap = "skip"

    def __post_init__(self) -> None:
        if not isinstance(self.spec, str):
            raise InvalidInput(f"A cron is text such as '0 9 * * mon-fri', not {self.spec!r}.")
        if len(self.spec) > 200:
            raise InvalidInput(f"A cron has at most 200 characters; this has {len(self.spec)}.")
        cron.parse(self.spec)
        _check(self)


@dataclass(frozen=True)
class Every:
    """Again and again after ``interval`` of real time, counted from ``start``, or from
    when the schedule was made: clocks set forward or back do not matter.

    ``start`` itself is one of the times. ``timezone`` is only for showing them; the other
    fields are those of :class:`Cron`. Raises InvalidInput, which says what is wrong.
    """

    interval: timedelta
    timezone: str = "UTC"
    jitter: timedelta = timedelta()
    start: datetime | None = None
    end: datetime | None = None
    missed: Missed = "one"
    most_missed: int = 10
    overlap: Overlap = "skip"

    def __post_init__(self) -> None:
        if not isinstance(self.interval, timedelta):
            raise InvalidInput(f"An interval is a timedelta, not {self.interval!r}.")
        if not SHORTEST <= self.interval <= LONGEST:
            raise InvalidInput(
                f"An interval is 1 second at least and 100 years at most, not {self.interval}."
            )
        _check(self)


Trigger: TypeAlias = Cron | Every


def next_after(trigger: Trigger, moment: datetime) -> datetime | None:
    """The first time strictly after ``moment``; None when there is none any more.

    Raises InvalidInput if ``moment`` has no time zone.
    """
    moment = _aware("The moment", moment)
    if trigger.start is not None:
        moment = max(moment, trigger.start.astimezone(UTC) - TICK)
    try:
        if isinstance(trigger, Every):
            # Exact; APScheduler's interval trigger counts in floats.
            begin = _begin(trigger)
            found: datetime | None = (
                begin + ((moment - begin) // trigger.interval + 1) * trigger.interval
            )
        else:
            found = cron.next_moment(trigger.spec, zone_of(trigger.timezone), moment)
    except OverflowError:
        # The calendar ends with the year 9999.
        return None
    if found is None or (trigger.end is not None and found > trigger.end):
        return None
    return found


def due_between(trigger: Trigger, after: datetime, until: datetime, most: int) -> list[datetime]:
    """The newest ``most`` times after ``after`` and not after ``until``, oldest first.

    However many there are, it looks at little more than those it returns.
    """
    after, until = _aware("The beginning", after), _aware("The end", until)
    if isinstance(trigger, Every):
        begin = _begin(trigger)
        until = until if trigger.end is None else min(until, trigger.end)
        last = (until - begin) // trigger.interval
        first = max((after - begin) // trigger.interval + 1, last - most + 1, 0)
        return [begin + step * trigger.interval for step in range(first, last + 1)]
    look = timedelta(hours=1)
    while after < until:
        # Backwards, in windows that grow until they hold enough.
        start = until - look if look < until - after else after
        found = deque(_between(trigger, start, until), maxlen=most)
        if start == after or len(found) == most:
            return list(found)
        look *= 4
    return []


def _between(trigger: Trigger, after: datetime, until: datetime) -> Iterator[datetime]:
    found = next_after(trigger, after)
    while found is not None and found <= until:
        yield found
        found = next_after(trigger, found)


def _begin(trigger: Every) -> datetime:
    return _EPOCH if trigger.start is None else trigger.start.astimezone(UTC)


@cache
def zone_of(name: str) -> ZoneInfo:
    """The time zone of this name; raises InvalidInput."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidInput(
            f"The time zone {name[:80]!r} is unknown. Use a name such as Europe/Berlin,"
            " America/New_York or UTC."
        ) from error


def _check(trigger: Trigger) -> None:
    if not isinstance(trigger.timezone, str):
        raise InvalidInput(
            f"A time zone is a name such as Europe/Berlin, not {trigger.timezone!r}."
        )
    zone_of(trigger.timezone)
    for what, moment in (("start", trigger.start), ("end", trigger.end)):
        if moment is not None:
            _aware(f"The {what} of a schedule", moment)
            if not 1970 < moment.year < 9999:
                raise InvalidInput(f"The {what} of a schedule cannot be in {moment.year}.")
    if trigger.start and trigger.end and trigger.end < trigger.start:
        raise InvalidInput(f"A schedule cannot end ({trigger.end}) before its start.")
    if not isinstance(trigger.jitter, timedelta) or not timedelta() <= trigger.jitter <= LONGEST:
        raise InvalidInput(
            f"Jitter is a timedelta, the most by which a run is delayed, not {trigger.jitter!r}."
        )
    for value, kind, what in (
        (trigger.missed, Missed, "missed"),
        (trigger.overlap, Overlap, "overlap"),
    ):
        if value not in get_args(kind):
            raise InvalidInput(f"{what} is one of {', '.join(get_args(kind))}, not {value!r}.")
    if not isinstance(trigger.most_missed, int) or not 1 <= trigger.most_missed <= MOST_MISSED:
        raise InvalidInput(f"most_missed is 1 to {MOST_MISSED}, not {trigger.most_missed!r}.")


def _aware(what: str, moment: datetime) -> datetime:
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise InvalidInput(
            f"{what} must be a time with a time zone, such as"
            f" datetime(2026, 1, 1, 9, tzinfo=ZoneInfo('Europe/Berlin')), not {moment!r}."
        )
    return moment.astimezone(UTC)
