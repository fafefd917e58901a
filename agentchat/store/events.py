"""Events: named payloads sent to runs, and the runs that wait for them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlmodel import Session, col

from agentchat.columns import of_row, table_of
from agentchat.models import ACTIVE_RUN, Event, Run
from agentchat.store import runs
from agentchat.store.runs import Hold
from agentchat.store.writer import Tx


def send(
    tx: Tx, run_id: str, *, name: str, key: str, payload: Any, sent_by: str, now: datetime
) -> bool:
    """Keep an event for a run, and wake the run if it waits.

    False if the run has ended or is unknown, or an event with this key came before.
    """
    run = tx.execute(
        select(col(Run.status), col(Run.thread_id)).where(col(Run.id) == run_id).with_for_update()
    ).first()
    if run is None or run[0] not in ACTIVE_RUN:
        return False
    before = select(col(Event.id)).where(col(Event.run_id) == run_id, col(Event.key) == key)
    if tx.execute(before).first() is not None:
        return False
    tx.execute(
        insert(Event),
        {
            "run_id": run_id,
            "name": name,
            "key": key,
            "payload": payload,
            "sent_by": sent_by,
            "created_at": now,
        },
    )
    runs.wake(tx, Hold(run_id, 0, run[1]), now=now)
    return True


def untaken(tx: Tx, run_ids: Collection[str]) -> list[Event]:
    """The events of these runs that no wait has taken, oldest first."""
    if not run_ids:
        return []
    return [of_row(Event, row) for row in tx.execute(UNTAKEN, {"ids": list(run_ids)}).mappings()]


UNTAKEN = (
    select(table_of(Event))
    .where(col(Event.run_id).in_(bindparam("ids", expanding=True)), col(Event.taken_by).is_(None))
    .order_by(col(Event.id))
)


def of_run(session: Session, run_id: str) -> list[Event]:
    """The events of a run that no wait has taken, oldest first."""
    return [of_row(Event, row) for row in session.execute(UNTAKEN, {"ids": [run_id]}).mappings()]


def take(tx: Tx, event_id: int, by: str) -> None:
    """Mark an event as taken by a wait. The caller holds the fence of the run."""
    tx.execute(update(Event).where(col(Event.id) == event_id).values(taken_by=by))


def any_of(tx: Tx, hold: Hold, names: Iterable[str]) -> bool:
    """Whether an event of one of these names is there for the run."""
    query = select(col(Event.id)).where(
        col(Event.run_id) == hold.run_id,
        col(Event.taken_by).is_(None),
        col(Event.name).in_(list(names)),
    )
    return tx.execute(query.limit(1)).first() is not None
