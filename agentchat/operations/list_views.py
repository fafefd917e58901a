"""What a list of runs shows: frozen values.

Times are ISO 8601, empty if there is none. In words, ``{at}`` stands for the time beside them,
which whoever shows them writes in the time of the place.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RunLine:
    """One run in a list.

    ``why`` says the reason of its status and what happens next, with ``at``. ``waits_since``
    is when a queued run could have begun; ``queue_ms`` adds up how long it was due before.
    ``cost_usd`` is what is known, ``unpriced`` says that it holds tokens whose price nobody
    knows. ``can`` are the actions that it is in a state for. A ``private`` run is about what
    another person said: nothing of its content is told.
    """

    id: str
    workflow: str
    status: str
    why: str = ""
    at: str = ""
    agent: str = ""
    thread_id: str = ""
    thread_title: str = ""
    user: str = ""
    created: str = ""
    started: str = ""
    finished: str = ""
    waits_since: str = ""
    queue_ms: int = 0
    attempts: int = 0
    tokens: int = 0
    estimated: bool = False
    cost_usd: float = 0.0
    unpriced: bool = False
    can: tuple[str, ...] = ()
    private: bool = False


@dataclass(frozen=True)
class StatusCount:
    """How many runs have a status; ``more`` says that there are, or may be, more."""

    status: str
    number: int
    more: bool


@dataclass(frozen=True)
class RunList:
    """A page of a list of runs.

    ``query`` is the address it belongs to, in one order; ``problems`` are words about what of
    the address was ignored. ``newer`` counts the runs above the held first one, up to 99.
    ``earlier`` and ``later`` are addresses of the neighbouring pages in the order shown, empty
    if there are none; ``further`` of where looking goes on that has stopped, as ``stopped``
    says. ``narrowed`` says that the filter leaves runs out; ``empty`` that there is no run
    at all.
    """

    query: str = ""
    lines: tuple[RunLine, ...] = ()
    counts: tuple[StatusCount, ...] = ()
    newer: int = 0
    earlier: str = ""
    later: str = ""
    further: str = ""
    stopped: str = ""
    problems: tuple[str, ...] = ()
    narrowed: bool = False
    first: bool = True
    empty: bool = False


@dataclass(frozen=True)
class Choices:
    """Names to choose from in filters."""

    workflows: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    users: tuple[str, ...] = ()


@dataclass(frozen=True)
class SavedViewView:
    """A filter that a person gave a name; ``query`` is its address."""

    id: str
    name: str
    query: str


@dataclass(frozen=True)
class Number:
    """How many runs, and the words that say what of them."""

    number: int
    words: str


@dataclass(frozen=True)
class BulkPlan:
    """What an action would do to runs: to how many, and to which not and why.

    ``more`` says that more fit than one action may take.
    """

    action: str = ""
    ids: tuple[str, ...] = ()
    number: int = 0
    cannot: tuple[Number, ...] = ()
    more: bool = False


@dataclass(frozen=True)
class BulkResult:
    """What became of one run: done, or refused with the words why."""

    run_id: str
    done: bool
    words: str = ""


@dataclass(frozen=True)
class BulkView:
    """An action on many runs, and how far it is. ``status`` is that of its own run ``id``,
    with ``words`` if it did not get to its end; ``refused`` are the first hundred.
    """

    id: str = ""
    action: str = ""
    status: str = ""
    words: str = ""
    by: str = ""
    total: int = 0
    done: int = 0
    failed: int = 0
    refused: tuple[BulkResult, ...] = ()
    over: bool = False
    missing: bool = False
