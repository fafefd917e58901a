"""Metrics of one app in a registry of their own, in Prometheus' text format."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from types import TracebackType
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.process_collector import ProcessCollector

from agentchat.durable.clock import Clock
from agentchat.durable.journal import Key
from agentchat.durable.observer import Course
from agentchat.errors import StepFailed
from agentchat.llm.observed import Call
from agentchat.models import Run, StepKind
from agentchat.observing.hot import Hot
from agentchat.observing.labels import Labels
from agentchat.observing.scraped import Scraped
from agentchat.store.database import Database
from agentchat.store.ends import Ended

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

_LONG = (0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600, 21600, 86400)
_SHORT = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_STEP = (0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)


class Metrics:
    """Counts what this process carries out; what is queued is read when somebody scrapes.

    An observer of runs and of calls of models. Labels are names of workflows, agents, models
    and kinds, at most 100 of each; never ids.
    """

    content_type = CONTENT_TYPE

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._labels = Labels()
        self._registry = registry = CollectorRegistry()
        self._scraped: Scraped | None = None
        self._known: dict[tuple[object, ...], Any] = {}
        self._hot = Hot(_STEP, _SHORT)
        registry.register(self._hot)
        ProcessCollector(registry=registry)

        def counter(name: str, words: str, *labels: str) -> Counter:
            return Counter(f"agentchat_{name}", words, labels, registry=registry)

        def histogram(name: str, words: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(f"agentchat_{name}", words, labels, registry=registry, buckets=buckets)

        self._started = counter("runs_started", "Runs begun by this process.", "workflow")
        self._resumed = counter("runs_resumed", "Runs that this process went on with.", "workflow")
        self._finished = counter(
            "runs_finished",
            "Runs whose end this process has written down, whoever decided it.",
            "workflow",
            "outcome",
        )
        self._queued = histogram(
            "run_queue_wait_seconds",
            "How long runs had been due when they were begun.",
            _SHORT,
            "workflow",
        )
        self._run_seconds = histogram(
            "run_duration_seconds",
            "From the begin of a run to its end, with all that it waited for.",
            _LONG,
            "workflow",
            "outcome",
        )
        self._tries = counter(
            "step_tries_failed", "Tries of steps that came to nothing.", "workflow", "error"
        )
        self._calls = counter("model_calls", "Calls of models.", "model", "agent", "outcome")
        self._tokens = counter(
            "model_tokens",
            "Tokens of calls; those cached are among the input, too.",
            "model",
            "agent",
            "type",
        )
        self._cost = counter(
            "model_cost_usd",
            "US dollars that calls cost, where the price is known.",
            "model",
            "agent",
        )
        self._call_seconds = histogram(
            "model_call_duration_seconds", "How long calls of models took.", _STEP, "model"
        )
        self._first_seconds = histogram(
            "model_first_chunk_seconds", "From asking a model to its first words.", _STEP, "model"
        )
        self._lag = histogram(
            "event_loop_lag_seconds", "How late the event loop was, looked at often.", _SHORT
        )

    def attach(self, database: Database, worker: Callable[[], str]) -> None:
        """Look at this database when somebody scrapes, and at its commits: from before the first
        of them that may end a run.
        """
        self._scraped = Scraped(database, self._clock, worker)
        self._registry.register(self._scraped)
        database.on_commit(self._hot.commit)
        database.on_news(self._heard)

    async def text(self) -> bytes:
        """All metrics as :data:`CONTENT_TYPE`. A database that does not answer leaves its own
        out, and ``agentchat_database_up`` says 0.
        """
        if self._scraped is not None:
            await self._scraped.refresh()
        return await asyncio.to_thread(generate_latest, self._registry)

    # What is observed

    def run(self, run: Run, course: Course) -> AbstractContextManager[object]:
        """See :meth:`agentchat.durable.observer.Observer.run`."""
        workflow = self._labels.of("workflow", run.workflow)
        if run.attempt == 1:
            self._of(self._started, workflow).inc()
            self._of(self._queued, workflow).observe(run.queue_ms / 1000)
        else:
            self._of(self._resumed, workflow).inc()
        # How it ends is heard of the database: others may end it too.
        return nullcontext()

    def _heard(self, news: object) -> None:
        if not isinstance(news, Ended):
            return
        workflow = self._labels.of("workflow", news.workflow)
        self._of(self._finished, workflow, news.status.value).inc()
        if news.began is not None:
            seconds = (news.ended - news.began).total_seconds()
            self._of(self._run_seconds, workflow, news.status.value).observe(max(seconds, 0))

    def step(
        self, run: Run, key: Key, kind: StepKind, since: datetime | None
    ) -> AbstractContextManager[object]:
        """See :meth:`agentchat.durable.observer.Observer.step`."""
        return _Step(self, run.workflow, kind, since)

    def step_left(
        self, workflow: str, kind: str, seconds: float, error: BaseException | None
    ) -> None:
        """A step came to its end, or is left for later."""
        if error is not None and not isinstance(error, StepFailed):
            return
        workflow = self._labels.of("workflow", workflow)
        self._hot.step(workflow, kind, "failed" if error else "done", max(seconds, 0))

    def seconds_since(self, moment: datetime) -> float:
        """How long ago that was."""
        return (self._clock.now() - moment).total_seconds()

    def tried(self, run: Run, row: Mapping[str, Any]) -> None:
        """See :meth:`agentchat.durable.observer.Observer.tried`."""
        workflow = self._labels.of("workflow", run.workflow)
        self._of(self._tries, workflow, self._labels.of("error", row["error_kind"])).inc()

    def lag(self, seconds: float) -> None:
        """See :meth:`agentchat.durable.observer.Observer.lag`."""
        self._lag.observe(max(seconds, 0))

    def call(self, call: Call) -> AbstractContextManager[object]:
        """See :meth:`agentchat.llm.observed.CallObserver.call`."""
        return _Left(lambda _error: self._called(call))

    def _called(self, call: Call) -> None:
        model = self._labels.of("model", call.model)
        agent = self._labels.of("agent", call.request.agent)
        self._of(self._calls, model, agent, call.outcome).inc()
        self._of(self._call_seconds, model).observe(call.seconds)
        if call.first_seconds is not None:
            self._of(self._first_seconds, model).observe(call.first_seconds)
        usage = call.usage
        for kind, number in (
            ("input", usage.input_tokens),
            ("output", usage.output_tokens),
            ("cached", usage.cached_tokens),
        ):
            self._of(self._tokens, model, agent, kind).inc(number)
        if call.cost_usd is not None:
            self._of(self._cost, model, agent).inc(call.cost_usd)

    def _of(self, metric: Counter | Histogram, *values: str) -> Any:
        """The series of these values; kept, because finding it takes longer than counting."""
        key = (metric, *values)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = metric.labels(*values)
        return found


class _Left:
    """Calls ``then`` when it is left."""

    __slots__ = ("_then",)

    def __init__(self, then: Callable[[BaseException | None], None]) -> None:
        self._then = then

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._then(error)


class _Step:
    """One step being done."""

    __slots__ = ("_began", "_kind", "_metrics", "_since", "_workflow")

    def __init__(
        self, metrics: Metrics, workflow: str, kind: StepKind, since: datetime | None
    ) -> None:
        self._metrics, self._workflow, self._kind = metrics, workflow, kind
        self._since = since

    def __enter__(self) -> None:
        self._began = time.perf_counter()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        since = self._since
        took = (
            time.perf_counter() - self._began
            if since is None
            else self._metrics.seconds_since(since)
        )
        self._metrics.step_left(self._workflow, self._kind.value, took, error)
