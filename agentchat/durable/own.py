"""Runs that belong to something else, such as an answer, and are changed together with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from agentchat.models import Run
from agentchat.store.database import Database
from agentchat.store.repairs import Fork
from agentchat.store.runs import NewRun
from agentchat.store.writer import Tx
from agentchat.views import Actor

End = Callable[[Tx, Run, Actor, datetime], Sequence[str]]
"""Ends a run and what it belongs to; the ids of the runs that ended, none if it was over."""
GoOn = Callable[[Tx, Run, datetime], None]
"""What a run belongs to goes on with it; called in the transaction of its retry, before it."""
Forked = Callable[[Database, Run, Fork, NewRun, Actor], Awaitable[Callable[[Tx], bool]]]
"""Looks at a fork or a rerun of a run before it is made, and returns what makes it, with what the
new run belongs to, and says whether it did: the same one is made once. Raises what refuses it.
"""


@dataclass(frozen=True, slots=True)
class Declared:
    """What is declared of a workflow: whether this app ``knows`` it, the ``events`` it waits for
    (any, if there are none), how long a cancelled run may clean up. ``own`` are the words that
    refuse to fork or rerun one, empty if that may be done; ``ends`` says that it ends at once,
    with what it belongs to, ``beside`` that a fork or a rerun makes another of that.
    """

    knows: bool
    events: tuple[str, ...]
    cleanup: timedelta
    own: str = ""
    ends: bool = False
    beside: bool = False


@dataclass(frozen=True, slots=True)
class Own:
    """How runs of a workflow that belongs to something else are stopped and repaired.

    ``end`` takes the place of cancel and kill; without it those are as for any run.
    ``go_on`` completes a retry. ``fork`` makes forks and reruns; without it ``words`` tell what
    to do instead, as one would write a second time what was written.
    """

    words: str = ""
    end: End | None = None
    go_on: GoOn | None = None
    fork: Forked | None = None
