"""What others may see of runs and steps while they are carried out: metrics, traces."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from agentchat.durable.journal import Key
from agentchat.models import Run, RunStatus, StepKind


@dataclass(slots=True)
class Course:
    """What one execution of a run came to, told before its observer is left.

    Without a ``status`` the worker let go of the run, or had lost it: others go on with it.
    """

    status: RunStatus | None = None
    error_kind: str = ""


class Observer(Protocol):
    """Sees runs and steps being carried out. Called in the event loop, on the hot path: it must
    return at once, and raise nothing.
    """

    def run(self, run: Run, course: Course) -> AbstractContextManager[object]:
        """Entered while this process carries a claimed run on; ``run`` is the row as it was
        claimed. A task of its own, so that context variables may be set.
        """
        ...

    def step(
        self, run: Run, key: Key, kind: StepKind, since: datetime | None
    ) -> AbstractContextManager[object]:
        """Entered while a step is done that the journal does not hold. It is left without an
        error when it is done, with StepFailed when it failed for good, and with control flow
        when it goes on later; ``since`` is when it was begun, if that was before.
        """
        ...

    def tried(self, run: Run, row: Mapping[str, Any]) -> None:
        """A try of the step at hand came to nothing; ``row`` as in the table of attempts."""
        ...

    def lag(self, seconds: float) -> None:
        """The event loop was so late; told several times a second."""
        ...


class Unobserved:
    """Sees nothing."""

    def run(self, run: Run, course: Course) -> AbstractContextManager[object]:
        """See :meth:`Observer.run`."""
        return _NOTHING

    def step(
        self, run: Run, key: Key, kind: StepKind, since: datetime | None
    ) -> AbstractContextManager[object]:
        """See :meth:`Observer.step`."""
        return _NOTHING

    def tried(self, run: Run, row: Mapping[str, Any]) -> None:
        """See :meth:`Observer.tried`."""

    def lag(self, seconds: float) -> None:
        """See :meth:`Observer.lag`."""


_NOTHING = nullcontext()
UNOBSERVED = Unobserved()
