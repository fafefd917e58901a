"""Random workflows, cut off at random: what is remembered is what a plain reading says.

A workflow is a tree of :class:`Do`. A reference reads it without engine or database and says
which journal and which result there must be; the engine carries it out with delays that
shuffle its branches and with crashes that cut it off at random writes. A larger search:
``AGENTCHAT_EXAMPLES=2000 pytest tests/integration/test_model.py``.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import example as with_example
from hypothesis import strategies as st

from agentchat.durable import gate
from agentchat.durable.clock import ManualClock
from agentchat.durable.context import Context
from agentchat.durable.engine import Engine, Execution
from agentchat.durable.event_type import EventType
from agentchat.durable.ledger import Claim, Ledger
from agentchat.durable.start import new_run
from agentchat.durable.workflow import Workflow, workflow
from agentchat.errors import NonRetryable, StepFailed, WaitTimeout
from agentchat.models import ENDED_RUN, REMEMBERED, Run, RunStatus, Step, StepKind, StepStatus
from agentchat.store import claims, events, journal, runs
from agentchat.store.database import Database
from agentchat.store.journal import History
from agentchat.store.runs import Hold
from agentchat.store.writer import Tx
from agentchat.views import Actor
from tests.integration.stage import history_of

EXAMPLES = int(os.environ.get("AGENTCHAT_EXAMPLES", "0"))
LEASE = timedelta(seconds=15)
MOST_CRASHES = 4
PING = EventType("ping", int)
NEVER = EventType("never", int)

What = Literal[
    "step",
    "fail",
    "transaction",
    "undone",
    "sleep",
    "event",
    "late",
    "patched",
    "now",
    "random",
    "uuid",
    "child",
    "bad child",
    "start",
    "send",
    "log",
    "gather",
    "race",
    "try",
]


@dataclass(frozen=True)
class Do:
    """One thing that a workflow does. ``lines`` are what is done within it, one line for each
    branch; ``delay`` is how long its step takes, in turns of the loop.
    """

    what: What
    name: str = ""
    delay: int = 0
    lines: tuple[tuple[Do, ...], ...] = ()


# Trees


NAMES = st.sampled_from(["a", "b", "a/b"])
SIMPLE: list[What] = [
    "step",
    "step",
    "step",
    "transaction",
    "sleep",
    "event",
    "late",
    "patched",
    "now",
    "random",
    "uuid",
    "child",
    "start",
    "send",
    "log",
]
FAILING: list[What] = ["fail", "undone", "bad child"]


def _simple() -> st.SearchStrategy[Do]:
    return st.builds(Do, st.sampled_from(SIMPLE), NAMES, st.integers(0, 6))


def _failing() -> st.SearchStrategy[Do]:
    return st.builds(Do, st.sampled_from(FAILING), NAMES, st.integers(0, 6))


def _broken(of: st.SearchStrategy[Do]) -> st.SearchStrategy[Do]:
    """What fails, alone or in one branch or more of several."""
    line = st.tuples(_line(of), st.one_of(st.just(()), _line(_failing(), 1)))
    lines = st.lists(line.map(lambda t: t[0] + t[1]), min_size=2, max_size=3).map(tuple)
    return st.one_of(
        _failing(),
        st.builds(Do, st.just("gather"), lines=lines),
        st.builds(Do, st.just("race"), NAMES, lines=lines),
    )


def _line(of: st.SearchStrategy[Do], least: int = 0) -> st.SearchStrategy[tuple[Do, ...]]:
    return st.lists(of, min_size=least, max_size=4).map(tuple)


def _deeper(of: st.SearchStrategy[Do]) -> st.SearchStrategy[Do]:
    lines = st.lists(_line(of), min_size=0, max_size=3).map(tuple)
    failing = st.tuples(_line(of), _broken(of), _line(of)).map(lambda t: (*t[0], t[1], *t[2]))
    return st.one_of(
        st.builds(Do, st.just("gather"), lines=lines),
        st.builds(Do, st.just("race"), NAMES, lines=st.tuples(_line(of), _line(of))),
        st.builds(Do, st.just("try"), lines=st.tuples(st.one_of(failing, _line(of)), _line(of))),
    )


TREES = st.tuples(
    _line(st.recursive(_simple(), _deeper, max_leaves=12), 1),
    st.one_of(st.just(()), _line(_broken(_simple()))),
).map(lambda t: t[0] + t[1])
"""A workflow that ends in a result, or in the failure of a step that nobody catches."""


# What the engine is asked to do


@dataclass
class World:
    """What is done outside of the run, and what disturbs it."""

    chance: random.Random
    calls: Counter[str] = field(default_factory=Counter)

    async def turns(self, delay: int) -> None:
        for _ in range(self.chance.randint(0, delay)):
            await asyncio.sleep(0)


@workflow(name="child")
async def child(ctx: Context, n: int, bad: bool) -> int:
    got = await ctx.transaction("double", lambda tx, n: n * 2, n)
    if bad:
        raise NonRetryable("bad child")
    return got + 1


def written(do: tuple[Do, ...], world: World) -> Workflow[[], int]:
    """The workflow that does this."""

    async def line(ctx: Context, things: tuple[Do, ...], value: int) -> int:
        for one in things:
            value = fold(value, await did(ctx, one, value))
        return value

    async def did(ctx: Context, one: Do, value: int) -> Any:
        async def step(n: int) -> int:
            world.calls["step"] += 1
            await world.turns(one.delay)
            return n + 1

        async def fail(n: int) -> int:
            world.calls["step"] += 1
            await world.turns(one.delay)
            raise ValueError(f"bad {n}")

        def change(tx: Tx, n: int) -> int:
            world.calls["step"] += 1
            return n + 2

        def undone(tx: Tx, n: int) -> int:
            world.calls["step"] += 1
            raise ValueError(f"undone {n}")

        match one.what:
            case "step":
                return await ctx.step(one.name, step, value)
            case "fail":
                return await ctx.step(one.name, fail, value)
            case "transaction":
                return await ctx.transaction(one.name, change, value)
            case "undone":
                return await ctx.transaction(one.name, undone, value)
            case "sleep":
                await ctx.sleep(one.name, timedelta(seconds=one.delay))
                return 3
            case "event":
                return await ctx.wait_for(PING)
            case "late":
                try:
                    return await ctx.wait_for(NEVER, timeout=timedelta(seconds=one.delay))
                except WaitTimeout:
                    return 4
            case "patched":
                return 5 if await ctx.patched(one.name) else 6
            case "now":
                return int((await ctx.now()).timestamp())
            case "random":
                return int(1000 * await ctx.random())
            case "uuid":
                return int(await ctx.uuid(), 16) % 1000
            case "child":
                return await ctx.run(child, value, False)
            case "bad child":
                return await ctx.run(child, value, True)
            case "start":
                return len(await ctx.start(child, value, False))
            case "send":
                return int(await ctx.send_event("nobody-there", PING, value))
            case "log":
                ctx.log(f"at {value}", n=value)
                return 0
            case "gather":
                got = await ctx.gather(*(line(ctx, branch, value) for branch in one.lines))
                return total(got)
            case "race":
                winner, won = await ctx.race(
                    one.name, *(line(ctx, branch, value) for branch in one.lines)
                )
                return total((winner, won))
            case "try":
                try:
                    return await line(ctx, one.lines[0], value)
                except StepFailed as error:
                    world.calls["caught"] += 1
                    return await line(ctx, one.lines[1], len(error.step) + len(str(error)))

    @workflow(name="random")
    async def random_workflow(ctx: Context) -> int:
        return await line(ctx, do, 1)

    return random_workflow


def fold(value: int, got: int) -> int:
    return (31 * value + got) % 10_007


def total(values: tuple[int, ...]) -> int:
    result = 7
    for value in values:
        result = fold(result, value)
    return result


# What must come of it


Row = tuple[str, str, int, str, str, Any]
"""Branch, name, occurrence, kind, status and result, of what is remembered."""


class _Bad(Exception):
    def __init__(self, key: str, text: str) -> None:
        super().__init__(text)
        self.key = key


class Reference:
    """Reads a workflow as a person would, one line after the other.

    What cannot be known is taken from the journal that is judged: what ``now``, ``random`` and
    ``uuid`` gave, which event a wait took, and who won a race.
    """

    def __init__(self, given: dict[tuple[str, str, int], Any]) -> None:
        self.rows: set[Row] = set()
        self.logged: list[tuple[str, str]] = []
        self.losers: list[str] = []
        self._given = given
        self._asked: Counter[tuple[str, str]] = Counter()
        self._groups: Counter[tuple[str, str]] = Counter()

    def line(self, here: str, things: tuple[Do, ...], value: int) -> int:
        for one in things:
            value = fold(value, self._do(here, one, value))
        return value

    def _row(self, here: str, name: str, kind: StepKind, result: Any, *, bad: str = "") -> Any:
        number = self._asked[here, name]
        self._asked[here, name] += 1
        if result is ...:
            result = self._given.get((here, name, number), "nothing was remembered")
        status = StepStatus.FAILED if bad else StepStatus.DONE
        self.rows.add((here, name, number, kind, status, repr(result)))
        if bad:
            key = name if number == 0 else f"{name}#{number + 1}"
            raise _Bad(f"{here}/{key}" if here else key, bad)
        return result

    def _do(self, here: str, one: Do, value: int) -> int:
        match one.what:
            case "step":
                return int(self._row(here, one.name, StepKind.STEP, value + 1))
            case "fail":
                return int(self._row(here, one.name, StepKind.STEP, None, bad=f"bad {value}"))
            case "transaction":
                return int(self._row(here, one.name, StepKind.TRANSACTION, value + 2))
            case "undone":
                bad = f"undone {value}"
                return int(self._row(here, one.name, StepKind.TRANSACTION, None, bad=bad))
            case "sleep":
                self._row(here, one.name, StepKind.SLEEP, None)
                return 3
            case "event":
                return int(self._row(here, "ping", StepKind.EVENT, ...)["payload"])
            case "late":
                self._row(here, "never", StepKind.EVENT, None)
                return 4
            case "patched":
                self._row(here, one.name, StepKind.PATCH, True)
                return 5
            case "now":
                now = str(self._row(here, "now", StepKind.TRANSACTION, ...))
                return int(datetime.fromisoformat(now).timestamp())
            case "random":
                return int(1000 * self._row(here, "random", StepKind.TRANSACTION, ...))
            case "uuid":
                return int(self._row(here, "uuid", StepKind.TRANSACTION, ...), 16) % 1000
            case "child":
                return int(self._row(here, "child", StepKind.RUN, value * 2 + 1))
            case "bad child":
                return int(self._row(here, "child", StepKind.RUN, None, bad="bad child"))
            case "start":
                return len(self._row(here, "start child", StepKind.TRANSACTION, ...))
            case "send":
                return int(self._row(here, "send ping", StepKind.TRANSACTION, False))
            case "log":
                self.logged.append((here, f"at {value}"))
                return 0
            case "gather":
                return self._gather(here, one, value)
            case "race":
                return self._race(here, one, value)
            case "try":
                return self._try(here, one, value)

    def _gather(self, here: str, one: Do, value: int) -> int:
        names = self._names(here, "gather", len(one.lines))
        got, errors = [], []
        for name, branch in zip(names, one.lines, strict=True):
            try:
                got.append(self.line(name, branch, value))
            except _Bad as error:
                errors.append(error)
        if errors:
            raise errors[0]
        return total(tuple(got))

    def _race(self, here: str, one: Do, value: int) -> int:
        names = self._names(here, one.name, len(one.lines))
        winner = int(self._row(here, one.name, StepKind.RACE, ...))
        self.losers += [name for index, name in enumerate(names) if index != winner]
        return total((winner, self.line(names[winner], one.lines[winner], value)))

    def _try(self, here: str, one: Do, value: int) -> int:
        try:
            return self.line(here, one.lines[0], value)
        except _Bad as error:
            return self.line(here, one.lines[1], len(error.key) + len(str(error)))

    def _names(self, here: str, name: str, count: int) -> list[str]:
        self._groups[here, name] += 1
        number = self._groups[here, name]
        label = f"{here}/{name}" if here else name
        label = label if number == 1 else f"{label}#{number}"
        return [f"{label}[{index}]" for index in range(count)]

    def lost(self, branch: str) -> bool:
        """Whether this is within a branch that lost a race."""
        return any(branch == loser or branch.startswith(f"{loser}/") for loser in self.losers)


# The engine, cut off at random


class Machine:
    """Claims runs and carries them out, one at a time, and loses its power now and then."""

    def __init__(self, database: Database, clock: ManualClock, world: World) -> None:
        self.database = database
        self.clock = clock
        self.world = world
        self.histories: dict[str, list[History]] = {}
        self._writes = database.write

    async def carry_out(self, run_id: str, *workflows: Workflow[..., Any], crashes: int) -> Run:
        """Until the run has ended, and all others that it started."""
        engine = Engine(self.database, workflows, self.clock)
        for turn in range(400):
            run = await self.database.read(runs.get, run_id)
            assert run is not None
            claimed = await self.database.write(self._claim, f"worker {turn}", engine)
            if not claimed:
                if run.status in ENDED_RUN:
                    return run
                await self._time_goes_by(run_id, turn)
                continue
            for one in claimed:
                history = (await self.database.read(journal.histories, [one.id]))[one.id]
                if one.id == run_id:
                    self.histories.setdefault(run_id, []).append(history)
                claim = Claim(f"worker {turn}", Hold(one.id, one.attempt))
                execution = engine.execution(one, claim, history)
                cut = crashes and self.world.chance.random() < 0.7
                crashes -= await self._execute(execution, cut=bool(cut))
        raise AssertionError("the run never ended")

    def _claim(self, tx: Tx, worker: str, engine: Engine) -> list[Run]:
        now = self.clock.now()
        return claims.claim(
            tx,
            worker,
            workflows=engine.workflows,
            holding=[],
            now=now,
            lease_until=now + LEASE,
            limit=1,
        )

    async def _execute(self, execution: Execution, *, cut: bool) -> int:
        """One execution; cut off it is dead from a random write on, which may be lost."""
        task = asyncio.ensure_future(execution.run())
        if not cut:
            async with asyncio.timeout(20):
                await task
            return 0
        left = self.world.chance.randint(0, 6)
        lost = self.world.chance.random() < 0.5
        write = self.database.write

        async def cutting(unit: Callable[..., Any], *args: Any, **values: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0 and lost:
                await asyncio.Event().wait()
            done = await write(unit, *args, **values)
            if left < 0:
                await asyncio.Event().wait()
            return done

        execution._ledger._database = _Cutting(self.database, cutting)  # type: ignore[assignment]
        async with asyncio.timeout(20):
            while not task.done() and left >= 0:  # noqa: ASYNC110
                await asyncio.sleep(0)
            for _ in range(50):
                await asyncio.sleep(0)
        if task.done():
            await task
            return 0
        task.cancel()
        await asyncio.wait({task}, timeout=10)
        # Its lease lapses; or it was handed back.
        self.clock.advance(LEASE + timedelta(seconds=1))
        return 1

    async def _time_goes_by(self, run_id: str, turn: int) -> None:
        self.clock.advance(timedelta(seconds=2))
        await self.database.write(
            events.send,
            run_id,
            name=PING.name,
            key=f"{turn}",
            payload=turn,
            sent_by="Ann",
            now=self.clock.now(),
        )


class _Cutting:
    def __init__(self, database: Database, write: Callable[..., Awaitable[Any]]) -> None:
        self._database = database
        self.write = write

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    database = Database(url)
    database.open()
    try:
        yield database
    finally:
        await database.close()


async def example(database: Database, run_id: str, do: tuple[Do, ...], seed: int) -> None:
    """Carry one workflow out, and compare."""
    world = World(random.Random(seed))
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    mine = written(do, world)
    machine = Machine(database, clock, world)
    await database.write(runs.add, new_run(run_id, mine, {}, clock.now(), Actor("ann", "Ann")))
    run = await machine.carry_out(
        run_id, mine, child, crashes=world.chance.randint(0, MOST_CRASHES)
    )
    steps = await database.read(journal.load, run_id)
    given = {(s.branch, s.name, s.occurrence): s.result for s in steps}
    reference = Reference(given)
    try:
        result, error = reference.line("", do, 1), None
    except _Bad as bad:
        result, error = None, bad
    if error is None:
        assert (run.status, run.result, run.error) == (RunStatus.DONE, result, None)
    else:
        assert (run.status, run.failed_step) == (RunStatus.FAILED, error.key)
        assert run.error == str(error)
    rows = {
        (s.branch, s.name, s.occurrence, s.kind, s.status, repr(s.result))
        for s in steps
        if not reference.lost(s.branch)
    }
    assert rows == reference.rows
    await logged_once(database, run_id, reference)
    await replayed(run, mine, world, steps)
    for before in [*machine.histories[run_id], *prefixes(steps, world.chance)]:
        assert await gate.broken(run, mine, before) is None


async def logged_once(database: Database, run_id: str, reference: Reference) -> None:
    lines = [(line.branch, line.text) for line in await database.read(journal.logs, run_id)]
    mine = [line for line in lines if not reference.lost(line[0])]
    assert Counter(mine) == Counter(reference.logged)


async def replayed(run: Run, mine: Workflow[[], int], world: World, finished: list[Step]) -> None:
    """A finished journal in any order of its rows is replayed without doing anything."""
    steps = list(finished)
    world.chance.shuffle(steps)
    before = world.calls["step"]
    ledger = _Silent(None, ManualClock(), Claim("x", Hold(run.id, 1)))  # type: ignore[arg-type]
    ctx = Context(run.model_copy(), ledger, history_of(steps), random.Random(0))
    result = error = None
    try:
        result = await mine.function(ctx)
    except StepFailed as failed:
        error = failed
    assert world.calls["step"] == before
    assert result == run.result
    assert (None if error is None else (error.step, str(error))) == (
        None if run.error is None else (run.failed_step, run.error)
    )


class _Silent(Ledger):
    """Refuses every write."""

    def row(self, *args: Any, **values: Any) -> dict[str, Any]:
        raise AssertionError("a row was made")

    async def write(self, *args: Any, **values: Any) -> Any:
        raise AssertionError("something was written")


def prefixes(steps: list[Step], chance: random.Random) -> Iterator[History]:
    """Beginnings of the journal, in the order in which its steps were finished.

    A row is first written when a step begins, if that takes long, so the order of rows is not
    that of ends; for what ended at one time it is.
    """
    finished = [step for step in steps if step.status in REMEMBERED]
    finished.sort(key=lambda step: (step.attempt, step.finished_at))
    ends = set(range(len(finished) + 1))
    for end in sorted(ends if len(ends) < 12 else chance.sample(sorted(ends), 12)):
        yield history_of(finished[:end])


def _search(url: str, examples: int, runner: asyncio.Runner) -> None:
    number = 0

    async def opening() -> tuple[Any, Database]:
        context = opened(url)
        return context, await context.__aenter__()

    context, database = runner.run(opening())

    @settings(
        max_examples=EXAMPLES or examples,
        derandomize=not EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(TREES, st.integers(0, 2**32))
    @with_example((Do("gather", lines=((Do("fail", "a"),), (Do("fail", "b"),))),), 1)
    @with_example((Do("gather", lines=((Do("event"), Do("event")), (Do("event"),))),), 2)
    def search(do: tuple[Do, ...], seed: int) -> None:
        nonlocal number
        number += 1
        runner.run(example(database, f"run-{number:05}", do, seed))

    try:
        search()
    finally:
        runner.run(context.__aexit__(None, None, None))


@pytest.mark.timeout(0 if EXAMPLES else 120)
def test_a_random_workflow_comes_to_the_journal_that_a_plain_reading_says(
    database_url: str, runner: asyncio.Runner
) -> None:
    _search(database_url, 80 if database_url.startswith("sqlite") else 15, runner)
