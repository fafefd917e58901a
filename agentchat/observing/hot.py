"""Metrics of the hot path: counted without locks, and put into Prometheus' form when scraped.

The library's own histogram takes some microseconds an observation, which is seen beside a step.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from math import inf

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector


class Timing:
    """A histogram that one thread observes; others may read it, maybe one observation late."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, seconds: float) -> None:
        """Count something that took so long."""
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self._sum += seconds

    def told(self) -> tuple[list[tuple[str, float]], float]:
        """How many took at most so long, by bound; and the sum."""
        total, buckets = 0, []
        for bound, count in zip((*self._bounds, inf), tuple(self._counts), strict=True):
            total += count
            buckets.append(("+Inf" if bound == inf else str(float(bound)), float(total)))
        return buckets, self._sum


class Hot(Collector):
    """Steps, which the event loop observes, and commits, which the writer's thread does."""

    def __init__(self, step_bounds: Sequence[float], commit_bounds: Sequence[float]) -> None:
        self._step_bounds = step_bounds
        self._steps: dict[tuple[str, str, str], int] = {}
        self._seconds: dict[str, Timing] = {}
        self._commits = Timing(commit_bounds)
        self._writes = 0

    def step(self, workflow: str, kind: str, outcome: str, seconds: float) -> None:
        """A step came to an end."""
        key = workflow, kind, outcome
        self._steps[key] = self._steps.get(key, 0) + 1
        timing = self._seconds.get(kind)
        if timing is None:
            timing = self._seconds[kind] = Timing(self._step_bounds)
        timing.observe(seconds)

    def commit(self, writes: int, seconds: float) -> None:
        """A group of writes was committed, or failed."""
        self._commits.observe(seconds)
        self._writes += writes

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client; called in a thread."""
        steps = CounterMetricFamily(
            "agentchat_steps",
            "Steps that came to an end.",
            labels=["workflow", "kind", "outcome"],
        )
        for key, number in self._steps.copy().items():
            steps.add_metric(list(key), number)
        took = HistogramMetricFamily(
            "agentchat_step_duration_seconds",
            "From the begin of a step to the commit of its result; of waits, how long they were.",
            labels=["kind"],
        )
        for kind, timing in self._seconds.copy().items():
            took.add_metric([kind], *timing.told())
        commits = HistogramMetricFamily(
            "agentchat_commit_duration_seconds", "How long the writer took for a group of writes."
        )
        commits.add_metric([], *self._commits.told())
        writes = CounterMetricFamily(
            "agentchat_writes", "Writes that were committed or failed, in groups."
        )
        writes.add_metric([], self._writes)
        yield from (steps, took, commits, writes)
