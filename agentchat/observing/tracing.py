"""Traces by OpenTelemetry: a run is a trace, its steps and calls of models are spans in it.

A run outlives a process. Its trace has the run's own id, and the span of the run an id made of
it: so steps that other processes do come into the same trace, beneath the same span, which is
sent by whoever ends the run. No contents are told: no arguments, results, words of errors.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from opentelemetry import context as otel
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.util.types import AttributeValue

from agentchat.durable.clock import Clock
from agentchat.durable.hand import at_hand, kind_of
from agentchat.durable.journal import Key
from agentchat.durable.observer import Course
from agentchat.errors import Cancelled, StepFailed
from agentchat.llm.observed import Call
from agentchat.models import ENDED_RUN, Run, RunStatus, StepKind

logger = logging.getLogger(__name__)

PATIENCE = timedelta(seconds=2)
"""How long what waits may take to be sent when the app ends."""
_PATH = "/v1/traces"
_HEX = re.compile(r"[0-9a-f]{32}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def trace_id_of(run_id: str) -> int:
    """The id of a run's trace: its own, if that is as long as one."""
    text = run_id if _HEX.fullmatch(run_id) else hashlib.sha256(run_id.encode()).hexdigest()[:32]
    return int(text, 16) or 1


def span_id_of(run_id: str) -> int:
    """The id of the span that stands for a run."""
    return int(hashlib.sha256(f"run {run_id}".encode()).hexdigest()[:16], 16) or 1


class Tracing:
    """Sends traces to an OTLP/HTTP receiver. An observer of runs and of calls of models.

    ``endpoint`` is the receiver's address, such as ``http://127.0.0.1:4318``. The sampler,
    headers, the name of the service and the batches are as the variables ``OTEL_…`` say.
    """

    def __init__(self, endpoint: str, clock: Clock) -> None:
        self._clock = clock
        self._ids = _RunIds()
        url = endpoint.rstrip("/")
        url = url if url.endswith(_PATH) else url + _PATH
        resource = Resource.create()
        if str(resource.attributes[SERVICE_NAME]).startswith("unknown_service"):
            resource = resource.merge(Resource({SERVICE_NAME: "agentchat"}))
        self._provider = TracerProvider(
            resource=resource,
            id_generator=self._ids,
            shutdown_on_exit=False,
        )
        exporter = OTLPSpanExporter(endpoint=url, timeout=PATIENCE.total_seconds())
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("agentchat")

    def close(self) -> None:
        """Send what waits; blocks for a moment."""
        self._provider.force_flush(int(PATIENCE.total_seconds() * 1000))
        self._provider.shutdown()

    @contextmanager
    def run(self, run: Run, course: Course) -> Iterator[None]:
        """See :meth:`agentchat.durable.observer.Observer.run`."""
        self._ids.next = trace_id_of(run.id), span_id_of(run.id)
        span = self._tracer.start_span(
            f"run {run.workflow}",
            otel.Context(),
            attributes=_of_run(run),
            links=_links(run),
            start_time=_ns(run.started_at or run.created_at),
        )
        token = otel.attach(trace.set_span_in_context(span, otel.Context()))
        try:
            yield
        finally:
            otel.detach(token)
            if course.status in ENDED_RUN:
                span.set_attribute("agentchat.run.outcome", course.status.value)
                if course.status == RunStatus.FAILED:
                    _failed(span, course.error_kind)
                span.end(_ns(self._clock.now()))
            # Else whoever ends the run sends this span: it has the same id there.

    @contextmanager
    def step(self, run: Run, key: Key, kind: StepKind, since: datetime | None) -> Iterator[None]:
        """See :meth:`agentchat.durable.observer.Observer.step`."""
        attributes: dict[str, AttributeValue] = {
            "agentchat.run.id": run.id,
            "agentchat.workflow": run.workflow,
            "agentchat.step.key": str(key),
            "agentchat.step.kind": kind.value,
            "agentchat.run.attempt": run.attempt,
        }
        began = _ns(since or self._clock.now())
        span = self._tracer.start_span(
            f"{kind.value} {key.name}", attributes=attributes, start_time=began
        )
        token = otel.attach(trace.set_span_in_context(span))
        outcome = "done"
        try:
            yield
        except StepFailed as error:
            outcome = "failed"
            _failed(span, error.kind or kind_of(error))
            raise
        except Cancelled:
            outcome = "cancelled"
            raise
        except BaseException:
            outcome = ""
            raise
        finally:
            otel.detach(token)
            if outcome:
                span.set_attribute("agentchat.step.outcome", outcome)
                span.end(_ns(self._clock.now()))
            # Else it goes on later, maybe elsewhere, and is told then from its begin.

    def tried(self, run: Run, row: Mapping[str, Any]) -> None:
        """See :meth:`agentchat.durable.observer.Observer.tried`."""
        trace.get_current_span().add_event(
            "try failed",
            {"agentchat.step.try": row["tries"], "error.type": row["error_kind"]},
            _ns(row["finished_at"]),
        )

    def lag(self, seconds: float) -> None:
        """See :meth:`agentchat.durable.observer.Observer.lag`."""

    def call(self, call: Call) -> AbstractContextManager[object]:
        """See :meth:`agentchat.llm.observed.CallObserver.call`."""
        return self._call(call)

    @contextmanager
    def _call(self, call: Call) -> Iterator[None]:
        provider, _, model = call.model.partition(":")
        attributes: dict[str, AttributeValue] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": provider,
            "gen_ai.request.model": model,
            "gen_ai.request.max_tokens": call.request.max_tokens,
        }
        if call.request.agent:
            attributes["gen_ai.agent.name"] = call.request.agent
        if (hand := at_hand.get()) is not None:
            attributes["agentchat.step.try"] = hand.tries
        began = _ns(self._clock.now())
        span = self._tracer.start_span(
            f"chat {model}", kind=SpanKind.CLIENT, attributes=attributes, start_time=began
        )
        try:
            yield
        finally:
            span.set_attributes(_of_call(call))
            if call.first_seconds is not None:
                span.add_event("first chunk", timestamp=began + int(call.first_seconds * 1e9))
            if call.outcome == "failed":
                _failed(span, call.error_kind)
            span.end(_ns(self._clock.now()))


