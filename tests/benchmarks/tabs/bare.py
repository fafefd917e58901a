"""The yardstick: a page whose only var is set by a background event that nothing feeds.

What it costs to bring this to a tab is what Reflex alone costs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator

import reflex as rx

from tests.benchmarks.tabs.stamps import sentence

ROUTE = "/bare"


class Ticks:
    """Says a marked sentence to all who follow, at a pace."""

    def __init__(self) -> None:
        self.said: dict[str, float] = {}
        self._text = ""
        self._next = asyncio.Event()

    async def run(self, name: str, updates: int, pace: float, size: int) -> None:
        """Say so many."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        for n in range(updates):
            await asyncio.sleep(max(0.0, began + n * pace - loop.time()))
            self._say(sentence(name, n, size))
            self.said[f"{name}:{n}"] = time.time()

    def _say(self, text: str) -> None:
        self._text = text
        now, self._next = self._next, asyncio.Event()
        now.set()

    async def follow(self) -> AsyncGenerator[str, None]:
        """Yield what is said from now on; one that is slow skips to the newest."""
        yield ""
        while True:
            following = self._next
            await following.wait()
            yield self._text


TICKS = Ticks()


class BareState(rx.State):
    """One small var."""

    text: str = ""

    @rx.event(background=True, supersedes=True)
    async def follow(self) -> None:
        """Show what is said, as long as the page is open."""
        async for text in TICKS.follow():
            async with self:
                self.text = text


def bare_page() -> rx.Component:
    """Nothing but the var."""
    page: rx.Component = rx.el.p(BareState.text)
    return page
