"""Spendings: what calls of models cost, and the sums by run, message, thread and person."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    union_all,
)
from sqlmodel import Session, col

from agentchat.columns import table_of
from agentchat.models import (
    HELD_RUN,
    LIVE_MESSAGE,
    Message,
    Part,
    Run,
    Spending,
    Step,
    StepStatus,
)
from agentchat.store import runs
from agentchat.store.lost_calls import counted
from agentchat.store.messages import Answer
from agentchat.store.runs import Hold
from agentchat.store.writer import Tx

_SPENDINGS = table_of(Spending)


@dataclass(frozen=True, slots=True)
class Spent:
    """A sum. ``cost_usd`` adds up the known prices; ``unknown`` counts the calls without one.
    ``cached_tokens`` are counted in ``input_tokens``, too.
    """

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    unknown: int = 0
    estimated: int = 0
    cached_tokens: int = 0

    @property
    def tokens(self) -> int:
        """Read and written."""
        return self.input_tokens + self.output_tokens


def add(tx: Tx, spending: dict[str, Any]) -> None:
    """Count a call, given by column."""
    tx.execute(insert(_SPENDINGS), spending)


def add_cut(
    tx: Tx, answer: Answer, spending: dict[str, Any], *, attempt: int, since: datetime
) -> None:
    """Count a call that came to nothing, begun ``since`` then by an ``attempt`` of its run.

    Not if another has taken the run over, who counts it then; nor if the answer is over, and
    whoever stopped it has counted the call (see :func:`cut_off`).
    """
    run = runs.lock(tx, answer.run_id)
    if run is None or run.attempt != attempt:
        return
    message = table_of(Message)
    live = select(message.c.id).where(
        message.c.id == answer.message_id,
        message.c.run_id == answer.run_id,
        message.c.status.in_(LIVE_MESSAGE),
    )
    if tx.execute(live).first() is not None:
        add(tx, spending)
    elif not counted(tx, answer.run_id, since):
        add_lost(tx, Hold(run.id, 0, run.thread_id), spending)


def add_lost(tx: Tx, hold: Hold, spending: dict[str, Any]) -> None:
    """Count a call of which the run learns nothing by its step."""
    add(tx, spending)
    sums = {name: spending[name] for name in ("input_tokens", "output_tokens", "cost_usd")}
    runs.spend(tx, hold, estimated=True, **sums)


@dataclass(frozen=True, slots=True)
class CutOff:
    """A call that a stop cuts off, and that nobody has counted: how many tokens it has read at
    least, judging by the call before it in the thread. One that was over already ``told`` what
    it took: the result of its step.
    """

    step: str
    input_tokens: int = 0
    told: dict[str, Any] | None = None


def cut_off(tx: Tx, answer: Answer, *, text: bool) -> CutOff | None:
    """The call of a model that is under way for an answer, before its run is stopped, if there
    is one; ``text`` says whether some of its text is there.

    A call counts as under way if the worker that holds the run has begun it, or if there is
    text of it. Between two tries, or if the run was handed back, what there was is counted.
    """
    run = runs.lock(tx, answer.run_id)
    if run is None:
        return None
    last = _last_call(tx, answer)
    if last is not None and last.status == StepStatus.DONE:
        step = f"generate {last.occurrence}"
        counted = select(_SPENDINGS.c.id).where(
            _SPENDINGS.c.run_id == run.id, _SPENDINGS.c.step == step, _SPENDINGS.c.outcome == "done"
        )
        if tx.execute(counted).first() is None:
            return CutOff(step, told=last.result if isinstance(last.result, dict) else {})
    if last is None or last.status == StepStatus.DONE:
        # The next one, which is written down only once it takes a while.
        number, begun = 0 if last is None else last.occurrence + 1, text
    else:
        under_way = last.status == StepStatus.RUNNING and last.attempt == run.attempt
        number, begun = last.occurrence, under_way
    if not begun or run.status not in HELD_RUN:
        return None
    return CutOff(f"generate {number}", _read_before(tx, answer))


def take_back(tx: Tx, answer: Answer) -> None:
    """An answer that was stopped goes on. If the call that it was stopped in was over, the run
    will count it itself.
    """
    last = _last_call(tx, answer)
    if last is None or last.status != StepStatus.DONE:
        return
    mine = _SPENDINGS.c.run_id == answer.run_id, _SPENDINGS.c.step == f"generate {last.occurrence}"
    if tx.execute(select(_SPENDINGS.c.id).where(*mine, _SPENDINGS.c.outcome == "done")).first():
        return
    tx.execute(delete(_SPENDINGS).where(*mine, _SPENDINGS.c.outcome == "stopped"))


def _last_call(tx: Tx, answer: Answer) -> Row[Any] | None:
    step = table_of(Step)
    query = select(step.c.status, step.c.occurrence, step.c.attempt, step.c.result).where(
        step.c.run_id == answer.run_id, step.c.branch == "", step.c.name == "generate"
    )
    return tx.execute(query.order_by(step.c.occurrence.desc()).limit(1)).first()


def _read_before(tx: Tx, answer: Answer) -> int:
    """How many tokens the newest call had read and written in the thread of an answer: the next
    one is told them again, with the same instructions and tools.
    """
    message = table_of(Message)
    query = (
        select(_SPENDINGS.c.input_tokens + _SPENDINGS.c.output_tokens)
        .join(message, message.c.id == _SPENDINGS.c.message_id)
        .where(
            message.c.thread_id == answer.thread_id,
            message.c.position <= answer.position,
            message.c.position > answer.position - _LOOK_BACK,
            _SPENDINGS.c.outcome == "done",
            _SPENDINGS.c.step.startswith("generate"),
        )
        .order_by(_SPENDINGS.c.id.desc())
    )
    return tx.execute(query.limit(1)).scalar() or 0


def of_message(source: Tx | Session, message_id: str) -> Spent:
    """What an answer has cost, all runs that were needed for it together."""
    return _sum(source, col(Spending.message_id) == message_id)


def of_thread(source: Tx | Session, thread_id: str) -> Spent:
    """What a thread has cost; the work of sub-agents counts with the thread it was for."""
    return _sum(source, col(Spending.thread_id) == thread_id)


def of_user(source: Tx | Session, user_id: str, *, since: datetime) -> Spent:
    """What was spent for a person since then."""
    return _sum(source, col(Spending.user_id) == user_id, col(Spending.created_at) >= since)


@dataclass(frozen=True, slots=True)
class Sum:
    """Calls, the tokens that they read and wrote, and what they cost as far as that is known."""

    calls: int = 0
    tokens: int = 0
    cost_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class Used:
    """What counts against limits: of an answer, its thread, and its person."""

    own: Sum = Sum()
    thread: Sum = Sum()
    day: Sum = Sum()


def used(
    tx: Tx,
    *,
    run_id: str | None,
    message_ids: Collection[str],
    thread_id: str | None,
    user_id: str | None,
    since: datetime,
) -> Used:
    """What was spent by a run and for these messages of sub-agents, in a thread, and for a
    person since then: in one statement, without what is None.
    """
    given: dict[str, Any] = {
        "run": run_id,
        "messages": list(message_ids) or None,
        "thread": thread_id,
        "user": user_id,
    }
    names = tuple(name for name, value in given.items() if value is not None)
    if not names:
        return Used()
    params = {name: given[name] for name in names}
    if user_id is not None:
        params["since"] = since
    found = {
        name: Sum(int(calls), int(read) + int(written), float(cost))
        for name, calls, read, written, cost in tx.execute(_used(names), params).all()
    }
    run, inner = found.get("run", Sum()), found.get("messages", Sum())
    own = Sum(run.calls + inner.calls, run.tokens + inner.tokens, run.cost_usd + inner.cost_usd)
    return Used(own, found.get("thread", Sum()), found.get("user", Sum()))


@cache
def _used(names: tuple[str, ...]) -> Any:
    column = _SPENDINGS.c
    where = {
        "run": column.run_id == bindparam("run"),
        "messages": column.message_id.in_(bindparam("messages", expanding=True)),
        "thread": column.thread_id == bindparam("thread"),
        "user": and_(column.user_id == bindparam("user"), column.created_at >= bindparam("since")),
    }
    # Nothing but what the indexes hold.
    sums = [
        func.count(),
        func.coalesce(func.sum(column.input_tokens), 0),
        func.coalesce(func.sum(column.output_tokens), 0),
        func.coalesce(func.sum(column.cost_usd), 0.0),
    ]
    return union_all(
        *(
            select(literal(name).label("name"), *sums).select_from(_SPENDINGS).where(where[name])
            for name in names
        )
    )


def of_runs(session: Session, run_id: str) -> Spent:
    """What a run has spent with the runs that it started, and those that they did."""
    run = table_of(Run)
    tree = select(literal(run_id).label("id")).cte("tree", recursive=True)
    tree = tree.union_all(select(run.c.id).join(tree, run.c.parent_id == tree.c.id))
    return _sum(session, col(Spending.run_id).in_(select(tree.c.id)))


def of_messages(session: Session, message_id: str) -> Spent:
    """What an answer has cost with those of the sub-agents that were asked for it."""
    return _sum(session, _for_message(message_id))


def by_agent(session: Session, message_id: str) -> list[tuple[str, str, Spent]]:
    """What :func:`of_messages` adds up, by agent and model, in the order of their first calls."""
    column = _SPENDINGS.c
    query = select(column.agent, column.model, *_sums()).where(_for_message(message_id))
    query = query.group_by(column.agent, column.model).order_by(func.min(column.id))
    return [(agent, model, _spent(sums)) for agent, model, *sums in session.execute(query)]


def answer_of(session: Session, message_id: str) -> tuple[str, datetime, datetime | None] | None:
    """The thread of an answer, when it was begun (this time, if it was asked for again) and when
    it ended, if it has; None if there is no such message.
    """
    message, run = table_of(Message), table_of(Run)
    begun = func.coalesce(run.c.started_at, message.c.created_at, type_=run.c.started_at.type)
    query = select(message.c.thread_id, begun, message.c.finished_at).outerjoin(
        run, run.c.id == message.c.run_id
    )
    found = session.execute(query.where(message.c.id == message_id)).first()
    return None if found is None else (found[0], found[1], found[2])


def _for_message(message_id: str) -> ColumnElement[bool]:
    """The calls for an answer, and for those of the sub-agents that were asked for it."""
    parts = table_of(Part)
    tree = select(literal(message_id).label("id")).cte("tree", recursive=True)
    inner = select(parts.c.child_id).join(tree, parts.c.message_id == tree.c.id)
    tree = tree.union_all(inner.where(parts.c.child_id.is_not(None)))
    return col(Spending.message_id).in_(select(tree.c.id))


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
    return _spent(source.execute(select(*_sums()).where(*where)).one())


def _sums() -> list[ColumnElement[Any]]:
    column = _SPENDINGS.c
    return [
        func.count(column.id),
        func.coalesce(func.sum(column.input_tokens), 0),
        func.coalesce(func.sum(column.output_tokens), 0),
        func.coalesce(func.sum(column.cost_usd), 0.0),
        func.count(column.id) - func.count(column.cost_usd),
        func.coalesce(func.sum(column.estimated.cast(column.input_tokens.type)), 0),
        func.coalesce(func.sum(column.cached_tokens), 0),
    ]


def _spent(sums: Sequence[Any]) -> Spent:
    calls, read, written, cost, unknown, estimated, cached = sums
    return Spent(
        int(calls),
        int(read),
        int(written),
        float(cost),
        int(unknown),
        int(estimated),
        int(cached),
    )
