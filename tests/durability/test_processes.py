"""Two processes on one database, with the settings of the app."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter, defaultdict
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from agentchat.durable.worker import LEASE
from agentchat.models import RunStatus
from tests.durability import checks, program
from tests.durability.processes import Parent, Tables, until, verbs
from tests.durability.program import Settings
from tests.long import LONG_ON_POSTGRES

AT_ONCE = 3.0
"""Seconds within which another process takes over: it looks every second."""


RUNS = 150
"""More than one process takes at once, so that the other gets some too."""


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(
        database_url, str(tmp_path / "witness"), str(tmp_path / "log"), crashes=None, check=True
    )


@LONG_ON_POSTGRES
async def test_two_processes_share_runs_and_no_step_is_done_twice(
    parent: Parent, settings: Settings
) -> None:
    file = Path(settings.witness)
    with Tables(settings.url) as tables:
        async with verbs(settings.url) as runs:
            keys: dict[str, str | None] = {}
            parent.start(settings)
            parent.start(settings)
            await until(lambda: len(tables.all("processes")) == 2, 60, "both are there")
            for number in range(RUNS):
                key = f"key {number // 15 % 5}" if number % 15 == 0 else None
                run_id = await runs.start(program.long.options(key=key), number)
                keys[run_id] = key
            await until(lambda: len(tables.ended()) == RUNS, 60, "all runs have ended")
        parent.end_all()
        seen = checks.read(file)
        checks.check(tables, seen, {})
        begun = Counter(line.place for line in seen if line.what == "begin")
        assert set(begun.values()) == {1}
        assert len(begun) == RUNS * 3
        assert all(row["attempt"] == 1 for row in tables.all("workflows"))
        assert len({line.pid for line in seen}) == 2, "one of them did all"
        _one_of_a_key_at_a_time(seen, keys)


def _one_of_a_key_at_a_time(seen: list[checks.Seen], keys: dict[str, str | None]) -> None:
    spans: dict[str, list[tuple[int, int]]] = defaultdict(list)
    of_run: dict[str, list[int]] = defaultdict(list)
    for line in seen:
        of_run[line.run_id].append(line.moment)
    order = list(keys)
    for run_id, moments in sorted(of_run.items(), key=lambda one: order.index(one[0])):
        key = keys[run_id]
        if key is not None:
            spans[key].append((min(moments), max(moments)))
    assert len(spans) == 5
    for found in spans.values():
        for (_, end), (begin, _) in pairwise(found):
            assert end < begin, "two runs of one key at once, or not in the order of their start"


@LONG_ON_POSTGRES
async def test_when_one_is_killed_the_other_goes_on_with_its_runs_at_once(
    parent: Parent, settings: Settings
) -> None:
    file = Path(settings.witness)
    with Tables(settings.url) as tables:
        two = [parent.start(settings)]
        async with verbs(settings.url) as runs:
            for number in range(16):
                await runs.start(program.long, number)
            await until(
                lambda: sum(line.key == "middle" for line in checks.read(file)) == 16,
                60,
                "all are in their long step",
            )
            two.append(parent.start(settings))
            await until(lambda: len(tables.all("processes")) == 2, 60, "both are there")
            killed = two[0].kill()
            await until(lambda: len(tables.ended()) == 16, 60, "all runs have ended")
        parent.end_all()
        seen = checks.read(file)
        checks.check(tables, seen, {two[0].pid: killed})
        left = {line.run_id for line in seen if line.pid == two[0].pid}
        taken = [
            (line.moment - killed) / 1e9
            for line in seen
            if line.run_id in left and line.pid == two[1].pid
        ]
        assert timedelta(seconds=AT_ONCE) < LEASE
        assert 0 < min(taken) < AT_ONCE
        crashes = {row["id"]: row["crashes"] for row in tables.all("workflows")}
        assert {run_id for run_id, number in crashes.items() if number} <= left
        assert len(taken) >= 16
        # Both are told of for a while: one is seen to be dead.
        assert {row["pid"] for row in tables.all("processes")} == {one.pid for one in two}


@LONG_ON_POSTGRES
async def test_a_schedule_fires_once_for_each_due_time_whoever_dies(
    parent: Parent, settings: Settings
) -> None:
    settings.schedule = "every second"
    with Tables(settings.url) as tables:
        two = [parent.start(settings), parent.start(settings)]
        await until(lambda: len(tables.all("firings")) >= 3, 60, "it has fired")
        assert len(tables.all("schedules")) == 1
        killed = {two[0].pid: two[0].kill()}
        await until(lambda: len(tables.all("firings")) >= 6, 60, "the other goes on firing")
        another = parent.start(settings)
        await until(lambda: len(tables.all("firings")) >= 8, 60, "three have fired")
        two[1].signal(signal.SIGTERM)
        assert two[1].gone(60)
        await until(lambda: len(tables.all("firings")) >= 10, 60, "the last goes on")
        await until(lambda: len(tables.ended()) >= 10, 60, "what was started is done", every=0.005)
        another.kill()
        firings = tables.all("firings")
        due = [row["due_at"] for row in firings]
        assert due == [due[0] + timedelta(seconds=number) for number in range(len(due))]
        # Far less than after how long a process looks for what nobody fired.
        late = max((row["fired_at"] - row["due_at"]).total_seconds() for row in firings)
        assert late < 15, f"fired {late} s late"
        assert {row["outcome"] for row in firings} == {"started"}
        ids = {row["run_id"] for row in firings}
        rows = {row["id"]: row for row in tables.all("workflows")}
        assert ids == set(rows)
        begun = Counter(
            line.run_id
            for line in checks.read(Path(settings.witness))
            if line.what == "begin" and rows[line.run_id]["crashes"] == 0
        )
        assert set(begun.values()) == {1}
        assert killed


@LONG_ON_POSTGRES
@pytest.mark.parametrize("name", ["long", "deaf"])
async def test_a_process_that_is_asked_to_end_hands_its_runs_back(
    parent: Parent, settings: Settings, name: str
) -> None:
    """Also when a step does not hear that it is to end."""
    flow = program.long if name == "long" else program.deaf
    file = Path(settings.witness)
    with Tables(settings.url) as tables:
        first = parent.start(settings)
        async with verbs(settings.url) as runs:
            for number in range(5):
                await runs.start(flow, number)
            key = "middle" if name == "long" else "act"
            await until(
                lambda: sum(line.key == key for line in checks.read(file)) == 5, 60, "all are at it"
            )
            # Long enough for the journal to say so.
            await asyncio.sleep(0.3)
            asked = first.signal(signal.SIGTERM)
            assert first.gone(60)
            log = checks.text(settings.log)
            assert log.rstrip().endswith(program.ENDED), log
            assert "Traceback" not in log
            rows = tables.all("workflows")
            assert {row["status"] for row in rows} == {RunStatus.QUEUED}
            assert {(row["worker"], row["lease_until"]) for row in rows} == {(None, None)}
            assert not tables.all("processes")
            parent.start(settings)
            await until(lambda: len(tables.ended()) == 5, 60, "another has ended all runs")
        parent.end_all()
        assert all(row["crashes"] == 0 for row in tables.all("workflows"))
        attempts = tables.all("attempts")
        assert Counter(row["error_kind"] for row in attempts) == {"interrupted": 5}
        checks.check(tables, checks.read(file), {first.pid: asked})
