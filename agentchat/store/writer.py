"""The one writer of a process: a thread that owns one connection.

Whatever waits is committed as one group. It batches by itself under load and adds a
thread hop when idle; one fsync serves all units of a group, and readers are never
blocked. Why not a session per write: 2 ms of CPU each, and on SQLite a fight for one lock
(measured; see the benchmarks).
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import psycopg
from sqlalchemy import Connection, CursorResult, Engine, Executable, event
from sqlalchemy.exc import DBAPIError

from agentchat.store.bus import notification
from agentchat.store.changes import EVERYTHING, NOBODY, Rows, changed_by, tables_changed

logger = logging.getLogger(__name__)

GROUP_LIMIT = 1000
"""Most units in one commit, so that a flood cannot hold back everybody's answer for long."""

LOOK_SECONDS = 0.25
"""How often an idle writer looks whether another process wrote to its SQLite file."""
SWITCH_SECONDS = 0.001
"""How long a busy thread may keep the interpreter from the writer, which lets go of it for
each statement: with Python's own 5 ms, 50 runs at once get half as far."""
CONFLICT_TRIES = 5
"""How often a unit is run that the database gave up in favour of another process."""
_CONFLICTS = ("40001", "40P01")
"""PostgreSQL's codes for a serialization failure and a deadlock."""


