"""Queries behind the page of one run: reads that return views, and refuse who may not look."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from agentchat.durable.clock import Clock
from agentchat.durable.runs import Runs
from agentchat.errors import InvalidInput, NotAllowed, RunNotFound
from agentchat.guard import Guard
from agentchat.models import REMEMBERED, Run, Step, StepStatus
from agentchat.operations import shown
from agentchat.operations.detail_views import (
    AuditLine,
    Bucket,
    EventLine,
    Logs,
    Nested,
    RunHead,
    RunValues,
    StepDetail,
    StepLine,
    Strip,
    Timeline,
)
from agentchat.operations.failures import next_step
from agentchat.operations.heads import head
from agentchat.operations.redact import redacted_text
from agentchat.operations.shown import iso
from agentchat.rights import Right
from agentchat.store import audits, ratings, run_details, runs
from agentchat.store.live import paced
from agentchat.store.run_details import Wanted
from agentchat.views import Actor

WINDOW = 100
"""How many steps a page is sent at a time."""
CHUNK = 25
"""The newest steps are shown in windows that move by so many: what is settled is sent seldom."""
MOST_NESTED = 50
MOST_TRIES = 300
MOST_LOGS = 200
MOST_EVENTS = 100
MOST_AUDITS = 200
MOST_COMMENTS = 10
MOST_WHOLE = 400_000
"""How many characters of a value are shown at most; a file holds all of it."""
BUCKETS = 60
PACE = 0.5
"""What people follow is read again after so many seconds at the earliest."""
LEVELS = ("", "debug", "info", "warning", "error")
_WIDTHS = [
    *(timedelta(milliseconds=n) for n in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    *(timedelta(seconds=n) for n in (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_800, 3_600)),
    *(timedelta(hours=n) for n in (2, 6, 12, 24, 48, 168, 720)),
]


@dataclass(frozen=True)
class Asker:
    """Who looks, and who decides whether they may."""

    actor: Actor
    guard: Guard

    def run(self, session: Session, run_id: str) -> Run:
        """The run; raises RunNotFound and NotAllowed."""
        run = runs.get(session, run_id)
        if run is None:
            raise RunNotFound
        self.guard.run(session, run, self.actor, Right.READ)
        return run


@paced(PACE)
def head_or_missing(
    session: Session, asker: Asker, run_id: str, clock: Clock, verbs: Runs
) -> RunHead:
    """What a run is; if there is none (any more), that."""
    try:
        return head_of(session, asker, run_id, clock, verbs)
    except RunNotFound:
        if not asker.guard.sees_all(asker.actor):
            # To others one that is not theirs looks like one that never was.
            return RunHead(run_id, missing="never")
        was_there = bool(audits.of(session, "run", run_id, limit=1)) or run_details.has_spent(
            session, run_id
        )
        return RunHead(run_id, missing="gone" if was_there else "never")


def head_of(session: Session, asker: Asker, run_id: str, clock: Clock, verbs: Runs) -> RunHead:
    """What a run is; raises RunNotFound."""
    run = asker.run(session, run_id)
    found = head(session, run, verbs.declared(run.workflow), clock.now())
    if not (found.message_id and asker.guard.sees_all(asker.actor)):
        return found
    rated = ratings.of_message(session, found.message_id)
    good = sum(row.good for row in rated)
    comments = tuple(row.reason for row in rated if row.reason)[:MOST_COMMENTS]
    return replace(found, good=good, bad=len(rated) - good, comments=comments)


def _above(number: int, most: int) -> int:
    """How many of so many are above the newest that are shown: that moves by whole chunks."""
    return 0 if number <= most else (number // CHUNK + 1) * CHUNK - most


@paced(PACE)
def timeline(session: Session, asker: Asker, run_id: str, at: int, wanted: Wanted) -> Timeline:
    """A window of the steps."""
    asker.run(session, run_id)
    number = run_details.count(session, run_id, wanted)
    before, limit = _above(number, WINDOW), WINDOW + 1
    if not at:
        limit = max(1, number - before)
    rows = run_details.lines(session, run_id, wanted, limit=limit, at=at)
    later = 0
    if at > 0:
        later = rows[WINDOW].id if len(rows) > WINDOW else 0
        rows = rows[:WINDOW]
    elif at < 0:
        later, rows = -at, rows[-WINDOW:]
    if at and rows:
        before = run_details.count(session, run_id, wanted, before=rows[0].id)
    earlier = -rows[0].id if before and rows else 0
    found = _lines(session, run_id, rows)
    # From the first that may change on, and in whole chunks.
    open_ = (place for place, line in enumerate(found) if not shown.settled(line))
    cut = next(open_, len(found)) // CHUNK * CHUNK
    return Timeline(found[:cut], found[cut:], before, number, earlier, later)


def _lines(session: Session, run_id: str, rows: Any) -> tuple[StepLine, ...]:
    again = {row.name for row in rows if row.tries > 1 or row.status == StepStatus.RETRYING}
    tries = (
        run_details.tries(session, run_id, again, since=_first_try(rows), limit=MOST_TRIES)
        if again
        else ()
    )
    return shown.lines(rows, tries)


def _first_try(rows: Any) -> datetime:
    """From when on tries are looked for: those of the first steps may have begun long before."""
    began: datetime = rows[0].started_at
    return began - timedelta(days=30)


_WORST = {True: "failed", False: "open", None: "done"}


@paced(PACE)
def strip(session: Session, asker: Asker, run_id: str) -> Strip:
    """How many steps began when."""
    asker.run(session, run_id)
    span = run_details.span(session, run_id)
    if span is None:
        return Strip()
    began, last = span
    # As few widths as there are, so that what is past stays as it is while more comes.
    width = next((one for one in _WIDTHS if (last - began) / one < BUCKETS), None)
    width = width or (last - began) / (BUCKETS - 1)
    found = run_details.density(session, run_id, began, width)
    return Strip(
        iso(began),
        width.total_seconds(),
        tuple(
            Bucket(max(0, row.place), row.number, _WORST[row.failed], row.first) for row in found
        ),
    )


@paced(PACE)
def nested(session: Session, asker: Asker, run_ids: tuple[str, ...]) -> tuple[Nested, ...]:
    """The beginnings of the timelines of these runs."""
    return tuple(_nested_one(session, asker, run_id) for run_id in run_ids)


def _nested_one(session: Session, asker: Asker, run_id: str) -> Nested:
    try:
        run = asker.run(session, run_id)
    except (RunNotFound, NotAllowed) as error:
        return Nested(run_id, refused=str(error))
    rows = run_details.lines(session, run_id, Wanted(), limit=MOST_NESTED, at=1)
    number = run_details.count(session, run_id, Wanted())
    return Nested(run_id, run.workflow, run.status, _lines(session, run_id, rows), number)


@paced(PACE)
def step(session: Session, asker: Asker, run_id: str, key: str) -> StepDetail:
    """One step in all detail."""
    run = asker.run(session, run_id)
    step = run_details.step(session, run_id, key)
    if step is None:
        return StepDetail(key, missing=True)
    attempts = run_details.tries_of(session, step, limit=MOST_TRIES)
    parts = run_details.parts_of_step(session, run_id, step.key, _round(run, step))
    wrote, said = tuple(map(shown.written, parts)), None
    if _round(run, step) is not None:
        said = run_details.said_last(session, step, run.data["message_id"])
        wrote += () if said is None else (shown.said(said.text),)
    failed = step.error or (attempts[-1].error if attempts and _open(step) else "")
    kind = step.error_kind or (attempts[-1].error_kind if attempts and _open(step) else "")
    return StepDetail(
        key=step.key,
        line=shown.line(step),
        input=shown.kept(step.input),
        # A step without arguments has an empty list.
        input_kept=step.input is not None or step.kind not in ("step", "transaction"),
        result=shown.kept(step.result) if step.status == StepStatus.DONE else shown.kept(None),
        error=redacted_text(failed),
        error_kind=kind,
        next_step=next_step(kind) if failed and step.status != StepStatus.DONE else "",
        idempotency_key=f"{run_id}:{step.key}" if step.kind == "step" else "",
        worker=step.worker,
        attempt=step.attempt,
        input_tokens=step.input_tokens or 0,
        output_tokens=step.output_tokens or 0,
        tries=shown.tries_of(step, attempts),
        wrote=wrote,
        message_id=parts[0].message_id if parts else said.id if said else "",
        thread_id=parts[0].thread_id if parts else said.thread_id if said else "",
        copied=run_details.remembered_before(session, step),
    )


def _round(run: Run, step: Step) -> int | None:
    """Which call of the model a step of an answer is."""
    answers = "message_id" in run.data and step.name == "generate" and not step.branch
    return step.occurrence if answers else None


def _open(step: Step) -> bool:
    return step.status not in REMEMBERED and step.status != StepStatus.DROPPED


@paced(PACE)
def values(session: Session, asker: Asker, run_id: str) -> RunValues:
    """What a run was started with and what it returned."""
    run = asker.run(session, run_id)
    return RunValues(shown.kept(run.data), shown.kept(run.result))


def whole(session: Session, asker: Asker, run_id: str, step: str, what: str) -> str:
    """A value of a step, or of the run itself, as JSON."""
    run = asker.run(session, run_id)
    if not step:
        return shown.kept(run.data if what == "input" else run.result, MOST_WHOLE).text
    found = run_details.step(session, run_id, step)
    if found is None:
        raise InvalidInput(f"The run has no step {step[:80]!r} any more.")
    return shown.kept(found.input if what == "input" else found.result, MOST_WHOLE).text


@paced(PACE)
def logs(session: Session, asker: Asker, run_id: str, text: str, level: str, before: int) -> Logs:
    """A window of the log."""
    asker.run(session, run_id)
    levels = _and_worse(level)
    number = run_details.log_count(session, run_id, text, levels)
    if before:
        rows = run_details.logs(session, run_id, text, levels, before=before, limit=MOST_LOGS)
        return Logs(tuple(map(shown.log_line, rows)), number=number)
    above = _above(number, MOST_LOGS)
    rows = run_details.logs(session, run_id, text, levels, limit=max(1, number - above))
    found = tuple(map(shown.log_line, rows))
    cut = len(found) // CHUNK * CHUNK
    return Logs(found[:cut], found[cut:], number, above)


def _and_worse(level: str) -> tuple[str, ...]:
    if level in ("", "debug"):
        return ()
    worse = LEVELS[LEVELS.index(level) :]
    return (*worse, "critical", "fatal", *(("warn",) if "warning" in worse else ()))


@paced(PACE)
def events(session: Session, asker: Asker, run_id: str) -> tuple[EventLine, ...]:
    """The newest events that the run was sent."""
    asker.run(session, run_id)
    rows = run_details.events_of(session, run_id, limit=MOST_EVENTS)
    return tuple(map(shown.event_line, rows))


@paced(PACE)
def audits_of(session: Session, asker: Asker, run_id: str) -> tuple[AuditLine, ...]:
    """Who did what to the run; also when it has been cleaned away."""
    run = runs.get(session, run_id)
    if run is not None:
        asker.guard.run(session, run, asker.actor, Right.READ)
    elif not asker.guard.sees_all(asker.actor):
        raise RunNotFound
    rows = audits.of(session, "run", run_id, limit=MOST_AUDITS)
    return tuple(map(shown.audit_line, rows))
