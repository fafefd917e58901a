"""Runs that start other runs: awaited or not, cancelled with them, told of their end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from agentchat.durable.context import Context
from agentchat.durable.event_type import EventType
from agentchat.durable.workflow import Workflow, workflow
from agentchat.errors import StepFailed
from agentchat.models import ACTIVE_RUN, Run, RunStatus, StepStatus
from tests.integration.stage import Stage
from tests.integration.workers import is_, until

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


class Sum(BaseModel):
    total: int


def holds(stage: Stage, name: str = "holds") -> Workflow[[str], str]:
    @workflow(name=name)
    async def holds(ctx: Context, what: str) -> str:
        return await ctx.step("hold", stage.hold, what)

    return holds


def sums(stage: Stage) -> Workflow[[int], Sum]:
    @workflow(name="sums")
    async def sums(ctx: Context, n: int) -> Sum:
        await ctx.step("note", stage.note, f"sum {n}")
        if n < 0:
            raise ValueError(f"{n} is negative")
        return Sum(total=n + 1)

    return sums


def parent_of(*children: tuple[Workflow[..., Any], Any]) -> Workflow[[], Any]:
    """A workflow that runs others one after another, and tells how that went."""

    @workflow(name="parent")
    async def parent(ctx: Context) -> Any:
        found: list[Any] = []
        for child, argument in children:
            try:
                found.append(await ctx.run(child, argument))
            except StepFailed as error:
                found.append([error.step, error.kind, str(error)])
        return found

    return parent


async def grandchildren(stage: Stage, run_id: str) -> list[Run]:
    """The whole tree below a run, from the top."""
    found = await stage.children(run_id)
    return found + [one for child in found for one in await grandchildren(stage, child.id)]


async def test_a_run_waits_for_another_and_gets_its_typed_result(stage: Stage) -> None:
    child = sums(stage)
    seen: list[Any] = []

    @workflow(name="parent")
    async def parent(ctx: Context) -> int:
        seen.append(await ctx.run(child, 1))
        await ctx.sleep("nap", DAY)
        total: int = seen[-1].total
        return total

    await stage.open(parent, child)
    run_id = await stage.runs.start(parent)
    await until(stage.database, run_id, lambda run: run.due_at == NOW + DAY)
    await stage.crash()
    stage.clock.advance(DAY)
    await stage.open()
    assert (await stage.ended(run_id)).result == 2
    assert seen == [Sum(total=2)] * 2
    assert stage.did == {"sum 1": 1}
    run = await stage.child(run_id)
    assert (run.awaited, run.started_by, run.status) == (True, "you", RunStatus.DONE)
    step = await stage.step(run_id, "sums")
    assert (step.kind, step.child_id, step.input) == ("run", run.id, [{"n": 1}])


async def test_the_failure_of_an_awaited_run_is_that_of_the_step(stage: Stage) -> None:
    child = sums(stage)
    await stage.open(parent := parent_of((child, -1), (child, 1)), child)
    run = await stage.ended(await stage.runs.start(parent))
    assert run.result == [["sums", "ValueError", "-1 is negative"], {"total": 2}]


@pytest.mark.parametrize("verb", ["cancel", "kill"])
async def test_an_awaited_run_that_is_stopped_fails_the_step(stage: Stage, verb: str) -> None:
    child = holds(stage)
    await stage.open(parent := parent_of((child, "a")), child)
    run_id = await stage.runs.start(parent)
    await stage.inside("a")
    await stage.waiting(run_id)
    assert await getattr(stage.runs, verb)((await stage.child(run_id)).id)
    [[step, kind, words]] = (await stage.ended(run_id)).result
    assert (step, kind) == ("holds", "stopped")
    assert words == "It was stopped by you."


async def test_a_run_that_is_only_started_goes_on_by_itself(stage: Stage) -> None:
    child = holds(stage)

    @workflow(name="parent")
    async def parent(ctx: Context) -> str:
        first = await ctx.start(child, "a")
        await ctx.start(child.options(priority=3), "b")
        await ctx.sleep("nap", DAY)
        return first

    await stage.open(parent, child)
    run_id = await stage.runs.start(parent)
    for what in "ab":
        await stage.inside(what)
    await stage.waiting(run_id)
    assert await stage.runs.cancel(run_id)
    await stage.stopped(run_id)
    runs = {run.data["what"]: run for run in await stage.children(run_id)}
    assert [runs[w].status for w in "ab"] == [RunStatus.RUNNING] * 2
    assert (runs["a"].awaited, runs["b"].priority) == (False, 3)
    assert (await stage.results(run_id))["start holds"] == runs["a"].id
    for what in "ab":
        stage.go_on[what].set()
        await stage.ended(runs[what].id)
    assert stage.did == {"a": 1, "b": 1}


@pytest.mark.parametrize("verb", ["cancel", "kill"])
async def test_stopping_a_run_stops_all_that_it_waits_for(stage: Stage, verb: str) -> None:
    child = holds(stage)
    queued = holds(stage, "queued")

    @workflow(name="middle")
    async def middle(ctx: Context) -> None:
        await ctx.gather(ctx.run(child, "deep"), ctx.run(queued.options(delay=DAY), "late"))

    @workflow(name="top")
    async def top(ctx: Context) -> None:
        await ctx.run(middle)

    await stage.open(top, middle, child, queued)
    run_id = await stage.runs.start(top)
    await stage.inside("deep")
    await stage.waiting(run_id)
    [below] = await stage.children(run_id)
    await stage.waiting(below.id)
    assert await getattr(stage.runs, verb)(run_id)
    await stage.stopped(run_id)
    tree = await grandchildren(stage, run_id)
    assert sorted(run.workflow for run in tree) == ["holds", "middle", "queued"]
    for run in tree:
        await stage.stopped(run.id)
    assert stage.did == {"deep": 1}
    for run in tree:
        assert (await stage.row(run.id)).stopped_by == "you"


async def test_the_run_of_a_lost_race_is_cancelled(stage: Stage) -> None:
    child = holds(stage)

    @workflow(name="races")
    async def races(ctx: Context) -> Any:
        won = await ctx.race("r", ctx.run(child, "slow"), ctx.wait_for("go", str))
        await ctx.sleep("nap", DAY)
        return won

    await stage.open(races, child)
    run_id = await stage.runs.start(races)
    await stage.inside("slow")
    await stage.waiting(run_id)
    await stage.runs.send_event(run_id, "go", "now")
    run = await stage.stopped((await stage.child(run_id)).id)
    assert run.stopped_by == f"run {run_id}"
    await until(stage.database, run_id, lambda run: run.due_at == NOW + DAY)
    assert (await stage.step(run_id, "r[0]/holds")).status == StepStatus.DROPPED
    stage.clock.advance(DAY)
    assert (await stage.ended(run_id)).result == [1, "now"]


async def test_a_failure_cancels_the_runs_that_are_still_waited_for(stage: Stage) -> None:
    child = holds(stage)

    @workflow(name="fails")
    async def fails(ctx: Context) -> None:
        async def bad() -> None:
            await ctx.wait_for("go", str)
            raise ValueError("no")

        await ctx.race("r", ctx.run(child, "slow"), bad())

    await stage.open(fails, child)
    run_id = await stage.runs.start(fails)
    await stage.inside("slow")
    await stage.runs.send_event(run_id, "go", "now")
    await stage.failed(run_id)
    await stage.stopped((await stage.child(run_id)).id)


async def test_a_parent_that_dies_while_its_child_runs_finds_it_again(stage: Stage) -> None:
    child = holds(stage)

    @workflow(name="parent")
    async def parent(ctx: Context) -> Any:
        return await ctx.gather(ctx.run(child, "child"), ctx.step("own", stage.hold, "own"))

    await stage.open(parent, child)
    run_id = await stage.runs.start(parent)
    for what in ("child", "own"):
        await stage.inside(what)
    await stage.crash()
    stage.go_on["child"].set()
    stage.go_on["own"].set()
    await stage.open()
    assert (await stage.ended(run_id)).result == ["child", "own"]
    assert stage.did == {"child": 2, "own": 2}
    assert len(await stage.children(run_id)) == 1


async def test_a_child_may_end_before_its_parent_has_let_go(stage: Stage) -> None:
    child = sums(stage)

    @workflow(name="parent")
    async def parent(ctx: Context) -> Any:
        return await ctx.gather(ctx.run(child, 1), ctx.step("own", stage.hold, "own"))

    await stage.open(parent, child)
    run_id = await stage.runs.start(parent)
    await stage.inside("own")
    await stage.begun("sum 1")
    await stage.ended((await stage.child(run_id)).id)
    stage.go_on["own"].set()
    assert (await stage.ended(run_id)).result == [{"total": 2}, "own"]


async def test_children_of_one_place_are_told_apart(stage: Stage) -> None:
    child = sums(stage)

    @workflow(name="parent")
    async def parent(ctx: Context) -> Any:
        async def two(n: int) -> list[int]:
            return [(await ctx.run(child, n + m)).total for m in (0, 1)]

        return await ctx.gather(two(10), two(20))

    await stage.open(parent, child)
    run_id = await stage.runs.start(parent)
    assert (await stage.ended(run_id)).result == [[11, 12], [21, 22]]
    assert len(await stage.children(run_id)) == 4


async def test_a_child_with_the_key_of_its_parent_is_refused(stage: Stage) -> None:
    child = holds(stage)
    await stage.open(parent := parent_of((child.options(key="k"), "a")), child)
    run = await stage.failed(await stage.runs.start(parent.options(key="k")))
    assert "would wait for ever" in (run.error or "")
    assert stage.did == {}


@pytest.mark.parametrize("verb", ["run", "start"])
async def test_a_workflow_that_the_app_does_not_know_is_not_started(
    stage: Stage, verb: str
) -> None:
    stranger = holds(stage, "stranger")

    @workflow(name="parent")
    async def parent(ctx: Context) -> None:
        await getattr(ctx, verb)(stranger, "a")

    await stage.open(parent)
    run_id = await stage.runs.start(parent)
    run = await stage.failed(run_id)
    assert "'stranger' is not one of this app" in (run.error or "")
    assert await stage.children(run_id) == []


async def test_an_event_from_run_to_run_is_sent_once_also_after_a_crash(stage: Stage) -> None:
    news = EventType("news", int)

    @workflow(name="hears", events=[news])
    async def hears(ctx: Context) -> list[int]:
        return [await ctx.wait_for(news) for _ in range(3)]

    @workflow(name="tells")
    async def tells(ctx: Context, whom: str) -> list[bool]:
        sent = [await ctx.send_event(whom, news, n) for n in (1, 2)]
        await ctx.step("hold", stage.hold, "hold")
        return [*sent, await ctx.send_event(whom, "news", 3), await ctx.send_event(whom, news, 4)]

    await stage.open(hears, tells)
    heard = await stage.runs.start(hears)
    run_id = await stage.runs.start(tells, heard)
    await stage.inside("hold")
    await stage.crash()
    stage.go_on["hold"].set()
    await stage.open()
    assert (await stage.ended(heard)).result == [1, 2, 3]
    assert (await stage.ended(run_id)).result[:3] == [True, True, True]
    senders = {event.sent_by for event in await stage.events(heard)}
    assert senders == {f"run {run_id}"}
    assert [e.payload for e in await stage.events(heard)][:3] == [1, 2, 3]


async def test_an_event_to_a_run_that_is_over_comes_too_late(stage: Stage) -> None:
    @workflow(name="tells")
    async def tells(ctx: Context, whom: str) -> bool:
        return await ctx.send_event(whom, "news", "old")

    await stage.open(tells)
    run_id = await stage.runs.start(tells, "n" * 32)
    assert (await stage.ended(run_id)).result is False
    again = await stage.runs.start(tells, run_id)
    assert (await stage.ended(again)).result is False


async def test_no_run_is_left_over_when_many_wait_for_many(stage: Stage) -> None:
    child = sums(stage)

    @workflow(name="middle")
    async def middle(ctx: Context, n: int) -> int:
        found = await ctx.gather(*(ctx.run(child, n * 10 + m) for m in range(3)))
        return sum(one.total for one in found)

    @workflow(name="top")
    async def top(ctx: Context) -> int:
        return sum(await ctx.gather(*(ctx.run(middle, n) for n in range(3))))

    await stage.open(top, middle, child)
    await stage.open()
    run_id = await stage.runs.start(top)
    run = await stage.ended(run_id)
    assert run.result == sum(n * 10 + m + 1 for n in range(3) for m in range(3))
    assert not [one for one in await grandchildren(stage, run_id) if one.status in ACTIVE_RUN]
    assert set(stage.did.values()) == {1}


async def test_a_child_that_waits_wakes_its_parent_much_later(stage: Stage) -> None:
    @workflow(name="naps")
    async def naps(ctx: Context, what: str) -> str:
        await ctx.sleep("nap", DAY)
        return what

    await stage.open(parent := parent_of((naps, "a")), naps)
    run_id = await stage.runs.start(parent)
    await stage.waiting(run_id)
    assert (await stage.row(run_id)).due_at is None
    child = await stage.child(run_id)
    await until(stage.database, child.id, is_(RunStatus.WAITING))
    await stage.crash()
    stage.clock.advance(DAY)
    await stage.open()
    assert (await stage.ended(run_id)).result == ["a"]
