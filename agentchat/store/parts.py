"""Parts of answers: what was said and done on the way to them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, case, delete, exists, func, insert, select, update
from sqlmodel import Session, col

from agentchat.columns import of_row, table_of
from agentchat.models import OPEN_PART, Ask, AskStatus, Message, Part, PartKind, PartStatus, Thread
from agentchat.store import by_message, runs
from agentchat.store.changes import Rows, rows
from agentchat.store.messages import Answer
from agentchat.store.runs import Hold
from agentchat.store.writer import Tx

_PARTS = table_of(Part)
_THREADS = table_of(Thread)
_ASKS = table_of(Ask)
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
    if not parts:
        return []
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
    return by_message.read(session, _OF_MESSAGES, thread_id, ids)


_OF_MESSAGES = by_message.query_of(_PARTS, ("message_id", "position"))


def any_framed(session: Session, thread_id: str, mark: str) -> bool:
    """Whether a tool has told ``mark`` in a thread, or in one within it."""
    inner = select(_THREADS.c.id.label("id")).where(_THREADS.c.id == thread_id)
    tree = inner.cte("tree", recursive=True)
    tree = tree.union_all(select(_THREADS.c.id).join(tree, _THREADS.c.parent_id == tree.c.id))
    query = select(_PARTS.c.id).where(
        _PARTS.c.thread_id.in_(select(tree.c.id)),
        _PARTS.c.kind == PartKind.TOOL,
        _PARTS.c.text.contains(mark, autoescape=True),
    )
    return session.execute(query.limit(1)).first() is not None


def of_message(source: Tx, message_id: str) -> Sequence[Row[Any]]:
    """The parts of an answer, in order."""
    query = select(_PARTS).where(_PARTS.c.message_id == message_id)
    return source.execute(query.order_by(_PARTS.c.position)).all()


@dataclass(frozen=True, slots=True)
class Outline:
    """What an answer consists of by now: the kinds of its parts and the data of its notes, in
    order, and whether other agents were asked.
    """

    kinds: list[PartKind]
    notes: list[dict[str, Any]]
    asks_agents: bool


def outline(tx: Tx, message_id: str) -> Outline:
    """What an answer consists of, in one look that reads little."""
    found = tx.execute(_OUTLINE, {"message_id": message_id}).all()
    return Outline(
        [PartKind(kind) for kind, _, _ in found],
        [data for _, data, _ in found if data is not None],
        any(asks for *_, asks in found),
    )


_OUTLINE = (
    select(
        _PARTS.c.kind,
        case((_PARTS.c.kind == PartKind.NOTE, _PARTS.c.data)),
        _PARTS.c.child_id.is_not(None),
    )
    .where(_PARTS.c.message_id == bindparam("message_id"))
    .order_by(_PARTS.c.position)
)


def within(tx: Tx, message_id: str) -> list[str]:
    """The ids of the answers of the sub-agents that an answer asked, of those that they asked,
    and so on.
    """
    return list(tx.execute(_WITHIN, {"message_id": message_id}).scalars())


_TREE = (
    select(_PARTS.c.child_id.label("id"))
    .where(_PARTS.c.message_id == bindparam("message_id"), _PARTS.c.child_id.is_not(None))
    .cte("tree", recursive=True)
)
_WITHIN = select(
    _TREE.union(
        select(_PARTS.c.child_id)
        .join(_TREE, _PARTS.c.message_id == _TREE.c.id)
        .where(_PARTS.c.child_id.is_not(None))
    ).c.id
)


def children(tx: Tx, message_id: str, *, shared: bool = True) -> list[Answer]:
    """The answers of the sub-agents that an answer asked itself: not those that it took over of
    another one; without ``shared`` not those either that another one took over.
    """
    messages = table_of(Message)
    query = (
        select(messages.c.id, messages.c.thread_id, messages.c.run_id, messages.c.position)
        .join(_PARTS, _PARTS.c.child_id == messages.c.id)
        .join(_THREADS, _THREADS.c.id == messages.c.thread_id)
        .where(_PARTS.c.message_id == message_id, _THREADS.c.parent_message_id == message_id)
    )
    if not shared:
        other = _PARTS.alias()
        taken = other.c.child_id == messages.c.id, other.c.message_id != message_id
        query = query.where(~exists().where(*taken))
    return [
        Answer(child, thread_id, run_id or "", position)
        for child, thread_id, run_id, position in tx.execute(query).all()
    ]


def reopen(tx: Tx, answer: Answer) -> None:
    """What was cut off by the end of an answer is under way again, or asked again."""
    cut = _PARTS.c.message_id == answer.message_id, _PARTS.c.status == PartStatus.INTERRUPTED
    asked = exists().where(
        _ASKS.c.message_id == _PARTS.c.message_id,
        _ASKS.c.part == _PARTS.c.position,
        _ASKS.c.status == AskStatus.WITHDRAWN,
    )
    status = case((asked, PartStatus.ASKED), else_=PartStatus.RUNNING)
    again = {"status": status, "finished_at": None}
    tx.execute(update(_PARTS).where(*cut).values(again), about=_about(answer))


def delete_of(tx: Tx, answer: Answer) -> None:
    """Remove the parts of an answer that is begun anew, but for what it was begun with."""
    own = _PARTS.c.message_id == answer.message_id, _PARTS.c.step != PROMISED
    tx.execute(delete(_PARTS).where(*own), about=_about(answer))


def delete_of_thread(tx: Tx, thread_id: str) -> None:
    """Remove the parts of all answers of a thread."""
    tx.execute(delete(Part).where(col(Part.thread_id) == thread_id))


def _about(answer: Answer) -> Rows:
    return rows("parts", {"message_id": answer.message_id, "thread_id": answer.thread_id})
