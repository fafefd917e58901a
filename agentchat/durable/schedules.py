"""The verbs on schedules. A page, a script and a test call these."""

from __future__ import annotations

import builtins
import copy
import uuid
from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import datetime
from typing import Any, ParamSpec, Self

from agentchat.durable import schedule_views
from agentchat.durable.clock import Clock
from agentchat.durable.firing import asked_at, columns_of, trigger_of
from agentchat.durable.schedule_views import FiringView, ScheduleView
from agentchat.durable.triggers import Cron, Every, next_after
from agentchat.durable.workflow import Options, Workflow
from agentchat.errors import InvalidInput
from agentchat.inputs import checked_json, storable
from agentchat.models import Schedule
from agentchat.store import audits, firings, schedules
from agentchat.store.audits import Entry
from agentchat.store.database import Database
from agentchat.store.schedules import NextAt
from agentchat.store.writer import Tx
from agentchat.views import LOCAL, Actor

P = ParamSpec("P")

MOST_NAME = 120
MOST_TIMES = 100
"""The most times that are told in advance."""
MOST_HISTORY = firings.KEPT


class Schedules:
    """Workflows started again and again. ``allow`` is asked before each verb whether the
    actor may use it, and raises if not; the actor is :data:`LOCAL`, or that of :meth:`by`.

    An unknown id raises :class:`~agentchat.errors.ScheduleNotFound`.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        known_workflows: Mapping[str, Workflow[..., Any]],
        allow: Callable[[Actor], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._workflows = known_workflows
        self._allow = allow
        self._actor = LOCAL

    def by(self, actor: Actor) -> Self:
        """The same verbs, done by ``actor``."""
        theirs = copy.copy(self)
        theirs._actor = actor
        return theirs

    async def add(
        self,
        name: str,
        trigger: Cron | Every,
        workflow: Workflow[P, Any],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> str:
        """Start ``workflow(*args, **kwargs)`` whenever ``trigger`` says; the schedule's id.

        Code may declare its schedules at every start: one of this name with the same
        content stays as it is, and one with other content is given this one. Its runs are
        kept, and a paused one stays paused. Raises InvalidInput, and TypeError if the
        arguments do not fit the workflow.
        """
        self._allow(self._actor)
        if workflow.name not in self._workflows:
            raise InvalidInput(f"The workflow {workflow.name!r} was not given to this app.")
        if workflow.start != Options():
            raise InvalidInput(
                "A scheduled workflow takes no start options: say in the trigger whether its"
                " runs may overlap, and by how much they are delayed."
            )
        data = checked_json(workflow.bind(*args, **kwargs), "The arguments of the schedule")
        now = self._clock.now()
        new = Schedule(
            id=uuid.uuid4().hex,
            name=_checked_name(name),
            workflow=workflow.name,
            data=data,
            created_by=self._actor.name,
            created_at=now,
            **columns_of(trigger),
        )

        def declare(tx: Tx) -> str:
            schedule_id = schedules.declare(tx, new, next_at=_next_at(now))
            # Declared by code at each start, it is no news.
            if schedule_id == new.id:
                self._note(tx, schedule_id, "add", now, name=new.name, workflow=new.workflow)
            return schedule_id

        return await self._database.write(declare)

    async def pause(self, schedule_id: str) -> None:
        """Let it not fire until it is resumed; runs under way go on."""
        self._allow(self._actor)
        now = self._clock.now()

        def pause(tx: Tx) -> None:
            schedules.pause(tx, schedule_id, by=self._actor.name, now=now)
            self._note(tx, schedule_id, "pause", now)

        await self._database.write(pause)

    async def resume(self, schedule_id: str) -> None:
        """Let it fire again from now on; what was due meanwhile is not made up for."""
        self._allow(self._actor)
        now = self._clock.now()

        def resume(tx: Tx) -> None:
            schedules.resume(tx, schedule_id, next_at=_next_at(now))
            self._note(tx, schedule_id, "resume", now)

        await self._database.write(resume)

    async def run_now(self, schedule_id: str) -> str:
        """Start a run of it at once, paused or not; the run's id.

        Raises InvalidInput if a run is active and the schedule's runs may not overlap.
        """
        self._allow(self._actor)
        now = self._clock.now()
        known = {name: (one.version, one.code) for name, one in self._workflows.items()}

        def run(tx: Tx) -> str:
            run_id = firings.run_now(
                tx,
                schedule_id,
                at=lambda schedule: asked_at(schedule, now),
                now=now,
                known=known,
                asked_by=self._actor.name,
            )
            self._note(tx, schedule_id, "run now", now, run=run_id)
            return run_id

        return await self._database.write(run)

    async def delete(self, schedule_id: str) -> None:
        """Remove it with its history; its runs stay."""
        self._allow(self._actor)
        now = self._clock.now()

        def remove(tx: Tx) -> None:
            schedules.remove(tx, schedule_id)
            self._note(tx, schedule_id, "delete", now)

        await self._database.write(remove)

    async def list(self) -> tuple[ScheduleView, ...]:
        """All schedules, by name."""
        self._allow(self._actor)
        return await self._database.read(schedule_views.overview)

    def follow(self) -> AsyncGenerator[tuple[ScheduleView, ...], None]:
        """Yield what :meth:`list` gives, now and whenever it changes."""
        self._allow(self._actor)
        return self._database.live.follow(schedule_views.overview)

    async def history(self, schedule_id: str, limit: int = 50) -> tuple[FiringView, ...]:
        """What became of its newest due times, newest first; the newest 200 are kept."""
        self._allow(self._actor)
        limit = min(max(limit, 0), MOST_HISTORY)
        return await self._database.read(schedule_views.history, schedule_id, limit)

    async def next_times(self, schedule_id: str, count: int = 5) -> builtins.list[datetime]:
        """When it fires next from now on, as if it were not paused."""
        self._allow(self._actor)
        schedule = await self._database.read(schedules.get, schedule_id)
        trigger, moment = trigger_of(schedule), self._clock.now()
        times: builtins.list[datetime] = []
        while len(times) < min(count, MOST_TIMES):
            found = next_after(trigger, moment)
            if found is None:
                break
            times.append(found)
            moment = found
        return times

    def _note(self, tx: Tx, schedule_id: str, action: str, now: datetime, **detail: str) -> None:
        audits.add(tx, Entry("schedule", schedule_id, action, self._actor, detail), now=now)


def _next_at(now: datetime) -> NextAt:
    return lambda schedule: next_after(trigger_of(schedule), now)


def _checked_name(name: str) -> str:
    if not isinstance(name, str) or not storable(name).strip():
        raise InvalidInput("A schedule needs a name.")
    name = " ".join(storable(name).split())
    if len(name) > MOST_NAME:
        raise InvalidInput(
            f"A schedule's name has at most {MOST_NAME} characters; this has {len(name)}."
        )
    return name
