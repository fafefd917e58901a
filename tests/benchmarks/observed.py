"""What it costs a step to be counted: ``python -m tests.benchmarks.observed``.

Two engines in one process take turns, one with metrics and one without, so that whatever else
the machine does is the same for both.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from pathlib import Path

from agentchat.durable.clock import SystemClock
from agentchat.durable.engine import Engine
from agentchat.durable.worker import Worker
from agentchat.observing.metrics import Metrics
from agentchat.store import schema
from tests.benchmarks.engine import EngineSystem, work

STEPS = 300
ROUNDS = 40
WARM = 4
"""Rounds that are not counted."""


async def opened(folder: Path, *, counted: bool) -> EngineSystem:
    """An engine on a database of its own, at work."""
    url = f"sqlite:///{folder / f'{counted}.db'}"
    await asyncio.to_thread(schema.upgrade, url)
    system = EngineSystem(url)
    await system.open()
    if counted:
        clock = SystemClock()
        metrics = Metrics(clock)
        engine = Engine(system.database, [work], clock, observer=metrics)
        worker = system._worker = Worker(system.database, engine, clock)
        metrics.attach(system.database, lambda: worker.name)
    await system.start()
    return system


async def main() -> None:
    """Print how long a step takes with metrics and without, and the ratio of the two."""
    with tempfile.TemporaryDirectory() as folder:
        without = await opened(Path(folder), counted=False)
        counted = await opened(Path(folder), counted=True)
        pairs: list[tuple[float, float]] = []
        for number in range(ROUNDS + WARM):
            took = {}
            turns = [without, counted] if number % 2 else [counted, without]
            for system in turns:
                took[system] = statistics.median(await system.run(f"r{number}", STEPS))
            pairs.append((took[without], took[counted]))
        await without.close()
        await counted.close()
    pairs = pairs[WARM:]
    plain, with_metrics = (statistics.median(side) * 1e6 for side in zip(*pairs, strict=True))
    ratio = statistics.median(b / a for a, b in pairs)
    least = min(b for _, b in pairs) / min(a for a, _ in pairs)
    print(
        f"a step without metrics {plain:.0f} µs, with them {with_metrics:.0f} µs;"
        f" ratio of neighbours {ratio:.3f}, of the best rounds {least:.3f}"
    )


if __name__ == "__main__":
    asyncio.run(main())
