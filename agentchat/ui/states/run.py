"""One run on a page: its head, a window of its timeline, one step, logs, events, audits."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Literal

import reflex as rx

from agentchat.chat import AgentChat
from agentchat.errors import AgentChatError
from agentchat.operations.detail_views import (
    AuditLine,
    EventLine,
    LogLine,
    Logs,
    Nested,
    RunHead,
    RunValues,
    StepDetail,
    StepLine,
    Strip,
    Timeline,
)
from agentchat.ui.live import LiveState, live
from agentchat.ui.visits import acting

TABS = ("timeline", "values", "logs", "events", "history", "json")
MOST_OPENED = 8
_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_NUMBER = re.compile(r"-?[1-9][0-9]{0,17}")


class _Address(rx.State, mixin=True):
    """What the address of the page says; anybody may write one, so within reason."""

    @property
    def run(self) -> str:
        """The run that the page is about."""
        found = self.router.url.path.rstrip("/").rsplit("/", 1)[-1]
        return found if _ID.fullmatch(found) else ""

    @property
    def tab(self) -> str:
        """What of it is shown."""
        wish = self._query("tab")
        return wish if wish in TABS else TABS[0]

    @property
    def step_key(self) -> str:
        """The step that is open."""
        return self._query("step")[:1_000]

    @property
    def at(self) -> int:
        """Where the window is; 0 follows the newest."""
        return self._number("at")

    @property
    def text(self) -> str:
        """What the names of steps are to hold."""
        return self._query("q")[:200]

    @property
    def status(self) -> str:
        """The status that steps are to have."""
        wish = self._query("status")
        return wish if wish in ("failed", "open", "done", "dropped", "retried") else ""

    @property
    def opened(self) -> tuple[str, ...]:
        """The runs that are unfolded in the timeline."""
        wish = self._query("open").split(",")[:MOST_OPENED]
        return tuple(one for one in wish if _ID.fullmatch(one))

    @property
    def log_text(self) -> str:
        """What lines of the log are to hold."""
        return self._query("log")[:200]

    @property
    def level(self) -> str:
        """How bad lines of the log are to be."""
        wish = self._query("level")
        return wish if wish in ("info", "warning", "error") else ""

    @property
    def before(self) -> int:
        """The line before which the log is shown; 0 follows the newest."""
        return self._number("before")

    def _query(self, name: str) -> str:
        found = self.router.url.query_parameters.get(name)
        return found if isinstance(found, str) else ""

    def _number(self, name: str) -> int:
        wish = self._query(name)
        return int(wish) if _NUMBER.fullmatch(wish) else 0


async def _head(chat: AgentChat, run: str) -> AsyncGenerator[RunHead, None]:
    if not run:
        yield RunHead(missing="never")
        return
    async with aclosing(chat.operations.details.follow_head(run)) as heads:
        async for head in heads:
            yield head


async def _strip(chat: AgentChat, run: str, tab: str) -> AsyncGenerator[Strip, None]:
    if not run or tab != "timeline":
        yield Strip()
        return
    async with aclosing(chat.operations.details.follow_strip(run)) as strips:
        async for strip in strips:
            yield strip


async def _timelines(
    chat: AgentChat, run: str, tab: str, at: int, text: str, status: str
) -> AsyncGenerator[Timeline, None]:
    if not run or tab != "timeline":
        yield Timeline()
        return
    details = chat.operations.details
    async with aclosing(details.follow_timeline(run, at=at, text=text, status=status)) as lines:
        async for timeline in lines:
            yield timeline


async def _settled(
    chat: AgentChat, run: str, tab: str, at: int, text: str, status: str
) -> AsyncGenerator[tuple[StepLine, ...], None]:
    """What does not change, apart from what does: each var is sent whole."""
    last: tuple[StepLine, ...] | None = None
    async with aclosing(_timelines(chat, run, tab, at, text, status)) as lines:
        async for timeline in lines:
            if timeline.settled != last:
                last = timeline.settled
                yield last


async def _tail(
    chat: AgentChat, run: str, tab: str, at: int, text: str, status: str
) -> AsyncGenerator[Timeline, None]:
    async with aclosing(_timelines(chat, run, tab, at, text, status)) as lines:
        async for timeline in lines:
            yield replace(timeline, settled=())


async def _nested(
    chat: AgentChat, run: str, tab: str, opened: tuple[str, ...]
) -> AsyncGenerator[tuple[Nested, ...], None]:
    if not run or tab != "timeline" or not opened:
        yield ()
        return
    async with aclosing(chat.operations.details.follow_nested(opened)) as nested:
        async for found in nested:
            yield found


async def _step(chat: AgentChat, run: str, key: str) -> AsyncGenerator[StepDetail, None]:
    if not run or not key:
        yield StepDetail()
        return
    async with aclosing(chat.operations.details.follow_step(run, key)) as steps:
        async for step in steps:
            yield step


class RunState(_Address, LiveState):
    """The head of a run, a window of its timeline, and the step that is open.

    Each var is sent whole when it changes: what is settled is apart from the ``tail``.
    """

    head: RunHead = live(_head, "run", default=RunHead())
    strip: Strip = live(_strip, "run", "tab", default=Strip(), keep=True)
    settled: list[StepLine] = live(_settled, "run", "tab", "at", "text", "status", keep=True)
    tail: Timeline = live(
        _tail, "run", "tab", "at", "text", "status", default=Timeline(), keep=True
    )
    nested: list[Nested] = live(_nested, "run", "tab", "opened", keep=True)
    step: StepDetail = live(_step, "run", "step_key", default=StepDetail())


async def _values(chat: AgentChat, run: str, tab: str) -> AsyncGenerator[RunValues, None]:
    if not run or tab != "values":
        yield RunValues()
        return
    async with aclosing(chat.operations.details.follow_values(run)) as found:
        async for values in found:
            yield values


async def _logs(
    chat: AgentChat, run: str, tab: str, text: str, level: str, before: int
) -> AsyncGenerator[Logs, None]:
    if not run or tab != "logs":
        yield Logs()
        return
    details = chat.operations.details
    async with aclosing(details.follow_logs(run, text=text, level=level, before=before)) as found:
        async for logs in found:
            yield logs


async def _log_settled(
    chat: AgentChat, run: str, tab: str, text: str, level: str, before: int
) -> AsyncGenerator[tuple[LogLine, ...], None]:
    last: tuple[LogLine, ...] | None = None
    async with aclosing(_logs(chat, run, tab, text, level, before)) as found:
        async for logs in found:
            if logs.settled != last:
                last = logs.settled
                yield last


async def _log_tail(
    chat: AgentChat, run: str, tab: str, text: str, level: str, before: int
) -> AsyncGenerator[Logs, None]:
    async with aclosing(_logs(chat, run, tab, text, level, before)) as found:
        async for logs in found:
            yield replace(logs, settled=())


async def _events(chat: AgentChat, run: str, tab: str) -> AsyncGenerator[tuple[EventLine, ...]]:
    if not run or tab != "events":
        yield ()
        return
    async with aclosing(chat.operations.details.follow_events(run)) as found:
        async for events in found:
            yield events


async def _audits(chat: AgentChat, run: str, tab: str) -> AsyncGenerator[tuple[AuditLine, ...]]:
    if not run or tab != "history":
        yield ()
        return
    async with aclosing(chat.operations.details.follow_audits(run)) as found:
        async for audits in found:
            yield audits


class RunTabState(_Address, LiveState):
    """What is under the tabs of the page: nothing is read of those that are not open."""

    values: RunValues = live(_values, "run", "tab", default=RunValues())
    log_settled: list[LogLine] = live(
        _log_settled, "run", "tab", "log_text", "level", "before", keep=True
    )
    log_tail: Logs = live(
        _log_tail, "run", "tab", "log_text", "level", "before", default=Logs(), keep=True
    )
    events: list[EventLine] = live(_events, "run", "tab")
    audits: list[AuditLine] = live(_audits, "run", "tab")


class RunWholeState(_Address, rx.State):
    """Values that a person wants to see whole: ``whole`` is that of ``of``."""

    of: str = ""
    whole: str = ""
    said: str = ""

    @rx.event
    async def show(self, of: str, step: str, what: str):
        """Read a value whole: of a step, or of the run itself. ``of`` names it on the page."""
        await self._read(of, self._value(step, what))

    @rx.event
    async def raw(self, of: str):
        """Read the beginning of the file that holds all of the run."""
        await self._read(of, self._raw())

    @rx.event
    def hide(self):
        """Show nothing whole any more."""
        self.of = self.whole = self.said = ""

    async def _raw(self) -> str:
        return await (await acting(self)).operations.details.raw(self.run)

    async def _value(self, step: str, what: str) -> str:
        known: dict[str, Literal["input", "result"]] = {"input": "input", "result": "result"}
        details = (await acting(self)).operations.details
        return await details.whole(
            self.run, known.get(what, "input"), step=step if isinstance(step, str) else ""
        )

    async def _read(self, of: object, reading: object) -> None:
        self.of, self.whole, self.said = of if isinstance(of, str) else "", "", ""
        try:
            self.whole = await reading  # type: ignore[misc]
        except AgentChatError as error:
            self.said = str(error)
