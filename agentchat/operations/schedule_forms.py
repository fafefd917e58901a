"""A schedule as a form: texts in, a trigger and arguments out, or what is wrong where. Pure.

Times in a form are those that a clock in the schedule's time zone shows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from agentchat.durable.schedule_views import ScheduleView
from agentchat.durable.triggers import Cron, Every, zone_of
from agentchat.errors import InvalidInput
from agentchat.operations.redact import redacted

T = TypeVar("T")

UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}
MOST_TEXT = 20_000


@dataclass(frozen=True)
class ScheduleForm:
    """What a person fills in. ``arguments`` is a JSON object, without passwords and keys.

    ``kind`` is cron or interval; ``number`` and ``unit`` say how long an interval is, ``jitter``
    is in seconds.
    """

    name: str = ""
    workflow: str = ""
    arguments: str = "{}"
    kind: str = "cron"
    spec: str = "0 9 * * mon-fri"
    number: str = "1"
    unit: str = "hours"
    timezone: str = "UTC"
    start: str = ""
    end: str = ""
    jitter: str = "0"
    missed: str = "one"
    most_missed: str = "10"
    overlap: str = "skip"


@dataclass(frozen=True)
class Problem:
    """What is wrong with a field."""

    field: str
    words: str


class Wrong(InvalidInput):
    """A form cannot be saved as it is; ``problems`` say what is wrong."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(problems[0].words)
        self.problems = problems


def form_of(view: ScheduleView) -> ScheduleForm:
    """A schedule as a person finds it in the form."""
    every = view.trigger == "interval"
    number, unit = _span(float(view.spec)) if every else ("1", "hours")
    return ScheduleForm(
        name=view.name,
        workflow=view.workflow,
        arguments=json.dumps(redacted(view.arguments or {}), ensure_ascii=False),
        kind=view.trigger,
        spec=ScheduleForm.spec if every else view.spec,
        number=number,
        unit=unit,
        timezone=view.timezone,
        start=_local(view.start_at, view.timezone),
        end=_local(view.end_at, view.timezone),
        jitter=f"{view.jitter:g}",
        missed=view.missed,
        most_missed=str(view.most_missed),
        overlap=view.overlap,
    )


def read_form(told: Mapping[str, Any]) -> ScheduleForm:
    """What a page sent; anything may come. What is no text is left out."""
    known = {
        name: value.strip()[:MOST_TEXT]
        for name, value in told.items()
        if name in ScheduleForm.__dataclass_fields__ and isinstance(value, str)
    }
    return ScheduleForm(**known)


def trigger_of_form(form: ScheduleForm, was: ScheduleView | None = None) -> Cron | Every:
    """The trigger that a form describes; raises :class:`Wrong`.

    What was not touched stays exactly as it is in ``was``: a form shows times to the second.
    """
    problems: list[Problem] = []

    def read(field: str, of: Callable[[], T], default: T) -> T:
        try:
            return of()
        except InvalidInput as error:
            problems.append(Problem(field, str(error)))
            return default

    zone = read("timezone", lambda: zone_of(form.timezone).key, "UTC")
    shown = None if was is None else form_of(was)
    moments: dict[str, datetime | None] = {}
    for field in ("start", "end"):
        text = getattr(form, field)
        same = (
            shown is not None and getattr(shown, field) == text and shown.timezone == form.timezone
        )
        kept = getattr(was, f"{field}_at", None)
        moments[field] = kept if same else read(field, partial(_moment, text, zone), None)
    common: dict[str, Any] = {
        "timezone": zone,
        **moments,
        "jitter": timedelta(seconds=read("jitter", lambda: _number(form.jitter, "Jitter"), 0.0)),
        "missed": form.missed,
        "most_missed": read("most_missed", lambda: _whole(form.most_missed), 10),
        "overlap": form.overlap,
    }
    fallback: Cron | Every = Every(timedelta(days=1))
    if form.kind == "cron":
        made = read("spec", lambda: Cron(form.spec), fallback)
    else:
        made = read("number", lambda: Every(_length(form)), fallback)
    if not problems:
        try:
            return replace(made, **common)
        except InvalidInput as error:
            problems.append(Problem(_about(str(error)), str(error)))
    raise Wrong(tuple(problems))


def arguments_of_form(form: ScheduleForm, was: ScheduleView | None = None) -> dict[str, Any]:
    """The arguments that a form holds; raises :class:`Wrong`. Those that were not touched stay as
    they are in ``was``, also what the form does not show of them.
    """
    try:
        found = json.loads(form.arguments or "{}")
    except (ValueError, RecursionError) as error:
        raise Wrong((Problem("arguments", f"This is not JSON: {error}"),)) from error
    if not isinstance(found, dict):
        words = 'The arguments are a JSON object, such as {"name": "Ann"}.'
        raise Wrong((Problem("arguments", words),))
    if was is not None and was.workflow == form.workflow:
        stored = was.arguments or {}
        shown = redacted(stored)
        for name, value in found.items():
            if name in stored and value == shown[name]:
                found[name] = stored[name]
    return found


def shown(view: ScheduleView) -> ScheduleView:
    """A schedule without the passwords and keys that may be among its arguments."""
    return replace(view, arguments=redacted(view.arguments or {}))


def _about(words: str) -> str:
    fields = {"jitter": "jitter", "cannot end": "end", "The end": "end", "The start": "start"}
    fields |= {"most_missed": "most_missed", "missed is": "missed", "overlap": "overlap"}
    return next((field for text, field in fields.items() if text.lower() in words.lower()), "")


def _moment(text: str, zone: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"{text[:40]!r} is no date and time.") from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone_of(zone))


def _local(moment: datetime | None, zone: str) -> str:
    if moment is None:
        return ""
    try:
        here = moment.astimezone(zone_of(zone))
    except InvalidInput:
        here = moment
    return here.replace(tzinfo=None, microsecond=0).isoformat()


def _number(text: str, what: str) -> float:
    try:
        number = float(text or "0")
    except ValueError as error:
        raise InvalidInput(f"{what} is a number, not {text[:40]!r}.") from error
    if not 0 <= number <= 4e9:
        raise InvalidInput(f"{what} is a number of 0 or more, not {text[:40]}.")
    return number


def _whole(text: str) -> int:
    if not (text.isdecimal() and len(text) < 10):
        raise InvalidInput(f"This is a whole number, not {text[:40]!r}.")
    return int(text)


def _length(form: ScheduleForm) -> timedelta:
    if form.unit not in UNITS:
        raise InvalidInput(f"The unit is one of {', '.join(UNITS)}.")
    return timedelta(seconds=_number(form.number, "The interval") * UNITS[form.unit])


def _span(seconds: float) -> tuple[str, str]:
    for unit, length in reversed(UNITS.items()):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:g}", unit
    return f"{seconds!r}".removesuffix(".0"), "seconds"
