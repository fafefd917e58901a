"""Spendings: what calls of models cost, and the sums by run, message, thread and person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, insert, literal, or_, select
from sqlmodel import Session, col

from agentchat.columns import table_of
from agentchat.models import Message, Part, Run, Spending, Step, StepStatus
from agentchat.store.writer import Tx

_SPENDINGS = table_of(Spending)


@dataclass(frozen=True, slots=True)
class Spent:
    """A sum. ``cost_usd`` adds up the known prices; ``unknown`` counts the calls without one."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    unknown: int = 0
    estimated: int = 0

    @property
    def tokens(self) -> int:
        """Read and written."""
        return self.input_tokens + self.output_tokens


def add(tx: Tx, spending: dict[str, Any]) -> None:
    """Count a call, given by column."""
    tx.execute(insert(_SPENDINGS), spending)


def of_run(source: Tx | Session, run_id: str) -> Spent:
    """What a run has spent itself, without the runs of sub-agents."""
    return _sum(source, col(Spending.run_id) == run_id)


def of_message(source: Tx | Session, message_id: str) -> Spent:
    """What an answer has cost, all runs that were needed for it together."""
    return _sum(source, col(Spending.message_id) == message_id)


def of_thread(source: Tx | Session, thread_id: str) -> Spent:
    """What a thread has cost; the work of sub-agents counts with the thread it was for."""
    return _sum(source, col(Spending.thread_id) == thread_id)


def of_user(source: Tx | Session, user_id: str, *, since: datetime) -> Spent:
    """What was spent for a person since then."""
    return _sum(source, col(Spending.user_id) == user_id, col(Spending.created_at) >= since)


def of_runs(session: Session, run_id: str) -> Spent:
    """What a run has spent with the runs that it started, and those that they did."""
    runs = table_of(Run)
    tree = select(literal(run_id).label("id")).cte("tree", recursive=True)
    tree = tree.union_all(select(runs.c.id).join(tree, runs.c.parent_id == tree.c.id))
    return _sum(session, col(Spending.run_id).in_(select(tree.c.id)))


def of_messages(session: Session, message_id: str) -> Spent:
    """What an answer has cost with those of the sub-agents that were asked for it."""
    parts = table_of(Part)
    tree = select(literal(message_id).label("id")).cte("tree", recursive=True)
    inner = select(parts.c.child_id).join(tree, parts.c.message_id == tree.c.id)
    tree = tree.union_all(inner.where(parts.c.child_id.is_not(None)))
    return _sum(session, col(Spending.message_id).in_(select(tree.c.id)))


def in_thread(session: Session, thread_id: str) -> Spent:
    """As :func:`of_thread`; also for the thread in which a sub-agent works."""
    message = table_of(Message)
    within = select(message.c.id).where(message.c.thread_id == thread_id)
    own, inner = col(Spending.thread_id) == thread_id, col(Spending.message_id).in_(within)
    return _sum(session, or_(own, inner))


def last_counted(session: Session, thread_id: str, before: int, model: str) -> tuple[int, int]:
    """How large the newest request was that a model answered in a thread, and how many tokens
    the provider said that it had; zeros if none of the newest answers up to ``before`` tells.
    """
    step, message = table_of(Step), table_of(Message)
    query = (
        select(step.c.result)
        .join(message, message.c.run_id == step.c.run_id)
        .where(
            message.c.thread_id == thread_id,
            message.c.position <= before,
            message.c.position > before - _LOOK_BACK,
            step.c.name == "generate",
            step.c.status == StepStatus.DONE,
        )
        .order_by(step.c.id.desc())
    )
    for (result,) in session.execute(query.limit(_LOOK_BACK)):
        told = result if isinstance(result, dict) else {}
        if told.get("model") == model and not told.get("estimated") and told.get("asked"):
            return int(told["asked"]), int(told["input_tokens"])
    return 0, 0


_LOOK_BACK = 20
"""How many messages back, and how many calls, what a provider counted is looked for."""


def _sum(source: Tx | Session, *where: ColumnElement[bool]) -> Spent:
    column = _SPENDINGS.c
    query = select(
        func.count(column.id),
        func.coalesce(func.sum(column.input_tokens), 0),
        func.coalesce(func.sum(column.output_tokens), 0),
        func.coalesce(func.sum(column.cost_usd), 0.0),
        func.count(column.id) - func.count(column.cost_usd),
        func.coalesce(func.sum(column.estimated.cast(column.input_tokens.type)), 0),
    ).where(*where)
    row = source.execute(query).one()
    return Spent(int(row[0]), int(row[1]), int(row[2]), float(row[3]), int(row[4]), int(row[5]))
