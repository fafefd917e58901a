"""Schedules, live: the list, one of them with its history, and what a person does to them."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import reflex as rx

from agentchat.chat import AgentChat
from agentchat.errors import AgentChatError, InvalidInput, NotAllowed, ScheduleNotFound
from agentchat.operations.schedule_forms import (
    Problem,
    ScheduleForm,
    Wrong,
    arguments_of_form,
    form_of,
    read_form,
    shown,
    trigger_of_form,
)
from agentchat.ui import words
from agentchat.ui import words_schedules as told
from agentchat.ui.live import LiveState, live
from agentchat.ui.visits import acting

logger = logging.getLogger(__name__)

_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
MOST_FORM = 50_000


@dataclass(frozen=True)
class ScheduleLine:
    """A schedule in the list. Times are ISO 8601 in UTC, empty if there is none."""

    id: str
    name: str
    workflow: str
    words: str
    timezone: str
    next_at: str
    last_at: str
    last_outcome: str
    last_run_id: str
    last_status: str
    paused_by: str
    paused_at: str
    declared: bool
    created_by: str
    arguments: str
    mark: str
    form: ScheduleForm


@dataclass(frozen=True)
class FiringLine:
    """What became of a due time."""

    due_at: str
    fired_at: str
    outcome: str
    run_id: str
    run_status: str
    asked_by: str


@dataclass(frozen=True)
class AuditLine:
    """What somebody did."""

    id: int
    action: str
    by: str
    at: str
    changed: str
    run_id: str


@dataclass(frozen=True)
class ArgumentLine:
    """An argument of a workflow as a field."""

    name: str
    kind: str
    words: str
    required: bool
    default: str
    choices: tuple[str, ...]
    empty: bool


@dataclass(frozen=True)
class WorkflowLine:
    """A workflow that may be scheduled."""

    name: str
    words: str
    fields: tuple[ArgumentLine, ...]


@dataclass(frozen=True)
class Previewed:
    """What would come of the form of this number."""

    number: int = 0
    words: str = ""
    times: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = field(default=())


@dataclass(frozen=True)
class Acted:
    """What came of the attempt of this number: ``problems`` if it was not done, with no field
    where it is about the whole. ``stale`` says that somebody else was first.
    """

    attempt: int = 0
    done: bool = False
    problems: tuple[Problem, ...] = ()
    stale: bool = False
    schedule_id: str = ""
    run_id: str = ""


async def _lines(chat: AgentChat) -> AsyncGenerator[tuple[ScheduleLine, ...], None]:
    async with aclosing(chat.schedules.follow()) as lists:
        async for views in lists:
            yield tuple(map(_line, views))


async def _history(chat: AgentChat, schedule: str) -> AsyncGenerator[tuple[FiringLine, ...], None]:
    if not schedule:
        yield ()
        return
    try:
        async with aclosing(chat.schedules.follow_history(schedule)) as found:
            async for firings in found:
                yield tuple(
                    FiringLine(
                        _iso(one.due_at),
                        _iso(one.fired_at),
                        one.outcome,
                        one.run_id,
                        one.run_status,
                        one.asked_by,
                    )
                    for one in firings
                )
    except ScheduleNotFound:
        # The page says that it is gone, and who did that.
        yield ()


async def _audits(chat: AgentChat, schedule: str) -> AsyncGenerator[tuple[AuditLine, ...], None]:
    if not schedule:
        yield ()
        return
    async with aclosing(chat.schedules.follow_audits(schedule)) as found:
        async for audits in found:
            yield tuple(
                AuditLine(one.id, one.action, one.by, _iso(one.at), one.changed, one.run_id)
                for one in audits
            )


class SchedulesState(LiveState):
    """The page of one tab. ``previewed`` answers what is typed, ``acted`` what was done."""

    schedules: list[ScheduleLine] = live(_lines)
    history: list[FiringLine] = live(_history, "schedule")
    audits: list[AuditLine] = live(_audits, "schedule")
    workflows: list[WorkflowLine] = []
    previewed: Previewed = Previewed()
    acted: Acted = Acted()

    @property
    def schedule(self) -> str:
        """The schedule that is open."""
        wish = self.router.url.query_parameters.get("schedule")
        return wish if isinstance(wish, str) and _ID.fullmatch(wish) else ""

    @rx.event
    async def arrive(self):
        """A page begins with the workflows there are, and nothing done."""
        self.previewed, self.acted = Previewed(), Acted()
        try:
            schedules = (await acting(self)).schedules
        except NotAllowed:
            return
        self.workflows = [
            WorkflowLine(
                one.name,
                one.words,
                tuple(
                    ArgumentLine(
                        of.name,
                        of.kind,
                        of.words,
                        of.required,
                        of.default,
                        of.choices,
                        of.empty,
                    )
                    for of in one.fields
                ),
            )
            for one in schedules.workflows()
        ]

    @rx.event
    async def preview(self, form: str, schedule_id: str, number: int):
        """Tell in words when this would fire, and the next five times."""
        number = number if isinstance(number, int) else 0
        try:
            was = await self._was(schedule_id)
            trigger = trigger_of_form(_form(form), was)
            since = None if was is None else was.created_at
            found = (await acting(self)).schedules.preview(trigger, since=since)
        except AgentChatError as error:
            self.previewed = Previewed(number, problems=_problems(error))
        else:
            self.previewed = Previewed(number, found.words, tuple(map(_iso, found.times)))

    @rx.event
    async def create(self, form: str, new_id: str, attempt: int):
        """Make a schedule."""

        async def create() -> Acted:
            asked = _form(form)
            trigger, arguments = _read(asked, None)
            schedules = (await acting(self)).schedules
            made = await schedules.create(
                asked.name, trigger, asked.workflow, arguments, new_id=new_id
            )
            return Acted(done=True, schedule_id=made)

        await self._do(attempt, create)

    @rx.event
    async def change(self, form: str, schedule_id: str, seen: str, attempt: int):
        """Give a schedule other content, if it is still as this person has seen it."""

        async def change() -> Acted:
            asked, was = _form(form), await self._was(schedule_id)
            if was is None:
                raise ScheduleNotFound
            if was.mark != seen:
                return Acted(problems=(Problem("", told.SCHEDULES["stale"]),), stale=True)
            trigger, arguments = _read(asked, was)
            schedules = (await acting(self)).schedules
            await schedules.change(
                was.id,
                seen=seen,
                name=asked.name,
                trigger=trigger,
                workflow=asked.workflow,
                arguments=arguments,
            )
            return Acted(done=True, schedule_id=was.id)

        await self._do(attempt, change)

    @rx.event
    async def act(self, action: str, schedule_id: str, attempt: int):
        """Pause, resume, run or delete a schedule."""

        async def act() -> Acted:
            verbs, which = (await acting(self)).schedules, _id(schedule_id)
            if action == "run":
                return Acted(done=True, run_id=await verbs.run_now(which))
            if action == "delete":
                await verbs.delete(which)
                return Acted(done=True)
            if action not in ("pause", "resume"):
                raise InvalidInput(words.NOT_TEXT)
            if await (verbs.pause if action == "pause" else verbs.resume)(which):
                return Acted(done=True)
            view = await verbs.get(which)
            said = told.SCHEDULES["already"][action].replace("{who}", view.paused_by)
            return Acted(problems=(Problem("", said),), stale=True)

        await self._do(attempt, act)

    async def _do(self, attempt: int, do: Callable[[], Awaitable[Acted]]) -> None:
        number = attempt if isinstance(attempt, int) else 0
        try:
            came = await do()
        except AgentChatError as error:
            came = Acted(problems=_problems(error))
        except Exception:
            logger.exception("Something could not be done to a schedule")
            came = Acted(problems=(Problem("", words.WENT_WRONG),))
        self.acted = Acted(
            number, came.done, came.problems, came.stale, came.schedule_id, came.run_id
        )

    async def _was(self, schedule_id: str) -> Any:
        """The schedule that is changed; none for a new one."""
        if not schedule_id:
            return None
        return await (await acting(self)).schedules.get(_id(schedule_id))


def _line(view: Any) -> ScheduleLine:
    arguments = shown(view).arguments
    return ScheduleLine(
        id=view.id,
        name=view.name,
        workflow=view.workflow,
        words=view.words,
        timezone=view.timezone,
        next_at=_iso(view.next_at),
        last_at=_iso(view.last_at),
        last_outcome=view.last_outcome,
        last_run_id=view.last_run_id,
        last_status=view.last_status,
        paused_by=view.paused_by,
        paused_at=_iso(view.paused_at),
        declared=view.declared,
        created_by=view.created_by,
        arguments=json.dumps(arguments, indent=2, ensure_ascii=False),
        mark=view.mark,
        form=form_of(view),
    )


def _read(form: ScheduleForm, was: Any) -> tuple[Any, dict[str, Any]]:
    """The trigger and the arguments of a form; all that is wrong with either is told at once."""
    problems: list[Problem] = []
    trigger: Any = None
    arguments: dict[str, Any] = {}
    if not form.name:
        problems.append(Problem("name", told.SCHEDULES["noName"]))
    if not form.workflow:
        problems.append(Problem("workflow", told.SCHEDULES["noWorkflow"]))
    try:
        trigger = trigger_of_form(form, was)
    except Wrong as wrong:
        problems.extend(wrong.problems)
    try:
        arguments = arguments_of_form(form, was)
    except Wrong as wrong:
        problems.extend(wrong.problems)
    if problems:
        raise Wrong(tuple(problems))
    return trigger, arguments


def _problems(error: AgentChatError) -> tuple[Problem, ...]:
    if isinstance(error, Wrong):
        return error.problems
    said = str(error)
    for start, where in (
        ("The argument", "arguments"),
        ("There is a schedule named", "name"),
        ("A schedule's name", "name"),
    ):
        if said.startswith(start):
            return (Problem(where, said),)
    return (Problem("", said),)


def _form(text: object) -> ScheduleForm:
    if not isinstance(text, str) or len(text) > MOST_FORM:
        raise InvalidInput(told.SCHEDULES["tooLong"])
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(words.NOT_TEXT) from error
    return read_form(found if isinstance(found, dict) else {})


def _id(value: object) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise ScheduleNotFound
    return value


def _iso(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat()
