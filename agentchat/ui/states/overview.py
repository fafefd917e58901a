"""The whole at a glance, live: what runs, what came of it, and whether the processes are well."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import reflex as rx

from agentchat.chat import AgentChat
from agentchat.errors import AgentChatError, InvalidInput
from agentchat.operations.overview_views import NowView, PastView, StorageView
from agentchat.ui import words
from agentchat.ui.live import LiveState, live
from agentchat.ui.visits import acting

logger = logging.getLogger(__name__)

RANGES = {"1h": 1.0, "24h": 24.0, "7d": 168.0, "30d": 720.0}
"""How long one looks back, in hours, by the word in the address."""
USUAL = "24h"


@dataclass(frozen=True)
class Done:
    """What came of the attempt of this number: nothing in ``words`` if it was done."""

    attempt: int = 0
    words: str = ""


async def _now(chat: AgentChat) -> AsyncGenerator[NowView, None]:
    async with aclosing(chat.operations.overview.follow_now()) as views:
        async for view in views:
            yield view


async def _past(chat: AgentChat, hours: float) -> AsyncGenerator[PastView, None]:
    async with aclosing(chat.operations.overview.follow_past(hours)) as views:
        async for view in views:
            yield view


async def _storage(chat: AgentChat) -> AsyncGenerator[StorageView, None]:
    async with aclosing(chat.operations.overview.follow_storage()) as views:
        async for view in views:
            yield view


class OverviewState(LiveState):
    """The page of one tab. ``done`` is what came of the last thing that was done on it."""

    now: NowView = live(_now, default=NowView())
    past: PastView = live(_past, "hours", default=PastView(), keep=True)
    storage: StorageView = live(_storage, default=StorageView())
    done: Done = Done()

    @property
    def hours(self) -> float:
        """How long the address looks back."""
        wish = self.router.url.query_parameters.get("range")
        return RANGES.get(wish if isinstance(wish, str) else USUAL, RANGES[USUAL])

    @rx.event
    async def pause(self, workflow: str, attempt: int):
        """Let no run of a workflow begin."""
        await self._do(attempt, lambda runs: runs.pause_workflow(_name(workflow)))

    @rx.event
    async def resume(self, workflow: str, attempt: int):
        """Let the runs of a workflow go on."""
        await self._do(attempt, lambda runs: runs.resume_workflow(_name(workflow)))

    @rx.event
    async def resume_run(self, run_id: str, attempt: int):
        """Try whether a run that was held fits the code."""
        await self._do(attempt, lambda runs: runs.resume(_name(run_id)))

    async def _do(self, attempt: int, verb: Callable[[Any], Awaitable[None]]) -> None:
        number = attempt if isinstance(attempt, int) else 0
        try:
            await verb((await acting(self)).runs)
        except AgentChatError as error:
            self.done = Done(number, str(error))
        except Exception:
            logger.exception("Something could not be done from the overview")
            self.done = Done(number, words.WENT_WRONG)
        else:
            self.done = Done(number)


def _name(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 200:
        raise InvalidInput(words.NOT_TEXT)
    return value
