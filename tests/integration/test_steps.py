"""Steps that fail: their tries, the waits between them, their time limits."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agentchat.durable.context import Context
from agentchat.durable.retry import RetryPolicy
from agentchat.durable.workflow import Workflow, workflow
from agentchat.errors import NonRetryable, OutcomeUnknown, Overloaded, RateLimited, StepFailed
from agentchat.models import Run, RunStatus, StepStatus
from tests.integration.stage import Stage
from tests.integration.workers import until
from tests.waiting import eventually

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
QUICK = RetryPolicy(attempts=4, first=timedelta())


def tried(tries: int) -> Any:
    return lambda run: run.tries == tries


async def sleeping(stage: Stage) -> None:
    await eventually(lambda: stage.clock.sleeping)


def asks(stage: Stage, policy: RetryPolicy, *faults: Exception) -> Workflow[[], str]:
    """A workflow whose step comes to these errors, and then to an answer."""
    left = list(faults)

    async def ask() -> str:
        stage.did["ask"] += 1
        if left:
            raise left.pop(0)
        return "answer"

    @workflow(name="asks")
    async def asks(ctx: Context) -> str:
        return await ctx.step("ask", ask, retry=policy)

    return asks


async def test_every_try_is_recorded_with_its_worker_its_times_and_its_error(
    stage: Stage,
) -> None:
    flow = asks(stage, RetryPolicy(attempts=3), Overloaded("busy"), ValueError("no \x00 sense"))
    worker = await stage.open(flow)
    run_id = await stage.runs.start(flow)
    await until(stage.database, run_id, tried(2))
    await sleeping(stage)
    stage.clock.advance(SECOND)
    await until(stage.database, run_id, tried(3))
    await sleeping(stage)
    stage.clock.advance(2 * SECOND)
    assert (await stage.ended(run_id)).result == "answer"
    first, second = await stage.attempts(run_id)
    assert (first.error_kind, first.error, first.tries) == ("overloaded", "busy", 1)
    assert (second.error_kind, second.error, second.tries) == ("ValueError", "no  sense", 2)
    assert (first.name, first.occurrence, first.branch, first.attempt) == ("ask", 0, "", 1)
    assert {first.worker, second.worker} == {worker.name}
    assert [(a.started_at, a.finished_at) for a in (first, second)] == [
        (NOW, NOW),
        (NOW + SECOND, NOW + SECOND),
    ]
    step = await stage.step(run_id, "ask")
    assert (step.tries, step.status, step.worker) == (3, StepStatus.DONE, worker.name)
    assert step.started_at == NOW + 3 * SECOND
    assert (await stage.row(run_id)).tries == 0


async def test_an_interrupted_try_is_recorded_and_does_not_count(stage: Stage) -> None:
    faults = [Overloaded("busy"), Overloaded("busy still")]

    async def ask() -> str:
        stage.did["ask"] += 1
        if stage.did["ask"] == 2:
            await stage.hold("stuck")
        if faults:
            raise faults.pop(0)
        return "answer"

    @workflow(name="asks")
    async def asks(ctx: Context) -> str:
        return await ctx.step("ask", ask, retry=RetryPolicy(attempts=3, first=timedelta()))

    worker = await stage.open(asks)
    run_id = await stage.runs.start(asks)
    await sleeping(stage)
    stage.clock.advance(timedelta())
    await stage.inside("stuck")
    await until(stage.database, run_id, lambda run: run.step == "ask")
    first = worker.name
    await stage.again()
    await until(stage.database, run_id, tried(3))
    await sleeping(stage)
    stage.clock.advance(timedelta())
    assert (await stage.ended(run_id)).result == "answer"
    assert await stage.tries(run_id) == [(1, "overloaded"), (2, "interrupted"), (2, "overloaded")]
    assert [a.attempt for a in await stage.attempts(run_id)] == [1, 1, 2]
    assert (await stage.attempts(run_id))[1].worker == first
    assert (await stage.step(run_id, "ask")).tries == 3


async def test_tries_are_counted_over_restarts(stage: Stage) -> None:
    policy = RetryPolicy(attempts=2, first=timedelta(hours=1), longest=timedelta(hours=1))
    flow = asks(stage, policy, *(Overloaded(str(n)) for n in range(9)))
    await stage.open(flow)
    run_id = await stage.runs.start(flow)
    run = await stage.waiting(run_id)
    assert (run.worker, run.tries, stage.clock.sleeping) == (None, 2, 0)
    assert run.due_at is not None
    assert timedelta(minutes=30) <= run.due_at - NOW <= timedelta(hours=1)
    await stage.again()
    assert stage.did["ask"] == 1
    stage.clock.advance(timedelta(hours=1))
    run = await stage.failed(run_id)
    assert (stage.did["ask"], run.error, run.failed_step) == (2, "1", "ask")
    assert await stage.tries(run_id) == [(1, "overloaded")]
    assert (await stage.step(run_id, "ask")).tries == 2


async def test_a_long_wait_that_somebody_cuts_short_is_waited_out(stage: Stage) -> None:
    policy = RetryPolicy(attempts=2, first=timedelta(hours=1))
    flow = asks(stage, policy, RateLimited(retry_after=timedelta(hours=2)))
    await stage.open(flow)
    run_id = await stage.runs.start(flow)
    due_at = (await stage.waiting(run_id)).due_at
    assert due_at == NOW + timedelta(hours=2)
    await stage.runs.pause(run_id)
    await stage.runs.resume(run_id)
    run = await until(
        stage.database, run_id, lambda run: run.status == RunStatus.WAITING and run.attempt == 2
    )
    assert (run.due_at, stage.did["ask"]) == (due_at, 1)


async def test_what_asks_for_too_long_a_wait_is_not_tried_again(stage: Stage) -> None:
    policy = RetryPolicy(attempts=5, longest_retry_after=timedelta(minutes=1))
    flow = asks(stage, policy, RateLimited("later", retry_after=timedelta(hours=2)))
    await stage.open(flow)
    run = await stage.failed(await stage.runs.start(flow))
    assert (run.error_kind, stage.did["ask"]) == ("rate_limited", 1)


@pytest.mark.parametrize("error", [NonRetryable("never"), KeyError("never")])
async def test_some_errors_are_not_tried_again(stage: Stage, error: Exception) -> None:
    policy = RetryPolicy(attempts=5, first=timedelta(), non_retryable=(LookupError,))
    flow = asks(stage, policy, error)
    await stage.open(flow)
    run = await stage.failed(await stage.runs.start(flow))
    assert (run.error_kind, stage.did["ask"]) == (type(error).__name__, 1)


def stays(stage: Stage, policy: RetryPolicy, *, beats: bool = False) -> Workflow[[], str]:
    """A workflow whose step stays at its first try."""

    @workflow(name="stays")
    async def stays(ctx: Context) -> str:
        async def stay() -> str:
            stage.did["stay"] += 1
            if stage.did["stay"] > 1:
                return "later"
            stage.entered["stay"].set()
            for _ in range(3 if beats else 0):
                await stage.clock.sleep(timedelta(seconds=6))
                ctx.heartbeat()
                stage.did["beat"] += 1
            await asyncio.Event().wait()
            raise AssertionError

        return await ctx.step("stay", stay, retry=policy)

    return stays


async def test_a_try_that_takes_too_long_is_cut_off_and_tried_again(stage: Stage) -> None:
    flow = stays(stage, RetryPolicy(attempts=2, first=timedelta(), timeout=timedelta(minutes=1)))
    await stage.open(flow)
    run_id = await stage.runs.start(flow)
    await stage.inside("stay")
    await sleeping(stage)
    stage.clock.advance(timedelta(seconds=59))
    assert stage.did["stay"] == 1
    stage.clock.advance(SECOND)
    run = await until(stage.database, run_id, tried(2))
    assert (run.error_kind, "longer than 0:01:00" in (run.error or "")) == ("timeout", True)
    await sleeping(stage)
    stage.clock.advance(timedelta())
    assert (await stage.ended(run_id)).result == "later"
    assert await stage.tries(run_id) == [(1, "timeout")]


async def test_a_silent_try_is_cut_off_and_one_that_beats_is_not(stage: Stage) -> None:
    flow = stays(stage, RetryPolicy(attempts=1, idle=timedelta(seconds=10)), beats=True)
    await stage.open(flow)
    run_id = await stage.runs.start(flow)
    await stage.inside("stay")
    for beats in (1, 2, 3):
        await eventually(lambda: stage.clock.sleeping == 2)
        stage.clock.advance(timedelta(seconds=6))
        await stage.begun("beat", beats)
    stage.clock.advance(timedelta(seconds=4))
    await sleeping(stage)
    assert (await stage.row(run_id)).status == RunStatus.RUNNING
    stage.clock.advance(timedelta(seconds=6))
    run = await stage.failed(run_id)
    assert (run.error_kind, run.error) == ("timeout", "The step was silent for 0:00:10.")


async def test_the_limits_of_one_step_are_not_those_of_the_next(stage: Stage) -> None:
    """A step that swallows its cutting off leaves no trace behind."""

    async def swallow() -> str:
        try:
            await stage.hold("swallow")
        except asyncio.CancelledError:
            return "all the same"
        raise AssertionError

    @workflow(name="two")
    async def two(ctx: Context) -> list[str]:
        policy = RetryPolicy(attempts=1, timeout=SECOND)
        first = await ctx.step("swallow", swallow, retry=policy)
        try:
            await ctx.step("stay", stage.hold, "stay", retry=policy)
        except StepFailed as error:
            return [first, error.kind]
        return []

    await stage.open(two)
    run_id = await stage.runs.start(two)
    for name in ("swallow", "stay"):
        await stage.inside(name)
        await sleeping(stage)
        stage.clock.advance(SECOND)
    assert (await stage.ended(run_id)).result == ["all the same", "timeout"]


async def test_a_run_pauses_when_no_try_is_left_and_tries_anew_when_resumed(stage: Stage) -> None:
    policy = RetryPolicy(attempts=2, first=timedelta(), then="pause")
    flow = asks(stage, policy, *(Overloaded(f"busy {n}") for n in (1, 2, 3)))
    await stage.open(flow)
    run_id = await stage.runs.start(flow)
    await sleeping(stage)
    stage.clock.advance(timedelta())
    run = await stage.paused(run_id)
    assert (run.error_kind, run.error, run.worker) == ("overloaded", "busy 2", None)
    assert (await stage.step(run_id, "ask")).status == StepStatus.RETRYING
    await stage.runs.resume(run_id)
    await sleeping(stage)
    stage.clock.advance(timedelta())
    run = await stage.ended(run_id)
    assert (run.result, run.error, run.error_kind) == ("answer", None, None)
    assert await stage.tries(run_id) == [(n, "overloaded") for n in (1, 2, 1)]


async def test_a_failure_is_remembered_although_the_step_would_now_succeed(stage: Stage) -> None:
    faults = [ValueError("once")]
    kinds: list[tuple[str, str, str]] = []

    async def ask() -> str:
        stage.did["ask"] += 1
        if faults:
            raise faults.pop()
        return "answer"

    @workflow(name="catches")
    async def catches(ctx: Context) -> str:
        try:
            way = await ctx.step("ask", ask)
        except StepFailed as error:
            kinds.append((error.step, error.kind, str(error)))
            way = await ctx.step("other", stage.note, "other way")
        await ctx.sleep("nap", timedelta(days=1))
        return way

    await stage.open(catches)
    run_id = await stage.runs.start(catches)
    await stage.waiting(run_id)
    await stage.crash()
    stage.clock.advance(timedelta(days=1))
    await stage.open()
    assert (await stage.ended(run_id)).result == "other way"
    assert kinds == [("ask", "ValueError", "once")] * 2
    assert stage.did == {"ask": 1, "other way": 1}


def once(stage: Stage, **policy: Any) -> Workflow[[], str]:
    @workflow(name="pays")
    async def pays(ctx: Context) -> str:
        retry = RetryPolicy(attempts=1, **policy)
        try:
            return await ctx.step("pay", stage.hold, "pay", once=True, retry=retry)
        except OutcomeUnknown as unknown:
            return f"{unknown.step} is {unknown.kind}"

    return pays


@pytest.mark.parametrize("end", ["crash", "hand_back"])
async def test_what_is_done_once_is_not_begun_again_after_an_interruption(
    stage: Stage, end: str
) -> None:
    await stage.open(pays := once(stage))
    run_id = await stage.runs.start(pays)
    await stage.inside("pay")
    assert (await stage.step(run_id, "pay")).status == StepStatus.RUNNING
    await getattr(stage, end)()
    await stage.open()
    assert (await stage.ended(run_id)).result == "pay is outcome_unknown"
    assert (stage.did["pay"], await stage.statuses(run_id)) == (1, {"pay": "failed"})


async def test_what_is_done_once_and_takes_too_long_has_an_unknown_outcome(stage: Stage) -> None:
    await stage.open(pays := once(stage, timeout=SECOND))
    run_id = await stage.runs.start(pays)
    await stage.inside("pay")
    await sleeping(stage)
    stage.clock.advance(SECOND)
    assert (await stage.ended(run_id)).result == "pay is outcome_unknown"


async def test_what_is_done_once_is_not_begun_again_after_a_stop_and_a_retry(
    stage: Stage,
) -> None:
    await stage.open(pays := once(stage))
    run_id = await stage.runs.start(pays)
    await stage.inside("pay")
    assert await stage.runs.cancel(run_id)
    await stage.stopped(run_id)
    await stage.runs.retry(run_id)
    assert (await stage.ended(run_id)).result == "pay is outcome_unknown"
    assert stage.did["pay"] == 1


async def test_what_is_done_once_is_remembered_like_any_step(stage: Stage) -> None:
    await stage.open(pays := once(stage))
    stage.go_on["pay"].set()
    run_id = await stage.runs.start(pays)
    assert (await stage.ended(run_id)).result == "pay"
    assert await stage.statuses(run_id) == {"pay": "done"}


async def test_what_is_done_once_cannot_be_retried(stage: Stage) -> None:
    @workflow(name="pays")
    async def pays(ctx: Context) -> str:
        return await ctx.step("pay", stage.note, "pay", once=True, retry=QUICK)

    await stage.open(pays)
    run = await stage.failed(await stage.runs.start(pays))
    assert "'pay' is to be done once" in (run.error or "")
    assert stage.did == {}


async def test_a_step_that_takes_long_is_seen_while_it_is_under_way(stage: Stage) -> None:
    @workflow(name="long")
    async def long(ctx: Context) -> str:
        return await ctx.step("long", stage.hold, "long")

    worker = await stage.open(long)
    run_id = await stage.runs.start(long)
    await until(stage.database, run_id, lambda run: run.step == "long")
    step = await stage.step(run_id, "long")
    assert (step.status, step.finished_at, step.input) == (StepStatus.RUNNING, None, ["long"])
    assert (step.worker, step.started_at) == (worker.name, NOW)
    stage.go_on["long"].set()
    await stage.ended(run_id)
    assert (await stage.step(run_id, "long")).finished_at == NOW


async def test_a_step_that_cancels_itself_fails(stage: Stage) -> None:
    async def cancelled() -> None:
        raise asyncio.CancelledError

    @workflow(name="odd")
    async def odd(ctx: Context) -> None:
        await ctx.step("odd", cancelled)

    await stage.open(odd)
    run: Run = await stage.failed(await stage.runs.start(odd))
    assert (run.failed_step, run.attempt) == ("odd", 1)


async def test_what_is_done_once_may_come_to_its_end_when_the_process_is_to_end(
    stage: Stage,
) -> None:
    @workflow(name="pays")
    async def pays(ctx: Context) -> str:
        paid = await ctx.step("pay", stage.hold, "pay", once=True)
        return paid + await ctx.step("tell", stage.note, "told")

    await stage.open(pays)
    run_id = await stage.runs.start(pays)
    await stage.inside("pay")
    closing = asyncio.create_task(stage.hand_back())
    await asyncio.sleep(0.05)
    stage.go_on["pay"].set()
    await closing
    await stage.open()
    assert (await stage.ended(run_id)).result == "paytold"
    assert stage.did["pay"] == 1
