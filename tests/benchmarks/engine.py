"""The engine as the benchmarks use it: all that knows its interface is here.

Run as a program, it starts runs, gets each of them into its gate step, says so, and waits
there to be killed.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from agentchat.durable.clock import SystemClock
from agentchat.durable.context import Context
from agentchat.durable.engine import Engine
from agentchat.durable.worker import MOST_RUNS, Worker
from agentchat.durable.workflow import workflow
from agentchat.models import ENDED_RUN, Run
from agentchat.store import runs as run_rows
from agentchat.store.changes import Rows
from agentchat.store.database import Database
from agentchat.store.runs import NewRun
from tests.benchmarks.side import GATE, RESULT, Recovery, payload

BACKSTOP = 0.25
"""How often to look for ended runs that no commit told of."""

PATIENCE = 120
"""Seconds after which something hangs and is not slow."""


class Watch:
    """What the workflow's functions tell the benchmark that runs them."""

    def __init__(self) -> None:
        self.took: dict[str, list[float]] = {}
        self.returned: set[str] = set()
        """Runs whose function has returned: the next commit about one is its end."""
        self.steps: Counter[tuple[str, int]] = Counter()
        """How often each step was entered."""
        self.at_gate: Callable[[str], Awaitable[None]] | None = None


watch = Watch()


@workflow(name="work")
async def work(ctx: Context, before: int, gate: bool, after: int, size: int) -> None:
    """Steps that do nothing, a gate among them."""
    took = watch.took.setdefault(ctx.run_id, [])

    async def step(n: int) -> str:
        watch.steps[ctx.run_id, n] += 1
        return payload(n, size)

    async def pass_gate() -> str:
        watch.steps[ctx.run_id, -1] += 1
        if watch.at_gate is not None:
            await watch.at_gate(ctx.run_id)
        return RESULT

    for n in range(before):
        began = time.perf_counter()
        await ctx.step("step", step, n)
        took.append(time.perf_counter() - began)
    if gate:
        await ctx.step(GATE, pass_gate)
    for n in range(before, before + after):
        await ctx.step("step", step, n)
    watch.returned.add(ctx.run_id)


class EngineSystem:
    """A database with a worker on it."""

    def __init__(self, url: str, *, most_runs: int = MOST_RUNS) -> None:
        self.database = Database(url)
        clock = SystemClock()
        self._clock = clock
        engine = Engine(self.database, [work], clock)
        self._worker = Worker(self.database, engine, clock, most_runs=most_runs)
        self._ends: dict[str, asyncio.Future[None]] = {}

    async def open(self) -> None:
        """Open the database, but start no worker."""
        self.database.open()
        if self.database._listener is not None:
            # Its beginning makes everything be read again: let that be over.
            await asyncio.to_thread(self.database._listener.hears.wait, 10)
            await asyncio.sleep(0)
        self.database.live.listen(self._notice)
        self._looking = asyncio.create_task(self._look_for_ever())

    async def start(self) -> None:
        """Start the worker."""
        await self._worker.start()

    async def close(self) -> None:
        """End the worker and close the database."""
        self._looking.cancel()
        await self._worker.close()
        await self.database.close()

    async def queue(self, run_id: str, before: int, gate: bool, after: int, size: int) -> None:
        """Ask for a run."""
        data = {"before": before, "gate": gate, "after": after, "size": size}
        await self.database.write(run_rows.add, NewRun(run_id, "work", data, self._clock.now()))

    async def ended(self, run_id: str) -> None:
        """Return in the moment in which the commit that ends the run is told."""
        await self._ends[run_id]
        del self._ends[run_id]

    def expect(self, run_id: str) -> None:
        """A run is about to be asked for, whose end will be awaited."""
        self._ends[run_id] = asyncio.get_running_loop().create_future()

    async def run(self, run_id: str, steps: int, size: int = len(RESULT)) -> list[float]:
        """One run from its start to its end; how long each step took."""
        self.expect(run_id)
        await self.queue(run_id, steps, False, 0, size)
        await self.ended(run_id)
        return watch.took.pop(run_id)

    async def latency(self, run_id: str) -> float:
        """From asking for a run until its first step is entered."""
        entered = 0.0

        async def at_gate(_run_id: str) -> None:
            nonlocal entered
            entered = time.perf_counter()

        watch.at_gate = at_gate
        began = time.perf_counter()
        self.expect(run_id)
        await self.queue(run_id, 0, True, 0, 0)
        await self.ended(run_id)
        watch.at_gate = None
        return entered - began

    def _notice(self, changes: list[Rows]) -> None:
        for change in changes:
            if change.table == "workflows":
                self._end(dict(change.known).get("id"))

    async def _look_for_ever(self) -> None:
        while True:
            waiting = [run_id for run_id, future in self._ends.items() if not future.done()]
            await asyncio.sleep(BACKSTOP)
            # One query for all, and only about those that wait for long.
            if waiting := [one for one in waiting if one in self._ends]:
                for run_id in await self.database.read(_ended, waiting):
                    watch.returned.add(run_id)
                    self._end(run_id)

    def _end(self, run_id: Any) -> None:
        if run_id in watch.returned:
            watch.returned.discard(run_id)
            future = self._ends.get(run_id)
            if future is not None and not future.done():
                future.set_result(None)


