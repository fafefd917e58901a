"""Workflows to be repaired: one that naps, and one with steps of all kinds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from agentchat.durable.context import Context
from agentchat.durable.workflow import Workflow, workflow
from agentchat.models import RunStatus
from agentchat.store.writer import Tx
from tests.integration.stage import Stage

DAY = timedelta(days=1)


def naps(stage: Stage) -> Workflow[[], str]:
    @workflow(name="naps")
    async def naps(ctx: Context) -> str:
        await ctx.step("before", stage.note, "before")
        await ctx.sleep("nap", DAY)
        return await ctx.step("after", stage.note, "after")

    return naps


def works(
    stage: Stage, broken: set[str]
) -> tuple[Workflow[[str], list[Any]], Workflow[[str], str]]:
    """A workflow with a step of each kind, and its child; steps of ``broken`` fail."""

    @workflow(name="child")
    async def child(ctx: Context, what: str) -> str:
        await ctx.step("start", stage.note, f"child start {what}")
        return await ctx.step("work", work, f"child {what}")

    async def work(what: str) -> str:
        stage.did[what] += 1
        if what in broken:
            raise ValueError(f"{what} is broken")
        return what

    def write(_tx: Tx, what: str) -> str:
        stage.did["write"] += 1
        return what

    @workflow(name="works")
    async def works(ctx: Context, what: str) -> list[Any]:
        one = await ctx.step("one", work, f"one {what}")
        two = await ctx.transaction("two", write, f"two {one}")
        await ctx.sleep("nap", DAY)
        four = await ctx.wait_for("four", str)
        five = await ctx.run(child, what)
        six = await ctx.gather(ctx.step("six", work, "six a"), ctx.step("six", work, "six b"))
        return [one, two, four, five, *six, await ctx.step("last", work, "last")]

    return works, child


WHOLE = ["one x", "two one x", "4", "child x", "six a", "six b", "last"]


async def opened(stage: Stage, *broken: str) -> tuple[Workflow[[str], list[Any]], set[str]]:
    faults = set(broken)
    flow, child = works(stage, faults)
    await stage.open(flow, child)
    return flow, faults


async def carried_on(stage: Stage, run_id: str) -> None:
    """Let a run have what it waits for."""
    await stage.runs.send_event(run_id, "four", "4")
    await stage.waiting(run_id)
    stage.clock.advance(DAY)


async def worked(stage: Stage, *broken: str) -> tuple[str, set[str]]:
    """A run of all kinds of steps that has ended."""
    flow, faults = await opened(stage, *broken)
    run_id = await stage.runs.start(flow, "x")
    await carried_on(stage, run_id)
    run = await stage.ended(run_id, RunStatus.FAILED if broken else RunStatus.DONE)
    assert broken or run.result == WHOLE
    return run_id, faults
