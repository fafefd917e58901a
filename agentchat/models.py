"""The whole schema, in one file: tables, and the words their statuses may hold.

Times are aware UTC. Ids are texts; a client may make them. Rows are written only by
``store/``; what each table is for, who writes and who deletes it, stands above it.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from agentchat.columns import Instant, Value, serial


class Role(StrEnum):
    """Who speaks in a message."""

    USER = "user"
    ASSISTANT = "assistant"


class MemberRole(StrEnum):
    """What a person is in a thread: one who reads, one who writes too, or whose it is."""

    VIEWER = "viewer"
    MEMBER = "member"
    OWNER = "owner"


class MessageStatus(StrEnum):
    """How far a message is. The last three are final."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


class RunStatus(StrEnum):
    """How far a run is. The last three are final.

    A waiting run is held by nobody until it is due, or an event it waits for comes. A
    paused one goes on only when somebody resumes it. A stopping one cleans up.
    """

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    PAUSED = "paused"
    STOPPING = "stopping"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


class StepKind(StrEnum):
    """What a row of the journal remembers."""

    STEP = "step"
    TRANSACTION = "transaction"
    SLEEP = "sleep"
    EVENT = "event"
    RUN = "run"
    RACE = "race"
    PATCH = "patch"


class StepStatus(StrEnum):
    """How far a step is. Done and failed are remembered for ever.

    A retrying one waits for its next try; without ``wake_at``, for somebody to resume the
    run. A dropped one lost a race or was cut off by the end of its run. An edited one has
    been given other input by a fork, and is still to be done.
    """

    RUNNING = "running"
    WAITING = "waiting"
    RETRYING = "retrying"
    EDITED = "edited"
    DROPPED = "dropped"
    DONE = "done"
    FAILED = "failed"


class PartKind(StrEnum):
    """What a part of an answer is."""

    TEXT = "text"
    REASONING = "reasoning"
    TOOL = "tool"
    AGENT = "agent"
    ROUTE = "route"
    HAND_OVER = "hand_over"
    SOURCES = "sources"
    MESSAGE = "message"
    NOTE = "note"


class PartStatus(StrEnum):
    """How far a part is. The last four are final.

    An asked one waits for a person's answer; an interrupted one was cut off by the end of
    its run.
    """

    PENDING = "pending"
    RUNNING = "running"
    ASKED = "asked"
    DONE = "done"
    FAILED = "failed"
    DENIED = "denied"
    INTERRUPTED = "interrupted"


class AskKind(StrEnum):
    """What a person is asked for: to approve a tool's call, to answer a question, or to let
    a run go on that has reached a limit.
    """

    APPROVAL = "approval"
    QUESTION = "question"
    LIMIT = "limit"


class AskStatus(StrEnum):
    """What came of it. A withdrawn one lost its run before anybody answered."""

    OPEN = "open"
    APPROVED = "approved"
    DENIED = "denied"
    ANSWERED = "answered"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class SecondMessage(StrEnum):
    """What a message does that is sent while the thread is being answered.

    It waits its turn; joins the answer at its next step; ends it, keeping what came; or
    takes its place.
    """

    QUEUE = "queue"
    STEER = "steer"
    INTERRUPT = "interrupt"
    REPLACE = "replace"


ACTIVE_RUN = (
    RunStatus.QUEUED,
    RunStatus.RUNNING,
    RunStatus.WAITING,
    RunStatus.PAUSED,
    RunStatus.STOPPING,
)
ENDED_RUN = (RunStatus.DONE, RunStatus.STOPPED, RunStatus.FAILED)
HELD_RUN = (RunStatus.RUNNING, RunStatus.STOPPING)
"""The statuses in which a worker may hold a run."""
REMEMBERED = (StepStatus.DONE, StepStatus.FAILED)
LIVE_MESSAGE = (MessageStatus.PENDING, MessageStatus.RUNNING)
OPEN_PART = (PartStatus.PENDING, PartStatus.RUNNING, PartStatus.ASKED)


