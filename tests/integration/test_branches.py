"""Several things at once within a run: gather, race, and what becomes of their branches."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from agentchat.durable.context import Context
from agentchat.durable.workflow import workflow
from agentchat.errors import StepFailed
from agentchat.models import Run, RunStatus, StepStatus
from tests.integration.stage import Stage
from tests.integration.workers import until

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


async def fail(words: str) -> str:
    raise ValueError(words)


def sleeps_on(now: datetime, run: Run) -> bool:
    return run.status == RunStatus.WAITING and run.due_at is not None and run.due_at > now


async def after_a_crash(stage: Stage, run_id: str, by: timedelta = DAY) -> Any:
    """What a run results in whose processes died while it waited."""
    await stage.waiting(run_id)
    await stage.crash()
    stage.clock.advance(by)
    await stage.open()
    return (await stage.ended(run_id)).result


@pytest.mark.parametrize("order", list(itertools.permutations("abc")), ids="".join)
async def test_branches_with_steps_of_one_name_keep_their_keys_in_any_order(
    stage: Stage, order: tuple[str, ...]
) -> None:
    @workflow(name="three")
    async def three(ctx: Context) -> list[list[str]]:
        async def branch(what: str) -> list[str]:
            first = await ctx.step("work", stage.hold, what)
            second = await ctx.step("work", stage.note, f"{what}2")
            return [first, second, await ctx.step("work", stage.note, f"{what}3")]

        found = await ctx.gather(*map(branch, "abc"))
        await ctx.sleep("nap", DAY)
        return [*found, [await ctx.step("work", stage.note, "last")]]

    await stage.open(three)
    run_id = await stage.runs.start(three)
    for what in "abc":
        await stage.inside(what)
    for what in order:
        stage.go_on[what].set()
        await stage.begun(f"{what}3")
    result = await after_a_crash(stage, run_id)
    assert result == [[f"{what}{n}" for n in ("", 2, 3)] for what in "abc"] + [["last"]]
    assert set(stage.did.values()) == {1}
    results = await stage.results(run_id)
    keys = [f"gather[{n}]/work{m}" for n in range(3) for m in ("", "#2", "#3")]
    assert [results[key] for key in keys] == [f"{w}{n}" for w in "abc" for n in ("", 2, 3)]
    assert results["work"] == "last"


async def test_gathers_within_gathers_and_one_after_another_have_keys_of_their_own(
    stage: Stage,
) -> None:
    @workflow(name="nested")
    async def nested(ctx: Context) -> Any:
        def work(what: str) -> Any:
            return ctx.step("work", stage.note, what)

        async def inner(what: str) -> Any:
            pair = await ctx.gather(work(f"{what}1"), work(f"{what}2"))
            return [*pair, *await ctx.gather(work(f"{what}3"))]

        first = await ctx.gather(inner("a"), inner("b"))
        second = await ctx.gather(inner("c"), work("d"))
        assert await ctx.gather() == ()
        await ctx.sleep("nap", DAY)
        return [first, second]

    await stage.open(nested)
    run_id = await stage.runs.start(nested)
    result = await after_a_crash(stage, run_id)
    assert result == [[[f"{w}{n}" for n in (1, 2, 3)] for w in "ab"], [["c1", "c2", "c3"], "d"]]
    assert set(stage.did.values()) == {1}
    results = await stage.results(run_id)
    assert results["gather[1]/gather[0]/work"] == "b1"
    assert results["gather[1]/gather#2[0]/work"] == "b3"
    assert results["gather#2[0]/gather[1]/work"] == "c2"


async def test_a_branch_that_fails_while_another_waits_fails_in_the_end(stage: Stage) -> None:
    """All are let finish: else the way of the run would depend on when it is resumed."""

    @workflow(name="fails")
    async def fails(ctx: Context) -> str:
        async def waits() -> str:
            await ctx.sleep("nap", HOUR)
            return await ctx.step("late", fail, "late")

        try:
            await ctx.gather(waits(), ctx.step("fail", fail, "at once"))
        except StepFailed as error:
            await ctx.step("note", stage.note, str(error))
            await ctx.sleep("nap", DAY)
            return str(error)
        raise AssertionError

    await stage.open(fails)
    run_id = await stage.runs.start(fails)
    assert (await stage.waiting(run_id)).due_at == NOW + HOUR
    assert stage.did == {}
    stage.clock.advance(HOUR)
    await until(stage.database, run_id, lambda run: run.due_at == NOW + HOUR + DAY)
    assert await after_a_crash(stage, run_id) == "late"
    assert stage.did == {"late": 1}


async def test_a_branch_that_cancels_itself_fails_the_gather_and_the_race(stage: Stage) -> None:
    @workflow(name="odd")
    async def odd(ctx: Context, how: str) -> None:
        async def cancelled() -> None:
            raise asyncio.CancelledError

        if how == "gather":
            await ctx.gather(cancelled(), ctx.step("note", stage.note, "a"))
        else:
            await ctx.race("r", ctx.sleep("nap", DAY), cancelled())

    await stage.open(odd)
    for how in ("gather", "race"):
        run = await stage.failed(await stage.runs.start(odd, how))
        assert run.error == "a branch of the workflow cancelled itself"


async def test_the_winner_of_a_race_is_remembered_and_the_others_are_dropped(
    stage: Stage,
) -> None:
    @workflow(name="races")
    async def races(ctx: Context) -> Any:
        async def slow() -> str:
            try:
                await ctx.step("work", stage.hold, "slow")
            finally:
                await ctx.step("undo", stage.note, "not to be begun")
            return await ctx.step("more", stage.note, "more")

        won = await ctx.race(
            "r", slow(), ctx.step("work", stage.hold, "fast"), ctx.sleep("nap", HOUR)
        )
        again = await ctx.step("work", stage.note, "after")
        await ctx.sleep("nap", DAY)
        return [*won, again]

    await stage.open(races)
    run_id = await stage.runs.start(races)
    await stage.inside("slow")
    await stage.inside("fast")
    await until(stage.database, run_id, lambda run: run.step != "")
    await asyncio.sleep(0.15)  # for the slow one to be written down as well
    stage.go_on["fast"].set()
    run = await stage.waiting(run_id)
    assert run.due_at == NOW + DAY
    assert (await stage.step(run_id, "r[0]/work")).status == StepStatus.DROPPED
    stage.go_on["slow"].set()
    assert await after_a_crash(stage, run_id) == [1, "fast", "after"]
    assert stage.did == {"slow": 1, "fast": 1, "after": 1}
    statuses = await stage.statuses(run_id)
    assert statuses.pop("r[0]/work") == StepStatus.DROPPED
    assert statuses.pop("r[2]/nap") == StepStatus.DROPPED
    assert statuses == {"r": "done", "r[1]/work": "done", "work": "done", "nap": "done"}


async def test_steps_after_a_race_are_not_those_of_its_branches(stage: Stage) -> None:
    @workflow(name="races")
    async def races(ctx: Context) -> list[Any]:
        async def branch(what: str, delay: timedelta) -> str:
            first = await ctx.step("work", stage.note, f"{what} first")
            await ctx.sleep("nap", delay)
            return first + await ctx.step("work", stage.note, f"{what} second")

        found: list[Any] = []
        for n in (1, 2):
            won = await ctx.race("r", branch(f"a{n}", HOUR * n), branch(f"b{n}", HOUR * 3 / n))
            found += [*won, await ctx.step("work", stage.note, f"after {n}")]
        return found

    await stage.open(races)
    run_id = await stage.runs.start(races)
    for minutes in (120, 100):
        await until(stage.database, run_id, partial(sleeps_on, stage.clock.now()))
        await stage.crash()
        stage.clock.advance(timedelta(minutes=minutes))
        await stage.open()
    run = await stage.ended(run_id)
    assert run.result == [0, "a1 firsta1 second", "after 1", 1, "b2 firstb2 second", "after 2"]
    assert set(stage.did.values()) == {1}
    assert set(stage.did) == {
        *("a1 first", "a1 second", "b1 first", "after 1"),
        *("a2 first", "b2 first", "b2 second", "after 2"),
    }
    statuses = await stage.statuses(run_id)
    assert (statuses["r[1]/nap"], statuses["r#2[0]/nap"]) == ("dropped", "dropped")


@pytest.mark.parametrize("event_comes", [True, False])
async def test_an_event_and_a_sleep_race_either_way(stage: Stage, event_comes: bool) -> None:
    @workflow(name="asks")
    async def asks(ctx: Context) -> list[Any]:
        won = await ctx.race("r", ctx.wait_for("answer", str), ctx.sleep("nap", HOUR))
        # The loser's wait has taken nothing: this one gets the event.
        late = await ctx.wait_for("answer", str)
        return [*won, late]

    await stage.open(asks)
    run_id = await stage.runs.start(asks)
    assert (await stage.waiting(run_id)).due_at == NOW + HOUR
    if event_comes:
        await stage.runs.send_event(run_id, "answer", "yes")
    else:
        stage.clock.advance(HOUR)
    run = await until(
        stage.database, run_id, lambda run: run.status == RunStatus.WAITING and run.due_at is None
    )
    await stage.runs.send_event(run_id, "answer", "late")
    run = await stage.ended(run_id)
    assert run.result == ([0, "yes", "late"] if event_comes else [1, None, "late"])
    loser = "r[1]/nap" if event_comes else "r[0]/answer"
    assert (await stage.step(run_id, loser)).status == StepStatus.DROPPED


async def test_a_race_raises_the_error_of_its_winner_now_and_when_resumed(stage: Stage) -> None:
    seen: list[str] = []

    @workflow(name="races")
    async def races(ctx: Context) -> str:
        try:
            await ctx.race("r", ctx.wait_for("never", str), ctx.step("fail", fail, "lost it"))
        except StepFailed as error:
            seen.append(str(error))
        await ctx.sleep("nap", DAY)
        return seen[-1]

    await stage.open(races)
    run_id = await stage.runs.start(races)
    assert (await stage.waiting(run_id)).due_at == NOW + DAY
    assert await after_a_crash(stage, run_id) == "lost it"
    assert seen == ["lost it"] * 2


async def test_races_within_a_gather_have_winners_of_their_own(stage: Stage) -> None:
    @workflow(name="both")
    async def both(ctx: Context) -> Any:
        async def branch(what: str) -> Any:
            won = await ctx.race(
                "r", ctx.wait_for(what, str), ctx.step("work", stage.hold, f"work {what}")
            )
            return [*won, await ctx.step("work", stage.note, f"after {what}")]

        found = await ctx.gather(branch("a"), branch("b"))
        await ctx.sleep("nap", DAY)
        return found

    await stage.open(both)
    run_id = await stage.runs.start(both)
    await stage.inside("work a")
    await stage.inside("work b")
    await stage.runs.send_event(run_id, "a", "an event")
    await stage.crash()
    stage.go_on["work b"].set()
    await stage.open()
    result = await after_a_crash(stage, run_id)
    assert result == [[0, "an event", "after a"], [1, "work b", "after b"]]
    results = await stage.results(run_id)
    assert (results["gather[0]/r"], results["gather[1]/r"]) == (0, 1)


async def test_a_race_is_among_two_or_more(stage: Stage) -> None:
    @workflow(name="alone")
    async def alone(ctx: Context) -> None:
        await ctx.race("r", ctx.step("work", stage.note, "a"))

    await stage.open(alone)
    run = await stage.failed(await stage.runs.start(alone))
    assert "race 'r' is among 1" in (run.error or "")


async def test_sleeps_go_on_while_their_run_is_paused_by_another_branch(stage: Stage) -> None:
    @workflow(name="both")
    async def both(ctx: Context) -> None:
        async def branch() -> None:
            await ctx.step("work", stage.hold, "work")
            await ctx.step("more", stage.note, "more")

        await ctx.gather(ctx.sleep("nap", HOUR), branch())

    await stage.open(both)
    run_id = await stage.runs.start(both)
    await stage.inside("work")
    await stage.runs.pause(run_id)
    await asyncio.sleep(0.1)
    stage.go_on["work"].set()
    await stage.paused(run_id)
    stage.clock.advance(HOUR)
    await stage.runs.resume(run_id)
    run = await stage.ended(run_id)
    assert run.finished_at == NOW + HOUR
