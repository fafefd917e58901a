"""A model that answers with marked sentences at an exact pace, and notes when it said each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable

from agentchat.llm.base import (
    Chunk,
    Finished,
    ModelRequest,
    ModelState,
    ModelStatus,
    StopReason,
    Text,
    Usage,
)
from tests.benchmarks.tabs.stamps import Order, sentence


class StampingProvider:
    """Carries out the :class:`~tests.benchmarks.tabs.stamps.Order` in the newest message."""

    id = "scripted:stamps"
    label = "Stamps"
    embedded = False
    context_tokens: int | None = None
    max_output_tokens = 4096
    media_types: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.said: dict[str, float] = {}
        """When each mark was handed to the app, by ``time.time()``."""

    async def start(self, report: Callable[[ModelStatus], None]) -> None:
        """Report READY: there is nothing to get."""
        report(ModelStatus(ModelState.READY))

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk, None]:
        """See :meth:`agentchat.llm.base.Provider.stream`."""
        order = Order.of(request.turns[-1].text)
        if order is not None:
            loop = asyncio.get_running_loop()
            began = loop.time()
            for n in range(order.updates):
                # By the clock and not by the sentence before: an answer must not drift.
                await asyncio.sleep(max(0.0, began + n * order.pace - loop.time()))
                self.said[f"{order.name}:{n}"] = time.time()
                yield Text(sentence(order.name, n, order.size))
        else:
            yield Text("Yes.")
        yield Finished(StopReason.END, Usage(1, 1))

    async def close(self) -> None:
        """Nothing to let go of."""
