"""The boot gate: would the code at hand go on with a journal that other code wrote?

A run is replayed dry: its workflow is called with its journal, and nothing is done. Every
step that the journal holds gives what it gave; where the journal ends, the workflow is left
standing. What it then has not asked for, although it is finished, the code does not know
any more, and would do something else instead.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from agentchat.durable.clock import SystemClock
from agentchat.durable.context import Context
from agentchat.durable.hand import kind_of
from agentchat.durable.ledger import Claim, Ledger
from agentchat.durable.workflow import Workflow
from agentchat.errors import ControlFlow, StepFailed, Suspend, WaitTimeout
from agentchat.models import Run, RunStatus, StepKind
from agentchat.store.journal import History, Remembered
from agentchat.store.runs import Hold

T = TypeVar("T")

AT_REST = 20
"""After how many turns of the event loop without a step asked for nothing more comes."""
MOST_PATCHES = 100_000
"""How often code may ask for patches: they alone do not end where the journal does."""
PATIENCE = 1.0
"""How many seconds code may take that awaits something which is not a step."""


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
        await _settle(task, ctx)
        if not task.done() and (ctx.beyond is None or _left(ctx)):
            ctx.leave()
            await asyncio.wait({task}, timeout=PATIENCE)
            await _settle(task, ctx)
        return _judged(task, ctx, workflow)
    finally:
        ctx.leave()
        task.cancel()
        await asyncio.wait({task}, timeout=PATIENCE)


async def _settle(task: asyncio.Future[None], ctx: _DryContext) -> None:
    """Let the replay go on until it asks for nothing more."""
    still, seen = 0, -1
    while still <= AT_REST:
        await asyncio.sleep(0)
        if task.done() and not _left(ctx):
            return
        still = still + 1 if ctx.asked == seen else 0
        seen = ctx.asked


def _judged(
    task: asyncio.Future[None], ctx: _DryContext, workflow: Workflow[..., Any]
) -> str | None:
    error: BaseException | None = ctx.mismatch
    if task.done() and not task.cancelled():
        error = error or task.exception()
        if isinstance(error, ControlFlow | StepFailed | WaitTimeout):
            error = None
    if error is not None:
        return f"The code of {workflow.name!r} fails at this journal: {kind_of(error)}: {error}"
    left = _left(ctx)
    if not left:
        if task.done() or ctx.beyond is not None:
            return None
        return f"The code of {workflow.name!r} comes to no step and to no end with this journal."
    names = ", ".join(repr(step.key) for step in left[:3])
    more = f" and {len(left) - 3} more" if len(left) > 3 else ""
    instead = ctx.begun.get(left[0].branch, ctx.beyond)
    asks = f"asks for {instead!r} instead" if instead else "ends without"
    return (
        f"The journal holds the finished step {names}{more}, but the code of {workflow.name!r}"
        f" (version {workflow.version}) {asks}. Keep the old way for runs under way with"
        " ctx.patched(...), give the app the old version too, or stop the run."
    )


def _left(ctx: _DryContext) -> list[Remembered]:
    return [step for step in ctx.left_over() if step.kind != StepKind.PATCH]


class _DryContext(Context):
    """A context that does nothing: where its journal ends, it stands still.

    What stands is let go with :meth:`leave`, as if it waited for an event: so it gives back
    what it holds, such as a semaphore, and whoever cleans up can end.
    """

    def __init__(self, run: Run, history: History) -> None:
        self.asked = 0
        self.patches = 0
        self.beyond: str | None = None
        self.begun: dict[str, str] = {}
        """By branch, the first step that the code would begin there."""
        self._go = asyncio.Event()
        ledger = _DryLedger(self, Claim("dry", Hold(run.id, run.attempt)))
        status = RunStatus.STOPPING if run.status == RunStatus.STOPPING else RunStatus.RUNNING
        super().__init__(
            run.model_copy(update={"status": status}), ledger, history, random.Random(0)
        )

    def leave(self) -> None:
        """Let go of what stands still."""
        self._go.set()

    async def stand(self) -> NoReturn:
        """Nothing more is done here."""
        await self._go.wait()
        raise Suspend

    def decide(self, race: str, lost: Iterable[str]) -> None:
        """A race would be decided now: the steps of its losers are not asked for."""
        self.beyond = self.beyond or race
        self._journal.pass_over(lost)

    def _key(self, name: str) -> Any:
        self.asked += 1
        self._last = super()._key(name)
        return self._last

    async def _beyond(self, *, waits: bool = False) -> None:
        # A run that is stopping cleans up instead.
        await super()._beyond(waits=waits)
        self.beyond = self.beyond or str(self._last)
        self.begun.setdefault(self._last.branch, str(self._last))
        await self.stand()

    async def _patched(self, name: str) -> bool:
        self.patches += 1
        if self.patches > MOST_PATCHES:
            raise RuntimeError(f"it asks for the patch {name!r} again and again")
        return await super()._patched(name)

    async def _mark(self, row: dict[str, Any]) -> None:
        """A patch is noted when the run really comes there."""


class _DryLedger(Ledger):
    """Writes nothing. Whoever wants to write has asked before whether the journal ends, but
    for a race that is decided.
    """

    def __init__(self, ctx: _DryContext, claim: Claim) -> None:
        super().__init__(None, SystemClock(), claim)  # type: ignore[arg-type]
        self._ctx = ctx

    async def write(self, unit: Callable[..., T], *args: Any, **values: Any) -> T:
        row, *more = args or ({},)
        if row.get("kind") == StepKind.RACE:
            self._ctx.decide(str(row["name"]), *more)
        await self._ctx.stand()