class Thread(SQLModel, table=True):
    """A conversation. Written by the verbs of ``chat.py``.

    ``length`` counts the places of what is shown: the next message's position. Deleting marks
    ``deleted_at``; what was said and done in it is removed later, at ``emptied_at``, and until
    then it can be had back. The id is never used again. ``titled_by`` is who wrote the title:
    empty for its first words, model or person. ``branch`` is the one that is shown.
    ``agent`` is the one picked to answer, empty if the router picks for each message; ``model``
    the one that it asks, empty for the agent's own; ``second_message`` says what a message does
    that comes while one is being answered; ``state`` is what the agents of the thread share. A
    thread with a ``parent_id`` is the work of a sub-agent, asked for by the answer
    ``parent_message_id``.
    """

    __tablename__ = "threads"
    __table_args__ = (Index("ix_threads_owner", "owner_id", "updated_at"),)

    id: str = Field(primary_key=True, max_length=64)
    owner_id: str = Field(max_length=64)
    title: str = Field(max_length=200)
    titled_by: str = Field(default="", max_length=20)
    length: int = 0
    branch: int = 0
    agent: str = Field(default="", max_length=64)
    model: str = Field(default="", max_length=200)
    second_message: SecondMessage = Field(
        default=SecondMessage.QUEUE,
        sa_column=Column(Text, nullable=False, default=SecondMessage.QUEUE),
    )
    state: dict[str, Any] = Field(
        default_factory=dict, sa_column=Column(JSON, nullable=False, default=dict)
    )
    parent_id: str | None = Field(default=None, max_length=64, index=True)
    parent_message_id: str | None = Field(default=None, max_length=64)
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant, index=True)
    deleted_at: datetime | None = Field(default=None, sa_type=Instant)
    emptied_at: datetime | None = Field(default=None, sa_type=Instant)


KEPT = text("pinned_at IS NOT NULL OR folder != ''")
ARCHIVED = text("archived_at IS NOT NULL")


class ThreadMark(SQLModel, table=True):
    """What a thread is to one of those who may read it: pinned or archived, in which of their
    folders, and how far they have read: ``read_to`` counts places. Written by that person alone.
    """

    __tablename__ = "thread_marks"
    __table_args__ = (
        Index("ix_thread_marks_kept", "user_id", sqlite_where=KEPT, postgresql_where=KEPT),
        Index(
            "ix_thread_marks_archived", "user_id", sqlite_where=ARCHIVED, postgresql_where=ARCHIVED
        ),
    )

    thread_id: str = Field(primary_key=True, foreign_key="threads.id", max_length=64)
    user_id: str = Field(primary_key=True, index=True, max_length=64)
    pinned_at: datetime | None = Field(default=None, sa_type=Instant)
    archived_at: datetime | None = Field(default=None, sa_type=Instant)
    folder: str = Field(default="", max_length=80)
    read_to: int = 0


class Branch(SQLModel, table=True):
    """Another way that a thread went, because somebody said something else at a ``position``: up
    to there it is what its ``parent`` is. The first branch is 0 and has no row.
    """

    __tablename__ = "branches"

    thread_id: str = Field(primary_key=True, foreign_key="threads.id", max_length=64)
    number: int = Field(primary_key=True)
    parent: int
    position: int
    created_by: str = Field(max_length=200)
    created_at: datetime = Field(sa_type=Instant)


class ThreadMember(SQLModel, table=True):
    """A person with whom a thread was shared; its owner is not among them. Written by whoever
    shares it, by those who come with a link, and by those who leave.
    """

    __tablename__ = "thread_members"

    thread_id: str = Field(primary_key=True, foreign_key="threads.id", max_length=64)
    user_id: str = Field(primary_key=True, index=True, max_length=64)
    role: MemberRole = Field(sa_column=Column(Text, nullable=False))
    added_by: str = Field(max_length=64)
    added_at: datetime = Field(sa_type=Instant)


class ShareLink(SQLModel, table=True):
    """A link with which people get into a thread: they become members with its ``role``, or, if it
    is ``public``, may read it without a login. Only a hash of what stands in it is kept.
    """

    __tablename__ = "share_links"

    id: str = Field(primary_key=True, max_length=64)
    thread_id: str = Field(foreign_key="threads.id", index=True, max_length=64)
    token_hash: str = Field(unique=True, max_length=64)
    role: MemberRole = Field(sa_column=Column(Text, nullable=False))
    public: bool = False
    created_by: str = Field(max_length=64)
    created_at: datetime = Field(sa_type=Instant)
    expires_at: datetime | None = Field(default=None, sa_type=Instant)


class Presence(SQLModel, table=True):
    """A tab in which somebody looks at a thread. Written when it begins to and, every few seconds,
    while somebody types in it; removed when it ends, or by another process when its own has died.

    ``user_id`` of whoever came by a public link begins with ``link:``. ``process`` is where the
    tab is served.
    """

    __tablename__ = "presences"

    id: str = Field(primary_key=True, max_length=64)
    thread_id: str = Field(foreign_key="threads.id", index=True, max_length=64)
    tab_id: str = Field(max_length=64)
    user_id: str = Field(max_length=64)
    name: str = Field(max_length=200)
    since: datetime = Field(sa_type=Instant)
    typing_until: datetime | None = Field(default=None, sa_type=Instant)
    process: str = Field(max_length=200)


