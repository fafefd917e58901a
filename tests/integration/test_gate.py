"""The boot gate: runs under way meet other code, and are held before they are broken."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select
from sqlmodel import Session, SQLModel

from agentchat.durable import boot, gate
from agentchat.durable.app import Durable
from agentchat.durable.boot import Look
from agentchat.durable.clock import ManualClock
from agentchat.durable.context import Context
from agentchat.durable.event_type import EventType
from agentchat.durable.journal import hash_of
from agentchat.durable.results import arguments_of, result_of
from agentchat.durable.runs import Runs
from agentchat.durable.start import new_run
from agentchat.durable.workflow import Workflow, workflow
from agentchat.errors import Cancelled, ConfigError, Overloaded
from agentchat.models import Run, RunStatus, Step, StepKind, StepStatus
from agentchat.store import journal, repairs, runs
from agentchat.store.database import Database
from agentchat.store.writer import Tx
from agentchat.views import Actor
from tests.integration.stage import history_of
from tests.integration.workers import Workers, is_, until

ANN = Actor("ann", "Ann")

only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
MINUTE = timedelta(minutes=1)
GO = EventType("go", object)
NEVER = EventType("never", object)
DID: Counter[str] = Counter()


@pytest.fixture(autouse=True)
def did() -> Counter[str]:
    DID.clear()
    return DID


async def say(word: str) -> str:
    DID[word] += 1
    return word


async def fail(word: str) -> str:
    DID[word] += 1
    raise Overloaded(word)


def note(tx: Tx, word: str) -> str:
    DID[word] += 1
    return word


def flow(
    function: Callable[[Context], Awaitable[Any]], version: str = "1", name: str = "w"
) -> Workflow[[], Any]:
    return workflow(name=name, version=version)(function)


class Begun:
    """A run that old code has carried on until it waits, or ends."""

    def __init__(self, run: Run, steps: list[Step]) -> None:
        self.run = run
        self.steps = steps

    @property
    def keys(self) -> list[str]:
        return [step.key for step in self.steps]

    async def fits(self, new: Workflow[..., Any], *, steps: list[Step] | None = None) -> str:
        """Why the new code does not fit, or nothing; after a look that nothing was done."""
        before = DID.copy()
        history = history_of(self.steps if steps is None else steps)
        async with asyncio.timeout(20):
            reason = await gate.broken(self.run, new, history)
        assert before == DID
        return reason or ""

    def cut(self, *keys: str) -> list[Step]:
        """Its journal without these."""
        assert set(keys) <= set(self.keys)
        return [step for step in self.steps if step.key not in keys]


async def begin(
    workers: Workers,
    old: Workflow[..., Any],
    *args: Any,
    run_id: str = "run-of-w",
    end: str = "waiting",
) -> Begun:
    database = workers.database
    await database.write(runs.add, new_run(run_id, old, old.bind(*args), workers.clock.now(), ANN))
    worker = await workers.start(old)
    run = await until(database, run_id, is_(RunStatus(end)))
    workers.alive.remove(worker)
    await worker.close()
    return Begun(run, await database.read(journal.load, run_id))


async def old(ctx: Context) -> str:
    first = await ctx.step("first", say, "a")
    second = await ctx.step("second", say, f"{first}b")
    await ctx.wait_for(GO)
    return await ctx.step("third", say, second)


OLD = flow(old)


# What the code does to a run under way


@only_sqlite
async def test_the_code_that_wrote_a_journal_fits_each_beginning_of_it(workers: Workers) -> None:
    begun = await begin(workers, OLD)
    assert begun.keys == ["first", "second", "go"]
    for end in range(len(begun.steps) + 1):
        assert await begun.fits(OLD, steps=begun.steps[:end]) == ""


@only_sqlite
async def test_a_finished_step_that_was_renamed_is_told_with_what_is_asked_for_instead(
    workers: Workers,
) -> None:
    async def renamed(ctx: Context) -> None:
        await ctx.step("first", say, "a")
        await ctx.step("the second", say, "ab")
        await ctx.wait_for(GO)

    reason = await (await begin(workers, OLD)).fits(flow(renamed, "2"))
    assert "the finished step 'second'," in reason
    assert "'w' (version 2) asks for 'the second' instead" in reason
    assert "ctx.patched" in reason


@only_sqlite
async def test_a_finished_step_that_was_removed_is_told(workers: Workers) -> None:
    async def removed(ctx: Context) -> None:
        await ctx.step("second", say, "ab")
        await ctx.wait_for(GO)

    async def gone(ctx: Context) -> None:
        """Nothing is left."""

    begun = await begin(workers, OLD)
    assert "the finished step 'first'," in await begun.fits(flow(removed))
    reason = await begun.fits(flow(gone))
    assert "'first', 'second'," in reason
    assert "ends without" in reason


@only_sqlite
async def test_many_finished_steps_are_named_in_part(workers: Workers) -> None:
    async def many(ctx: Context) -> None:
        for _ in range(5):
            await ctx.step("s", say, "a")
        await ctx.wait_for(GO)

    async def none(ctx: Context) -> None:
        await ctx.wait_for(GO)

    reason = await (await begin(workers, flow(many))).fits(flow(none))
    assert "'s', 's#2', 's#3' and 2 more" in reason


@only_sqlite
async def test_other_arguments_are_told_unless_they_are_not_to_be_checked(
    workers: Workers,
) -> None:
    def with_arguments(word: str, *, check: bool) -> Workflow[[], Any]:
        async def asks(ctx: Context) -> None:
            await ctx.step("first", say, word, check_arguments=check)
            await ctx.wait_for(GO)

        return flow(asks)

    begun = await begin(workers, with_arguments("a", check=True))
    reason = await begun.fits(with_arguments("b", check=True))
    assert "Run run-of-w: step 'first' was done with other arguments" in reason
    assert "JournalMismatch" in reason
    assert await begun.fits(with_arguments("b", check=False)) == ""


@only_sqlite
async def test_other_arguments_are_told_though_the_code_catches_every_exception(
    workers: Workers,
) -> None:
    async def careless(ctx: Context) -> None:
        try:
            await ctx.step("first", say, "other")
        except Exception:
            await ctx.step("instead", say, "b")

    async def first(ctx: Context) -> None:
        await ctx.step("first", say, "a")
        await ctx.wait_for(GO)

    assert "'first'" in await (await begin(workers, flow(first))).fits(flow(careless))


@only_sqlite
async def test_another_order_is_told_if_it_changes_what_steps_are_given(workers: Workers) -> None:
    async def turned(ctx: Context) -> None:
        await ctx.step("second", say, "b")
        await ctx.step("first", say, "a")
        await ctx.wait_for(GO)

    async def twice(ctx: Context) -> None:
        await ctx.step("s", say, "a")
        await ctx.step("s", say, "b")
        await ctx.wait_for(GO)

    async def twice_turned(ctx: Context) -> None:
        await ctx.step("s", say, "b")
        await ctx.step("s", say, "a")
        await ctx.wait_for(GO)

    begun = await begin(workers, OLD)
    assert "step 'second' was done with other arguments" in await begun.fits(flow(turned))
    # In one half of the journal the other order would do what was not done yet too early.
    [first] = begun.steps[:1]
    assert "'second' instead" in await begun.fits(flow(turned), steps=[first])
    begun = await begin(workers, flow(twice), run_id="r2")
    assert "step 's' was done with other" in await begun.fits(flow(twice_turned))


@only_sqlite
async def test_steps_of_other_names_may_change_places_when_both_are_done(workers: Workers) -> None:
    async def here(ctx: Context) -> None:
        await ctx.step("x", say, "a")
        await ctx.step("y", say, "b")
        await ctx.wait_for(GO)

    async def there(ctx: Context) -> None:
        await ctx.step("y", say, "b")
        await ctx.step("x", say, "a")
        await ctx.wait_for(GO)

    assert await (await begin(workers, flow(here))).fits(flow(there)) == ""


@only_sqlite
async def test_a_step_put_in_before_the_end_of_the_journal_is_told_after_it_not(
    workers: Workers,
) -> None:
    def with_new(place: int) -> Workflow[[], Any]:
        async def more(ctx: Context) -> None:
            for index, word in enumerate(["a", "ab"]):
                if index == place:
                    await ctx.step("new", say, "n")
                await ctx.step(["first", "second"][index], say, word)
            if place == 2:
                await ctx.step("new", say, "n")
            await ctx.wait_for(GO)
            if place == 3:
                await ctx.step("new", say, "n")

        return flow(more)

    begun = await begin(workers, OLD)
    assert "'first', 'second', but" in await begun.fits(with_new(0))
    assert "asks for 'new' instead" in await begun.fits(with_new(1))
    assert await begun.fits(with_new(2)) == ""
    assert await begun.fits(with_new(3)) == ""


@only_sqlite
async def test_a_result_of_another_type_is_told(workers: Workers) -> None:
    async def number(word: str) -> int:
        raise AssertionError("must not be called")

    async def typed(ctx: Context) -> None:
        await ctx.step("first", number, "a")

    async def kept(ctx: Context) -> None:
        await ctx.step("first", say, "a")
        await ctx.wait_for(GO)

    reason = await (await begin(workers, flow(kept))).fits(flow(typed))
    assert "Step 'first' remembers a result that does not fit the code any more" in reason


@only_sqlite
async def test_arguments_of_the_workflow_that_do_not_fit_are_told(workers: Workers) -> None:
    @workflow(name="w")
    async def before(ctx: Context, n: int) -> None:
        await ctx.step("first", say, "a")
        await ctx.wait_for(GO)

    @workflow(name="w")
    async def of_type(ctx: Context, n: list[int]) -> None:
        await ctx.step("first", say, "a")

    @workflow(name="w")
    async def renamed(ctx: Context, m: int) -> None:
        await ctx.step("first", say, "a")

    @workflow(name="w")
    async def optional(ctx: Context, n: int, m: str = "x") -> None:
        await ctx.step("first", say, "a")

    begun = await begin(workers, before, 5)
    assert "InvalidInput: The stored argument 'n' of workflow 'w'" in await begun.fits(of_type)
    assert "TypeError" in await begun.fits(renamed)
    assert await begun.fits(optional) == ""


@only_sqlite
async def test_code_that_raises_is_told_unless_a_failed_step_or_a_late_event_makes_it(
    workers: Workers, clock: ManualClock
) -> None:
    async def raises(ctx: Context) -> None:
        await ctx.step("first", say, "a")
        raise LookupError("not here")

    async def fails(ctx: Context) -> None:
        await ctx.step("first", fail, "a")

    async def late(ctx: Context) -> None:
        await ctx.wait_for(NEVER, timeout=timedelta())

    begun = await begin(workers, OLD)
    assert "fails at this journal: LookupError: not here" in await begun.fits(
        flow(raises), steps=begun.steps[:1]
    )
    for index, ending in enumerate((fails, late)):
        begun = await begin(workers, flow(ending), run_id=f"e{index}", end="failed")
        assert [step.status in ("done", "failed") for step in begun.steps] == [True]
        assert await begun.fits(flow(ending)) == ""


# Patches


def patched(*, ask: bool = True, again: bool = False) -> Workflow[[], Any]:
    async def new(ctx: Context) -> str:
        if again:
            await ctx.patched("later")
        first = await ctx.step("first", say, "a")
        if not ask or await ctx.patched("better"):
            await ctx.step("new", say, "n")
        second = await ctx.step("second", say, f"{first}b")
        await ctx.wait_for(GO)
        return await ctx.step("third", say, second)

    return flow(new, "2")


@only_sqlite
async def test_a_patch_keeps_the_old_way_for_runs_that_passed_it(
    workers: Workers, did: Counter[str]
) -> None:
    new = patched()
    begun = await begin(workers, OLD)
    assert await begun.fits(new) == ""
    assert await begun.fits(new, steps=begun.steps[:1]) == ""
    await workers.start(new)
    await send(workers.database, "run-of-w")
    await until(workers.database, "run-of-w", is_(RunStatus.DONE))
    assert did["n"] == 0
    steps = await workers.database.read(journal.load, "run-of-w")
    assert [step.key for step in steps] == ["first", "second", "go", "third"]


@only_sqlite
async def test_a_run_that_begins_after_a_patch_goes_the_new_way_for_ever(
    workers: Workers,
) -> None:
    begun = await begin(workers, patched())
    assert begun.keys == ["first", "better", "new", "second", "go"]
    assert begun.steps[1].kind == StepKind.PATCH
    for end in range(6):
        assert await begun.fits(patched(), steps=begun.steps[:end]) == ""
    # The old code does not know the new step.
    assert "'new'" in await begun.fits(OLD)


@only_sqlite
async def test_the_call_of_a_patch_can_be_taken_out_again(workers: Workers) -> None:
    begun = await begin(workers, patched())
    assert await begun.fits(patched(ask=False)) == ""
    assert await begun.fits(patched(again=True)) == ""
    begun = await begin(workers, OLD, run_id="r2")
    assert "'second'" in await begun.fits(patched(ask=False))


@only_sqlite
async def test_a_patch_that_was_taken_out_does_not_hide_the_end_of_the_journal(
    workers: Workers, did: Counter[str]
) -> None:
    async def two(ctx: Context) -> None:
        await ctx.patched("one")
        await ctx.wait_for(GO)

    async def three(ctx: Context) -> None:
        await ctx.wait_for(GO)
        if await ctx.patched("two"):
            await ctx.step("new", say, "n")

    await begin(workers, flow(two))
    await workers.start(flow(three))
    await send(workers.database, "run-of-w")
    await until(workers.database, "run-of-w", is_(RunStatus.DONE))
    assert did["n"] == 1


@only_sqlite
async def test_a_patch_within_a_branch_sees_that_the_run_is_past_the_gather(
    workers: Workers,
) -> None:
    def gathering(*, new: bool) -> Workflow[[], Any]:
        async def branch(ctx: Context, word: str) -> str:
            said = await ctx.step("say", say, word)
            if new and await ctx.patched("more"):
                said += await ctx.step("new", say, "n")
            return said

        async def gathers(ctx: Context) -> None:
            words = await ctx.gather(branch(ctx, "a"), branch(ctx, "b"))
            await ctx.step("after", say, "".join(words))
            await ctx.wait_for(GO)

        return flow(gathers)

    begun = await begin(workers, gathering(new=False))
    assert await begun.fits(gathering(new=True)) == ""
    # Within the gather, one branch may go the new way though the other is further.
    half = begun.cut("gather[0]/say", "after", "go")
    assert await begun.fits(gathering(new=True), steps=half) == ""


# No false alarms


@only_sqlite
@pytest.mark.parametrize(
    "status", [StepStatus.RUNNING, StepStatus.RETRYING, StepStatus.WAITING, StepStatus.DROPPED]
)
async def test_what_is_not_finished_may_be_renamed(workers: Workers, status: StepStatus) -> None:
    async def renamed(ctx: Context) -> None:
        await ctx.step("first", say, "a")
        await ctx.step("other", say, "c")

    begun = await begin(workers, OLD)
    begun.steps[1].status = status
    assert await begun.fits(flow(renamed), steps=begun.steps[:2]) == ""
    assert await begun.fits(OLD, steps=begun.steps[:2]) == ""


def racing(*, nested: bool = False) -> Workflow[[], Any]:
    async def quick(ctx: Context) -> str:
        return await ctx.step("quick", say, "q")

    async def slow(ctx: Context) -> str:
        if nested:
            await ctx.gather(ctx.step("deep", say, "d"), ctx.step("deep", say, "d"))
        await ctx.step("slow", say, "s")
        await ctx.sleep("nap", MINUTE)
        return "late"

    async def races(ctx: Context) -> None:
        await ctx.race("who", slow(ctx), quick(ctx))
        await ctx.step("after", say, "x")
        await ctx.wait_for(GO)

    return flow(races)


@only_sqlite
@pytest.mark.parametrize("nested", [False, True])
async def test_what_the_losers_of_a_race_did_is_no_alarm(workers: Workers, nested: bool) -> None:
    begun = await begin(workers, racing(nested=nested))
    assert {"who[1]/quick", "who", "after", "go"} <= set(begun.keys)
    loser = [
        Step(
            run_id="run-of-w",
            branch=branch,
            name=name,
            occurrence=0,
            status=StepStatus.DONE,
            args_hash="",
            result="s",
            attempt=1,
            worker="x",
            started_at=begun.run.created_at,
        )
        for branch, name in [
            *([("who[0]/gather[0]", "deep"), ("who[0]/gather[1]", "deep")] if nested else []),
            ("who[0]", "slow"),
        ]
    ]
    mine = [step for step in begun.steps if not step.branch.startswith("who[0]")]
    assert await begun.fits(racing(nested=nested), steps=[*loser, *mine]) == ""
    # It was cut off just before the race was decided, and after.
    undecided = [step for step in mine if step.key == "who[1]/quick"]
    assert await begun.fits(racing(nested=nested), steps=[*loser, *undecided]) == ""
    decided = [step for step in mine if step.key in ("who[1]/quick", "who")]
    assert await begun.fits(racing(nested=nested), steps=[*loser, *decided]) == ""


@only_sqlite
async def test_a_renamed_step_in_a_race_that_is_not_decided_is_told(workers: Workers) -> None:
    def work(name: str) -> Workflow[[], Any]:
        async def works(ctx: Context) -> str:
            await ctx.step(name, say, "a")
            await ctx.wait_for(GO)
            return "done"

        async def timed(ctx: Context) -> None:
            await ctx.race("timeout", works(ctx), ctx.sleep("long", MINUTE))

        return flow(timed)

    begun = await begin(workers, work("before"))
    assert await begun.fits(work("before")) == ""
    assert "'timeout[0]/before', but" in await begun.fits(work("after"))


@only_sqlite
async def test_a_gather_that_is_half_done_is_no_alarm(workers: Workers) -> None:
    async def branch(ctx: Context, word: str) -> str:
        await ctx.step("one", say, word)
        return await ctx.step("two", say, word)

    async def gathers(ctx: Context) -> None:
        await ctx.gather(branch(ctx, "a"), branch(ctx, "b"), branch(ctx, "c"))
        await ctx.wait_for(GO)

    begun = await begin(workers, flow(gathers))
    for missing in (
        ["go", "gather[0]/one", "gather[0]/two"],
        ["go", "gather[1]/two"],
        ["go", "gather[0]/two", "gather[1]/one", "gather[1]/two"],
    ):
        assert await begun.fits(flow(gathers), steps=begun.cut(*missing)) == ""


@only_sqlite
async def test_the_reason_names_what_is_asked_for_in_the_same_branch(workers: Workers) -> None:
    def gathering(second: str) -> Workflow[[], Any]:
        async def gathers(ctx: Context) -> None:
            await ctx.gather(ctx.wait_for(GO), ctx.step(second, say, "b"))

        return flow(gathers)

    begun = await begin(workers, gathering("before"))
    reason = await begun.fits(gathering("after"))
    assert "'gather[1]/before', but" in reason
    assert "asks for 'gather[1]/after' instead" in reason


@only_sqlite
async def test_gathers_deep_within_each_other_are_no_alarm(workers: Workers) -> None:
    async def tree(ctx: Context, depth: int) -> str:
        if not depth:
            return await ctx.step("leaf", say, "l")
        [word] = await ctx.gather(tree(ctx, depth - 1))
        return word

    async def deep(ctx: Context) -> None:
        await tree(ctx, 30)
        await ctx.step("after", say, "a")
        await ctx.wait_for(GO)

    begun = await begin(workers, flow(deep))
    assert await begun.fits(flow(deep)) == ""


@only_sqlite
async def test_branches_that_take_turns_are_no_alarm(workers: Workers) -> None:
    """A branch that stands still holds what another needs to come to its finished steps."""
    turns = asyncio.Semaphore(1)

    async def branch(ctx: Context, word: str) -> None:
        for _ in range(2):
            async with turns:
                await ctx.step("do", say, word)
            await asyncio.sleep(0)

    async def gathers(ctx: Context) -> None:
        await ctx.gather(branch(ctx, "a"), branch(ctx, "b"))
        await ctx.wait_for(GO)

    begun = await begin(workers, flow(gathers))
    half = begun.cut("gather[0]/do", "gather[0]/do#2", "go")
    assert await begun.fits(flow(gathers), steps=half) == ""
    assert not turns.locked()


@only_sqlite
async def test_the_user_may_gather_with_asyncio(workers: Workers) -> None:
    async def gathers(ctx: Context) -> None:
        await asyncio.gather(ctx.step("one", say, "a"), ctx.step("two", say, "b"))
        await ctx.step("three", say, "c")
        await ctx.wait_for(GO)

    async def renamed(ctx: Context) -> None:
        await asyncio.gather(ctx.step("one", say, "a"), ctx.step("zwei", say, "b"))
        await ctx.step("three", say, "c")
        await ctx.wait_for(GO)

    begun = await begin(workers, flow(gathers))
    assert await begun.fits(flow(gathers)) == ""
    assert await begun.fits(flow(gathers), steps=begun.cut("one", "three", "go")) == ""
    assert "'two'" in await begun.fits(flow(renamed))


@only_sqlite
async def test_the_user_may_have_a_task_group(workers: Workers) -> None:
    """It would cancel its other tasks if one that stands at the journal's end raised."""

    async def groups(ctx: Context) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(ctx.step("new", say, "a"))
            group.create_task(ctx.step("done", say, "b"))
        await ctx.wait_for(GO)

    begun = await begin(workers, flow(groups))
    assert await begun.fits(flow(groups), steps=begun.cut("new", "go")) == ""


