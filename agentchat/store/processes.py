"""Processes: the heartbeat of each one that carries runs out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select, update
from sqlmodel import Session, col

from agentchat.models import Process
from agentchat.store.changes import NOBODY, Rows, rows
from agentchat.store.writer import Tx

SILENT = timedelta(minutes=10)
"""How long a process is silent before others remove its row: until then people see that it died."""


@dataclass(frozen=True, slots=True)
class Beat:
    """A sign of life of a worker: who it is, how many runs it has and how late its loop was."""

    name: str
    host: str
    pid: int
    runs: int
    lag_ms: int
    started_at: datetime
    beat_at: datetime


def beat(tx: Tx, sign: Beat) -> None:
    """Write a sign of life, and remove the rows of those that have given none for long."""
    values = asdict(sign)
    about = rows("processes", {"name": sign.name})
    known = tx.execute(update(Process).where(col(Process.name) == sign.name).values(**values))
    if not known.rowcount:
        tx.execute(insert(Process), values, about=about)
    silent = col(Process.beat_at) < sign.beat_at - SILENT
    gone = tx.execute(delete(Process).where(silent), about=Rows(NOBODY))
    if gone.rowcount:
        tx.changes.append(Rows("processes"))


def stuck(tx: Tx, name: str, *, since: datetime | None, where: str | None) -> None:
    """Write since when the event loop of a worker does not move, and in what; or that it does."""
    tx.execute(
        update(Process).where(col(Process.name) == name).values(stuck_since=since, stuck_in=where)
    )


def remove(tx: Tx, names: Collection[str]) -> None:
    """These workers have ended."""
    tx.execute(delete(Process).where(col(Process.name).in_(list(names))))


def alive(session: Session) -> list[Process]:
    """All workers that have given a sign of life and not ended, oldest first."""
    query = select(Process).order_by(col(Process.started_at), col(Process.name))
    return list(session.scalars(query))
