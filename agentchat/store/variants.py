"""Several answers at one place of a thread: what a new one begins with, and which one is kept."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlmodel import Session, SQLModel, col

from agentchat.columns import of_row, table_of
from agentchat.models import (
    ACTIVE_RUN,
    Ask,
    Delta,
    Message,
    Part,
    PartKind,
    PartStatus,
    Run,
    Step,
)
from agentchat.store import repairs, summaries
from agentchat.store.changes import rows
from agentchat.store.messages import Answer
from agentchat.store.writer import Tx

_MESSAGES, _RUNS = table_of(Message), table_of(Run)


@dataclass(frozen=True, slots=True)
class Written:
    """All that an answer has written so far, in order."""

    message: Message
    steps: list[Step]
    parts: list[Part]
    asks: list[Ask]


def written(session: Session, message_id: str, run_id: str) -> Written | None:
    """What an answer has come to in its run, read at one moment; None if there is no such
    answer.
    """
    own = col(Message.id) == message_id
    row = session.execute(select(_MESSAGES).where(own)).mappings().first()
    if row is None:
        return None
    return Written(
        of_row(Message, row),
        _read(session, Step, col(Step.run_id) == run_id, col(Step.id)),
        _read(session, Part, col(Part.message_id) == message_id, col(Part.position)),
        _read(session, Ask, col(Ask.message_id) == message_id, col(Ask.created_at)),
    )


def _read(session: Session, model: Any, where: Any, order: Any) -> list[Any]:
    query = select(table_of(model)).where(where).order_by(order)
    return [of_row(model, row) for row in session.execute(query).mappings()]


def next_number(tx: Tx, thread_id: str, position: int) -> int:
    """The number of the next message at a place, whatever branch it is of; the caller holds the
    thread.
    """
    query = select(func.max(_MESSAGES.c.variant)).where(*_at(thread_id, position))
    return int(tx.execute(query).scalar() or 0) + 1


def count(tx: Tx, message: Message) -> int:
    """How many answers there are at the place of a message; the caller holds the thread."""
    query = select(func.count()).select_from(_MESSAGES).where(*_beside(message))
    return int(tx.execute(query).scalar_one())


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a new answer begins with. ``text`` is what its model is taken to have said."""

    steps: Sequence[Step]
    parts: Sequence[Part]
    asks: Sequence[Ask]
    text: str


def begin(tx: Tx, answer: Answer, beginning: Beginning, *, now: datetime) -> None:
    """Write down what a new answer takes over, for its message and its run that are there."""
    own = {"message_id": answer.message_id, "thread_id": answer.thread_id, "run_id": answer.run_id}
    _insert(tx, Part, [_row(part) | own for part in beginning.parts])
    _insert(tx, Ask, [_row(ask, "") | own for ask in beginning.asks])
    _insert(tx, Step, [repairs.copied(step, answer.run_id, {}) for step in beginning.steps])
    if beginning.text:
        about = {"message_id": answer.message_id, "thread_id": answer.thread_id}
        # Of no attempt: whatever the model says itself takes its place.
        piece = {"attempt": 0, "tries": 1, "text": beginning.text, "created_at": now}
        tx.execute(insert(Delta), about | piece)


def _row(found: SQLModel, without: str = "id") -> dict[str, Any]:
    columns = table_of(type(found)).columns
    return {one.name: getattr(found, one.name) for one in columns if one.name != without}


def _insert(tx: Tx, model: type[SQLModel], found: list[dict[str, Any]]) -> None:
    if found:
        tx.execute(insert(table_of(model)), found)


@dataclass(frozen=True, slots=True)
class Place:
    """The answers at one place: the one that is kept, and all of them."""

    kept: Row[Any]
    all: Sequence[Row[Any]]


def place_of(tx: Tx, message: Message) -> Place:
    """The answers at the place of a message; the caller holds the thread."""
    query = select(_MESSAGES).where(*_beside(message))
    found = tx.execute(query.order_by(_MESSAGES.c.variant)).all()
    return Place(next(row for row in found if not row.hidden), found)


def keep(tx: Tx, message: Message, place: Place, *, by: str, now: datetime) -> None:
    """Let this answer be the one of its place: what is told and shown from now on."""
    about = rows("messages", {"thread_id": message.thread_id})
    changed = update(_MESSAGES)
    if message.id != place.kept.id:
        hide = changed.where(_MESSAGES.c.id == place.kept.id).values(hidden=True)
        tx.execute(hide, about=about)
        _in_line(tx, place.kept, key=place.kept.id)
        _in_line(tx, message, key=message.thread_id)
        _told_with(tx, message.thread_id, place.kept.id, message.id, now)
        # They tell of the other one.
        summaries.delete_from(tx, message.thread_id, message.position)
    chosen = {"hidden": False, "kept_at": now, "kept_by": by}
    tx.execute(changed.where(_MESSAGES.c.id == message.id).values(chosen), about=about)


def _in_line(tx: Tx, message: Message | Row[Any], *, key: str) -> None:
    """Only the answer that is kept makes those after it wait."""
    tx.execute(
        update(_RUNS)
        .where(_RUNS.c.id == message.run_id, _RUNS.c.status.in_(ACTIVE_RUN))
        .values(key=key),
        about=rows("workflows", {"id": message.run_id, "thread_id": message.thread_id}),
    )


def _told_with(tx: Tx, thread_id: str, before: str, now_kept: str, now: datetime) -> None:
    """What an answer has taken in is told with it, and by itself while another one is kept."""
    was, is_ = _taken_in(tx, before), _taken_in(tx, now_kept)
    for ids, joined_at in ((was - is_, None), (is_ - was, now)):
        if ids:
            change = update(_MESSAGES).where(_MESSAGES.c.id.in_(ids)).values(joined_at=joined_at)
            tx.execute(change, about=rows("messages", {"thread_id": thread_id}))


def _taken_in(tx: Tx, message_id: str) -> set[str]:
    part = table_of(Part).c
    query = select(part.data).where(
        part.message_id == message_id,
        part.kind == PartKind.MESSAGE,
        part.status == PartStatus.DONE,
    )
    found = tx.execute(query).scalars()
    return {data["message_id"] for data in found if data.get("message_id")}


def _beside(message: Message) -> Collection[Any]:
    return *_at(message.thread_id, message.position), _MESSAGES.c.branch == message.branch


def _at(thread_id: str, position: int) -> Collection[Any]:
    return _MESSAGES.c.thread_id == thread_id, _MESSAGES.c.position == position
