"""Messages that wait to be answered, and those that were taken back before they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, insert, literal, select, update
from sqlmodel import Session

from agentchat.columns import of_row, table_of
from agentchat.models import (
    LIVE_MESSAGE,
    Attachment,
    Branch,
    Message,
    MessageStatus,
    Returned,
    Role,
    RunStatus,
    Thread,
    ThreadMark,
    Upload,
)
from agentchat.store import runs
from agentchat.store.changes import rows
from agentchat.store.writer import Tx

_MESSAGES, _THREADS, _MARKS = table_of(Message), table_of(Thread), table_of(ThreadMark)
_RETURNED, _ATTACHMENTS, _UPLOADS = table_of(Returned), table_of(Attachment), table_of(Upload)
_BRANCHES, _ANSWERS = table_of(Branch), _MESSAGES.alias("answers")
_FILE = ("id", "name", "media_type", "size")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that waits for the run ``run_id``: for its own ``answer``, which has not begun, or
    without one to join another, which has not taken it in.
    """

    message: Message
    run_id: str
    answer: Message | None = None


def of_message(tx: Tx, message: Message) -> Waiting | None:
    """What a message waits for; None if nothing holds it back any more. The caller holds the
    thread; only who holds the run as well knows that it stays so.
    """
    if message.role != Role.USER or message.hidden:
        return None
    here = _MESSAGES.c.thread_id == message.thread_id, _MESSAGES.c.role == Role.ASSISTANT
    if message.joins is not None:
        live = _MESSAGES.c.run_id == message.joins, _MESSAGES.c.status.in_(LIVE_MESSAGE)
        joined = tx.execute(select(_MESSAGES.c.id).where(*here, *live)).first()
        waits = joined is not None and message.joined_at is None
        return Waiting(message, message.joins) if waits else None
    # With others beside it, something has been answered already.
    place = _MESSAGES.c.position == message.position + 1, _MESSAGES.c.branch == message.branch
    found = tx.execute(select(_MESSAGES).where(*here, *place)).mappings().all()
    answer = of_row(Message, found[0]) if len(found) == 1 else None
    if answer is None or answer.hidden or answer.run_id is None or not _unbegun(answer):
        return None
    return Waiting(message, answer.run_id, answer)


def of_thread(session: Session, thread_id: str) -> list[Row[Any]]:
    """The ``id`` and ``user_id`` of the messages of a thread that wait, oldest first, and whether
    each ``joins`` an answer.
    """
    found = [
        row for query in (_QUEUED, _JOINING) for row in session.execute(query, {"t": thread_id})
    ]
    return sorted(found, key=lambda row: row.position)


_SAID = (
    _MESSAGES.c.thread_id == bindparam("t"),
    _MESSAGES.c.role == Role.USER,
    _MESSAGES.c.hidden.is_(False),
    _ANSWERS.c.thread_id == bindparam("t"),
    _ANSWERS.c.role == Role.ASSISTANT,
    _ANSWERS.c.hidden.is_(False),
)
_HEAD = (_MESSAGES.c.id, _MESSAGES.c.user_id, _MESSAGES.c.position)
_QUEUED = select(*_HEAD, literal(False).label("joins")).where(
    *_SAID,
    _MESSAGES.c.position == _ANSWERS.c.position - 1,
    _MESSAGES.c.joins.is_(None),
    _ANSWERS.c.status == MessageStatus.PENDING,
    _ANSWERS.c.model == "",
)
_JOINING = select(*_HEAD, literal(True).label("joins")).where(
    *_SAID,
    _MESSAGES.c.joins == _ANSWERS.c.run_id,
    _MESSAGES.c.joined_at.is_(None),
    _ANSWERS.c.status.in_(LIVE_MESSAGE),
)


def after(tx: Tx, message: Message) -> list[Message]:
    """What a thread shows after a message, oldest first; the caller holds it."""
    shown = _MESSAGES.c.thread_id == message.thread_id, _MESSAGES.c.hidden.is_(False)
    later = select(_MESSAGES).where(*shown, _MESSAGES.c.position > message.position)
    found = tx.execute(later.order_by(_MESSAGES.c.position)).mappings().all()
    return [of_row(Message, row) for row in found]


