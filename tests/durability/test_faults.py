"""Databases that are restarted, locked or full, and whose answers are lost on the way.

The lock is the one of the fault panel. The panel reaches no server of a database, no network to
it and no disk: those faults are made here.
"""

from __future__ import annotations

import asyncio
import logging
import random
import sqlite3
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import event, text

from agentchat.durable.app import Durable
from agentchat.durable.clock import SystemClock
from agentchat.errors import StorageUnavailable
from agentchat.faults import Faults
from agentchat.faults.switches import Switches
from agentchat.models import RunStatus
from agentchat.store import schema
from agentchat.store.database import Database
from agentchat.store.writer import Tx
from tests.durability import checks, program, servers
from tests.durability.processes import Tables, until
from tests.durability.servers import Proxy, Server
from tests.guards import open_to_all

T = TypeVar("T")

RUNS = 8


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server of our own: it is going to be stopped."""
    with servers.server() as made:
        yield made


@pytest.fixture
def postgres_url(server: Server) -> str:
    url = server.fresh()
    schema.upgrade(url)
    return url


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The witness of this process."""
    monkeypatch.setenv(program.WITNESS, str(tmp_path / "witness"))
    return tmp_path / "witness"


# PostgreSQL


@pytest.mark.parametrize("how", ["stopped", "cut off"])
async def test_runs_and_followers_outlive_a_restart_of_the_server(
    server: Server, postgres_url: str, file: Path, how: str
) -> None:
    async with Durable(postgres_url, program.WORKFLOWS) as durable:
        ids = [await durable.runs.start(program.whole, number) for number in range(RUNS)]
        followers = [asyncio.create_task(_followed(durable, run_id)) for run_id in ids]
        for _ in range(3):
            await asyncio.sleep(0.25)
            if how == "stopped":
                await asyncio.to_thread(server.stop)
                await asyncio.sleep(0.2)
                await asyncio.to_thread(server.start)
            else:
                await asyncio.to_thread(server.cut_off)
        for run_id in ids:
            await _patient(partial(_go, durable, run_id))
        async with asyncio.timeout(40):
            ends = await asyncio.gather(*followers)
    assert [seen[-1] for seen in ends] == [RunStatus.DONE] * RUNS
    with Tables(postgres_url) as tables:
        _check_in_one_process(tables, file)


async def _followed(durable: Durable, run_id: str) -> list[str]:
    seen = []
    async with aclosing(durable.runs.follow(run_id)) as views:
        async for view in views:
            seen.append(str(view.status))
            if view.ended:
                break
    return seen


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.long)])
async def test_a_commit_whose_answer_is_lost_counts_once(
    server: Server, postgres_url: str, file: Path, seed: int
) -> None:
    chance = random.Random(seed)
    armed = False

    def losing(statement: bytes) -> str:
        if not armed or b"COMMIT" not in statement:
            return "pass"
        number = chance.random()
        return "lost" if number < 0.18 else "cut" if number < 0.24 else "pass"

    async with Proxy(server, losing) as proxy:
        async with Durable(proxy.url(postgres_url), program.WORKFLOWS) as durable:
            armed = True
            ids = []
            for number in range(RUNS):
                key = f"one of each {number}"
                start = partial(durable.runs.start_once, key, program.whole, number)
                ids.append(await _patient(start))
            for run_id in ids:
                await _patient(partial(_go, durable, run_id))
            with Tables(postgres_url) as tables:
                await until(lambda: _over(tables, RUNS), 60, "all runs have ended")
            armed = False
        assert proxy.lost > 10
        assert proxy.cut > 3
    with Tables(postgres_url) as tables:
        starts = Counter(row["workflow"] for row in tables.all("workflows"))
        assert starts["whole"] == RUNS
        assert RUNS <= starts["part"] <= 2 * RUNS
        assert len([row for row in tables.all("events") if row["name"] == "go"]) == 2 * RUNS
        _check_in_one_process(tables, file)


# SQLite


