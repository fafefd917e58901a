"""Runs that are cancelled or killed, and what they may still do."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agentchat.durable.context import Context
from agentchat.durable.retry import RetryPolicy
from agentchat.durable.workflow import Workflow, workflow
from agentchat.errors import Cancelled, Overloaded, StepFailed
from agentchat.models import RunStatus, StepStatus
from agentchat.store import ends
from tests.integration.stage import Stage
from tests.integration.workers import is_, until
from tests.waiting import eventually

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def tidies(stage: Stage, cleanup: timedelta = timedelta(seconds=30)) -> Workflow[[str], str]:
    """A workflow that comes to stand in some way, and cleans up when it leaves."""

    @workflow(name="tidies", cleanup=cleanup)
    async def tidies(ctx: Context, how: str) -> str:
        async def busy() -> str:
            stage.did["busy"] += 1
            raise Overloaded("busy")

        slow = RetryPolicy(attempts=2, first=timedelta(hours=1))
        await ctx.step("begin", stage.note, "begin")
        try:
            match how:
                case "sleep":
                    await ctx.sleep("nap", DAY)
                case "event":
                    await ctx.wait_for("never", str)
                case "back-off":
                    await ctx.step("busy", busy, retry=slow)
                case "short back-off":
                    await ctx.step("busy", busy, retry=RetryPolicy(attempts=2))
                case "needs attention":
                    await ctx.step("busy", busy, retry=RetryPolicy(attempts=1, then="pause"))
                case "gather":
                    await ctx.gather(ctx.sleep("nap", DAY), ctx.step("stay", stage.hold, "stay"))
                case "race":
                    await ctx.race("r", ctx.sleep("nap", DAY), ctx.step("stay", stage.hold, "stay"))
                case "swallow":
                    await swallows(ctx)
                case _:
                    await ctx.step("stay", stage.hold, "stay")
        except Exception:
            stage.did["swallowed"] += 1
        except Cancelled:
            await ctx.step("undo", stage.hold, "undo")
            raise
        finally:
            await ctx.step("close", stage.note, "close")
        return await ctx.step("after", stage.note, "after")

    async def swallows(ctx: Context) -> None:
        async def stay() -> None:
            try:
                await stage.hold("stay")
            except asyncio.CancelledError as error:
                raise ValueError("made another error of it") from error

        await ctx.step("stay", stay)

    return tidies


async def at(stage: Stage, how: str, flow: Workflow[[str], Any]) -> str:
    """A run that has come to stand."""
    run_id = await stage.runs.start(flow, how)
    if how in ("step", "gather", "race", "swallow"):
        await stage.inside("stay")
    elif how == "needs attention":
        await stage.paused(run_id)
    elif how == "short back-off":
        await eventually(lambda: stage.clock.sleeping)
    else:
        await stage.waiting(run_id)
    return run_id


WAYS = (
    *("step", "gather", "race", "swallow", "sleep", "event", "back-off", "short back-off"),
    "needs attention",
)


@pytest.mark.parametrize("how", WAYS)
async def test_a_cancelled_run_cleans_up_wherever_it_stands(stage: Stage, how: str) -> None:
    await stage.open(flow := tidies(stage))
    run_id = await at(stage, how, flow)
    assert stage.did["close"] == 0
    assert await stage.runs.cancel(run_id)
    assert not await stage.runs.cancel(run_id)
    await stage.inside("undo")
    run = await stage.row(run_id)
    assert (run.status, run.stop_by) == (RunStatus.STOPPING, NOW + timedelta(seconds=30))
    stage.go_on["undo"].set()
    run = await stage.stopped(run_id)
    assert (run.stopped_by, run.stop_by, run.finished_at) == ("you", None, NOW)
    assert not await stage.runs.cancel(run_id)
    done = {name: stage.did[name] for name in ("undo", "close", "after", "swallowed")}
    assert done == {"undo": 1, "close": 1, "after": 0, "swallowed": 0}
    statuses = await stage.statuses(run_id)
    assert (statuses["undo"], statuses["close"]) == ("done", "done")
    left = set(statuses.values()) - {"done"}
    assert left <= {StepStatus.DROPPED}


async def test_a_run_that_nobody_has_claimed_is_over_at_once(stage: Stage) -> None:
    flow = tidies(stage)
    await stage.open(flow)
    run_id = await stage.runs.start(flow.options(delay=DAY), "step")
    assert await stage.runs.cancel(run_id)
    run = await stage.row(run_id)
    assert (run.status, run.stopped_by, run.attempt) == (RunStatus.STOPPED, "you", 0)
    stage.clock.advance(2 * DAY)
    assert stage.did == {}


@pytest.mark.parametrize("how", ["step", "gather", "sleep"])
async def test_a_clean_up_goes_on_after_a_crash_and_is_remembered(stage: Stage, how: str) -> None:
    @workflow(name="tidies")
    async def flow(ctx: Context, how: str) -> None:
        try:
            match how:
                case "gather":
                    await ctx.gather(branch(ctx, "a"), branch(ctx, "b"))
                case "sleep":
                    await ctx.sleep("nap", DAY)
                case _:
                    await ctx.step("stay", stage.hold, "stay")
        finally:
            await ctx.step("first", stage.note, "first")
            await ctx.transaction("second", lambda tx: None)
            await ctx.step("third", stage.hold, "third")

    async def branch(ctx: Context, what: str) -> None:
        try:
            await ctx.step("stay", stage.hold, "stay")
        finally:
            await ctx.step("undo", stage.note, f"undo {what}")

    await stage.open(flow)
    run_id = await at(stage, how, flow)
    await stage.runs.cancel(run_id)
    await stage.inside("third")
    before = dict(stage.did)
    await stage.again()
    await stage.inside("third")
    assert (await stage.row(run_id)).status == RunStatus.STOPPING
    stage.go_on["third"].set()
    run = await stage.stopped(run_id)
    assert (run.attempt, run.stopped_by) == (3 if how == "sleep" else 2, "you")
    assert stage.did == {**before, "third": 2}
    if how == "gather":
        assert (stage.did["undo a"], stage.did["undo b"]) == (1, 1)


async def test_what_was_cleaned_up_is_cleaned_up_again_after_a_retry(stage: Stage) -> None:
    @workflow(name="tidies")
    async def flow(ctx: Context) -> None:
        try:
            await ctx.step("begin", stage.note, "begin")
            await ctx.step("stay", stage.hold, "stay")
        finally:
            await ctx.step("undo", stage.note, "undo")

    await stage.open(flow)
    run_id = await stage.runs.start(flow)
    for times in (1, 2):
        await stage.inside("stay")
        await stage.runs.cancel(run_id)
        await stage.stopped(run_id)
        assert stage.did == {"begin": 1, "stay": times, "undo": times}
        if times == 1:
            await stage.runs.retry(run_id)
    stage.go_on["stay"].set()
    await stage.ended(await stage.runs.fork(run_id))
    await stage.runs.retry(run_id)
    await stage.ended(run_id)
    assert stage.did == {"begin": 1, "stay": 4, "undo": 4}


@pytest.mark.parametrize("end", ["crash", "hand_back"])
async def test_a_run_that_is_only_let_go_does_not_clean_up(stage: Stage, end: str) -> None:
    await stage.open(flow := tidies(stage))
    run_id = await at(stage, "step", flow)
    await getattr(stage, end)()
    assert stage.did == {"begin": 1, "stay": 1}
    stage.go_on["stay"].set()
    await stage.open()
    assert (await stage.ended(run_id)).result == "after"
    assert stage.did == {"begin": 1, "stay": 2, "close": 1, "after": 1}


async def test_a_killed_run_does_not_clean_up(stage: Stage) -> None:
    await stage.open(flow := tidies(stage))
    run_id = await at(stage, "step", flow)
    assert await stage.runs.kill(run_id)
    assert not await stage.runs.kill(run_id)
    assert not await stage.runs.cancel(run_id)
    assert (await stage.row(run_id)).status == RunStatus.STOPPED
    await stage.idle()
    assert stage.did == {"begin": 1, "stay": 1}


async def test_a_run_that_cleans_up_can_be_killed(stage: Stage) -> None:
    await stage.open(flow := tidies(stage))
    run_id = await at(stage, "step", flow)
    await stage.runs.cancel(run_id)
    await stage.inside("undo")
    assert await stage.runs.kill(run_id)
    await stage.idle()
    assert (await stage.stopped(run_id)).stop_by is None
    assert stage.did["close"] == 0


async def test_a_clean_up_that_takes_too_long_is_ended(stage: Stage) -> None:
    await stage.open(flow := tidies(stage, cleanup=timedelta(minutes=5)))
    run_id = await at(stage, "step", flow)
    await stage.runs.cancel(run_id)
    await stage.inside("undo")
    assert await stage.database.write(ends.overdue, NOW + timedelta(minutes=4, seconds=59)) == []
    assert await stage.database.write(ends.overdue, NOW + timedelta(minutes=5)) == [run_id]
    run = await stage.stopped(run_id)
    assert (run.stopped_by, run.finished_at) == ("you", NOW + timedelta(minutes=5))
    await stage.idle()
    assert stage.did["close"] == 0
    assert await stage.database.write(ends.overdue, NOW + DAY) == []


async def test_a_workflow_that_finishes_all_the_same_is_done(stage: Stage) -> None:
    @workflow(name="insists")
    async def insists(ctx: Context) -> str:
        try:
            await ctx.step("stay", stage.hold, "stay")
        except Cancelled:
            return await ctx.step("save", stage.note, "saved")
        raise AssertionError

    await stage.open(insists)
    run_id = await stage.runs.start(insists)
    await stage.inside("stay")
    await stage.runs.cancel(run_id)
    run = await stage.ended(run_id)
    assert (run.result, run.stop_by) == ("saved", None)


async def test_a_step_that_was_done_before_the_stop_was_heard_is_kept(stage: Stage) -> None:
    """It stops at the next step instead."""

    async def deaf() -> str:
        try:
            return await stage.hold("stay")
        except asyncio.CancelledError:
            return "all the same"

    @workflow(name="deaf")
    async def flow(ctx: Context) -> None:
        stage.did[await ctx.step("stay", deaf)] += 1
        await ctx.step("after", stage.note, "after")

    await stage.open(flow)
    run_id = await stage.runs.start(flow)
    await stage.inside("stay")
    await stage.runs.cancel(run_id)
    await stage.stopped(run_id)
    assert await stage.results(run_id) == {"stay": "all the same"}
    assert stage.did == {"stay": 1, "all the same": 1}


@pytest.mark.parametrize("wait", ["sleep", "event", "child", "race", "back-off", "attention"])
async def test_a_clean_up_does_not_wait(stage: Stage, wait: str) -> None:
    child = tidies(stage)

    async def busy() -> None:
        stage.did["busy"] += 1
        if stage.did["busy"] < 3:
            raise Overloaded("busy")

    @workflow(name="waits")
    async def flow(ctx: Context) -> None:
        slow = RetryPolicy(attempts=3, first=timedelta(minutes=1), longest=timedelta(minutes=1))
        try:
            await ctx.step("stay", stage.hold, "stay")
        finally:
            match wait:
                case "sleep":
                    await ctx.sleep("nap", DAY)
                case "event":
                    await ctx.wait_for("never", str)
                case "child":
                    await ctx.run(child, "step")
                case "race":
                    await ctx.race("r", ctx.sleep("nap", DAY), ctx.wait_for("never", str))
                case "back-off":
                    await ctx.step("busy", busy, retry=slow)
                case _:
                    try:
                        await ctx.step("busy", busy, retry=RetryPolicy(attempts=1, then="pause"))
                    except StepFailed:
                        stage.did["failed"] += 1
            stage.did["went on"] += 1

    await stage.open(flow, child)
    run_id = await stage.runs.start(flow)
    await stage.inside("stay")
    await stage.runs.cancel(run_id)
    if wait == "back-off":
        # It is slept out: nobody would wake a run that is being stopped.
        for times in (1, 2):
            await stage.begun("busy", times)
            await stage.sleeps()
            stage.clock.advance(timedelta(minutes=1))
    run = await stage.stopped(run_id)
    assert (run.attempt, await stage.children(run_id)) == (1, [])
    assert stage.did["went on"] == (wait in ("back-off", "attention"))
    assert (stage.did["busy"], stage.did["failed"]) == {
        "back-off": (3, 0),
        "attention": (1, 1),
    }.get(wait, (0, 0))


async def test_a_stop_is_heard_before_a_step_has_quite_begun(stage: Stage) -> None:
    """A step that is to be done once is written down first: a stop may come meanwhile."""

    @workflow(name="pays")
    async def pays(ctx: Context) -> None:
        await ctx.step("stay", stage.hold, "stay")
        await ctx.step("pay", stage.note, "pay", once=True)

    worker = await stage.open(pays)
    run_id = await stage.runs.start(pays)
    await stage.inside("stay")
    [at_hand] = worker._claims.values()
    write = stage.database.write

    async def write_then_cancel(*args: Any, **kwargs: Any) -> Any:
        value = await write(*args, **kwargs)
        if any(step.name == "pay" for step in await stage.steps(run_id)):
            at_hand.execution.cancel()
        return value

    stage.database.write = write_then_cancel  # type: ignore[method-assign]
    stage.go_on["stay"].set()
    await until(stage.database, run_id, lambda run: run.status != RunStatus.RUNNING)
    stage.database.write = write  # type: ignore[method-assign]
    assert stage.did == {"stay": 1}


async def test_a_paused_run_is_stopped_and_cleans_up(stage: Stage) -> None:
    await stage.open(flow := tidies(stage))
    run_id = await at(stage, "sleep", flow)
    await stage.runs.pause(run_id)
    assert await stage.runs.cancel(run_id)
    stage.go_on["undo"].set()
    await stage.stopped(run_id)
    assert (stage.did["undo"], stage.did["close"]) == (1, 1)


async def test_the_clean_up_of_a_stopping_run_survives_new_code(stage: Stage) -> None:
    """The boot gate knows that a cancelled run does not go on where it was cut off."""

    def version(text: str) -> Workflow[[], None]:
        @workflow(name="changes")
        async def one(ctx: Context) -> None:
            try:
                await ctx.step("stay", stage.hold, "stay")
            finally:
                await ctx.step("first", stage.note, "first")
                await ctx.step("undo", stage.hold, "undo")

        @workflow(name="changes")
        async def other(ctx: Context) -> None:
            try:
                await ctx.step("stay", stage.hold, "stay")
            finally:
                await ctx.step("first", stage.note, "first")
                await ctx.step("undo", stage.hold, "undo")
                await ctx.step("more", stage.note, "more")

        return one if text == "old" else other

    await stage.open(old := version("old"))
    run_id = await stage.runs.start(old)
    await stage.inside("stay")
    await stage.runs.cancel(run_id)
    await stage.inside("undo")
    await stage.crash()
    stage.go_on["undo"].set()
    await stage.open(version("new"))
    await until(stage.database, run_id, is_(RunStatus.STOPPED))
    assert stage.did == {"stay": 1, "first": 1, "undo": 2, "more": 1}
