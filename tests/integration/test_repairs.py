"""Runs that people repair: paused, resumed, retried; also by two at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agentchat.durable.context import Context
from agentchat.durable.workflow import Workflow, workflow
from agentchat.errors import InvalidInput, NotAllowed, RunNotFound, StepFailed, WrongState
from agentchat.models import Run, RunStatus
from agentchat.store.database import Database
from agentchat.views import Actor
from tests.integration.kinds import WHOLE, carried_on, naps, opened, worked
from tests.integration.stage import Stage
from tests.integration.workers import until
from tests.long import LONG_ON_POSTGRES

pytestmark = LONG_ON_POSTGRES

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
ANN = Actor("ann", "Ann")


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[Database]:
    """The same database, as another process has it."""
    database = Database(database_url)
    database.open()
    yield database
    await database.close()


def two(stage: Stage) -> Workflow[[], str]:
    @workflow(name="two")
    async def two(ctx: Context) -> str:
        await ctx.step("first", stage.hold, "first")
        return await ctx.step("second", stage.note, "second")

    return two


# Pause and resume


async def test_a_queued_run_is_paused_and_resumed(stage: Stage) -> None:
    flow = naps(stage)
    await stage.open(flow)
    run_id = await stage.runs.start(flow.options(delay=timedelta(hours=1)))
    await stage.runs.by(ANN).pause(run_id)
    run = await stage.row(run_id)
    assert (run.status, run.paused_by) == (RunStatus.PAUSED, "Ann")
    stage.clock.advance(timedelta(hours=2))
    assert stage.did == {}
    await stage.runs.resume(run_id)
    run = await stage.waiting(run_id)
    assert (run.paused_by, stage.did) == (None, {"before": 1})


async def test_a_waiting_run_is_paused_and_its_wait_goes_on_meanwhile(stage: Stage) -> None:
    await stage.open(flow := naps(stage))
    run_id = await stage.runs.start(flow)
    await stage.waiting(run_id)
    await stage.runs.pause(run_id)
    stage.clock.advance(2 * DAY)
    assert (await stage.row(run_id)).status == RunStatus.PAUSED
    assert stage.did == {"before": 1}
    await stage.runs.resume(run_id)
    assert (await stage.ended(run_id)).finished_at == NOW + 2 * DAY
    assert stage.did == {"before": 1, "after": 1}


async def test_a_running_run_is_paused_after_its_step(stage: Stage) -> None:
    await stage.open(flow := two(stage))
    run_id = await stage.runs.start(flow)
    await stage.inside("first")
    await stage.runs.by(ANN).pause(run_id)
    run = await stage.row(run_id)
    assert (run.status, run.pausing) == (RunStatus.RUNNING, True)
    await asyncio.sleep(0.1)
    stage.go_on["first"].set()
    run = await stage.paused(run_id)
    assert (run.pausing, run.paused_by, run.worker, run.error) == (False, "Ann", None, None)
    assert stage.did == {"first": 1}
    await stage.runs.resume(run_id)
    assert (await stage.ended(run_id)).result == "second"
    assert stage.did == {"first": 1, "second": 1}


async def test_a_pause_that_is_taken_back_in_time_pauses_nothing(stage: Stage) -> None:
    await stage.open(flow := two(stage))
    run_id = await stage.runs.start(flow)
    await stage.inside("first")
    await stage.runs.pause(run_id)
    await asyncio.sleep(0.1)
    await stage.runs.resume(run_id)
    run = await stage.row(run_id)
    assert (run.pausing, run.paused_by) == (False, None)
    stage.go_on["first"].set()
    assert (await stage.ended(run_id)).result == "second"


async def test_a_pause_outlives_the_worker_that_was_to_heed_it(stage: Stage) -> None:
    await stage.open(flow := two(stage))
    run_id = await stage.runs.start(flow)
    await stage.inside("first")
    await stage.runs.by(ANN).pause(run_id)
    stage.go_on["first"].clear()
    await stage.again()
    run = await stage.paused(run_id)
    assert (run.paused_by, stage.did["second"]) == ("Ann", 0)
    await stage.runs.resume(run_id)
    stage.go_on["first"].set()
    assert (await stage.ended(run_id)).result == "second"


async def test_a_pause_that_comes_while_the_run_begins_to_wait_is_not_lost(
    stage: Stage,
) -> None:
    @workflow(name="naps")
    async def flow(ctx: Context) -> None:
        await ctx.step("first", stage.hold, "first")
        await ctx.sleep("nap", DAY)

    worker = await stage.open(flow)
    run_id = await stage.runs.start(flow)
    await stage.inside("first")
    # Nobody hears of it before the run lets go.
    worker._heed_orders = asyncio.Event().wait  # type: ignore[method-assign, assignment]
    await stage.runs.pause(run_id)
    stage.go_on["first"].set()
    run = await until(stage.database, run_id, lambda run: run.status != RunStatus.RUNNING)
    assert run.status == RunStatus.PAUSED
    assert (await stage.step(run_id, "nap")).wake_at == NOW + DAY


# Retry


@pytest.mark.parametrize("broken", ["one x", "child x", "six b", "last"])
async def test_a_failed_run_goes_on_from_the_step_that_failed(stage: Stage, broken: str) -> None:
    flow, faults = await opened(stage, broken)
    run_id = await stage.runs.start(flow, "x")
    if broken != "one x":
        await carried_on(stage, run_id)
    run = await stage.failed(run_id)
    keys = {"one x": "one", "child x": "child", "six b": "gather[1]/six", "last": "last"}
    assert run.failed_step == keys[broken]
    before = dict(stage.did)
    faults.clear()
    await stage.runs.retry(run_id)
    if broken == "one x":
        await carried_on(stage, run_id)
    run = await stage.ended(run_id)
    assert (run.result, run.error, run.failed_step) == (WHOLE, None, None)
    again = {name for name, times in stage.did.items() if times != before.get(name, times)}
    assert again == {broken}
    # Each way that it came to nothing is still told.
    where = run_id if broken != "child x" else (await stage.child(run_id)).id
    assert [a.error for a in await stage.attempts(where)] == [f"{broken} is broken"]


async def test_a_run_whose_child_was_retried_by_itself_can_be_retried(stage: Stage) -> None:
    run_id, faults = await worked(stage, "child x")
    child = await stage.child(run_id)
    faults.clear()
    await stage.runs.retry(child.id)
    await stage.ended(child.id)
    await stage.runs.retry(run_id)
    assert (await stage.ended(run_id)).result == WHOLE


async def test_all_that_failed_side_by_side_is_retried_at_once(stage: Stage) -> None:
    async def breaks(what: str) -> str:
        await stage.hold(what)
        raise ValueError(what)

    works = False

    async def child(what: str) -> str:
        return await stage.note(what) if works else await breaks(what)

    @workflow(name="beside")
    async def beside(ctx: Context) -> list[str]:
        async def inner(what: str) -> str:
            try:
                await ctx.step("refused", child, f"{what} refused")
            except StepFailed:
                await ctx.step("other", stage.note, f"{what} other")
            return await ctx.step("last", child, what)

        return list(await ctx.gather(inner("a"), inner("b")))

    await stage.open(beside)
    run_id = await stage.runs.start(beside)
    for what in ("a refused", "b refused", "a", "b"):
        stage.go_on[what].set()
    run = await stage.failed(run_id)
    failed = {key for key, status in (await stage.statuses(run_id)).items() if status == "failed"}
    before = dict(stage.did)
    works = True
    await stage.runs.retry(run_id)
    assert (await stage.ended(run_id)).result == ["a", "b"]
    # What the workflow dealt with stays as it was.
    again = {name for name, times in stage.did.items() if times != before.get(name, times)}
    assert again <= {"a", "b"}
    assert run.failed_step in failed


async def test_a_failure_that_the_workflow_made_its_own_is_retried_too(stage: Stage) -> None:
    faults = ["broken"]

    async def work() -> str:
        if faults:
            raise ValueError(faults.pop())
        return "works"

    @workflow(name="wraps")
    async def wraps(ctx: Context) -> str:
        try:
            return await ctx.step("work", work)
        except StepFailed as error:
            raise LookupError("its own words") from error

    await stage.open(wraps)
    run_id = await stage.runs.start(wraps)
    run = await stage.failed(run_id)
    assert (run.error, run.failed_step) == ("its own words", "work")
    await stage.runs.retry(run_id)
    assert (await stage.ended(run_id)).result == "works"


@pytest.mark.parametrize("verb", ["cancel", "kill"])
async def test_a_stopped_run_is_retried_with_the_runs_it_waited_for(
    stage: Stage, verb: str
) -> None:
    @workflow(name="child")
    async def child(ctx: Context) -> str:
        await ctx.step("start", stage.note, "start")
        return await ctx.step("stay", stage.hold, "stay")

    @workflow(name="parent")
    async def parent(ctx: Context) -> Any:
        await ctx.step("own", stage.note, "own")
        return await ctx.gather(ctx.run(child), ctx.sleep("nap", DAY))

    await stage.open(parent, child)
    run_id = await stage.runs.start(parent)
    await stage.inside("stay")
    await stage.waiting(run_id)
    await getattr(stage.runs, verb)(run_id)
    await stage.stopped(run_id)
    await stage.stopped((await stage.child(run_id)).id)
    await stage.idle()
    await stage.runs.retry(run_id)
    await stage.inside("stay")
    stage.go_on["stay"].set()
    await stage.ended((await stage.child(run_id)).id)
    await stage.waiting(run_id)
    stage.clock.advance(DAY)
    run = await stage.ended(run_id)
    assert (run.result, run.stopped_by) == (["stay", None], None)
    assert stage.did == {"own": 1, "start": 1, "stay": 2}


async def test_what_is_not_over_cannot_be_retried(stage: Stage) -> None:
    await stage.open(flow := naps(stage))
    run_id = await stage.runs.start(flow)
    await stage.waiting(run_id)
    with pytest.raises(WrongState, match="waiting; only one that failed or was stopped"):
        await stage.runs.retry(run_id)


# Two at once


async def pressed(stage: Stage, other: Database, verb: str, *args: Any, **kwargs: Any) -> Any:
    """What comes of a verb that two processes do at once."""
    return await asyncio.gather(
        getattr(stage.runs, verb)(*args, **kwargs),
        getattr(stage.verbs(other), verb)(*args, **kwargs),
        return_exceptions=True,
    )


async def one_of(stage: Stage, other: Database, verb: str, run_id: str) -> None:
    outcomes = await pressed(stage, other, verb, run_id)
    assert sorted(type(one).__name__ for one in outcomes) == ["NoneType", "WrongState"]


async def test_of_two_who_press_one_has_the_effect(stage: Stage, other: Database) -> None:
    await stage.open(flow := naps(stage))
    run_id = await stage.runs.start(flow)
    await stage.waiting(run_id)
    await one_of(stage, other, "pause", run_id)
    await one_of(stage, other, "resume", run_id)
    await until(stage.database, run_id, lambda run: waits_again(run, 2))
    assert sorted(await pressed(stage, other, "cancel", run_id)) == [False, True]
    await stage.stopped(run_id)
    await one_of(stage, other, "retry", run_id)
    await until(stage.database, run_id, lambda run: waits_again(run, 4))
    assert sorted(await pressed(stage, other, "kill", run_id)) == [False, True]
    assert stage.did == {"before": 1}


def waits_again(run: Run, attempt: int) -> bool:
    return (run.status, run.attempt) == (RunStatus.WAITING, attempt)


async def test_of_two_forks_and_starts_with_one_id_there_is_one_run(
    stage: Stage, other: Database
) -> None:
    await stage.open(flow := naps(stage))
    run_id = await stage.runs.start(flow)
    await stage.waiting(run_id)
    for verb, args in (("fork", ("nap",)), ("rerun", ())):
        new_id = f"the-new-{verb}"
        made = await pressed(stage, other, verb, run_id, *args, new_id=new_id)
        assert made == [new_id, new_id]
        await stage.waiting(new_id)
    assert stage.did == {"before": 2}
    for n in range(5):
        [first, second] = await pressed(stage, other, "start_once", f"key {n}", flow)
        assert first == second
        await stage.waiting(first)
    assert stage.did == {"before": 7}


async def test_verbs_on_a_run_that_does_not_exist_say_so(stage: Stage) -> None:
    await stage.open(naps(stage))
    for verb in ("cancel", "kill", "pause", "resume", "retry", "rerun", "fork", "get", "result"):
        with pytest.raises(RunNotFound):
            await getattr(stage.runs, verb)("n" * 32)
        with pytest.raises(InvalidInput):
            await getattr(stage.runs, verb)("no id")


async def test_nobody_without_a_name_does_anything(stage: Stage) -> None:
    await stage.open(flow := naps(stage))
    run_id = await stage.runs.start(flow)
    nobody = stage.runs.by(Actor("", ""))
    for verb in ("cancel", "kill", "pause", "resume", "retry", "rerun", "fork", "get", "result"):
        with pytest.raises(NotAllowed):
            await getattr(nobody, verb)(run_id)
    with pytest.raises(NotAllowed):
        await nobody.start(flow)
    assert (await stage.waiting(run_id)).stopped_by is None
