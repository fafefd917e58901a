"""Durable: workflows without chat or browser, and a clock that is moved by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agentchat import Context, Cron, Durable, ManualClock, RetryPolicy, RunView, workflow
from agentchat.errors import ConfigError, RunNotFound
from agentchat.views import StepView

MONTH = timedelta(days=30)
rang: list[str] = []


@workflow
async def naps(ctx: Context, times: int) -> int:
    for _ in range(times):
        await ctx.sleep("nap", MONTH)
        ctx.log("awake again", slept=MONTH.days)
    return times


async def fails() -> None:
    raise ValueError("no luck")


@workflow
async def tries(ctx: Context) -> None:
    await ctx.step("try", fails, retry=RetryPolicy(attempts=2, first=timedelta(days=1)))


@workflow
async def rings(ctx: Context, what: str) -> None:
    rang.append(what)


async def until(durable: Durable, run_id: str, wanted: Callable[[RunView], bool]) -> RunView:
    async with asyncio.timeout(30):
        async for run in durable.runs.follow(run_id):
            if wanted(run):
                return run
    raise AssertionError("it never was so")


@pytest.mark.usefixtures("only_told")
async def test_months_of_sleep_pass_as_fast_as_the_clock_is_moved(database_url: str) -> None:
    clock = ManualClock()
    async with Durable(database_url, [naps], clock=clock) as durable:
        run_id = await durable.runs.start(naps, 12)
        for _ in range(12):
            due = clock.now() + MONTH
            await until(durable, run_id, lambda run, due=due: run.due_at == due)  # type: ignore[misc]
            clock.advance(MONTH)
        run = await durable.runs.result(run_id)
        assert run.result == 12
        lines = await durable.runs.logs(run_id)
        assert [(line.text, line.fields) for line in lines] == [("awake again", {"slept": 30})] * 12


async def test_a_schedule_rings_when_the_clock_is_moved(database_url: str) -> None:
    rang.clear()
    clock = ManualClock(datetime(2026, 3, 1, tzinfo=UTC))
    async with Durable(database_url, [rings], clock=clock) as durable:
        await durable.schedules.add("mornings", Cron("0 9 * * *"), rings, "good morning")
        for day in range(3):
            clock.advance(timedelta(days=1))
            async with asyncio.timeout(30):
                while len(rang) <= day:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        assert rang == ["good morning"] * 3


async def test_steps_are_shown_with_every_try(database_url: str) -> None:
    clock = ManualClock()
    async with Durable(database_url, [tries], clock=clock) as durable:
        run_id = await durable.runs.start(tries)
        await until(durable, run_id, lambda run: run.status == "waiting")
        clock.advance(timedelta(days=2))
        run = await durable.runs.result(run_id)
        assert (run.status, run.error, run.failed_step) == ("failed", "no luck", "try")
        [step] = await durable.runs.steps(run_id)
        assert isinstance(step, StepView)
        assert (step.key, step.status, step.tries, step.error) == ("try", "failed", 2, "no luck")
        assert [(one.tries, one.error_kind) for one in step.tried] == [(1, "ValueError")]
        for read in (durable.runs.steps, durable.runs.logs):
            with pytest.raises(RunNotFound):
                await read("r" * 32)


async def test_a_database_that_cannot_be_reached_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigError, match="cannot be used"):
        async with Durable(f"sqlite:///{tmp_path}/file/work.db", [naps]):
            pass
