"""Running one claimed run until it ends, or until it is no longer ours."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable
from typing import Any

from sqlmodel import Session

from agentchat.durable.clock import Clock
from agentchat.durable.context import Claim, Context
from agentchat.durable.journal import Journal
from agentchat.durable.workflow import Workflow
from agentchat.errors import AgentChatError, Fenced, LeaseLost, Suspend
from agentchat.inputs import storable
from agentchat.models import Event, Run, RunStatus, Step
from agentchat.store import events, journal, runs
from agentchat.store.database import Database
from agentchat.store.journal import History
from agentchat.store.writer import Tx

logger = logging.getLogger(__name__)

MOST_CRASHES = 5
"""How often a run may take its process down with it before it is given up."""


class TooManyCrashes(AgentChatError):
    """The process died too often while it did this."""


class Execution:
    """One attempt to carry a claimed run on."""

    def __init__(self, engine: Engine, run: Run, claim: Claim, history: History) -> None:
        self.claim = claim
        self._engine = engine
        self._run = run

    async def run(self) -> None:
        """Carry it on until it ends, waits, or is no longer ours."""
        await self._engine.execute(self._run, self.claim)

    def cancel(self) -> None:
        """Somebody has cancelled the run: let it clean up."""

    def pause(self) -> None:
        """Somebody wants the run to pause: let it after the step at hand."""


class Engine:
    """Knows the workflows and carries runs of them out."""

    def __init__(
        self, database: Database, workflows: Iterable[Workflow[..., Any]], clock: Clock
    ) -> None:
        self._database = database
        self._clock = clock
        self._chance = random.Random()
        self.workflows = {workflow.name: workflow for workflow in workflows}

    def execution(self, run: Run, claim: Claim, history: History) -> Execution:
        """One attempt to carry a claimed run on."""
        return Execution(self, run, claim, history)

    async def execute(self, run: Run, claim: Claim) -> None:
        """Replay what is journaled, do the rest, and end the run.

        Returns when the run has ended or somebody else owns it. An asyncio cancellation
        leaves the run's row as it is.
        """
        workflow = self.workflows[run.workflow]
        try:
            if run.crashes > MOST_CRASHES:
                raise TooManyCrashes(
                    f"The process died {run.crashes} times while it worked on this."
                )
            steps, sent = await self._database.read(_history, run.id)
            ctx = Context(
                self._database, self._clock, claim, Journal(run.id, steps), sent, self._chance
            )
            try:
                result = await workflow.function(ctx, **run.data)
            except Suspend:
                await ctx.suspend()
                return
            if not ctx.ended:
                await self._database.write(
                    runs.change,
                    claim.hold,
                    status=RunStatus.DONE,
                    result=result,
                    finished_at=self._clock.now(),
                )
        except (Fenced, LeaseLost):
            logger.info("run %s is no longer ours", run.id)
        except Exception as error:
            await self._fail(workflow, run, claim, error)

    async def _fail(
        self, workflow: Workflow[..., Any], run: Run, claim: Claim, error: Exception
    ) -> None:
        if not isinstance(error, AgentChatError):
            logger.exception("run %s of %s failed", run.id, run.workflow)
        now = self._clock.now()

        def end(tx: Tx) -> None:
            runs.change(
                tx,
                claim.hold,
                status=RunStatus.FAILED,
                error=storable(str(error)),
                error_kind=getattr(error, "kind", type(error).__name__),
                retry_at=None,
                finished_at=now,
            )

        def end_and_tell(tx: Tx) -> None:
            end(tx)
            if workflow.on_failure is not None:
                workflow.on_failure(tx, run, error, now)

        try:
            await self._database.write(end_and_tell)
        except Fenced:
            logger.info("run %s ended while it failed", run.id)
        except Exception:
            # Whatever is wrong with the telling, a run that failed must not begin anew.
            logger.exception("%s could not be told that run %s failed", workflow.name, run.id)
            await self._database.write(end)


def _history(session: Session, run_id: str) -> tuple[list[Step], list[Event]]:
    return journal.load(session, run_id), events.of_run(session, run_id)