@only_sqlite
async def test_code_that_awaits_a_little_outside_of_steps_is_no_alarm(workers: Workers) -> None:
    async def dawdles(ctx: Context) -> None:
        await asyncio.sleep(0.01)
        await ctx.step("one", say, "a")
        await asyncio.to_thread(len, "abc")
        await ctx.step("two", say, "b")
        await ctx.wait_for(GO)

    assert await (await begin(workers, flow(dawdles))).fits(flow(dawdles)) == ""


@only_sqlite
async def test_a_run_that_cleans_up_is_no_alarm(workers: Workers) -> None:
    async def tidy(ctx: Context) -> None:
        try:
            await ctx.step("one", say, "a")
            await ctx.wait_for(GO)
        except Cancelled:
            await ctx.step("clean", say, "c")

    async def tidier(ctx: Context) -> None:
        try:
            await ctx.step("one", say, "a")
            await ctx.wait_for(GO)
        except Cancelled:
            await ctx.step("cleaner", say, "c")

    begun = await begin(workers, flow(tidy))
    assert await begun.fits(flow(tidy)) == ""
    begun.run.status = RunStatus.STOPPING
    cleaned = begun.steps[0].model_copy(update={"name": "clean", "args_hash": ""})
    assert await begun.fits(flow(tidy), steps=[*begun.steps, cleaned]) == ""
    reason = await begun.fits(flow(tidier), steps=[*begun.steps, cleaned])
    assert "'clean'" in reason


