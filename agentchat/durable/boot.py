"""All unfinished runs against the code at hand, before anything is carried out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session

from agentchat.durable import gate
from agentchat.durable.clock import SystemClock
from agentchat.durable.engine import Engine
from agentchat.durable.gate import Misfit
from agentchat.durable.workflow import Workflow
from agentchat.models import Run
from agentchat.store import journal, repairs
from agentchat.store.database import Database
from agentchat.store.journal import History

BATCH = 200
"""How many runs are read at once."""


@dataclass(slots=True)
class Look:
    """How many unfinished runs were looked at, and which of them would be broken."""

    runs: int = 0
    misfits: list[Misfit] = field(default_factory=list)


async def misfits(database: Database, engine: Engine) -> list[Misfit]:
    """The unfinished runs that the workflows of ``engine`` would break, and why.

    Runs of workflows that it does not know are somebody else's. Nothing is changed.
    """
    return (await _look(database, engine)).misfits


async def check(url: str, workflows: Iterable[Workflow[..., Any]]) -> Look:
    """As :func:`misfits`, for a database that nobody has opened yet."""
    database = Database(url)
    database.open()
    try:
        return await _look(database, Engine(database, workflows, SystemClock()))
    finally:
        await database.close()


async def _look(database: Database, engine: Engine) -> Look:
    look = Look()
    after = ""
    while True:
        some = await database.read(_unfinished, list(engine.workflows), after)
        for run, history in some:
            reason = await gate.broken(run, engine.of(run), history)
            if reason is not None:
                look.misfits.append(Misfit(run.id, run.workflow, reason))
        look.runs += len(some)
        if len(some) < BATCH:
            return look
        after = some[-1][0].id


def _unfinished(session: Session, workflows: list[str], after: str) -> list[tuple[Run, History]]:
    some = repairs.unfinished(session, workflows, after=after, limit=BATCH)
    histories = journal.histories(session, [run.id for run in some])
    return [(run, histories[run.id]) for run in some]
