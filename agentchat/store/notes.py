"""Notes: what agents wrote down for themselves in a thread."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, delete, insert, select, update
from sqlmodel import Session, col

from agentchat.columns import table_of
from agentchat.models import Note
from agentchat.store.writer import Tx

_NOTES = table_of(Note)
_OF_AGENT = (
    select(_NOTES.c.name, _NOTES.c.text)
    .where(_NOTES.c.thread_id == bindparam("thread_id"), _NOTES.c.agent == bindparam("agent"))
    .order_by(_NOTES.c.name)
)


def of_agent(source: Tx | Session, thread_id: str, agent: str) -> list[tuple[str, str]]:
    """The names and texts of an agent's notes in a thread, by name."""
    found = source.execute(_OF_AGENT, {"thread_id": thread_id, "agent": agent}).all()
    return [(name, text) for name, text in found]


def put(tx: Tx, thread_id: str, agent: str, name: str, text: str, *, now: datetime) -> None:
    """Write a note, in the place of the one of this name."""
    place = {"thread_id": thread_id, "agent": agent, "name": name}
    same = [column == place[column.name] for column in _NOTES.primary_key]
    changed = tx.execute(update(_NOTES).where(*same).values(text=text, updated_at=now))
    if not changed.rowcount:
        tx.execute(insert(_NOTES), {**place, "text": text, "updated_at": now})


def remove(tx: Tx, thread_id: str, agent: str, name: str) -> None:
    """Remove a note, if it is there."""
    place = {"thread_id": thread_id, "agent": agent, "name": name}
    same = [column == place[column.name] for column in _NOTES.primary_key]
    tx.execute(delete(_NOTES).where(*same))


def delete_of_thread(tx: Tx, thread_id: str) -> None:
    """Remove those of a thread."""
    tx.execute(delete(Note).where(col(Note.thread_id) == thread_id))
