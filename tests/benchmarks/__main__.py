"""``python -m tests.benchmarks``: the engine next to the yardstick, on both databases.

The cells of a benchmark are gone through forth and back (A B C, C B A), so that a machine
that slows down meanwhile slows all of them alike. Trust ratios first, then CPU; times of a
shared machine last. A target not met is shown, and is no failure.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import platform
import signal
import sys
import time
from pathlib import Path
from typing import Any

from tests.benchmarks.cells import BENCHMARKS, Benchmark
from tests.benchmarks.places import Place, places
from tests.benchmarks.report import Cells, tables


def main() -> None:
    """Measure what is asked for and print it."""
    names = [benchmark.name for benchmark in BENCHMARKS]
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes: less than a minute")
    parser.add_argument("--sqlite", action="store_true", help="only SQLite")
    parser.add_argument("--postgres", action="store_true", help="only PostgreSQL")
    parser.add_argument("--only", action="append", choices=names, help="only this; may repeat")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    asked = parser.parse_args()
    chosen = {"sqlite": asked.sqlite, "postgresql": asked.postgres}
    wanted = {name for name, chose in chosen.items() if chose}
    began = time.monotonic()
    figures: list[dict[str, Any]] = []
    failed: list[str] = []
    # As the app does once it serves: what is loaded is not looked through again and again.
    gc.collect()
    gc.freeze()
    with places(wanted or {"sqlite", "postgresql"}) as found:
        for benchmark in BENCHMARKS:
            if not asked.only or benchmark.name in asked.only:
                try:
                    cells = asyncio.run(_measure(benchmark, found, quick=asked.quick))
                except Exception as error:
                    print(f"{benchmark.name}: FAILED: {error!r}\n", flush=True)
                    failed.append(benchmark.name)
                    continue
                text, data = tables(benchmark, cells)
                print(text, flush=True)
                figures += data
    unmet = sum(not target["met"] for figure in figures for target in figure["targets"])
    print(f"{unmet} targets not met; {time.monotonic() - began:.0f} s, load {_load()}")
    if asked.json:
        about: dict[str, Any] = {
            "python": platform.python_version(),
            "cores": os.cpu_count(),
            "load": _load(),
        }
        about |= {"machine": platform.platform(), "quick": asked.quick, "failed": failed}
        asked.json.write_text(json.dumps({"about": about, "figures": figures}, indent=1) + "\n")
    sys.exit(1 if failed else 0)


async def _measure(benchmark: Benchmark, found: list[Place], *, quick: bool) -> Cells:
    order = [(place, side) for place in found for side in benchmark.sides]
    rounds = benchmark.rounds // 2 if quick else benchmark.rounds
    cells: Cells = {}
    for place, side in [*order, *reversed(order)] * rounds or order:
        size = benchmark.quick if quick else benchmark.full
        figures = await benchmark.measure(side, place, size)
        cells.setdefault((place.name, side.name), []).append(figures)
    return cells


def _load() -> str:
    return " ".join(f"{load:.1f}" for load in os.getloadavg())


def _end(*_: object) -> None:
    # The PostgreSQL server is to be ended too.
    sys.exit(1)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    main()