class Message(SQLModel, table=True):
    """One message. A send writes the person's and the pending answer; then only the
    answer's run writes, fenced by its attempt.

    ``text`` of an answer is filled once, at the end; while it grows it lives in deltas. What
    was said and done on the way to it are its parts. ``user_id`` is the person who wrote it,
    or for whom it is answered. ``joins`` is the run that a message steers instead of being
    answered by one of its own, ``joined_at`` when that run took it in.

    A place in a thread may hold several answers, numbered by ``variant``. The one that is not
    ``hidden`` is kept: it is what the thread says, to people, to models and to searches.
    ``kept_at`` and ``kept_by`` tell who chose it last, if anybody has. Those of a ``branch`` that
    is not shown are all hidden; ``shelved`` are the ones that are shown with it again.
    """

    __tablename__ = "messages"
    __table_args__ = (UniqueConstraint("thread_id", "position", "variant"),)

    id: str = Field(primary_key=True, max_length=64)
    thread_id: str = Field(foreign_key="threads.id", max_length=64)
    position: int
    variant: int = 0
    branch: int = 0
    hidden: bool = False
    shelved: bool = False
    kept_at: datetime | None = Field(default=None, sa_type=Instant)
    kept_by: str | None = Field(default=None, max_length=200)
    role: Role = Field(sa_column=Column(Text, nullable=False))
    status: MessageStatus = Field(sa_column=Column(Text, nullable=False, index=True))
    text: str = Field(default="", sa_column=Column(Text, nullable=False))
    author: str = Field(default="", max_length=200)
    user_id: str = Field(default="", max_length=64)
    joins: str | None = Field(default=None, max_length=64)
    joined_at: datetime | None = Field(default=None, sa_type=Instant)
    model: str = Field(default="", max_length=200)
    run_id: str | None = Field(default=None, max_length=64)
    error_kind: str | None = Field(default=None, max_length=64)
    error: str | None = Field(default=None, sa_column=Column(Text))
    stopped_by: str | None = Field(default=None, max_length=200)
    created_at: datetime = Field(sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)


class Returned(SQLModel, table=True):
    """A message that was taken back before it was answered. Its words wait here until who said
    them (``user_id``) has them in the message box again. ``files`` are its uploads, as they are
    shown; ``taken_by`` is the name of who took it back.
    """

    __tablename__ = "returned"

    id: str = Field(primary_key=True, max_length=64)
    thread_id: str = Field(foreign_key="threads.id", index=True, max_length=64)
    user_id: str = Field(max_length=64)
    text: str = Field(sa_column=Column(Text, nullable=False))
    files: list[dict[str, Any]] = Field(
        default_factory=list, sa_column=Column(JSON, nullable=False)
    )
    taken_by: str = Field(max_length=200)
    created_at: datetime = Field(sa_type=Instant)


class Part(SQLModel, table=True):
    """What was said and done on the way to an answer, in the order of ``position``: text
    before a tool was called, reasoning, a tool's call with its result, a sub-agent, a route, a
    hand-over, sources, a message that joined, a note of what happened. Written by the
    answer's run, fenced as its journal is.

    ``name`` is the tool or agent it is about; ``call_id`` the provider's id of the call,
    ``input`` its arguments, ``text`` what the model was told of its result. ``data`` holds
    what is special to a kind; ``round`` counts the calls of the model. ``child_id`` is the
    answer of the sub-agent. ``step`` is the key of the step that did it.
    """

    __tablename__ = "parts"
    __table_args__ = (
        UniqueConstraint("message_id", "position"),
        Index("ix_parts_thread", "thread_id", "message_id"),
    )

    id: int | None = serial()
    message_id: str = Field(foreign_key="messages.id", max_length=64)
    thread_id: str = Field(max_length=64)
    run_id: str = Field(max_length=64, index=True)
    position: int
    kind: PartKind = Field(sa_column=Column(Text, nullable=False))
    status: PartStatus = Field(sa_column=Column(Text, nullable=False))
    agent: str = Field(default="", max_length=64)
    name: str = Field(default="", max_length=200)
    call_id: str = Field(default="", max_length=200)
    text: str = Field(default="", sa_column=Column(Text, nullable=False))
    input: Any = Field(default=None, sa_column=Column(Value))
    round: int = 0
    data: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    child_id: str | None = Field(default=None, max_length=64)
    step: str = Field(default="", max_length=400)
    started_at: datetime = Field(sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)


class Unquoted(SQLModel, table=True):
    """A part of an answer to a person as it was before a thread was deleted of which it quotes
    what they said there. Written when that is deleted; removed when it is had back, or with the
    part. Nothing but having it back reads it.
    """

    __tablename__ = "unquoted"

    part_id: int = Field(
        sa_column=Column(
            BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False
        )
    )
    thread_id: str = Field(index=True, max_length=64)
    user_id: str = Field(index=True, max_length=64)
    text: str = Field(sa_column=Column(Text, nullable=False))
    input: Any = Field(default=None, sa_column=Column(Value))
    data: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))