# The gate itself


@only_sqlite
async def test_code_that_comes_to_no_step_is_told_and_holds_nothing_up(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "PATIENCE", 0.1)
    monkeypatch.setattr(gate, "MOST_PATCHES", 1000)

    async def spins(ctx: Context) -> None:
        while True:  # noqa: ASYNC110
            await asyncio.sleep(0)

    async def waits(ctx: Context) -> None:
        await ctx.step("first", say, "a")
        await asyncio.Event().wait()

    async def patches(ctx: Context) -> None:
        while await ctx.patched("more"):
            pass

    async def clings(ctx: Context) -> None:
        for _ in range(10):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0.1)

    begun = await begin(workers, OLD)
    for code in (spins, patches, clings):
        assert await begun.fits(flow(code), steps=[])
    for code in (spins, waits, patches, clings):
        assert await begun.fits(flow(code), steps=begun.steps[:1])
    assert "comes to no step and to no end" in await begun.fits(flow(spins), steps=[])


@only_sqlite
async def test_nothing_is_done_and_nothing_written(workers: Workers) -> None:
    database = workers.database

    @workflow(name="child")
    async def child(ctx: Context) -> None:
        """A child."""

    def asks(place: int) -> Workflow[[], Any]:
        async def everything(ctx: Context) -> Any:
            ctx.log("hello", n=1)
            asked: list[Callable[[], Awaitable[Any]]] = [
                lambda: ctx.step("s", say, "a"),
                lambda: ctx.transaction("t", note, "b"),
                lambda: ctx.finish("f", note, "c"),
                ctx.now,
                ctx.random,
                ctx.uuid,
                lambda: ctx.sleep("nap", timedelta()),
                lambda: ctx.wait_for("e", int),
                lambda: ctx.run(child),
                lambda: ctx.start(child),
                lambda: ctx.send_event("r" * 32, "e", 1),
                lambda: ctx.gather(ctx.step("g", say, "g"), ctx.now()),
                lambda: ctx.race("r", ctx.step("g", say, "g"), ctx.now()),
                lambda: ctx.patched("p"),
            ]
            return await asked[place]()

        return flow(everything)

    async def waits(ctx: Context) -> None:
        await ctx.wait_for(GO)

    begun = await begin(workers, flow(waits))
    before = await database.read(_counted)
    for place in range(14):
        assert await begun.fits(asks(place), steps=[]) == ""
    assert await database.read(_counted) == before


