"""What the outside may see: frozen values, made from rows by ``chat.py``.

A browser tab, a script and a test get the same ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is asking. Every verb of :class:`~agentchat.chat.AgentChat` takes one.

    ``admin`` says that they may do what only admins may; verbs that change accounts look it up
    again.
    """

    id: str
    name: str
    admin: bool = False


LOCAL = Actor(id="local", name="you", admin=True)
"""The one person of an app that listens only to its own machine."""


@dataclass(frozen=True)
class SourceView:
    """Where something was found, or what was remembered."""

    title: str
    url: str = ""
    text: str = ""


@dataclass(frozen=True)
class AskView:
    """Something that a run waits for from a person.

    ``kind`` is approval, question or limit; ``status`` is open, approved, denied, answered,
    expired or withdrawn. ``input`` is the JSON of the arguments with which ``tool`` would run,
    and ``input_hash`` binds the decision to them. ``answer`` and ``reason`` are what was said.
    Times are ISO 8601, empty if there is none.
    """

    id: str
    kind: str
    status: str
    thread_id: str
    message_id: str
    text: str = ""
    agent: str = ""
    tool: str = ""
    input: str = ""
    input_hash: str = ""
    choices: tuple[str, ...] = ()
    deadline: str = ""
    answer: str = ""
    reason: str = ""
    decided_by: str = ""
    decided_at: str = ""
    created_at: str = ""
    thread_title: str = ""


@dataclass(frozen=True)
class PartView:
    """What was said or done on the way to an answer.

    ``kind`` is text, reasoning, tool, agent, route, hand_over, sources, message or note;
    ``status`` is pending, running, asked, done, failed, denied or interrupted. ``name`` is
    the tool, or the agent; ``input`` the JSON of a tool's arguments, ``text`` what came of it
    (its beginning, if it is long). ``asks`` are what people are and were asked in it, oldest
    first; ``answer`` is that of a sub-agent, in the thread ``thread_id``. ``why`` explains a
    decision; ``edited`` says that the arguments are not those that were asked for, ``given`` that
    the arguments or the result were given by the person who forked the answer. ``began`` and
    ``ended`` are ISO 8601 times. ``step`` is the key of the step that wrote it, as far as that is
    known.
    """

    position: int
    kind: str
    status: str
    agent: str = ""
    name: str = ""
    text: str = ""
    input: str = ""
    quiet: bool = False
    edited: bool = False
    given: str = ""
    by: str = ""
    why: str = ""
    others: str = ""
    cost_usd: float = -1.0
    sources: tuple[SourceView, ...] = ()
    thread_id: str = ""
    began: str = ""
    ended: str = ""
    step: str = ""
    asks: tuple[AskView, ...] = ()
    answer: MessageView | None = None


@dataclass(frozen=True)
class FileView:
    """A file that was sent with a message; ``size`` is in bytes."""

    id: str
    name: str
    media_type: str
    size: int


@dataclass(frozen=True)
class FileText:
    """The beginning of what can be read of a file; ``cut`` says that there is more."""

    text: str
    cut: bool = False


@dataclass(frozen=True)
class FileContent:
    """A file with what is in it."""

    name: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class MessageView:
    """One message as a person sees it.

    ``status`` is pending, running, done, stopped or failed. ``words`` says why and what
    happens next ("retrying (2 of 5) at 14:03:20"), empty when there is nothing to say.
    ``next_step`` says what a person can do about a failure. ``text`` is markdown; while it
    grows, each new one goes on from the one before, unless ``revision`` is a higher one.
    ``position`` counts the messages of the thread from 0. ``parts`` are what was said and
    done before the text. ``joins`` says that a message of a person steers the answer before
    it, ``cut`` that an answer reached its model's length limit.

    A place may hold several answers, numbered by ``variant``; all but the one that is kept are
    ``hidden``. The kept one says how many there are (``variants``), whether somebody has still to
    choose (``undecided``: another is newer than the last choice, or one is not over yet), and who
    chose it (``kept_by``).

    ``user_id`` is who wrote it, or for whom it is answered. Of a message that was edited, or said
    instead of another, ``branches`` are what :meth:`~agentchat.chat.AgentChat.show_branch` shows
    of each, the oldest first, and ``way`` tells which of them this is, from 0.
    """

    id: str
    role: str
    status: str
    text: str
    position: int = 0
    revision: int = 0
    parts: tuple[PartView, ...] = ()
    files: tuple[FileView, ...] = ()
    joins: bool = False
    words: str = ""
    next_step: str = ""
    author: str = ""
    model: str = ""
    cut: bool = False
    variant: int = 0
    variants: int = 1
    hidden: bool = False
    undecided: bool = False
    kept_by: str = ""
    run_id: str = ""
    created_at: str = ""
    user_id: str = ""
    branches: tuple[int, ...] = ()
    way: int = 0


