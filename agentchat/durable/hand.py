"""The try of a step that is at hand, and what a try can fail with."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from agentchat.errors import OutcomeUnknown, StepFailed
from agentchat.models import Run, Step
from agentchat.store.writer import Tx


@dataclass(slots=True)
class Hand:
    """The try at hand: what a step's function can learn and tell through the context."""

    key: str
    tries: int
    started: datetime
    beat: datetime
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    estimated: bool = False
    expired: str = ""
    lost_at: datetime | None = None
    """When this try was begun before, by a worker that ended before it did."""
    before: dict[str, Any] = field(default_factory=dict)
    """What earlier tries have counted, by column."""

    @property
    def spent(self) -> bool:
        """Whether tokens or money were counted."""
        return bool(self.input_tokens or self.output_tokens or self.cost_usd)

    def spending(self) -> dict[str, Any]:
        """What was counted in all tries, by column."""
        if not self.spent:
            return self.before
        mine = {
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cost_usd": self.cost_usd,
        }
        return {name: _sum(self.before.get(name), value) for name, value in mine.items()}


at_hand: ContextVar[Hand | None] = ContextVar("at_hand", default=None)
run_at_hand: ContextVar[Run | None] = ContextVar("run_at_hand", default=None)
"""The run that the code at hand carries on, as it was claimed."""
heard: ContextVar[Callable[[Tx, str], None] | None] = ContextVar("heard", default=None)
"""Is told the key of a step that waits for another run, in the commit that starts that run."""
cleaning: ContextVar[bool] = ContextVar("cleaning", default=False)
"""Whether the code at hand was told that its run is cancelled: what it does is to clean up."""


def kind_of(error: BaseException) -> str:
    """What kind of error it is: the word of our own errors, else the name of its class."""
    return str(getattr(error, "kind", "") or type(error).__name__)[:64]


def failure(row: dict[str, Any], step: str) -> StepFailed:
    """The error of a step that has failed, by its row."""
    kind = row["error_kind"] or ""
    error = OutcomeUnknown if kind == "outcome_unknown" else StepFailed
    return error(row["error"] or "", step=step, kind=kind)


def counted(begun: Step | None) -> dict[str, Any]:
    names = ("input_tokens", "output_tokens", "cost_usd")
    return {} if begun is None else {name: getattr(begun, name) for name in names}


def _sum(before: float | None, now: float | None) -> float | None:
    return now if before is None else before + (now or 0)
