"""The whole schema, in one file: tables, and the words their statuses may hold.

Times are aware UTC. Ids are texts; a client may make them. Rows are written only by
``store/``; what each table is for, who writes and who deletes it, stands above it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Index,
    Integer,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlmodel import Field, SQLModel


class Instant(TypeDecorator[datetime]):
    """An aware UTC time in every database; SQLite itself would forget the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def table_of(model: type[SQLModel]) -> Table:
    """The Core table of a model, for statements that want plain rows."""
    table = model.metadata.tables[str(model.__tablename__)]
    return table


def serial() -> Any:
    """A key that the database counts up, for rows of which there are very many."""
    # SQLite counts only a column of exactly this type, and counts in 64 bits anyway.
    kind = BigInteger().with_variant(Integer(), "sqlite")
    return Field(default=None, sa_column=Column(kind, primary_key=True))


class Role(StrEnum):
    """Who speaks in a message."""

    USER = "user"
    ASSISTANT = "assistant"


class MessageStatus(StrEnum):
    """How far a message is. The last three are final."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


class RunStatus(StrEnum):
    """How far a run is. The last three are final.

    A waiting run is held by nobody until it is due, or an event it waits for comes.
    """

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


class StepStatus(StrEnum):
    """Whether a step is a wait that is not over, or done for ever."""

    WAITING = "waiting"
    DONE = "done"


ACTIVE_RUN = (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.WAITING)
LIVE_MESSAGE = (MessageStatus.PENDING, MessageStatus.RUNNING)


class Thread(SQLModel, table=True):
    """A conversation. Written by the verbs of ``chat.py``.

    ``length`` counts the messages ever added: the next one's position. Deleting marks
    ``deleted_at`` and removes what was said and done in it; the id is never used again.
    """

    __tablename__ = "threads"

    id: str = Field(primary_key=True, max_length=64)
    owner_id: str = Field(max_length=64)
    title: str = Field(max_length=200)
    length: int = 0
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant, index=True)
    deleted_at: datetime | None = Field(default=None, sa_type=Instant)


class Message(SQLModel, table=True):
    """One message. A send writes the person's and the pending answer; then only the
    answer's run writes, fenced by its attempt.

    ``text`` of an answer is filled once, at the end; while it grows it lives in deltas.
    """

    __tablename__ = "messages"
    __table_args__ = (UniqueConstraint("thread_id", "position"),)

    id: str = Field(primary_key=True, max_length=64)
    thread_id: str = Field(foreign_key="threads.id", max_length=64)
    position: int
    role: Role = Field(sa_column=Column(Text, nullable=False))
    status: MessageStatus = Field(sa_column=Column(Text, nullable=False, index=True))
    text: str = Field(default="", sa_column=Column(Text, nullable=False))
    author: str = Field(default="", max_length=200)
    model: str = Field(default="", max_length=200)
    run_id: str | None = Field(default=None, max_length=64)
    error_kind: str | None = Field(default=None, max_length=64)
    error: str | None = Field(default=None, sa_column=Column(Text))
    stopped_by: str | None = Field(default=None, max_length=200)
    created_at: datetime = Field(sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)


class Run(SQLModel, table=True):
    """One execution of a workflow. Written by the engine, and by stop.

    ``attempt`` is the fence: each claim raises it, and a worker's writes count only while
    the row still holds the attempt it works for. ``step`` is the name of the step at hand.
    ``due_at`` is empty while only an event can wake the run. Runs with the same ``key`` go
    one after another, by ``created_at``.
    ``retry_at`` with ``tries`` and ``max_tries`` says when the step at hand is tried again.
    """

    __tablename__ = "workflows"
    __table_args__ = (
        Index("ix_workflows_due", "status", "due_at"),
        Index("ix_workflows_key", "key", "status"),
    )

    id: str = Field(primary_key=True, max_length=64)
    workflow: str = Field(max_length=200)
    status: RunStatus = Field(sa_column=Column(Text, nullable=False))
    step: str = Field(default="", max_length=200)
    data: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    result: Any = Field(default=None, sa_column=Column(JSON))
    key: str | None = Field(default=None, max_length=64)
    thread_id: str | None = Field(default=None, max_length=64, index=True)
    attempt: int = 0
    crashes: int = 0
    worker: str | None = Field(default=None, max_length=200)
    lease_until: datetime | None = Field(default=None, sa_type=Instant)
    due_at: datetime | None = Field(sa_type=Instant)
    tries: int = 0
    max_tries: int = 0
    retry_at: datetime | None = Field(default=None, sa_type=Instant)
    error_kind: str | None = Field(default=None, max_length=64)
    error: str | None = Field(default=None, sa_column=Column(Text))
    stopped_by: str | None = Field(default=None, max_length=200)
    input_tokens: int = 0
    output_tokens: int = 0
    tokens_estimated: bool = False
    created_at: datetime = Field(sa_type=Instant)
    started_at: datetime | None = Field(default=None, sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)


class Step(SQLModel, table=True):
    """One remembered result of a run: its journal, in the order of ``id``. Written by the
    engine in the transaction that made it true; what is done is never changed.

    A wait is written when it begins, with the time ``wake_at`` when it is over at the
    latest and the name of the ``event`` it waits for, and once more when it is over.
    """

    __tablename__ = "steps"
    __table_args__ = (UniqueConstraint("run_id", "name", "occurrence"),)

    id: int | None = serial()
    run_id: str = Field(foreign_key="workflows.id", max_length=64)
    name: str = Field(max_length=200)
    occurrence: int
    status: StepStatus = Field(
        default=StepStatus.DONE, sa_column=Column(Text, nullable=False, default=StepStatus.DONE)
    )
    wake_at: datetime | None = Field(default=None, sa_type=Instant)
    event: str | None = Field(default=None, max_length=200)
    args_hash: str = Field(max_length=64)
    result: Any = Field(default=None, sa_column=Column(JSON))
    attempt: int
    tries: int = 1
    worker: str = Field(max_length=200)
    started_at: datetime = Field(sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)


class Event(SQLModel, table=True):
    """A named payload sent to a run, possibly before the run waits for it. Written by whoever
    sends it; ``taken_by`` is set when a wait of the run takes it, in its commit. The first
    event with a ``key`` counts.
    """

    __tablename__ = "events"
    __table_args__ = (UniqueConstraint("run_id", "key"),)

    id: int | None = serial()
    run_id: str = Field(foreign_key="workflows.id", max_length=64, index=True)
    name: str = Field(max_length=200)
    key: str = Field(max_length=64)
    payload: Any = Field(default=None, sa_column=Column(JSON))
    sent_by: str = Field(default="", max_length=200)
    taken_by: str | None = Field(default=None, max_length=200)
    created_at: datetime = Field(sa_type=Instant)


class Delta(SQLModel, table=True):
    """A piece of an answer while it grows; a reader takes those of the highest attempt, and
    of its highest try, in the order of ``id``. Removed in the commit that writes the
    message's text.
    """

    __tablename__ = "deltas"
    __table_args__ = (Index("ix_deltas_message", "message_id", "id"),)

    id: int | None = serial()
    message_id: str = Field(foreign_key="messages.id", max_length=64)
    thread_id: str = Field(max_length=64)
    attempt: int
    tries: int = 1
    text: str = Field(sa_column=Column(Text, nullable=False))
    created_at: datetime = Field(sa_type=Instant)


class Model(SQLModel, table=True):
    """The model that answers and how far it is on its way to being ready. One row a
    process, written by it at start and with every change; ``current`` is the newest.
    """

    __tablename__ = "models"

    id: str = Field(primary_key=True, max_length=200)
    label: str = Field(max_length=200)
    embedded: bool = False
    state: str = Field(max_length=20)
    detail: str = Field(default="", max_length=500)
    progress: float | None = None
    updated_at: datetime = Field(sa_type=Instant)
