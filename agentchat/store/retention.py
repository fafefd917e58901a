"""Retention: which finished runs are old enough to go, and what goes with them.

Each thing is found in a snapshot, which makes nobody wait, and then removed by id in a
transaction of its own, which looks again: in between a run may have been resumed, or
removed by another process.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from agentchat.models import (
    ACTIVE_RUN,
    LIVE_MESSAGE,
    Attempt,
    Delta,
    Event,
    Log,
    Message,
    Run,
    Step,
    Thread,
    ThreadMark,
)
from agentchat.store.changes import NOBODY, Rows
from agentchat.store.writer import Tx

JOURNAL: tuple[type[Step | Attempt | Log | Event], ...] = (Step, Attempt, Log, Event)
"""What belongs to a run and goes with it."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """The place of a finished run among all of them, in the order in which they go."""

    finished_at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Runs that may go, and the place after which to look for more."""

    ids: Sequence[str]
    last: Place


def newest_to_go(session: Session, *, before: datetime | None, most: int | None) -> Place | None:
    """The newest run that need not be kept, because it finished before ``before`` or because
    ``most`` finished after it: no run up to this place need be. None if all are to be kept.
    """
    newest_first = (
        select(col(Run.finished_at), col(Run.id))
        .where(_finished())
        .order_by(col(Run.finished_at).desc(), col(Run.id).desc())
        .limit(1)
    )
    queries = []
    if before is not None:
        queries.append(newest_first.where(col(Run.finished_at) < before))
    if most is not None:
        queries.append(newest_first.offset(most))
    found = (session.execute(query).first() for query in queries)
    return max((Place(*row) for row in found if row is not None), default=None)


def number_to_go(session: Session, *, upto: Place, most: int) -> int:
    """How many finished runs there are up to a place, not looking whether others need them; one
    more than ``most`` if there are more.
    """
    some = select(col(Run.id)).where(_not_after(upto), _finished()).limit(most + 1).subquery()
    return int(session.execute(select(func.count()).select_from(some)).scalar_one())


def next_batch(
    session: Session, *, upto: Place, after: Place | None, limit: int, most_rows: int
) -> Batch | None:
    """The oldest runs that may go, ``upto`` a place and ``after`` another; None if there are
    no more.

    At most ``limit``, and fewer if their journals have more than ``most_rows`` rows: how
    many rows a transaction removes is how long everybody else waits. One run at least.
    """
    query = (
        select(col(Run.finished_at), col(Run.id))
        .where(_not_after(upto), _finished(), *_not_needed())
        .order_by(col(Run.finished_at), col(Run.id))
        .limit(limit)
    )
    if after is not None:
        query = query.where(col(Run.finished_at) >= after.finished_at, ~_not_after(after))
    places = [Place(*row) for row in session.execute(query).all()]
    if not places:
        return None
    rows = _rows_of(session, [place.id for place in places])
    some = places[: how_many([rows.get(place.id, 0) for place in places], most_rows)]
    return Batch([place.id for place in some], some[-1])


def how_many(sizes: Sequence[int], most: int) -> int:
    """How many of ``sizes`` from the first on add up to no more than ``most``; one at least."""
    total = 0
    for number, size in enumerate(sizes):
        total += size
        if total > most:
            return max(1, number)
    return len(sizes)


def remove_runs(tx: Tx, ids: Collection[str]) -> int:
    """Remove those of the runs that are finished and not needed by others, with their
    journals; how many there were.
    """
    # SKIP LOCKED: on PostgreSQL another process that sweeps too is not waited for.
    found = tx.execute(
        select(col(Run.id))
        .where(col(Run.id).in_(ids), _finished(), *_not_needed())
        .with_for_update(skip_locked=True, of=Run)
    )
    gone = list(found.scalars())
    if gone:
        for table in JOURNAL:
            # Whoever shows a journal reads its run as well, and hears of that.
            tx.execute(delete(table).where(col(table.run_id).in_(gone)), about=Rows(NOBODY))
        # One change for all: many would each be compared with every open query.
        tx.execute(delete(Run).where(col(Run.id).in_(gone)), about=Rows("workflows"))
    return len(gone)


