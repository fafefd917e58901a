"""One run in all detail, as the outside may see it: frozen values.

Times are ISO 8601, empty if there is none. Values are JSON as text, without passwords and keys;
those that are long are cut, and say how many characters there are. In words, ``{at}`` stands
for the time beside them.
"""

from __future__ import annotations

from dataclasses import dataclass

from agentchat.views import AskView, SpentView

_NOTHING = SpentView()


@dataclass(frozen=True)
class Kept:
    """A value: its beginning, and how many characters it has in all. ``shown`` says whether that
    is less.
    """

    text: str = ""
    size: int = 0

    @property
    def cut(self) -> bool:
        """Whether there is more."""
        return self.size > len(self.text)


@dataclass(frozen=True)
class RunLink:
    """Another run. ``step`` is where this one was forked from the other, or the other way."""

    id: str
    workflow: str = ""
    status: str = ""
    step: str = ""


@dataclass(frozen=True)
class Choice:
    """What may be done to a run, and what exactly that means now."""

    action: str
    words: str


@dataclass(frozen=True)
class RunHead:
    """What a run is, how far it is, and why.

    ``missing`` is set instead if there is no such run (any more). ``why`` says the reason of its
    status and what happens next, with ``at``; ``next_step`` what a person can do about a failure.
    ``queue_ms`` adds up how long it was due but not claimed. ``steps`` counts them, ``failed``
    and ``open`` how many of them. ``spent`` is what it has cost with the runs that it started.
    ``asks`` are what it asks people. ``choices`` are the actions it is in a state for;
    ``events`` the names of those it may be sent: any, if there is none. ``unforkable`` says
    why none can be made of it, if so; ``beside`` that one writes an answer beside its own.
    ``good`` and ``bad`` are how many people find its answer so, with the ``comments`` of the newest
    of them: for whoever looks after the app.
    """

    id: str = ""
    missing: str = ""
    workflow: str = ""
    status: str = ""
    why: str = ""
    at: str = ""
    next_step: str = ""
    error: str = ""
    error_kind: str = ""
    failed_step: str = ""
    version: str = ""
    agent: str = ""
    key: str = ""
    thread_id: str = ""
    thread_title: str = ""
    message_id: str = ""
    started_by: str = ""
    schedule_id: str = ""
    schedule: str = ""
    created: str = ""
    started: str = ""
    finished: str = ""
    queue_ms: int = 0
    attempts: int = 0
    worker: str = ""
    steps: int = 0
    failed: int = 0
    open: int = 0
    spent: SpentView = _NOTHING
    parent: RunLink | None = None
    origin: RunLink | None = None
    children: tuple[RunLink, ...] = ()
    forks: tuple[RunLink, ...] = ()
    more: bool = False
    asks: tuple[AskView, ...] = ()
    choices: tuple[Choice, ...] = ()
    events: tuple[str, ...] = ()
    forkable: bool = False
    unforkable: str = ""
    beside: bool = False
    good: int = 0
    bad: int = 0
    comments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stretch:
    """A try of a step that came to nothing."""

    began: str
    ended: str
    kind: str


@dataclass(frozen=True)
class StepLine:
    """A line of a timeline.

    ``kind`` is step, transaction, sleep, event, run, race or patch; ``status`` running, waiting,
    retrying, edited, dropped, done or failed. ``until`` is when it goes on at the latest, or is
    tried again; ``event`` what it waits for, ``child`` the run that it waits for. ``tried`` are
    the newest of its tries that came to nothing.
    """

    id: int
    key: str
    kind: str
    status: str
    began: str
    ended: str = ""
    until: str = ""
    event: str = ""
    child: str = ""
    tries: int = 1
    cleanup: bool = False
    tokens: int = 0
    cost_usd: float = -1.0
    error_kind: str = ""
    tried: tuple[Stretch, ...] = ()


