"""Ratings: what people think of answers. Each person's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, and_, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from agentchat.columns import table_of
from agentchat.models import Message, Rating, Spending, Thread
from agentchat.store.changes import rows
from agentchat.store.writer import Tx

_RATINGS, _MESSAGES, _THREADS = table_of(Rating), table_of(Message), table_of(Thread)
_SPENDINGS = table_of(Spending)


def put(tx: Tx, rating: Rating) -> None:
    """Keep what somebody thinks, instead of what they thought before."""
    values = {column.name: getattr(rating, column.name) for column in _RATINGS.columns}
    dialect: Any = postgresql if tx.dialect == "postgresql" else sqlite
    added = dialect.insert(_RATINGS)
    change = {name: added.excluded[name] for name in ("good", "reason", "created_at")}
    about = rows("ratings", {"thread_id": rating.thread_id, "user_id": rating.user_id})
    place = (_RATINGS.c.message_id, _RATINGS.c.user_id)
    put_ = added.on_conflict_do_update(index_elements=place, set_=change)
    tx.execute(put_, values, about=about)


def take_back(tx: Tx, message_id: str, user_id: str) -> None:
    """Forget what somebody thought of an answer."""
    mine = _RATINGS.c.message_id == message_id, _RATINGS.c.user_id == user_id
    tx.execute(delete(_RATINGS).where(*mine))


def of_person(session: Session, thread_id: str, user_id: str) -> Mapping[str, tuple[bool, str]]:
    """Whether somebody finds the answers of a thread good, and why, by the ids of those."""
    query = select(_RATINGS.c.message_id, _RATINGS.c.good, _RATINGS.c.reason)
    mine = _RATINGS.c.thread_id == thread_id, _RATINGS.c.user_id == user_id
    found = session.execute(query.where(*mine)).all()
    return {message_id: (good, reason) for message_id, good, reason in found}


def since(session: Session, at: datetime, *, most: int) -> Sequence[Row[Any]]:
    """The newest of what people think that they have said since then, newest first: ``agent``,
    ``model``, ``run_id``, ``good``, ``reason`` and ``created_at``, and the model that was
    ``called`` last. Not of deleted threads.
    """
    asked = (
        select(_SPENDINGS.c.model)
        .where(
            _SPENDINGS.c.message_id == _RATINGS.c.message_id,
            _SPENDINGS.c.run_id == _MESSAGES.c.run_id,
        )
        .order_by(_SPENDINGS.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    # As it is named where its calls are added up; it may have another name for people.
    query = _about("good", "reason", "created_at").add_columns(asked.label("called"))
    query = query.where(_RATINGS.c.created_at >= at)
    newest = query.order_by(_RATINGS.c.created_at.desc(), _RATINGS.c.message_id)
    return session.execute(newest.limit(most)).all()


def of_message(session: Session, message_id: str) -> Sequence[Row[Any]]:
    """The same of what people think of one answer."""
    query = _about("good", "reason", "created_at").where(_RATINGS.c.message_id == message_id)
    return session.execute(query.order_by(_RATINGS.c.created_at.desc(), _RATINGS.c.user_id)).all()


def exported(
    session: Session, *, after: tuple[datetime, str, str] | None, limit: int
) -> Sequence[Row[Any]]:
    """What people think, oldest first, with who answered and by which model, after the one of
    this time, message and person.
    """
    query = _about("created_at", "message_id", "user_id", "thread_id", "good", "reason").order_by(
        _RATINGS.c.created_at, _RATINGS.c.message_id, _RATINGS.c.user_id
    )
    if after is not None:
        at, message_id, user_id = after
        same = _RATINGS.c.created_at == at
        later = and_(same, _RATINGS.c.message_id == message_id, _RATINGS.c.user_id > user_id)
        query = query.where(
            (_RATINGS.c.created_at > at) | and_(same, _RATINGS.c.message_id > message_id) | later
        )
    return session.execute(query.limit(limit)).all()


def _about(*names: str) -> Select[Any]:
    return (
        select(
            *(_RATINGS.c[name] for name in names),
            *(_MESSAGES.c[name] for name in ("run_id", "model")),
            _MESSAGES.c.author.label("agent"),
        )
        .join_from(_RATINGS, _MESSAGES, _MESSAGES.c.id == _RATINGS.c.message_id)
        .join(_THREADS, _THREADS.c.id == _RATINGS.c.thread_id)
        .where(_THREADS.c.deleted_at.is_(None))
    )


def delete_of_message(tx: Tx, message_id: str) -> None:
    """Remove those of an answer that is begun anew."""
    tx.execute(delete(_RATINGS).where(_RATINGS.c.message_id == message_id))


def delete_of_thread(tx: Tx, thread_id: str) -> None:
    """Remove those of the answers of a thread."""
    tx.execute(delete(_RATINGS).where(_RATINGS.c.thread_id == thread_id))
