"""Follow-ups: the runs that keep promises, found by whose they are."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select

from agentchat.columns import table_of
from agentchat.models import ACTIVE_RUN, Run, Thread
from agentchat.store import events
from agentchat.store.writer import Tx

THREAD_BACK = "thread back"
"""The event that tells a follow-up that its thread is not deleted any more, or for good."""
_KEYS = "follow-up "
_RUNS = table_of(Run)
_THREADS = table_of(Thread)


def key_of(user_id: str, run_id: str) -> str:
    """The key of a person's follow-up: no other run has it."""
    return f"{_whose(user_id)}{run_id}"


def of_user(tx: Tx, user_id: str, workflow: str) -> Sequence[Row[Any]]:
    """``id`` and ``data`` of a person's follow-ups that are still to come, but for those of
    deleted threads.
    """
    whose = _whose(user_id)
    query = select(_RUNS.c.id, _RUNS.c.data).where(
        _RUNS.c.workflow == workflow,
        _RUNS.c.status.in_(ACTIVE_RUN),
        func.substr(_RUNS.c.key, 1, len(whose)) == whose,
    )
    found = tx.execute(query).all()
    threads = {row.data["thread_id"] for row in found}
    gone = select(_THREADS.c.id).where(
        _THREADS.c.id.in_(threads), _THREADS.c.deleted_at.is_not(None)
    )
    buried = {thread_id for (thread_id,) in tx.execute(gone).all()} if threads else set()
    return [row for row in found if row.data["thread_id"] not in buried]


def tell(tx: Tx, thread_id: str, *, now: datetime) -> None:
    """A deleted thread was had back, or emptied: those that were due there meanwhile, and wait for
    that, go on.
    """
    query = select(_RUNS.c.id).where(
        _RUNS.c.status.in_(ACTIVE_RUN),
        func.substr(_RUNS.c.key, 1, len(_KEYS)) == _KEYS,
        _RUNS.c.data["thread_id"].as_string() == thread_id,
    )
    by = f"thread {thread_id}"
    for (run_id,) in tx.execute(query).all():
        # Each time anew, whatever the clock says.
        key = uuid.uuid4().hex
        events.send(tx, run_id, name=THREAD_BACK, key=key, payload=None, sent_by=by, now=now)


def lock(tx: Tx, user_id: str) -> None:
    """Hold off others who would count a person's follow-ups at the same time."""
    if tx.dialect != "sqlite":
        number = int.from_bytes(hashlib.sha256(_whose(user_id).encode()).digest()[:8], "big") >> 1
        tx.execute(select(func.pg_advisory_xact_lock(number)))


def _whose(user_id: str) -> str:
    # An id may hold anything; what begins with another's must not be taken for it.
    return f"{_KEYS}{hashlib.sha256(user_id.encode()).hexdigest()[:32]} "
