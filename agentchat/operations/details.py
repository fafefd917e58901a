"""One run in all detail: ``chat.operations.details``."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Literal

from agentchat.durable.clock import Clock
from agentchat.durable.runs import Runs
from agentchat.errors import InvalidInput
from agentchat.guard import Guard
from agentchat.inputs import checked_id, storable
from agentchat.models import StepStatus
from agentchat.operations import detail_reads
from agentchat.operations.detail_reads import LEVELS, Asker
from agentchat.operations.detail_views import (
    AuditLine,
    EventLine,
    Logs,
    Nested,
    RunHead,
    RunValues,
    StepDetail,
    Strip,
    Timeline,
)
from agentchat.operations.exported import exported
from agentchat.store import audits, run_details
from agentchat.store.audits import Entry
from agentchat.store.database import Database
from agentchat.store.run_details import Wanted
from agentchat.views import LOCAL, Actor

MOST_OPENED = 8
MOST_RAW = 60_000
_STATUSES: dict[str, tuple[StepStatus, ...]] = {
    "failed": (StepStatus.FAILED,),
    "open": run_details.OPEN_STEP,
    "done": (StepStatus.DONE,),
    "dropped": (StepStatus.DROPPED,),
}
STATUSES = ("", *_STATUSES, "retried")
"""What steps can be filtered by."""


class RunDetails:
    """What the page of a run shows. Every verb raises :class:`~agentchat.errors.RunNotFound`, and
    :class:`~agentchat.errors.NotAllowed` for a run that is about what another person said.

    What is followed comes at most twice a second, and never more than a window of it, so that a
    run of thousands of steps takes about as long as a short one.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        guard: Guard,
        runs: Runs,
    ) -> None:
        self._database = database
        self._clock = clock
        self._guard = guard
        self._runs = runs

    async def head(self, run_id: str, *, actor: Actor = LOCAL) -> RunHead:
        """What a run is, how far it is, why, and what may be done to it."""
        return await self._database.read(
            detail_reads.head_of, self._asker(actor), checked_id(run_id), self._clock, self._runs
        )

    def follow_head(self, run_id: str, *, actor: Actor = LOCAL) -> AsyncGenerator[RunHead, None]:
        """Yield :meth:`head` now and whenever it changes. If there is no such run (any more), it
        is told in ``missing``.
        """
        return self._database.live.follow(
            detail_reads.head_or_missing,
            self._asker(actor),
            checked_id(run_id),
            self._clock,
            self._runs,
        )

    async def timeline(self, run_id: str, *, actor: Actor = LOCAL, **wanted: Any) -> Timeline:
        """A window of the steps; ``wanted`` are the arguments of :meth:`follow_timeline`."""
        return await self._database.read(
            detail_reads.timeline, self._asker(actor), checked_id(run_id), *_window(**wanted)
        )

    def follow_timeline(
        self, run_id: str, *, at: int = 0, text: str = "", status: str = "", actor: Actor = LOCAL
    ) -> AsyncGenerator[Timeline, None]:
        """Yield a window of the steps now and whenever it changes: the newest, or those from the
        one with the id ``at`` on, or those before the one with the id ``-at``.

        Only those whose name holds ``text``; ``status`` is failed, open, done, dropped or
        retried, empty for all. Raises InvalidInput.
        """
        return self._database.live.follow(
            detail_reads.timeline,
            self._asker(actor),
            checked_id(run_id),
            *_window(at, text, status),
        )

    def follow_strip(self, run_id: str, *, actor: Actor = LOCAL) -> AsyncGenerator[Strip, None]:
        """Yield how many steps began when, now and whenever that changes."""
        return self._database.live.follow(
            detail_reads.strip, self._asker(actor), checked_id(run_id)
        )

    async def strip(self, run_id: str, *, actor: Actor = LOCAL) -> Strip:
        """How many steps began when."""
        return await self._database.read(detail_reads.strip, self._asker(actor), checked_id(run_id))

    def follow_nested(
        self, run_ids: tuple[str, ...], *, actor: Actor = LOCAL
    ) -> AsyncGenerator[tuple[Nested, ...], None]:
        """Yield the beginnings of the timelines of these runs, now and whenever they change."""
        ids = tuple(checked_id(run_id) for run_id in run_ids[:MOST_OPENED])
        return self._database.live.follow(detail_reads.nested, self._asker(actor), ids)

    def follow_step(
        self, run_id: str, key: str, *, actor: Actor = LOCAL
    ) -> AsyncGenerator[StepDetail, None]:
        """Yield one step in all detail, now and whenever it changes."""
        return self._database.live.follow(
            detail_reads.step, self._asker(actor), checked_id(run_id), storable(key)[:1_000]
        )

    async def step(self, run_id: str, key: str, *, actor: Actor = LOCAL) -> StepDetail:
        """One step in all detail."""
        return await self._database.read(
            detail_reads.step, self._asker(actor), checked_id(run_id), storable(key)[:1_000]
        )

    def follow_values(
        self, run_id: str, *, actor: Actor = LOCAL
    ) -> AsyncGenerator[RunValues, None]:
        """Yield what a run was started with and what it returned."""
        return self._database.live.follow(
            detail_reads.values, self._asker(actor), checked_id(run_id)
        )

    async def whole(
        self,
        run_id: str,
        what: Literal["input", "result"],
        *,
        step: str = "",
        actor: Actor = LOCAL,
    ) -> str:
        """A value of a step, or of the run itself: up to 400,000 characters of its JSON."""
        return await self._database.read(
            detail_reads.whole, self._asker(actor), checked_id(run_id), storable(step)[:1_000], what
        )

    def follow_logs(
        self,
        run_id: str,
        *,
        text: str = "",
        level: str = "",
        before: int = 0,
        actor: Actor = LOCAL,
    ) -> AsyncGenerator[Logs, None]:
        """Yield the newest lines of the log, or those before the one of an id, now and whenever
        they change: lines that hold ``text``, of ``level`` and worse. Raises InvalidInput.
        """
        if level not in LEVELS:
            raise InvalidInput(f"{level!r} is none of {', '.join(LEVELS[1:])}.")
        asker, text = self._asker(actor), storable(text)[:200]
        return self._database.live.follow(
            detail_reads.logs, asker, checked_id(run_id), text, level, _number(before)
        )

    def follow_events(
        self, run_id: str, *, actor: Actor = LOCAL
    ) -> AsyncGenerator[tuple[EventLine, ...], None]:
        """Yield the newest hundred events that the run was sent, newest first."""
        return self._database.live.follow(
            detail_reads.events, self._asker(actor), checked_id(run_id)
        )

    def follow_audits(
        self, run_id: str, *, actor: Actor = LOCAL
    ) -> AsyncGenerator[tuple[AuditLine, ...], None]:
        """Yield who did what to the run, newest first; also when it has been cleaned away."""
        return self._database.live.follow(
            detail_reads.audits_of, self._asker(actor), checked_id(run_id)
        )

    async def exported(self, run_id: str, *, actor: Actor = LOCAL) -> AsyncGenerator[str, None]:
        """Yield the whole run as JSON, piece by piece: see :mod:`agentchat.operations.exported`.
        That somebody took it is written to the audits.
        """
        async with aclosing(self._pieces(run_id, actor)) as pieces:
            # Whether it is there, and may be seen, is known with the first piece.
            first = await anext(pieces)
            entry = Entry("run", run_id, "export", actor)
            await self._database.write(audits.add, entry, now=self._clock.now())
            yield first
            async for piece in pieces:
                yield piece

    def _pieces(self, run_id: str, actor: Actor) -> AsyncGenerator[str, None]:
        self._guard.person(actor)
        return exported(
            self._database.read,
            checked_id(run_id),
            Asker(actor, self._guard),
            now=self._clock.now(),
        )

    async def raw(self, run_id: str, *, actor: Actor = LOCAL) -> str:
        """The beginning of what :meth:`exported` yields, up to about 60,000 characters."""
        found, size = [], 0
        pieces = self._pieces(run_id, actor)
        try:
            async for piece in pieces:
                found.append(piece[: MOST_RAW - size])
                size += len(found[-1])
                if size >= MOST_RAW:
                    break
        finally:
            await pieces.aclose()
        return "".join(found)

    def _asker(self, actor: Actor) -> Asker:
        self._guard.person(actor)
        return Asker(actor, self._guard)


def _number(value: object, least: int = 1) -> int:
    return value if isinstance(value, int) and least <= value < 2**63 else 0


def _window(at: int = 0, text: str = "", status: str = "") -> tuple[int, Wanted]:
    if status not in STATUSES:
        raise InvalidInput(f"{status!r} is none of {', '.join(STATUSES[1:])}.")
    wanted = Wanted(storable(text)[:200], _STATUSES.get(status, ()), status == "retried")
    return _number(at, -(2**63) + 1), wanted
