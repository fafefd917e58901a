"""The tables: which cases are measured, and what is asked of them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from tests.benchmarks.places import Place
from tests.benchmarks.tabs.churn import ENVIRONMENT, NO_MORE, come_and_go, settled
from tests.benchmarks.tabs.fill import fill
from tests.benchmarks.tabs.long import long_answer
from tests.benchmarks.tabs.opening import opening
from tests.benchmarks.tabs.server import tab_servers
from tests.benchmarks.tabs.stamps import Order
from tests.benchmarks.tabs.streaming import Case, Figures, stream
from tests.benchmarks.tabs.table import Table

PACE = 0.2
"""Seconds between two updates of an answer."""
SIZE = 80
"""Characters of an update."""
MOST_RATIO = 1.5
"""How much more a long thread or answer may cost than a short one."""
MOST_OBJECTS = 6
"""Objects that each tab may seem to leave behind: some hundred are made for good now and then,
whoever comes, as when a statement is compiled that housekeeping uses."""

DELTAS = 5_000
"""Sentences of the long answer; on a busy machine some are written together, as one delta."""

ONE_PROCESS = (Case(1, 1), Case(10, 1), Case(100, 1), Case(100, 100))
TWO_PROCESSES = (Case(100, 1), Case(100, 1, servers=2), Case(100, 100, servers=2))

Places = dict[str, Place]


async def streaming(found: Places, quick: bool) -> Table | None:
    """Tabs on one server process with the embedded database."""
    return await _streaming(found, "sqlite", ONE_PROCESS, quick)


async def processes(found: Places, quick: bool) -> Table | None:
    """Tabs on one and on two server processes that share PostgreSQL."""
    return await _streaming(found, "postgresql", TWO_PROCESSES, quick)


async def _streaming(found: Places, name: str, cases: Sequence[Case], quick: bool) -> Table | None:
    place = found.get(name)
    if place is None:
        return None
    results: list[Figures] = []
    for case in cases:
        url = place.fresh()
        # Many threads take a while to get under way, and only then is there something to see.
        seconds = (4 if quick else 10) + case.threads / 20
        results.append(await stream(url, case, Order("x", round(seconds / PACE), PACE, SIZE)))
        place.drop(url)
    heads = [case.label for case in cases]
    table = Table(f"{name}: answers of 5 updates a second, while all of them stream", heads)

    def add(
        label: str, figure: str, unit: str = "", scale: float = 1, most: float | None = None
    ) -> None:
        table.add(label, [result[figure] for result in results], unit, scale, most)

    def compare(label: str, figure: str, most: float | None = None) -> None:
        add(f"{label}, a bare event", f"bare {figure}", "ms", 1e3)
        ratios = [result[figure] / result[f"bare {figure}"] for result in results]
        table.add("  ratio", ratios, "x", 1, most)

    add("updates lost", "lost", most=0)
    add("commit to tab p50", "p50", "ms", 1e3)
    add("commit to tab p95", "p95", "ms", 1e3)
    compare("  p95", "p95")
    add("commit to tab p99", "p99", "ms", 1e3)
    add("  p95, with all starts and ends", "all p95", "ms", 1e3)
    add("  over a second late, of all", "all late")
    add("model to tab p95 (waits for a tick)", "said p95", "ms", 1e3)
    add("CPU an update and tab", "cpu", "ms", 1e3)
    compare("  CPU", "cpu")
    add("  with all starts and ends", "all cpu", "ms", 1e3)
    add("server's load", "load", "%", 100)
    add("bytes an update and tab", "bytes", "B")
    add("  on the wire, compressed", "wire", "B")
    add("frames an update and tab", "pushes")
    add("memory of the server, no tab", "rss", "MB", 1e-6)
    add("  for each tab", "rss tab", "kB", 1e-3)
    add("  grown while streaming", "rss grown", "MB", 1e-6)
    add("event loop late p95, server", "lag", "ms", 1e3)
    add("  p95, these tabs' own", "client lag", "ms", 1e3)
    add("longest pause to collect garbage", "pause", "ms", 1e3)
    return table


async def threads(found: Places, quick: bool) -> Table | None:
    """Opening threads of several lengths, and sending into them."""
    place = next(iter(found.values()))
    url = place.fresh()
    sizes = await opening(url, (10, 50, 1_000, 10_000), 6 if quick else 25)
    place.drop(url)
    heads = [f"{size.length:,} messages" for size in sizes]
    table = Table(f"{place.name}: threads of settled messages of 200 characters, medians", heads)

    def add(label: str, figure: str, unit: str, scale: float = 1) -> None:
        figures = [statistics.median(getattr(size, figure)) for size in sizes]
        table.add(label, figures, unit, scale)
        # Ten messages are fewer than a page shows at first: their bytes say nothing of what
        # a long thread costs, so these are compared with a thread that fills the page.
        times = unit == "ms"
        base, name = (figures[0], "10") if times else (figures[1], "50")
        table.add(f"  ratio to {name}", [one / base for one in figures], "x", 1, MOST_RATIO)

    add("opening, connect to messages", "opened", "ms", 1e3)
    add("  bytes", "bytes_opened", "B")
    add("sending, event to message", "sent", "ms", 1e3)
    add("  bytes, with the whole answer", "bytes_sent", "B")
    return table


async def long(found: Places, quick: bool) -> Table | None:
    """What is sent of a very long answer at its beginning and at its end."""
    place = next(iter(found.values()))
    url = place.fresh()
    first, last, deltas = await long_answer(url, 500 if quick else DELTAS)
    place.drop(url)
    heads = ["first tenth", "last tenth", "ratio"]
    table = Table(f"{place.name}: an answer of {deltas:,} deltas", heads)
    for label, figure, unit, scale, most in (
        ("bytes a push", "bytes", "B", 1, None),
        ("bytes an update", "bytes_update", "B", 1, MOST_RATIO),
        ("commit to tab p50", "p50", "ms", 1e3, None),
        ("commit to tab p95", "p95", "ms", 1e3, None),
        ("CPU a push", "cpu", "ms", 1e3, None),
        ("pushes", "pushes", "", 1, None),
    ):
        before, after = float(getattr(first, figure)), float(getattr(last, figure))
        table.add(label, [before, after], unit, scale)
        table.add("  ratio", [None, None, after / before], "x", 1, most)
    return table


async def leaving(found: Places, quick: bool) -> Table | None:
    """What tabs that came and went leave behind."""
    place = next(iter(found.values()))
    url = place.fresh()
    ids = ["thread_01", "thread_02", "thread_03"]
    fill(url, {"thread_01": 3, "thread_02": 10, "thread_03": 50})
    times = 200 if quick else 1_000
    with tab_servers(url, ENVIRONMENT) as [server]:
        # What is made only once must not count as left behind.
        await come_and_go(server, ids, 300)
        before = await settled(server)
        await come_and_go(server, ids, times)
        after = await settled(server, before)
    place.drop(url)
    heads = ["before", "after", "more"]
    table = Table(f"{place.name}: {times:,} tabs that came and went", heads)
    for name in NO_MORE:
        table.add(name, [before[name], after[name]])
        table.add("  more", [None, None, after[name] - before[name]], most=0)
    objects = (after["objects"] - before["objects"]) / times
    table.add("objects", [before["objects"], after["objects"]])
    table.add("  more, for each tab", [None, None, objects], most=MOST_OBJECTS)
    table.add("memory", [before["rss"], after["rss"], after["rss"] - before["rss"]], "MB", 1e-6)
    return table
