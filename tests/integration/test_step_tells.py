"""What steps tell while they are at it: tokens, lines of the log; and the key they are given."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from agentchat.durable.context import Context
from agentchat.durable.retry import RetryPolicy
from agentchat.durable.workflow import workflow
from agentchat.errors import Overloaded
from agentchat.models import StepStatus
from agentchat.store.writer import Tx
from tests.integration.stage import Stage

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
AGAIN = RetryPolicy(attempts=5, first=timedelta())


async def test_tokens_of_all_tries_are_counted_for_the_step_and_the_run(stage: Stage) -> None:
    @workflow(name="spends")
    async def spends(ctx: Context) -> str:
        async def spend(cost: float | None) -> str:
            stage.did["try"] += 1
            ctx.spend(input_tokens=10, output_tokens=1, cost_usd=cost)
            ctx.spend(input_tokens=1, estimated=ctx.tries == 2)
            if ctx.tries < 3:
                retry_after = timedelta(hours=1) if ctx.tries == 2 else timedelta()
                error = Overloaded("busy", retry_after=retry_after)
                raise error
            return "answer"

        await ctx.step("spend", spend, 0.5, retry=AGAIN)
        return await ctx.step("spend", spend, None, retry=AGAIN)

    await stage.open(spends)
    run_id = await stage.runs.start(spends)
    for times in (1, 2):
        await stage.sleeps()
        stage.clock.advance(timedelta())
        await stage.waiting(run_id)
        if times == 1:
            await stage.crash()
            await stage.open()
        stage.clock.advance(timedelta(hours=1))
    run = await stage.ended(run_id)
    assert (run.input_tokens, run.output_tokens, run.cost_usd) == (66, 6, 1.5)
    assert run.tokens_estimated
    for key, cost in (("spend", 1.5), ("spend#2", None)):
        step = await stage.step(run_id, key)
        assert (step.input_tokens, step.output_tokens, step.cost_usd) == (33, 3, cost)


async def test_tokens_of_a_step_that_fails_or_is_cut_off_are_counted(stage: Stage) -> None:
    @workflow(name="spends")
    async def spends(ctx: Context, how: str) -> None:
        async def spend() -> None:
            ctx.spend(input_tokens=5)
            if how == "fails":
                raise ValueError(how)
            await stage.hold("spend")

        await ctx.step("spend", spend)

    await stage.open(spends)
    failed, cut = [await stage.runs.start(spends, how) for how in ("fails", "is cut")]
    await stage.inside("spend")
    await stage.runs.cancel(cut)
    assert (await stage.failed(failed)).input_tokens == 5
    assert (await stage.stopped(cut)).input_tokens == 5
    step = await stage.step(cut, "spend")
    assert (step.status, step.input_tokens) == (StepStatus.DROPPED, 5)


async def test_lines_are_logged_once_in_spite_of_replays_and_crashes(stage: Stage) -> None:
    @workflow(name="logs")
    async def logs(ctx: Context) -> None:
        async def busy(what: str) -> str:
            ctx.log(f"in {what}, try {ctx.tries}", level="debug", of=what)
            if what == "second" and ctx.tries == 1:
                raise Overloaded
            return await stage.hold(what)

        ctx.log("one \x00", level="warning", n=1)
        ctx.log("two")
        try:
            await ctx.step("first", busy, "first")
            ctx.log("three")
            await ctx.sleep("nap", DAY)
            ctx.log("awake")
        finally:
            ctx.log("four")
        await ctx.step("second", busy, "second", retry=AGAIN)
        await ctx.gather(ctx.step("a", busy, "a"), inner(ctx))
        ctx.log("six")

    async def inner(ctx: Context) -> None:
        ctx.log("five")
        await ctx.step("b", stage.note, "b")

    await stage.open(logs)
    stage.go_on.update((what, _set()) for what in ("second", "a"))
    run_id = await stage.runs.start(logs)
    await stage.inside("first")
    await stage.again()
    await stage.inside("first")
    stage.go_on["first"].set()
    await stage.waiting(run_id)
    stage.clock.advance(DAY)
    await stage.sleeps()
    stage.clock.advance(timedelta())
    await stage.ended(run_id)
    lines = await stage.logs(run_id)
    between = [line for line in lines if not line.step]
    texts = [line.text for line in between]
    assert texts == ["one ", "two", "three", "awake", "four", "five", "six"]
    assert (between[0].level, between[0].fields) == ("warning", {"n": 1})
    inside = [(line.step, line.text) for line in lines if line.step]
    assert inside == [
        ("first", "in first, try 1"),
        ("second", "in second, try 1"),
        ("second", "in second, try 2"),
        ("gather[0]/a", "in a, try 1"),
    ]
    assert lines[-1].text == "six"


def _set() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


async def test_a_line_before_a_transaction_that_fails_is_not_lost(stage: Stage) -> None:
    def fail(_tx: Tx) -> None:
        raise ValueError("no")

    @workflow(name="logs")
    async def logs(ctx: Context) -> None:
        ctx.log("before")
        await ctx.transaction("fail", fail)

    await stage.open(logs)
    run_id = await stage.runs.start(logs)
    await stage.failed(run_id)
    assert await stage.lines(run_id) == ["before"]


async def test_an_idempotency_key_is_the_same_in_every_try_and_no_other_step(
    stage: Stage,
) -> None:
    keys: dict[str, set[str]] = {}

    @workflow(name="keys")
    async def keyed(ctx: Context) -> None:
        async def key(what: str) -> None:
            keys.setdefault(what, set()).add(ctx.idempotency_key)
            stage.did[what] += 1
            if ctx.tries == 1:
                raise Overloaded(what)
            if stage.did[what] == 2:
                await stage.hold(what)

        await ctx.step("key", key, "first", retry=AGAIN)
        await ctx.step("key", key, "second", retry=AGAIN)
        await ctx.gather(
            ctx.step("key", key, "third", retry=AGAIN),
            ctx.step("key", key, "fourth", retry=AGAIN),
        )

    await stage.open(keyed)
    run_id = await stage.runs.start(keyed)
    for names in (("first",), ("second",), ("third", "fourth")):
        await stage.sleeps(len(names))
        stage.clock.advance(timedelta())
        for name in names:
            await stage.inside(name)
        await stage.again()
    await stage.ended(run_id)
    assert [len(seen) for seen in keys.values()] == [1, 1, 1, 1]
    assert len(set().union(*keys.values())) == 4
    assert keys["second"] == {f"{run_id}:key#2"}
    assert keys["fourth"] == {f"{run_id}:gather[1]/key"}
