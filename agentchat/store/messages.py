"""Messages and the deltas of those that grow: their rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, delete, func, insert, or_, select, update
from sqlmodel import Session, col

from agentchat.columns import table_of
from agentchat.models import (
    ACTIVE_RUN,
    LIVE_MESSAGE,
    Delta,
    Message,
    MessageStatus,
    Part,
    Role,
    Run,
    RunStatus,
)
from agentchat.store import by_message, runs
from agentchat.store.changes import Rows, rows
from agentchat.store.runs import Hold
from agentchat.store.writer import Tx


@dataclass(frozen=True, slots=True)
class Answer:
    """Where an answer is written: its message, its thread and place there, its run."""

    message_id: str
    thread_id: str
    run_id: str
    position: int

    def about(self) -> Rows:
        """What a change of the message touches."""
        return rows("messages", {"id": self.message_id, "thread_id": self.thread_id})


def add(tx: Tx, *messages: dict[str, Any]) -> None:
    """Add messages, given by column."""
    tx.execute(insert(Message), list(messages))


def find(tx: Tx, message_id: str) -> Message | None:
    """The message of this id, if there is one."""
    row = (
        tx.execute(select(table_of(Message)).where(col(Message.id) == message_id))
        .mappings()
        .first()
    )
    return None if row is None else Message(**row)


def begin(tx: Tx, answer: Answer, *, model: str) -> None:
    """The answer is being worked on now, by ``model``. One that was asked for by another run
    has no run of its own yet: this is it.
    """
    tx.execute(
        update(Message)
        .where(
            col(Message.id) == answer.message_id,
            or_(col(Message.run_id) == answer.run_id, col(Message.run_id).is_(None)),
        )
        .values(status=MessageStatus.RUNNING, model=model, run_id=answer.run_id),
        about=answer.about(),
    )


def sign(tx: Tx, answer: Answer, *, author: str, model: str) -> None:
    """The answer is that of ``author`` now, who asks ``model``."""
    change(tx, answer, author=author, model=model)
    runs.sign(tx, Hold(answer.run_id, 0, runs.root_of(tx, answer.run_id)), agent=author)


def settle(
    tx: Tx,
    answer: Answer,
    *,
    status: MessageStatus,
    now: datetime,
    text: str | None = None,
    model: str | None = None,
    author: str | None = None,
    error_kind: str | None = None,
    error: str | None = None,
    stopped_by: str | None = None,
) -> str:
    """Make the answer final and return its text: ``text``, or what came so far.

    Its deltas go in the same commit, so that no reader sees the answer twice or not at all.
    """
    so_far = take_text(tx, answer)
    text = so_far if text is None else text
    named: dict[str, Any] = {"model": model, "author": author}
    change(
        tx,
        answer,
        status=status,
        text=text,
        error_kind=error_kind,
        error=error,
        stopped_by=stopped_by,
        finished_at=now,
        **{name: value for name, value in named.items() if value is not None},
    )
    return text


def take_text(tx: Tx, answer: Answer) -> str:
    """The text of a growing message so far, which is taken from it: it begins anew."""
    text = text_so_far(tx, answer.message_id)
    about = rows("deltas", {"message_id": answer.message_id, "thread_id": answer.thread_id})
    tx.execute(delete(Delta).where(col(Delta.message_id) == answer.message_id), about=about)
    return text


def text_so_far(source: Tx | Session, message_id: str) -> str:
    """The text of the newest try of a growing message; empty if nothing came yet."""
    return folded(Growth(), source.execute(_AFTER, {"message_id": message_id, "last": 0})).text


@dataclass(frozen=True, slots=True)
class Piece:
    """New text of an answer, written by one try of one attempt of its run."""

    answer: Answer
    attempt: int
    tries: int
    text: str


def append(tx: Tx, pieces: Iterable[Piece], *, now: datetime) -> set[str]:
    """Write the pieces of all runs that their attempts still own, and return the ids of
    the runs they do not own any more.
    """
    pieces = list(pieces)
    ids = {piece.answer.run_id for piece in pieces}
    # FOR SHARE: on PostgreSQL a stop in another process waits until the pieces are in.
    held = tx.execute(
        select(col(Run.id), col(Run.attempt))
        .where(col(Run.id).in_(ids), col(Run.status) == RunStatus.RUNNING)
        .with_for_update(read=True)
    )
    owned = {(run_id, attempt) for run_id, attempt in held.all()}
    accepted = [piece for piece in pieces if (piece.answer.run_id, piece.attempt) in owned]
    if accepted:
        tx.execute(
            insert(Delta),
            [
                {
                    "message_id": piece.answer.message_id,
                    "thread_id": piece.answer.thread_id,
                    "attempt": piece.attempt,
                    "tries": piece.tries,
                    "text": piece.text,
                    "created_at": now,
                }
                for piece in accepted
            ],
        )
    return {piece.answer.run_id for piece in pieces if piece not in accepted}


def delete_of(tx: Tx, thread_id: str) -> None:
    """Remove all messages of a thread, and what grew of them."""
    tx.execute(delete(Delta).where(col(Delta.thread_id) == thread_id))
    tx.execute(delete(Message).where(col(Message.thread_id) == thread_id))


_MESSAGES = table_of(Message)
HEADS = [column for column in _MESSAGES.columns if column.name not in ("text", "thread_id")]
"""What is read of messages of which only some are read whole."""


def heads(session: Session, threads: Collection[str], ids: Collection[str]) -> dict[str, Row[Any]]:
    """These messages of these threads without their texts, by id; those that are there."""
    return {row.id: row for row in by_message.find(session, _BY_ID, threads, ids)}


def texts(session: Session, threads: Collection[str], ids: Collection[str]) -> dict[str, str]:
    """The texts of settled messages of these threads, by id."""
    return {row.id: row.text for row in by_message.find(session, _TEXTS, threads, ids)}


_BY_ID = by_message.query_of(_MESSAGES, (), *HEADS, by="id")
_TEXTS = by_message.query_of(_MESSAGES, (), _MESSAGES.c.id, _MESSAGES.c.text, by="id")


@dataclass(frozen=True, slots=True)
class Growth:
    """The text of a growing message so far, by its newest try, and the last delta in it."""

    text: str = ""
    attempt: int = 0
    tries: int = 0
    last: int = 0

    @property
    def revision(self) -> int:
        """Higher when the text was begun anew."""
        return self.attempt * 1_000 + self.tries


def growths(
    session: Session, threads: Collection[str], before: Mapping[str, Growth]
) -> dict[str, Growth]:
    """How far these messages of these threads have grown, by id, each from what was read of it
    before: only what came after that is read.
    """
    new = [message_id for message_id, growth in before.items() if not growth.last]
    pieces: dict[str, list[Any]] = {}
    for row in by_message.find(session, _PIECES, threads, new):
        pieces.setdefault(row.message_id, []).append(row[1:])
    found = {message_id: folded(Growth(), pieces.get(message_id, ())) for message_id in new}
    for message_id in before.keys() - found.keys():
        growth = before[message_id]
        after = session.execute(_AFTER, {"message_id": message_id, "last": growth.last})
        found[message_id] = folded(growth, after)
    return found


_DELTAS = table_of(Delta)
_PIECE = ("id", "attempt", "tries", "text")
_AFTER = (
    select(*(_DELTAS.c[one] for one in _PIECE))
    .where(_DELTAS.c.message_id == bindparam("message_id"), _DELTAS.c.id > bindparam("last"))
    .order_by(_DELTAS.c.id)
)
_PIECES = by_message.query_of(
    _DELTAS, ("id",), _DELTAS.c.message_id, *(_DELTAS.c[one] for one in _PIECE)
)


def folded(before: Growth, pieces: Iterable[Any]) -> Growth:
    """``before`` with more deltas: those of a lower try count for nothing."""
    texts, newest, last = [before.text], (before.attempt, before.tries), before.last
    for delta, attempt, tries, text in pieces:
        last = delta
        if (attempt, tries) > newest:
            texts, newest = [], (attempt, tries)
        if (attempt, tries) == newest:
            texts.append(text)
    return Growth("".join(texts), *newest, last)


def ids_before(tx: Tx, answer: Answer, *, limit: int) -> list[str]:
    """The ids of up to ``limit`` finished messages before an answer, oldest first: what a
    model may be told.
    """
    query = select(col(Message.id)).where(*_told(answer))
    found = tx.execute(query.order_by(col(Message.position).desc()).limit(limit))
    return [message_id for (message_id,) in found.all()][::-1]


def characters_before(tx: Tx, answer: Answer) -> int:
    """How many characters the finished messages before an answer have."""
    query = select(func.coalesce(func.sum(func.length(Message.text)), 0)).where(*_told(answer))
    return int(tx.execute(query).scalar_one())


def by_ids(session: Session, ids: Iterable[str]) -> list[Message]:
    """The messages of these ids, oldest first."""
    query = select(Message).where(col(Message.id).in_(list(ids))).order_by(col(Message.position))
    return list(session.scalars(query))


def joining(tx: Tx, answer: Answer) -> list[tuple[str, str, str]]:
    """The id, author and text of the messages that steer an answer and that its run has not
    taken in yet, oldest first.
    """
    query = select(_MESSAGES.c.id, _MESSAGES.c.author, _MESSAGES.c.text).where(
        _MESSAGES.c.thread_id == answer.thread_id,
        _MESSAGES.c.joins == answer.run_id,
        _MESSAGES.c.joined_at.is_(None),
        _MESSAGES.c.hidden.is_(False),
    )
    found = tx.execute(query.order_by(_MESSAGES.c.position)).all()
    return [(message_id, author, text) for message_id, author, text in found]


def joined(tx: Tx, answer: Answer, *, now: datetime) -> None:
    """The run of an answer has taken in the messages that steer it."""
    tx.execute(
        update(_MESSAGES)
        .where(
            _MESSAGES.c.thread_id == answer.thread_id,
            _MESSAGES.c.joins == answer.run_id,
            _MESSAGES.c.joined_at.is_(None),
            _MESSAGES.c.hidden.is_(False),
        )
        .values(joined_at=now),
        about=rows("messages", {"thread_id": answer.thread_id}),
    )


def steer(tx: Tx, answer: Answer, run_id: str | None, *, taken: bool = True) -> None:
    """Let the messages that steer an answer steer that of another run, or none; without
    ``taken`` only those that its run has not taken in.
    """
    change = update(_MESSAGES).where(
        _MESSAGES.c.thread_id == answer.thread_id, _MESSAGES.c.joins == answer.run_id
    )
    if not taken:
        change = change.where(_MESSAGES.c.joined_at.is_(None))
    about = rows("messages", {"thread_id": answer.thread_id})
    tx.execute(change.values(joins=run_id, joined_at=None), about=about)


def live_runs(session: Session, thread_id: str) -> dict[str, Run]:
    """The queued and running runs of a thread, by id."""
    query = (
        select(Run)
        .where(col(Run.thread_id) == thread_id, col(Run.status).in_(ACTIVE_RUN))
        .order_by(col(Run.created_at), col(Run.id))
    )
    return {run.id: run for run in session.scalars(query)}


def live_of(tx: Tx, thread_id: str, *, hidden: bool = False) -> list[Answer]:
    """The answers of a thread that wait or grow, oldest first: those that are kept, or those
    that are ``hidden``.
    """
    found = tx.execute(
        select(col(Message.id), col(Message.run_id), col(Message.position))
        .where(
            col(Message.thread_id) == thread_id,
            col(Message.role) == Role.ASSISTANT,
            col(Message.status).in_(LIVE_MESSAGE),
            col(Message.hidden).is_(hidden),
        )
        .order_by(col(Message.position), col(Message.variant))
    )
    return [
        Answer(message_id, thread_id, run_id or "", position)
        for message_id, run_id, position in found.all()
    ]


def _told(answer: Answer) -> tuple[ColumnElement[bool], ...]:
    return (
        col(Message.thread_id) == answer.thread_id,
        col(Message.position) < answer.position,
        col(Message.hidden).is_(False),
        col(Message.status).not_in(LIVE_MESSAGE),
        # What an answer has taken in is told with it.
        col(Message.joined_at).is_(None),
        or_(
            col(Message.text) != "",
            select(col(Part.id)).where(col(Part.message_id) == col(Message.id)).exists(),
        ),
    )


def change(tx: Tx, answer: Answer, *, of_this_run: bool = True, **values: object) -> None:
    """Change an answer, unless another run writes it by now."""
    change = update(Message).where(col(Message.id) == answer.message_id).values(**values)
    if of_this_run:
        # A second fence: an answer that was asked for anew belongs to the new run; one that
        # another run asked for has none until its own begins.
        own = col(Message.run_id)
        change = change.where(own == answer.run_id if answer.run_id else own.is_(None))
    tx.execute(change, about=answer.about())
