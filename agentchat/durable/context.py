"""What a workflow sees: its steps."""

from __future__ import annotations

import inspect
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import CodeType
from typing import Any, Concatenate, TypeVar, TypeVarTuple, get_type_hints

from pydantic import TypeAdapter
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from agentchat.durable.clock import Clock
from agentchat.durable.journal import Journal, Key, hash_of
from agentchat.durable.retry import NO_RETRY, RetryPolicy, waits
from agentchat.errors import Fenced, LeaseLost
from agentchat.models import RunStatus
from agentchat.store import journal, runs
from agentchat.store.database import Database
from agentchat.store.runs import Hold
from agentchat.store.writer import Tx

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


@dataclass(slots=True)
class Claim:
    """A worker's claim on a run. ``hold`` changes when a retry raises the attempt."""

    worker: str
    hold: Hold


class Context:
    """Given to a workflow as its first argument; one for each time the run is resumed.

    A step is remembered for ever: asked for again, it returns what it returned. Its key is
    its name and occurrence. Leaving by :class:`LeaseLost` is a BaseException, so that
    ``except Exception`` in a workflow cannot swallow it.
    """

    def __init__(
        self, database: Database, clock: Clock, claim: Claim, steps: Journal, chance: random.Random
    ) -> None:
        self.ended = False
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
        adapter = _result_of(function)
        if recorded is not None:
            remembered: T = adapter.validate_python(recorded.result)
            return remembered
        started = self._clock.now()
        await self._write(runs.change, step=str(key))
        tries = 0
        async for attempt in AsyncRetrying(
            retry=retry_if_exception(retry.may_retry),
            stop=stop_after_attempt(retry.attempts),
            wait=waits(retry, self._chance),
            sleep=self._sleep,
            before_sleep=self._will_retry(retry),
            reraise=True,
        ):
            with attempt:
                tries = attempt.retry_state.attempt_number
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

    def now(self) -> datetime:
        """The time; not remembered, so nothing may be decided by it outside a step."""
        return self._clock.now()

    async def _transaction(
        self, name: str, function: Callable[..., T], args: tuple[Any, ...], end: dict[str, Any]
    ) -> T:
        key, args_hash = self._journal.key(name), hash_of(name, args)
        recorded = self._journal.recorded(key, args_hash)
        adapter = _result_of(function)
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

    async def _sleep(self, seconds: float) -> None:
        await self._clock.sleep(timedelta(seconds=seconds))

    def _will_retry(self, retry: RetryPolicy) -> Callable[[RetryCallState], Awaitable[None]]:
        async def write_down(state: RetryCallState) -> None:
            hold = self._claim.hold
            raised = Hold(hold.run_id, hold.attempt + 1, hold.thread_id)
            delay = timedelta(seconds=state.next_action.sleep if state.next_action else 0)
            error = state.outcome.exception() if state.outcome else None
            # The attempt rises with a retry too: text of the failed try is then outdated,
            # and a late write of it changes no row.
            await self._write(
                runs.change,
                attempt=raised.attempt,
                tries=state.attempt_number + 1,
                max_tries=retry.attempts,
                retry_at=self._clock.now() + delay,
                error=str(error),
                error_kind=getattr(error, "kind", type(error).__name__),
            )
            self._claim.hold = raised

        return write_down


def _record(tx: Tx, hold: Hold, row: dict[str, Any]) -> None:
    runs.change(tx, hold, tries=0, max_tries=0, retry_at=None, error=None, error_kind=None)
    journal.record(tx, row)


_results: dict[CodeType, TypeAdapter[Any]] = {}


def _result_of(function: Callable[..., Any]) -> TypeAdapter[Any]:
    """How the result of a step is written and read, by the function's return type."""
    # By code, not by function: a workflow's inner functions are made anew for every run.
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code in _results:
        return _results[code]
    adapter = TypeAdapter(
        get_type_hints(getattr(function, "__func__", function)).get("return", Any)
    )
    if code is not None:
        _results[code] = adapter
    return adapter
