"""Carrying a claimed run on until it ends, waits, or is no longer ours."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import Any

from agentchat.durable import gate
from agentchat.durable.clock import Clock
from agentchat.durable.context import Context
from agentchat.durable.hand import kind_of, run_at_hand
from agentchat.durable.late import Late
from agentchat.durable.ledger import Claim, Ledger
from agentchat.durable.observer import UNOBSERVED, Course, Observer
from agentchat.durable.values import encoded
from agentchat.durable.workflow import Workflow
from agentchat.errors import (
    AgentChatError,
    Cancelled,
    LeaseLost,
    Pause,
    StepFailed,
    Suspend,
)
from agentchat.guard import Guard
from agentchat.inputs import storable
from agentchat.models import Run, RunStatus
from agentchat.store import ends, repairs, runs
from agentchat.store.database import Database
from agentchat.store.journal import History
from agentchat.store.limits import Limit, Limits
from agentchat.store.runs import Hold
from agentchat.store.writer import Tx

logger = logging.getLogger(__name__)

MOST_CRASHES = 5
"""How often a run may take its process down with it, without coming any further, before it
is given up."""


class TooManyCrashes(AgentChatError):
    """The process died too often while it did this."""


class Engine:
    """Knows the workflows. ``workflows`` are by name, the last given of each."""

    def __init__(
        self,
        database: Database,
        workflows: Iterable[Workflow[..., Any]],
        clock: Clock,
        *,
        observer: Observer = UNOBSERVED,
        guard: Guard | None = None,
    ) -> None:
        self.database = database
        self.clock = clock
        self.observer = observer
        self.guard = None if guard is None or guard.everybody else guard
        """Decides whether whoever a run acts for may still do so; None where everybody may."""
        self.late = Late()
        self.chance = random.Random()
        self.suspect: set[str] = set()
        """Runs whose journal did not fit the code at the start: to be checked when claimed."""
        given = list(workflows)
        self.workflows = {workflow.name: workflow for workflow in given}
        self._versions = {(workflow.name, workflow.version): workflow for workflow in given}

    def of(self, run: Run) -> Workflow[..., Any]:
        """The code for a run: of its own version, or the last given if that is gone."""
        return self._versions.get((run.workflow, run.version), self.workflows[run.workflow])

    def limits(self, most_running: int | None) -> Limits:
        """What the workflows allow at once, and ``most_running`` of them all."""
        found = {}
        for name, workflow in self.workflows.items():
            rate = workflow.rate
            found[name] = Limit(
                workflow.concurrency,
                workflow.concurrency_per_key,
                None if rate is None else rate.most,
                timedelta() if rate is None else rate.per,
            )
        return Limits(found, most_running)

    def execution(self, run: Run, claim: Claim, history: History) -> Execution:
        """One attempt to carry a claimed run on."""
        return Execution(self, run, claim, history)


class Execution:
    """One attempt to carry a claimed run on; control flow ends here."""

    def __init__(self, engine: Engine, run: Run, claim: Claim, history: History) -> None:
        self.claim = claim
        self._engine = engine
        self._run = run
        self._history = history
        self._workflow = engine.of(run)
        self.course = Course()
        tried = partial(engine.observer.tried, run)
        self._ledger = Ledger(engine.database, engine.clock, claim, tried=tried)
        self._ctx = Context(
            run,
            self._ledger,
            history,
            engine.chance,
            knows=engine.workflows,
            observer=engine.observer,
            late=engine.late,
        )

    @property
    def settled(self) -> asyncio.Event:
        """Set unless a step is under way that must not be done twice."""
        return self._ctx.settled

    def cancel(self) -> None:
        """Somebody has cancelled the run: let it clean up."""
        self._ctx.cancel()

    def hear(self) -> None:
        """An event may have been sent to the run."""
        self._ctx.hear()

    def pause(self) -> None:
        """Somebody wants the run to pause: let it after the step at hand."""
        self._ctx.pause()

    def die(self) -> None:
        """The worker dies: whatever its code still does, nothing more of it is written."""
        self._ledger.dead = True

    async def run(self) -> None:
        """Carry it on until it ends, waits, or is no longer ours.

        An asyncio cancellation leaves the run's row as it is.
        """
        run_at_hand.set(self._run)
        with self._engine.observer.run(self._run, self.course):
            await self._run_on()

    async def _run_on(self) -> None:
        course = self.course
        try:
            try:
                await self._carry_on()
                course.status = RunStatus.DONE
            except Suspend:
                await self._ctx.suspend()
                course.status = RunStatus.WAITING
            except Pause as pause:
                await self._pause(pause)
                course.status, course.error_kind = RunStatus.PAUSED, pause.kind
            except Cancelled:
                run = self._run
                stopped = {"status": RunStatus.STOPPED, "finished_at": self._engine.clock.now()}
                await self._ledger.write(ends.finish, run, **stopped)
                course.status = RunStatus.STOPPED
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                await self._fail(RuntimeError("The workflow cancelled itself."))
            except Exception as error:
                await self._fail(error)
        except LeaseLost:
            logger.info("run %s is no longer ours", self._run.id)
        finally:
            self._ctx.close()

    async def _carry_on(self) -> None:
        run, workflow, guard = self._run, self._workflow, self._engine.guard
        if guard is not None and run.status != RunStatus.STOPPING:
            # In the time that it waited they may have lost their account, or the thread.
            self._ctx.actor = await self._ledger.read(lambda s, _: guard.acting_for(s, run))
        if run.crashes > MOST_CRASHES and self._tries_in_vain() > MOST_CRASHES:
            raise TooManyCrashes(f"The process died {run.crashes} times while it worked on this.")
        changed = run.code not in ("", workflow.code) or run.id in self._engine.suspect
        if changed and (self._history.remembered or self._history.begun):
            await self._check_code()
        result = await workflow.function(self._ctx, **workflow.unbind(run.data))
        if self._ctx.mismatch is not None:
            raise self._ctx.mismatch
        if self._ctx.ended:
            return
        stored, _ = encoded(workflow.result, result, f"The result of {workflow.name!r}")
        await self._ledger.write(
            ends.finish,
            run,
            tidy=bool(self._ledger.begun),
            status=RunStatus.DONE,
            result=stored,
            finished_at=self._engine.clock.now(),
        )

    def _tries_in_vain(self) -> int:
        """How often the run was claimed since it last came to a result."""
        came = [step.attempt for step in self._history.remembered]
        return self._run.attempt - 1 - max(came, default=0)

    async def _check_code(self) -> None:
        """The code is not the one that wrote the journal: go on only if the two agree."""
        reason = await gate.broken(self._run, self._workflow, self._history)
        if reason is not None and self._run.status == RunStatus.STOPPING:
            # Code that does not know where the run was cannot clean up after it either.
            logger.error("run %s is stopped without clean-up: %s", self._run.id, reason)
            raise Cancelled
        if reason is not None:
            raise Pause(reason, repairs.HELD)
        self._engine.suspect.discard(self._run.id)
        await self._ledger.write(
            runs.change, code=self._workflow.code, version=self._workflow.version
        )

    async def _pause(self, pause: Pause) -> None:
        wrong = {"error": storable(str(pause)), "error_kind": pause.kind} if pause.kind else {}
        await self._ctx.stand_still(**wrong)

    async def _fail(self, error: Exception) -> None:
        run, workflow, kind = self._run, self._workflow, kind_of(error)
        if not isinstance(error, AgentChatError):
            logger.exception("run %s of %s failed", run.id, run.workflow)
        now = self._engine.clock.now()
        values: dict[str, Any] = {
            "status": RunStatus.FAILED,
            "error": storable(str(error)),
            "error_kind": kind,
            "failed_step": _failed_step(error),
            "finished_at": now,
        }

        def end_and_tell(tx: Tx, hold: Hold) -> None:
            ends.finish(tx, hold, run, **values)
            if workflow.on_failure is not None:
                workflow.on_failure(tx, run, error, now)

        try:
            await self._ledger.write(end_and_tell)
        except Exception:
            # Whatever is wrong with the telling, a run that failed must not begin anew.
            logger.exception("%s could not be told that run %s failed", workflow.name, run.id)
            await self._ledger.write(ends.finish, run, **values)
        self.course.status, self.course.error_kind = RunStatus.FAILED, kind


def _failed_step(error: BaseException | None) -> str | None:
    """The step whose failure ended the run, also if its workflow made another error of it."""
    while error is not None:
        if isinstance(error, StepFailed):
            return error.step
        error = error.__cause__ or error.__context__
    return None
