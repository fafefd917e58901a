"""A model whose every call is seen by others: metrics, traces."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, aclosing
from dataclasses import dataclass, field
from typing import Literal, Protocol

from agentchat.llm.base import (
    Chunk,
    Finished,
    ModelRequest,
    Provider,
    StopReason,
    ToolCall,
    Usage,
)
from agentchat.llm.prices import cost_of
from agentchat.llm.tokens import estimated_usage
from agentchat.llm.wrapped import Wrapped


@dataclass(slots=True)
class Call:
    """One call of a model; what it came to is told before its observer is left.

    ``seconds`` are those it took, ``first_seconds`` those until its first words, None if none
    came. Usage of a call that failed or was stopped is estimated.
    """

    model: str
    request: ModelRequest
    outcome: Literal["done", "failed", "stopped"] = "stopped"
    error_kind: str = ""
    usage: Usage = field(default_factory=Usage)
    cost_usd: float | None = None
    reason: StopReason | None = None
    request_id: str | None = None
    seconds: float = 0
    first_seconds: float | None = None


class CallObserver(Protocol):
    """Sees calls of models. It must return at once, and raise nothing."""

    def call(self, call: Call) -> AbstractContextManager[object]:
        """Entered while a model is asked; within an async generator, so that it may not set
        context variables.
        """
        ...


class Observed(Wrapped):
    """A model whose calls ``observer`` sees."""

    def __init__(self, provider: Provider, observer: CallObserver) -> None:
        super().__init__(provider)
        self._observer = observer

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk, None]:
        """See :meth:`agentchat.llm.base.Provider.stream`."""
        call, written, began = Call(self.id, request), 0, time.perf_counter()
        with self._observer.call(call):
            try:
                async with aclosing(self._provider.stream(request)) as chunks:
                    async for chunk in chunks:
                        if isinstance(chunk, Finished):
                            call.outcome, call.usage = "done", chunk.usage
                            call.reason, call.request_id = chunk.reason, chunk.request_id
                        else:
                            if call.first_seconds is None:
                                call.first_seconds = time.perf_counter() - began
                            written += _length(chunk)
                        yield chunk
            except BaseException as error:
                if call.outcome != "done":
                    _cut(call, error, written)
                raise
            finally:
                call.seconds = time.perf_counter() - began
                call.cost_usd = cost_of(self.id, call.usage)


def observed(provider: Provider, observer: CallObserver | None) -> Provider:
    """The model, its calls seen by ``observer`` if there is one."""
    return provider if observer is None else Observed(provider, observer)


def _length(chunk: Chunk) -> int:
    if isinstance(chunk, ToolCall):
        return len(chunk.name) + len(chunk.arguments)
    return 0 if isinstance(chunk, Finished) else len(chunk.text)


def _cut(call: Call, error: BaseException, written: int) -> None:
    if isinstance(error, Exception):
        call.outcome = "failed"
        call.error_kind = str(getattr(error, "kind", "") or type(error).__name__)
        if not written:
            # Refused, or never reached: nobody charges for that.
            return
    call.usage = estimated_usage(call.request, written)
