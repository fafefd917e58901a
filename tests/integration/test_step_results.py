"""What steps are given and what they result in, now and when it is remembered."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, select

from agentchat.durable.context import Context
from agentchat.durable.retry import RetryPolicy
from agentchat.durable.workflow import Workflow, workflow
from agentchat.errors import InvalidInput, StepFailed
from agentchat.models import Thread
from agentchat.store import threads
from agentchat.store.writer import Tx
from tests.integration.stage import Stage
from tests.long import LONG_ON_POSTGRES

pytestmark = LONG_ON_POSTGRES

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
AGAIN = RetryPolicy(attempts=5, first=timedelta())


class Order(BaseModel):
    model_config = ConfigDict(strict=True)

    id: UUID
    tags: tuple[str, ...]
    at: datetime


@dataclass
class Point:
    x: int
    y: float


async def a_tuple() -> tuple[int, str]:
    return 1, "b"


async def a_set() -> set[str]:
    return {"a", "b", "c"}


async def a_point() -> Point:
    return Point(1, 2.5)


async def an_order() -> Order:
    return Order(id=UUID(int=7), tags=("a", "\x00"), at=NOW)


async def a_choice() -> UUID | str:
    return UUID(int=8)


async def a_large_number() -> int:
    return 12_345_678_901_234_567_890_123


async def a_long_number() -> float:
    return 5.0e-324


async def a_whole_number():  # type: ignore[no-untyped-def]
    return -0.0


async def not_said():  # type: ignore[no-untyped-def]
    return ({"k": (1, 2)}, None)


async def some_bytes() -> bytes:
    return b"abc"


async def napped(stage: Stage, flow: Workflow[..., Any], *args: Any) -> str:
    """Start a run that naps, let all processes die meanwhile, and see it end."""
    await stage.open(flow)
    run_id = await stage.runs.start(flow, *args)
    await stage.waiting(run_id)
    await stage.crash()
    stage.clock.advance(DAY)
    await stage.open()
    await stage.ended(run_id)
    return run_id


@pytest.mark.parametrize(
    "function",
    [
        a_tuple,
        a_set,
        a_point,
        an_order,
        a_choice,
        a_large_number,
        a_long_number,
        a_whole_number,
        not_said,
        some_bytes,
    ],
)
async def test_a_result_is_the_same_when_it_is_remembered(stage: Stage, function: Any) -> None:
    seen: list[Any] = []

    @workflow(name="looks")
    async def looks(ctx: Context) -> None:
        seen.append(await ctx.step("look", function))
        await ctx.sleep("nap", DAY)

    await napped(stage, looks)
    assert len(seen) == 2
    assert seen[0] == seen[1]
    assert type(seen[0]) is type(seen[1])
    assert repr(seen[0]) == repr(seen[1]) or isinstance(seen[0], set)
    if function is not not_said:
        assert seen[0] == await function()


async def too_large() -> str:
    return "x" * 1_000_001


async def wrong_type() -> int:
    return "no number"  # type: ignore[return-value]


async def no_number() -> float:
    return math.nan


async def nested_infinity() -> dict[str, Any]:
    return {"deep": [1, math.inf]}


async def not_json() -> object:
    return object()


async def half_a_character() -> str:
    return "\ud83d"


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (too_large, "is 1,000,003 bytes as JSON"),
        (wrong_type, "is not of its type"),
        (no_number, "NaN is not a number in JSON"),
        (nested_infinity, "Infinity is not a number in JSON"),
        (not_json, "cannot be stored as JSON"),
        (half_a_character, "cannot be stored as JSON"),
    ],
)
@pytest.mark.parametrize("kind", ["step", "transaction"])
async def test_a_result_that_cannot_be_kept_fails_the_step_for_ever(
    stage: Stage, function: Any, words: str, kind: str
) -> None:
    errors: list[str] = []

    async def counted() -> Any:
        stage.did["tried"] += 1
        return await function()

    def written(_tx: Tx) -> Any:
        stage.did["tried"] = 1
        with pytest.raises(StopIteration) as stop:
            function().send(None)
        return stop.value.value

    # The annotation of the function is what its result is checked by.
    counted.__annotations__ = written.__annotations__ = {
        "return": function.__annotations__["return"]
    }

    @workflow(name="looks")
    async def looks(ctx: Context) -> None:
        try:
            if kind == "step":
                await ctx.step("look", counted, retry=AGAIN)
            else:
                await ctx.transaction("look", written)
        except StepFailed as error:
            errors.append(str(error))
        await ctx.sleep("nap", DAY)

    run_id = await napped(stage, looks)
    assert errors[0] == errors[1]
    assert words in errors[0]
    assert "look" in errors[0]
    assert stage.did["tried"] == 1
    assert (await stage.step(run_id, "look")).error_kind == "InvalidInput"


@pytest.mark.parametrize("argument", [math.nan, object(), "\ud83d", [math.inf]])
async def test_an_argument_that_cannot_be_kept_is_refused(stage: Stage, argument: Any) -> None:
    @workflow(name="gives")
    async def gives(ctx: Context) -> str:
        return await ctx.step("take", stage.note, argument)

    await stage.open(gives)
    run = await stage.failed(await stage.runs.start(gives))
    assert "Step 'take' was given an argument that cannot be stored" in (run.error or "")
    assert stage.did == {}


async def test_other_arguments_at_replay_end_the_run_unless_they_do_not_matter(
    stage: Stage,
) -> None:
    async def take(_what: object) -> str:
        return await stage.note("take")

    @workflow(name="gives")
    async def gives(ctx: Context, check: bool) -> str:
        stage.did["times"] += 1
        got = await ctx.step("take", take, stage.did["times"], check_arguments=check)
        await ctx.sleep("nap", DAY)
        return got

    await stage.open(gives)
    loose, strict = await stage.runs.start(gives, False), await stage.runs.start(gives, True)
    await stage.waiting(loose)
    await stage.waiting(strict)
    stage.clock.advance(DAY)
    assert (await stage.ended(loose)).result == "take"
    run = await stage.failed(strict)
    assert "step 'take' was done with other arguments" in (run.error or "")
    assert run.error_kind == "JournalMismatch"
    assert stage.did["take"] == 2


async def test_sets_of_any_order_are_the_same_arguments(stage: Stage) -> None:
    # The order of a set of these is that in which they came into it.
    numbers = iter([[8, 0], [0, 8]])

    async def take(_what: object) -> str:
        return await stage.note("take")

    @workflow(name="gives")
    async def gives(ctx: Context) -> str:
        got = await ctx.step("take", take, {"of": (set(next(numbers)), frozenset("a"))})
        await ctx.sleep("nap", DAY)
        return got

    assert list({8, 0}) != list({0, 8})
    await napped(stage, gives)
    assert stage.did["take"] == 1


async def test_a_function_with_some_arguments_given_is_a_step_too(stage: Stage) -> None:
    @workflow(name="partly")
    async def partly(ctx: Context) -> str:
        return await ctx.step("note", partial(stage.note, "given"))

    await stage.open(partly)
    assert (await stage.ended(await stage.runs.start(partly))).result == "given"


async def test_arguments_of_a_run_are_typed_and_wrong_ones_are_refused(stage: Stage) -> None:
    seen: list[Any] = []

    @workflow(name="typed")
    async def typed(ctx: Context, order: Order, point: Point, many: set[int]) -> str:
        seen.append((order, point, many))
        await ctx.step("note", stage.note, order.tags[0])
        return "done"

    await stage.open(typed)
    given = (await an_order(), Point(1, 2), {1, 2})
    await stage.ended(await stage.runs.start(typed, *given))
    assert seen == [given]
    with pytest.raises(InvalidInput, match="argument 'many' of workflow 'typed' does not fit"):
        await stage.runs.start(typed, *given[:2], {"x"})  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        await stage.runs.start(typed, *given, 4)  # type: ignore[call-arg]
    with pytest.raises(InvalidInput, match="bytes as JSON"):
        await stage.runs.start(typed, *given[:2], set(range(200_000)))


async def test_a_transaction_that_fails_undoes_its_rows_and_is_remembered(stage: Stage) -> None:
    def add(tx: Tx, thread_id: str) -> str:
        stage.did["add"] = stage.did["add"] or 1
        threads.create(tx, thread_id, owner_id="o", title="", now=NOW)
        if thread_id == "bad":
            raise ValueError("not this one")
        return thread_id

    caught: list[tuple[str, str, str]] = []

    @workflow(name="adds")
    async def adds(ctx: Context) -> None:
        try:
            await ctx.transaction("add", add, "bad")
        except StepFailed as error:
            caught.append((error.step, error.kind, str(error)))
        await ctx.transaction("add", add, "good")
        await ctx.sleep("nap", DAY)

    def ids(session: Session) -> list[str]:
        return list(session.scalars(select(col(Thread.id))))

    run_id = await napped(stage, adds)
    assert caught == [("add", "ValueError", "not this one")] * 2
    assert await stage.database.read(ids) == ["good"]
    assert await stage.statuses(run_id) == {"add": "failed", "add#2": "done", "nap": "done"}
