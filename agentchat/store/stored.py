"""How much is stored: rows counted up to a number, bytes of files, the oldest finished run."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlmodel import Session, SQLModel, col

from agentchat.columns import table_of
from agentchat.models import (
    ACTIVE_RUN,
    Attachment,
    Attempt,
    Audit,
    Delta,
    Log,
    Memory,
    Message,
    Run,
    Step,
    Thread,
)

COUNTED: Final[dict[str, type[SQLModel]]] = {
    "threads": Thread,
    "messages": Message,
    "files": Attachment,
    "memories": Memory,
    "runs": Run,
    "steps": Step,
    "attempts": Attempt,
    "logs": Log,
    "deltas": Delta,
    "audits": Audit,
}
"""What is counted, by the word for it."""


def number(session: Session, name: str, *, most: int) -> int:
    """How many rows there are of this; one more than ``most`` if there are more."""
    table = table_of(COUNTED[name])
    [key] = table.primary_key
    some = select(key).limit(most + 1).subquery()
    return int(session.execute(select(func.count()).select_from(some)).scalar_one())


def file_bytes(session: Session, *, most: int) -> int:
    """How many bytes the files of messages have, of ``most`` of them."""
    size = table_of(Attachment).c.size
    some = select(size).limit(most).subquery()
    return int(session.execute(select(func.coalesce(func.sum(some.c.size), 0))).scalar_one())


def oldest_end(session: Session) -> datetime | None:
    """When the oldest finished run has ended that is there."""
    query = (
        select(col(Run.finished_at))
        .where(col(Run.finished_at).is_not(None), col(Run.status).not_in(ACTIVE_RUN))
        .order_by(col(Run.finished_at))
        .limit(1)
    )
    return session.execute(query).scalar_one_or_none()
