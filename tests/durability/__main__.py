"""A long crash test: ``python -m tests.durability --kills 2000 --database sqlite --seed 1``."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from contextlib import ExitStack
from pathlib import Path

from agentchat.store import schema
from tests.durability import crashes, processes, servers
from tests.durability.crashes import Report
from tests.durability.processes import Parent

ROUND = 200
"""Kills over one database: then another is begun, with another seed."""


def main() -> None:
    """Kill, check, and say what was seen."""
    parser = argparse.ArgumentParser(prog="python -m tests.durability", description=__doc__)
    parser.add_argument("--kills", type=int, default=2000)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with ExitStack() as stack:
        server = None
        if asked.database == "postgresql":
            server = stack.enter_context(servers.server())
        parent = stack.enter_context(processes.parent())
        left, seed, total = asked.kills, asked.seed, Report()
        while left > 0:
            url, folder = "", Path(stack.enter_context(tempfile.TemporaryDirectory()))
            url = f"sqlite:///{folder / 'a.db'}" if server is None else server.fresh()
            schema.upgrade(url)
            report = asyncio.run(round_of(parent, url, folder, min(left, ROUND), seed))
            print(f"seed {seed}: {report}", flush=True)
            total.add(report)
            left, seed = left - report.kills, seed + 1
        print(f"all held: {total}")


async def round_of(parent: Parent, url: str, folder: Path, kills: int, seed: int) -> Report:
    """One database; what is wrong is shown with its seed."""
    try:
        return await crashes.crash(parent, url, folder, kills=kills, seed=seed)
    except BaseException:
        print(f"seed {seed} failed; its processes said:")
        log = folder / "log"
        if log.exists():
            print("".join(log.read_text().splitlines(keepends=True)[-60:]))
        raise


main()