class Tx:
    """What a unit of work writes through. Valid only while the unit runs."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.changes: list[Rows] = []
        self.news: list[object] = []
        self._savepoints = count()

    @property
    def dialect(self) -> str:
        """The kind of database: sqlite or postgresql."""
        return self._connection.dialect.name

    def execute(
        self,
        statement: Executable,
        params: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        *,
        about: Rows | None = None,
    ) -> CursorResult[*tuple[Any, ...]]:
        """Run a statement, noting the rows it changes for the live queries.

        ``about`` narrows what could be read from the statement: the caller's word that
        every changed row is among these.
        """
        if about is None:
            many: Sequence[Mapping[str, Any]] = (
                () if params is None else (params,) if isinstance(params, Mapping) else params
            )
            found = changed_by(statement, many)
        else:
            tables = tables_changed(statement)
            assert about.table == NOBODY or tables <= {about.table}
            found = (about,) if tables else ()
        result = self._connection.execute(statement, params)
        self.changes.extend(found)
        return result

    def announce(self, news: object) -> None:
        """Have whoever listens in this process told of something, once it is committed: never if
        it is undone, or if nobody knows because the answer to the commit is lost.
        """
        self.news.append(news)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """What is done in this block is undone, and wakes nobody, if it ends in an error, which
        goes on; the rest of the unit is not touched, also where the database would otherwise
        refuse everything after an error.
        """
        before, name = len(self.changes), f"inner_{next(self._savepoints)}"
        announced = len(self.news)
        self._connection.exec_driver_sql(f"SAVEPOINT {name}")
        try:
            yield
        except BaseException:
            del self.changes[before:], self.news[announced:]
            # After an error that has ended the transaction itself there is none any more.
            with suppress(DBAPIError):
                self._connection.exec_driver_sql(f"ROLLBACK TO SAVEPOINT {name}")
                self._connection.exec_driver_sql(f"RELEASE SAVEPOINT {name}")
            raise
        self._connection.exec_driver_sql(f"RELEASE SAVEPOINT {name}")


@dataclass(slots=True)
class _Unit:
    run: Callable[[Tx], Any]
    durable: bool
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any] | None
    value: Any = None
    error: BaseException | None = None
    changes: list[Rows] = field(default_factory=list)
    news: list[object] = field(default_factory=list)

    def attempt(self, connection: Connection) -> None:
        tx = Tx(connection)
        self.value = self.run(tx)
        self.error, self.changes, self.news = None, tx.changes, tx.news

    def settle(self) -> None:
        if self.future is None:
            if self.error is not None:
                logger.warning("a posted write failed: %s", self.error)
            return
        if self.future.done():
            return
        if isinstance(self.error, StopIteration):
            # A future cannot hold it.
            self.future.set_exception(RuntimeError("a unit of work raised StopIteration"))
        elif self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.value)


class Writer:
    """Runs units of work in the order they came, grouped into commits.

    ``published`` is called in the event loop after each commit with the rows it changed,
    before the units' callers go on.
    """

    def __init__(self, engine: Engine, published: Callable[[list[Rows]], None]) -> None:
        self._engine = engine
        self._published = published
        self._queue: queue.SimpleQueue[_Unit | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="agentchat-writer", daemon=True)
        self._connection: Connection | None = None
        self._synchronous: str | None = None
        self._version: int | None = None
        self._connected = False
        self.committed: Callable[[int, float], None] = lambda _units, _seconds: None
        """Called in the writer's thread after each group: how many units, in how long."""
        self.announced: Callable[[object], None] = lambda _news: None
        """Called in the event loop with what was announced, before the unit's caller goes on."""
        self.name = uuid.uuid4().hex
        """Tells this writer's notifications from those of other processes."""
        self._closed = False
        if engine.dialect.name == "postgresql":
            event.listen(engine, "do_execute_no_params", _send_plainly)

    def start(self) -> None:
        """Begin to serve; called in the event loop that is told of other processes' commits."""
        self._loop = asyncio.get_running_loop()
        sys.setswitchinterval(min(SWITCH_SECONDS, sys.getswitchinterval()))
        self._look()
        self._thread.start()

    def submit(self, run: Callable[[Tx], Any], *, durable: bool) -> asyncio.Future[Any]:
        """Queue a unit; its value or error arrives in the future after the commit.

        ``durable`` asks that the commit survives a power cut, not only a crash of the
        process. Cancelling the future does not take the unit back.
        """
        if self._closed:
            raise RuntimeError("the database is closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._queue.put(_Unit(run, durable, loop, future))
        return future

    def post(self, run: Callable[[Tx], Any]) -> None:
        """Queue a unit from any thread, even while the event loop stands still. Nobody hears
        of its value; once the writer is closed it is dropped.
        """
        if not self._closed:
            self._queue.put(_Unit(run, False, self._loop, None))

    @property
    def waiting(self) -> int:
        """About how many units wait for the next commit."""
        return self._queue.qsize()

    async def close(self) -> None:
        """Commit what waits, then end the thread."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            await asyncio.to_thread(self._thread.join)

    def _serve(self) -> None:
        open_ = True
        while open_:
            group, open_ = self._drain()
            if group:
                began = time.perf_counter()
                try:
                    self._commit(group)
                except BaseException as error:
                    # Of a database that is full, locked or away, whoever waits is told.
                    expected = isinstance(error, DBAPIError)
                    level = logging.INFO if expected else logging.ERROR
                    words = "the writer failed, its connection is opened anew: %s"
                    cause = str(error).partition("\n")[0]
                    logger.log(level, words, cause, exc_info=None if expected else error)
                    self._discard()
                    for unit in group:
                        # The commit may have happened all the same, its answer lost.
                        unit.error, unit.changes = error, [Rows(EVERYTHING)]
                self.committed(len(group), time.perf_counter() - began)
                self._deliver(group)
        self._discard()

    def _look(self) -> None:
        """Tell the live queries if another process has written to the SQLite file."""
        if self._engine.dialect.name != "sqlite":
            return
        connection = self._connection or self._connect()
        # It changes on this connection only when others commit.
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        (version,) = raw.execute("PRAGMA data_version").fetchone()
        known, self._version = self._version, version
        if known not in (None, version):
            self._call(self._loop, [Rows(EVERYTHING)], [])

    def _drain(self) -> tuple[list[_Unit], bool]:
        group: list[_Unit] = []
        while True:
            try:
                unit = self._queue.get(timeout=LOOK_SECONDS)
                break
            except queue.Empty:
                self._look()
        while unit is not None:
            group.append(unit)
            if len(group) == GROUP_LIMIT:
                return group, True
            try:
                unit = self._queue.get_nowait()
            except queue.Empty:
                return group, True
        return group, False

    def _commit(self, group: list[_Unit]) -> None:
        connection = self._begin(any(unit.durable for unit in group))
        try:
            for unit in group:
                unit.attempt(connection)
        except Exception as error:
            self._abandon(connection, error)
            for unit in group:
                self._alone(unit)
            return
        self._finish(connection, group)

    def _finish(self, connection: Connection, units: list[_Unit]) -> None:
        if connection.dialect.name == "postgresql":
            changes = list(dict.fromkeys(row for unit in units for row in unit.changes))
            if told := notification(connection, self.name, changes):
                _send(connection, f"{told}; COMMIT")
                return
        connection.exec_driver_sql("COMMIT")

    def _alone(self, unit: _Unit) -> None:
        """Run a unit in a transaction of its own, so that it spoils no other and holds no
        locks while the next one waits for them.
        """
        for attempt in range(1, CONFLICT_TRIES + 1):
            connection = self._begin(unit.durable)
            try:
                unit.attempt(connection)
                self._finish(connection, [unit])
                return
            except Exception as error:
                self._abandon(connection, error)
                # Without a connection nobody knows: it may be committed, its answer lost.
                unknown = [] if self._connection is not None else [Rows(EVERYTHING)]
                unit.value, unit.error, unit.changes = None, error, unknown
                if not _conflict(error) or attempt == CONFLICT_TRIES:
                    return

    def _begin(self, durable: bool) -> Connection:
        connection = self._connection or self._connect()
        try:
            self._open_transaction(connection, durable)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            # The server was restarted while we were idle: nothing was sent, so ask again.
            self._discard()
            connection = self._connect()
            self._open_transaction(connection, durable)
        return connection

    def _abandon(self, connection: Connection, error: Exception) -> None:
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            self._discard()
            return
        raw = connection.connection.driver_connection
        # When its disk is full, SQLite has ended the transaction itself.
        if not isinstance(raw, sqlite3.Connection) or raw.in_transaction:
            connection.exec_driver_sql("ROLLBACK")

    def _open_transaction(self, connection: Connection, durable: bool) -> None:
        if connection.dialect.name == "sqlite":
            wanted = "FULL" if durable else "NORMAL"
            if wanted != self._synchronous:
                connection.exec_driver_sql(f"PRAGMA synchronous={wanted}")
                self._synchronous = wanted
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            self._look()
        else:
            quick = "; SET LOCAL synchronous_commit = off"
            _send(connection, f"BEGIN{'' if durable else quick}")

    def _connect(self) -> Connection:
        # AUTOCOMMIT: the driver starts no transactions of its own; BEGIN and COMMIT are ours.
        self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        if self._connected:
            # What others committed since the last look at the file would never be seen.
            self._call(self._loop, [Rows(EVERYTHING)], [])
        self._connected = True
        self._synchronous = self._version = None
        return self._connection

    def _discard(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()

    def _deliver(self, group: list[_Unit]) -> None:
        changes = list(dict.fromkeys(row for unit in group for row in unit.changes))
        for loop in {unit.loop for unit in group}:
            self._call(loop, changes, [unit for unit in group if unit.loop is loop])

    def _call(
        self, loop: asyncio.AbstractEventLoop, changes: list[Rows], units: list[_Unit]
    ) -> None:
        try:
            loop.call_soon_threadsafe(self._wake, changes, units)
        except RuntimeError:
            logger.debug("the event loop of %d writes is closed", len(units))

    def _wake(self, changes: list[Rows], units: list[_Unit]) -> None:
        if changes:
            try:
                self._published(changes)
            except Exception:
                logger.exception("a listener failed; the writes go on")
        for unit in units:
            if unit.error is None:
                for news in unit.news:
                    self._tell(news)
            unit.settle()

    def _tell(self, news: object) -> None:
        try:
            self.announced(news)
        except Exception:
            logger.exception("what was announced could not be told; the writes go on")


def _send(connection: Connection, statements: str) -> None:
    """Send what may be several statements to PostgreSQL at once: one round trip."""
    connection.exec_driver_sql(statements, execution_options={"no_parameters": True})


def _send_plainly(cursor: psycopg.Cursor[Any], statement: str, _context: object) -> bool:
    # Only a single statement could be prepared, and psycopg would after a few times.
    cursor.execute(statement.encode(), prepare=False)
    return True


def _conflict(error: Exception) -> bool:
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _CONFLICTS
