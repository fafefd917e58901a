"""How late an event loop comes to what is due: whose fault a slow frame is."""

from __future__ import annotations

import asyncio

STEP = 0.01


class Lag:
    """Samples the running loop as long as it lives."""

    def __init__(self) -> None:
        self._samples: list[float] = []
        self._task = asyncio.create_task(self._run(), name="bench-lag")

    def take(self) -> list[float]:
        """The samples since the last time, in seconds."""
        samples, self._samples = self._samples, []
        return samples

    def end(self) -> None:
        """Stop sampling."""
        self._task.cancel()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + STEP
            await asyncio.sleep(STEP)
            self._samples.append(loop.time() - due)
