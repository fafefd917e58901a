"""The boot gate: would the code at hand go on with a journal that other code wrote?

A run is replayed dry: its workflow is called with its journal, and nothing is done. Every
step that the journal holds gives what it gave; where the journal ends, the workflow is left
standing. What it then has not asked for, although it is finished, the code does not know
any more, and would do something else instead.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import dataclass
from typing import Any

from agentchat.durable.action import kind_of
from agentchat.durable.clock import SystemClock
from agentchat.durable.context import Context
from agentchat.durable.ledger import Claim, Ledger
from agentchat.durable.workflow import Workflow
from agentchat.errors import ControlFlow, StepFailed
from agentchat.models import Run, RunStatus, StepKind
from agentchat.store.journal import History
from agentchat.store.runs import Hold

AT_REST = 20
"""After how many turns of the event loop without a step asked for nothing more comes."""
MOST_TURNS = 100_000


@dataclass(frozen=True, slots=True)
class Misfit:
    """A run that the code at hand would break: its id, its workflow, and why."""

    run_id: str
    workflow: str
    reason: str


async def broken(run: Run, workflow: Workflow[..., Any], history: History) -> str | None:
    """Why ``workflow`` cannot go on with this run, or None if it can. Nothing is done."""
    ctx = _DryContext(run, history)

    async def replay() -> None:
        await workflow.function(ctx, **workflow.unbind(run.data))

    task = asyncio.ensure_future(replay())
    try:
        return await _watch(task, ctx, workflow)
    finally:
        task.cancel()
        with contextlib.suppress(BaseException):
            await task


async def _watch(
    task: asyncio.Future[None], ctx: _DryContext, workflow: Workflow[..., Any]
) -> str | None:
    still, seen = 0, -1
    for _ in range(MOST_TURNS):
        if task.done() or still > AT_REST:
            break
        await asyncio.sleep(0)
        still = still + 1 if ctx.asked == seen else 0
        seen = ctx.asked
    if task.done() and not task.cancelled():
        error = task.exception()
        if isinstance(error, ControlFlow | StepFailed):
            error = None
        if error is not None:
            return f"The code of {workflow.name!r} fails at this journal: {kind_of(error)}: {error}"
    left = [step for step in ctx.left_over() if step.kind != StepKind.PATCH]
    if not left:
        return None
    names = ", ".join(repr(step.key) for step in left[:3])
    more = f" and {len(left) - 3} more" if len(left) > 3 else ""
    asks = f"asks for {ctx.beyond!r} instead" if ctx.beyond else "ends without"
    return (
        f"The journal holds the finished step {names}{more}, but the code of {workflow.name!r}"
        f" (version {workflow.version}) {asks}. Keep the old way for runs under way with"
        " ctx.patched(...), give the app the old version too, or stop the run."
    )


class _DryContext(Context):
    """A context that does nothing: where its journal ends, it stands still."""

    def __init__(self, run: Run, history: History) -> None:
        self.asked = 0
        self.beyond: str | None = None
        ledger = Ledger(_NoDatabase(), SystemClock(), Claim("dry", Hold(run.id, run.attempt)))  # type: ignore[arg-type]
        super().__init__(
            run.model_copy(update={"status": RunStatus.RUNNING}), ledger, history, random.Random(0)
        )

    def _key(self, name: str) -> Any:
        self.asked += 1
        self._last = super()._key(name)
        return self._last

    async def _beyond(self, *, waits: bool = False) -> None:
        self.beyond = self.beyond or str(self._last)
        await asyncio.Event().wait()

    async def _mark(self, row: dict[str, Any]) -> None:
        """A patch is noted when the run really comes there."""


class _NoDatabase:
    """Whoever wants to write in a dry run has not asked whether the journal ends."""
