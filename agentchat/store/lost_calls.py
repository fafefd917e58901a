"""Calls of models that nobody saw the end of: those whose worker died, or was too late."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session

from agentchat.columns import table_of
from agentchat.models import Delta, Spending
from agentchat.store.messages import Answer
from agentchat.store.writer import Tx

_DELTAS, _SPENDINGS = table_of(Delta), table_of(Spending)


@dataclass(frozen=True, slots=True)
class Lost:
    """A call that was under way when its worker ended: since when, and how many characters of
    its text are there.
    """

    since: datetime
    written: int = 0


def before(
    session: Session, answer: Answer, attempt: int, begun_at: datetime | None
) -> Lost | None:
    """The call that an earlier attempt of a run had begun for an answer, if nobody has counted
    it: at that time, as its step says, or if there was no time to write that down, by its text.
    """
    column = _DELTAS.c
    by_try = (
        select(func.min(column.created_at), func.sum(func.length(column.text)))
        .where(column.message_id == answer.message_id, column.attempt < attempt)
        .group_by(column.attempt, column.tries)
        .order_by(column.attempt.desc(), column.tries.desc())
    )
    text: Any = session.execute(by_try.limit(1)).first()
    since, written = (None, 0) if text is None else (text[0], int(text[1]))
    if begun_at is not None:
        # What a try before it wrote is older, and was counted with that.
        written = written if since is not None and since >= begun_at else 0
        since = begun_at
    if since is None or counted(session, answer.run_id, since):
        return None
    return Lost(since, written)


def counted(source: Session | Tx, run_id: str, since: datetime) -> bool:
    """Whether a call of a run has been counted that ended since then."""
    query = select(_SPENDINGS.c.id).where(
        _SPENDINGS.c.run_id == run_id, _SPENDINGS.c.created_at >= since
    )
    return source.execute(query.limit(1)).first() is not None
