"""The crash test itself: processes are killed at random while they carry runs out."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from agentchat.durable.runs import Runs
from agentchat.models import StepStatus, step_key
from tests.durability import checks, program
from tests.durability.processes import Parent, Tables, until, verbs
from tests.durability.program import Settings

PROCESSES = 2
"""How many carry runs out at once."""
AT_ONCE = 6
"""How many runs are under way."""
SHORTEST, LONGEST = 0.02, 0.45
"""How long a process lives, in seconds, on a machine where it takes no time to begin."""
BEGINS = 2.0
"""How much longer it may live, for each second that it takes to begin."""
LONGEST_AT_ALL = 1.2
FINISH = 60.0
"""How many seconds the runs may take to end once nobody is killed any more."""


@dataclass(slots=True)
class Report:
    """What a crash test saw."""

    kills: int = 0
    runs: int = 0
    seconds: float = 0
    actions: int = 0
    repeated: int = 0
    interrupted: int = 0
    told: int = 0
    attempts: int = 0
    killed: dict[int, int] = field(default_factory=dict)

    def add(self, other: Report) -> None:
        """Count another in."""
        for name in fields(self):
            if name.name != "killed":
                setattr(self, name.name, getattr(self, name.name) + getattr(other, name.name))

    def __str__(self) -> str:
        return (
            f"{self.kills} kills over {self.runs} runs in {self.seconds:.1f} s"
            f" ({self.seconds / max(self.kills, 1) * 1000:.0f} ms a kill):"
            f" {self.actions} actions begun, {self.repeated} of them again,"
            f" {self.interrupted} found cut off in the journal,"
            f" {self.told} attempts told of, {self.attempts} claims of runs"
        )


async def crash(
    parent: Parent, url: str, folder: Path, *, kills: int, seed: int, commits: bool = False
) -> Report:
    """Kill ``kills`` processes over runs of every kind, let the runs end, and check all.

    With ``commits`` they die just before or after a commit, else at any moment.
    """
    chance, report, began = random.Random(seed), Report(), time.monotonic()
    settings = Settings(url, str(folder / "witness"), str(folder / "log"), look=0.03)
    interrupted: set[tuple[str, str, int, int]] = set()
    with Tables(url) as tables:
        begins = await _beginning(parent, settings, tables)
        longest = min(LONGEST + BEGINS * begins, LONGEST_AT_ALL)
        slot = _dying_slot if commits else _slot
        async with verbs(url) as runs, asyncio.TaskGroup() as group:
            enough = asyncio.Event()
            feeding = group.create_task(_feed(runs, tables, chance, enough))
            slots = [
                group.create_task(
                    slot(parent, settings, random.Random(f"{seed} {n}"), report, kills, longest)
                )
                for n in range(PROCESSES)
            ]
            look = group.create_task(_note(tables, report, interrupted))
            await asyncio.wait(slots)
            # Not cancelled: a run that it is about to start would be there all the same,
            # and nobody would send it events.
            enough.set()
            await feeding
            parent.start(settings)
            await _finish(runs, tables)
            look.cancel()
        parent.end_all()
        seen = checks.read(Path(settings.witness))
        checks.check(tables, seen, report.killed, interrupted=interrupted)
        begun = [line.place for line in seen if line.what == "begin"]
        report.actions, report.repeated = len(begun), len(begun) - len(set(begun))
        report.interrupted = len(interrupted)
        report.told = len(tables.all("attempts"))
        rows = tables.all("workflows")
        report.runs, report.attempts = len(rows), sum(row["attempt"] for row in rows)
    report.seconds = time.monotonic() - began
    return report


async def _beginning(parent: Parent, settings: Settings, tables: Tables) -> float:
    """How long a process takes to begin on this machine, in seconds."""
    began = time.monotonic()
    process = parent.start(settings)
    await until(lambda: tables.all("processes"), 20, "a process begins")
    seconds = time.monotonic() - began
    process.kill()
    return seconds


async def _slot(
    parent: Parent,
    settings: Settings,
    chance: random.Random,
    report: Report,
    kills: int,
    longest: float,
) -> None:
    while report.kills < kills:
        process = parent.start(settings)
        await asyncio.sleep(chance.uniform(SHORTEST, longest))
        report.killed[process.pid] = process.kill()
        report.kills += 1


async def _dying_slot(
    parent: Parent,
    settings: Settings,
    chance: random.Random,
    report: Report,
    kills: int,
    longest: float,
) -> None:
    while report.kills < kills:
        # It looks about once, signs once and claims before it gets to a step.
        at, after = chance.randint(2, 16), chance.random() < 0.7
        process = parent.start(replace(settings, dies_at=at, dies_after=after))
        await asyncio.to_thread(process.gone, 2 * longest)
        # If it died by itself, it has left a line that says when.
        report.killed[process.pid] = process.kill()
        report.kills += 1


async def _feed(runs: Runs, tables: Tables, chance: random.Random, enough: asyncio.Event) -> None:
    """Keep some runs under way, and send them events: before they wait, or after."""
    due: dict[str, float] = {}
    number = 0
    while not enough.is_set():
        ended = await asyncio.to_thread(tables.ended)
        due = {run_id: at for run_id, at in due.items() if run_id not in ended}
        while len(due) < AT_ONCE:
            run_id = await runs.start(program.whole, number)
            due[run_id] = time.monotonic() + chance.uniform(0, 4)
            number += 1
        for run_id, at in due.items():
            if at < time.monotonic():
                due[run_id] = float("inf")
                await _go(runs, run_id)
        await asyncio.sleep(0.05)


async def _go(runs: Runs, run_id: str) -> None:
    for number in range(2):
        payload, key = int(run_id[:6], 16) + number, f"go-{number}-{run_id}"
        await runs.send_event(run_id, program.GO, payload, key=key)


async def _finish(runs: Runs, tables: Tables) -> None:
    rows = await asyncio.to_thread(tables.all, "workflows")
    for row in rows:
        if row["workflow"] == "whole" and row["finished_at"] is None:
            await _go(runs, row["id"])

    def over() -> bool:
        return len(tables.ended()) == len(tables.all("workflows"))

    try:
        await until(over, FINISH, "all runs have ended")
    except AssertionError as error:
        names = ("id", "workflow", "status", "step", "attempt", "worker", "lease_until", "due_at")
        left = [row for row in tables.all("workflows") if row["finished_at"] is None]
        said = [" ".join(str(row[name]) for name in names) for row in left]
        raise AssertionError("\n".join([str(error), *said])) from None


async def _note(
    tables: Tables, report: Report, interrupted: set[tuple[str, str, int, int]]
) -> None:
    """Note which tries the journal holds as under way by processes that are dead."""
    while True:
        dead = set(report.killed)
        for row in await asyncio.to_thread(tables.all, "steps"):
            if row["status"] == StepStatus.RUNNING and int(row["worker"].split(":")[1]) in dead:
                key = step_key(row["branch"], row["name"], row["occurrence"])
                interrupted.add((row["run_id"], key, row["attempt"], row["tries"]))
        await asyncio.sleep(0.01)