class Ask(SQLModel, table=True):
    """Something that a run waits for from a person: an approval, an answer, a "go on".
    Written by the run; decided once, by whoever comes first, in the commit that wakes it.

    ``text`` is what is asked, ``tool`` and ``input`` what exactly would run, which
    ``input_hash`` binds the decision to. ``choices`` are answers to pick from. ``asked_of``
    is the id of the only person who may decide, empty for anybody who may write in the
    thread. ``deadline`` is when nobody's answer counts as a no. ``answer`` is what was
    decided: other arguments, a choice, words; ``reason`` why not.
    """

    __tablename__ = "asks"
    __table_args__ = (
        Index("ix_asks_open", "status", "thread_id"),
        Index("ix_asks_message", "message_id", "part"),
    )

    id: str = Field(primary_key=True, max_length=64)
    kind: AskKind = Field(sa_column=Column(Text, nullable=False))
    status: AskStatus = Field(sa_column=Column(Text, nullable=False))
    run_id: str = Field(max_length=64, index=True)
    thread_id: str = Field(max_length=64)
    message_id: str = Field(foreign_key="messages.id", max_length=64)
    part: int | None = None
    agent: str = Field(default="", max_length=64)
    text: str = Field(default="", sa_column=Column(Text, nullable=False))
    tool: str = Field(default="", max_length=200)
    input: Any = Field(default=None, sa_column=Column(Value))
    input_hash: str = Field(default="", max_length=64)
    choices: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    asked_of: str = Field(default="", max_length=64)
    deadline: datetime | None = Field(default=None, sa_type=Instant)
    answer: Any = Field(default=None, sa_column=Column(Value))
    reason: str = Field(default="", sa_column=Column(Text, nullable=False))
    decided_by: str | None = Field(default=None, max_length=200)
    decided_by_id: str | None = Field(default=None, max_length=64)
    decided_at: datetime | None = Field(default=None, sa_type=Instant)
    created_at: datetime = Field(sa_type=Instant)


class Attachment(SQLModel, table=True):
    """A file sent with a message. Written with it, removed with its thread.

    ``text`` is what can be read of it, for models that do not take the file itself.
    """

    __tablename__ = "attachments"

    id: str = Field(primary_key=True, max_length=64)
    thread_id: str = Field(max_length=64, index=True)
    message_id: str = Field(foreign_key="messages.id", max_length=64, index=True)
    position: int = 0
    name: str = Field(max_length=200)
    media_type: str = Field(max_length=200)
    size: int
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    text: str = Field(default="", sa_column=Column(Text, nullable=False))
    created_at: datetime = Field(sa_type=Instant)


class Upload(SQLModel, table=True):
    """A file that somebody has brought for a message not yet sent. The send makes an attachment
    of it; one that is never sent is removed after a day.
    """

    __tablename__ = "uploads"

    id: str = Field(primary_key=True, max_length=64)
    user_id: str = Field(index=True, max_length=64)
    name: str = Field(max_length=200)
    media_type: str = Field(max_length=200)
    size: int
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    text: str = Field(default="", sa_column=Column(Text, nullable=False))
    created_at: datetime = Field(sa_type=Instant, index=True)


class Rating(SQLModel, table=True):
    """What somebody thinks of an answer, and why, if they said so. Written by that person."""

    __tablename__ = "ratings"

    message_id: str = Field(primary_key=True, foreign_key="messages.id", max_length=64)
    user_id: str = Field(primary_key=True, max_length=64)
    thread_id: str = Field(index=True, max_length=64)
    good: bool
    reason: str = Field(default="", sa_column=Column(Text, nullable=False))
    created_at: datetime = Field(sa_type=Instant, index=True)


class Summary(SQLModel, table=True):
    """What a model is told instead of the messages of a thread up to ``position``. People
    always see the messages. Written by the run that needed it, removed with the thread.
    """

    __tablename__ = "summaries"
    __table_args__ = (Index("ix_summaries_thread", "thread_id", "position"),)

    id: int | None = serial()
    thread_id: str = Field(max_length=64)
    position: int
    text: str = Field(sa_column=Column(Text, nullable=False))
    created_at: datetime = Field(sa_type=Instant)


class Note(SQLModel, table=True):
    """What an agent wrote down for itself in a thread; no other agent reads it."""

    __tablename__ = "notes"

    thread_id: str = Field(primary_key=True, max_length=64)
    agent: str = Field(primary_key=True, max_length=64)
    name: str = Field(primary_key=True, max_length=200)
    text: str = Field(sa_column=Column(Text, nullable=False))
    updated_at: datetime = Field(sa_type=Instant)


