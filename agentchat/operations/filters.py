"""Which runs a list shows, as it stands in an address. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

from agentchat.inputs import storable
from agentchat.models import RunStatus

WITHIN = {
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
"""How long ago a run was started at most, by the word in the address."""

IN_TIME = ("newest", "oldest")
RANKED = ("longest", "tokens", "cost", "attempts")
"""Orders by a measure, in which only so many of the newest runs are put."""
SORTS = (*IN_TIME, *RANKED)

MOST_TEXT = 200
MOST_SKIPPED = 5_000
_TEXTS = ("workflow", "agent", "model", "user", "thread", "schedule")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(9000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Place:
    """A run's place in the order of time: when it was started, and its id."""

    at: datetime
    id: str

    def __str__(self) -> str:
        return f"{(self.at - _EPOCH) // _MICROSECOND}.{self.id}"

    @classmethod
    def of(cls, text: str) -> Place:
        """The place that ``str(place)`` has written; raises ValueError."""
        number, point, run_id = text.partition(".")
        try:
            at = _EPOCH + int(number) * _MICROSECOND
        except OverflowError:
            raise ValueError(text) from None
        if not point or not run_id or len(run_id) > 64 or at > _LATEST:
            raise ValueError(text)
        return cls(at, storable(run_id))


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs, in which order, from where on. What is empty does not matter.

    ``model`` is one that a run has called itself, by its id; a call counts once it is over.
    ``within`` is a word of :data:`WITHIN`; ``since`` and ``until`` are for other times.
    ``text`` is looked for in ids (their beginning), keys, steps, errors, workflows and titles
    of threads. ``sort`` is one of :data:`SORTS`. ``after`` and ``before`` say where a page
    begins or ends in the orders of time; ``skip`` how many come before it in the others.
    """

    statuses: tuple[RunStatus, ...] = ()
    workflow: str = ""
    agent: str = ""
    model: str = ""
    user: str = ""
    thread: str = ""
    schedule: str = ""
    within: str = ""
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""
    sort: str = "newest"
    after: Place | None = None
    before: Place | None = None
    skip: int = 0

    @property
    def narrowed(self) -> bool:
        """Whether it leaves any runs out."""
        return self.first_page() != RunFilter(sort=self.sort)

    @property
    def query(self) -> str:
        """As the query string of an address, in one order, without what is empty."""
        told: dict[str, str] = {}
        if self.statuses:
            told["status"] = ",".join(self.statuses)
        told |= {name: value for name in _TEXTS if (value := getattr(self, name))}
        if self.within:
            told["within"] = self.within
        for name in ("since", "until"):
            moment: datetime | None = getattr(self, name)
            if moment is not None:
                told[name] = moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
        if self.text:
            told["text"] = self.text
        if self.sort != "newest":
            told["sort"] = self.sort
        told |= {name: str(place) for name in ("after", "before") if (place := getattr(self, name))}
        if self.skip:
            told["skip"] = str(self.skip)
        return urlencode(told, safe=",:")

    def first_page(self) -> RunFilter:
        """The same runs from the beginning."""
        return replace(self, after=None, before=None, skip=0)

    def from_time(self, now: datetime) -> datetime | None:
        """When a run was started at the earliest."""
        return now - WITHIN[self.within] if self.within else self.since


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks for: the filter, and in ``problems`` what of it was ignored and why."""

    filter: RunFilter = field(default_factory=RunFilter)
    problems: tuple[str, ...] = ()


def asked(query: str) -> Asked:
    """Read a filter from the query string of an address, which may hold other things too.

    What is wrong is left out, with words in ``problems`` that tell what it is and what may
    stand there.
    """
    told: dict[str, str] = {}
    for name, value in parse_qsl(query[:4_000].removeprefix("?")):
        # The same name twice is a list, as forms write one.
        joined = name == "status" and name in told
        told[name] = f"{told[name]},{value}" if joined else value
    found: dict[str, Any] = {}
    problems: list[str] = []

    def read(name: str, of: Callable[[str], Any], expected: str) -> None:
        if name not in told or not told[name].strip():
            return
        try:
            found[name] = of(told[name].strip())
        except ValueError:
            shown = told[name].strip()[:60]
            problems.append(f"{name}={shown} was ignored: {expected}.")

    _read_statuses(told.get("status", ""), found, problems)
    for name in (*_TEXTS, "text"):
        read(name, _text, f"it may have at most {MOST_TEXT} characters")
    read("within", _one_of(WITHIN), f"it is one of {', '.join(WITHIN)}")
    expected = "a time has a day, an hour and a zone, like 2026-01-31T09:30Z"
    read("since", _moment, expected)
    read("until", _moment, expected)
    read("sort", _one_of(SORTS), f"it is one of {', '.join(SORTS)}")
    read("after", Place.of, "it is no place in this list")
    read("before", Place.of, "it is no place in this list")
    read("skip", _number, f"it is a number up to {MOST_SKIPPED:,}")
    _agree(found, problems)
    return Asked(RunFilter(**found), tuple(problems))


def _read_statuses(text: str, found: dict[str, Any], problems: list[str]) -> None:
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    known = [name for name in names if name in set(RunStatus)]
    unknown = [name[:40] for name in names if name not in set(RunStatus)]
    if unknown:
        words = ", ".join(unknown[:5])
        problems.append(f"status={words} was ignored: a status is one of {', '.join(RunStatus)}.")
    # In one order, so that the same filter is the same query.
    found["statuses"] = tuple(status for status in RunStatus if status in known)


def _agree(found: dict[str, Any], problems: list[str]) -> None:
    """Leave out what contradicts something else."""
    since, until = found.get("since"), found.get("until")
    if since is not None and until is not None and since >= until:
        problems.append("since and until were ignored: the end is not after the beginning.")
        del found["since"], found["until"]
    elif (since is not None or until is not None) and found.pop("within", None):
        problems.append("within was ignored: since and until say the time already.")
    if "after" in found and found.pop("before", None):
        problems.append("before was ignored: after says already where the page begins.")
    if found.get("sort", "newest") in IN_TIME:
        found.pop("skip", None)
    else:
        found.pop("after", None)
        found.pop("before", None)


def _text(value: str) -> str:
    if len(value) > MOST_TEXT:
        raise ValueError(value)
    return storable(value)


def _one_of(words: Iterable[str]) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in words:
            raise ValueError(value)
        return value

    return read


def _moment(value: str) -> datetime:
    # A plus sign in an address that nobody has escaped is a space.
    moment = datetime.fromisoformat(value.replace(" ", "+"))
    if moment.tzinfo is None:
        raise ValueError(value)
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(value) from None
    if not _EPOCH <= moment <= _LATEST:
        raise ValueError(value)
    return moment


def _number(value: str) -> int:
    number = int(value)
    if not 0 <= number <= MOST_SKIPPED:
        raise ValueError(value)
    return number
