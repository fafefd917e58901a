"""Parts of answers: what was said and done on the way to them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, insert, select, update
from sqlmodel import Session, col

from agentchat.columns import of_row, table_of
from agentchat.models import OPEN_PART, Message, Part, PartKind, PartStatus
from agentchat.store import runs
from agentchat.store.changes import Rows, rows
from agentchat.store.messages import Answer
from agentchat.store.runs import Hold
from agentchat.store.writer import Tx

_PARTS = table_of(Part)
PROMISED = "follow up"
"""The step of a part that tells what an answer is for that nobody's message asked for."""
_EMPTY: dict[str, Any] = {
    "agent": "",
    "name": "",
    "call_id": "",
    "text": "",
    "input": None,
    "round": 0,
    "child_id": None,
    "step": "",
    "finished_at": None,
}


def add(tx: Tx, answer: Answer, now: datetime, *parts: dict[str, Any]) -> list[int]:
    """Add parts after those that are there, given by column, and return their positions."""
    last = select(func.coalesce(func.max(_PARTS.c.position), -1)).where(
        _PARTS.c.message_id == answer.message_id
    )
    first = int(tx.execute(last).scalar_one()) + 1
    about = {
        "message_id": answer.message_id,
        "thread_id": answer.thread_id,
        "run_id": answer.run_id,
    }
    found = [
        {**_EMPTY, "data": {}, "started_at": now, **about, "position": position, **part}
        for position, part in enumerate(parts, first)
    ]
    if found:
        tx.execute(insert(_PARTS), found)
    return [one["position"] for one in found]


def change(tx: Tx, answer: Answer, position: int, **values: Any) -> None:
    """Change a part that the caller knows to be its own."""
    tx.execute(
        update(_PARTS)
        .where(_PARTS.c.message_id == answer.message_id, _PARTS.c.position == position)
        .values(**values),
        about=_about(answer),
    )


def change_held(tx: Tx, hold: Hold, answer: Answer, position: int, **values: Any) -> None:
    """Change a part from within a step; raises :class:`~agentchat.errors.Fenced` if the run
    is no longer this attempt's.
    """
    runs.check(tx, hold)
    change(tx, answer, position, **values)


def get(tx: Tx, message_id: str, position: int) -> Part | None:
    """One part of an answer."""
    query = select(_PARTS).where(_PARTS.c.message_id == message_id, _PARTS.c.position == position)
    row = tx.execute(query).mappings().first()
    return None if row is None else of_row(Part, row)


def close(tx: Tx, answer: Answer, *, now: datetime) -> None:
    """Whatever of an answer that ends is still open was interrupted."""
    query = select(_PARTS.c.id).where(
        _PARTS.c.message_id == answer.message_id, _PARTS.c.status.in_(OPEN_PART)
    )
    if tx.execute(query.limit(1)).first() is None:
        return
    tx.execute(
        update(_PARTS)
        .where(_PARTS.c.message_id == answer.message_id, _PARTS.c.status.in_(OPEN_PART))
        .values(status=PartStatus.INTERRUPTED, finished_at=now),
        about=_about(answer),
    )


def of_messages(
    session: Session, thread_id: str, ids: Collection[str]
) -> dict[str, list[Row[Any]]]:
    """The parts of these messages of a thread, in order, by the id of the message."""
    found: dict[str, list[Row[Any]]] = {}
    if ids:
        for row in session.execute(_OF_MESSAGES, {"thread_id": thread_id, "ids": list(ids)}):
            found.setdefault(row.message_id, []).append(row)
    return found


_OF_MESSAGES = (
    select(_PARTS)
    .where(
        _PARTS.c.thread_id == bindparam("thread_id"),
        _PARTS.c.message_id.in_(bindparam("ids", expanding=True)),
    )
    .order_by(_PARTS.c.message_id, _PARTS.c.position)
)


def of_message(source: Tx, message_id: str) -> Sequence[Row[Any]]:
    """The parts of an answer, in order."""
    query = select(_PARTS).where(_PARTS.c.message_id == message_id)
    return source.execute(query.order_by(_PARTS.c.position)).all()


def of_kind(tx: Tx, message_id: str, kind: PartKind) -> Sequence[Row[Any]]:
    """The parts of one kind of an answer, in order."""
    query = select(_PARTS).where(_PARTS.c.message_id == message_id, _PARTS.c.kind == kind)
    return tx.execute(query.order_by(_PARTS.c.position)).all()


def count(tx: Tx, message_id: str, kinds: Collection[PartKind]) -> int:
    """How many parts of these kinds an answer has."""
    query = select(func.count(_PARTS.c.id)).where(
        _PARTS.c.message_id == message_id, _PARTS.c.kind.in_(kinds)
    )
    return int(tx.execute(query).scalar_one())


def children(tx: Tx, message_id: str) -> list[Answer]:
    """The answers of the sub-agents that an answer asked."""
    messages = table_of(Message)
    query = (
        select(messages.c.id, messages.c.thread_id, messages.c.run_id, messages.c.position)
        .join(_PARTS, _PARTS.c.child_id == messages.c.id)
        .where(_PARTS.c.message_id == message_id)
    )
    return [
        Answer(child, thread_id, run_id or "", position)
        for child, thread_id, run_id, position in tx.execute(query).all()
    ]


def delete_of(tx: Tx, answer: Answer) -> None:
    """Remove the parts of an answer that is begun anew, but for what it was begun with."""
    own = _PARTS.c.message_id == answer.message_id, _PARTS.c.step != PROMISED
    tx.execute(delete(_PARTS).where(*own), about=_about(answer))


def delete_of_thread(tx: Tx, thread_id: str) -> None:
    """Remove the parts of all answers of a thread."""
    tx.execute(delete(Part).where(col(Part.thread_id) == thread_id))


def _about(answer: Answer) -> Rows:
    return rows("parts", {"message_id": answer.message_id, "thread_id": answer.thread_id})
