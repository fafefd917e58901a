"""Threads with settled messages, written directly into the database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import create_engine, event, insert

from agentchat.models import Message, MessageStatus, Role, Thread
from agentchat.store.database import know_words
from tests.benchmarks.tabs.stamps import sentence

TEXT = 200
"""Characters of a message."""


def fill(url: str, lengths: dict[str, int]) -> None:
    """Make a thread of so many messages for each id; the nth holds the mark ``id:n``."""
    engine = create_engine(url)
    event.listen(engine, "connect", know_words)
    now = datetime.now(UTC) - timedelta(days=1)
    with engine.begin() as connection:
        for thread_id, length in lengths.items():
            thread = {
                "id": thread_id,
                "owner_id": "local",
                "title": f"Thread {thread_id}",
                "length": length,
                "created_at": now,
                "updated_at": now,
            }
            connection.execute(insert(Thread), thread)
            if length:
                connection.execute(insert(Message), _messages(thread_id, length, now))
    engine.dispose()


def _messages(thread_id: str, length: int, now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "id": f"{thread_id}-{n:06}",
            "thread_id": thread_id,
            "position": n,
            "role": Role.ASSISTANT if n % 2 else Role.USER,
            "status": MessageStatus.DONE,
            "text": sentence(thread_id, n, TEXT),
            "author": "" if n % 2 else "you",
            "model": "Stamps" if n % 2 else "",
            "created_at": now,
            "finished_at": now,
        }
        for n in range(length)
    ]
