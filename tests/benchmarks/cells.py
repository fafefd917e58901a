"""What is measured. Each benchmark is one coroutine, the same for engine and yardstick."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tests.benchmarks import engine
from tests.benchmarks.engine import EngineSide
from tests.benchmarks.floor import Floor
from tests.benchmarks.places import Place
from tests.benchmarks.side import Side, System
from tests.benchmarks.writes import Written

Figures = dict[str, float | list[float]]
"""Figures of one cell by name; lists are samples, of which percentiles are shown."""

ENGINE: Side = EngineSide()
FLOOR: Side = Floor
WRITER: Side = Written


@dataclass(frozen=True, slots=True)
class Target:
    """What the design asks for: a figure of the engine, or its ratio to the yardstick."""

    most: float | None = None
    least: float | None = None
    most_times: float | None = None
    least_times: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a benchmark's table."""

    label: str
    figure: str
    unit: str
    percentile: float | None = None
    scale: float = 1
    targets: dict[str, Target] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One thing to measure, with the sizes of the full and of the quick run."""

    name: str
    title: str
    measure: Callable[[Side, Place, int], Awaitable[Figures]]
    full: int
    quick: int
    rows: tuple[Row, ...]
    sides: tuple[Side, ...] = (FLOOR, ENGINE)
    rounds: int = 2
    """How often the cells are gone through forth and back; 0 is once, forth."""


def _both(**values: float) -> dict[str, Target]:
    return {"sqlite": Target(**values), "postgresql": Target(**values)}


def _steps(length: int) -> Callable[[Side, Place, int], Awaitable[Figures]]:
    async def measure(side: Side, place: Place, runs: int) -> Figures:
        url = place.fresh()
        took: list[float] = []
        async with side.open(url) as system:
            await _warm(system)
            cpu, began = place.cpu(), time.perf_counter()
            for n in range(runs):
                took += await system.run(f"r{n}", length)
            passed, used = time.perf_counter() - began, place.cpu() - cpu
        place.drop(url)
        tenth = max(1, length // 10)
        return {
            "rate": runs * length / passed,
            "cpu": used / (runs * length),
            "step": took,
            "growth": sum(took[-tenth:]) / sum(took[:tenth]),
        }

    return measure


async def _sequential(side: Side, place: Place, runs: int) -> Figures:
    return await _flows(side, place, runs, 1)


async def _at_once(side: Side, place: Place, runs: int) -> Figures:
    return await _flows(side, place, runs, 50)


async def _flows(side: Side, place: Place, runs: int, at_once: int) -> Figures:
    url = place.fresh()
    took: list[float] = []

    async def one(run_id: str) -> None:
        before = time.perf_counter()
        await system.run(run_id, 3)
        took.append(time.perf_counter() - before)

    async with side.open(url) as system:
        await _warm(system)
        cpu, began = place.cpu(), time.perf_counter()
        for n in range(0, runs, at_once):
            await asyncio.gather(*(one(f"r{n + m}") for m in range(at_once)))
        passed, used = time.perf_counter() - began, place.cpu() - cpu
    place.drop(url)
    return {"rate": runs / passed, "cpu": used / runs, "run": took}


async def _replay(side: Side, place: Place, steps: int) -> Figures:
    times = []
    # The first is to warm up: what is made only once would be counted for the other.
    for before in (0, 0, steps):
        url = place.fresh()
        await side.interrupt(url, 1, before, 0)
        place.settle(url)
        times.append((await side.recover(url, 1, before, 0)).first)
        place.drop(url)
    return {"step": (times[2] - times[1]) / steps, "start": times[1]}


async def _recovery(side: Side, place: Place, runs: int) -> Figures:
    url = place.fresh()
    await side.interrupt(url, runs, 1, 1)
    cpu = place.cpu()
    found = await side.recover(url, runs, 1, 1)
    used = place.cpu() - cpu
    place.drop(url)
    return {"seconds": found.last, "cpu": used / runs, "repeated": float(found.repeated)}


async def _latency(side: Side, place: Place, runs: int) -> Figures:
    url = place.fresh()
    took = []
    async with side.open(url) as system:
        await _warm(system)
        for n in range(runs):
            took.append(await system.latency(f"r{n}"))
            # Idle again, and not in step with the worker's own rounds.
            await asyncio.sleep(0.02 + 0.001 * (n % 7))
    place.drop(url)
    return {"start": took}


async def _two_workers(_side: Side, place: Place, seconds: int) -> Figures:
    url = place.fresh()
    repeated = await engine.two_workers(url, 20, seconds)
    place.drop(url)
    return {"repeated": float(repeated)}


async def _growth(side: Side, place: Place, steps: int) -> Figures:
    url = place.fresh()
    before = place.size(url)
    async with side.open(url) as system:
        await system.run("r", steps, 2048)
    grown = place.size(url) - before
    place.drop(url)
    return {"bytes": grown / steps}


async def _warm(system: System) -> None:
    # Statements are compiled, connections opened.
    for n in range(3):
        await system.run(f"warm{n}", 3)


def _step_rows(length: int) -> tuple[Row, ...]:
    long = length == 1000
    each = {"sqlite": Target(most=0.4, most_times=2), "postgresql": Target(most=0.6, most_times=2)}
    return (
        Row("steps a second", "rate", "/s"),
        Row("step p50", "step", "ms", 50, 1e3, each if long else {}),
        Row("step p95", "step", "ms", 95, 1e3),
        Row("step p99", "step", "ms", 99, 1e3),
        Row("CPU a step", "cpu", "ms", None, 1e3, _both(most=0.4, most_times=3) if long else {}),
        *((Row("last / first tenth", "growth", "x", None, 1, _both(most=1.1)),) if long else ()),
    )


_AT_ONCE = {
    "sqlite": Target(least=1500, least_times=1 / 3),
    "postgresql": Target(least=1000, least_times=1 / 3),
}
_RECOVERY = {
    "sqlite": Target(most=1.5, most_times=5),
    "postgresql": Target(most=2.5, most_times=2.5),
}

_WRITER_STEPS = (
    Row("step p50", "step", "ms", 50, 1e3),
    Row("CPU a step", "cpu", "ms", None, 1e3),
)
_WRITER_RUNS = (
    Row("runs a second", "rate", "/s"),
    Row("CPU a run", "cpu", "ms", None, 1e3),
)

BENCHMARKS = (
    *(
        Benchmark(
            f"steps-{length}",
            f"runs of {length} step{'s' * (length > 1)}, one after another, 200 bytes a result",
            _steps(length),
            full,
            quick,
            _step_rows(length),
        )
        for length, full, quick in ((1, 100, 20), (10, 20, 5), (100, 5, 1), (1000, 1, 1))
    ),
    Benchmark(
        "writer-1000",
        "the yardstick's rows through the app's writer (column engine), 1,000 steps",
        _steps(1000),
        1,
        1,
        _WRITER_STEPS,
        sides=(FLOOR, WRITER),
    ),
    Benchmark(
        "writer-at-once",
        "the same for runs of 3 steps, 50 at once",
        _at_once,
        500,
        150,
        _WRITER_RUNS,
        sides=(FLOOR, WRITER),
    ),
    Benchmark(
        "sequential",
        "runs of 3 steps, one after another",
        _sequential,
        100,
        20,
        (
            Row("runs a second", "rate", "/s"),
            Row("run p50", "run", "ms", 50, 1e3),
            Row("run p99", "run", "ms", 99, 1e3),
            Row("CPU a run", "cpu", "ms", None, 1e3),
        ),
    ),
    Benchmark(
        "at-once",
        "runs of 3 steps, 50 at once",
        _at_once,
        500,
        150,
        (
            Row("runs a second", "rate", "/s", None, 1, _AT_ONCE),
            Row("run p50", "run", "ms", 50, 1e3),
            Row("run p99", "run", "ms", 99, 1e3),
            # 0.15 ms a step.
            Row("CPU a run", "cpu", "ms", None, 1e3, _both(most=0.45, most_times=3)),
        ),
    ),
    Benchmark(
        "replay",
        "resuming a run of 1,000 remembered steps",
        _replay,
        1000,
        1000,
        (
            Row("a remembered step", "step", "ms", None, 1e3, _both(most=0.02)),
            Row("start to first step", "start", "ms", None, 1e3),
        ),
    ),
    Benchmark(
        "recovery",
        "runs of 3 steps, all interrupted in the second (1,000; --quick: 300)",
        _recovery,
        1000,
        300,
        (
            Row("start call to all done", "seconds", "s", None, 1, _RECOVERY),
            Row("CPU a run", "cpu", "ms", None, 1e3),
            Row("finished steps run again", "repeated", "", None, 1, _both(most=0)),
        ),
        rounds=1,
    ),
    Benchmark(
        "latency",
        "asking for a run to its first step, idle worker",
        _latency,
        100,
        30,
        (
            Row("p50", "start", "ms", 50, 1e3),
            Row("p99", "start", "ms", 99, 1e3, _both(most=20)),
        ),
        rounds=1,
    ),
    Benchmark(
        "two-workers",
        "20 steps under way, a second worker beside the first (longer than a lease; --quick: 2 s)",
        _two_workers,
        17,
        2,
        (Row("running steps repeated", "repeated", "", None, 1, _both(most=0)),),
        sides=(ENGINE,),
        rounds=0,
    ),
    Benchmark(
        "growth",
        "bytes of database for a step with a result of 2,048 bytes",
        _growth,
        500,
        200,
        (Row("bytes a step", "bytes", "B", None, 1, _both(most=2.5 * 2048)),),
        rounds=0,
    ),
)