@dataclass(frozen=True)
class Timeline:
    """A window of the steps of a run, in the order in which they were begun.

    ``settled`` will not change any more while the window stays; ``tail`` comes after it.
    ``before`` counts the steps above the window, ``number`` all that fit. ``earlier`` and
    ``later`` are where the windows beside it are, as :meth:`follow_timeline` takes it; 0 if
    there is none.
    """

    settled: tuple[StepLine, ...] = ()
    tail: tuple[StepLine, ...] = ()
    before: int = 0
    number: int = 0
    earlier: int = 0
    later: int = 0

    @property
    def lines(self) -> tuple[StepLine, ...]:
        """All that is in view."""
        return (*self.settled, *self.tail)


@dataclass(frozen=True)
class Bucket:
    """What began in a stretch of time: how many steps, the worst status among them (failed, open
    or done), and the id of the first that has it.
    """

    place: int
    number: int
    worst: str
    first: int


@dataclass(frozen=True)
class Strip:
    """How many steps of a run began when: the stretches that are not empty, each of so many
    ``seconds``, from ``began`` on.
    """

    began: str = ""
    seconds: float = 1.0
    buckets: tuple[Bucket, ...] = ()


@dataclass(frozen=True)
class Nested:
    """The beginning of the timeline of a run that another one waits for. ``refused`` says why it
    is not shown.
    """

    id: str
    workflow: str = ""
    status: str = ""
    lines: tuple[StepLine, ...] = ()
    number: int = 0
    refused: str = ""


@dataclass(frozen=True)
class TryDetail:
    """One try of a step. ``attempt`` is that of the run. Without an error, it came to its result,
    or is under way.
    """

    number: int
    attempt: int
    worker: str
    began: str
    ended: str = ""
    error: str = ""
    error_kind: str = ""


@dataclass(frozen=True)
class Written:
    """A part of an answer that a step wrote: a tool's call, text, reasoning."""

    kind: str
    status: str
    name: str = ""
    input: Kept = Kept()
    text: Kept = Kept()


@dataclass(frozen=True)
class StepDetail:
    """One step of a run in all detail; ``missing`` if there is none of this ``key``.

    ``idempotency_key`` is what the step passes on, so that it has its effect once. ``wrote`` are
    the parts of the answer ``message_id`` that it wrote. ``copied`` counts the steps that a fork
    from here would copy. ``input_kept`` is false if the input was too large to be kept.
    """

    key: str = ""
    missing: bool = False
    line: StepLine | None = None
    input: Kept = Kept()
    input_kept: bool = True
    result: Kept = Kept()
    error: str = ""
    error_kind: str = ""
    next_step: str = ""
    idempotency_key: str = ""
    worker: str = ""
    attempt: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    tries: tuple[TryDetail, ...] = ()
    wrote: tuple[Written, ...] = ()
    message_id: str = ""
    thread_id: str = ""
    copied: int = 0


@dataclass(frozen=True)
class RunValues:
    """What a run was started with, and what it returned."""

    input: Kept = Kept()
    result: Kept = Kept()


@dataclass(frozen=True)
class LogLine:
    """A line that a run logged; ``step`` is the key of the step it was in, if in one."""

    id: int
    at: str
    level: str
    text: str
    step: str = ""
    fields: str = ""


@dataclass(frozen=True)
class Logs:
    """A window of the log of a run, oldest first: ``settled`` lines stay as they are while more
    come. ``number`` counts all that fit, ``before`` those above the window.
    """

    settled: tuple[LogLine, ...] = ()
    tail: tuple[LogLine, ...] = ()
    number: int = 0
    before: int = 0

    @property
    def lines(self) -> tuple[LogLine, ...]:
        """All that is in view."""
        return (*self.settled, *self.tail)


@dataclass(frozen=True)
class EventLine:
    """An event that a run was sent; ``taken_by`` is the step that took it, if one has."""

    id: int
    name: str
    payload: Kept
    sent_by: str
    taken_by: str
    at: str


@dataclass(frozen=True)
class AuditLine:
    """Who did what to a run, and when. ``run_id`` is the run that came of it, if one did."""

    id: int
    action: str
    by: str
    at: str
    detail: str = ""
    run_id: str = ""
