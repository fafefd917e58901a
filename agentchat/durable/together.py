"""Which branches of a run go on, and which wait meanwhile.

A branch that waits while another goes on is held in memory, so that it goes on in time;
only when all wait does the run let go of its worker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta

from agentchat.durable.clock import Clock


class Together:
    """The branches of one execution that are awake, counted, and those that wait."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._awake = 1
        self._waiting: dict[asyncio.Future[bool], str | None] = {}

    @property
    def alone(self) -> bool:
        """Whether nothing else of the run is awake."""
        return self._awake <= 1

    @property
    def listens(self) -> bool:
        """Whether a branch that waits here does so for an event."""
        return any(event is not None for event in self._waiting.values())

    def fork(self, branches: int) -> Fork:
        """A branch becomes this many, until they are over."""
        self._awake += branches - 1
        return Fork(self, branches)

    async def wait(self, until: datetime | None, event: str | None) -> bool:
        """Wait until the time has come or the event is there; false when nothing of the run
        is awake any more.
        """
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        timer = None
        if until is not None:
            timer = asyncio.create_task(self._ring(future, until))
        self._waiting[future] = event
        self.leave()
        try:
            return await future
        except asyncio.CancelledError:
            self._wake(future, True)
            raise
        finally:
            if timer is not None:
                timer.cancel()

    def tell(self, events: Iterable[str]) -> None:
        """Wake the branches that wait for one of these events."""
        names = set(events)
        for future, event in tuple(self._waiting.items()):
            if event in names:
                self._wake(future, True)

    def wake_all(self, going_on: bool = True) -> None:
        """Wake all branches that wait, to look for themselves."""
        for future in tuple(self._waiting):
            self._wake(future, going_on)

    def leave(self) -> None:
        """A branch is over, or waits."""
        self._awake -= 1
        if self._awake <= 0:
            self.wake_all(False)

    async def _ring(self, future: asyncio.Future[bool], until: datetime) -> None:
        # The time may have come while this was about to begin.
        if (left := until - self._clock.now()) > timedelta():
            await self._clock.sleep(left)
        self._wake(future, True)

    def _wake(self, future: asyncio.Future[bool], going_on: bool) -> None:
        if future in self._waiting:
            del self._waiting[future]
            self._awake += 1
            if not future.done():
                future.set_result(going_on)


class Fork:
    """Branches that began together. The one that awaits them is counted as one of them."""

    def __init__(self, together: Together, branches: int) -> None:
        self._together = together
        self._open = branches
        self._back = False
        """Whether the one that awaits them goes on already."""

    def over(self, *, decides: bool) -> None:
        """A branch is over; ``decides`` if the others are not awaited any more."""
        self._open -= 1
        if not self._back and (decides or not self._open):
            self._back = True
        else:
            self._together.leave()
