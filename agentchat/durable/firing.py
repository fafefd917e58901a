"""What becomes of a schedule that is due: decided here, done by ``store/``. Pure."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any, cast

from agentchat.durable.cron import TICK
from agentchat.durable.triggers import (
    Cron,
    Every,
    Missed,
    Overlap,
    Trigger,
    due_between,
    next_after,
)
from agentchat.errors import InvalidInput
from agentchat.models import Schedule
from agentchat.store.firings import Due, Plan

MISFIRE_GRACE = timedelta(seconds=60)
"""A time found later than this counts as missed."""
MOST_IN_GRACE = 100
"""More than any schedule has within the grace."""


def columns_of(trigger: Trigger) -> dict[str, Any]:
    """The columns of a schedule's row that hold its trigger."""
    return {
        "trigger": "cron" if isinstance(trigger, Cron) else "interval",
        "spec": (
            trigger.spec if isinstance(trigger, Cron) else repr(trigger.interval.total_seconds())
        ),
        "timezone": trigger.timezone,
        "jitter": trigger.jitter.total_seconds(),
        "start_at": trigger.start,
        "end_at": trigger.end,
        "missed": trigger.missed,
        "most_missed": trigger.most_missed,
        "overlap": trigger.overlap,
    }


def trigger_of(schedule: Schedule) -> Trigger:
    """The trigger of a stored schedule; an interval without a start counts from when the
    schedule was made. Raises InvalidInput if this machine cannot make it.
    """
    # Their values are checked by the triggers themselves.
    missed, overlap = cast(Missed, schedule.missed), cast(Overlap, schedule.overlap)
    jitter = timedelta(seconds=schedule.jitter)
    if schedule.trigger == "cron":
        return Cron(
            schedule.spec,
            schedule.timezone,
            jitter,
            schedule.start_at,
            schedule.end_at,
            missed,
            schedule.most_missed,
            overlap,
        )
    try:
        interval = timedelta(seconds=float(schedule.spec))
    except (ValueError, OverflowError) as error:
        raise InvalidInput(f"{schedule.spec!r} is not a number of seconds.") from error
    # Counted from its making, which is not itself one of its times.
    start = schedule.start_at or schedule.created_at + interval
    return Every(
        interval,
        schedule.timezone,
        jitter,
        start,
        schedule.end_at,
        missed,
        schedule.most_missed,
        overlap,
    )


def plan(schedule: Schedule, now: datetime) -> Plan:
    """What to do with the times from ``next_at`` to ``now``; raises InvalidInput.

    Of those missed, only the newest ``most_missed`` are dealt with and leave a firing: that
    bounds what a long silence costs.
    """
    trigger = trigger_of(schedule)
    next_at = schedule.next_at
    if next_at is None:
        return Plan((), None)
    before, late = next_at - TICK, now - MISFIRE_GRACE - TICK
    missed = due_between(trigger, before, late, trigger.most_missed)
    made_up = {"skip": 0, "one": 1, "all": len(missed)}[trigger.missed]
    lost = len(missed) - min(made_up, len(missed))
    times = [*missed, *due_between(trigger, max(before, late), now, MOST_IN_GRACE)]
    due = tuple(
        Due(at, at + jitter_of(schedule.id, at, trigger.jitter) if number >= lost else None)
        for number, at in enumerate(times)
    )
    return Plan(due, next_after(trigger, now))


def jitter_of(schedule_id: str, due_at: datetime, jitter: timedelta) -> timedelta:
    """By how much this due time is delayed: less than ``jitter``, and always the same."""
    digest = hashlib.sha256(f"{schedule_id}\n{due_at.isoformat()}".encode()).digest()
    share = int.from_bytes(digest[:8])
    return TICK * (jitter // TICK * share >> 64)


def asked_at(schedule: Schedule, now: datetime) -> datetime:
    """A moment to record a run under that a person asks for now: not one of the schedule's
    times, which would then count as fired already. Raises InvalidInput.
    """
    trigger = trigger_of(schedule)
    while next_after(trigger, now - TICK) == now:
        now += TICK
    return now
