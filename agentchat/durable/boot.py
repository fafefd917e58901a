"""All unfinished runs against the code at hand, before anything is carried out."""

from __future__ import annotations

from collections.abc import Iterable
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


async def misfits(database: Database, engine: Engine) -> list[Misfit]:
    """The unfinished runs that the workflows of ``engine`` would break, and why.

    Runs of workflows that it does not know are somebody else's. Nothing is changed.
    """
    found: list[Misfit] = []
    after = ""
    while True:
        some = await database.read(_unfinished, list(engine.workflows), after)
        for run, history in some:
            reason = await gate.broken(run, engine.of(run), history)
            if reason is not None:
                found.append(Misfit(run.id, run.workflow, reason))
        if len(some) < BATCH:
            return found
        after = some[-1][0].id


async def check(url: str, workflows: Iterable[Workflow[..., Any]]) -> list[Misfit]:
    """As :func:`misfits`, for a database that nobody has opened yet."""
    database = Database(url)
    database.open()
    try:
        return await misfits(database, Engine(database, workflows, SystemClock()))
    finally:
        await database.close()


def _unfinished(session: Session, workflows: list[str], after: str) -> list[tuple[Run, History]]:
    some = repairs.unfinished(session, workflows, after=after, limit=BATCH)
    histories = journal.histories(session, [run.id for run in some])
    return [(run, histories[run.id]) for run in some]
