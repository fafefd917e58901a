"""Which models answer, and how far each is on its way to being ready."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import insert, update
from sqlmodel import Session, col

from agentchat.models import Model
from agentchat.store.writer import Tx


def save(tx: Tx, model_id: str, /, *, now: datetime, **values: Any) -> None:
    """Write down a model's state, given by column."""
    values["updated_at"] = now
    known = tx.execute(update(Model).where(col(Model.id) == model_id).values(**values))
    if not known.rowcount:
        tx.execute(insert(Model), {"id": model_id, **values})


def get(session: Session, model_id: str) -> Model | None:
    """The model of this id, if a process has started with it."""
    return session.get(Model, model_id)
