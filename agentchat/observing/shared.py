"""Reads of a database that may not answer, for whoever asks from outside."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """A read that is made once for all who ask at the same time, and waited for only so long:
    a probe that asks again and again must not pile up reads.
    """

    def __init__(
        self, read: Callable[[], Awaitable[T]], *, patience: float, fresh: float = 0
    ) -> None:
        self._read = read
        self._patience = patience
        self._fresh = fresh
        self._reading: asyncio.Task[T] | None = None
        self._over_at = 0.0

    async def value(self) -> T:
        """What the read gives, or gave up to ``fresh`` seconds ago.

        Raises what it raises, and TimeoutError after ``patience`` seconds; it goes on then.
        """
        reading = self._reading
        if reading is None or (
            reading.done() and (_failed(reading) or time.monotonic() - self._over_at >= self._fresh)
        ):
            reading = self._reading = asyncio.create_task(self._once(), name="agentchat-probe")
        done, _ = await asyncio.wait({reading}, timeout=self._patience)
        if not done:
            raise TimeoutError
        return reading.result()

    async def _once(self) -> T:
        try:
            return await self._read()
        finally:
            self._over_at = time.monotonic()


def _failed(task: asyncio.Task[T]) -> bool:
    return task.cancelled() or task.exception() is not None