class Memory(SQLModel, table=True):
    """Something remembered for a person: a fact, or a message that was said. Written by the
    run that remembers, edited and deleted by its person; nobody else ever reads it.

    ``agent`` is the only agent that recalls it, empty for all of the person's. ``vector``
    holds float32 numbers made by ``embedder``; those of different embedders do not mix.
    """

    __tablename__ = "memories"
    __table_args__ = (
        Index("ix_memories_user", "user_id", "agent"),
        UniqueConstraint("user_id", "agent", "source_id", "text_hash"),
    )

    id: str = Field(primary_key=True, max_length=64)
    user_id: str = Field(max_length=64)
    agent: str = Field(default="", max_length=64)
    kind: str = Field(max_length=20)
    text: str = Field(sa_column=Column(Text, nullable=False))
    text_hash: str = Field(max_length=64)
    source_id: str = Field(default="", max_length=64)
    thread_id: str = Field(default="", max_length=64, index=True)
    vector: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    embedder: str = Field(default="", max_length=64)
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)


class Spending(SQLModel, table=True):
    """What one call of a model cost, whatever became of it. Written with the step that called,
    or by the stop that cut it; kept when its run is cleaned away.

    ``cost_usd`` is empty where nobody knows the price. ``outcome`` is done, failed or stopped.
    """

    __tablename__ = "spendings"
    __table_args__ = (
        # With what is added up before every call of a model: so it reads nothing but the index.
        Index(
            "ix_spendings_user",
            "user_id",
            "created_at",
            "input_tokens",
            "output_tokens",
            "cost_usd",
        ),
        Index("ix_spendings_thread", "thread_id", "input_tokens", "output_tokens", "cost_usd"),
        Index("ix_spendings_message", "message_id"),
        Index("ix_spendings_run", "run_id"),
        Index("ix_spendings_newest", "created_at"),
    )

    id: int | None = serial()
    run_id: str = Field(max_length=64)
    thread_id: str = Field(max_length=64)
    message_id: str = Field(max_length=64)
    user_id: str = Field(max_length=64)
    agent: str = Field(default="", max_length=64)
    model: str = Field(max_length=200)
    step: str = Field(default="", max_length=400)
    outcome: str = Field(max_length=20)
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float | None = None
    estimated: bool = False
    created_at: datetime = Field(sa_type=Instant)


READY = text("coalesce(status, '') IN ('queued', 'waiting')")
"""The runs that may be claimed once they are due. With coalesce, or SQLite's planner prefers
an index on the status alone and reads every sleeper."""


class Run(SQLModel, table=True):
    """One execution of a workflow. Written by the engine, and by the verbs on runs.

    ``attempt`` is the fence: each claim raises it, and a worker's writes count only while
    the row still holds the attempt it works for. ``step`` is the name of the step at hand.
    ``due_at`` is empty while only an event or a person can wake the run. Runs with the same
    ``key`` go one after another, by ``created_at``; runs of higher ``priority`` first.
    ``user_id`` is the person with whose rights it acts, ``started_by`` the name of whoever, or
    whatever, started it; without a ``user_id`` it is nobody's but the administrators'.
    ``retry_at`` with ``tries`` and ``max_tries`` says when the step at hand is tried again.
    ``pausing`` asks the worker to pause it after the step at hand; ``stop_by`` is when a
    stopping run ends, cleaned up or not. ``failed_step`` is the one whose error ended it.
    ``agent`` is the one that answers in it, empty for other workflows.
    ``code`` and ``version`` tell which code wrote the journal. ``parent_id`` is the run that
    started this one, which waits for it if ``awaited``; ``origin_id`` the one that it was
    forked from, at ``origin_step``. ``queue_ms`` adds up how long it was due but not claimed.
    """

    __tablename__ = "workflows"
    __table_args__ = (
        Index("ix_workflows_due", "status", "due_at"),
        Index("ix_workflows_key", "key", "status", "created_at", "id"),
        Index(
            "ix_workflows_ready",
            "priority",
            "due_at",
            "id",
            "workflow",
            sqlite_where=READY,
            postgresql_where=READY,
        ),
        Index("ix_workflows_started", "workflow", "started_at"),
        # The page of runs: newest first, all of them and by what is most often asked for.
        Index("ix_workflows_newest", "created_at", "id"),
        Index("ix_workflows_newest_of_status", "status", "created_at", "id"),
        Index("ix_workflows_newest_of_workflow", "workflow", "created_at", "id"),
        Index("ix_workflows_newest_of_user", "user_id", "created_at", "id"),
    )

    id: str = Field(primary_key=True, max_length=64)
    workflow: str = Field(max_length=200)
    version: str = Field(default="", max_length=64)
    code: str = Field(default="", max_length=64)
    status: RunStatus = Field(sa_column=Column(Text, nullable=False))
    step: str = Field(default="", max_length=400)
    data: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    result: Any = Field(default=None, sa_column=Column(Value))
    key: str | None = Field(default=None, max_length=200)
    priority: int = 0
    thread_id: str | None = Field(default=None, max_length=64, index=True)
    parent_id: str | None = Field(default=None, max_length=64, index=True)
    awaited: bool = False
    origin_id: str | None = Field(default=None, max_length=64, index=True)
    origin_step: str | None = Field(default=None, max_length=400)
    schedule_id: str | None = Field(default=None, max_length=64, index=True)
    started_by: str = Field(default="", max_length=200)
    user_id: str = Field(default="", max_length=64)
    agent: str = Field(default="", max_length=64)
    attempt: int = 0
    crashes: int = 0
    worker: str | None = Field(default=None, max_length=200)
    lease_until: datetime | None = Field(default=None, sa_type=Instant)
    due_at: datetime | None = Field(sa_type=Instant)
    tries: int = 0
    max_tries: int = 0
    retry_at: datetime | None = Field(default=None, sa_type=Instant)
    pausing: bool = False
    paused_by: str | None = Field(default=None, max_length=200)
    stop_by: datetime | None = Field(default=None, sa_type=Instant)
    stopped_by: str | None = Field(default=None, max_length=200)
    failed_step: str | None = Field(default=None, max_length=400)
    error_kind: str | None = Field(default=None, max_length=64)
    error: str | None = Field(default=None, sa_column=Column(Text))
    input_tokens: int = 0
    output_tokens: int = 0
    tokens_estimated: bool = False
    cost_usd: float | None = None
    queue_ms: int = 0
    created_at: datetime = Field(sa_type=Instant)
    started_at: datetime | None = Field(default=None, sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant, index=True)


