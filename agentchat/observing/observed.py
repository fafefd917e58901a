"""Which observers an app has, by its settings: put together, opened and closed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from agentchat.durable.clock import Clock
from agentchat.durable.journal import Key
from agentchat.durable.observer import UNOBSERVED, Course, Observer
from agentchat.errors import ConfigError
from agentchat.llm.observed import Call, CallObserver
from agentchat.models import Run, StepKind
from agentchat.settings import Settings

if TYPE_CHECKING:
    from agentchat.observing.metrics import Metrics

logger = logging.getLogger(__name__)


class _Both(Observer, CallObserver, Protocol):
    """Sees runs as well as calls of models."""


@dataclass(frozen=True)
class Observing:
    """The observers of an app; ``calls`` is None if nobody looks."""

    runs: Observer = UNOBSERVED
    calls: CallObserver | None = None
    metrics: Metrics | None = None


@asynccontextmanager
async def observing(settings: Settings, clock: Clock) -> AsyncGenerator[Observing, None]:
    """What ``settings`` ask for. Leaving it sends the traces that wait.

    Raises :class:`~agentchat.errors.ConfigError` if traces are asked for, and what sends them
    is not installed.
    """
    observers: list[_Both] = []
    metrics = _metrics(clock) if settings.metrics else None
    if metrics is not None:
        observers.append(metrics)
    close: Callable[[], None] | None = None
    if settings.traces is not None:
        tracing = _tracing(settings.traces, clock)
        observers.append(tracing)
        close = tracing.close
    try:
        if not observers:
            yield Observing()
        else:
            both = observers[0] if len(observers) == 1 else Several(observers)
            yield Observing(both, both, metrics)
    finally:
        if close is not None:
            await asyncio.to_thread(close)


def _metrics(clock: Clock) -> Metrics:
    # Imported here: whoever wants no metrics need not load what makes them.
    from agentchat.observing.metrics import Metrics

    return Metrics(clock)


def _tracing(endpoint: str, clock: Clock) -> Any:
    try:
        from agentchat.observing.tracing import Tracing
    except ImportError as error:
        raise ConfigError(
            "AGENTCHAT_TRACES: what sends traces is not installed."
            " Do it with: pip install 'agentchat[otel]'"
        ) from error
    return Tracing(endpoint, clock)


class Several:
    """Several observers as one."""

    def __init__(self, observers: Sequence[_Both]) -> None:
        self._observers = observers

    def run(self, run: Run, course: Course) -> AbstractContextManager[object]:
        """See :meth:`agentchat.durable.observer.Observer.run`."""
        return _all([one.run(run, course) for one in self._observers])

    def step(
        self, run: Run, key: Key, kind: StepKind, since: datetime | None
    ) -> AbstractContextManager[object]:
        """See :meth:`agentchat.durable.observer.Observer.step`."""
        return _all([one.step(run, key, kind, since) for one in self._observers])

    def tried(self, run: Run, row: Mapping[str, Any]) -> None:
        """See :meth:`agentchat.durable.observer.Observer.tried`."""
        for one in self._observers:
            one.tried(run, row)

    def lag(self, seconds: float) -> None:
        """See :meth:`agentchat.durable.observer.Observer.lag`."""
        for one in self._observers:
            one.lag(seconds)

    def call(self, call: Call) -> AbstractContextManager[object]:
        """See :meth:`agentchat.llm.observed.CallObserver.call`."""
        return _all([one.call(call) for one in self._observers])


@contextmanager
def _all(managers: Sequence[AbstractContextManager[object]]) -> Iterator[None]:
    with ExitStack() as stack:
        for manager in managers:
            stack.enter_context(manager)
        yield
