"""Copies of what is in a thread: the files of a message, and messages with all that they hold."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Table, func, insert, literal, select

from agentchat.columns import table_of
from agentchat.models import LIVE_MESSAGE, Attachment, Message, Part
from agentchat.store import memory_texts
from agentchat.store.changes import rows
from agentchat.store.writer import Tx

_ATTACHMENTS, _MESSAGES, _PARTS = table_of(Attachment), table_of(Message), table_of(Part)
MOST_ASKED = 500
"""How many values a statement is given."""


def bytes_with(tx: Tx, message_ids: list[str]) -> int:
    """How many bytes of files were sent with these messages."""
    return sum(
        int(tx.execute(_SIZES.where(_ATTACHMENTS.c.message_id.in_(some))).scalar_one())
        for some in in_groups(message_ids)
    )


_SIZES = select(func.coalesce(func.sum(_ATTACHMENTS.c.size), 0))


def files(tx: Tx, new_ids: Mapping[str, str], thread_id: str, *, now: datetime) -> None:
    """Copy the files of messages to others, which are in a thread already; ``new_ids`` names them
    by those that are copied. What is in a file does not leave the database.
    """
    query = select(_ATTACHMENTS.c.id, _ATTACHMENTS.c.message_id)
    for some in in_groups(list(new_ids)):
        for file_id, message_id in tx.execute(query.where(_ATTACHMENTS.c.message_id.in_(some))):
            own = {
                "id": uuid.uuid4().hex,
                "message_id": new_ids[message_id],
                "thread_id": thread_id,
                "created_at": now,
            }
            _copy(tx, _ATTACHMENTS, own, _ATTACHMENTS.c.id == file_id, thread_id)


def _copy(tx: Tx, table: Table, own: Mapping[str, Any], where: Any, thread_id: str) -> None:
    columns = [column.name for column in table.columns]
    kept = [
        literal(own[name], type_=table.c[name].type) if name in own else table.c[name]
        for name in columns
    ]
    added = insert(table).from_select(columns, select(*kept).where(where), include_defaults=False)
    tx.execute(added, about=rows(table.name, {"thread_id": thread_id}))


def in_groups(ids: list[str]) -> list[list[str]]:
    """So many at a time as a statement takes."""
    return [ids[start : start + MOST_ASKED] for start in range(0, len(ids), MOST_ASKED)]


def path(tx: Tx, thread_id: str, upto: int) -> list[str]:
    """The ids of the messages that a thread shows up to a place, oldest first; the caller holds
    it. Empty if one of them is still being written.
    """
    query = select(_MESSAGES.c.id, _MESSAGES.c.status).where(
        _MESSAGES.c.thread_id == thread_id,
        _MESSAGES.c.hidden.is_(False),
        _MESSAGES.c.position <= upto,
    )
    found = tx.execute(query.order_by(_MESSAGES.c.position)).all()
    return [] if any(row.status in LIVE_MESSAGE for row in found) else [row.id for row in found]


def whole(
    tx: Tx, new_ids: Mapping[str, str], thread_id: str, *, user_id: str, now: datetime
) -> None:
    """Copy messages to a thread that has none yet, with their parts and files; ``new_ids`` names
    them by those that are copied. Those of ``user_id`` stay theirs, others are nobody's. Runs
    are not copied, nor what sub-agents did, what was asked of people, and what was remembered of
    them: that could not be forgotten any more.
    """
    own = {"thread_id": thread_id, "variant": 0, "branch": 0, "run_id": None}
    own |= {"hidden": False, "shelved": False, "kept_at": None, "kept_by": None}
    for some in in_groups(list(new_ids)):
        said = select(_MESSAGES).where(_MESSAGES.c.id.in_(some))
        rows_ = [dict(row) | own for row in tx.execute(said).mappings()]
        for row in rows_:
            row["id"] = new_ids[row["id"]]
            row["user_id"] = user_id if row["user_id"] == user_id else ""
        tx.execute(insert(_MESSAGES), rows_)
        done = select(_PARTS).where(_PARTS.c.message_id.in_(some))
        parts = [
            _part(dict(row), new_ids) | {"thread_id": thread_id}
            for row in tx.execute(done.order_by(_PARTS.c.id)).mappings()
            if not memory_texts.tells(row["kind"], row["name"], row["data"])
        ]
        if parts:
            tx.execute(insert(_PARTS), parts)
    files(tx, new_ids, thread_id, now=now)


def _part(row: dict[str, Any], new_ids: Mapping[str, str]) -> dict[str, Any]:
    data = {name: value for name, value in row["data"].items() if name != "thread_id"}
    if data.get("message_id") in new_ids:
        data["message_id"] = new_ids[data["message_id"]]
    del row["id"]
    message_id = new_ids[row["message_id"]]
    return row | {"message_id": message_id, "run_id": "", "child_id": None, "data": data}
