"""The verbs on schedules. A page, a script and a test call these."""

from __future__ import annotations

import builtins
import copy
import inspect
import uuid
from collections.abc import AsyncGenerator, Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, ParamSpec, Self

from agentchat.durable import schedule_views
from agentchat.durable.argument_fields import fields_of
from agentchat.durable.clock import Clock
from agentchat.durable.firing import asked_at, columns_of, trigger_of
from agentchat.durable.schedule_views import (
    FiringView,
    Preview,
    ScheduleAudit,
    ScheduleView,
    WorkflowView,
    mark_of,
)
from agentchat.durable.trigger_words import describe
from agentchat.durable.triggers import Cron, Every, Trigger, next_after
from agentchat.durable.workflow import Options, Workflow
from agentchat.errors import InvalidInput, WrongState
from agentchat.guard import Guard
from agentchat.inputs import checked_id, checked_json, storable
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
MOST_AUDITS = 50
CHANGED = (
    "It was changed by somebody else meanwhile, and nothing of yours was saved. Look at it as it"
    " is now, and change that."
)


class Schedules:
    """Workflows started again and again. Administrators see and change all schedules, others
    those that they have made; who asks is :data:`LOCAL`, or the actor of :meth:`by`.

    ``own`` are names of workflows that the app starts itself: only its code can schedule them.
    What a person does is written down with who did it, in the same transaction. An unknown id
    raises :class:`~agentchat.errors.ScheduleNotFound`.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        known_workflows: Mapping[str, Workflow[..., Any]],
        guard: Guard,
        own: Collection[str] = (),
    ) -> None:
        self._database = database
        self._clock = clock
        self._workflows = known_workflows
        self._own = frozenset(own)
        self._guard = guard
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
        self._guard.operator(self._actor)
        if workflow.name not in self._workflows:
            raise InvalidInput(f"The workflow {workflow.name!r} was not given to this app.")
        if workflow.start != Options():
            raise InvalidInput(
                "A scheduled workflow takes no start options: say in the trigger whether its"
                " runs may overlap, and by how much they are delayed."
            )
        data = checked_json(workflow.bind(*args, **kwargs), "The arguments of the schedule")
        now = self._clock.now()
        new = self._row(uuid.uuid4().hex, name, workflow.name, data, trigger, declared=True)

        def declare(tx: Tx) -> str:
            schedule_id = schedules.declare(tx, new, next_at=_next_at(now))
            # Declared by code at each start, it is no news.
            if schedule_id == new.id:
                self._note(tx, schedule_id, "add", now, name=new.name, workflow=new.workflow)
            return schedule_id

        return await self._database.write(declare)

    async def create(
        self,
        name: str,
        trigger: Cron | Every,
        workflow: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        new_id: str | None = None,
    ) -> str:
        """Start the workflow of this name with ``arguments`` (JSON, by name) whenever
        ``trigger`` says; the schedule's id. The same ``new_id`` is one schedule.

        Raises InvalidInput, also if there is a schedule of this name.
        """
        self._guard.person(self._actor)
        now = self._clock.now()
        data = self._bound(workflow, arguments or {})
        new = self._row(checked_id(new_id), name, workflow, data, trigger)

        def create(tx: Tx) -> None:
            found = schedules.find(tx, id=new.id, name=new.name)
            if found is not None and found.id == new.id:
                return
            if found is not None:
                raise _taken(new.name)
            schedules.add(tx, new, next_at=_next_at(now))
            self._note(tx, new.id, "create", now, name=new.name, workflow=new.workflow)

        await self._database.write(create)
        return new.id

    async def change(
        self,
        schedule_id: str,
        *,
        seen: str,
        name: str,
        trigger: Cron | Every,
        workflow: str,
        arguments: Mapping[str, Any],
    ) -> None:
        """Give a schedule other content, from its next time on; runs under way go on.

        ``seen`` is the ``mark`` of the content that the person changed. Raises InvalidInput, and
        WrongState if it is not its content any more, or if code declares it.
        """
        self._guard.person(self._actor)
        now = self._clock.now()
        data = self._bound(workflow, arguments)
        new = self._row(schedule_id, name, workflow, data, trigger)

        def change(tx: Tx) -> None:
            schedules.check_owner(tx, schedule_id, self._whose)
            old = schedules.lock(tx, schedule_id)
            if old.declared:
                raise WrongState(
                    f"The schedule {old.name!r} is declared by code, which would undo this at its"
                    " next start. Change it there."
                )
            if mark_of(old) != seen:
                raise WrongState(CHANGED)
            same_name = None if new.name == old.name else schedules.find(tx, name=new.name)
            if same_name is not None:
                raise _taken(new.name)
            content = {column: getattr(new, column) for column in ("name", *schedules.CONTENT)}
            changed = [one for one, value in content.items() if value != getattr(old, one)]
            if changed:
                schedules.revise(tx, old, content, next_at=_next_at(now))
                self._note(tx, schedule_id, "change", now, changed=", ".join(changed))

        await self._database.write(change)

    async def pause(self, schedule_id: str) -> bool:
        """Let it not fire until it is resumed, while runs under way go on; false if it is
        paused already.
        """
        self._guard.person(self._actor)
        now = self._clock.now()

        def pause(tx: Tx) -> bool:
            schedules.check_owner(tx, schedule_id, self._whose)
            paused = schedules.pause(tx, schedule_id, by=self._actor.name, now=now)
            if paused:
                self._note(tx, schedule_id, "pause", now)
            return paused

        return await self._database.write(pause)

    async def resume(self, schedule_id: str) -> bool:
        """Let it fire again from now on; what was due meanwhile is not made up for. False if it
        is not paused.
        """
        self._guard.person(self._actor)
        now = self._clock.now()

        def resume(tx: Tx) -> bool:
            schedules.check_owner(tx, schedule_id, self._whose)
            resumed = schedules.resume(tx, schedule_id, next_at=_next_at(now))
            if resumed:
                self._note(tx, schedule_id, "resume", now)
            return resumed

        return await self._database.write(resume)

    async def run_now(self, schedule_id: str) -> str:
        """Start a run of it at once, paused or not; the run's id.

        Raises InvalidInput if a run is active and the schedule's runs may not overlap.
        """
        self._guard.person(self._actor)
        self._guard.pace(self._actor, "start")
        now = self._clock.now()
        known = {name: (one.version, one.code) for name, one in self._workflows.items()}

        def run(tx: Tx) -> str:
            schedules.check_owner(tx, schedule_id, self._whose)
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
        self._guard.person(self._actor)
        now = self._clock.now()

        def remove(tx: Tx) -> None:
            schedules.check_owner(tx, schedule_id, self._whose)
            schedules.remove(tx, schedule_id)
            self._note(tx, schedule_id, "delete", now)

        await self._database.write(remove)

    async def list(self) -> tuple[ScheduleView, ...]:
        """All schedules, by name."""
        self._guard.person(self._actor)
        return await self._database.read(schedule_views.overview, self._whose)

    def follow(self) -> AsyncGenerator[tuple[ScheduleView, ...], None]:
        """Yield what :meth:`list` gives, now and whenever it changes."""
        self._guard.person(self._actor)
        return self._database.live.follow(schedule_views.overview, self._whose)

    async def get(self, schedule_id: str) -> ScheduleView:
        """The schedule as it is now."""
        self._guard.person(self._actor)
        return await self._database.read(schedule_views.one, schedule_id, self._whose)

    async def history(self, schedule_id: str, limit: int = 50) -> tuple[FiringView, ...]:
        """What became of its newest due times, newest first; the newest 200 are kept."""
        self._guard.person(self._actor)
        limit = min(max(limit, 0), MOST_HISTORY)
        return await self._database.read(schedule_views.history, schedule_id, limit, self._whose)

    def follow_history(
        self, schedule_id: str, limit: int = 50
    ) -> AsyncGenerator[tuple[FiringView, ...], None]:
        """Yield what :meth:`history` gives, now and whenever it changes."""
        self._guard.person(self._actor)
        limit = min(max(limit, 0), MOST_HISTORY)
        return self._database.live.follow(schedule_views.history, schedule_id, limit, self._whose)

    def follow_audits(self, schedule_id: str) -> AsyncGenerator[tuple[ScheduleAudit, ...], None]:
        """Yield the newest 50 things that people did to it, newest first, now and whenever there
        are more; also of one that is deleted.
        """
        self._guard.person(self._actor)
        return self._database.live.follow(
            schedule_views.audits_of, schedule_id, MOST_AUDITS, self._whose
        )

    async def next_times(self, schedule_id: str, count: int = 5) -> builtins.list[datetime]:
        """When it fires next from now on, as if it were not paused."""
        self._guard.person(self._actor)
        schedule = await self._database.read(schedules.get, schedule_id, self._whose)
        return self._times(trigger_of(schedule), count)

    def preview(
        self, trigger: Cron | Every, count: int = 5, *, since: datetime | None = None
    ) -> Preview:
        """When a schedule with this trigger would fire from now on, without making one. An
        interval without a start counts from ``since``, when the schedule was made; or from now.
        """
        self._guard.person(self._actor)
        words = describe(trigger)
        if isinstance(trigger, Every) and trigger.start is None:
            trigger = replace(trigger, start=(since or self._clock.now()) + trigger.interval)
        return Preview(words, tuple(self._times(trigger, count)))

    def workflows(self) -> tuple[WorkflowView, ...]:
        """The workflows of this app that may be scheduled, by name, with their arguments."""
        self._guard.person(self._actor)
        return tuple(
            WorkflowView(name, inspect.getdoc(one.function) or "", fields_of(one))
            for name, one in sorted(self._workflows.items())
            if name not in self._own
        )

    # Inside

    @property
    def _whose(self) -> str | None:
        """Whose schedules there are for the actor, None for all."""
        return None if self._guard.sees_all(self._actor) else self._actor.id

    def _times(self, trigger: Trigger, count: int) -> builtins.list[datetime]:
        moment = self._clock.now()
        times: builtins.list[datetime] = []
        while len(times) < min(count, MOST_TIMES):
            found = next_after(trigger, moment)
            if found is None:
                break
            times.append(found)
            moment = found
        return times

    def _bound(self, workflow: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        found = self._workflows.get(workflow)
        if found is None:
            raise InvalidInput(f"There is no workflow {workflow!r} in this app.")
        if workflow in self._own:
            raise InvalidInput(f"The app starts {workflow!r} itself; it cannot be scheduled.")
        try:
            data = found.bind(**arguments)
        except TypeError as error:
            raise InvalidInput(f"The arguments do not fit {workflow!r}: {error}.") from error
        bound: dict[str, Any] = checked_json(data, "The arguments of the schedule")
        return bound

    def _row(
        self,
        schedule_id: str,
        name: str,
        workflow: str,
        data: dict[str, Any],
        trigger: Trigger,
        *,
        declared: bool = False,
    ) -> Schedule:
        return Schedule(
            id=schedule_id,
            name=_checked_name(name),
            workflow=workflow,
            data=data,
            created_by=self._actor.name,
            user_id=self._actor.id,
            created_at=self._clock.now(),
            declared=declared,
            **columns_of(trigger),
        )

    def _note(self, tx: Tx, schedule_id: str, action: str, now: datetime, **detail: str) -> None:
        audits.add(tx, Entry("schedule", schedule_id, action, self._actor, detail), now=now)


def _next_at(now: datetime) -> NextAt:
    return lambda schedule: next_after(trigger_of(schedule), now)


def _taken(name: str) -> InvalidInput:
    return InvalidInput(f"There is a schedule named {name!r} already. Give this one another name.")


def _checked_name(name: str) -> str:
    if not isinstance(name, str) or not storable(name).strip():
        raise InvalidInput("A schedule needs a name.")
    name = " ".join(storable(name).split())
    if len(name) > MOST_NAME:
        raise InvalidInput(
            f"A schedule's name has at most {MOST_NAME} characters; this has {len(name)}."
        )
    return name