def step_key(branch: str, name: str, occurrence: int) -> str:
    """The key of a step as a person reads it: ``branch/name#2`` is the second of its name."""
    name = name if not occurrence else f"{name}#{occurrence + 1}"
    return f"{branch}/{name}" if branch else name


class Step(SQLModel, table=True):
    """One remembered result of a run: its journal, in the order of ``id``. Written by the
    engine in the transaction that made it true; what is done or failed is never changed.

    ``branch`` is the place within gather and race, empty at the top. A step that takes long,
    waits or is tried again is written before it is over, with ``wake_at`` and the name of
    the ``event`` it waits for. ``input`` is what it was called with, unless that is large.
    ``attempt``, ``tries`` and ``worker`` tell who came to the result. ``cleanup`` is what a
    cancelled run did to clean up.
    """

    __tablename__ = "steps"
    __table_args__ = (
        UniqueConstraint("run_id", "branch", "name", "occurrence"),
        # The timeline: a window in order, and how many began when; so it reads only the index.
        Index("ix_steps_run", "run_id", "id", "status", "started_at"),
    )

    id: int | None = serial()
    run_id: str = Field(foreign_key="workflows.id", max_length=64)
    branch: str = Field(default="", max_length=400)
    name: str = Field(max_length=200)
    occurrence: int
    kind: StepKind = Field(
        default=StepKind.STEP, sa_column=Column(Text, nullable=False, default=StepKind.STEP)
    )
    status: StepStatus = Field(
        default=StepStatus.DONE, sa_column=Column(Text, nullable=False, default=StepStatus.DONE)
    )
    wake_at: datetime | None = Field(default=None, sa_type=Instant)
    event: str | None = Field(default=None, max_length=200)
    child_id: str | None = Field(default=None, max_length=64)
    args_hash: str = Field(max_length=64)
    input: Any = Field(default=None, sa_column=Column(JSON))
    result: Any = Field(default=None, sa_column=Column(Value))
    error_kind: str | None = Field(default=None, max_length=64)
    error: str | None = Field(default=None, sa_column=Column(Text))
    attempt: int
    tries: int = 1
    worker: str = Field(max_length=200)
    cleanup: bool = False
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    started_at: datetime = Field(sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)

    @property
    def key(self) -> str:
        """Which step of its run it is."""
        return step_key(self.branch, self.name, self.occurrence)


