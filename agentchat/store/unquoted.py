"""What parts of answers were before threads were deleted that they quote, for as long as those can
be had back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from agentchat.columns import table_of
from agentchat.models import Message, Part, Unquoted
from agentchat.store.writer import Tx

_KEPT, _PARTS, _MESSAGES = table_of(Unquoted), table_of(Part), table_of(Message)
CHANGED = ("text", "input", "data")
"""What a part is told with."""


def keep(tx: Tx, user_id: str, parts: Iterable[Row[Any]]) -> None:
    """Keep parts of answers to a person as they are; one that is kept already stays so."""
    dialect: Any = sqlite if tx.dialect == "sqlite" else postgresql
    added = [
        {
            "part_id": row.id,
            "thread_id": row.thread_id,
            "user_id": user_id,
            **{name: getattr(row, name) for name in CHANGED},
        }
        for row in parts
    ]
    if added:
        tx.execute(dialect.insert(_KEPT).on_conflict_do_nothing(), added)


def of_person(tx: Tx, user_id: str) -> Sequence[Row[Any]]:
    """The parts that are kept of answers to a person, as they were; what they are by now is in
    ``now_text``, ``now_input`` and ``now_data``.
    """
    query = (
        select(
            *(_PARTS.c[name] for name in ("id", "thread_id", "message_id", "run_id", "position")),
            *(_PARTS.c[name] for name in ("kind", "name", "finished_at")),
            *(_KEPT.c[name] for name in CHANGED),
            *(_PARTS.c[name].label(f"now_{name}") for name in CHANGED),
            _MESSAGES.c.finished_at.label("message_ended"),
        )
        .join_from(_KEPT, _PARTS, _PARTS.c.id == _KEPT.c.part_id)
        .join(_MESSAGES, _MESSAGES.c.id == _PARTS.c.message_id)
        .where(_KEPT.c.user_id == user_id)
    )
    return tx.execute(query).all()


def change(tx: Tx, part_id: int, **values: Any) -> None:
    """Let a part have been something else."""
    tx.execute(update(_KEPT).where(_KEPT.c.part_id == part_id).values(**values))


def remove(tx: Tx, part_id: int) -> None:
    """Keep a part no longer."""
    tx.execute(delete(_KEPT).where(_KEPT.c.part_id == part_id))


def delete_of_thread(tx: Tx, thread_id: str) -> None:
    """Keep none of the answers of a thread."""
    tx.execute(delete(_KEPT).where(_KEPT.c.thread_id == thread_id))
