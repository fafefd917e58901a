"""Values that are looked at again when time alone has made something else of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any, TypeVar

from agentchat.durable.clock import Clock

T = TypeVar("T")


async def again_at(
    values: AsyncGenerator[T, None], due: Callable[[T], datetime | None], clock: Clock
) -> AsyncGenerator[T, None]:
    """Yield each value, and the newest again at the time that ``due`` says for it, None for never.

    ``due`` is asked after each, and must not say what is past.
    """
    async with aclosing(values):
        coming = asyncio.ensure_future(anext(values))
        try:
            moment = None
            while True:
                await _first_of(coming, moment, clock)
                if coming.done():
                    value = coming.result()
                    coming = asyncio.ensure_future(anext(values))
                yield value
                moment = due(value)
        except StopAsyncIteration:
            return
        finally:
            coming.cancel()
            # Looked at, or asyncio would say that nobody has.
            await asyncio.gather(coming, return_exceptions=True)


async def _first_of(coming: asyncio.Future[T], moment: datetime | None, clock: Clock) -> None:
    if moment is None:
        await asyncio.wait([coming])
        return
    delay = moment - clock.now()
    if delay <= timedelta():
        return
    alarm = asyncio.ensure_future(clock.sleep(delay))
    try:
        both: list[asyncio.Future[Any]] = [coming, alarm]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    finally:
        alarm.cancel()
        await asyncio.wait([alarm])