def test_functions_made_by_one_function_keep_their_own_types() -> None:
    def made(kind: Any) -> Any:
        async def make(given: Any) -> Any:
            return given

        make.__annotations__ = {"given": kind, "return": kind}
        return make

    assert result_of(made(int)).validate_python("5") == 5
    assert result_of(made(str)).validate_python("5") == "5"
    assert arguments_of(made(int), skip=0).stored("f", ("5",), {}) == {"given": 5}
    assert arguments_of(made(str), skip=0).stored("f", ("5",), {}) == {"given": "5"}
    assert result_of(made(int)) is result_of(made(int))


# An app that starts on runs under way


async def renamed(ctx: Context) -> str:
    first = await ctx.step("erstens", say, "a")
    await ctx.wait_for(GO)
    return first


async def ends(ctx: Context) -> str:
    await ctx.wait_for(GO)
    return "ended"


RENAMED, OTHER = flow(renamed, "2"), flow(ends, name="other")


async def send(database: Database, run_id: str) -> None:
    assert await Runs(database, {}, ManualClock()).send_event(run_id, "go")


@pytest.fixture
async def two(workers: Workers) -> tuple[str, str]:
    """A run of each of two workflows, which wait."""
    ids = ("run-of-w", "run-of-other")
    await begin(workers, OLD, run_id=ids[0])
    await begin(workers, OTHER, run_id=ids[1])
    return ids


