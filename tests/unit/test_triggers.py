"""When schedules fire: every field of a cron, daylight saving, intervals, and words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentchat.durable.trigger_words import describe
from agentchat.durable.triggers import Cron, Every, Trigger, due_between, next_after
from agentchat.errors import InvalidInput

BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"
NOW = datetime(2026, 1, 1, tzinfo=UTC)  # a Thursday
TICK = timedelta(microseconds=1)


def times(trigger: Trigger, after: datetime, count: int) -> list[datetime]:
    found: list[datetime] = []
    while len(found) < count and (one := next_after(trigger, after)) is not None:
        found.append(one)
        after = one
    return found


def days(spec: str, count: int, start: datetime = NOW) -> list[str]:
    return [f"{one:%m-%d}" for one in times(Cron(spec), start - TICK, count)]


def of_day(spec: str, zone: str, day: str) -> list[str]:
    """All firings on a local day, with the offset in hours."""
    begin = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone))
    end = (begin + timedelta(days=1)).astimezone(UTC)
    found = due_between(Cron(spec, zone), begin.astimezone(UTC) - TICK, end - TICK, 2000)
    local = [one.astimezone(ZoneInfo(zone)) for one in found]
    return [f"{one:%H:%M}{(one.utcoffset() or NOW - NOW) / timedelta(hours=1):+g}" for one in local]


# The fields


@pytest.mark.parametrize(
    ("spec", "first"),
    [
        ("* * * * *", ["00:00", "00:01", "00:02"]),
        ("5 * * * *", ["00:05", "01:05", "02:05"]),
        ("*/20 3 * * *", ["03:00", "03:20", "03:40"]),
        ("1,3 4-5 * * *", ["04:01", "04:03", "05:01"]),
        ("10-20/5 0 * * *", ["00:10", "00:15", "00:20"]),
        ("50/5 0 * * *", ["00:50", "00:55", "00:50"]),
        ("0 */8 * * *", ["00:00", "08:00", "16:00"]),
        ("59 23 * * *", ["23:59", "23:59", "23:59"]),
    ],
)
def test_minutes_and_hours_are_read_as_cron_reads_them(spec: str, first: list[str]) -> None:
    assert [f"{one:%H:%M}" for one in times(Cron(spec), NOW - TICK, 3)] == first


@pytest.mark.parametrize(
    ("spec", "first"),
    [
        ("0 0 15 * *", ["01-15", "02-15", "03-15"]),
        ("0 0 31 * *", ["01-31", "03-31", "05-31"]),
        ("0 0 1,10-11 * *", ["01-01", "01-10", "01-11"]),
        ("0 0 1 */3 *", ["01-01", "04-01", "07-01"]),
        ("0 0 1 feb,DEC *", ["02-01", "12-01", "02-01"]),
        ("0 0 1 mar-may *", ["03-01", "04-01", "05-01"]),
        ("0 0 29 2 *", ["02-29", "02-29", "02-29"]),
    ],
)
def test_days_and_months_are_read_as_cron_reads_them(spec: str, first: list[str]) -> None:
    assert days(spec, 3) == first


@pytest.mark.parametrize(
    ("weekdays", "first"),
    [
        # 1 January 2026 is a Thursday, so 4 January a Sunday.
        ("0", ["01-04", "01-11"]),
        ("7", ["01-04", "01-11"]),
        ("sun", ["01-04", "01-11"]),
        ("0,7", ["01-04", "01-11"]),
        ("1", ["01-05", "01-12"]),
        ("6", ["01-03", "01-10"]),
        ("mon-fri", ["01-01", "01-02", "01-05", "01-06"]),
        ("1-5", ["01-01", "01-02", "01-05", "01-06"]),
        ("5-7", ["01-02", "01-03", "01-04", "01-09"]),
        ("fri-sun", ["01-02", "01-03", "01-04", "01-09"]),
        ("mon-fri/2", ["01-02", "01-05", "01-07", "01-09"]),
        ("*/2", ["01-01", "01-03", "01-04", "01-06"]),
        ("0-7", ["01-01", "01-02", "01-03", "01-04", "01-05"]),
    ],
)
def test_sunday_is_0_and_7(weekdays: str, first: list[str]) -> None:
    assert days(f"0 0 * * {weekdays}", len(first)) == first


def test_a_day_counts_if_either_of_two_restricted_day_fields_matches() -> None:
    assert days("0 0 13 * fri", 6) == ["01-02", "01-09", "01-13", "01-16", "01-23", "01-30"]
    # As in crontab(5): a field that begins with a star does not restrict, so both must match.
    assert days("0 0 */10 * sun", 2) == ["01-11", "02-01"]
    assert days("0 0 13 * */5", 2) == ["02-13", "03-13"]
    # Never a 30 February, but Mondays.
    assert days("0 0 30 2 1", 2) == ["02-02", "02-09"]


@pytest.mark.parametrize(
    ("spec", "field", "allowed"),
    [
        ("60 * * * *", "minute", "0 to 59"),
        ("x * * * *", "minute", "0 to 59"),
        ("-1 * * * *", "minute", "0 to 59"),
        ("1,,2 * * * *", "minute", "0 to 59"),
        ("*/0 * * * *", "minute", "0 to 59"),
        ("٣ * * * *", "minute", "0 to 59"),
        ("0 24 * * *", "hour", "0 to 23"),
        ("0 9-8 * * *", "hour", "0 to 23"),
        ("0 0 0 * *", "day of the month", "1 to 31"),
        ("0 0 L * *", "day of the month", "1 to 31"),
        ("0 0 * 13 *", "month", "1 to 12 or jan to dec"),
        ("0 0 * mon *", "month", "1 to 12 or jan to dec"),
        ("0 0 * * 8", "day of the week", "sun to sat (0 and 7 are Sunday)"),
        ("0 0 * * jan", "day of the week", "sun to sat (0 and 7 are Sunday)"),
    ],
)
def test_a_wrong_field_is_named_with_what_it_takes(spec: str, field: str, allowed: str) -> None:
    with pytest.raises(InvalidInput) as error:
        Cron(spec)
    assert f"the {field} '" in str(error.value)
    assert allowed in str(error.value)


@pytest.mark.parametrize("spec", ["", "* * * *", "* * * * * *", "@daily"])
def test_a_cron_has_five_fields(spec: str) -> None:
    with pytest.raises(InvalidInput, match="fields, not 5"):
        Cron(spec)


@pytest.mark.parametrize("spec", ["0 0 30 2 *", "0 0 31 4,6 *", "0 0 30 feb */2"])
def test_a_cron_that_never_fires_is_refused(spec: str) -> None:
    with pytest.raises(InvalidInput, match="would never fire"):
        Cron(spec)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"timezone": "Mars/Base"}, "time zone 'Mars/Base' is unknown"),
        ({"timezone": ""}, "time zone '' is unknown"),
        ({"timezone": "Europe"}, "time zone 'Europe' is unknown"),
        ({"timezone": "../etc/passwd"}, "is unknown"),
        ({"start": datetime(2026, 1, 1)}, "start of a schedule must be a time with a time zone"),
        ({"end": datetime(2026, 1, 1)}, "end of a schedule must be a time with a time zone"),
        ({"start": datetime(1, 1, 1, tzinfo=UTC)}, "cannot be in 1"),
        ({"start": NOW, "end": NOW - TICK}, "cannot end"),
        ({"jitter": -TICK}, "Jitter"),
        ({"jitter": 5}, "Jitter"),
        ({"missed": "some"}, "missed is one of skip, one, all"),
        ({"overlap": "no"}, "overlap is one of skip, queue, allow"),
        ({"most_missed": 0}, "most_missed is 1 to 1000"),
        ({"most_missed": 1001}, "most_missed is 1 to 1000"),
    ],
)
def test_options_that_make_no_sense_are_refused(wrong: dict[str, Any], words: str) -> None:
    for make in (lambda: Cron("* * * * *", **wrong), lambda: Every(timedelta(hours=1), **wrong)):
        with pytest.raises(InvalidInput) as error:
            make()
        assert words in str(error.value)


@pytest.mark.parametrize(
    "interval", [timedelta(), timedelta(seconds=1) - TICK, -timedelta(hours=1), timedelta.max, 60]
)
def test_an_interval_is_a_second_at_least(interval: Any) -> None:
    with pytest.raises(InvalidInput, match="interval"):
        Every(interval)


def test_a_moment_has_a_time_zone() -> None:
    naive = datetime(2026, 1, 1)
    with pytest.raises(InvalidInput, match="time zone"):
        next_after(Cron("* * * * *"), naive)
    with pytest.raises(InvalidInput, match="time zone"):
        due_between(Every(timedelta(hours=1)), naive, NOW, 1)


# Daylight saving


@pytest.mark.parametrize(
    ("zone", "day", "time", "instead"),
    [
        (BERLIN, "2026-03-29", "30 2", "03:00+2"),
        (BERLIN, "2026-03-29", "0 2", "03:00+2"),
        (BERLIN, "2026-03-29", "59 1", "01:59+1"),
        (BERLIN, "2026-03-29", "0 3", "03:00+2"),
        (NEW_YORK, "2026-03-08", "30 2", "03:00-4"),
        (LORD_HOWE, "2026-10-04", "15 2", "02:30+11"),
        (LORD_HOWE, "2026-10-04", "45 2", "02:45+11"),
        # Where the gap begins at midnight.
        ("Africa/Cairo", "2026-04-24", "0 0", "01:00+3"),
        # A whole day was left out.
        ("Pacific/Apia", "2011-12-31", "0 9 30", "00:00+14"),
    ],
)
def test_a_time_that_does_not_exist_fires_once_after_the_gap(
    zone: str, day: str, time: str, instead: str
) -> None:
    spec = f"{time} * * *" if time.count(" ") == 1 else f"{time} * *"
    assert of_day(spec, zone, day) == [instead]


def test_several_times_in_a_gap_fire_once() -> None:
    assert of_day("*/20 1-2 * * *", BERLIN, "2026-03-29") == [
        "01:00+1", "01:20+1", "01:40+1", "03:00+2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("zone", "day", "time", "first"),
    [
        (BERLIN, "2026-10-25", "30 2", "02:30+2"),
        (BERLIN, "2026-10-25", "0 2", "02:00+2"),
        (BERLIN, "2026-10-25", "0 3", "03:00+1"),
        (NEW_YORK, "2026-11-01", "30 1", "01:30-4"),
        (LORD_HOWE, "2026-04-05", "45 1", "01:45+11"),
        (LORD_HOWE, "2026-04-05", "0 2", "02:00+10.5"),
    ],
)
def test_a_time_that_exists_twice_fires_the_first_time(
    zone: str, day: str, time: str, first: str
) -> None:
    assert of_day(f"{time} * * *", zone, day) == [first]


def test_a_time_that_exists_twice_fires_once_even_if_asked_between() -> None:
    between = datetime(2026, 10, 25, 1, 5, tzinfo=UTC)  # 02:05, for the second time
    tomorrow = datetime(2026, 10, 26, 1, 30, tzinfo=UTC)
    assert next_after(Cron("30 2 * * *", BERLIN), between) == tomorrow
    # But nothing after it is lost.
    assert next_after(Cron("30 2,3 * * *", BERLIN), between) == datetime(
        2026, 10, 25, 2, 30, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        (BERLIN, "2026-03-29", 23),
        (BERLIN, "2026-10-25", 25),
        (NEW_YORK, "2026-03-08", 23),
        (NEW_YORK, "2026-11-01", 25),
        (LORD_HOWE, "2026-10-04", 23.5),
        (LORD_HOWE, "2026-04-05", 24.5),
    ],
)
def test_a_quarter_of_an_hour_is_one_on_every_day(zone: str, day: str, hours: float) -> None:
    fired = of_day("*/15 * * * *", zone, day)
    assert len(fired) == hours * 4
    assert len(set(fired)) == len(fired)
    begin = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    found = times(Cron("*/15 * * * *", zone), begin - TICK, 120)
    assert found == [begin + number * timedelta(minutes=15) for number in range(120)]


@pytest.mark.parametrize("minute", [0, 30])
@pytest.mark.parametrize(
    ("zone", "day"), [(BERLIN, "2026-03-28"), (BERLIN, "2026-10-24"), (NEW_YORK, "2026-10-31")]
)
def test_every_hour_is_every_real_hour(zone: str, day: str, minute: int) -> None:
    begin = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone), minute=minute)
    found = times(Cron(f"{minute} * * * *", zone), begin.astimezone(UTC) - TICK, 72)
    assert found == [begin.astimezone(UTC) + number * timedelta(hours=1) for number in range(72)]


def test_every_hour_copes_with_a_shift_of_half_an_hour() -> None:
    # 02:00 does not exist, and no other time that is an hour after 01:00.
    assert of_day("0 * * * *", LORD_HOWE, "2026-10-04")[:4] == [
        "00:00+10.5", "01:00+10.5", "02:30+11", "03:00+11",
    ]  # fmt: skip
    assert of_day("30 * * * *", LORD_HOWE, "2026-10-04")[:4] == [
        "00:30+10.5", "01:30+10.5", "02:30+11", "03:30+11",
    ]  # fmt: skip
    assert of_day("30 * * * *", LORD_HOWE, "2026-04-05")[:4] == [
        "00:30+11", "01:30+11", "01:30+10.5", "02:30+10.5",
    ]  # fmt: skip


def test_every_hour_of_one_day_does_not_lose_the_hour_that_comes_twice() -> None:
    # In Beirut clocks go back at midnight: 23:30 comes again when the day is nearly over.
    zone = "Asia/Beirut"
    first = datetime(2026, 10, 24, 20, 30, tzinfo=UTC)
    found = times(Cron("30 * 24 10 *", zone), first - TICK, 3)
    assert found[:2] == [first, first + timedelta(hours=1)]
    assert found[2].year == 2027


# Intervals


def test_an_interval_counts_from_its_start_in_real_time() -> None:
    begin = datetime(2026, 10, 24, 12, tzinfo=ZoneInfo(BERLIN))
    trigger = Every(timedelta(hours=24), start=begin)
    first = begin.astimezone(UTC)
    assert times(trigger, NOW, 3) == [first + number * timedelta(hours=24) for number in range(3)]


def test_an_interval_stays_exact_for_ever() -> None:
    trigger = Every(timedelta(seconds=1.1), start=NOW)
    far = NOW + 10**9 * timedelta(seconds=1.1)
    assert next_after(trigger, far) == far + timedelta(seconds=1.1)
    assert next_after(trigger, far - TICK) == far


def test_a_schedule_keeps_to_its_start_and_end() -> None:
    for trigger in (
        Cron("0 * * * *", start=NOW, end=NOW + timedelta(hours=2)),
        Every(timedelta(hours=1), start=NOW, end=NOW + timedelta(hours=2)),
    ):
        wanted = [NOW + number * timedelta(hours=1) for number in range(3)]
        assert times(trigger, NOW - timedelta(days=9), 9) == wanted
        assert due_between(trigger, NOW - timedelta(days=9), NOW + timedelta(days=9), 9) == wanted


def test_the_calendar_ends() -> None:
    end = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    assert next_after(Cron("0 0 * * *"), end) is None
    assert next_after(Cron("0 0 1 1 *", BERLIN), end - timedelta(days=2)) is None
    assert next_after(Every(timedelta(days=1)), end) is None


# Properties

zones = st.sampled_from(
    ["UTC", BERLIN, NEW_YORK, LORD_HOWE, "Africa/Cairo", "Asia/Beirut", "Asia/Kathmandu"]
)
field = st.sampled_from


@st.composite
def crons(draw: st.DrawFn) -> Cron:
    return Cron(
        " ".join(
            (
                draw(field(["*", "0", "30", "*/15", "1,59", "10-20/3"])),
                draw(field(["*", "*", "0", "1-3", "*/6", "2", "23"])),
                draw(field(["*", "*", "1", "24-31", "*/2"])),
                draw(field(["*", "*", "3,4", "oct-nov", "2"])),
                draw(field(["*", "*", "0", "mon-fri", "6,7"])),
            )
        ),
        draw(zones),
    )


everies = st.builds(
    Every,
    st.timedeltas(timedelta(seconds=1), timedelta(days=400)),
    start=st.none()
    | st.datetimes(datetime(2000, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))


@settings(deadline=None)
@given(crons() | everies, moments)
def test_the_next_time_is_always_later(trigger: Trigger, moment: datetime) -> None:
    found = times(trigger, moment, 12)
    assert found == sorted(set(found))
    assert all(one > moment and one.utcoffset() == timedelta() for one in found)


@settings(deadline=None)
@given(crons(), moments)
def test_no_time_lies_between_a_moment_and_the_next(trigger: Cron, moment: datetime) -> None:
    after = next_after(trigger, moment)
    assert after is not None
    for share in (0.01, 0.5, 0.99):
        assert next_after(trigger, moment + (after - moment - TICK) * share) == after
    assert next_after(trigger, after - TICK) == after


@settings(deadline=None)
@given(crons(), moments)
def test_a_clock_shows_what_the_cron_allows_unless_it_was_just_set_forward(
    trigger: Cron, moment: datetime
) -> None:
    zone = ZoneInfo(trigger.timezone)
    minutes, hours = trigger.spec.split()[:2]
    for one in times(trigger, moment, 5):
        local = one.astimezone(zone)
        before = (one - timedelta(seconds=1)).astimezone(zone).utcoffset()
        if before == local.utcoffset():
            assert minutes != "30" or local.minute == 30
            assert minutes != "*/15" or local.minute % 15 == 0
            assert hours != "1-3" or local.hour in (1, 2, 3)


@settings(deadline=None)
@given(crons() | everies, moments, st.integers(1, 30), st.timedeltas(timedelta(), timedelta(9)))
def test_the_newest_due_times_are_those_that_counting_finds(
    trigger: Trigger, after: datetime, most: int, long: timedelta
) -> None:
    until = after + min(long, timedelta(hours=12))
    counted = [one for one in times(trigger, after, 800) if one <= until]
    if len(counted) < 800:
        assert due_between(trigger, after, until, most) == counted[-most:]


def test_a_year_of_seconds_is_not_counted_through() -> None:
    year = timedelta(days=365)
    found = due_between(Every(timedelta(seconds=1)), NOW, NOW + year, 3)
    assert found == [NOW + year - timedelta(seconds=number) for number in (2, 1, 0)]
    found = due_between(Cron("* * * * *"), NOW, NOW + year, 2)
    assert found == [NOW + year - timedelta(minutes=number) for number in (1, 0)]
    found = due_between(Cron("0 0 1 1 *"), NOW, NOW + year, 5)
    assert found == [NOW + year]
    assert due_between(Cron("0 0 1 1 *"), NOW + year, NOW, 5) == []


# Words


@pytest.mark.parametrize(
    ("trigger", "words"),
    [
        (Cron("0 9 * * mon-fri", BERLIN), "Mondays to Fridays at 09:00 (Europe/Berlin)"),
        (Cron("0 9,17 * * *"), "Every day at 09:00 and 17:00 (UTC)"),
        (Cron("*/15 * * * *"), "Every 15 minutes (UTC)"),
        (Cron("* * * * *"), "Every minute (UTC)"),
        (Cron("0 * * * *"), "Every hour (UTC)"),
        (Cron("5 * * * *"), "Every hour at 5 past (UTC)"),
        (Cron("0 */2 * * *"), "Every 2 hours (UTC)"),
        (Cron("0 0 * * 6,7"), "Saturdays and Sundays at 00:00 (UTC)"),
        (
            Cron("0 0 1,15 jan,jul *"),
            "Days 1 and 15 of the month in January and July at 00:00 (UTC)",
        ),
        (Cron("0 9 13 * fri"), "Day 13 of the month and Fridays at 09:00 (UTC)"),
        (Cron("*/10 * * * 1"), "Mondays, every 10 minutes (UTC)"),
        (Cron("*/15  9-17 * * 1-5"), "Cron */15 9-17 * * 1-5 (UTC)"),
        (Every(timedelta(hours=1)), "Every hour"),
        (Every(timedelta(minutes=90)), "Every 1 hour 30 minutes"),
        (Every(timedelta(seconds=1.5)), "Every 1.5 seconds"),
        (
            Every(timedelta(days=2), BERLIN, start=NOW, end=NOW + timedelta(days=9)),
            "Every 2 days, from 2026-01-01 01:00, until 2026-01-10 01:00",
        ),
    ],
)
def test_a_trigger_is_said_in_plain_words(trigger: Trigger, words: str) -> None:
    assert describe(trigger) == words
