"""One action on many runs: planned, and carried out by a run of its own.

So it goes on when the page is closed or the process dies, and tells of each run what became of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from agentchat.durable.context import Context
from agentchat.durable.retry import RetryPolicy
from agentchat.durable.runs import Runs
from agentchat.durable.start import new_run
from agentchat.durable.workflow import Workflow, workflow
from agentchat.errors import AgentChatError, StorageUnavailable
from agentchat.guard import PRIVATE, Guard
from agentchat.models import ENDED_RUN, RunStatus, StepStatus
from agentchat.operations.list_views import BulkPlan, BulkResult, BulkView, Number
from agentchat.operations.run_words import can, shortened
from agentchat.store import audits, journal, runs
from agentchat.store.database import Database
from agentchat.store.runs import NewRun
from agentchat.views import Actor

NAME = "bulk"
ACTIONS = ("cancel", "pause", "resume", "retry")
MOST = 1_000
"""How many runs one action may take."""
CHUNK = 10
"""How many runs one step changes."""
SHOWN = 100
"""How many refusals are shown."""
FIRST = 100
"""The priority: who repairs goes before what is broken."""

_RETRY = RetryPolicy(attempts=20, longest=timedelta(seconds=30))
_OVER = "It is stopping or over already."
_LIST = list[tuple[str, bool, str]]


@dataclass(frozen=True, slots=True)
class Order:
    """An action on these runs by somebody."""

    action: str
    run_ids: Sequence[str]
    by: Actor


def bulk_workflow(
    verbs: Callable[[], Runs], database: Database, guard: Guard
) -> Workflow[..., Any]:
    """The workflow that does one action to many runs by the verbs on runs, with the rights that
    whoever ordered it has by then.
    """
    return _declared(lambda *args: _change(verbs(), database, guard, *args))


def queued(run_id: str, order: Order, now: datetime) -> NewRun:
    """The run that will carry out an order."""
    data = {
        "action": order.action,
        "run_ids": list(order.run_ids),
        "user_id": order.by.id,
        "user": order.by.name,
        "since": now.isoformat(),
    }
    return new_run(run_id, _NAMED.options(priority=FIRST), data, now, order.by)


def _declared(change: Callable[[Order, datetime], Awaitable[_LIST]]) -> Workflow[..., Any]:
    @workflow(name=NAME)
    async def bulk(
        ctx: Context, action: str, run_ids: list[str], user_id: str, user: str, since: str
    ) -> dict[str, int]:
        by, began = Actor(user_id, user), datetime.fromisoformat(since)

        async def some(ids: list[str]) -> _LIST:
            return await change(Order(action, ids, by), began)

        number: Counter[bool] = Counter()
        for place in range(0, len(run_ids), CHUNK):
            chunk = run_ids[place : place + CHUNK]
            results = await ctx.step("change", some, chunk, retry=_RETRY)
            number.update(done for _, done, _ in results)
        return {"done": number[True], "refused": number[False]}

    return bulk


async def _nothing(_order: Order, _since: datetime) -> _LIST:
    raise NotImplementedError("only the workflow of an app that is open changes runs")


_NAMED = _declared(_nothing)
"""The same workflow by name, version and code."""


async def _change(
    verbs: Runs, database: Database, guard: Guard, order: Order, since: datetime
) -> _LIST:
    by = await database.read(guard.acting, order.by.id, order.by.name)
    order = replace(order, by=by)
    return [await _change_one(verbs, database, order, run_id, since) for run_id in order.run_ids]


async def _change_one(
    verbs: Runs, database: Database, order: Order, run_id: str, since: datetime
) -> tuple[str, bool, str]:
    try:
        did = await getattr(verbs.by(order.by), order.action)(run_id)
        words = "" if did is not False else _OVER
    except StorageUnavailable:
        # Nobody knows what became of it: the step is tried again.
        raise
    except AgentChatError as error:
        words = str(error)
    if not words:
        return run_id, True, ""
    # A process may have died after it was done, and before that was written down.
    done = await database.read(_did, run_id, order.action, order.by.id, since)
    return run_id, done, "" if done else words


def _did(session: Session, run_id: str, action: str, user_id: str, since: datetime) -> bool:
    return any(
        (entry.action, entry.by_id) == (action, user_id) and entry.created_at >= since
        for entry in audits.of(session, "run", run_id, limit=20)
    )


def plan(
    action: str, found: Sequence[tuple[Any, bool]], *, gone: int = 0, more: bool = False
) -> BulkPlan:
    """What an action would do to these rows of runs, each with whether the person may do it;
    ``gone`` others are not there any more.
    """
    ids: list[str] = []
    refused: Counter[str] = Counter()
    if gone:
        refused["not there any more"] = gone
    for run, allowed in found:
        if not allowed:
            private = run.workflow in PRIVATE
            refused["about what another person said" if private else "only yours to read"] += 1
        elif action not in can(run):
            status = RunStatus(run.status)
            pausing = action == "pause" and bool(run.pausing)
            refused["pausing already" if pausing else _STATUS_WORDS[status]] += 1
        else:
            ids.append(run.id)
    cannot = tuple(Number(number, words) for words, number in refused.most_common())
    return BulkPlan(action, tuple(ids), len(ids), cannot, more)


_STATUS_WORDS = {
    RunStatus.QUEUED: "queued",
    RunStatus.RUNNING: "running",
    RunStatus.WAITING: "waiting",
    RunStatus.PAUSED: "paused already",
    RunStatus.STOPPING: "stopping already",
    RunStatus.DONE: "done already",
    RunStatus.STOPPED: "stopped already",
    RunStatus.FAILED: "failed already",
}


def bulk_view(session: Session, run_id: str) -> BulkView:
    """How far an action on many runs is."""
    run = runs.get(session, run_id)
    if run is None or run.workflow != NAME:
        return BulkView(run_id, missing=True)
    results = [
        BulkResult(str(of), bool(done), str(words))
        for step in journal.load(session, run_id)
        if step.status == StepStatus.DONE
        for of, done, words in step.result
    ]
    refused = tuple(result for result in results if not result.done)
    status = RunStatus(run.status)
    return BulkView(
        run_id,
        str(run.data["action"]),
        status,
        shortened(run.error or "") or (f"stopped by {run.stopped_by}" if run.stopped_by else ""),
        str(run.data["user"]),
        len(run.data["run_ids"]),
        len(results) - len(refused),
        len(refused),
        refused[:SHOWN],
        status in ENDED_RUN,
    )
