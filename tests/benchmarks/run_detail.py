"""``python -m tests.benchmarks.run_detail``: what the page of a run reads, for a run of 100 steps
and for one of 5,000. Both are real runs, made by the engine; on SQLite and on PostgreSQL.

A page reads the head, a window of the timeline and the strip at once, and a step when it is
opened. The two runs are read by turns, so that a machine that slows down slows both. The ratio
of the medians is to be at most 1.5.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable

import psycopg

from agentchat.durable.app import Durable
from agentchat.durable.clock import SystemClock
from agentchat.durable.context import Context
from agentchat.durable.workflow import workflow
from agentchat.operations.details import RunDetails
from agentchat.store.database import Database
from tests.benchmarks.places import places
from tests.guards import open_to_all

SMALL, LARGE = 100, 5_000
MOST = 1.5
TEXT = "What a step returns is about as long as this, more or less. " * 8

Read = Callable[[str], Awaitable[object]]


@workflow(name="steps")
async def steps(ctx: Context, number: int) -> int:
    """So many steps."""

    async def item(place: int) -> str:
        if place % 97 == 96:
            raise ValueError("broken")
        return TEXT

    for place in range(number):
        try:
            await ctx.step(f"item {place % 200}", item, place)
        except Exception:
            ctx.log(f"item {place} failed", level="error")
    return number


async def measure(url: str, times: int) -> list[tuple[str, float, float]]:
    """The medians in milliseconds, of each read and of all together, for both runs."""
    database, clock = Database(url), SystemClock()
    database.open()
    try:
        async with Durable(database, [steps], clock=clock) as durable:
            began = time.perf_counter()
            runs = {n: await durable.runs.start(steps, n) for n in (SMALL, LARGE)}
            for run_id in runs.values():
                assert (await durable.runs.result(run_id)).status == "done"
            print(f"  made in {time.perf_counter() - began:.1f} s", flush=True)
            _settle(url)
            details = RunDetails(database, clock, open_to_all(clock), durable.runs)
            newest = {run_id: await details.timeline(run_id) for run_id in runs.values()}

            async def step(run_id: str) -> object:
                return await details.step(run_id, newest[run_id].lines[-1].key)

            async def page(run_id: str) -> object:
                return [
                    await read(run_id) for read in (details.head, details.timeline, details.strip)
                ]

            reads: dict[str, Read] = {
                "head": details.head,
                "timeline": details.timeline,
                "strip": details.strip,
                "step": step,
                "page": page,
            }
            return [(name, *await _medians(read, runs, times)) for name, read in reads.items()]
    finally:
        await database.close()


def _settle(url: str) -> None:
    """Do now what PostgreSQL does by itself within a minute."""
    if url.startswith("postgresql"):
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")


async def _medians(read: Read, runs: dict[int, str], times: int) -> tuple[float, float]:
    took: dict[int, list[float]] = {number: [] for number in runs}
    for _ in range(times):
        for number, run_id in runs.items():
            began = time.perf_counter()
            await read(run_id)
            took[number].append(time.perf_counter() - began)
    small, large = (1_000 * statistics.median(took[number]) for number in (SMALL, LARGE))
    return small, large


def main() -> int:
    """Measure and print; 1 if a page of a long run takes more than 1.5 times as long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=60, help="how often each is read")
    parser.add_argument("--sqlite", action="store_true", help="only SQLite")
    asked = parser.parse_args()
    worst = 0.0
    with places({"sqlite"} if asked.sqlite else {"sqlite", "postgresql"}) as found:
        for place in found:
            print(f"{place.name}: milliseconds, {SMALL} and {LARGE:,} steps", flush=True)
            url = place.fresh()
            for name, small, large in asyncio.run(measure(url, asked.times)):
                ratio = large / small
                worst = max(worst, ratio if name == "page" else 0)
                print(f"  {name:10} {small:8.2f} {large:8.2f}   x {ratio:.2f}", flush=True)
            place.drop(url)
    print(f"a page: at most x {worst:.2f}, target x {MOST}")
    return int(worst > MOST)


if __name__ == "__main__":
    sys.exit(main())
