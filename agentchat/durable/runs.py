"""The verbs on runs: start, follow, cancel, pause, resume, retry, fork, rerun, send."""

from __future__ import annotations

import copy
import uuid
from collections.abc import AsyncGenerator, Callable, Mapping
from functools import partial
from typing import Any, ParamSpec, TypeVar, overload

from sqlmodel import Session

from agentchat.durable import reads
from agentchat.durable.clock import Clock
from agentchat.durable.event_type import EventType, prepared
from agentchat.durable.own import Declared, Own
from agentchat.durable.start import new_run, unknown
from agentchat.durable.workflow import CLEANUP, Workflow
from agentchat.errors import InvalidInput, RunNotFound
from agentchat.guard import Guard
from agentchat.inputs import checked_id, checked_json
from agentchat.models import Run
from agentchat.rights import Right
from agentchat.store import audits, ends, events, limits, repairs, runs
from agentchat.store.audits import Entry
from agentchat.store.database import Database
from agentchat.store.repairs import Fork
from agentchat.store.writer import Tx
from agentchat.views import LOCAL, Actor, LogView, RunView, StepView

P = ParamSpec("P")
T = TypeVar("T")

_STARTS = uuid.UUID("5b1f6a52-6d0c-4d2b-9d6e-0c8f6f1d2a77")
"""The namespace of the ids of runs that are started by a key."""


