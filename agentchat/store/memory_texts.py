"""The texts of memories outside of their own rows: read by id, and gone with them.

What is kept elsewhere names its memory: the sources under an answer, and the calls of tools
that remembered or recalled it. The journals of runs hold ids and hashes, but for the arguments
of such a call. What older versions wrote without ids is found by its text.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Text, and_, bindparam, cast, or_, select, update
from sqlmodel import Session

from agentchat.columns import json_text, table_of
from agentchat.models import (
    ENDED_RUN,
    Ask,
    AskStatus,
    Memory,
    Message,
    Part,
    PartKind,
    Run,
    Spending,
    Step,
)
from agentchat.store import memories, unquoted
from agentchat.store.changes import rows
from agentchat.store.writer import Tx

FORGOTTEN = "[Forgotten.]"
"""What stands where the text of a memory was."""
SHOWN = 500
"""How many characters of a memory are told, and shown under an answer."""
SOURCE = "memory"
"""The name of the part that shows what was recalled for an answer."""
_TOOLS = ("remember", "recall")
_MEMORIES, _PARTS, _STEPS = table_of(Memory), table_of(Part), table_of(Step)
_ASKS, _RUNS, _MESSAGES = table_of(Ask), table_of(Run), table_of(Message)
_SPENDINGS = table_of(Spending)
_SOON = timedelta(microseconds=1)
"""By how much later something ended whose text is another now: so readers see that it is."""


def texts(source: Tx | Session, ids: Collection[str], *, user_id: str) -> dict[str, str]:
    """The beginnings of those of a person's memories that are there, by id."""
    query = select(_MEMORIES.c.id, _MEMORIES.c.text).where(
        _MEMORIES.c.id.in_(ids), _MEMORIES.c.user_id == user_id, memories.reachable()
    )
    return {found: text[:SHOWN] for found, text in source.execute(query).all()}


def tells(kind: str, name: str, data: Mapping[str, Any]) -> bool:
    """Whether a part of an answer tells what is remembered of somebody."""
    recalled = kind == PartKind.SOURCES and name == SOURCE
    return recalled or (kind == PartKind.TOOL and (name in _TOOLS or "memories" in data))


def forget(tx: Tx, memory_id: str, *, user_id: str) -> Memory:
    """Delete a memory, with its text wherever else it is kept, and return what it was; raises
    :class:`~agentchat.errors.NotFound`.

    What people and models themselves said stays as it is in the thread: the message that told
    it, and the text and reasoning of answers that made use of it.
    """
    held = memories.forget(tx, memory_id, user_id=user_id)
    _scrub(tx, user_id, {held.id: held.text})
    return held


def forget_all(tx: Tx, *, user_id: str, agent: str | None = None) -> int:
    """As :func:`forget`, of all that is remembered for a person, or for one agent of theirs;
    how many there were.
    """
    query = select(_MEMORIES.c.id, _MEMORIES.c.text).where(_MEMORIES.c.user_id == user_id)
    if agent is not None:
        query = query.where(_MEMORIES.c.agent == agent)
    gone = {found: text for found, text in tx.execute(query).all()}
    count = memories.forget_all(tx, user_id=user_id, agent=agent)
    _scrub(tx, user_id, gone)
    return count


def forget_thread(tx: Tx, thread_id: str) -> None:
    """A thread is emptied: what was said in it is forgotten, also where answers in other threads
    recalled it; facts stay, from nowhere.
    """
    gone = _told_in(tx, thread_id)
    memories.forget_thread(tx, thread_id)
    for user_id, some in gone.items():
        _scrub(tx, user_id, some)


def unquote_thread(tx: Tx, thread_id: str) -> None:
    """A thread is deleted, and may be had back: no answer in other threads quotes any more what
    was said in it. The memories themselves stay, and nobody is shown them: see
    :func:`~agentchat.store.memories.reachable`.
    """
    for user_id, some in _told_in(tx, thread_id).items():
        _scrub(tx, user_id, some, keep=True)


def requote_thread(tx: Tx, thread_id: str) -> None:
    """A thread is had back: answers in other threads quote it again as they did, without what is
    said in threads that are still deleted.
    """
    for user_id, some in _told_in(tx, thread_id).items():
        hidden = _hidden(tx, user_id)
        back = []
        for row in unquoted.of_person(tx, user_id):
            unsaid, part = _Part(row), _Part(row)
            if not unsaid.forget({**hidden, **some}):
                continue
            if any(getattr(row, f"now_{name}") != unsaid.now(name) for name in unquoted.CHANGED):
                # The answer was begun anew: this is another.
                unquoted.remove(tx, row.id)
                continue
            back.append(part)
            if not part.forget(hidden):
                unquoted.remove(tx, row.id)
        _rewrite(tx, back)


def _told_in(tx: Tx, thread_id: str) -> dict[str, dict[str, str]]:
    """The texts of memories of what was said in a thread, by person and id."""
    query = select(_MEMORIES.c.user_id, _MEMORIES.c.id, _MEMORIES.c.text).where(
        _MEMORIES.c.thread_id == thread_id, _MEMORIES.c.kind == "message"
    )
    found: dict[str, dict[str, str]] = {}
    for user_id, memory_id, text in tx.execute(query).all():
        found.setdefault(user_id, {})[memory_id] = text
    return found


