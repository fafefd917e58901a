"""Time, as a thing that tests can replace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time and waits."""

    def now(self) -> datetime:
        """The time, aware and in UTC."""
        ...

    async def sleep(self, delay: timedelta) -> None:
        """Return after ``delay``."""
        ...

    def on_jump(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` when the time has been set by hand, not when it just passes;
        returns what ends that.
        """
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The time, aware and in UTC."""
        return datetime.now(UTC)

    async def sleep(self, delay: timedelta) -> None:
        """Return after ``delay``."""
        await asyncio.sleep(delay.total_seconds())

    def on_jump(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Nobody sets this clock by hand."""
        return lambda: None


class ManualClock:
    """A clock that stands still until :meth:`advance` is called. For tests."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = start
        self._sleepers: list[tuple[datetime, asyncio.Future[None]]] = []
        self._listeners: list[Callable[[], None]] = []

    @property
    def sleeping(self) -> int:
        """How many sleeps are under way."""
        return len(self._sleepers)

    def now(self) -> datetime:
        """The time it was last set to."""
        return self._now

    async def sleep(self, delay: timedelta) -> None:
        """Return once the clock has been advanced by ``delay``."""
        sleeper = (self._now + delay, asyncio.get_running_loop().create_future())
        self._sleepers.append(sleeper)
        try:
            await sleeper[1]
        finally:
            self._sleepers.remove(sleeper)

    def advance(self, delay: timedelta) -> None:
        """Move on by ``delay`` and wake the sleeps that are over."""
        self._now += delay
        for until, future in self._sleepers:
            if until <= self._now and not future.done():
                future.set_result(None)
        for listener in tuple(self._listeners):
            listener()

    def on_jump(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` with each :meth:`advance`; returns what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)