class Attempt(SQLModel, table=True):
    """A try of a step that came to no result: an error, or an end of its worker. Written by
    the engine; the try that came to one is the step's own row. ``attempt`` is the run's.
    """

    __tablename__ = "attempts"

    id: int | None = serial()
    run_id: str = Field(foreign_key="workflows.id", max_length=64, index=True)
    branch: str = Field(default="", max_length=400)
    name: str = Field(max_length=200)
    occurrence: int
    attempt: int
    tries: int
    worker: str = Field(max_length=200)
    error_kind: str = Field(max_length=64)
    error: str = Field(sa_column=Column(Text, nullable=False))
    started_at: datetime = Field(sa_type=Instant)
    finished_at: datetime = Field(sa_type=Instant)


class Log(SQLModel, table=True):
    """A line that a run wrote, in the order of ``id``. Written with the run's next commit.

    ``occurrence`` numbers the lines written between steps, which replay must not double;
    it is empty for those written within a step.
    """

    __tablename__ = "logs"
    __table_args__ = (
        UniqueConstraint("run_id", "branch", "occurrence"),
        Index("ix_logs_run", "run_id", "id"),
    )

    id: int | None = serial()
    run_id: str = Field(foreign_key="workflows.id", max_length=64)
    branch: str = Field(default="", max_length=400)
    occurrence: int | None = None
    step: str = Field(default="", max_length=400)
    attempt: int
    level: str = Field(max_length=20)
    text: str = Field(sa_column=Column(Text, nullable=False))
    fields: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON))
    created_at: datetime = Field(sa_type=Instant)


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
    payload: Any = Field(default=None, sa_column=Column(Value))
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


class Schedule(SQLModel, table=True):
    """A workflow started again and again. Written by the verbs on schedules; ``next_at`` and
    ``last_at`` by whichever process fires it. Without ``next_at`` it is over.

    ``trigger`` is cron or interval, ``spec`` its five fields or its seconds; times are those
    of ``timezone``. A firing found late is missed, and treated as ``missed`` says: skip, one
    (the newest) or all (up to ``most_missed``, the newest). ``overlap`` says what to do
    while a run of it is active: skip, queue or allow. Jitter is in seconds. ``declared`` says
    that code declares it at each start, and would undo what is changed elsewhere.
    """

    __tablename__ = "schedules"

    id: str = Field(primary_key=True, max_length=64)
    name: str = Field(max_length=200, unique=True)
    workflow: str = Field(max_length=200)
    data: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    trigger: str = Field(max_length=20)
    spec: str = Field(max_length=200)
    timezone: str = Field(default="UTC", max_length=64)
    jitter: float = 0
    start_at: datetime | None = Field(default=None, sa_type=Instant)
    end_at: datetime | None = Field(default=None, sa_type=Instant)
    missed: str = Field(default="one", max_length=20)
    most_missed: int = 10
    overlap: str = Field(default="skip", max_length=20)
    paused_at: datetime | None = Field(default=None, sa_type=Instant)
    paused_by: str | None = Field(default=None, max_length=200)
    next_at: datetime | None = Field(default=None, sa_type=Instant, index=True)
    last_at: datetime | None = Field(default=None, sa_type=Instant)
    created_by: str = Field(default="", max_length=200)
    user_id: str = Field(default="", max_length=64)
    declared: bool = False
    created_at: datetime = Field(sa_type=Instant)


class Firing(SQLModel, table=True):
    """What became of one due time of a schedule: a run, or the reason why there is none.
    Written once, by whichever process got there first; the unique pair is what makes it so.

    ``outcome`` is started, skipped (a run was active), missed, or asked (by a person).
    """

    __tablename__ = "firings"
    __table_args__ = (UniqueConstraint("schedule_id", "due_at"),)

    id: int | None = serial()
    schedule_id: str = Field(foreign_key="schedules.id", max_length=64)
    due_at: datetime = Field(sa_type=Instant)
    fired_at: datetime = Field(sa_type=Instant)
    outcome: str = Field(max_length=20)
    run_id: str | None = Field(default=None, max_length=64)
    asked_by: str | None = Field(default=None, max_length=200)


class PausedWorkflow(SQLModel, table=True):
    """A workflow of which no run is claimed until somebody resumes it. Written by verbs."""

    __tablename__ = "paused_workflows"

    workflow: str = Field(primary_key=True, max_length=200)
    paused_by: str = Field(max_length=200)
    paused_at: datetime = Field(sa_type=Instant)


class Process(SQLModel, table=True):
    """A heartbeat of each process that carries runs out. Written by it every few seconds,
    removed when it closes, or by another when it has been silent for long.

    ``lag_ms`` is how late its event loop was of late; ``stuck_since`` is set by a thread of
    its own while the loop does not move at all, with ``stuck_in`` telling where.
    """

    __tablename__ = "processes"

    name: str = Field(primary_key=True, max_length=200)
    host: str = Field(max_length=200)
    pid: int
    runs: int = 0
    lag_ms: int = 0
    stuck_since: datetime | None = Field(default=None, sa_type=Instant)
    stuck_in: str | None = Field(default=None, sa_column=Column(Text))
    started_at: datetime = Field(sa_type=Instant)
    beat_at: datetime = Field(sa_type=Instant)


