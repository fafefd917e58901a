"""What a type checker must accept, and what it must refuse. Never run: mypy reads it.

Each wrong call is marked with the error that it must be; ``warn_unused_ignores`` makes one that
is accepted an error.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, assert_type

from agentchat.durable.context import Context
from agentchat.durable.event_type import EventType
from agentchat.durable.retry import RetryPolicy
from agentchat.durable.runs import Runs
from agentchat.durable.schedules import Schedules
from agentchat.durable.triggers import Cron, Every
from agentchat.durable.workflow import Workflow, workflow
from agentchat.store.writer import Tx

RATING = EventType("rating", int)


async def shout(word: str, times: int = 1) -> str:
    return word.upper() * times


def add(tx: Tx, word: str, times: int) -> int:
    return len(word) * times


def without_tx(word: str) -> int:
    return len(word)


def not_async(word: str) -> str:
    return word


def text(_: str) -> None:
    """Takes text."""


def number(_: int) -> None:
    """Takes a number."""


@workflow
async def survey(ctx: Context, question: str, most: int = 3) -> list[int]:
    return [most]


@workflow(name="quiet", version="2", events=[RATING], concurrency=1)
async def quiet(ctx: Context) -> None:
    """Nothing."""


assert_type(survey.name, str)


async def steps(ctx: Context) -> None:
    assert_type(await ctx.step("s", shout, "a", 2), str)
    assert_type(await ctx.step("s", shout, "a"), str)
    assert_type(await ctx.step("s", shout, "a", 2, retry=RetryPolicy()), str)
    await ctx.step("s", shout, 1, 2)  # type: ignore[arg-type]
    await ctx.step("s", shout, "a", "b")  # type: ignore[arg-type]
    await ctx.step("s", shout, "a", 2, 3)  # type: ignore[arg-type]
    await ctx.step("s", shout)  # type: ignore[arg-type]
    await ctx.step("s", not_async, "a")  # type: ignore[arg-type]
    await ctx.step("s", shout("a"))  # type: ignore[arg-type]
    await ctx.step(shout, "a", 2)  # type: ignore[arg-type]
    await ctx.step("s", shout, word="a")  # type: ignore[arg-type, call-arg]
    await ctx.step("s", shout, "a", 2, retry=5)  # type: ignore[arg-type]
    number(await ctx.step("s", shout, "a", 2))  # type: ignore[arg-type]
    text((await ctx.step("s", shout, "a", 2)).missing)  # type: ignore[attr-defined]
    ctx.step("s", shout, "a", 2)  # type: ignore[unused-coroutine]


async def transactions(ctx: Context) -> None:
    assert_type(await ctx.transaction("t", add, "a", 2), int)
    assert_type(await ctx.finish("t", add, "a", 2), int)
    await ctx.transaction("t", add, 1, 2)  # type: ignore[arg-type]
    await ctx.transaction("t", add, "a")  # type: ignore[arg-type]
    await ctx.transaction("t", without_tx, "a")  # type: ignore[arg-type]
    await ctx.finish("t", add, "a", "b")  # type: ignore[arg-type]
    text(await ctx.transaction("t", add, "a", 2))  # type: ignore[arg-type]


async def other_runs(ctx: Context) -> None:
    assert_type(await ctx.run(survey, "why?"), list[int])
    assert_type(await ctx.run(survey, "why?", most=2), list[int])
    assert_type(await ctx.run(survey.options(key="k"), "why?"), list[int])
    assert_type(await ctx.start(survey, question="why?"), str)
    await ctx.run(survey, 1)  # type: ignore[arg-type]
    await ctx.run(survey)  # type: ignore[call-arg]
    await ctx.run(survey, "why?", most="many")  # type: ignore[arg-type]
    await ctx.run(survey, "why?", least=1)  # type: ignore[call-arg]
    await ctx.run(survey, "why?", 2, 3)  # type: ignore[call-arg]
    await ctx.run(shout, "a")  # type: ignore[arg-type]
    await ctx.start(survey, 1)  # type: ignore[arg-type]
    await ctx.start(quiet, 1)  # type: ignore[call-arg]
    text(await ctx.run(survey, "why?"))  # type: ignore[arg-type]
    await ctx.run(quiet)
    text(await ctx.run(quiet))  # type: ignore[arg-type]


async def as_a_call(ctx: Context) -> None:
    assert_type(await survey(ctx, "why?"), list[int])
    await survey(ctx, 1)  # type: ignore[arg-type]
    await survey("why?")  # type: ignore[arg-type, call-arg]


async def waits(ctx: Context) -> None:
    assert_type(await ctx.wait_for(RATING), int)
    assert_type(await ctx.wait_for("rating", int, timeout=timedelta(days=1)), int)
    await ctx.wait_for(RATING, str)  # type: ignore[call-overload]
    await ctx.wait_for(RATING, timeout=5)  # type: ignore[call-overload]
    text(await ctx.wait_for(RATING))  # type: ignore[arg-type]
    await ctx.sleep("nap", 5)  # type: ignore[arg-type]
    await ctx.sleep_until("nap", timedelta())  # type: ignore[arg-type]


async def events(ctx: Context, runs: Runs) -> None:
    assert_type(await ctx.send_event("id", RATING, 5), bool)
    assert_type(await runs.send_event("id", RATING, 5, key="k"), bool)
    await runs.send_event("id", "rating")
    await ctx.send_event("id", RATING, "five")  # type: ignore[misc]
    await runs.send_event("id", RATING, "five")  # type: ignore[misc]
    await runs.send_event("id", RATING)  # type: ignore[call-overload]
    RATING.stored("five")  # type: ignore[arg-type]
    assert_type(RATING.loaded("5"), int)


async def at_once(ctx: Context) -> None:
    assert_type(await ctx.gather(ctx.now(), ctx.random()), tuple[datetime, float])
    assert_type(await ctx.gather(ctx.uuid(), ctx.now(), ctx.random()), tuple[str, datetime, float])
    assert_type(await ctx.gather(*[ctx.uuid()]), tuple[str, ...])
    assert_type(await ctx.race("r", ctx.uuid(), ctx.random()), tuple[int, str | float])
    await ctx.gather(ctx.uuid, ctx.now())  # type: ignore[call-overload]
    await ctx.gather("a", "b")  # type: ignore[call-overload]
    await ctx.race(ctx.uuid(), ctx.random())  # type: ignore[call-overload]


async def the_app(runs: Runs) -> None:
    assert_type(await runs.start(survey, "why?"), str)
    assert_type(await runs.start(survey.options(priority=2), "why?", most=1), str)
    assert_type(await runs.start_once("order 7", survey, "why?"), str)
    await runs.start(survey)  # type: ignore[call-arg]
    await runs.start(survey, 1)  # type: ignore[arg-type]
    await runs.start(survey, "why?", least=1)  # type: ignore[call-arg]
    await runs.start(shout, "a")  # type: ignore[arg-type]
    await runs.start_once("order 7", survey)  # type: ignore[call-arg]
    await runs.start_once("order 7", survey, 1)  # type: ignore[arg-type]
    await runs.start_once(survey, "why?")  # type: ignore[arg-type]
    survey.options(prio=1)  # type: ignore[call-arg]
    survey.bind(1)  # type: ignore[arg-type]


async def schedules_of(schedules: Schedules) -> None:
    daily = Every(timedelta(days=1))
    assert_type(await schedules.add("daily", daily, survey, "why?"), str)
    assert_type(await schedules.add("daily", Cron("0 8 * * *"), survey, "why?", most=1), str)
    await schedules.add("daily", daily, survey)  # type: ignore[call-arg]
    await schedules.add("daily", daily, survey, 1)  # type: ignore[arg-type]
    await schedules.add("daily", daily, survey, "why?", least=1)  # type: ignore[call-arg]
    await schedules.add("daily", "0 8 * * *", survey, "why?")  # type: ignore[arg-type]
    await schedules.add("daily", daily, shout, "a")  # type: ignore[arg-type]


# What is no workflow


@workflow  # type: ignore[arg-type]
async def without_context(question: str) -> None:
    """Nothing."""


@workflow  # type: ignore[arg-type]
def is_not_async(ctx: Context) -> int:
    return 1


def anything(one: Workflow[..., Any]) -> str:
    return one.name


anything(survey)
anything(shout)  # type: ignore[arg-type]
