"""Which faults are on in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Literal

from agentchat.faults.kinds import FaultKind, FaultView
from agentchat.views import Actor

Why = Literal["time", "calls", "person", "app", "failed"]


class Switch:
    """A fault that is on until ``over`` is set, and what has ended it."""

    def __init__(self, view: FaultView) -> None:
        self.view = view
        self.over = asyncio.Event()
        self.off = asyncio.Event()
        """Set when nothing of it is left."""
        self.why: Why = "time"
        self.ended_by: Actor | None = None
        self._calls = view.amount

    def end(self, why: Why, by: Actor | None = None) -> None:
        """Let it be over; the first who says so has ended it."""
        if not self.over.is_set():
            self.why, self.ended_by = why, by
            self.over.set()

    def count(self) -> None:
        """It has struck a call: the last one that it was for ends it."""
        if self.view.amount:
            self._calls -= 1
            if not self._calls:
                self.end("calls")

    async def hold_up(self, delay: timedelta) -> None:
        """Return after this delay, or as soon as the fault is over."""
        try:
            async with asyncio.timeout(delay.total_seconds()):
                await self.over.wait()
        except TimeoutError:
            return


class Switches:
    """The faults that are on, one of each kind at most."""

    def __init__(self) -> None:
        self._on: dict[FaultKind, Switch] = {}
        self._followers: set[asyncio.Event] = set()

    @property
    def all(self) -> tuple[Switch, ...]:
        """All that are on, the oldest first."""
        return tuple(self._on.values())

    def of(self, kind: FaultKind) -> Switch | None:
        """The fault of this kind, unless it is off or over."""
        switch = self._on.get(kind)
        return None if switch is None or switch.over.is_set() else switch

    def put_on(self, switch: Switch) -> None:
        """It is on from now."""
        self._on[switch.view.kind] = switch
        self._tell()

    def take_off(self, switch: Switch) -> None:
        """Nothing of it is left."""
        self._on.pop(switch.view.kind, None)
        switch.off.set()
        self._tell()

    async def follow(self) -> AsyncGenerator[tuple[FaultView, ...], None]:
        """Yield what is on, now and whenever that changes."""
        news = asyncio.Event()
        self._followers.add(news)
        try:
            while True:
                news.clear()
                yield tuple(switch.view for switch in self._on.values())
                await news.wait()
        finally:
            self._followers.discard(news)

    def _tell(self) -> None:
        for news in self._followers:
            news.set()