@dataclass(frozen=True)
class ThreadView:
    """A thread at one moment, read in one transaction.

    ``settled`` holds messages that will not change any more (the newest of them, oldest
    first); ``live`` begins with the first that is waiting or growing and holds all that
    come after it. ``others`` are the answers that are at the places of these, but are not kept;
    they may be live too. ``far`` are messages from further back, if they were asked for;
    ``earlier`` counts those before all of these, and ``between`` those between them.
    ``agent`` is the one picked to answer, empty if each message finds its own; ``model`` the one
    chosen, empty for the agent's own; ``second_message`` is what a message does while one is being
    answered: queue, steer, interrupt or replace. A thread in which a sub-agent works has a
    ``parent_id``. ``role`` is what the person who looks is in the thread: viewer, member or owner.
    """

    id: str
    title: str
    settled: tuple[MessageView, ...] = field(default=())
    live: tuple[MessageView, ...] = field(default=())
    earlier: int = 0
    agent: str = ""
    model: str = ""
    second_message: str = "queue"
    parent_id: str = ""
    role: str = "owner"
    others: tuple[MessageView, ...] = field(default=())
    far: tuple[MessageView, ...] = field(default=())
    between: int = 0

    @property
    def messages(self) -> tuple[MessageView, ...]:
        """The newest that are kept, oldest first."""
        return (*self.settled, *self.live)

    @property
    def length(self) -> int:
        """How many messages the thread consists of."""
        return self.earlier + len(self.far) + self.between + len(self.messages)

    @property
    def running(self) -> bool:
        """Whether an answer is waiting or growing."""
        return bool(self.live)


@dataclass(frozen=True)
class AgentView:
    """An agent that the person may use. ``media_types`` are those of files that its model takes
    as they are; of others it is told the text, or only the names.
    """

    name: str
    description: str = ""
    model: str = ""
    tools: tuple[str, ...] = ()
    media_types: tuple[str, ...] = ()


@dataclass(frozen=True)
class SpentView:
    """What was spent. ``cost_usd`` adds up the known prices, ``unknown`` counts the calls
    whose price nobody knows; ``estimated`` those whose tokens are a guess. ``cached_tokens``
    are those of ``input_tokens`` that a provider had in its cache.
    """

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    unknown: int = 0
    estimated: int = 0
    cached_tokens: int = 0


@dataclass(frozen=True)
class SpentPart:
    """What an agent spent on one model."""

    agent: str
    model: str
    spent: SpentView


@dataclass(frozen=True)
class AnswerSpentView:
    """What an answer has cost: all together, by agent and model in the order of their first
    calls, and the thread that it is in. ``seconds`` is how long it took, from its start to its
    end, -1 as long as it is not over.
    """

    message_id: str = ""
    spent: SpentView = SpentView()
    parts: tuple[SpentPart, ...] = ()
    thread: SpentView = SpentView()
    seconds: float = -1.0


@dataclass(frozen=True)
class ToolServerView:
    """A server of tools that cannot be reached: ``why`` in words, and the ``agents`` that miss
    its tools.
    """

    name: str
    why: str
    agents: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunView:
    """One run of a workflow as a person sees it.

    ``status`` is queued, running, waiting, paused, stopping, done, stopped or failed;
    ``step`` names the step at hand; ``due_at`` is when a waiting run goes on at the latest,
    None if only an event can wake it. ``result`` is what the workflow returned, as JSON.
    A paused run needs attention if it was not paused by somebody: ``error`` says why.
    ``failed_step`` is the key of the step whose error ended it.
    """

    id: str
    workflow: str
    status: str
    step: str = ""
    result: Any = None
    error: str = ""
    error_kind: str = ""
    failed_step: str = ""
    stopped_by: str = ""
    paused_by: str = ""
    due_at: datetime | None = None
    attempt: int = 0
    version: str = ""
    key: str = ""
    parent_id: str = ""
    origin_id: str = ""
    origin_step: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.status in ("done", "stopped", "failed")


@dataclass(frozen=True)
class TryView:
    """One try of a step that came to no result, and why. Times are aware UTC."""

    tries: int
    attempt: int
    worker: str
    error_kind: str
    error: str
    started_at: datetime
    finished_at: datetime


@dataclass(frozen=True)
class StepView:
    """One step of a run.

    ``kind`` is step, transaction, sleep, event, run, race or patch; ``status`` is running,
    waiting, retrying, edited, dropped, done or failed. ``input`` is None if it was too large
    to be kept. ``tried`` are the tries before the one that came to this.
    """

    key: str
    kind: str
    status: str
    input: Any = None
    result: Any = None
    error: str = ""
    error_kind: str = ""
    attempt: int = 0
    tries: int = 1
    worker: str = ""
    child_id: str = ""
    wake_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    tried: tuple[TryView, ...] = ()


@dataclass(frozen=True)
class LogView:
    """A line that a run logged; ``step`` is the key of the step it was in, if in one."""

    id: int
    at: datetime
    level: str
    text: str
    step: str = ""
    fields: dict[str, Any] | None = None


@dataclass(frozen=True)
class ModelView:
    """The model that answers, and how far it is on its way to being ready.

    ``state`` is pulling, loading, ready or failed; ``progress`` is 0 to 1, or -1 when
    it cannot be known. ``embedded`` marks the small built-in model.
    """

    id: str
    label: str
    embedded: bool = False
    state: str = "ready"
    detail: str = ""
    progress: float = -1.0