async def test_a_run_that_would_be_broken_is_held_and_the_others_go_on(
    database: Database,
    clock: ManualClock,
    two: tuple[str, str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    mine, others = two
    with caplog.at_level(logging.WARNING):
        async with Durable(database, [RENAMED, OTHER], clock=clock) as durable:
            held = await until(database, mine, is_(RunStatus.PAUSED))
            assert held.error_kind == repairs.HELD == "code_changed"
            assert held.error is not None
            for part in ("'first', 'second'", "'w' (version 2)", "'erstens'"):
                assert part in held.error
            assert f"{mine} (w): " in caplog.text
            for run_id in two:
                assert await durable.runs.send_event(run_id, "go")
            await until(database, others, is_(RunStatus.DONE))
            assert (await durable.runs.get(mine)).status == RunStatus.PAUSED
    assert DID == {"a": 1, "ab": 1}
    # The right code is back: it goes on by itself, and has what was sent meanwhile.
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        async with Durable(database, [OLD, OTHER], clock=clock):
            done = await until(database, mine, is_(RunStatus.DONE))
    assert "1 runs that were held fit the code again" in caplog.text
    assert (done.result, done.error, done.error_kind) == ("ab", None, None)
    assert DID == {"a": 1, "ab": 2}


async def test_a_held_run_stays_held_at_the_next_start_and_what_people_paused_does_too(
    database: Database, clock: ManualClock, two: tuple[str, str]
) -> None:
    mine, others = two
    await database.write(repairs.pause, others, by="Ann")
    for _ in range(2):
        async with Durable(database, [RENAMED, OTHER], clock=clock):
            held = await until(database, mine, is_(RunStatus.PAUSED))
            assert held.error_kind == repairs.HELD
    async with Durable(database, [OLD, OTHER], clock=clock):
        await until(database, mine, is_(RunStatus.WAITING))
        paused = await until(database, others, is_(RunStatus.PAUSED))
        assert (paused.paused_by, paused.error_kind) == ("Ann", None)


async def test_a_strict_start_is_refused_with_all_that_would_be_broken(
    database: Database, clock: ManualClock, two: tuple[str, str]
) -> None:
    async def nothing(ctx: Context) -> None:
        """Nothing."""

    third = flow(renamed, name="other")
    await database.write(runs.add, new_run("new", OLD, {}, clock.now(), ANN))
    with pytest.raises(ConfigError) as refused:
        async with Durable(database, [RENAMED, third], clock=clock, strict=True):
            raise AssertionError("must not start")
    assert "1 runs would be broken" in str(refused.value)
    assert two[0] in str(refused.value)
    statuses = [(await _run(database, run_id)).status for run_id in (*two, "new")]
    assert statuses == ["waiting", "waiting", "queued"]
    async with Durable(database, [OLD, OTHER], clock=clock, strict=True):
        await until(database, "new", is_(RunStatus.WAITING))


async def test_the_check_lists_all_and_changes_nothing(
    database: Database, database_url: str, two: tuple[str, str]
) -> None:
    before = await database.read(_counted)
    look = await boot.check(database_url, [RENAMED, OTHER])
    assert [(one.run_id, one.workflow) for one in look.misfits] == [(two[0], "w")]
    assert look.runs == 2
    assert await boot.check(database_url, [OLD]) == Look(1)
    assert await boot.check(database_url, []) == Look(0)
    assert await database.read(_counted) == before
    assert (await _run(database, two[0])).status == RunStatus.WAITING


async def test_the_check_looks_at_all_runs_batch_by_batch(
    database: Database, database_url: str, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boot, "BATCH", 2)
    ids = [f"run-{n}" for n in range(5)]
    for run_id in ids:
        await database.write(runs.add, new_run(run_id, OLD, {}, workers.clock.now(), ANN))
    await workers.start(OLD)
    for run_id in ids:
        await until(database, run_id, is_(RunStatus.WAITING))
    look = await boot.check(database_url, [RENAMED])
    assert [one.run_id for one in look.misfits] == ids
    assert look.runs == 5


async def test_each_run_goes_on_with_its_own_version(
    database: Database, clock: ManualClock, two: tuple[str, str]
) -> None:
    mine, _ = two
    async with Durable(database, [OLD, RENAMED], clock=clock) as durable:
        newer = await durable.runs.start(RENAMED)
        older = await durable.runs.start(OLD)
        for run_id in (newer, older, mine):
            await until(database, run_id, is_(RunStatus.WAITING))
            assert await durable.runs.send_event(run_id, "go")
        results = [
            (run.result, run.version)
            for run_id in (newer, older, mine)
            for run in [await until(database, run_id, is_(RunStatus.DONE))]
        ]
    assert results == [("a", "2"), ("ab", "1"), ("ab", "1")]


async def test_the_run_of_a_version_that_is_gone_goes_on_with_the_last_given_if_it_fits(
    database: Database, clock: ManualClock, two: tuple[str, str]
) -> None:
    async def longer(ctx: Context) -> str:
        second = await old(ctx)
        return await ctx.step("fourth", say, f"{second}!")

    mine, _ = two
    async with Durable(database, [RENAMED, flow(longer, "3")], clock=clock) as durable:
        assert await durable.runs.send_event(mine, "go")
        run = await until(database, mine, is_(RunStatus.DONE))
    assert (run.result, run.version) == ("ab!", "3")


async def test_the_run_of_a_version_that_is_gone_is_held_if_the_last_given_does_not_fit(
    database: Database, clock: ManualClock, two: tuple[str, str]
) -> None:
    async with Durable(database, [flow(old, "3"), RENAMED], clock=clock):
        held = await until(database, two[0], is_(RunStatus.PAUSED))
        assert held.error_kind == repairs.HELD


async def test_a_run_that_meets_other_code_only_when_it_is_claimed_is_held(
    database: Database, workers: Workers, clock: ManualClock
) -> None:
    """Another process began it after this one had looked at all runs."""
    async with Durable(database, [RENAMED], clock=clock):
        # As the other process leaves it when it ends: queued, with a journal of older code.
        await database.write(_as_if_begun, clock.now())
        held = await until(database, "r", is_(RunStatus.PAUSED))
    assert held.error_kind == repairs.HELD
    assert "'first'" in (held.error or "")
    assert (held.version, held.code) == ("1", OLD.code)
    assert DID == {}


async def test_a_run_that_fits_the_code_it_is_claimed_by_is_stamped_with_it(
    database: Database, workers: Workers, clock: ManualClock
) -> None:
    async def longer(ctx: Context) -> str:
        return await ctx.step("fourth", say, await old(ctx))

    new = flow(longer, "2")
    async with Durable(database, [new], clock=clock):
        await database.write(_as_if_begun, clock.now())
        run = await until(database, "r", is_(RunStatus.WAITING))
    assert (run.version, run.code) == ("2", new.code)
    assert DID == {"ab": 1}


# Inside


def _as_if_begun(tx: Tx, now: datetime) -> None:
    """The first step was done by code of another process, which then ended."""
    runs.add(tx, new_run("r", OLD, {}, now, ANN))
    run = runs.lock(tx, "r")
    assert run is not None
    runs.put(tx, run, attempt=1)
    step = {
        "run_id": "r",
        "name": "first",
        "branch": "",
        "occurrence": 0,
        "kind": StepKind.STEP,
        "status": StepStatus.DONE,
        "args_hash": hash_of("first", ("a",))[0],
        "result": "a",
        "attempt": 1,
        "tries": 1,
        "worker": "other",
        "started_at": now,
    }
    tx.execute(insert(Step), step)


async def _run(database: Database, run_id: str) -> Run:
    run = await database.read(runs.get, run_id)
    assert run is not None
    return run


def _counted(session: Session) -> list[int]:
    tables = [t for t in SQLModel.metadata.sorted_tables if t.name != "processes"]
    return [
        session.execute(select(func.count()).select_from(table)).scalar_one() for table in tables
    ]
