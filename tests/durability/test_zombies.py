"""A process that sleeps longer than its lease, and wakes when others have done its work."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from tests.durability import checks, program
from tests.durability.processes import Parent, Process, Tables, until, verbs
from tests.durability.program import Settings
from tests.long import LONG_ON_POSTGRES

RUNS = 4


@LONG_ON_POSTGRES
async def test_a_frozen_process_that_wakes_changes_no_row(
    parent: Parent, database_url: str, tmp_path: Path
) -> None:
    settings = Settings(
        database_url,
        str(tmp_path / "witness"),
        str(tmp_path / "log"),
        lease=0.8,
        renew=0.2,
        look=0.05,
    )
    file = Path(settings.witness)
    with Tables(database_url) as tables:
        async with verbs(database_url) as runs:
            for number in range(RUNS):
                await runs.start(program.long, number)
            first = parent.start(settings)
            await until(lambda: _begun(file, "middle") == RUNS, 60, "all are in their long step")
            frozen = await _freeze(first, database_url)
            other = parent.start(settings)
            await until(lambda: len(tables.ended()) == RUNS, 60, "the other has ended all runs")
            # It is over its last writes.
            await asyncio.sleep(0.3)
            other.kill()
            before, told = _still(tables), len(checks.text(settings.witness))
            first.signal(signal.SIGCONT)
            await asyncio.sleep(1.5)
            assert not first.gone()
            assert _still(tables) == before
            woken = checks.text(settings.witness)[told:]
            assert " begin " not in woken, woken
            # It is none the worse for it.
            after = await runs.start(program.steps, 1)
            await until(lambda: after in tables.ended(), 60, "it carries on with new runs")
        first.kill()
        seen = checks.read(file)
        done_by = {line.pid for line in seen if line.key == "last" and line.what == "end"}
        assert done_by == {other.pid}
        assert {line.pid for line in seen if line.run_id == after} == {first.pid}
        rows = {row["id"]: row for row in tables.all("workflows")}
        assert all(row["crashes"] == 1 for row in rows.values() if row["workflow"] == "long")
        # What it ended when it woke, it had been told to forget.
        mine = [
            line
            for line in seen
            if line.pid != first.pid or line.run_id == after or line.moment < frozen
        ]
        checks.check(tables, mine, {first.pid: frozen})


@pytest.mark.long
async def test_a_frozen_process_that_wakes_while_another_has_its_runs_disturbs_none(
    parent: Parent, database_url: str, tmp_path: Path
) -> None:
    settings = Settings(
        database_url,
        str(tmp_path / "witness"),
        str(tmp_path / "log"),
        lease=0.6,
        renew=0.15,
        look=0.05,
    )
    file = Path(settings.witness)
    with Tables(database_url) as tables:
        async with verbs(database_url) as runs:
            for number in range(RUNS):
                await runs.start(program.long, number)
                await runs.start(program.lingering, number)
            first = parent.start(settings)
            await until(lambda: _begun(file, "middle") == RUNS, 60, "all are in their long step")
            await _freeze(first, database_url)
            await asyncio.sleep(0.4)
            other = parent.start(settings)
            await until(lambda: _begun(file, "middle") == 2 * RUNS, 60, "the other is in it too")
            told = len(checks.text(settings.witness))
            # What the first was inside of is over by now; the other is far from it.
            first.signal(signal.SIGCONT)
            await until(lambda: len(tables.ended()) == 2 * RUNS, 60, "all runs have ended")
        parent.end_all()
        woken = checks.text(settings.witness)[told:].splitlines()
        assert not [line for line in woken if f" {first.pid} begin " in line]
        seen = checks.read(file)
        assert {line.pid for line in seen if line.key == "last"} == {other.pid}
        checks.check_rows(tables, seen)
        rows = tables.all("workflows")
        assert {row["attempt"] for row in rows} == {2}
        assert {row["result"] for row in rows if row["workflow"] == "lingering"} == {2}


@pytest.mark.long
async def test_of_two_that_freeze_in_turn_each_step_is_done_by_one(
    parent: Parent, database_url: str, tmp_path: Path
) -> None:
    """Freezing at any moment: the lease lapses, the other goes on, then they change places."""
    settings = Settings(
        database_url,
        str(tmp_path / "witness"),
        str(tmp_path / "log"),
        lease=0.6,
        renew=0.15,
        look=0.05,
    )
    with Tables(database_url) as tables:
        async with verbs(database_url) as runs:
            for number in range(RUNS):
                run_id = await runs.start(program.whole, number)
                for again in range(2):
                    payload, key = number + again, f"go-{again}-{run_id}"
                    await runs.send_event(run_id, program.GO, payload, key=key)
            two = [parent.start(settings), parent.start(settings)]
            for number in range(4):
                await asyncio.sleep(0.17)
                await _freeze(two[number % 2], database_url)
                await asyncio.sleep(0.9)
                two[number % 2].signal(signal.SIGCONT)

            def over() -> bool:
                return len(tables.ended()) == len(tables.all("workflows"))

            await until(over, 60, "all runs have ended")
        parent.end_all()
        seen = checks.read(Path(settings.witness))
        checks.check_rows(tables, seen)


def _begun(file: Path, key: str) -> int:
    return sum(line.key == key and line.what == "begin" for line in checks.read(file))


def _still(tables: Tables) -> dict[str, object]:
    rows: dict[str, object] = dict(tables.dump())
    del rows["processes"]
    return rows


async def _freeze(process: Process, url: str) -> int:
    """Freeze it at a moment when it holds no lock: nobody can take that from a frozen one.
    Returns when that was.
    """
    for number in range(50):
        moment = process.signal(signal.SIGSTOP)
        await asyncio.sleep(0.02)
        if not await asyncio.to_thread(_locked, url):
            return moment
        process.signal(signal.SIGCONT)
        # Longer each time: on a busy machine it has to get its turn to let go.
        await asyncio.sleep(0.005 + 0.002 * number)
    raise AssertionError("it always holds a lock")


def _locked(url: str) -> bool:
    if url.startswith("sqlite"):
        connection = sqlite3.connect(make_url(url).database or "", timeout=0.3)
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.rollback()
            return False
        except sqlite3.OperationalError:
            return True
        finally:
            connection.close()
    with psycopg.connect(url.replace("+psycopg", "")) as connection_:
        query = (
            "SELECT count(*) FROM pg_stat_activity WHERE xact_start < now() - interval '10 ms'"
            " AND state LIKE 'idle in transaction%' AND datname = current_database()"
        )
        row = connection_.execute(query).fetchone()
        return row is not None and row[0] > 0
