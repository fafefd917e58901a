"""Exchanges: what a person said and what was answered, for those who remember it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, and_, select
from sqlmodel import Session, col

from agentchat.columns import table_of
from agentchat.models import Message, MessageStatus, Role, Thread
from agentchat.store.writer import Tx


def exchange(
    source: Session | Tx, message_id: str, *, thread_id: str, user_id: str
) -> tuple[Row[Any] | None, str]:
    """What ``user_id`` said last up to a message of a thread (``id`` and ``text``), and the
    text of the answer to it; None if that was said by somebody else or is gone.
    """
    message = table_of(Message)
    of_thread = (
        select(message.c.id, message.c.text, message.c.position, message.c.user_id)
        .join(Thread, col(Thread.id) == message.c.thread_id)
        .where(message.c.thread_id == thread_id, col(Thread.deleted_at).is_(None))
    )
    about, kept = message.alias("about"), message.alias("kept")
    # Of what is not shown any more nothing is remembered.
    upto = (
        select(about.c.position)
        .join_from(
            about,
            kept,
            and_(
                kept.c.thread_id == about.c.thread_id,
                kept.c.position == about.c.position,
                kept.c.branch == about.c.branch,
            ),
        )
        .where(about.c.id == message_id, about.c.thread_id == thread_id, kept.c.hidden.is_(False))
    )
    shown = of_thread.where(message.c.hidden.is_(False))
    said = source.execute(
        shown.where(message.c.role == Role.USER, message.c.position <= upto.scalar_subquery())
        .order_by(message.c.position.desc())
        .limit(1)
    ).first()
    if said is None or said.user_id not in ("", user_id):
        return None, ""
    answer = source.execute(
        shown.where(
            message.c.position == said.position + 1,
            message.c.role == Role.ASSISTANT,
            message.c.status == MessageStatus.DONE,
        )
    ).first()
    return said, "" if answer is None else answer.text
