"""Adding up what ended and what was spent. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from agentchat.models import RunStatus
from agentchat.operations.overview_views import Busy, Group, Period

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST_PERIODS = 60
LENGTHS = tuple(
    timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440)
)
"""How long periods may be: in round numbers, so that one stays the same while time goes on."""


def percentile(sorted_values: Sequence[float], share: float) -> float | None:
    """The value that ``share`` of the values do not exceed, by nearest rank; None of none."""
    if not sorted_values:
        return None
    return sorted_values[max(math.ceil(share * len(sorted_values)) - 1, 0)]


def durations(ended: Iterable[Any]) -> list[float]:
    """The seconds from first start to end of the runs that are done, shortest first."""
    return sorted(
        (row.finished_at - row.started_at).total_seconds()
        for row in ended
        if row.status == RunStatus.DONE and row.started_at is not None
    )


def period_length(whole: timedelta) -> timedelta:
    """How long the periods of so much time are: the shortest of which there are not too many."""
    return next((one for one in LENGTHS if whole <= MOST_PERIODS * one), LENGTHS[-1])


def periods(
    ended: Iterable[Any], spent: Iterable[Any], since: datetime, now: datetime
) -> tuple[Period, ...]:
    """The time from ``since`` to ``now`` in equal periods, oldest first. They begin at round
    times: the first holds only what is after ``since``.
    """
    length = period_length(now - since)
    first = (since - _EPOCH) // length
    number = (now - _EPOCH) // length - first + 1
    ends: list[Counter[RunStatus]] = [Counter() for _ in range(number)]
    calls: list[list[Any]] = [[] for _ in range(number)]

    def place(at: datetime) -> int:
        # Clocks of several machines differ a little.
        return min(max((at - _EPOCH) // length - first, 0), number - 1)

    for row in ended:
        ends[place(row.finished_at)][row.status] += 1
    for row in spent:
        calls[place(row.created_at)].append(row)
    return tuple(
        Period(
            _EPOCH + length * (first + n),
            done=of[RunStatus.DONE],
            failed=of[RunStatus.FAILED],
            stopped=of[RunStatus.STOPPED],
            **{name: value for name, value in _spent(rows).items() if name != "calls"},
        )
        for n, (of, rows) in enumerate(zip(ends, calls, strict=True))
    )


def groups(ended: Iterable[Any], spent: Iterable[Any], column: str) -> tuple[Group, ...]:
    """Runs by a column, with what calls of models with the same cost, those that ended most
    often first. Those without a name are left out.
    """
    runs, calls = _by(ended, column), _by(spent, column)
    found = [group(name, runs.get(name, ()), calls.get(name, ())) for name in runs | calls if name]
    return _most_first(found)


def models(spent: Iterable[Any]) -> tuple[Group, ...]:
    """Calls by model, the most often called first."""
    return _most_first(
        Group(name, **_outcomes(row.outcome for row in rows), **_spent(rows))
        for name, rows in _by(spent, "model").items()
    )


def rated(groups: Iterable[Group], ratings: Iterable[Any], column: str) -> tuple[Group, ...]:
    """The groups with what people think of their answers, behind them those of which nothing else
    is told.
    """
    found, by = list(groups), _by(ratings, column)
    told = {one.name for one in found}
    found += [Group(name) for name in sorted(by) if name and name not in told]

    def counted(one: Group) -> Group:
        good = sum(row.good for row in by[one.name])
        return replace(one, good=good, bad=len(by[one.name]) - good)

    return tuple(counted(one) if one.name in by else one for one in found)


def group(name: str, ended: Sequence[Any], spent: Sequence[Any]) -> Group:
    """All of these together."""
    took = durations(ended)
    return Group(
        name,
        **_outcomes(row.status for row in ended),
        p50=percentile(took, 0.5),
        p95=percentile(took, 0.95),
        **_spent(spent),
    )


def busy(numbers: Mapping[RunStatus, Mapping[str, int]]) -> tuple[Busy, ...]:
    """Numbers of active runs by workflow, by name."""
    names = sorted({name for of in numbers.values() for name in of})
    return tuple(
        Busy(name, **{status.value: of[name] for status, of in numbers.items() if name in of})
        for name in names
    )


def _outcomes(of: Iterable[str]) -> dict[str, Any]:
    """What a person stopped is neither a success nor a failure."""
    number = Counter(of)
    failed, stopped = number[RunStatus.FAILED], number[RunStatus.STOPPED]
    judged = number.total() - stopped
    return {
        "ended": number.total(),
        "failed": failed,
        "stopped": stopped,
        "success": (judged - failed) / judged if judged else None,
    }


def _spent(spent: Sequence[Any]) -> dict[str, Any]:
    known = [row.cost_usd for row in spent if row.cost_usd is not None]
    return {
        "calls": len(spent),
        "input_tokens": sum(row.input_tokens for row in spent),
        "output_tokens": sum(row.output_tokens for row in spent),
        "cost_usd": None if spent and not known else math.fsum(known),
        "unknown": len(spent) - len(known),
    }


def _most_first(found: Iterable[Group]) -> tuple[Group, ...]:
    return tuple(sorted(found, key=lambda one: (-one.ended, one.name)))


def _by(rows: Iterable[Any], column: str) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(getattr(row, column) or "", []).append(row)
    return found
