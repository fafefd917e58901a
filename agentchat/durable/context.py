"""What a workflow sees: its steps."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, TypeVarTuple, overload

from agentchat.durable.branches import branch
from agentchat.durable.event_type import EventType, prepared
from agentchat.durable.hand import Hand, at_hand
from agentchat.durable.kinds import Kinds
from agentchat.durable.retry import NO_RETRY, RetryPolicy
from agentchat.durable.start import child_of
from agentchat.errors import InvalidInput, WaitTimeout
from agentchat.inputs import checked_json, storable
from agentchat.models import StepKind
from agentchat.store import events, runs
from agentchat.store.runs import Hold
from agentchat.store.writer import Tx

if TYPE_CHECKING:
    from agentchat.durable.workflow import Workflow

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
P = ParamSpec("P")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_SENDS = uuid.UUID("7c1c1a53-9a3b-4a0e-9d55-2a2f6f0d1b46")
"""The namespace of the keys of events that runs send."""


class Context(Kinds):
    """Given to a workflow as its first argument; one for each time the run is resumed.

    A step is remembered for ever: asked for again, it returns what it returned, or raises
    the failure it came to. Its key is its name and occurrence, within its branch of gather
    or race. Control flow leaves by :class:`~agentchat.errors.ControlFlow`, a BaseException,
    so that ``except Exception`` in a workflow cannot swallow it.
    """

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self._run.id

    @property
    def started_by(self) -> str:
        """The name of whoever started it."""
        return self._run.started_by

    @property
    def hold(self) -> Hold:
        """The hold that writes of this run must show."""
        return self._ledger.claim.hold

    # Steps

    async def step(
        self,
        name: str,
        function: Callable[[*Ts], Awaitable[T]],
        *args: *Ts,
        retry: RetryPolicy = NO_RETRY,
        once: bool = False,
        check_arguments: bool = True,
    ) -> T:
        """Do something with an effect outside the database, at least once.

        It runs again if the process dies before its result is stored, so it should pass
        :attr:`idempotency_key` on where the other side takes one. With ``once`` it is never
        begun a second time: interrupted, it raises OutcomeUnknown. Arguments and result must
        be data (what pydantic can write as JSON). Raises StepFailed when the tries that
        ``retry`` allows are over; that is remembered as well.

        ``check_arguments=False`` lets the arguments differ when the run is resumed: for
        those that are not the same each time, and do not matter.
        """
        if once and retry.attempts > 1:
            raise InvalidInput(f"Step {name!r} is to be done once, so it cannot be retried.")
        done: T = await self._step(name, function, args, retry, once, check_arguments)
        return done

    async def transaction(
        self,
        name: str,
        function: Callable[[Tx, *Ts], T],
        *args: *Ts,
    ) -> T:
        """Change rows exactly once: they and the journal row are one commit.

        ``function(tx, ...)`` must do nothing but that. An error it raises undoes it, and is
        raised as StepFailed, now and whenever the run is resumed.
        """
        value: T = await self._transaction(name, function, args)
        return value

    async def finish(self, name: str, function: Callable[[Tx, *Ts], T], *args: *Ts) -> T:
        """A last transaction step: its rows, its journal row and the end of the run are one
        commit, and its value the result of the run. The workflow must return right after it.
        """
        result: T = await self._transaction(name, function, args, end=True)
        self.ended = True
        return result

    def next_step(self, name: str) -> str:
        """The key that the next step of this name will have here."""
        return self._place(name)

    # Inside a step

    @property
    def idempotency_key(self) -> str:
        """Inside a step: a key that is the same each time this run does this step."""
        return f"{self.run_id}:{_hand().key}"

    @property
    def step_key(self) -> str:
        """Inside a step: which one of the run it is."""
        return _hand().key

    @property
    def tries(self) -> int:
        """Inside a step: which try this is, from 1."""
        return _hand().tries

    @property
    def lost_at(self) -> datetime | None:
        """Inside a step: when this try was begun before, by a worker that ended before the step
        did and had time to write that down; None if it was not.
        """
        return _hand().lost_at

    def heartbeat(self) -> None:
        """Inside a step: tell that it is alive, for the ``idle`` limit of its policy."""
        _hand().beat = self._clock.now()

    def spend(
        self,
        *,
        input_tokens: int = 0,
        output_tokens: int = 0,
        cost_usd: float | None = None,
        estimated: bool = False,
    ) -> None:
        """Inside a step: count tokens and US dollars, for the step and for its run."""
        hand = _hand()
        hand.input_tokens += input_tokens
        hand.output_tokens += output_tokens
        hand.estimated = hand.estimated or estimated
        if cost_usd is not None:
            hand.cost_usd = (hand.cost_usd or 0) + cost_usd

    def log(self, text: str, *, level: str = "info", **fields: Any) -> None:
        """Write a line to the run's log, with its next commit; once, however often the run
        is resumed. Raises InvalidInput if ``fields`` are not JSON.
        """
        here, hand = branch.get(), at_hand.get()
        occurrence = None
        if hand is None:
            if self._leaves:
                # It is written when the run really comes here.
                return
            occurrence = self._logged[here]
            self._logged[here] += 1
            if occurrence < self._logged_before.get(here, 0):
                return
        self._ledger.line(
            {
                "run_id": self.run_id,
                "branch": here,
                "occurrence": occurrence,
                "step": "" if hand is None else hand.key,
                "attempt": self.hold.attempt,
                "level": level[:20],
                "text": storable(text),
                "fields": checked_json(fields, "The fields of a log line") if fields else None,
                "created_at": self._clock.now(),
            }
        )

    # Waits

    async def sleep(self, name: str, delay: timedelta) -> None:
        """Go on after ``delay``, however often the process is restarted meanwhile.

        Nothing is held while it waits: no coroutine, no thread, no worker.
        """
        await self._wait(name, StepKind.SLEEP, None, self._clock.now() + delay)

    async def sleep_until(self, name: str, moment: datetime) -> None:
        """Go on at an aware time; at once if it is past."""
        if moment.tzinfo is None:
            raise InvalidInput(f"sleep_until {name!r} needs a time with a time zone.")
        await self._wait(name, StepKind.SLEEP, None, moment)

    @overload
    async def wait_for(self, event: EventType[T], /, *, timeout: timedelta | None = None) -> T: ...
    @overload
    async def wait_for(
        self, event: str, payload: type[T], /, *, timeout: timedelta | None = None
    ) -> T: ...
    async def wait_for(
        self,
        event: EventType[Any] | str,
        payload: type[Any] = object,
        /,
        *,
        timeout: timedelta | None = None,
    ) -> Any:
        """Wait for an event, and return its payload.

        An event that came before the wait counts. Events of one name are taken in the order
        they came. Raises WaitTimeout when none came in time, and InvalidInput for a payload
        that is not of its type.
        """
        kind = event if isinstance(event, EventType) else EventType(event, payload)
        until = None if timeout is None else self._clock.now() + timeout
        outcome = await self._wait(kind.name, StepKind.EVENT, kind.name, until)
        if outcome is None:
            raise WaitTimeout(f"No event {kind.name!r} came in time.")
        return kind.loaded(outcome["payload"])

    # Other runs

    async def run(self, workflow: Workflow[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Start a run of another workflow, wait for its end, and return its result.

        It is cancelled with this one. Raises StepFailed if it failed or was stopped.
        """
        result: T = await self._child(workflow, workflow.bind(*args, **kwargs))
        return result

    async def start(self, workflow: Workflow[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> str:
        """Start a run of another workflow, which goes on by itself; return its id."""
        self._check_known(workflow)
        data = workflow.bind(*args, **kwargs)
        name = f"start {workflow.name}"
        step = self._place(name)

        def start(tx: Tx) -> str:
            child = child_of(self._run, workflow, data, step, self._clock.now(), awaited=False)
            runs.add_once(tx, child)
            return child.id

        started: str = await self._transaction(name, start, (), asked=(data,))
        return started

    async def send_event(self, run_id: str, event: EventType[T] | str, payload: T) -> bool:
        """Send another run an event it waits for, or will; false if it came too late."""
        name, stored = prepared(event, payload)
        key = uuid.uuid5(_SENDS, f"{self.run_id}\n{self._place(f'send {name}')}").hex

        def send(tx: Tx) -> bool:
            by, now = f"run {self.run_id}", self._clock.now()
            return events.send(tx, run_id, name=name, key=key, payload=stored, sent_by=by, now=now)

        sent: bool = await self._transaction(f"send {name}", send, (), asked=(run_id, stored))
        return sent

    # Several things at once

    @overload
    async def gather(self, a: Awaitable[A], b: Awaitable[B], /) -> tuple[A, B]: ...
    @overload
    async def gather(
        self, a: Awaitable[A], b: Awaitable[B], c: Awaitable[C], /
    ) -> tuple[A, B, C]: ...
    @overload
    async def gather(self, *branches: Awaitable[A]) -> tuple[A, ...]: ...
    async def gather(self, *branches: Awaitable[Any]) -> tuple[Any, ...]:
        """Do several things at once, and return their results in the order given.

        All are let finish; then the error of the first that failed is raised.
        """
        return await self._gather(branches)

    @overload
    async def race(self, name: str, a: Awaitable[A], b: Awaitable[B], /) -> tuple[int, A | B]: ...
    @overload
    async def race(self, name: str, /, *branches: Awaitable[A]) -> tuple[int, A]: ...
    async def race(self, name: str, /, *branches: Awaitable[Any]) -> tuple[int, Any]:
        """Do several things at once until one has a result, or an error: return which that is
        (from 0) and its result, or raise its error. The others are cancelled, their runs too.

        Which one won is remembered, and is the same whenever the run is resumed.
        """
        return await self._race(name, branches)

    # The same each time

    async def now(self) -> datetime:
        """The time, the same whenever this place is reached again."""
        clock = self._clock

        def now(_tx: Tx) -> datetime:
            return clock.now()

        moment: datetime = await self._transaction("now", now, ())
        return moment

    async def random(self) -> float:
        """A number from 0 to 1, the same whenever this place is reached again."""
        chance = self._chance

        def random(_tx: Tx) -> float:
            return chance.random()

        number: float = await self._transaction("random", random, ())
        return number

    async def uuid(self) -> str:
        """A random id, the same whenever this place is reached again."""

        def new_id(_tx: Tx) -> str:
            return uuid.uuid4().hex

        made: str = await self._transaction("uuid", new_id, ())
        return made

    async def patched(self, name: str) -> bool:
        """Whether this run goes the new way at a place where the code was changed.

        True for a run that reaches this place for the first time, and from then on; False
        for one whose journal tells that older code had passed it. When no run is left that
        began before the change, take the call and the old way out.
        """
        return await self._patched(name)


def _hand() -> Hand:
    hand = at_hand.get()
    if hand is None:
        raise InvalidInput("This is for the inside of a step; no step is at hand here.")
    return hand
