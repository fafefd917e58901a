"""Doing an action step: its tries, their time limits, and what is written of them."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from pydantic import TypeAdapter

from agentchat.columns import Encoded
from agentchat.durable.clock import Clock
from agentchat.durable.hand import Hand, at_hand, cleaning, counted, failure, kind_of
from agentchat.durable.journal import Key
from agentchat.durable.late import Late
from agentchat.durable.ledger import Ledger
from agentchat.durable.retry import Error, RetryPolicy, tries_of
from agentchat.durable.values import encoded
from agentchat.errors import (
    Cancelled,
    LeaseLost,
    OutcomeUnknown,
    Pause,
    StepTimeout,
)
from agentchat.inputs import storable
from agentchat.models import Step, StepStatus
from agentchat.store import journal, runs
from agentchat.store.runs import Hold
from agentchat.store.writer import Tx

SHORT = timedelta(seconds=5)
"""Up to here a wait between tries is slept out; a longer one is a row, and holds nothing."""


@dataclass(frozen=True, slots=True)
class Action:
    """A step to be done. ``begun`` is what the journal holds of an earlier beginning."""

    key: Key
    args_hash: str
    input: Encoded | None
    function: Callable[..., Awaitable[Any]]
    args: tuple[Any, ...]
    adapter: TypeAdapter[Any]
    policy: RetryPolicy
    once: bool
    begun: Step | None


class StandBy(Protocol):
    """Lets a step wait until its next try is due; raises Suspend when all of the run waits."""

    def __call__(self, key: Key, row: dict[str, Any], *, begun: bool) -> Awaitable[None]: ...


class Actions:
    """Does the action steps of one execution; ``stopping`` once its run is cancelled."""

    def __init__(
        self, ledger: Ledger, clock: Clock, stand_by: StandBy, chance: random.Random, late: Late
    ) -> None:
        self.stopping = False
        self.settled = asyncio.Event()
        """Set unless a step is under way that must not be done twice."""
        self.settled.set()
        self._unrepeatable = 0
        self._ledger = ledger
        self._clock = clock
        self._stand_by = stand_by
        self._chance = chance
        self._late = late
        self._tasks: set[asyncio.Task[Any]] = set()
        self._cut: set[asyncio.Task[Any]] = set()

    def cancel(self) -> None:
        """Cut off what is under way: it raises Cancelled."""
        self.stopping = True
        for task in self._tasks:
            self._cut.add(task)
            task.cancel()

    async def do(self, action: Action) -> Any:
        """The result of the step, written down.

        Raises StepFailed, or Pause, when its tries are over; Suspend for a long wait.
        """
        if not action.once:
            return await self._do(action)
        self._unrepeatable += 1
        self.settled.clear()
        try:
            return await self._do(action)
        finally:
            self._unrepeatable -= 1
            if not self._unrepeatable:
                self.settled.set()

    async def _do(self, action: Action) -> Any:
        done = await self._take_up(action)
        hand = self._hand(action, done + 1, counted(action.begun))

        async def wait(tries: int, delay: timedelta, error: Error) -> None:
            await self._wait(action, hand, tries, delay, error)

        async def attempt_once(tries: int) -> tuple[Encoded, Any]:
            nonlocal hand
            if tries > 1:
                values = {"tries": tries, "max_tries": action.policy.attempts}
                await self._ledger.write(runs.change, retry_at=None, **values)
            hand = self._hand(action, tries, hand.spending())
            result = await self._try(action, hand)
            return encoded(action.adapter, result, f"The result of step {str(action.key)!r}")

        try:
            try:
                stored, value = await attempt_once(done + 1)
            except Exception as error:
                # Only now is there something to be tried again; most steps never come here.
                failed: list[Exception] = [error]
                async for attempt in tries_of(action.policy, self._chance, wait, done=done):
                    with attempt:
                        if failed:
                            raise failed.pop() from None
                        tries = done + attempt.retry_state.attempt_number
                        stored, value = await attempt_once(tries)
        except Exception as error:
            raise await self._fail(action, hand, error) from error
        except Cancelled:
            if hand.spent:
                row = self._row(action, hand, status=StepStatus.RUNNING, finished_at=None)
                await self._ledger.write(_record, row, hand, was_tried=False)
            raise
        row = self._row(action, hand, status=StepStatus.DONE, result=stored)
        await self._ledger.write(_record, row, hand, was_tried=hand.tries > 1)
        self._ledger.begun.discard(action.key)
        return value

    async def _take_up(self, action: Action) -> int:
        """How many tries there were before, of those that count."""
        begun = action.begun
        if begun is None or begun.status == StepStatus.EDITED:
            return 0
        if begun.status in (StepStatus.RUNNING, StepStatus.DROPPED):
            if action.once:
                unknown = OutcomeUnknown(step=str(action.key), kind="outcome_unknown")
                hand = Hand(str(action.key), begun.tries, begun.started_at, begun.started_at)
                raise await self._fail(action, hand, unknown)
            if begun.status == StepStatus.DROPPED:
                return 0
            self._ledger.attempt(
                self._lost(begun, "interrupted", "Its worker ended before the step did.")
            )
            return begun.tries - 1
        if begun.wake_at is None:
            # Somebody has mended what was wrong: the tries begin anew.
            return 0
        if (left := begun.wake_at - self._clock.now()) > timedelta():
            if not self.stopping:
                await self._suspend(action.key, begun.wake_at)
            else:
                await self._clock.sleep(left)
        return begun.tries

    def _hand(self, action: Action, tries: int, before: dict[str, Any]) -> Hand:
        now, begun = self._clock.now(), action.begun
        lost = begun is not None and begun.status == StepStatus.RUNNING and begun.tries == tries
        lost_at = begun.started_at if begun is not None and lost else None
        return Hand(str(action.key), tries, now, now, lost_at=lost_at, before=before)

    async def _try(self, action: Action, hand: Hand) -> Any:
        writing: list[asyncio.Task[None]] = []
        self._ledger.begun.add(action.key)
        if action.once:
            await self._ledger.write(_begin, self._begun(action, hand), hand.key)

        mine = copy_context()

        def begin() -> None:
            writing.append(asyncio.create_task(self._begin(action, hand), context=mine))

        late = self._late.begin(begin)
        token = at_hand.set(hand)
        try:
            return await self._within_time(action, hand)
        except StepTimeout as error:
            if action.once:
                raise OutcomeUnknown(step=hand.key, kind="outcome_unknown") from error
            raise
        finally:
            at_hand.reset(token)
            self._late.end(late)
            for task in writing:
                task.cancel()

    async def _begin(self, action: Action, hand: Hand) -> None:
        # What is written next hears that the run is lost; here nobody does.
        with contextlib.suppress(LeaseLost):
            await self._ledger.write(_begin, self._begun(action, hand), hand.key)

    def _begun(self, action: Action, hand: Hand) -> dict[str, Any]:
        return self._row(action, hand, status=StepStatus.RUNNING, finished_at=None)

    async def _within_time(self, action: Action, hand: Hand) -> Any:
        policy, watch = action.policy, None
        task = asyncio.current_task()
        assert task is not None
        self._go_on()
        if policy.timeout is not None or policy.idle is not None:
            watch = asyncio.create_task(self._watch(task, hand, policy))
        try:
            return await self._interruptible(task, hand, action.function(*action.args))
        finally:
            if watch is not None:
                watch.cancel()

    async def _interruptible(
        self, task: asyncio.Task[Any], hand: Hand, awaitable: Awaitable[Any]
    ) -> Any:
        self._tasks.add(task)
        try:
            return await awaitable
        except asyncio.CancelledError:
            expired, cut = self._taken_back(task, hand)
            # Only what we asked for is turned into an error: the worker may be closing too.
            if task.cancelling():
                raise
            if cut:
                raise Cancelled from None
            raise (
                StepTimeout(expired) if expired else RuntimeError("The step cancelled itself.")
            ) from None
        except Exception as error:
            if task in self._cut:
                # Whatever it makes of it, it was cut off.
                raise Cancelled from error
            raise
        finally:
            self._taken_back(task, hand)
            self._tasks.discard(task)

    def _taken_back(self, task: asyncio.Task[Any], hand: Hand) -> tuple[str, bool]:
        """What the step was told to end for, which is not asked of what comes after it."""
        expired, cut = hand.expired, task in self._cut
        hand.expired = ""
        self._cut.discard(task)
        for _ in range(bool(expired) + cut):
            task.uncancel()
        return expired, cut

    def _go_on(self) -> None:
        """Raises Cancelled if the run was while nothing was there to be cut off."""
        if self.stopping and not cleaning.get():
            raise Cancelled

    async def _watch(self, task: asyncio.Task[Any], hand: Hand, policy: RetryPolicy) -> None:
        while True:
            ends = []
            if policy.timeout is not None:
                words = f"The step took longer than {policy.timeout}."
                ends.append((hand.started + policy.timeout, words))
            if policy.idle is not None:
                ends.append((hand.beat + policy.idle, f"The step was silent for {policy.idle}."))
            end, words = min(ends)
            now = self._clock.now()
            if now >= end:
                hand.expired = words
                task.cancel()
                return
            await self._clock.sleep(end - now)

    async def _wait(
        self, action: Action, hand: Hand, tries: int, delay: timedelta, error: Error
    ) -> None:
        assert isinstance(error, Exception)
        now = self._clock.now()
        self._ledger.attempt(self._failed_try(action, hand, error))
        row = self._row(action, hand, status=StepStatus.RETRYING, wake_at=now + delay)
        await self._ledger.write(
            _retry, row, hand, tries=tries + 1, max_tries=action.policy.attempts, error=error
        )
        self._go_on()
        # Nobody would wake a run that is being stopped.
        if delay > SHORT and not self.stopping:
            await self._suspend(action.key, now + delay)
            return
        task = asyncio.current_task()
        assert task is not None
        await self._interruptible(task, hand, self._clock.sleep(delay))

    async def _suspend(self, key: Key, wake_at: datetime) -> None:
        await self._stand_by(key, {"wake_at": wake_at, "event": None}, begun=True)

    async def _fail(self, action: Action, hand: Hand, error: Exception) -> BaseException:
        """Write down that the tries are over; what is to be raised."""
        kind, words = kind_of(error), storable(str(error))
        pauses = action.policy.then == "pause" and not self.stopping
        if pauses and not isinstance(error, OutcomeUnknown):
            self._ledger.attempt(self._failed_try(action, hand, error))
            row = self._row(action, hand, status=StepStatus.RETRYING)
            await self._ledger.write(_record, row, hand, was_tried=True)
            return Pause(words, kind)
        row = self._row(action, hand, status=StepStatus.FAILED, error_kind=kind, error=words)
        await self._ledger.write(_record, row, hand, was_tried=hand.tries > 1)
        self._ledger.begun.discard(action.key)
        return failure(row, str(action.key))

    def _row(self, action: Action, hand: Hand, **values: Any) -> dict[str, Any]:
        return self._ledger.row(
            action.key,
            hand.started,
            **{
                "args_hash": action.args_hash,
                "input": action.input,
                "tries": hand.tries,
                **hand.spending(),
                **values,
            },
        )

    def _failed_try(self, action: Action, hand: Hand, error: Exception) -> dict[str, Any]:
        row = self._ledger.row(action.key, hand.started)
        del row["cleanup"]
        return row | {
            "tries": hand.tries,
            "error_kind": kind_of(error),
            "error": storable(str(error)),
        }

    def _lost(self, begun: Step, kind: str, words: str) -> dict[str, Any]:
        return {
            "run_id": begun.run_id,
            "branch": begun.branch,
            "name": begun.name,
            "occurrence": begun.occurrence,
            "attempt": begun.attempt,
            "tries": begun.tries,
            "worker": begun.worker,
            "error_kind": kind,
            "error": words,
            "started_at": begun.started_at,
            "finished_at": self._clock.now(),
        }


def _begin(tx: Tx, hold: Hold, row: dict[str, Any], step: str) -> None:
    runs.change(tx, hold, step=step)
    journal.write(tx, hold, row)


def _retry(
    tx: Tx,
    hold: Hold,
    row: dict[str, Any],
    hand: Hand,
    *,
    tries: int,
    max_tries: int,
    error: Exception,
) -> None:
    runs.change(
        tx,
        hold,
        tries=tries,
        max_tries=max_tries,
        retry_at=row["wake_at"],
        error=storable(str(error)),
        error_kind=kind_of(error),
    )
    _write_spending(tx, hold, row, hand)


def _record(tx: Tx, hold: Hold, row: dict[str, Any], hand: Hand, *, was_tried: bool) -> None:
    if was_tried:
        runs.change(tx, hold, tries=0, max_tries=0, retry_at=None, error=None, error_kind=None)
    _write_spending(tx, hold, row, hand)


def _write_spending(tx: Tx, hold: Hold, row: dict[str, Any], hand: Hand) -> None:
    if journal.write(tx, hold, row) and hand.spent:
        runs.spend(
            tx,
            hold,
            input_tokens=hand.input_tokens,
            output_tokens=hand.output_tokens,
            cost_usd=hand.cost_usd,
            estimated=hand.estimated,
        )
