"""What is read when somebody scrapes: queues, workers, live queries, the writer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from agentchat.durable.clock import Clock
from agentchat.observing.labels import Labels
from agentchat.observing.shared import Shared
from agentchat.store import gauges
from agentchat.store.database import Database
from agentchat.store.gauges import Gauges

logger = logging.getLogger(__name__)

FRESH = 1.0
"""For how many seconds what was read is good enough for another scrape."""
PATIENCE = 3.0
"""For how many seconds a scrape waits for the database."""


class Scraped(Collector):
    """Reads the database at most once a second, and never twice at once."""

    def __init__(self, database: Database, clock: Clock, worker: Callable[[], str]) -> None:
        self._database = database
        self._clock = clock
        self._worker = worker
        self._labels = Labels()
        self._gauges: Gauges | None = None
        self._stored_now = Shared(self._read, patience=PATIENCE, fresh=FRESH)
        self._queries: dict[str, tuple[int, int, int]] = {}

    async def refresh(self) -> None:
        """Read what is to be told now."""
        self._queries = self._seen_queries()
        try:
            self._gauges = await self._stored_now.value()
        except Exception as error:
            logger.warning("the queues could not be read for a scrape: %s", type(error).__name__)
            self._gauges = None

    async def _read(self) -> Gauges:
        return await self._database.read(gauges.gauges, self._worker(), self._clock.now())

    def _seen_queries(self) -> dict[str, tuple[int, int, int]]:
        """By the name of the query: followers now, runs and idle runs so far."""
        live = self._database.live
        found: dict[str, tuple[int, int, int]] = {}

        def add(name: str, *numbers: int) -> None:
            label = self._labels.of("query", name)
            before = found.get(label, (0, 0, 0))
            followers, runs, idle = (a + b for a, b in zip(before, numbers, strict=True))
            found[label] = followers, runs, idle

        for name, tally in live.tallies.items():
            add(name, 0, tally.runs, tally.idle_runs)
        for view in live.inspect():
            add(view.name, view.followers, 0, 0)
        return found

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client; called in a thread."""
        up = self._gauges is not None
        yield _gauge("database_up", "Whether the database answered this scrape.", int(up))
        yield _gauge(
            "writes_waiting", "Writes that wait for the next commit.", self._database.waiting
        )
        yield from self._live()
        if self._gauges is not None:
            yield from self._stored(self._gauges)

    def _live(self) -> Iterator[Metric]:
        followers = GaugeMetricFamily(
            "agentchat_live_followers",
            "Followers of live queries in this process.",
            labels=["query"],
        )
        runs = CounterMetricFamily(
            "agentchat_live_query_runs", "How often live queries were run.", labels=["query"]
        )
        idle = CounterMetricFamily(
            "agentchat_live_query_idle_runs",
            "How many of those came to what the one before had come to.",
            labels=["query"],
        )
        for name, (now, ran, ran_idle) in self._queries.items():
            followers.add_metric([name], now)
            runs.add_metric([name], ran)
            idle.add_metric([name], ran_idle)
        yield from (followers, runs, idle)

    def _stored(self, stored: Gauges) -> Iterator[Metric]:
        runs = GaugeMetricFamily(
            "agentchat_runs",
            f"Unfinished runs in the database, counted up to {gauges.MOST_RUNS:,} of each status.",
            labels=["status", "workflow"],
        )
        totals: dict[tuple[str, str], int] = {}
        for (status, workflow), number in stored.runs.items():
            label = status, self._labels.of("workflow", workflow)
            totals[label] = totals.get(label, 0) + number
        for label, number in totals.items():
            runs.add_metric(list(label), number)
        yield runs
        workers = GaugeMetricFamily(
            "agentchat_workers",
            "Workers in the database: alive, silent for long, or stuck in blocking code.",
            labels=["state"],
        )
        for state in ("alive", "silent", "stuck"):
            workers.add_metric([state], getattr(stored, state))
        yield workers
        yield _gauge(
            "oldest_due_run_seconds",
            "How long the run has been due that has waited longest; 0 if none is due.",
            stored.oldest_due,
        )
        yield _gauge("paused_workflows", "Workflows that are paused.", stored.paused_workflows)
        if stored.beat is not None:
            yield _gauge(
                "worker_heartbeat_age_seconds",
                "How long ago the worker of this process gave a sign of life.",
                stored.beat,
            )


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(f"agentchat_{name}", words, value=value)