def leftover_deltas(session: Session, *, limit: int) -> list[int]:
    """The ids of deltas whose message is final, and has no use for them any more."""
    query = (
        select(col(Delta.id))
        .join(Message, col(Message.id) == col(Delta.message_id))
        .where(col(Message.status).not_in(LIVE_MESSAGE))
        .limit(limit)
    )
    return list(session.scalars(query))


def remove_deltas(tx: Tx, ids: Collection[int]) -> int:
    """Remove those of the deltas whose message is final; how many there were."""
    live = select(col(Message.id)).where(col(Message.status).in_(LIVE_MESSAGE))
    removed = tx.execute(
        delete(Delta).where(col(Delta.id).in_(ids), col(Delta.message_id).not_in(live)),
        # Of a final message only the text is read.
        about=Rows(NOBODY),
    )
    return removed.rowcount


def empty_threads(session: Session, *, before: datetime, limit: int) -> list[str]:
    """The ids of threads not used since ``before`` that have no name and nothing in them."""
    query = select(col(Thread.id)).where(_empty(before)).limit(limit)
    return list(session.scalars(query))


def remove_threads(tx: Tx, ids: Collection[str], *, before: datetime) -> int:
    """Remove those of the threads that are still empty; how many there were.

    The rows themselves, and not as :func:`~agentchat.store.threads.delete` does: an id is
    kept so that what was said under it cannot come back, and here nothing ever was.
    """
    found = tx.execute(
        select(col(Thread.id))
        .where(col(Thread.id).in_(ids), _empty(before))
        .with_for_update(skip_locked=True, of=Thread)
    )
    gone = list(found.scalars())
    if gone:
        mine = col(ThreadMark.thread_id).in_(gone)
        if tx.execute(select(col(ThreadMark.thread_id)).where(mine).limit(1)).first() is not None:
            tx.execute(delete(ThreadMark).where(mine))
        tx.execute(delete(Thread).where(col(Thread.id).in_(gone)), about=Rows("threads"))
    return len(gone)


def _finished() -> ColumnElement[bool]:
    # Said as what it is not: for an IN, SQLite would go through all runs by their status.
    return and_(col(Run.finished_at).is_not(None), col(Run.status).not_in(ACTIVE_RUN))


def _not_after(place: Place) -> ColumnElement[bool]:
    return and_(
        # Said apart, for the index.
        col(Run.finished_at) <= place.finished_at,
        or_(col(Run.finished_at) < place.finished_at, col(Run.id) <= place.id),
    )


@cache  # Making these takes longer than carrying them out.
def _not_needed() -> tuple[ColumnElement[bool], ...]:
    parent, child = aliased(Run), aliased(Run)
    # One list for all runs: live messages are few, and found by their status.
    answering = select(col(Message.run_id)).where(
        col(Message.status).in_(LIVE_MESSAGE), col(Message.run_id).is_not(None)
    )
    return (
        # The journal of a parent under way names its children.
        ~exists().where(col(parent.id) == col(Run.parent_id), col(parent.status).in_(ACTIVE_RUN)),
        # A child under way tells its parent how it ended.
        ~exists().where(
            col(child.parent_id) == col(Run.id),
            col(child.awaited).is_(True),
            col(child.status).in_(ACTIVE_RUN),
        ),
        col(Run.id).not_in(answering),
    )


def _empty(before: datetime) -> ColumnElement[bool]:
    return and_(
        col(Thread.updated_at) < before,
        col(Thread.deleted_at).is_(None),
        col(Thread.length) == 0,
        col(Thread.title) == "",
        ~exists().where(col(Message.thread_id) == col(Thread.id)),
        ~exists().where(col(Run.thread_id) == col(Thread.id)),
    )


def _rows_of(session: Session, ids: Sequence[str]) -> dict[str, int]:
    """How many rows the journals of these runs have; those without any are left out."""
    rows: dict[str, int] = {}
    for table in JOURNAL:
        run_id: Any = col(table.run_id)
        query = select(run_id, func.count()).where(run_id.in_(ids)).group_by(run_id)
        for held, count in session.execute(query):
            rows[held] = rows.get(held, 0) + count
    return rows
