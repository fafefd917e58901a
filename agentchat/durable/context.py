"""What a workflow sees: its steps."""

from __future__ import annotations

import random
import uuid
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Concatenate, TypeVar, TypeVarTuple, overload

from pydantic import TypeAdapter, ValidationError

from agentchat.durable import waits
from agentchat.durable.branches import gather
from agentchat.durable.clock import Clock
from agentchat.durable.journal import Journal, Key, hash_of
from agentchat.durable.results import result_of
from agentchat.durable.retry import NO_RETRY, Error, RetryPolicy, tries_of
from agentchat.durable.waits import Waits
from agentchat.errors import Fenced, InvalidInput, LeaseLost, Suspend, WaitTimeout
from agentchat.inputs import storable
from agentchat.models import Event, RunStatus, StepStatus
from agentchat.store import journal, runs
from agentchat.store.database import Database
from agentchat.store.runs import Hold
from agentchat.store.writer import Tx

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's claim on a run."""

    worker: str
    hold: Hold


class Context:
    """Given to a workflow as its first argument; one for each time the run is resumed.

    A step is remembered for ever: asked for again, it returns what it returned. Its key is
    its name and occurrence. Leaving by :class:`LeaseLost` is a BaseException, so that
    ``except Exception`` in a workflow cannot swallow it.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        claim: Claim,
        steps: Journal,
        sent: list[Event],
        chance: random.Random,
    ) -> None:
        self.ended = False
        self._waits = Waits(sent)
        self._database = database
        self._clock = clock
        self._claim = claim
        self._journal = steps
        self._chance = chance

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self._claim.hold.run_id

    @property
    def hold(self) -> Hold:
        """The hold that writes of this run must show; its attempt grows with retries."""
        return self._claim.hold

    async def step(
        self,
        name: str,
        function: Callable[[*Ts], Awaitable[T]],
        *args: *Ts,
        retry: RetryPolicy = NO_RETRY,
    ) -> T:
        """Do something with an effect outside the database, at least once.

        It runs again if the process dies before its result is stored, so it should pass on
        :meth:`idempotency_key` where the other side takes one. Arguments and result must be
        data (what pydantic can write as JSON). An error it raises, after the tries that
        ``retry`` allows, is raised here and not remembered.
        """
        key, args_hash = self._journal.key(name), hash_of(name, args)
        recorded = self._journal.recorded(key, args_hash)
        adapter = result_of(function)
        if recorded is not None:
            remembered: T = adapter.validate_python(recorded.result)
            return remembered
        started = self._clock.now()
        await self._write(runs.change, step=str(key))
        tries = 0
        async for attempt in tries_of(retry, self._chance, self._clock, self._will_retry):
            with attempt:
                tries = attempt.retry_state.attempt_number
                _tries.set(tries)
                if tries > 1:
                    await self._write(runs.change, retry_at=None)
                result = await function(*args)
        await self._write(
            _record,
            self._row(key, args_hash, adapter.dump_python(result, mode="json"), started)
            | {"tries": tries},
        )
        return result

    async def transaction(
        self,
        name: str,
        function: Callable[[Tx, *Ts], T],
        *args: *Ts,
    ) -> T:
        """Change rows exactly once: they and the journal row are one commit."""
        return await self._transaction(name, function, args, {})

    async def finish(self, name: str, function: Callable[[Tx, *Ts], T], *args: *Ts) -> T:
        """A last transaction step: its rows, its journal row and the end of the run are one
        commit. The workflow must return right after it.
        """
        end = {"status": RunStatus.DONE, "finished_at": self._clock.now()}
        result = await self._transaction(name, function, args, end)
        self.ended = True
        return result

    def idempotency_key(self, name: str) -> str:
        """A key that is the same each time this run does this step."""
        return f"{self.run_id}:{name}"

    @property
    def tries(self) -> int:
        """Inside a step: which try this is, from 1."""
        return _tries.get()

    async def sleep(self, name: str, delay: timedelta) -> None:
        """Go on after ``delay``, however often the process is restarted meanwhile.

        Nothing is held while it waits: no coroutine, no thread, no worker.
        """
        await self._wait(name, None, self._clock.now() + delay)

    async def sleep_until(self, name: str, moment: datetime) -> None:
        """Go on at an aware time; at once if it is past."""
        await self._wait(name, None, moment)

    async def wait_for(self, name: str, payload: type[T], *, timeout: timedelta | None = None) -> T:
        """Wait for the event of this name, and return its payload.

        An event that came before the wait counts. Events of one name are taken in the order
        they came. Raises WaitTimeout when none came in time, and InvalidInput for a payload
        that is not of its type.
        """
        until = None if timeout is None else self._clock.now() + timeout
        outcome = await self._wait(name, name, until)
        if outcome is None:
            raise WaitTimeout(f"No event {name!r} came in time.")
        try:
            return TypeAdapter(payload).validate_python(outcome["payload"])
        except ValidationError as error:
            raise InvalidInput(
                f"The event {name!r} has a payload that does not fit: {error}"
            ) from error

    @overload
    async def gather(self, a: Awaitable[A], b: Awaitable[B], /) -> tuple[A, B]: ...
    @overload
    async def gather(
        self, a: Awaitable[A], b: Awaitable[B], c: Awaitable[C], /
    ) -> tuple[A, B, C]: ...
    @overload
    async def gather(self, *branches: Awaitable[A]) -> tuple[A, ...]: ...
    async def gather(self, *branches: Awaitable[Any]) -> tuple[Any, ...]:
        """Do several things at once; see :func:`agentchat.durable.branches.gather`."""
        return await gather(branches)

    async def now(self) -> datetime:
        """The time, the same whenever this place is reached again."""
        clock = self._clock

        def now(_tx: Tx) -> datetime:
            return clock.now()

        return await self._transaction("now", now, (), {})

    async def random(self) -> float:
        """A number from 0 to 1, the same whenever this place is reached again."""
        chance = self._chance

        def random(_tx: Tx) -> float:
            return chance.random()

        return await self._transaction("random", random, (), {})

    async def uuid(self) -> str:
        """A random id, the same whenever this place is reached again."""

        def new_id(_tx: Tx) -> str:
            return uuid.uuid4().hex

        return await self._transaction("uuid", new_id, (), {})

    async def suspend(self) -> None:
        """Write down what the run waits for, and let go of it. Called by the engine."""
        await self._write(self._waits.suspend, now=self._clock.now())

    async def _wait(
        self, name: str, event: str | None, until: datetime | None
    ) -> dict[str, Any] | None:
        """The outcome of a wait that is over: an event, or None for its time. Else Suspend."""
        key, args_hash = self._journal.key(name), hash_of(name, (event,))
        begun = self._journal.recorded(key, args_hash)
        if begun is not None and begun.status == StepStatus.DONE:
            remembered: dict[str, Any] | None = begun.result
            return remembered
        wake_at = until if begun is None else begun.wake_at
        now = self._clock.now()
        row = {
            **self._row(key, args_hash, None, now if begun is None else begun.started_at),
            "wake_at": wake_at,
            "event": event,
        }
        taken = self._waits.take(event)
        if taken is None and (wake_at is None or wake_at > now):
            self._waits.add(key, row, begun=begun is not None)
            raise Suspend
        outcome = None if taken is None else {"event": taken.id, "payload": taken.payload}
        await self._write(waits.end, {**row, "result": outcome}, taken=taken)
        return outcome

    async def _transaction(
        self, name: str, function: Callable[..., T], args: tuple[Any, ...], end: dict[str, Any]
    ) -> T:
        key, args_hash = self._journal.key(name), hash_of(name, args)
        recorded = self._journal.recorded(key, args_hash)
        adapter = result_of(function)
        if recorded is not None:
            remembered: T = adapter.validate_python(recorded.result)
            return remembered
        started = self._clock.now()

        def unit(tx: Tx, hold: Hold) -> T:
            runs.change(tx, hold, step=str(key), **end)
            value = function(tx, *args)
            stored = adapter.dump_python(value, mode="json")
            journal.record(tx, self._row(key, args_hash, stored, started))
            return value

        return await self._write(unit)

    async def _write(
        self, unit: Callable[Concatenate[Tx, Hold, ...], T], *args: Any, **values: Any
    ) -> T:
        try:
            return await self._database.write(unit, self._claim.hold, *args, **values)
        except Fenced as error:
            raise LeaseLost(str(error)) from error

    def _row(self, key: Key, args_hash: str, result: Any, started: datetime) -> dict[str, Any]:
        return {
            "run_id": self.run_id,
            "name": key.name,
            "occurrence": key.occurrence,
            "args_hash": args_hash,
            "result": result,
            "attempt": self._claim.hold.attempt,
            "worker": self._claim.worker,
            "started_at": started,
            "finished_at": self._clock.now(),
        }

    async def _will_retry(self, tries: int, most: int, delay: timedelta, error: Error) -> None:
        await self._write(
            runs.change,
            tries=tries,
            max_tries=most,
            retry_at=self._clock.now() + delay,
            error=storable(str(error)),
            error_kind=getattr(error, "kind", type(error).__name__),
        )


def _record(tx: Tx, hold: Hold, row: dict[str, Any]) -> None:
    runs.change(tx, hold, tries=0, max_tries=0, retry_at=None, error=None, error_kind=None)
    journal.record(tx, row)


_tries: ContextVar[int] = ContextVar("tries", default=1)
