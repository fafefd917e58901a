"""What each kind of step does, when the journal does not hold it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from agentchat.columns import Encoded, json_text
from agentchat.durable import branches, waits
from agentchat.durable.action import Action
from agentchat.durable.branches import branch
from agentchat.durable.hand import failure, heard, kind_of
from agentchat.durable.journal import UNCHECKED, hash_of
from agentchat.durable.replay import Replay, leaving
from agentchat.durable.results import arguments_of, result_of
from agentchat.durable.retry import RetryPolicy
from agentchat.durable.start import child_of
from agentchat.durable.values import decoded, encoded, input_of
from agentchat.errors import (
    Cancelled,
    InvalidInput,
    Pause,
    Suspend,
)
from agentchat.inputs import storable
from agentchat.models import RunStatus, Step, StepKind, StepStatus
from agentchat.store import ends, journal, repairs, runs
from agentchat.store.journal import Remembered
from agentchat.store.runs import Hold
from agentchat.store.writer import Tx

if TYPE_CHECKING:
    from agentchat.durable.workflow import Workflow


class Kinds(Replay):
    """Steps, transactions, waits, other runs, branches and patches."""

    async def _step(
        self,
        name: str,
        function: Callable[..., Awaitable[Any]],
        args: tuple[Any, ...],
        policy: RetryPolicy,
        once: bool,
        check_arguments: bool,
    ) -> Any:
        key, (args_hash, data) = self._key(name), hash_of(name, args)
        args_hash = args_hash if check_arguments else UNCHECKED
        adapter = result_of(function)
        begun = self._journal.recorded(key, args_hash)
        if isinstance(begun, Remembered):
            return self._remembered(begun, adapter)
        await self._beyond()
        kept = input_of(data)
        if begun is not None and begun.status == StepStatus.EDITED:
            args = _edited(function, begun)
            kept = Encoded(json_text(begun.input))
        action = Action(key, args_hash, kept, function, args, adapter, policy, once, begun)
        since = None if begun is None else begun.started_at
        try:
            with self._observer.step(self._run, key, StepKind.STEP, since):
                return await self._actions.do(action)
        except Cancelled:
            self._clean_up()
        except (Suspend, Pause) as leave:
            leaving.set(leave)
            raise

    async def _transaction(
        self,
        name: str,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        *,
        end: bool = False,
        kind: StepKind = StepKind.TRANSACTION,
        asked: tuple[Any, ...] | None = None,
    ) -> Any:
        """``asked`` is what is compared at replay, if it is not the arguments."""
        key = self._key(name)
        args_hash, data = hash_of(name, args if asked is None else asked)
        adapter = result_of(function)
        begun = self._journal.recorded(key, args_hash)
        if isinstance(begun, Remembered):
            return self._remembered(begun, adapter)
        await self._beyond()
        kept = input_of(data)
        if begun is not None and begun.status == StepStatus.EDITED:
            args = _edited(function, begun, skip=1)
            kept = Encoded(json_text(begun.input))
        started = self._clock.now()
        row = self._ledger.row(key, started, kind=kind, args_hash=args_hash, input=kept)
        asked_before = 0

        def unit(tx: Tx, hold: Hold) -> Any:
            nonlocal asked_before
            asked_before += 1
            # Asked again because an answer of the database was lost, it may be done already.
            if asked_before > 1 and journal.find(tx, row) == (hold.attempt, StepStatus.DONE):
                return decoded(adapter, json_text(journal.result(tx, row)), str(key))
            stored, value = encoded(adapter, function(tx, *args), f"The result of step {key}")
            journal.write(tx, hold, row | {"status": StepStatus.DONE, "result": stored})
            if end:
                now = self._clock.now()
                done = {"status": RunStatus.DONE, "result": stored, "finished_at": now}
                tidy = bool(self._ledger.begun)
                ends.finish(tx, hold, self._run, tidy=tidy, step=str(key), **done)
            return value

        with self._observer.step(self._run, key, kind, None):
            try:
                return await self._ledger.write(unit)
            except Exception as error:
                row |= {"error_kind": kind_of(error), "error": storable(str(error))}
                await self._ledger.write(_failed, row)
                raise failure(row, str(key)) from error

    async def _wait(
        self, name: str, kind: StepKind, event: str | None, until: datetime | None
    ) -> dict[str, Any] | None:
        """The outcome of a wait that is over: an event, or None for its time. Else Suspend."""
        key, (args_hash, _) = self._key(name), hash_of(name, (event,))
        begun = self._journal.recorded(key, args_hash)
        if isinstance(begun, Remembered):
            return None if begun.result is None else from_json(begun.result)
        await self._beyond(waits=True)
        waiting = begun is not None and begun.status == StepStatus.WAITING
        now = self._clock.now()
        started, wake_at = (begun.started_at, begun.wake_at) if begun and waiting else (now, until)
        row = self._ledger.row(
            key, started, kind=kind, args_hash=args_hash, wake_at=wake_at, event=event
        )
        with self._observer.step(self._run, key, kind, started):
            while (taken := self._waits.take(event)) is None:
                if wake_at is not None and wake_at <= self._clock.now():
                    break
                await self._stand_by(key, row, begun=waiting)
                waiting = True
            row["finished_at"] = self._clock.now()
            outcome = None if taken is None else {"event": taken.id, "payload": taken.payload}
            done = row | {"status": StepStatus.DONE, "result": outcome}
            await self._ledger.write(waits.end, done, taken=taken)
        self._ledger.begun.discard(key)
        return outcome

    async def _child(self, workflow: Workflow[..., Any], data: dict[str, Any]) -> Any:
        key, (args_hash, kept) = self._key(workflow.name), hash_of(workflow.name, (data,))
        begun = self._journal.recorded(key, args_hash)
        if isinstance(begun, Remembered):
            return self._remembered(begun, workflow.result)
        await self._beyond(waits=True)
        self._check_known(workflow)
        now = self._clock.now()
        child = child_of(self._run, workflow, data, str(key), now, awaited=True)
        waiting = begun is not None and begun.status == StepStatus.WAITING
        row = self._ledger.row(
            key,
            begun.started_at if begun and waiting else now,
            kind=StepKind.RUN,
            event=ends.event_of(child.id),
            child_id=child.id,
            args_hash=args_hash,
            input=input_of(kept),
        )
        open_ = row | {"status": StepStatus.WAITING, "finished_at": None, "wake_at": None}
        self._ledger.begun.add(key)
        tell = heard.get()

        def start(tx: Tx, hold: Hold) -> bool:
            journal.write(tx, hold, open_)
            if tell is not None:
                tell(tx, str(key))
            added = runs.add_once(tx, child)
            if not added:
                repairs.revive(tx, child.id, now=now)
            return added

        with self._observer.step(self._run, key, StepKind.RUN, row["started_at"]):
            if not waiting and not await self._ledger.write(start):
                # What was told of its end before it was revived is not true any more.
                self._waits.take(row["event"])
            while (taken := self._waits.take(row["event"])) is None:
                await self._stand_by(key, open_, begun=True)
            row |= _outcome(taken.payload) | {"finished_at": self._clock.now()}
            await self._ledger.write(waits.end, row, taken=taken)
            self._ledger.begun.discard(key)
            if row["status"] == StepStatus.FAILED:
                raise failure(row, str(key))
        return decoded(workflow.result, json_text(row["result"]), str(key))

    async def _gather(self, asked: Sequence[Awaitable[Any]]) -> tuple[Any, ...]:
        try:
            return await branches.gather(
                self._branches("gather", len(asked)), asked, self._together
            )
        except Cancelled:
            self._clean_up()
        except (Suspend, Pause) as leave:
            leaving.set(leave)
            raise

    async def _race(self, name: str, asked: Sequence[Awaitable[Any]]) -> tuple[int, Any]:
        if len(asked) < 2:
            branches.dismiss(asked)
            raise InvalidInput(f"The race {name!r} is among {len(asked)}; it takes two or more.")
        key, (args_hash, _) = self._key(name), hash_of(name, (len(asked),))
        names = self._branches(name, len(asked))
        begun = self._journal.recorded(key, args_hash)
        if isinstance(begun, Remembered):
            winner = int(begun.result or 0)
            self._journal.pass_over(names[:winner] + names[winner + 1 :])
            branches.dismiss([*asked[:winner], *asked[winner + 1 :]])
            [value] = await branches.gather([names[winner]], [asked[winner]], self._together)
            return winner, value
        started = self._clock.now()
        try:
            with self._observer.step(self._run, key, StepKind.RACE, None):
                winner, task = await branches.first(names, asked, self._together)
                lost = names[:winner] + names[winner + 1 :]
                row = self._ledger.row(
                    key, started, kind=StepKind.RACE, args_hash=args_hash, result=winner
                )
                await self._ledger.write(_won, row, lost)
        except Cancelled:
            self._clean_up()
        except (Suspend, Pause) as leave:
            leaving.set(leave)
            raise
        self._waits.forget(lost)
        self._journal.pass_over(lost)
        return winner, branches.result_of(task)

    async def _patched(self, name: str) -> bool:
        key, (args_hash, _) = self._key(name), hash_of(name, ("patched",))
        if self._journal.recorded(key, args_hash) is not None:
            return True
        if self._journal.is_ahead(branch.get()):
            return False
        row = self._ledger.row(
            key, self._clock.now(), kind=StepKind.PATCH, args_hash=args_hash, result=True
        )
        await self._mark(row)
        return True

    async def _mark(self, row: dict[str, Any]) -> None:
        await self._ledger.write(journal.write, row | {"status": StepStatus.DONE})


def _edited(function: Callable[..., Any], step: Step, skip: int = 0) -> tuple[Any, ...]:
    arguments = arguments_of(function, skip=skip)
    return tuple(arguments.positional(f"step {step.name!r}", step.input))


def _outcome(end: dict[str, Any]) -> dict[str, Any]:
    """What the end of a child means for the step that waited for it."""
    if end["status"] == RunStatus.DONE:
        return {"status": StepStatus.DONE, "result": end["result"]}
    stopped = f"It was stopped by {end['by']}." if end["by"] else "It was stopped."
    return {
        "status": StepStatus.FAILED,
        "error_kind": end["kind"] or end["status"],
        "error": end["error"] or stopped,
    }


def _failed(tx: Tx, hold: Hold, row: dict[str, Any]) -> None:
    journal.write(tx, hold, row | {"status": StepStatus.FAILED})


def _won(tx: Tx, hold: Hold, row: dict[str, Any], lost: list[str]) -> None:
    journal.write(tx, hold, row | {"status": StepStatus.DONE})
    for child_id in journal.drop(tx, hold.run_id, lost):
        ends.cancel(tx, child_id, by=f"run {hold.run_id}", now=row["finished_at"])