class _RunIds(IdGenerator):
    """Random ids, but for the span that is told beforehand to have other ones."""

    def __init__(self) -> None:
        self.next: tuple[int, int] | None = None
        self._random = RandomIdGenerator()

    def generate_trace_id(self) -> int:
        """The id of a trace: asked for first, and only for spans without a parent."""
        return self.next[0] if self.next is not None else self._random.generate_trace_id()

    def generate_span_id(self) -> int:
        """The id of a span."""
        told, self.next = self.next, None
        return told[1] if told is not None else self._random.generate_span_id()


def _of_run(run: Run) -> dict[str, AttributeValue]:
    found: dict[str, AttributeValue] = {
        "agentchat.run.id": run.id,
        "agentchat.workflow": run.workflow,
        "agentchat.run.attempt": run.attempt,
        "agentchat.run.queue_ms": run.queue_ms,
    }
    if run.thread_id is not None:
        found["gen_ai.conversation.id"] = run.thread_id
    if run.agent:
        found["gen_ai.agent.name"] = run.agent
    if run.parent_id is not None:
        found["agentchat.run.parent_id"] = run.parent_id
    return found


def _links(run: Run) -> list[Link]:
    """To the run that started this one, and the one that it was forked from."""
    others = (("parent", run.parent_id), ("origin", run.origin_id))
    return [
        Link(
            SpanContext(
                trace_id_of(other), span_id_of(other), True, TraceFlags(TraceFlags.SAMPLED)
            ),
            {"agentchat.link": name},
        )
        for name, other in others
        if other is not None
    ]


def _of_call(call: Call) -> dict[str, AttributeValue]:
    usage = call.usage
    found: dict[str, AttributeValue] = {
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_written_tokens,
        "agentchat.usage.estimated": usage.estimated,
        "agentchat.call.outcome": call.outcome,
    }
    if call.reason is not None:
        found["gen_ai.response.finish_reasons"] = [call.reason.value]
    if call.request_id is not None:
        found["gen_ai.response.id"] = call.request_id
    if call.cost_usd is not None:
        found["agentchat.cost_usd"] = call.cost_usd
    return found


def _failed(span: Span, kind: str) -> None:
    span.set_status(Status(StatusCode.ERROR, kind))
    span.set_attribute("error.type", kind)


def _ns(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND * 1000
