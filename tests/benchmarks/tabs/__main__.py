"""``python -m tests.benchmarks.tabs``: tabs on a real server, beside bare Reflex events.

The tabs are sockets in this process, the server is another: its CPU is read apart. What is due
is measured from the commit of a piece of text (the moment COMMIT returned in the server) to the
frame that brought it to a tab. Trust ratios first; times of a shared machine last. A target not
met is shown, and is no failure.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from tests.benchmarks.places import Place, places
from tests.benchmarks.tabs import report
from tests.benchmarks.tabs.table import Table

LIMIT = 600
"""Seconds after which everything is ended, whatever hangs."""
PARTS: dict[str, Callable[[dict[str, Place], bool], Coroutine[Any, Any, Table | None]]] = {
    "streaming": report.streaming,
    "processes": report.processes,
    "threads": report.threads,
    "long": report.long,
    "leaving": report.leaving,
}


def main() -> None:
    """Measure what is asked for and print it."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.tabs", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes: about two minutes")
    parser.add_argument("--sqlite", action="store_true", help="only SQLite")
    parser.add_argument("--postgres", action="store_true", help="only PostgreSQL")
    parser.add_argument("--only", action="append", choices=PARTS, help="only this; may repeat")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the tables here too")
    asked = parser.parse_args()
    chosen = {"sqlite": asked.sqlite, "postgresql": asked.postgres}
    wanted = {name for name, chose in chosen.items() if chose} or set(chosen)
    began, tables, failed = time.monotonic(), [], []
    with places(wanted) as found:
        by_name = {place.name: place for place in found}
        for name, measure in PARTS.items():
            if asked.only and name not in asked.only:
                continue
            try:
                table = asyncio.run(_within(measure(by_name, asked.quick)))
            except Exception as error:
                print(f"{name}: FAILED: {error!r}\n", flush=True)
                failed.append(name)
                continue
            if table is not None:
                print(table, flush=True)
                tables.append(table)
    unmet = sum(table.unmet for table in tables)
    load = " ".join(f"{load:.1f}" for load in os.getloadavg())
    print(f"{unmet} targets not met; {time.monotonic() - began:.0f} s, load {load}")
    if asked.json:
        asked.json.write_text(json.dumps([table.data() for table in tables], indent=1) + "\n")
    sys.exit(1 if failed else 0)


async def _within(measuring: Coroutine[Any, Any, Table | None]) -> Table | None:
    async with asyncio.timeout(LIMIT):
        return await measuring


def _end(*_: object) -> None:
    # Servers and the database are to be ended too.
    sys.exit(1)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    main()
