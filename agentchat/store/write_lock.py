"""A lock that keeps every writer of a database waiting, as a long transaction elsewhere does."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError
from sqlmodel import SQLModel

from agentchat import models as models
from agentchat.errors import StorageUnavailable
from agentchat.store.away import is_away
from agentchat.store.database import connect

DEADLOCK = "40P01"
"""PostgreSQL's code for it."""
PATIENCE = "5s"
"""How long to wait for the writers at hand."""
TRIES = 5
"""How often to ask a server that gave the lock up in favour of a writer (a deadlock)."""
GRACE = timedelta(seconds=5)
"""How much longer than asked for a server keeps the lock of a process that has stopped."""


class WriteLock:
    """Held on a connection of its own; readers go on. Both verbs block: call them in a thread."""

    def __init__(self, url: str) -> None:
        self._engine = connect(url)
        self._connection: Connection | None = None

    def hold(self, most: timedelta) -> None:
        """Take the lock, which a server gives up soon after ``most``, come what may.

        Raises :class:`~agentchat.errors.StorageUnavailable` if writers do not let go.
        """
        try:
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            self._connection = connection
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                return
            limit = round((most + GRACE).total_seconds() * 1000)
            tables = ", ".join(f'"{table.name}"' for table in SQLModel.metadata.sorted_tables)
            for left in reversed(range(TRIES)):
                connection.exec_driver_sql("BEGIN")
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{PATIENCE}'")
                connection.exec_driver_sql(
                    f"SET LOCAL idle_in_transaction_session_timeout = {limit}"
                )
                try:
                    connection.exec_driver_sql(f"LOCK TABLE {tables} IN EXCLUSIVE MODE")
                    return
                except OperationalError as error:
                    if not left or getattr(error.orig, "sqlstate", None) != DEADLOCK:
                        raise
                    connection.exec_driver_sql("ROLLBACK")
        except OperationalError as error:
            if not is_away(error):
                raise
            raise StorageUnavailable(f"The database cannot be locked: {error.orig}.") from error

    def release(self) -> None:
        """Let the writers go on. Safe to call twice."""
        connection, self._connection = self._connection, None
        if connection is not None:
            # What was begun on it ends with the connection.
            connection.invalidate()
            connection.close()
        self._engine.dispose()