class EngineSide:
    """The engine."""

    name = "engine"

    @staticmethod
    @asynccontextmanager
    async def open(url: str) -> AsyncIterator[EngineSystem]:
        """A worker at work on a migrated database."""
        _forget()
        system = EngineSystem(url)
        await system.open()
        await system.start()
        yield system
        await system.close()

    @staticmethod
    async def interrupt(url: str, runs: int, before: int, after: int) -> None:
        """Kill a process in the gate step of its runs."""
        numbers = (str(n) for n in (runs, before, after))
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", __name__, url, *numbers, stdout=asyncio.subprocess.PIPE
        )
        assert child.stdout is not None
        try:
            async with asyncio.timeout(PATIENCE):
                said = await child.stdout.readline()
        finally:
            if child.returncode is None:
                child.kill()
            await child.wait()
        if said != b"ready\n":
            raise RuntimeError("the process that was to be interrupted ended by itself")

    @staticmethod
    async def recover(url: str, runs: int, before: int, after: int) -> Recovery:
        """Start a worker where another was killed."""
        _forget()
        system = EngineSystem(url)
        await system.open()
        first = 0.0

        async def at_gate(_run_id: str) -> None:
            nonlocal first
            first = first or time.perf_counter()

        watch.at_gate = at_gate
        for n in range(runs):
            system.expect(f"r{n}")
        began = time.perf_counter()
        await system.start()
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(system.ended(f"r{n}") for n in range(runs)))
        last = time.perf_counter()
        assert await system.database.read(_unfinished) == 0
        watch.at_gate = None
        await system.close()
        finished = sum(times for (_, n), times in watch.steps.items() if 0 <= n < before)
        twice = sum(times - 1 for (_, n), times in watch.steps.items() if not 0 <= n < before)
        return Recovery(first - began, last - began, finished + twice)


async def two_workers(url: str, runs: int, seconds: float) -> int:
    """How many steps ran twice while two workers had ``runs`` steps under way."""
    _forget()

    there: set[str] = set()
    all_there = asyncio.Event()

    async def at_gate(run_id: str) -> None:
        there.add(run_id)
        if len(there) == runs:
            all_there.set()
        await asyncio.sleep(seconds)

    watch.at_gate = at_gate
    systems = [EngineSystem(url), EngineSystem(url)]
    for system in systems:
        await system.open()
    await systems[0].start()
    for n in range(runs):
        systems[0].expect(f"r{n}")
        await systems[0].queue(f"r{n}", 1, True, 1, 200)
    await all_there.wait()
    await systems[1].start()
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(systems[0].ended(f"r{n}") for n in range(runs)))
    watch.at_gate = None
    for system in systems:
        await system.close()
    return sum(watch.steps.values()) - len(watch.steps)


def _forget() -> None:
    watch.__init__()  # type: ignore[misc]


def _ended(session: Session, run_ids: list[str]) -> list[str]:
    query = select(col(Run.id)).where(col(Run.id).in_(run_ids), col(Run.status).in_(ENDED_RUN))
    return list(session.execute(query).scalars())


def _unfinished(session: Session) -> int:
    query = select(func.count()).select_from(Run).where(col(Run.status).not_in(ENDED_RUN))
    count: int = session.execute(query).scalar_one()
    return count


async def _wait_in_gate(url: str, runs: int, before: int, after: int) -> None:
    # The state to recover from has all runs under way at once; who recovers has the default.
    system = EngineSystem(url, most_runs=runs)
    there: set[str] = set()
    all_there = asyncio.Event()

    async def at_gate(run_id: str) -> None:
        there.add(run_id)
        if len(there) == runs:
            all_there.set()
        await asyncio.Event().wait()

    watch.at_gate = at_gate
    await system.open()
    await system.start()
    queued = (system.queue(f"r{n}", before, True, after, len(RESULT)) for n in range(runs))
    await asyncio.gather(*queued)
    await all_there.wait()
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    # As the module that the workflow is in, not as __main__.
    from tests.benchmarks import engine

    asyncio.run(engine._wait_in_gate(sys.argv[1], *map(int, sys.argv[2:])))
