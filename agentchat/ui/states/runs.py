"""The list of runs that the address asks for, live; saved views; actions on many runs."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

import reflex as rx

from agentchat.chat import AgentChat
from agentchat.errors import AgentChatError, InvalidInput, NotAllowed
from agentchat.operations.filters import Place, asked
from agentchat.operations.list_views import BulkView, Choices, Number, RunList, SavedViewView
from agentchat.ui import words
from agentchat.ui.live import LiveState, live
from agentchat.ui.visits import acting

logger = logging.getLogger(__name__)

MOST_IDS = 1_000
_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


@dataclass(frozen=True)
class Shown:
    """A page of the list, and the query string that it was asked for with."""

    asked: str = ""
    page: RunList = field(default_factory=RunList)
    ready: bool = False


@dataclass(frozen=True)
class Planned:
    """What an action would do, in answer to the attempt of this number; ``problem`` is why that
    could not be found out.
    """

    attempt: int = 0
    action: str = ""
    number: int = 0
    cannot: tuple[Number, ...] = ()
    more: bool = False
    problem: str = ""


async def _shown(chat: AgentChat, query: str, anchor: str) -> AsyncGenerator[Shown, None]:
    async with aclosing(chat.operations.lists.follow(query, anchor=anchor)) as pages:
        async for page in pages:
            yield Shown(query, page, True)


async def _views(chat: AgentChat) -> AsyncGenerator[tuple[SavedViewView, ...], None]:
    async with aclosing(chat.operations.lists.follow_views()) as followed:
        async for views in followed:
            yield views


async def _bulk(chat: AgentChat, bulk_id: str) -> AsyncGenerator[BulkView, None]:
    if not bulk_id:
        yield BulkView()
        return
    async with aclosing(chat.operations.lists.follow_bulk(bulk_id)) as followed:
        async for view in followed:
            yield view


class RunsState(LiveState):
    """The page of runs of one tab.

    ``held`` is the address and the place from which on the newest are shown while somebody
    reads them; ``planned`` answers what an action would do, ``view_problem`` why a view could
    not be saved.
    """

    held: str = ""
    choices: Choices = Choices()
    planned: Planned = Planned()
    view_problem: str = ""
    shown: Shown = live(_shown, "asked", "anchor", keep=True, default=Shown())
    views: list[SavedViewView] = live(_views)
    bulk: BulkView = live(_bulk, "bulk_id", default=BulkView())

    _planned: tuple[str, tuple[str, ...]] = ("", ())
    """The action that was planned last, and the runs it would change."""

    @property
    def asked(self) -> str:
        """What the address asks for."""
        return str(self.router.url.query)

    @property
    def anchor(self) -> str:
        """The place from which on the list is shown, if it is held."""
        query, _, place = self.held.rpartition("\n")
        return place if query == self.router.url.query else ""

    @property
    def bulk_id(self) -> str:
        """The action on many runs that the address names."""
        [*_, found] = ["", *parse_qs(self.router.url.query).get("bulk", [])]
        return found if _ID.fullmatch(found) else ""

    @rx.event
    async def arrive(self):
        """A page begins with the names there are to choose from."""
        self.planned, self.view_problem = Planned(), ""
        with suppress(NotAllowed):
            self.choices = await (await acting(self)).operations.lists.choices()

    @rx.event
    def hold(self):
        """Let the newest stay where they are."""
        lines = self.shown.page.lines
        if lines and self.shown.asked == self.asked and not self.anchor:
            place = Place(datetime.fromisoformat(lines[0].created), lines[0].id)
            self.held = f"{self.asked}\n{place}"

    @rx.event
    def release(self):
        """Show the newest again as they come."""
        self.held = ""

    @rx.event
    async def plan(self, action: str, run_ids: list[str], attempt: int):
        """Find out what an action would do to these runs; to all that fit, if there are none."""
        number = attempt if isinstance(attempt, int) else 0
        self._planned = ("", ())
        try:
            if not isinstance(action, str) or not isinstance(run_ids, list):
                raise InvalidInput(words.NOT_TEXT)
            which: Any = run_ids[: MOST_IDS + 1] or asked(self.asked).filter
            plan = await (await acting(self)).operations.lists.plan(action, which)
        except AgentChatError as error:
            self.planned = Planned(number, problem=str(error))
            return
        except Exception:
            logger.exception("An action on many runs could not be planned")
            self.planned = Planned(number, problem=words.WENT_WRONG)
            return
        self._planned = (plan.action, plan.ids)
        self.planned = Planned(number, plan.action, plan.number, plan.cannot, plan.more)

    @rx.event
    async def confirm(self, bulk_id: str):
        """Do what was planned, and nothing else."""
        action, run_ids = self._planned
        self._planned = ("", ())
        if not run_ids:
            return
        try:
            await (await acting(self)).operations.lists.start(action, run_ids, bulk_id=bulk_id)
        except AgentChatError as error:
            self.planned = Planned(problem=str(error))

    @rx.event
    async def save(self, name: str, query: str):
        """Keep these filters under a name."""
        await self._does(lambda lists: lists.save_view(_text(name), _text(query)))

    @rx.event
    async def rename(self, view_id: str, name: str):
        """Give a saved view another name."""
        await self._does(lambda lists: lists.rename_view(_text(view_id), _text(name)))

    @rx.event
    async def delete(self, view_id: str):
        """Take a saved view away."""
        await self._does(lambda lists: lists.delete_view(_text(view_id)))

    async def _does(self, verb: Callable[[Any], Awaitable[None]]) -> None:
        try:
            await verb((await acting(self)).operations.lists)
        except AgentChatError as error:
            self.view_problem = str(error)
        else:
            self.view_problem = ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