class Runs:
    """Everything that can be done with runs.

    Every verb takes effect in one transaction, and is safe when two people press at once:
    one of them has the effect, the other is told. Verbs on one run raise RunNotFound, and
    :class:`~agentchat.errors.WrongState` where the run is in no state for it.

    What a person does to a run that is there is written down with who did it, in the same
    transaction (:class:`~agentchat.models.Audit`). ``own`` are workflows whose runs belong to
    something else. ``interrupt`` wakes the worker of this process.
    """

    def __init__(
        self,
        database: Database,
        workflows: Mapping[str, Workflow[..., Any]],
        clock: Clock,
        *,
        guard: Guard | None = None,
        interrupt: Callable[[str], None] = lambda _run_id: None,
        own: Mapping[str, Own] | None = None,
    ) -> None:
        self._database = database
        self._workflows = workflows
        self._clock = clock
        self._guard = guard or Guard(clock.now, everybody=True)
        self._interrupt = interrupt
        self._own = own or {}
        self._actor = LOCAL

    def by(self, actor: Actor) -> Runs:
        """The same verbs, done by ``actor``."""
        other = copy.copy(self)
        other._actor = actor
        return other

    # Starting and following

    async def start(self, workflow: Workflow[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> str:
        """Start a workflow this app was opened with, and return the id of its run.

        ``workflow.options(...)`` says how: with a key, a priority, later. Raises TypeError
        and InvalidInput for arguments that do not fit.
        """
        return await self._start(checked_id(None), workflow, workflow.bind(*args, **kwargs))

    async def start_once(
        self, key: str, workflow: Workflow[P, Any], /, *args: P.args, **kwargs: P.kwargs
    ) -> str:
        """As :meth:`start`, but the same key is the same run however often it is started."""
        run_id = uuid.uuid5(_STARTS, f"{workflow.name}\n{key}").hex
        return await self._start(run_id, workflow, workflow.bind(*args, **kwargs))

    async def get(self, run_id: str) -> RunView:
        """The run as it is now."""
        self._guard.person(self._actor)
        return await self._database.read(_view, checked_id(run_id), self._guard, self._actor)

    def follow(self, run_id: str) -> AsyncGenerator[RunView, None]:
        """Yield a run now and whenever it changes."""
        self._guard.person(self._actor)
        return self._database.live.follow(_view, checked_id(run_id), self._guard, self._actor)

    async def result(self, run_id: str) -> RunView:
        """Wait until a run has ended, and return it."""
        async for run in self.follow(run_id):
            if run.ended:
                return run
        raise RunNotFound

    async def steps(self, run_id: str) -> tuple[StepView, ...]:
        """The steps of a run with every try, in the order in which they were begun."""
        run = await self._seen(run_id, Right.READ)
        return await self._database.read(reads.step_views, run.id)

    async def logs(self, run_id: str, *, after: int = 0) -> tuple[LogView, ...]:
        """The lines that a run logged after the one of this id, up to a thousand."""
        run = await self._seen(run_id, Right.READ)
        return await self._database.read(reads.log_views, run.id, after)

    def declared(self, workflow: str) -> Declared:
        """What this app knows of the workflow of this name."""
        found, own = self._workflows.get(workflow), self._own.get(workflow)
        return Declared(
            knows=found is not None,
            events=() if found is None else tuple(event.name for event in found.events),
            cleanup=CLEANUP if found is None else found.cleanup,
            own="" if own is None or own.fork is not None else own.words,
            ends=own is not None and own.end is not None,
            beside=own is not None and own.fork is not None,
        )

    # Events

    @overload
    async def send_event(
        self, run_id: str, event: EventType[T], payload: T, *, key: str | None = None
    ) -> bool: ...
    @overload
    async def send_event(
        self, run_id: str, event: str, payload: Any = None, *, key: str | None = None
    ) -> bool: ...
    async def send_event(
        self,
        run_id: str,
        event: EventType[Any] | str,
        payload: Any = None,
        *,
        key: str | None = None,
    ) -> bool:
        """Send a run the event it waits for, or will; false if it came too late.

        The first event with a ``key`` counts, so that a double click is one event. Raises
        InvalidInput if the payload does not fit, or if the run's workflow declares its
        events and this is none of them.
        """
        run = await self._find(run_id)
        name, stored = prepared(event if run is None else self._declared(run, event), payload)
        run_id, key, now = checked_id(run_id), checked_id(key), self._clock.now()
        by = self._actor.name

        def send(tx: Tx) -> bool:
            return events.send(tx, run_id, name=name, key=key, payload=stored, sent_by=by, now=now)

        return await self._do("send event", run_id, send, event=name)

    # Stopping

    async def cancel(self, run_id: str) -> bool:
        """Stop a run and the runs it waits for; false if it is stopping or over already.

        One that has begun may clean up, for as long as its workflow allows.
        """
        run = await self._seen(run_id)
        cleanup = self._workflow(run).cleanup if run.workflow in self._workflows else CLEANUP
        now, by = self._clock.now(), self._actor.name

        def cancel(tx: Tx) -> bool:
            return ends.cancel(tx, run.id, by=by, now=now, cleanup=cleanup)

        return await self._end("cancel", run, cancel)

    async def kill(self, run_id: str) -> bool:
        """End a run and the runs it waits for at once, without any clean-up; false if it is
        over already.
        """
        run = await self._seen(run_id)
        now, by = self._clock.now(), self._actor.name

        def kill(tx: Tx) -> bool:
            return ends.kill(tx, run.id, by=by, now=now)

        killed = await self._end("kill", run, kill)
        self._interrupt(run.id)
        return killed

    async def pause(self, run_id: str) -> None:
        """Let a run stand still until it is resumed: at once, or after its step at hand."""
        run, by = await self._seen(run_id), self._actor.name
        await self._do("pause", run.id, lambda tx: repairs.pause(tx, run.id, by=by))

    async def pause_workflow(self, workflow: Workflow[..., Any] | str) -> None:
        """Let no run of a workflow begin or go on until it is resumed; new ones queue."""
        self._guard.operator(self._actor)
        name = workflow if isinstance(workflow, str) else workflow.name
        now, by = self._clock.now(), self._actor

        def pause(tx: Tx) -> None:
            if limits.pause_workflow(tx, name, by=by.name, now=now):
                audits.add(tx, Entry("workflow", name, "pause", by), now=now)

        await self._database.write(pause)

    async def resume_workflow(self, workflow: Workflow[..., Any] | str) -> None:
        """Let the runs of a paused workflow go on."""
        self._guard.operator(self._actor)
        name = workflow if isinstance(workflow, str) else workflow.name
        now, by = self._clock.now(), self._actor

        def resume(tx: Tx) -> None:
            if limits.resume_workflow(tx, name):
                audits.add(tx, Entry("workflow", name, "resume", by), now=now)

        await self._database.write(resume)

    # Repairing

    async def resume(self, run_id: str) -> None:
        """Let a paused run go on; a step whose tries were over is tried again."""
        run, now = await self._seen(run_id), self._clock.now()
        await self._do("resume", run.id, lambda tx: repairs.resume(tx, run.id, now=now))

    async def retry(self, run_id: str) -> None:
        """Let a failed or stopped run go on from the step that failed; a run that it waited
        for and that failed is retried likewise. What is finished is not done again.
        """
        run, now = await self._seen(run_id), self._clock.now()
        own = self._own.get(run.workflow)

        def retry(tx: Tx) -> None:
            if own is not None and own.go_on is not None:
                # First: all who change an answer hold its thread before its run.
                own.go_on(tx, run, now)
            repairs.retry(tx, run.id, now=now)

        await self._do("retry", run.id, retry)

    async def rerun(
        self, run_id: str, data: Mapping[str, Any] | None = None, *, new_id: str | None = None
    ) -> str:
        """Start a new run from the beginning with the same arguments, or with those named in
        ``data`` changed; return its id. The same ``new_id`` is one run.
        """
        run = await self._found(run_id)
        return await self._fork(run, self._fork_of(run, data), new_id)

    async def fork(
        self,
        run_id: str,
        step: str | None = None,
        *,
        input: list[Any] | None = None,
        result: Any = ...,
        data: Mapping[str, Any] | None = None,
        new_id: str | None = None,
    ) -> str:
        """Start a new run that goes on from ``step`` of this one, and return its id.

        Steps finished before it are copied, not done again; without ``step`` all that are
        finished. The step itself is done again, with other arguments if ``input`` gives
        them, or has ``result`` for its result. Raises InvalidInput if there is no such step.
        """
        run = await self._found(run_id)
        if step is None and (input is not None or result is not ...):
            raise InvalidInput("Name the step whose input or result is to be another.")
        if input is not None and result is not ...:
            raise InvalidInput("A step with another result is not done, so it needs no input.")
        fork = self._fork_of(run, data)
        fork.step, fork.everything = step, step is None
        if input is not None:
            fork.input = checked_json(input, f"The input of step {step!r}")
        if result is not ...:
            fork.result = [checked_json(result, f"The result of step {step!r}")]
        return await self._fork(run, fork, new_id)

    # Inside

    def _declared(self, run: Run, event: EventType[Any] | str) -> EventType[Any] | str:
        workflow = self._workflows.get(run.workflow)
        if workflow is None or not workflow.events:
            return event
        name = event if isinstance(event, str) else event.name
        for declared in workflow.events:
            if declared.name == name:
                return declared
        names = ", ".join(repr(declared.name) for declared in workflow.events)
        raise InvalidInput(f"{workflow.name!r} waits for {names}, not for {name!r}.")

    def _workflow(self, run: Run) -> Workflow[..., Any]:
        workflow = self._workflows.get(run.workflow)
        if workflow is None:
            raise unknown(run.workflow)
        return workflow

    def _fork_of(self, run: Run, data: Mapping[str, Any] | None) -> Fork:
        if not data:
            return Fork(run.data)
        return Fork(self._workflow(run).bind(**(run.data | dict(data))), edited=True)

    async def _end(self, action: str, run: Run, end: Callable[[Tx], bool]) -> bool:
        """End a run, in its own way if it belongs to something; whether it was under way."""
        own, by, now = self._own.get(run.workflow), self._actor, self._clock.now()
        also: list[str] = []

        def end_own(tx: Tx) -> bool:
            assert own is not None
            assert own.end is not None
            also[:] = own.end(tx, run, by, now)
            return bool(also)

        with_own = own is not None and own.end is not None
        ended = await self._do(action, run.id, end_own if with_own else end)
        for run_id in also:
            self._interrupt(run_id)
        return ended

    async def _do(self, action: str, run_id: str, do: Callable[[Tx], T], **detail: Any) -> T:
        """Change a run, and write down who did, unless it had no effect."""
        entry, now = Entry("run", run_id, action, self._actor, detail), self._clock.now()

        def done(tx: Tx) -> T:
            # Again, for it counts in the moment in which it is done.
            self._guard.run_id(tx, run_id, self._actor, Right.WRITE)
            result = do(tx)
            if result is not False:
                audits.add(tx, entry, now=now)
            return result

        return await self._database.write(done)

    async def _found(self, run_id: str) -> Run:
        run = await self._seen(run_id)
        own = self._own.get(run.workflow)
        if own is not None and own.fork is None:
            raise InvalidInput(own.words)
        return run

    async def _seen(self, run_id: str, right: Right = Right.WRITE) -> Run:
        run = await self._find(run_id, right)
        if run is None:
            raise RunNotFound
        return run

    async def _find(self, run_id: str, right: Right = Right.WRITE) -> Run | None:
        self._guard.person(self._actor)
        return await self._database.read(_find, checked_id(run_id), self._guard, self._actor, right)

    async def _start(
        self, run_id: str, workflow: Workflow[..., Any], arguments: dict[str, Any]
    ) -> str:
        self._guard.person(self._actor)
        self._guard.pace(self._actor, "start")
        if workflow.name not in self._workflows:
            raise unknown(workflow.name)
        if workflow.name in self._own:
            raise InvalidInput(f"{workflow.name!r} is started by the app itself.")
        run = new_run(run_id, workflow, arguments, self._clock.now(), self._actor)
        await self._database.write(runs.add_once, run)
        return run_id

    async def _fork(self, run: Run, fork: Fork, new_id: str | None) -> str:
        self._guard.pace(self._actor, "start")
        workflow = self._workflow(run)
        now, by = self._clock.now(), self._actor
        new = new_run(checked_id(new_id), workflow, fork.data, now, by)
        if fork.step is not None or fork.everything:
            # It goes on with the journal of older code, and is checked against the newest.
            new.version, new.code = run.version, run.code
        new.priority, new.thread_id = run.priority, run.thread_id
        step = {} if fork.step is None else {"step": fork.step}
        again = fork.step is None and not fork.everything
        own = self._own.get(run.workflow)
        make: Callable[[Tx], object] = partial(repairs.fork, run_id=run.id, fork=fork, new=new)
        if own is not None and own.fork is not None:
            make = await own.fork(self._database, run, fork, new, by)

        await self._do("rerun" if again else "fork", run.id, make, new=new.id, **step)
        return new.id


def _find(session: Session, run_id: str, guard: Guard, actor: Actor, right: Right) -> Run | None:
    run = runs.get(session, run_id)
    if run is None:
        guard.run_id(session, run_id, actor, right)
        return None
    guard.run(session, run, actor, right)
    return run


def _view(session: Session, run_id: str, guard: Guard, actor: Actor) -> RunView:
    guard.run_id(session, run_id, actor, Right.READ)
    return reads.run_view(session, run_id)
