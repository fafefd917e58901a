"""Schedules that people make and change: what is refused, who is told, what is written down."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field
from sqlalchemy import update

from agentchat.durable.argument_fields import ArgumentField, fields_of
from agentchat.durable.clock import ManualClock
from agentchat.durable.context import Context
from agentchat.durable.schedule_views import ScheduleView
from agentchat.durable.scheduler import Scheduler
from agentchat.durable.schedules import Schedules
from agentchat.durable.triggers import Cron, Every
from agentchat.durable.workflow import workflow
from agentchat.errors import InvalidInput, NotAllowed, ScheduleNotFound, WrongState
from agentchat.models import Run, RunStatus
from agentchat.store.database import Database
from agentchat.views import Actor
from tests.guards import NOBODY, open_to_all
from tests.long import LONG_ON_POSTGRES

pytestmark = LONG_ON_POSTGRES

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOURLY = Cron("0 * * * *")
ANN, BOB = Actor("ann", "Ann"), Actor("bob", "Bob")


class Size(StrEnum):
    SMALL = "small"
    LARGE = "large"


@dataclass
class Here:
    place: str


class Address(BaseModel):
    street: str
    number: int


@workflow(name="greet", version="7")
async def greet(ctx: Context, name: str, times: int = 1) -> str:
    """Say hello.

    As often as wanted.
    """
    return f"hello {name}" * times


@workflow(name="other")
async def other(ctx: Context) -> None:
    return None


@workflow(name="inner")
async def inner(ctx: Context) -> None:
    return None


KNOWN = {one.name: one for one in (greet, other, inner)}


@pytest.fixture
def schedules(database: Database, clock: ManualClock) -> Schedules:
    return Schedules(database, clock, KNOWN, open_to_all(clock), own=("inner",))


@pytest.fixture
def scheduler(database: Database, clock: ManualClock) -> Scheduler:
    code = {name: (one.version, one.code) for name, one in KNOWN.items()}
    return Scheduler(database, clock, code)


async def only(schedules: Schedules) -> ScheduleView:
    [view] = await schedules.list()
    return view


async def audits_of(schedules: Schedules, schedule_id: str) -> list[tuple[str, str]]:
    """Who did what, oldest first."""
    async with aclosing(schedules.follow_audits(schedule_id)) as following:
        return [(one.by, one.action) for one in reversed(await anext(following))]


def change_of(view: ScheduleView, **changes: Any) -> dict[str, Any]:
    """The arguments of a change by somebody who has seen this."""
    return {
        "seen": view.mark,
        "name": view.name,
        "trigger": HOURLY,
        "workflow": view.workflow,
        "arguments": view.arguments,
    } | changes


# Creating


async def test_a_person_makes_a_schedule_by_the_name_of_a_workflow(
    schedules: Schedules, scheduler: Scheduler, clock: ManualClock, database: Database
) -> None:
    schedule_id = await schedules.by(ANN).create(" say  hello ", HOURLY, "greet", {"name": "Bob"})
    view = await only(schedules)
    assert (view.id, view.name, view.created_by) == (schedule_id, "say hello", "Ann")
    assert (view.arguments, view.declared) == ({"name": "Bob", "times": 1}, False)
    assert view.next_at == NOW + HOUR
    assert await audits_of(schedules, schedule_id) == [("Ann", "create")]
    clock.advance(HOUR)
    assert await scheduler.tick() == 1
    assert (await only(schedules)).last_status == "queued"
    await database.write(lambda tx: tx.execute(update(Run).values(status=RunStatus.DONE)))
    view = await schedules.get(schedule_id)
    assert (view.last_outcome, view.last_status) == ("started", "done")
    [firing] = await schedules.history(schedule_id)
    assert (firing.run_id, firing.run_status) == (view.last_run_id, "done")


async def test_a_double_click_makes_one_schedule(schedules: Schedules) -> None:
    made = await asyncio.gather(
        *(schedules.create("hello", HOURLY, "other", new_id="click-0001") for _ in range(3))
    )
    assert made == ["click-0001"] * 3
    assert len(await schedules.list()) == 1
    assert await audits_of(schedules, "click-0001") == [("you", "create")]


async def test_two_people_who_want_one_name_get_one_schedule(schedules: Schedules) -> None:
    made = await asyncio.gather(
        *(schedules.create("hello", HOURLY, "other") for _ in range(2)), return_exceptions=True
    )
    [refusal] = [one for one in made if isinstance(one, BaseException)]
    assert isinstance(refusal, InvalidInput)
    assert str(refusal) == (
        "There is a schedule named 'hello' already. Give this one another name."
    )
    assert len(await schedules.list()) == 1


@pytest.mark.parametrize(
    ("workflow", "arguments", "words"),
    [
        ("gone", {}, "There is no workflow 'gone' in this app."),
        ("inner", {}, "The app starts 'inner' itself; it cannot be scheduled."),
        ("greet", {}, "The arguments do not fit 'greet': missing a required argument: 'name'."),
        ("greet", {"name": "a", "often": 1}, "unexpected keyword argument 'often'"),
        ("greet", {"name": "a", "times": "x"}, "The argument 'times' of workflow 'greet' does not"),
        ("greet", {"self": 1}, "The arguments do not fit 'greet'"),
    ],
)
async def test_arguments_that_do_not_fit_are_refused_with_words(
    schedules: Schedules, workflow: str, arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await schedules.create("hello", HOURLY, workflow, arguments)
    assert words in str(refusal.value)
    assert await schedules.list() == ()


# Changing


async def test_a_change_is_made_from_the_next_time_on_and_written_down(
    schedules: Schedules, clock: ManualClock
) -> None:
    schedule_id = await schedules.by(ANN).create("hello", HOURLY, "greet", {"name": "Bob"})
    before = await only(schedules)
    clock.advance(HOUR / 2)
    await schedules.by(BOB).change(
        schedule_id,
        **change_of(before, name="good night", trigger=Cron("0 22 * * *"), arguments={"name": "E"}),
    )
    view = await only(schedules)
    assert (view.id, view.name, view.words) == (
        schedule_id, "good night", "Every day at 22:00 (UTC)",
    )  # fmt: skip
    assert (view.arguments, view.next_at) == ({"name": "E", "times": 1}, NOW + 22 * HOUR)
    assert (view.created_by, view.created_at) == ("Ann", NOW)
    assert view.mark != before.mark
    async with aclosing(schedules.follow_audits(schedule_id)) as following:
        newest = (await anext(following))[0]
    assert (newest.by, newest.action, newest.changed) == ("Bob", "change", "name, data, spec")


async def test_saving_what_is_there_already_changes_nothing(
    schedules: Schedules, clock: ManualClock
) -> None:
    schedule_id = await schedules.create("hello", HOURLY, "greet", {"name": "Bob"})
    view = await only(schedules)
    clock.advance(2 * HOUR)
    await schedules.change(schedule_id, **change_of(view))
    assert await only(schedules) == view
    assert await audits_of(schedules, schedule_id) == [("you", "create")]


async def test_of_two_who_change_it_at_once_the_second_is_told(schedules: Schedules) -> None:
    schedule_id = await schedules.create("hello", HOURLY, "greet", {"name": "Bob"})
    seen = await only(schedules)
    done = await asyncio.gather(
        *(
            schedules.by(who).change(schedule_id, **change_of(seen, arguments={"name": who.name}))
            for who in (ANN, BOB)
        ),
        return_exceptions=True,
    )
    [refusal] = [one for one in done if one is not None]
    assert isinstance(refusal, WrongState)
    assert "nothing of yours was saved" in str(refusal)
    [winner] = [who for who, one in zip((ANN, BOB), done, strict=True) if one is None]
    view = await only(schedules)
    assert view.arguments == {"name": winner.name, "times": 1}
    # Who has seen that may change it.
    await schedules.change(schedule_id, **change_of(view, arguments={"name": "Eve"}))
    assert (await only(schedules)).arguments == {"name": "Eve", "times": 1}


async def test_what_fires_or_is_paused_meanwhile_can_be_changed_all_the_same(
    schedules: Schedules, scheduler: Scheduler, clock: ManualClock
) -> None:
    schedule_id = await schedules.create("hello", HOURLY, "other")
    seen = await only(schedules)
    clock.advance(HOUR)
    assert await scheduler.tick() == 1
    await schedules.pause(schedule_id)
    await schedules.change(schedule_id, **change_of(seen, trigger=Cron("5 * * * *")))
    view = await only(schedules)
    assert (view.spec, view.paused, view.last_outcome) == ("5 * * * *", True, "started")


async def test_a_change_to_a_name_that_is_taken_is_refused(schedules: Schedules) -> None:
    await schedules.create("hello", HOURLY, "other")
    second = await schedules.create("hello again", HOURLY, "other")
    seen = await schedules.get(second)
    with pytest.raises(InvalidInput, match="named 'hello' already"):
        await schedules.change(second, **change_of(seen, name="hello"))
    assert await schedules.get(second) == seen


async def test_what_code_declares_is_changed_in_code(schedules: Schedules) -> None:
    schedule_id = await schedules.add("hello", HOURLY, greet, "Bob")
    view = await only(schedules)
    assert view.declared
    with pytest.raises(WrongState, match="'hello' is declared by code"):
        await schedules.change(schedule_id, **change_of(view, trigger=Cron("1 * * * *")))
    assert await only(schedules) == view
    # All else can be done to it.
    assert await schedules.pause(schedule_id)
    assert await schedules.resume(schedule_id)
    assert await schedules.run_now(schedule_id)
    await schedules.delete(schedule_id)


async def test_code_that_declares_the_name_takes_the_schedule_over(schedules: Schedules) -> None:
    schedule_id = await schedules.create("hello", HOURLY, "greet", {"name": "Bob"})
    assert not (await only(schedules)).declared
    assert await schedules.add("hello", HOURLY, greet, "Bob") == schedule_id
    view = await only(schedules)
    assert (view.declared, view.next_at) == (True, NOW + HOUR)


# What no longer applies


async def test_whoever_comes_second_is_told_and_nothing_is_written_down_for_them(
    schedules: Schedules,
) -> None:
    schedule_id = await schedules.create("hello", HOURLY, "other")
    assert not await schedules.by(BOB).resume(schedule_id)
    assert await schedules.by(ANN).pause(schedule_id)
    assert not await schedules.by(BOB).pause(schedule_id)
    assert (await only(schedules)).paused_by == "Ann"
    assert await schedules.by(BOB).resume(schedule_id)
    assert await audits_of(schedules, schedule_id) == [
        ("you", "create"), ("Ann", "pause"), ("Bob", "resume"),
    ]  # fmt: skip


async def test_what_was_done_to_one_that_is_deleted_is_still_told(schedules: Schedules) -> None:
    schedule_id = await schedules.by(ANN).create("hello", HOURLY, "other")
    seen = await only(schedules)
    run_id = await schedules.by(BOB).run_now(schedule_id)
    await schedules.by(BOB).delete(schedule_id)
    async with aclosing(schedules.follow_audits(schedule_id)) as following:
        deleted, asked, made = await anext(following)
    assert (deleted.action, asked.action, asked.run_id, made.by) == (
        "delete", "run now", run_id, "Ann",
    )  # fmt: skip
    with pytest.raises(ScheduleNotFound):
        await schedules.change(schedule_id, **change_of(seen))
    with pytest.raises(ScheduleNotFound):
        await schedules.get(schedule_id)


async def test_the_history_is_followed_with_how_its_runs_stand(
    schedules: Schedules, database: Database
) -> None:
    schedule_id = await schedules.create("hello", Cron("0 * * * *", overlap="allow"), "other")
    async with aclosing(schedules.follow_history(schedule_id)) as following:
        async with asyncio.timeout(30):
            assert await anext(following) == ()
            await schedules.by(ANN).run_now(schedule_id)
            [firing] = await anext(following)
            assert (firing.asked_by, firing.run_status) == ("Ann", "queued")
            await database.write(lambda tx: tx.execute(update(Run).values(status=RunStatus.FAILED)))
            [firing] = await anext(following)
            assert firing.run_status == "failed"


async def test_nobody_does_anything_unless_they_are_allowed(
    database: Database, clock: ManualClock, schedules: Schedules
) -> None:
    schedule_id = await schedules.create("hello", HOURLY, "other")
    seen = await only(schedules)

    none = schedules.by(NOBODY)

    async def now(verb: Callable[[], Any]) -> None:
        verb()

    verbs: list[Callable[[], Awaitable[Any] | Coroutine[Any, Any, Any]]] = [
        lambda: none.create("more", HOURLY, "other"),
        lambda: none.change(schedule_id, **change_of(seen, name="less")),
        lambda: none.get(schedule_id),
        lambda: now(lambda: none.follow_history(schedule_id)),
        lambda: now(lambda: none.follow_audits(schedule_id)),
        lambda: now(lambda: none.preview(HOURLY)),
        lambda: now(none.workflows),
    ]
    for verb in verbs:
        with pytest.raises(NotAllowed):
            await verb()
    assert await schedules.list() == (seen,)


# Before there is one


def test_a_preview_tells_words_and_the_next_times(clock: ManualClock) -> None:
    schedules = Schedules(None, clock, KNOWN, open_to_all(clock))  # type: ignore[arg-type]
    daily = schedules.preview(Cron("0 9 * * *", timezone="Europe/Berlin"))
    assert daily.words == "Every day at 09:00 (Europe/Berlin)"
    assert daily.times == tuple(NOW + (8 + 24 * day) * HOUR for day in range(5))
    clock.advance(HOUR / 4)
    assert schedules.preview(Every(HOUR), 2).times == (NOW + 1.25 * HOUR, NOW + 2.25 * HOUR)
    assert schedules.preview(Every(HOUR), 1, since=NOW).times == (NOW + HOUR,)
    assert schedules.preview(Every(HOUR, start=NOW, end=NOW + HOUR)).times == (NOW + HOUR,)
    assert schedules.preview(Cron("0 9 * * *", end=NOW)).times == ()
    with pytest.raises(InvalidInput, match="cannot end"):
        schedules.preview(Every(HOUR, end=NOW + HOUR))


async def test_a_preview_of_an_interval_is_what_happens(
    schedules: Schedules, clock: ManualClock
) -> None:
    trigger = Every(timedelta(minutes=7))
    times = schedules.preview(trigger).times
    schedule_id = await schedules.create("hello", trigger, "other")
    assert tuple(await schedules.next_times(schedule_id)) == times
    clock.advance(timedelta(minutes=8))
    view = await schedules.get(schedule_id)
    assert schedules.preview(trigger, since=view.created_at).times[0] == times[1]


def test_workflows_tell_what_they_are_started_with(clock: ManualClock) -> None:
    schedules = Schedules(None, clock, KNOWN, open_to_all(clock), own=("inner",))  # type: ignore[arg-type]
    first, second = schedules.workflows()
    assert (first.name, second.name, second.fields) == ("greet", "other", ())
    assert first.words == "Say hello.\n\nAs often as wanted."
    assert first.fields == (
        ArgumentField("name", "text", "text"),
        ArgumentField("times", "integer", "a whole number", required=False, default="1"),
    )


def test_a_field_says_within_which_limits() -> None:
    @workflow
    async def limited(
        ctx: Context,
        times: Annotated[int, Field(ge=1, le=10_000)],
        ratio: Annotated[float, Field(gt=0, lt=1.5)],
        pairs: Annotated[int, Field(multiple_of=2)],
        name: Annotated[str, Field(min_length=1, max_length=40)],
        code: Annotated[str, Field(pattern="^[A-Z]{3}$")],
        names: Annotated[list[str], Field(max_length=3)],
        maybe: Annotated[int, Field(ge=18)] | None = None,
    ) -> None:
        return None

    assert {one.name: (one.kind, one.words) for one in fields_of(limited)} == {
        "times": ("integer", "a whole number, from 1 to 10,000"),
        "ratio": ("number", "a number, more than 0, less than 1.5"),
        "pairs": ("integer", "a whole number, a multiple of 2"),
        "name": ("text", "text, from 1 to 40 characters"),
        "code": ("text", "text, like ^[A-Z]{3}$"),
        "names": ("json", "a list of text, at most 3 of them"),
        "maybe": ("integer", "a whole number, at least 18"),
    }


def test_every_type_of_argument_has_a_field() -> None:
    @workflow
    async def all_of_them(  # type: ignore[no-untyped-def]
        ctx: Context,
        ratio: float,
        loud: bool,
        size: Size,
        day: Literal["mon", 2],
        names: list[str],
        address: Address,
        here: Here,
        anything: Any,
        untyped,
        nick: str | None = None,
        when: date = date(2026, 1, 31),
        either: int | str = 3,
        sized: Size | None = Size.LARGE,
    ) -> None:
        return None

    found = {one.name: one for one in fields_of(all_of_them)}
    assert {name: (one.kind, one.words) for name, one in found.items()} == {
        "ratio": ("number", "a number"),
        "loud": ("switch", "true or false"),
        "size": ("choice", ""),
        "day": ("choice", ""),
        "names": ("json", "a list of text"),
        "address": ("json", "an object with street, number"),
        "here": ("json", "an object with place"),
        "anything": ("json", ""),
        "untyped": ("json", ""),
        "nick": ("text", "text"),
        "when": ("text", "text (date)"),
        "either": ("json", "a whole number or text"),
        "sized": ("choice", ""),
    }
    assert (found["size"].choices, found["day"].choices) == (('"small"', '"large"'), ('"mon"', "2"))
    assert (found["sized"].choices, found["sized"].empty) == (('"small"', '"large"'), True)
    assert [name for name, one in found.items() if not one.required] == [
        "nick", "when", "either", "sized",
    ]  # fmt: skip
    assert [found[name].default for name in ("nick", "when", "sized")] == [
        "null", '"2026-01-31"', '"large"',
    ]  # fmt: skip
