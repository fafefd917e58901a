"""``python -m tests.benchmarks.runs``: the page of runs on a large table beside a small one.

Both are read in turn, forth and back, so that a machine that slows down meanwhile slows both
alike. Trust the ratio; a target not met is shown, and is no failure.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from collections.abc import Callable
from datetime import timedelta

from agentchat.durable.clock import ManualClock
from agentchat.operations import list_pages
from agentchat.operations.filters import asked
from agentchat.operations.list_views import RunList
from agentchat.store.database import Database
from tests.benchmarks.places import places
from tests.benchmarks.runs_made import NOW, fill

SMALL = 100
TARGET = 1.5
CLOCK = ManualClock(NOW + timedelta(minutes=1))
READS = {
    "first page and counts": ("", True),
    "failed": ("status=failed", True),
    "active": ("status=queued,running,waiting,paused,stopping", True),
    "a workflow": ("workflow=digest", True),
    "a workflow's failed": ("workflow=reply&status=failed", True),
    "a workflow's done": ("workflow=reply&status=done", True),
    "the last 7 days": ("within=7d", True),
    "oldest first": ("sort=oldest", True),
    "a thread": ("thread=thread-0007", False),
    "an agent": ("agent=writer", False),
    "a model": ("model=openai:small", False),
    "a model that is nowhere": ("model=nothing", False),
    "a model's failed": ("model=openai:small&status=failed", False),
    "text that is often there": ("text=the+server+said", False),
    "text that is nowhere": ("text=abracadabra", False),
    "most tokens": ("sort=tokens", False),
    "longest": ("sort=longest", False),
}
"""What is read, and whether the target holds for it: the others look through more rows of a
larger table, up to a fixed number. Where the pages differ in ``rows``, the ratio holds that too.
"""


def main() -> None:
    """Measure every read on both tables of both databases, and print what it took."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.runs", description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000, help="the size of the large table")
    parser.add_argument("--rounds", type=int, default=15, help="how often each is read")
    given = parser.parse_args()
    with places({"sqlite", "postgresql"}) as small, places({"sqlite", "postgresql"}) as large:
        for one, other in zip(small, large, strict=True):
            urls = one.fresh(), other.fresh()
            began = time.monotonic()
            for url, number in zip(urls, (SMALL, given.runs), strict=True):
                fill(url, number)
            made = time.monotonic() - began
            print(f"{one.name}: {SMALL} and {given.runs:,} runs, made in {made:.0f} s")
            _measure(urls, given.rounds)


def _measure(urls: tuple[str, str], rounds: int) -> None:
    databases = [Database(url) for url in urls]
    gc.collect()
    gc.freeze()
    print(f"  {'read':28}{'rows':>8}{'small, ms':>12}{'large, ms':>12}{'ratio':>8}")
    for name, (query, held) in READS.items():
        reads = [_read(database, query) for database in databases]
        took: tuple[list[float], list[float]] = ([], [])
        pages = [[read() for _ in range(2)][-1] for read in reads]
        rows = "/".join(str(len(page.lines)) for page in pages)
        alike = len(pages[0].lines) == len(pages[1].lines)
        for turn in range(rounds):
            for place in (0, 1) if turn % 2 else (1, 0):
                began = time.perf_counter()
                reads[place]()
                took[place].append(time.perf_counter() - began)
        small, large = (1000 * statistics.median(times) for times in took)
        ratio = large / small
        met = "ok" if ratio <= TARGET else f"over {TARGET}" if alike else "a longer page"
        target = met if held else ""
        print(f"  {name:28}{rows:>8}{small:12.2f}{large:12.2f}{ratio:8.2f}  {target}", flush=True)
    for database in databases:
        database._threads.shutdown()
        database._reading.dispose()
        database._writing.dispose()


def _read(database: Database, query: str) -> Callable[[], RunList]:
    found = asked(query)
    ann = list_pages.Viewer("ann", everything=True)
    return lambda: database._read_now(
        lambda session: list_pages.page(session, CLOCK, found, None, ann), None
    )


if __name__ == "__main__":
    main()