class Audit(SQLModel, table=True):
    """What a person did from outside to a run, a workflow, a schedule, an account or with whom a
    thread is shared. Written in the transaction that did it, and kept when its subject is cleaned
    away.

    ``kind`` is run, workflow, schedule, fault, account or thread; ``detail`` what the action was
    given, without contents that may be private. A login that failed has the name as it was typed
    for its subject, whether somebody has it or not.
    """

    __tablename__ = "audits"
    __table_args__ = (Index("ix_audits_subject", "kind", "subject_id", "id"),)

    id: int | None = serial()
    kind: str = Field(max_length=20)
    subject_id: str = Field(max_length=200)
    action: str = Field(max_length=40)
    detail: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    by: str = Field(max_length=200)
    by_id: str = Field(max_length=64)
    created_at: datetime = Field(sa_type=Instant)


class SavedView(SQLModel, table=True):
    """Filters of the page of runs that a person gave a name. Written by that person."""

    __tablename__ = "saved_views"
    __table_args__ = (UniqueConstraint("user_id", "name"),)

    id: str = Field(primary_key=True, max_length=64)
    user_id: str = Field(max_length=64)
    name: str = Field(max_length=80)
    query: str = Field(max_length=2_000)
    created_at: datetime = Field(sa_type=Instant)


class User(SQLModel, table=True):
    """A person. Written by the verbs on accounts; a guest of an open app, who has neither a
    password nor a place at an identity provider, when they first do something.

    ``name`` is what they log in with, in one spelling (NFKC, case folded); ``display_name``
    what others see. Who is not ``active`` cannot log in, and is kept for what they said.
    """

    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("oidc_issuer", "oidc_subject"),)

    id: str = Field(primary_key=True, max_length=64)
    name: str = Field(max_length=64, unique=True)
    display_name: str = Field(max_length=80)
    password_hash: str | None = Field(default=None, max_length=300)
    admin: bool = False
    active: bool = True
    oidc_issuer: str | None = Field(default=None, max_length=300)
    oidc_subject: str | None = Field(default=None, max_length=300)
    created_at: datetime = Field(sa_type=Instant)
    password_changed_at: datetime | None = Field(default=None, sa_type=Instant)


class Login(SQLModel, table=True):
    """A browser in which a person is logged in. Written when they log in, removed when they log
    out, when it is revoked, or some time after it has expired.

    ``token_hash`` is the SHA-256 of what the browser's cookie holds. ``seen_at`` is when it was
    last used, up to a few minutes late.
    """

    __tablename__ = "logins"

    id: str = Field(primary_key=True, max_length=64)
    user_id: str = Field(foreign_key="users.id", max_length=64, index=True)
    token_hash: str = Field(max_length=64, unique=True)
    address: str = Field(default="", max_length=64)
    browser: str = Field(default="", max_length=200)
    created_at: datetime = Field(sa_type=Instant)
    seen_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant, index=True)


class Invitation(SQLModel, table=True):
    """A link that an admin made, good for one use: to make an account (``invite``), or to give
    the account ``user_id`` another password (``reset``). Written by verbs.
    """

    __tablename__ = "invitations"

    id: str = Field(primary_key=True, max_length=64)
    token_hash: str = Field(max_length=64, unique=True)
    kind: str = Field(max_length=20)
    user_id: str | None = Field(default=None, foreign_key="users.id", max_length=64)
    admin: bool = False
    created_by: str = Field(max_length=64)
    created_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant)
    used_at: datetime | None = Field(default=None, sa_type=Instant)
    used_by: str | None = Field(default=None, max_length=64)
    revoked_at: datetime | None = Field(default=None, sa_type=Instant)


class LoginTry(SQLModel, table=True):
    """A try to log in, or to make an account, that counts against a limit. Written before the
    password is looked at, removed when it was right, or when it counts no more.

    ``kind`` is login or sign_up; ``name`` the name as it was typed, in one spelling; ``place``
    the address it came from, of IPv6 the network. ``known`` says that the person of that name
    has logged in from there before: such tries do not count against the name as a whole.
    """

    __tablename__ = "login_tries"
    __table_args__ = (
        Index("ix_login_tries_name", "kind", "name", "at"),
        Index("ix_login_tries_place", "kind", "place", "at"),
    )

    id: int | None = serial()
    kind: str = Field(max_length=20)
    name: str = Field(max_length=64)
    place: str = Field(max_length=64)
    known: bool = False
    at: datetime = Field(sa_type=Instant, index=True)
