"""The lists of threads: rows in, views out, each in one snapshot."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from agentchat.models import MemberRole
from agentchat.shown.thread_lists import MOST_KEPT, DeletedThread, ThreadPlace, ThreadSummary
from agentchat.store import emptying, threads
from agentchat.store.threads import Reader

MOST_THREADS = 500
"""How many threads a list shows unless it is asked for more."""
MOST_DELETED = 500


def thread_list(
    session: Session,
    who: Reader,
    limit: int,
    *,
    archived: bool = False,
    after: ThreadPlace | None = None,
) -> tuple[ThreadSummary, ...]:
    """The threads that a person may read, most recently used first: those that they have pinned
    or put in folders (:data:`MOST_KEPT`, and one that tells of more), up to ``limit`` others, and
    as many that come ``after`` a place; or those that they have archived, behind it.
    """
    running, asking = threads.running(session), threads.asking(session)

    def summary(row: Row[Any]) -> ThreadSummary:
        owns = who.everything or row.owner_id == who.user_id
        return ThreadSummary(
            row.id,
            row.title,
            row.updated_at,
            row.id in running,
            row.id in asking,
            bool(row.unread),
            row.pinned_at is not None,
            row.folder,
            MemberRole.OWNER if owns else row.role,
        )

    if archived:
        rows = [*threads.newest(session, who, archived=True, after=after, limit=limit)]
    else:
        rows = [*threads.kept(session, who, limit=MOST_KEPT + 1)]
        rows += threads.newest(session, who, limit=limit)
        if after is not None:
            rows += threads.newest(session, who, after=after, limit=limit)
    # One may stand at the front and behind the place.
    return _in_order({row.id: summary(row) for row in rows}.values())


def deleted_list(
    session: Session,
    user_id: str | None,
    kept_for: timedelta,
    limit: int = MOST_DELETED,
    *,
    after: ThreadPlace | None = None,
) -> tuple[DeletedThread, ...]:
    """The deleted threads that a person can have back, or everybody's, the newest first; those
    ``after`` a place, if one is given.
    """
    return tuple(
        DeletedThread(row.id, row.title, row.deleted_at, row.deleted_at + kept_for)
        for row in emptying.deleted_by_owner(session, user_id, after=after, limit=limit)
    )


def _in_order(lines: Iterable[ThreadSummary]) -> tuple[ThreadSummary, ...]:
    by_id = sorted(lines, key=lambda line: line.id)
    return tuple(sorted(by_id, key=lambda line: line.updated_at, reverse=True))
