"""Which audits are shown, as it stands in an address. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from agentchat.inputs import storable
from agentchat.store.audits import KINDS, Wanted

MOST_TEXT = 200
_TEXTS = ("action", "who", "subject")


@dataclass(frozen=True, slots=True)
class AuditsAsked:
    """What an address asks for: which audits, before that of which id (0 for the newest), and in
    ``problems`` what of it was ignored and why.
    """

    wanted: Wanted = field(default_factory=Wanted)
    before: int = 0
    problems: tuple[str, ...] = ()


def audits_asked(query: str) -> AuditsAsked:
    """Read from the query string of an address which audits are asked for: ``kind``, ``action``,
    ``who``, ``subject``, ``since``, ``until`` and ``before``. It may hold other things, too.
    """
    told = {name: value.strip() for name, value in parse_qsl(query[:4_000].removeprefix("?"))}
    found: dict[str, Any] = {}
    problems: list[str] = []

    def read(name: str, of: Callable[[str], Any], expected: str) -> None:
        if value := told.get(name, ""):
            try:
                found[name] = of(value)
            except ValueError:
                problems.append(f"{name}={value[:60]} was ignored: {expected}.")

    for name in _TEXTS:
        read(name, _text, f"it may have at most {MOST_TEXT} characters")
    read("kind", _kind, f"it is one of {', '.join(KINDS)}")
    for name in ("since", "until"):
        read(name, _moment, "a time has a day, an hour and a zone, like 2026-01-31T09:30Z")
    read("before", _id, "it is no place among the audits")
    since, until = found.get("since"), found.get("until")
    if since is not None and until is not None and since >= until:
        problems.append("since and until were ignored: the end is not after the beginning.")
        del found["since"], found["until"]
    before = found.pop("before", 0)
    return AuditsAsked(Wanted(**found), before, tuple(problems))


def _text(value: str) -> str:
    if len(value) > MOST_TEXT:
        raise ValueError(value)
    return storable(value)


def _kind(value: str) -> str:
    if value not in KINDS:
        raise ValueError(value)
    return value


def _moment(value: str) -> datetime:
    # A plus sign in an address that nobody has escaped is a space.
    moment = datetime.fromisoformat(value.replace(" ", "+"))
    if moment.tzinfo is None or not 1970 <= moment.year < 9000:
        raise ValueError(value)
    return moment.astimezone(UTC)


def _id(value: str) -> int:
    number = int(value)
    if not 0 < number < 2**63:
        raise ValueError(value)
    return number
