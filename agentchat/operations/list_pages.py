"""A page of a list of runs: what is read for it, in one snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlmodel import Session

from agentchat.durable.clock import Clock
from agentchat.guard import PRIVATE
from agentchat.models import RunStatus
from agentchat.operations import bulk
from agentchat.operations.filters import IN_TIME, MOST_SKIPPED, Asked, Place, RunFilter
from agentchat.operations.list_views import RunLine, RunList, StatusCount
from agentchat.operations.run_words import Known, can, why
from agentchat.store import limits, run_lists, run_reasons
from agentchat.store.live import paced
from agentchat.store.run_lists import At, Found, Where
from agentchat.store.spendings import Spent

PAGE = 50
MOST_NEWER = 99
PACE = 0.5
"""A list that people follow is read again after so many seconds at the earliest."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks: at ``everything``, or at what they have started."""

    user_id: str
    everything: bool


@paced(PACE)
def page(
    session: Session, clock: Clock, asked: Asked, anchor: Place | None, viewer: Viewer
) -> RunList:
    """The page that was asked for, as ``viewer`` may see it; from ``anchor`` on, if it is the
    first of the newest.
    """
    now, filter = clock.now(), asked.filter
    where = _where(filter, viewer, now)
    if filter.sort in IN_TIME:
        found, around = _in_time(session, filter, where, anchor)
    else:
        found, around = _ranked(session, filter, where, now)
    counts, partly = run_lists.counts(session, where)
    lines = tuple(_lines(session, found.ids, viewer.user_id, now))
    return RunList(
        query=filter.query,
        lines=lines,
        counts=tuple(
            StatusCount(
                status,
                min(counts.get(status, 0), run_lists.CAP),
                partly or counts.get(status, 0) > run_lists.CAP,
            )
            for status in RunStatus
        ),
        problems=asked.problems,
        narrowed=filter.narrowed,
        first=filter == filter.first_page(),
        empty=not lines and not run_lists.any_run(session, where),
        **around,
    )


def fitting(session: Session, clock: Clock, asked: Asked, viewer: Viewer) -> tuple[list[Any], bool]:
    """The rows of the newest runs that fit, so many as one action may take; and whether there are
    more.
    """
    where = _where(asked.filter, viewer, clock.now())
    found = run_lists.page(session, where, limit=bulk.MOST)
    more = found.more or found.stopped is not None
    return run_lists.lines(session, found.ids, PRIVATE), more


def _where(filter: RunFilter, viewer: Viewer, now: datetime) -> Where:
    return Where(
        user_id=viewer.user_id,
        mine=not viewer.everything,
        private=PRIVATE,
        statuses=filter.statuses,
        workflow=filter.workflow,
        agent=filter.agent,
        model=filter.model,
        user=filter.user,
        thread=filter.thread,
        schedule=filter.schedule,
        since=filter.from_time(now),
        until=filter.until,
        text=filter.text,
    )


def _in_time(
    session: Session, filter: RunFilter, where: Where, anchor: Place | None
) -> tuple[Found, dict[str, Any]]:
    down, first = filter.sort == "newest", filter.first_page()
    held = anchor if down and filter == first else None
    above = False
    if filter.before is None:
        place = _at(held or filter.after)
        found = run_lists.page(
            session, where, limit=PAGE, down=down, place=place, inclusive=held is not None
        )
        above = filter.after is not None
    else:
        # The page above: read upwards from its end, and turned round.
        place = _at(filter.before)
        found = run_lists.page(session, where, limit=PAGE, down=not down, place=place)
        above = found.more or found.stopped is not None
        if above:
            found = Found(found.runs[::-1], found.stopped, True)
        else:
            found = run_lists.page(session, where, limit=PAGE, down=down)
    around: dict[str, Any] = {}
    if found.more:
        last = Place(*found.runs[-1]) if found.runs else filter.before
        around["later"] = replace(first, after=last).query
    if above and (found.runs or found.stopped):
        top = found.stopped if filter.before and found.stopped else found.runs[0]
        around["earlier"] = replace(first, before=Place(*top)).query
    if found.stopped is not None:
        around["stopped"] = _STOPPED
        if not found.more:
            around["further"] = replace(first, after=Place(*found.stopped)).query
    if held is not None:
        at = At(held.at, held.id)
        around["newer"] = run_lists.number_above(session, where, at, cap=MOST_NEWER)
    return found, around


_STOPPED = f"Only {run_lists.LOOK:,} runs were looked through; older ones may fit too."
_SORTED = f"Only the newest {run_lists.RANKED:,} runs that fit are in this order."


def _ranked(
    session: Session, filter: RunFilter, where: Where, now: datetime
) -> tuple[Found, dict[str, Any]]:
    found = run_lists.ranked(session, where, filter.sort, now=now, limit=PAGE, skip=filter.skip)
    around: dict[str, Any] = {}
    if found.more and filter.skip + PAGE <= MOST_SKIPPED:
        around["later"] = replace(filter, skip=filter.skip + PAGE).query
    if filter.skip:
        around["earlier"] = replace(filter, skip=max(0, filter.skip - PAGE)).query
    if found.stopped is not None:
        around["stopped"] = _SORTED
    return found, around


def _at(place: Place | None) -> At | None:
    return None if place is None else At(place.at, place.id)


def _lines(session: Session, ids: Sequence[str], user_id: str, now: datetime) -> list[RunLine]:
    rows = run_lists.lines(session, ids, PRIVATE)
    waiting = {row.id: row.step for row in rows if row.status == RunStatus.WAITING}
    asks = run_reasons.asked(session, waiting)
    waits = run_reasons.waits(session, waiting)
    queued = [row for row in rows if row.status == RunStatus.QUEUED]
    keys = {row.key for row in queued if row.key is not None}
    first = run_reasons.first_of_keys(session, keys)
    spent = run_reasons.spent(session, ids)
    paused = limits.paused_workflows(session) if queued else {}
    found = []
    for row in rows:
        before = first.get(row.key or "", "")
        workflow = paused.get(row.workflow)
        known = Known(
            asks.get(row.id),
            waits.get(row.id),
            before if before != row.id else "",
            None if workflow is None else workflow.paused_by,
        )
        private = row.about not in ("", None, user_id)
        found.append(_line(row, known, spent.get(row.id), now, private))
    return found


def _line(row: Any, known: Known, spent: Spent | None, now: datetime, private: bool) -> RunLine:
    reason = why(row, known, now, private=private)
    if spent is None:
        tokens, cost = row.input_tokens + row.output_tokens, row.cost_usd
        spent = Spent(cost_usd=cost or 0.0, unknown=int(tokens > 0 and cost is None))
    else:
        tokens = spent.tokens
    due = row.status == RunStatus.QUEUED and row.due_at is not None and row.due_at <= now
    return RunLine(
        id=row.id,
        workflow=row.workflow,
        status=row.status,
        why=reason.words,
        at=_iso(reason.at),
        agent=row.agent,
        thread_id="" if private else row.thread_id or "",
        thread_title="" if private else row.title,
        user=row.started_by,
        created=_iso(row.created_at),
        started=_iso(row.started_at),
        finished=_iso(row.finished_at),
        waits_since=_iso(row.due_at) if due else "",
        queue_ms=row.queue_ms,
        attempts=row.attempt,
        tokens=tokens,
        estimated=row.tokens_estimated,
        cost_usd=spent.cost_usd,
        unpriced=spent.unknown > 0,
        can=() if private else can(row),
        private=private,
    )


def _iso(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat()
