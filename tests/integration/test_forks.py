"""Runs begun anew from others: from the beginning, or from one of their steps."""

from __future__ import annotations

from typing import Any

import pytest

from agentchat.durable.context import Context
from agentchat.durable.workflow import workflow
from agentchat.errors import InvalidInput
from agentchat.models import RunStatus, StepStatus
from agentchat.store import journal
from agentchat.views import Actor
from tests.integration.kinds import DAY, WHOLE, carried_on, naps, worked
from tests.integration.stage import Stage

ANN = Actor("ann", "Ann")


async def test_a_run_is_run_again_with_the_same_or_other_arguments(stage: Stage) -> None:
    run_id, _ = await worked(stage)
    again = await stage.runs.rerun(run_id)
    other = await stage.runs.by(ANN).rerun(run_id, {"what": "y"})
    for new in (again, other):
        await carried_on(stage, new)
    assert (await stage.ended(again)).result == WHOLE
    run = await stage.ended(other)
    assert run.result == [w.replace("x", "y") if "six" not in w else w for w in WHOLE]
    assert (run.origin_id, run.origin_step, run.started_by) == (run_id, None, "Ann")
    assert (stage.did["one x"], stage.did["one y"]) == (2, 1)
    with pytest.raises(InvalidInput, match="'what'"):
        await stage.runs.rerun(run_id, {"what": 5})
    with pytest.raises(TypeError):
        await stage.runs.rerun(run_id, {"whom": "y"})


# Fork

STEPS = ("one", "two", "nap", "four", "child", "gather[0]/six", "gather[1]/six", "last")


@pytest.mark.parametrize("step", STEPS)
async def test_a_fork_does_again_what_comes_from_its_step_on(stage: Stage, step: str) -> None:
    run_id, _ = await worked(stage)
    before = dict(stage.did)
    new = await stage.runs.fork(run_id, step)
    place = STEPS.index(step)
    if place < 4:
        await stage.runs.send_event(new, "four", "4")
    if place < 3:
        await stage.waiting(new)
        stage.clock.advance(DAY)
    run = await stage.ended(new)
    assert (run.result, run.origin_id, run.origin_step) == (WHOLE, run_id, step)
    names = {"one": "one x", "two": "write", "child": "child x", "last": "last"}
    names |= {"gather[0]/six": "six a", "gather[1]/six": "six b"}
    expected = {names[one]: 1 for one in STEPS[place:] if one in names}
    assert {n: stage.did[n] - before[n] for n in names.values()} == {
        name: expected.get(name, 0) for name in names.values()
    }
    # The run that it came from is as it was.
    assert (await stage.row(run_id)).result == WHOLE


@pytest.mark.parametrize(
    ("step", "result", "expected"),
    [
        ("one", "1", ["1", "two 1", "4", "child x", "six a", "six b", "last"]),
        ("two", "2", ["one x", "2", "4", "child x", "six a", "six b", "last"]),
        ("nap", None, WHOLE),
        ("four", "IV", ["one x", "two one x", "IV", "child x", "six a", "six b", "last"]),
        ("child", "5", ["one x", "two one x", "4", "5", "six a", "six b", "last"]),
        ("gather[1]/six", "6", ["one x", "two one x", "4", "child x", "six a", "6", "last"]),
        ("last", "7", [*WHOLE[:-1], "7"]),
    ],
)
async def test_a_fork_may_have_another_result_of_its_step(
    stage: Stage, step: str, result: Any, expected: list[Any]
) -> None:
    run_id, _ = await worked(stage)
    new = await stage.runs.fork(run_id, step, result=result)
    if STEPS.index(step) < 3:
        await stage.runs.send_event(new, "four", "4")
    if STEPS.index(step) < 2:
        await stage.waiting(new)
        stage.clock.advance(DAY)
    assert (await stage.ended(new)).result == expected


@pytest.mark.parametrize(("step", "result"), [("one", "one 2"), ("two", "2")])
async def test_a_fork_may_have_other_arguments_for_its_step(
    stage: Stage, step: str, result: str
) -> None:
    run_id, _ = await worked(stage)
    new = await stage.runs.fork(run_id, step, input=[result])
    await carried_on(stage, new)
    run = await stage.ended(new)
    assert run.result[STEPS.index(step)] == result
    edited = await stage.step(new, step)
    assert (edited.input, edited.status) == ([result], StepStatus.DONE)


async def test_a_fork_with_other_arguments_and_another_result_goes_on(stage: Stage) -> None:
    run_id, _ = await worked(stage)
    new = await stage.runs.fork(run_id, "one", result="1", data={"what": "y"})
    await carried_on(stage, new)
    assert (await stage.ended(new)).result[:4] == ["1", "two 1", "4", "child y"]


async def test_arguments_for_a_step_that_takes_any_number_are_all_given(stage: Stage) -> None:
    async def join(*words: str) -> str:
        return " ".join(words)

    @workflow(name="joins")
    async def joins(ctx: Context) -> str:
        return await ctx.step("join", join, "a")

    await stage.open(joins)
    run_id = await stage.runs.start(joins)
    assert (await stage.ended(run_id)).result == "a"
    new = await stage.runs.fork(run_id, "join", input=["b", "c"])
    assert (await stage.ended(new)).result == "b c"


async def test_a_fork_without_a_step_goes_on_where_the_run_is(stage: Stage) -> None:
    await stage.open(flow := naps(stage))
    run_id = await stage.runs.start(flow)
    await stage.waiting(run_id)
    new = await stage.runs.fork(run_id)
    await stage.waiting(new)
    assert stage.did == {"before": 1}
    stage.clock.advance(DAY)
    for one in (run_id, new):
        await stage.ended(one)
    assert stage.did == {"before": 1, "after": 2}


async def test_a_fork_of_a_failed_run_tries_its_failed_step(stage: Stage) -> None:
    run_id, faults = await worked(stage, "last")
    faults.clear()
    new = await stage.runs.fork(run_id)
    assert (await stage.ended(new)).result == WHOLE
    assert (await stage.row(run_id)).status == RunStatus.FAILED
    assert stage.did["six b"] == 1


async def test_what_cannot_be_forked_is_refused_with_words(stage: Stage) -> None:
    run_id, _ = await worked(stage)
    fork = stage.runs.fork
    with pytest.raises(InvalidInput, match=r"no step 'three'; it has 'one', 'two', 'nap'"):
        await fork(run_id, "three")
    with pytest.raises(InvalidInput, match="'nap' is a sleep: it has no input"):
        await fork(run_id, "nap", input=[1])
    with pytest.raises(InvalidInput, match="Name the step"):
        await fork(run_id, result=1)
    with pytest.raises(InvalidInput, match="needs no input"):
        await fork(run_id, "one", result=1, input=[1])
    with pytest.raises(InvalidInput, match="result of step 'one' cannot be stored"):
        await fork(run_id, "one", result=object())
    assert len(await stage.database.read(journal.load, run_id)) == 8