def _hidden(tx: Tx, user_id: str) -> dict[str, str]:
    """The texts of what a person said in threads that are deleted, by the ids of memories."""
    query = select(_MEMORIES.c.id, _MEMORIES.c.text).where(
        _MEMORIES.c.user_id == user_id, ~memories.reachable()
    )
    return {memory_id: text for memory_id, text in tx.execute(query).all()}


def _scrub(tx: Tx, user_id: str, gone: dict[str, str], *, keep: bool = False) -> None:
    if not gone or not user_id:
        return
    for row in () if keep else unquoted.of_person(tx, user_id):
        kept = _Part(row)
        if kept.forget(gone):
            unquoted.change(tx, row.id, **kept.values)
    found = [_Part(row) for row in tx.execute(_telling(user_id, gone)).all()]
    told = [part for part in found if part.forget(gone)]
    if keep:
        unquoted.keep(tx, user_id, [part.row for part in told])
    _rewrite(tx, told)
    for part in told:
        if part.said:
            _rewrite_asks(tx, part.row, part.said)
            _rewrite_steps(tx, part.row.run_id, part.said)
    _scrub_journals(tx, user_id)


@dataclass
class _Part:
    """A part of an answer that may tell of memories, and what it is without them."""

    row: Row[Any]
    values: dict[str, Any] = field(default_factory=dict)
    said: set[str] = field(default_factory=set)
    """What a tool was called with, word for word: its run remembers it, too."""

    def forget(self, gone: dict[str, str]) -> bool:
        """Whether it told of any of these memories."""
        if self.row.kind == PartKind.SOURCES:
            self._forget_sources(gone)
        else:
            self._forget_call(gone)
        return bool(self.values)

    def now(self, name: str) -> Any:
        """Its ``text``, ``input`` or ``data`` without what is forgotten."""
        return self.values.get(name, getattr(self.row, name))

    def _forget_sources(self, gone: dict[str, str]) -> None:
        begun = {text[:SHOWN] for text in gone.values()}
        found = self.row.data.get("sources", [])
        kept = [
            {"title": FORGOTTEN, "url": "/memory"}
            if one.get("memory") in gone or ("memory" not in one and one.get("title") in begun)
            else one
            for one in found
        ]
        if kept != found:
            self.values["data"] = {**self.row.data, "sources": kept}

    def _forget_call(self, gone: dict[str, str]) -> None:
        data, told = self.row.data, self.row.data.get("memories")
        arguments = [one for one in (self.row.input, data.get("asked_for")) if _has_text(one)]
        if told is None:
            asked = {one["text"].strip() for one in arguments}
            within = any(f"- {text} (" in self.row.text for text in gone.values())
            if not within and asked.isdisjoint(gone.values()):
                return
        elif gone.keys().isdisjoint(told):
            return
        self.said = {one["text"] for one in arguments}
        self.values = {"text": FORGOTTEN, "input": replaced(self.row.input, self.said)}
        self.values["data"] = replaced(data, self.said)


def _has_text(arguments: Any) -> bool:
    return isinstance(arguments, dict) and isinstance(arguments.get("text"), str)


def replaced(value: Any, said: Collection[str]) -> Any:
    """A value of JSON in which texts that are one of these are forgotten."""
    if isinstance(value, str):
        return FORGOTTEN if value in said else value
    if isinstance(value, dict):
        return {name: replaced(one, said) for name, one in value.items()}
    if isinstance(value, list):
        return [replaced(one, said) for one in value]
    return value


def _telling(user_id: str, gone: dict[str, str]) -> Any:
    """The parts of answers to a person that may tell of these memories."""
    column = _PARTS.c
    # Each answer that called a model has its row there, found by the person.
    answers = select(_SPENDINGS.c.message_id).where(_SPENDINGS.c.user_id == user_id)
    about = or_(
        and_(column.kind == PartKind.SOURCES, column.name == SOURCE),
        and_(
            column.kind == PartKind.TOOL,
            or_(column.name.in_(_TOOLS), cast(column.data, Text).contains('"memories":')),
        ),
    )
    ended = _MESSAGES.c.finished_at.label("message_ended")
    query = select(_PARTS, ended).join(_MESSAGES, _MESSAGES.c.id == column.message_id)
    query = query.where(column.message_id.in_(answers), about)
    return query.where(_near(*next(iter(gone.items())))) if len(gone) == 1 else query


def _near(memory_id: str, text: str) -> ColumnElement[bool]:
    """Whether a part holds an id or a text, before anything is decoded."""
    encoded = json_text(text[:SHOWN])[1:-1]
    column = _PARTS.c
    found = [cast(column.data, Text).contains(one, autoescape=True) for one in (memory_id, encoded)]
    found.append(cast(column.input, Text).contains(encoded, autoescape=True))
    return or_(*found, column.text.contains(text, autoescape=True))


