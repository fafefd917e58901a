"""The whole at a glance, as the outside may see it. Times are aware UTC, durations seconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Busy:
    """How many runs of one workflow there are that are not over."""

    workflow: str
    queued: int = 0
    running: int = 0
    waiting: int = 0
    paused: int = 0
    stopping: int = 0


@dataclass(frozen=True)
class WorkerView:
    """A process that carries runs out. Its heart beats every four seconds.

    ``state`` is alive, stuck (its event loop does not move), silent (it misses heartbeats) or
    dead (there is no such process any more); ``age_s`` how long ago its heart beat last.
    ``lag_ms`` is how late its event loop was of late; ``stuck_in`` tells where it stands still,
    for ``stuck_s``.
    """

    name: str
    host: str
    pid: int
    state: str
    age_s: int
    runs: int
    lag_ms: int
    started_at: datetime
    stuck_s: int = 0
    stuck_in: str = ""


@dataclass(frozen=True)
class HeldView:
    """A run that stands still because the code does not fit its journal."""

    run_id: str
    workflow: str
    reason: str


@dataclass(frozen=True)
class AtRest:
    """A workflow of which no run begins until somebody resumes it."""

    workflow: str
    paused_by: str
    paused_at: datetime


@dataclass(frozen=True)
class NowView:
    """What is under way, and whether the processes are well.

    Each number of runs goes up to ``most_counted``; one that is as large means so many or more.
    ``oldest_wait_s`` is how long the run has been due that has waited longest to be carried out;
    None if none waits. ``busy`` are the numbers by workflow.
    """

    queued: int = 0
    running: int = 0
    waiting: int = 0
    paused: int = 0
    stopping: int = 0
    most_counted: int = 0
    oldest_wait_s: int | None = None
    busy: tuple[Busy, ...] = ()
    workers: tuple[WorkerView, ...] = ()
    held: tuple[HeldView, ...] = ()
    held_more: bool = False
    at_rest: tuple[AtRest, ...] = ()


@dataclass(frozen=True)
class Period:
    """What ended, and what models were asked for, in one stretch of time from ``at`` on.

    ``cost_usd`` is None if calls were made and no price is known; the least it can have been, if
    ``unknown`` calls have none.
    """

    at: datetime
    done: int = 0
    failed: int = 0
    stopped: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    unknown: int = 0


@dataclass(frozen=True)
class Group:
    """The runs of one workflow or agent, or the calls of one model, that ended.

    ``success`` is the share of done among done and failed, None if there is neither. ``p50`` and
    ``p95`` are durations from the first start to the end, of those that are done; None if there
    is none, and for models. ``cost_usd`` is None if no price is known, and the least it can have
    been if ``unknown`` calls have none; it is 0 where no model was called. ``good`` and ``bad``
    are how often people have said so of an answer in this time.
    """

    name: str
    ended: int = 0
    failed: int = 0
    stopped: int = 0
    success: float | None = None
    p50: float | None = None
    p95: float | None = None
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    unknown: int = 0
    good: int = 0
    bad: int = 0


@dataclass(frozen=True)
class CommentView:
    """Why somebody finds an answer good or not."""

    good: bool
    reason: str
    agent: str
    model: str
    run_id: str
    at: datetime


@dataclass(frozen=True)
class PastView:
    """What came of the runs that ended within the last ``hours``, and what models cost.

    ``total`` adds all of it up. ``queue_p50`` and ``queue_p95`` are how long runs were due
    before they were carried out. ``cut_off`` is set when more ended, or was asked for, than is
    added up: only the newest ``most_added_up`` are. ``comments`` are the newest with which people
    have rated answers. ``periods`` are ``period_s`` long and begin
    at round times.
    """

    hours: float = 0
    total: Group = Group("")
    queue_p50: float | None = None
    queue_p95: float | None = None
    cut_off: bool = False
    most_added_up: int = 0
    period_s: int = 0
    periods: tuple[Period, ...] = ()
    workflows: tuple[Group, ...] = ()
    agents: tuple[Group, ...] = ()
    models: tuple[Group, ...] = ()
    comments: tuple[CommentView, ...] = ()


@dataclass(frozen=True)
class StorageView:
    """The database: which kind, its bytes, and the bytes free on the disk of an embedded one."""

    kind: str = ""
    size: int = 0
    free: int | None = None
