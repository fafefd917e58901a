"""Names that occur in runs, to choose from: reads that stay fast on large tables."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import NamedTuple

from sqlalchemy import select
from sqlmodel import Session

from agentchat.columns import table_of
from agentchat.models import Run, Spending
from agentchat.store import threads

RECENT = 1_000
"""How many of the newest runs, and calls, are looked through for names to choose from."""

_r = table_of(Run).c
_SPENDINGS = table_of(Spending)


class RecentNames(NamedTuple):
    """Names that occur in runs."""

    workflows: AbstractSet[str] = frozenset()
    agents: AbstractSet[str] = frozenset()
    users: AbstractSet[str] = frozenset()


def workflows(session: Session, *, limit: int) -> list[str]:
    """The names of workflows that have runs, in order of the alphabet."""
    # One step of the index for each name, not for each run.
    found: list[str] = []
    last = ""
    while len(found) < limit:
        query = select(_r.workflow).where(_r.workflow > last).order_by(_r.workflow).limit(1)
        name = session.execute(query).scalar()
        if name is None:
            break
        found.append(name)
        last = name
    return found


def recent_names(session: Session, user_id: str | None) -> RecentNames:
    """Of the newest runs, or of those that this person started: their workflows, agents, and who
    started them. Runs of deleted threads are not among them, as they are in no list.
    """
    newest = (
        select(_r.workflow, _r.agent, _r.started_by)
        .where(
            threads.not_deleted(_r.thread_id),
            *([] if user_id is None else [_r.user_id == user_id]),
        )
        .order_by(_r.created_at.desc(), _r.id.desc())
        .limit(RECENT)
        .subquery()
    )
    rows = session.execute(select(newest).distinct()).all()
    return RecentNames(*({name for name in names if name} for names in zip(*rows, strict=True)))


def recent_models(session: Session, user_id: str | None) -> list[str]:
    """The models of the newest calls, or of those for this person, in order of the alphabet;
    without those that only deleted threads have called.
    """
    call = _SPENDINGS.c
    mine = [threads.not_deleted(call.thread_id)]
    mine += [] if user_id is None else [call.user_id == user_id]
    newest = (
        select(call.model).where(*mine).order_by(call.created_at.desc()).limit(RECENT).subquery()
    )
    query = select(newest.c.model).distinct()
    return sorted(model for model in session.scalars(query) if model)