def remove(tx: Tx, thread: Thread, gone: Sequence[Message], *, now: datetime) -> bool:
    """Take messages of which nothing has come out of a thread, and let those after them move up;
    the caller holds it. False if one that moves has begun: then whoever calls this undoes it.
    """
    left = [one for one in after(tx, gone[0]) if one.id not in {other.id for other in gone}]
    for message in gone:
        about = rows("messages", {"id": message.id, "thread_id": thread.id})
        tx.execute(delete(_MESSAGES).where(_MESSAGES.c.id == message.id), about=about)
    for at, message in enumerate(left, gone[0].position):
        if message.position != at and not _move(tx, message, at):
            return False
    thread.length -= len(gone)
    values = {"length": thread.length, "updated_at": now}
    tx.execute(update(_THREADS).where(_THREADS.c.id == thread.id).values(values))
    beyond = _MARKS.c.thread_id == thread.id, _MARKS.c.read_to > thread.length
    tx.execute(update(_MARKS).where(*beyond).values(read_to=thread.length))
    return True


def _move(tx: Tx, message: Message, position: int) -> bool:
    """Let a message have another place; false if it is an answer that has begun."""
    if message.role == Role.ASSISTANT:
        run = runs.lock(tx, message.run_id or "")
        if run is None or run.status != RunStatus.QUEUED or not _unbegun(message):
            return False
        # It is told what comes before its place.
        runs.put(tx, run, data={**run.data, "position": position})
    place = _MESSAGES.c.thread_id == message.thread_id, _MESSAGES.c.position == position
    taken = tx.execute(select(func.max(_MESSAGES.c.variant)).where(*place)).scalar()
    # Messages of versions that are not shown may be there.
    rewrite(tx, message, position=position, variant=0 if taken is None else taken + 1)
    return True


def _unbegun(answer: Message) -> bool:
    return answer.status == MessageStatus.PENDING and not answer.model


def drop_branch(tx: Tx, thread_id: str, number: int) -> None:
    """Forget a branch on which nothing is said any more."""
    this = _BRANCHES.c.thread_id == thread_id, _BRANCHES.c.number == number
    tx.execute(delete(_BRANCHES).where(*this))


def rewrite(tx: Tx, message: Message, **values: object) -> None:
    """Change a message in its place."""
    about = rows("messages", {"id": message.id, "thread_id": message.thread_id})
    tx.execute(update(_MESSAGES).where(_MESSAGES.c.id == message.id).values(**values), about=about)


def give_back(tx: Tx, message: Message, *, by: str, now: datetime) -> None:
    """Keep the words of a message for who said them, and its files as uploads of theirs, in order;
    the message itself goes.
    """
    of_message = _ATTACHMENTS.c.message_id == message.id
    heads = select(*(_ATTACHMENTS.c[name] for name in _FILE)).where(of_message)
    files = tx.execute(heads.order_by(_ATTACHMENTS.c.position)).mappings().all()
    if files:
        moved = (*_FILE, "content", "text")
        own = {
            "user_id": literal(message.user_id),
            "created_at": literal(now, _UPLOADS.c.created_at.type),
        }
        query = select(*(_ATTACHMENTS.c[name] for name in moved), *own.values()).where(of_message)
        # Within the database: what is in the files does not pass through this process.
        tx.execute(
            insert(_UPLOADS).from_select([*moved, *own], query),
            about=rows("uploads", {"user_id": message.user_id}),
        )
        there = rows("attachments", {"thread_id": message.thread_id, "message_id": message.id})
        tx.execute(delete(_ATTACHMENTS).where(of_message), about=there)
    tx.execute(
        insert(_RETURNED),
        {
            "id": message.id,
            "thread_id": message.thread_id,
            "user_id": message.user_id,
            "text": message.text,
            "files": [dict(file) for file in files],
            "taken_by": by,
            "created_at": now,
        },
    )


def returned_to(session: Session, thread_id: str, user_id: str) -> list[Row[Any]]:
    """What was taken back in a thread of what this person said, and they have not collected yet,
    oldest first.
    """
    theirs = _RETURNED.c.thread_id == thread_id, _RETURNED.c.user_id == user_id
    query = select(_RETURNED).where(*theirs)
    return list(session.execute(query.order_by(_RETURNED.c.created_at, _RETURNED.c.id)))


def collect(tx: Tx, message_id: str, user_id: str) -> bool:
    """Let go of what was kept for this person; whether there was such."""
    theirs = _RETURNED.c.id == message_id, _RETURNED.c.user_id == user_id
    return tx.execute(delete(_RETURNED).where(*theirs)).rowcount > 0


def delete_of_thread(tx: Tx, thread_id: str) -> None:
    """Remove what was taken back in a thread."""
    tx.execute(delete(_RETURNED).where(_RETURNED.c.thread_id == thread_id))