def _rewrite(tx: Tx, told: Sequence[_Part]) -> None:
    """Write parts down as they are now, a thread at a time: there may be thousands."""
    threads: dict[str, list[_Part]] = {}
    for part in told:
        threads.setdefault(part.row.thread_id, []).append(part)
    for thread_id, some in threads.items():
        new = [
            {
                "own": part.row.id,
                "new_text": part.now("text"),
                "new_input": part.now("input"),
                "new_data": part.now("data"),
                "ended": _later(part.row.finished_at),
            }
            for part in some
        ]
        tx.execute(_REWRITE_PART, new, about=rows("parts", {"thread_id": thread_id}))
        ended = {part.row.message_id: part.row.message_ended for part in some}
        later = [{"own": one, "ended": _later(at)} for one, at in ended.items()]
        tx.execute(_REWRITE_MESSAGE, later, about=rows("messages", {"thread_id": thread_id}))


def _later(ended: datetime | None) -> datetime | None:
    return None if ended is None else ended + _SOON


_REWRITE_PART = (
    update(_PARTS)
    .where(_PARTS.c.id == bindparam("own"))
    .values(
        text=bindparam("new_text"),
        input=bindparam("new_input", type_=_PARTS.c.input.type),
        data=bindparam("new_data", type_=_PARTS.c.data.type),
        finished_at=bindparam("ended", type_=_PARTS.c.finished_at.type),
    )
)
_REWRITE_MESSAGE = (
    update(_MESSAGES)
    .where(_MESSAGES.c.id == bindparam("own"))
    .values(finished_at=bindparam("ended", type_=_MESSAGES.c.finished_at.type))
)


def _rewrite_asks(tx: Tx, row: Row[Any], said: Collection[str]) -> None:
    here = _ASKS.c.message_id == row.message_id, _ASKS.c.part == row.position
    query = select(_ASKS.c.id, _ASKS.c.input, _ASKS.c.answer)
    about = {"message_id": row.message_id, "thread_id": row.thread_id}
    for ask in tx.execute(query.where(*here, _ASKS.c.status != AskStatus.OPEN)).all():
        values = {"input": replaced(ask.input, said), "answer": replaced(ask.answer, said)}
        tx.execute(
            update(_ASKS).where(_ASKS.c.id == ask.id).values(**values),
            about=rows("asks", {"id": ask.id, **about}),
        )


def _rewrite_steps(tx: Tx, run_id: str, said: Collection[str]) -> None:
    query = select(_STEPS.c.id, _STEPS.c.input, _STEPS.c.result).where(_STEPS.c.run_id == run_id)
    found = [
        (step, {"input": replaced(step.input, said), "result": replaced(step.result, said)})
        for step in tx.execute(query).all()
    ]
    changed = [
        (step.id, new)
        for step, new in found
        if new["input"] != step.input or new["result"] != step.result
    ]
    if not changed:
        return
    about = rows("steps", {"run_id": run_id})
    for step_id, new in changed:
        tx.execute(update(_STEPS).where(_STEPS.c.id == step_id).values(**new), about=about)
    # A run that is taken up again gives its steps other arguments than it did.
    tx.execute(update(_STEPS).where(_STEPS.c.run_id == run_id).values(args_hash=""), about=about)


def _scrub_journals(tx: Tx, user_id: str) -> None:
    """What older versions kept in the journals of runs that remembered and recalled."""
    remembered = select(_RUNS.c.id).where(
        _RUNS.c.key == f"remember {user_id}",
        _RUNS.c.workflow == "remember",
        _RUNS.c.status.in_(ENDED_RUN),
    )
    result, given = cast(_STEPS.c.result, Text), cast(_STEPS.c.input, Text)
    found = and_(_STEPS.c.name.in_(("extract", "compare")), or_(result != "[]", given != "null"))
    for step in _steps(tx, remembered, found):
        _put(tx, step, input=None, result=[])
    for step in _steps(tx, remembered, and_(_STEPS.c.name == "store", given != "null")):
        _put(tx, step, input=None)
    answered = select(_SPENDINGS.c.run_id).where(_SPENDINGS.c.user_id == user_id)
    for step in _steps(tx, answered, and_(_STEPS.c.name == "recall", result.contains('"text":'))):
        items = step.result if isinstance(step.result, list) else []
        _put(
            tx, step, result=[{name: one[name] for name in one if name != "text"} for one in items]
        )


def _steps(tx: Tx, run_ids: Select[Any], which: ColumnElement[bool]) -> Sequence[Row[Any]]:
    query = select(_STEPS.c.id, _STEPS.c.run_id, _STEPS.c.result).where(
        _STEPS.c.run_id.in_(run_ids), _STEPS.c.branch == "", which
    )
    return tx.execute(query).all()


def _put(tx: Tx, step: Row[Any], **values: Any) -> None:
    tx.execute(
        update(_STEPS).where(_STEPS.c.id == step.id).values(**values),
        about=rows("steps", {"run_id": step.run_id}),
    )