async def test_a_locked_file_is_waited_for(
    tmp_path: Path, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    schema.upgrade(url)
    caplog.set_level(logging.WARNING)
    database = Database(url)

    @event.listens_for(database._writing, "connect")
    def _impatient(raw: sqlite3.Connection, _record: object) -> None:
        raw.execute("PRAGMA busy_timeout=100")

    async with _opened(database) as durable, _panel(database, durable) as faults:
        ids = [await durable.runs.start(program.whole, number) for number in range(RUNS)]
        await asyncio.sleep(0.1)
        lock = await faults.switch_on("lock", 60)
        refused: list[str] = []
        for _ in range(4):
            try:
                await _go(durable, ids[0])
            except StorageUnavailable as error:
                refused.append(str(error))
            await asyncio.sleep(0.5)
        assert refused == ["The database cannot be written: database is locked."] * 4
        assert await faults.end(lock.id)
        await _all_go(durable, ids)
    with Tables(url) as tables:
        _check_in_one_process(tables, file)
    lines = [record.getMessage() for record in caplog.records]
    assert any("database is locked" in line for line in lines), lines
    # Once for each that waits, not once for each try; and no traces of what is no defect.
    assert len(lines) < 3 * RUNS, lines
    traces = [record.getMessage() for record in caplog.records if record.exc_info]
    assert not traces, traces


@pytest.mark.parametrize("how", ["small disk", "small file"])
async def test_a_full_disk_is_waited_for(
    tmp_path: Path, file: Path, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    small = how == "small disk"
    if small and not _mounted(folder):
        pytest.skip("no disk can be mounted here")
    try:
        url = f"sqlite:///{folder / 'a.db'}"
        schema.upgrade(url)
        database = Database(url)
        room = _Disk(folder) if small else _Pages(database)
        async with _opened(database) as durable:
            ids = [await durable.runs.start(program.whole, number) for number in range(RUNS)]
            await asyncio.sleep(0.2)
            await room.take()
            refused: list[str] = []
            for number in range(400):
                try:
                    ids.append(await durable.runs.start(program.whole, RUNS + number))
                except StorageUnavailable as error:
                    refused.append(str(error))
                    if len(refused) == 3:
                        break
                    await asyncio.sleep(0.2)
            full = "The database cannot be written: database or disk is full."
            assert refused == [full] * 3
            assert not [run for run in ids[:RUNS] if (await durable.runs.get(run)).error]
            await room.give()
            await _all_go(durable, ids)
        with Tables(url) as tables:
            starts = [row["id"] for row in tables.all("workflows") if row["workflow"] == "whole"]
            assert sorted(starts) == sorted(ids)
            _check_in_one_process(tables, file)
    finally:
        if small:
            _unmount(folder)
    traces = [record.getMessage() for record in caplog.records if record.exc_info]
    assert not traces, traces


def _mounted(folder: Path) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _unmount(folder: Path) -> None:
    subprocess.run(["umount", str(folder)], check=True)


class _Disk:
    """A disk that something else fills, and leaves again."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "filler"

    async def take(self) -> None:
        with self._file.open("wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(b"x" * 4096)
            except OSError:
                return

    async def give(self) -> None:
        self._file.unlink()


class _Pages:
    """A file that may not grow, and may again."""

    MOST = 1_000_000

    def __init__(self, database: Database) -> None:
        self._database, self._most = database, self.MOST
        event.listen(database._writing, "connect", self._connected)

    def _connected(self, raw: sqlite3.Connection, _record: object) -> None:
        raw.execute(f"PRAGMA max_page_count={self._most}")

    async def take(self) -> None:
        await self._limit(1)

    async def give(self) -> None:
        await self._limit(self.MOST)

    async def _limit(self, most: int) -> None:
        self._most = most

        def limit(tx: Tx) -> None:
            tx.execute(text(f"PRAGMA max_page_count={most}"))

        await _patient(lambda: self._database.write_soon(limit))


# Both


@asynccontextmanager
async def _opened(database: Database) -> AsyncIterator[Durable]:
    database.open()
    try:
        async with Durable(database, program.WORKFLOWS) as durable:
            yield durable
    finally:
        await database.close()


def _panel(database: Database, durable: Durable) -> Faults:
    """The switches of the fault panel."""
    return Faults(
        database,
        SystemClock(),
        Switches(),
        guard=open_to_all(),
        kill=durable.kill_worker,
        start=durable.start_worker,
    )


async def _go(durable: Durable, run_id: str) -> None:
    for number in range(2):
        await durable.runs.send_event(run_id, program.GO, 7 + number, key=f"go-{number}-{run_id}")


async def _all_go(durable: Durable, ids: list[str]) -> None:
    for run_id in ids:
        await _go(durable, run_id)
    async with asyncio.timeout(50):
        views = await asyncio.gather(*(durable.runs.result(run_id) for run_id in ids))
    assert {view.status for view in views} == {RunStatus.DONE}


async def _patient(verb: Callable[[], Awaitable[T]]) -> T:
    """What a caller does whose verb may be repeated."""
    for _ in range(200):
        try:
            return await verb()
        except StorageUnavailable:
            await asyncio.sleep(0.05)
    raise AssertionError("the database never came back")


def _over(tables: Tables, wholes: int) -> bool:
    rows = tables.all("workflows")
    ended = [row for row in rows if row["workflow"] == "whole" and row["finished_at"] is not None]
    return len(ended) == wholes


def _check_in_one_process(tables: Tables, file: Path) -> None:
    """The process never died, so nothing at all was begun twice."""
    seen = checks.read(file)
    checks.check(tables, seen, {})
    begun: Counter[Any] = Counter((line.place, line.tries) for line in seen if line.what == "begin")
    twice = {one: times for one, times in begun.items() if times > 1}
    assert not twice, f"done again, though nothing died: {twice}"
