"""A small app in a process of its own, made to be killed: it carries runs out until it is.

Its actions leave a line in a file, the witness, whenever they begin and end. Starting the
interpreter costs a second, so one warmed-up process, the parent, forks the others: it reads
settings on its input, a JSON object a line, and answers with the process id.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import logging
import os
import signal
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from agentchat.durable import engine, late, worker
from agentchat.durable.app import Durable
from agentchat.durable.context import Context
from agentchat.durable.event_type import EventType
from agentchat.durable.retry import RetryPolicy
from agentchat.durable.triggers import Every
from agentchat.durable.workflow import workflow
from agentchat.errors import StepFailed
from agentchat.store import schema, threads
from agentchat.store.database import Database
from agentchat.store.writer import Tx, Writer

GO = EventType("go", int)
SLOW = 0.16
"""Seconds that a slow action takes: longer than steps that are written once."""
TWICE = RetryPolicy(attempts=3, first=timedelta(milliseconds=20))
AT_ONCE = timedelta(milliseconds=20)
KILLED_WITH_PARENT = 1
WITNESS = "DURABILITY_WITNESS"
ENDED = "ended cleanly"
DIES = "dies"


@dataclass(slots=True)
class Settings:
    """How one process works. Times are in seconds; None leaves the default of the app."""

    url: str
    witness: str
    log: str = os.devnull
    lease: float | None = None
    renew: float | None = None
    look: float | None = None
    late: float | None = None
    crashes: int | None = 1_000_000
    """How often a run may take its process down: here that is what happens all the time."""
    schedule: str | None = None
    """Add a schedule of this name, every second."""
    dies_at: int | None = None
    """Die by itself at this commit, counted from 1: just before it, or just after."""
    dies_after: bool = True
    check: bool = False
    """Look at the schema before, as apps that are given a URL do."""


# What the workflows do


def witness(ctx: Context, what: str) -> None:
    """Tell that a try of a step begins or ends."""
    run_id, _, key = ctx.idempotency_key.partition(":")
    leave(what, f"{run_id} {ctx.hold.attempt} {ctx.tries} {key}")


def leave(what: str, about: str) -> None:
    """Leave a line that outlives the process: one write, at the end of the file."""
    line = f"{time.monotonic_ns()} {os.getpid()} {what} {about}\n"
    file = os.open(os.environ[WITNESS], os.O_APPEND | os.O_CREAT | os.O_WRONLY)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)


def acting(ctx: Context, seconds: float, fail: int = 0) -> Callable[[int], Awaitable[int]]:
    """An action that takes so long, and fails so often before it does not."""

    async def act(value: int) -> int:
        witness(ctx, "begin")
        ctx.log(f"try {ctx.tries}")
        await asyncio.sleep(seconds)
        if ctx.tries <= fail:
            witness(ctx, "fail")
            raise RuntimeError(f"not yet at try {ctx.tries}")
        ctx.spend(input_tokens=1)
        witness(ctx, "end")
        return answer(value)

    return act


def answer(value: int) -> int:
    """What an action gives for a value."""
    return value * 31 % 1009 + 1


def marking(ctx: Context, key: str) -> Callable[[Tx, int], int]:
    """Rows to be counted: two with the same title, each with an id of its own."""

    def mark(tx: Tx, value: int) -> int:
        for _ in range(2):
            threads.create(
                tx,
                uuid.uuid4().hex,
                owner_id=ctx.run_id,
                title=f"{ctx.run_id}:{key}",
                now=datetime.now(UTC),
            )
        return answer(value)

    return mark


def refusing(ctx: Context) -> Callable[[Tx, int], int]:
    """Rows that must not be there, for it ends in an error."""

    def refuse(tx: Tx, value: int) -> int:
        marking(ctx, "refused")(tx, value)
        raise RuntimeError(f"no {value}")

    return refuse


@workflow
async def part(ctx: Context, value: int) -> int:
    """A run that another waits for."""
    ctx.log("part begins")
    value = await ctx.step("work", acting(ctx, 0.03), value)
    return await ctx.transaction("mark", marking(ctx, "mark"), value)


@workflow(events=[GO])
async def whole(ctx: Context, value: int) -> dict[str, Any]:
    """One of everything that a run can come to."""
    ctx.log("begins", value=value)
    moment, chance, name = await ctx.now(), await ctx.random(), await ctx.uuid()
    quick = await ctx.step("quick", acting(ctx, 0), value)
    marked = await ctx.transaction("mark", marking(ctx, "mark"), quick)
    slow = await ctx.step("slow", acting(ctx, SLOW), marked)

    async def several(number: int, seconds: float) -> int:
        ctx.log(f"branch {number}")
        got = await ctx.step("one", acting(ctx, seconds), slow + number)
        got = await ctx.transaction("two", marking(ctx, f"gather[{number}]/two"), got)
        ctx.log(f"branch {number} goes on")
        return await ctx.step("three", acting(ctx, 0.01), got)

    gathered = await ctx.gather(several(0, SLOW), several(1, 0), several(2, 0.04), several(3, SLOW))
    await ctx.sleep("nap", timedelta(milliseconds=60))

    async def runner(number: int, seconds: float) -> int:
        got = await ctx.step("run", acting(ctx, seconds), number)
        return await ctx.transaction("goal", marking(ctx, f"race[{number}]/goal"), got)

    winner, won = await ctx.race("race", runner(0, 0.12), runner(1, 0.13), ctx.run(part, 2))
    stubborn = await ctx.step("stubborn", acting(ctx, 0.01, fail=2), won, retry=TWICE)
    went = await ctx.wait_for(GO)
    child = await ctx.run(part, went)
    again = await ctx.wait_for(GO)
    ctx.log("ends")
    last = await ctx.transaction("last", marking(ctx, "last"), child)
    ctx.log("is refused")
    try:
        await ctx.transaction("refused", refusing(ctx), last)
    except StepFailed as error:
        refused = str(error)
    return {
        "now": moment.isoformat(),
        "random": chance,
        "uuid": name,
        "winner": winner,
        "refused": refused,
        "values": [quick, marked, slow, *gathered, won, stubborn, went, child, again, last],
    }


def right_values(value: int, winner: int, went: int) -> list[int]:
    """What the values of :func:`whole` are when nothing disturbs it."""
    quick = answer(value)
    marked = answer(quick)
    slow = answer(marked)
    gathered = [answer(answer(answer(slow + number))) for number in range(4)]
    won = answer(answer(winner))
    child = answer(answer(went))
    return [quick, marked, slow, *gathered, won, answer(won), went, child, went + 1, answer(child)]


@workflow
async def steps(ctx: Context, value: int) -> int:
    """A few steps, of both kinds."""
    for _ in range(3):
        value = await ctx.step("act", acting(ctx, 0.02), value)
    value = await ctx.transaction("mark", marking(ctx, "mark"), value)
    return await ctx.step("act", acting(ctx, 0), value)


@workflow
async def long(ctx: Context, value: int) -> int:
    """A run whose second step takes a second."""
    value = await ctx.step("first", acting(ctx, 0.01), value)
    value = await ctx.step("middle", acting(ctx, 1), value)
    value = await ctx.transaction("mark", marking(ctx, "mark"), value)
    return await ctx.step("last", acting(ctx, 0), value)


@workflow
async def lingering(ctx: Context, value: int) -> int:
    """A run that stays for a second between its step and its end, and tells who ended it."""
    await ctx.step("first", acting(ctx, 0.01), value)
    await asyncio.sleep(1)
    return ctx.hold.attempt


@workflow
async def deaf(ctx: Context, value: int) -> int:
    """A run whose step does not end when it is told to, the first time."""

    async def act(value: int) -> int:
        witness(ctx, "begin")
        if ctx.hold.attempt == 1:
            try:
                await asyncio.sleep(600)
            except asyncio.CancelledError:
                await asyncio.sleep(600)
        witness(ctx, "end")
        return answer(value)

    return await ctx.step("act", act, value)


@workflow
async def tick(ctx: Context) -> int:
    """What the schedule starts."""
    return await ctx.step("tick", acting(ctx, 0), 0)


WORKFLOWS = (whole, part, steps, long, lingering, deaf, tick)


# The process


async def work(settings: Settings) -> None:
    """Carry runs out until told to end by SIGTERM."""
    ending = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ending.set)
    if settings.check:
        await opened(settings.url, settings, ending)
        return
    database = Database(settings.url)
    database.open()
    try:
        await opened(database, settings, ending)
    finally:
        await database.close()


async def opened(database: Database | str, settings: Settings, ending: asyncio.Event) -> None:
    async with Durable(database, WORKFLOWS) as durable:
        if settings.schedule is not None:
            trigger = Every(timedelta(seconds=1), overlap="allow")
            await durable.schedules.add(settings.schedule, trigger, tick)
        await ending.wait()


def configure(settings: Settings) -> None:
    """Set what an app has no settings for."""
    os.environ[WITNESS] = settings.witness
    if settings.lease is not None:
        worker.LEASE = timedelta(seconds=settings.lease)
    if settings.renew is not None:
        worker.RENEW = timedelta(seconds=settings.renew)
    if settings.look is not None:
        worker.LOOK = timedelta(seconds=settings.look)
    if settings.late is not None:
        late.LATE = settings.late
    if settings.dies_at is not None:
        die_at(settings.dies_at, settings.dies_after)
    if settings.crashes is not None:
        engine.MOST_CRASHES = settings.crashes


def die_at(commit: int, after: bool) -> None:
    """Let the process kill itself at a commit: nobody in it hears that it was made."""
    finish: Any = Writer._finish
    made = 0

    def die() -> None:
        leave(DIES, "- 0 0 -")
        os.kill(os.getpid(), signal.SIGKILL)

    def finish_and_die(writer: Any, connection: Any, units: Any) -> None:
        nonlocal made
        made += 1
        if made == commit and not after:
            die()
        finish(writer, connection, units)
        if made == commit:
            die()

    Writer._finish = finish_and_die  # type: ignore[method-assign, assignment]


def child(settings: Settings) -> None:
    """The life of a forked process."""
    ctypes.CDLL(None).prctl(KILLED_WITH_PARENT, signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(settings.log, os.O_APPEND | os.O_CREAT | os.O_WRONLY)
    for number in (1, 2):
        os.dup2(log, number)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    logging.basicConfig(
        level=logging.INFO, format=f"%(relativeCreated)d {os.getpid()} %(levelname)s %(message)s"
    )
    configure(settings)
    asyncio.run(work(settings))
    logging.info(ENDED)


def warm_up() -> None:
    """Do once what the first run in a process would do: mappers, statements, classes."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/warm.db"
        schema.upgrade(url)
        os.environ[WITNESS] = os.devnull

        async def once() -> None:
            async with Durable(url, WORKFLOWS) as durable:
                await durable.runs.result(await durable.runs.start(steps, 1))

        asyncio.run(once())


def main() -> None:
    """Fork a process for every line of input."""
    warm_up()
    # Who dies is gone at once: a process that is not waited for still has its id.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    sys.stdout.write("warm\n")
    sys.stdout.flush()
    for line in sys.stdin:
        settings = Settings(**json.loads(line))
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                child(settings)
                code = 0
            except BaseException:
                logging.exception("the process failed")
            finally:
                os._exit(code)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def told(settings: Settings) -> str:
    """Settings as a line for the parent."""
    return json.dumps(asdict(settings)) + "\n"


def lines(file: Path) -> list[list[str]]:
    """The fields of each line of the witness."""
    return [line.split(" ") for line in file.read_text().splitlines()] if file.exists() else []


if __name__ == "__main__":
    main()
