"""Commits of other processes on PostgreSQL: told by NOTIFY in the writing transaction.

SQLite needs none of this: there the writer looks at the file (``writer.py``).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import selectors
import socket
import threading
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Connection, make_url

from agentchat.store.changes import EVERYTHING, NOBODY, Rows

logger = logging.getLogger(__name__)

CHANNEL = "agentchat"
MOST_BYTES = 7500
"""PostgreSQL takes up to 8,000 bytes in a notification."""
SENDER_LENGTH = 32
"""A notification begins with the name of its writer."""
AGAIN_SECONDS = 1.0
"""How long it waits before it connects anew."""

TOGETHER_SECONDS = 0.01
"""How long it lets notifications gather after some came: a busy process sends very many."""


def notification(connection: Connection, sender: str, changes: list[Rows]) -> str:
    """The statement that tells other processes what this transaction changed, if it is
    committed; empty if there is nothing to tell.
    """
    told = [[row.table, dict(row.known)] for row in changes if row.table != NOBODY]
    if not told:
        return ""
    payload = sender + json.dumps(told)
    if len(payload) > MOST_BYTES:
        payload = sender + json.dumps([[EVERYTHING, {}]])
    raw = connection.connection.driver_connection
    assert isinstance(raw, psycopg.Connection)
    return f"NOTIFY {CHANNEL}, {sql.quote(payload, raw)}"


PATIENCE: dict[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}
"""A listener sends nothing: without these, a server gone silent would be noticed in hours."""


class Listener:
    """A thread that tells the event loop what other processes committed."""

    def __init__(self, url: str, sender: str, published: Callable[[list[Rows]], None]) -> None:
        plain = make_url(url).set(drivername="postgresql")
        self._dsn = plain.render_as_string(hide_password=False)
        self._sender = sender
        self._published = published
        self._ending = threading.Event()
        self.hears = threading.Event()
        """Set once it listens for the first time."""
        self._thread = threading.Thread(target=self._serve, name="agentchat-bus", daemon=True)

    def start(self) -> None:
        """Begin to listen; called in the event loop that is to be told."""
        self._loop = asyncio.get_running_loop()
        self._end, self._ended = socket.socketpair()
        self._thread.start()

    async def close(self) -> None:
        """End the thread."""
        self._ending.set()
        self._end.close()
        await asyncio.to_thread(self._thread.join)
        self._ended.close()

    def _serve(self) -> None:
        while not self._ending.is_set():
            try:
                with psycopg.connect(self._dsn, autocommit=True, **PATIENCE) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    # Whatever was committed before is read again.
                    self._tell([Rows(EVERYTHING)])
                    self.hears.set()
                    self._listen(connection)
            except psycopg.Error as error:
                logger.warning("notifications are lost until PostgreSQL answers: %s", error)
                self._ending.wait(AGAIN_SECONDS)

    def _listen(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        with selectors.DefaultSelector() as either:
            either.register(connection, selectors.EVENT_READ)
            either.register(self._ended, selectors.EVENT_READ)
            while not self._ending.is_set():
                changes: dict[Rows, None] = {}
                for note in connection.notifies(timeout=0):
                    if not note.payload.startswith(self._sender):
                        changes.update(_told(note.payload[SENDER_LENGTH:]))
                if changes:
                    self._tell(list(changes))
                self._ending.wait(TOGETHER_SECONDS)
                either.select()

    def _tell(self, changes: list[Rows]) -> None:
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._published, changes)


def _told(payload: str) -> dict[Rows, None]:
    try:
        return {
            Rows(table, tuple(sorted(known.items()))): None for table, known in json.loads(payload)
        }
    except (ValueError, TypeError, AttributeError):
        # Whoever may use the database may send anything on the channel.
        logger.warning("a notification cannot be read, so everything is read again")
        return {Rows(EVERYTHING): None}
