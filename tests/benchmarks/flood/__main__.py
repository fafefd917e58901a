"""``python -m tests.benchmarks.flood``: one client sends 1,000 events a second to a server as
``agentchat run`` starts it, and others work on. Their p95 may be twice what it is without it.

The flood has a process of its own, with a low priority, for it would take CPU from the server
where there are few cores: what it took is shown beside what the server did.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.flood.measure import VARIANTS, Figures, flood_server, measure, p50, p95

MOST = 2.0
"""How many times the p95 of others without a flood theirs may be with one."""


def main() -> None:
    """Measure what is asked for and print it."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.flood", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each stretch")
    parser.add_argument("--rounds", type=int, default=4, help="stretches with a flood and without")
    parser.add_argument("--only", action="append", choices=VARIANTS, help="only this; may repeat")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="agentchat-flood-") as folder:
        server = flood_server(Path(folder))
        try:
            unmet = asyncio.run(_measure(server, asked.only or VARIANTS, asked))
        finally:
            server.kill()
    print(f"{unmet} above {MOST:g} times")
    sys.exit(0)


async def _measure(server: object, variants: object, asked: argparse.Namespace) -> int:
    unmet = 0
    print(
        f"{'flood':<17} {'events p50/p95 ms':>23} {'answers p50/p95 ms':>23} {'ratio':>6}"
        f" {'server':>7} {'flood':>6} {'MB':>5}  what it did",
        flush=True,
    )
    async for one in measure(server, variants, seconds=asked.seconds, rounds=asked.rounds):  # type: ignore[arg-type]
        unmet += one.ratio > MOST
        print(_row(one, asked.rounds), flush=True)
    return unmet


def _row(one: Figures, rounds: int) -> str:
    def pair(quiet: list[float], flooded: list[float]) -> str:
        return " > ".join(f"{p50(s) * 1e3:4.1f}/{p95(s) * 1e3:5.1f}" for s in (quiet, flooded))

    cpu = one.did.pop("cpu", 0.0) / rounds
    did = ", ".join(f"{number:.0f} {what}" for what, number in one.did.items())
    return (
        f"{one.variant:<17} {pair(one.quiet.events, one.flooded.events):>23}"
        f" {pair(one.quiet.answers, one.flooded.answers):>23} {one.ratio:6.2f}"
        f" {one.cpu:7.0%} {cpu:6.0%} {one.grew / 1e6:5.0f}  {did}"
    )


if __name__ == "__main__":
    main()
