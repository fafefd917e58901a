"""The database of one process: a pool that only reads, and the one writer."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlmodel import Session

from agentchat.columns import json_text
from agentchat.errors import StorageUnavailable
from agentchat.store import words
from agentchat.store.away import is_away
from agentchat.store.bus import Listener
from agentchat.store.changes import Rows, read_by
from agentchat.store.live import Live, Outcome
from agentchat.store.writer import Tx, Writer

P = ParamSpec("P")
T = TypeVar("T")

READERS = 2
"""Connections that read. Reads are short; more would only fight for the interpreter."""


class Database:
    """An open database, SQLite file or PostgreSQL, after :meth:`open` and until :meth:`close`.

    ``live`` re-runs read functions when rows they read change, also by other processes.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.live = Live(self._read_noting)
        self._writing = connect(url)
        self._reading = connect(url, read_only=True)
        self._writer = Writer(self._writing, self.live.publish)
        self._listener = (
            None
            if self._writing.dialect.name == "sqlite"
            else Listener(url, self._writer.name, self.live.publish)
        )
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="agentchat-reader")
        event.listen(self._reading, "before_cursor_execute", _note_reads)

    def open(self) -> None:
        """Start the writer. The schema must be there already (``store/schema.py``)."""
        self._writer.start()
        if self._listener is not None:
            self._listener.start()

    async def close(self) -> None:
        """End all live queries, commit what waits and let go of all connections."""
        await self.live.close()
        if self._listener is not None:
            await self._listener.close()
        await self._writer.close()
        self._threads.shutdown()
        self._reading.dispose()
        self._writing.dispose()

    async def write(
        self, unit: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run ``unit(tx, ...)`` in a transaction and return its value after a durable commit.

        An error it raises undoes what it did, and only that. The unit must do nothing but
        SQL: it may be run again when another unit of its group fails. Raises
        :class:`~agentchat.errors.StorageUnavailable` when the database is full, locked for
        long or away; then it may have been committed all the same, its answer lost.
        """
        value: T = await self._submit(lambda tx: unit(tx, *args, **kwargs), durable=True)
        return value

    async def write_soon(
        self, unit: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Like :meth:`write`, but a power cut (not a crash) may lose the newest of them."""
        value: T = await self._submit(lambda tx: unit(tx, *args, **kwargs), durable=False)
        return value

    async def _submit(self, run: Callable[[Tx], Any], *, durable: bool) -> Any:
        try:
            return await self._writer.submit(run, durable=durable)
        except (OperationalError, InterfaceError, InternalError) as error:
            if not is_away(error):
                raise
            cause = str(error.orig or error).strip().splitlines()[0]
            raise StorageUnavailable(f"The database cannot be written: {cause}.") from error

    def post(
        self, unit: Callable[Concatenate[Tx, P], object], /, *args: P.args, **kwargs: P.kwargs
    ) -> None:
        """Have ``unit(tx, ...)`` run, from any thread; nobody hears of its value."""
        self._writer.post(lambda tx: unit(tx, *args, **kwargs))

    @property
    def waiting(self) -> int:
        """About how many writes wait for the next commit."""
        return self._writer.waiting

    def on_commit(self, told: Callable[[int, float], None]) -> None:
        """Have ``told(units, seconds)`` called after each commit, in the writer's thread."""
        self._writer.committed = told

    def on_news(self, told: Callable[[object], None]) -> None:
        """Have ``told(news)`` called in the event loop with whatever a unit announced, once it is
        committed: see :meth:`~agentchat.store.writer.Tx.announce`.
        """
        self._writer.announced = told

    async def read(
        self, query: Callable[Concatenate[Session, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run ``query(session, ...)`` in one read-only snapshot and return its value."""
        loop = asyncio.get_running_loop()

        def run(session: Session) -> T:
            return query(session, *args, **kwargs)

        return await loop.run_in_executor(self._threads, self._read_now, run, None)

    async def _read_noting(
        self, query: Callable[[Session], T]
    ) -> tuple[Outcome[T], tuple[Rows, ...]]:
        """What ``query`` came to, and what it read until then."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._read_noting_now, query)

    def _read_noting_now(
        self, query: Callable[[Session], T]
    ) -> tuple[Outcome[T], tuple[Rows, ...]]:
        seen: dict[Rows, None] = {}
        try:
            return Outcome(self._read_now(query, seen)), tuple(seen)
        except Exception as error:
            return Outcome(None, error), tuple(seen)

    def _read_now(self, query: Callable[[Session], T], seen: dict[Rows, None] | None) -> T:
        """The value of ``query``; what it reads goes into ``seen``, if somebody cares."""
        with self._reading.connect() as connection:
            if seen is not None:
                connection = connection.execution_options(agentchat_reads=seen)
            with Session(connection) as session:
                value = query(session)
                session.expunge_all()
        return value


def connect(url: str, *, read_only: bool = False) -> Engine:
    """An engine set up for this app: see the notes beside each setting.

    The folder of an SQLite file is made if it is missing.
    """
    if make_url(url).get_backend_name() == "sqlite":
        file = make_url(url).database
        if not file or file == ":memory:":
            raise ValueError("an SQLite database must be a file: its readers are other connections")
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        # Threads of the pool hand connections on to each other, never share one at a time.
        engine = create_engine(
            url,
            pool_size=READERS,
            json_serializer=json_text,
            connect_args={"check_same_thread": False, "timeout": 30},
        )
        event.listen(engine, "connect", partial(_set_up_sqlite, read_only=read_only))
        if read_only:
            # The driver begins no transaction for a SELECT; without one, each would see
            # another moment.
            event.listen(engine, "begin", _begin_snapshot)
        return engine
    options = "-c timezone=UTC"
    if read_only:
        # One snapshot for all that a view reads, so its parts never disagree.
        options += " -c default_transaction_isolation=repeatable\\ read"
        options += " -c default_transaction_read_only=on"
    return create_engine(
        url,
        pool_size=READERS,
        pool_pre_ping=read_only,
        json_serializer=json_text,
        connect_args={"options": options},
    )


def _set_up_sqlite(raw: sqlite3.Connection, _record: object, *, read_only: bool) -> None:
    raw.isolation_level = None
    know_words(raw)
    for pragma in (
        "journal_mode=WAL",  # readers go on while the writer commits
        "foreign_keys=ON",
        "wal_autocheckpoint=4000",
        "journal_size_limit=67108864",
        "temp_store=MEMORY",
        *(("query_only=ON",) if read_only else ()),
    ):
        raw.execute(f"PRAGMA {pragma}")


def know_words(raw: Any, _record: object = None) -> None:
    """Give a connection to SQLite the function that indexes messages (migration 0016): each that
    writes messages needs it. Connections to PostgreSQL, which has its own, stay as they are.
    """
    if isinstance(raw, sqlite3.Connection):
        raw.create_function("agentchat_words", 1, words.keys, deterministic=True)


def _begin_snapshot(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _note_reads(
    connection: Connection, _cursor: Any, statement: str, _params: Any, context: Any, _many: bool
) -> None:
    seen: dict[Rows, None] | None = connection.get_execution_options().get("agentchat_reads")
    if seen is not None and statement != "BEGIN":
        for one in context.compiled_parameters if context.compiled is not None else ({},):
            seen.update(dict.fromkeys(read_by(context.compiled, one)))
