"""Waiting for something that announces itself to nobody."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

STEP = 0.01


async def eventually(condition: Callable[[], object], within: float = 30) -> None:
    """Return once ``condition()`` is true; TimeoutError after so many seconds."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(STEP)


def eventually_now(condition: Callable[[], object], within: float = 30) -> None:
    """As :func:`eventually`, for tests that are not async."""
    end = time.monotonic() + within
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"still not true after {within} s")
        time.sleep(STEP)
