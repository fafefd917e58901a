"""What is in force in the app: its models and their tests, its limits, what it keeps."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

import reflex as rx

from agentchat.chat import AgentChat
from agentchat.configuration.views import (
    KeptLine,
    LimitLine,
    ModelLine,
    StoredView,
    TrialView,
)
from agentchat.errors import AgentChatError, InvalidInput
from agentchat.ui import words, words_settings
from agentchat.ui.live import LiveState, live
from agentchat.ui.states.account import Acted, refused
from agentchat.ui.visits import acting, who_acts

logger = logging.getLogger(__name__)

MOST_KEY = 100


def looks_after(chat: AgentChat) -> bool:
    """Whether who looks at a page looks after the app."""
    return chat.open_to_all or who_acts(chat).admin


async def _models(chat: AgentChat) -> AsyncGenerator[tuple[ModelLine, ...], None]:
    if not looks_after(chat):
        yield ()
        return
    async with aclosing(chat.configuration.follow_models()) as followed:
        async for lines in followed:
            yield lines


async def _limits(chat: AgentChat) -> AsyncGenerator[tuple[LimitLine, ...], None]:
    async with aclosing(chat.configuration.follow_limits()) as followed:
        async for lines in followed:
            yield lines


async def _kept(chat: AgentChat) -> AsyncGenerator[tuple[KeptLine, ...], None]:
    yield chat.configuration.kept()


async def _stored(chat: AgentChat) -> AsyncGenerator[StoredView, None]:
    if not looks_after(chat):
        yield StoredView()
        return
    async with aclosing(chat.configuration.follow_stored()) as followed:
        async for view in followed:
            yield view


class ModelsState(LiveState):
    """The models of the app, for those who look after it. ``tried`` is what came of the last test,
    in answer to the attempt of the number in ``acted``.
    """

    models: list[ModelLine] = live(_models)
    tried: TrialView = TrialView()
    acted: Acted = Acted()

    @rx.event
    def arrive(self):
        """A page begins as if nothing had been tested."""
        self.tried, self.acted = TrialView(), Acted(self.acted.attempt)

    # It may take half a minute, in which the page is to go on.
    @rx.event(background=True)
    async def test(self, key: str, attempt: int):
        """Ask a model whether it answers."""
        async with self:
            number = attempt if isinstance(attempt, int) else 0
            try:
                verbs = await acting(self)
            except AgentChatError as error:
                self.acted = refused(number, error)
                return
        try:
            if not isinstance(key, str) or not 0 < len(key) <= MOST_KEY:
                raise InvalidInput(words.NOT_TEXT)
            found, acted = await verbs.configuration.test(key), Acted(number)
        except Exception as error:
            found, acted = TrialView(), refused(number, error)
        async with self:
            self.tried, self.acted = found, acted


class LimitsState(LiveState):
    """The limits that are in force, with what this person has used."""

    limits: list[LimitLine] = live(_limits)


class RetentionState(LiveState):
    """What is kept for how long; for those who look after the app, how much there is."""

    kept: list[KeptLine] = live(_kept)
    stored: StoredView = live(_stored, default=StoredView())
    acted: Acted = Acted()

    @rx.event
    def arrive(self):
        """A page begins as if nothing had been done."""
        self.acted = Acted(self.acted.attempt)

    @rx.event(background=True)
    async def sweep(self, attempt: int):
        """Remove now what need not be kept."""
        async with self:
            number = attempt if isinstance(attempt, int) else 0
            try:
                verbs = await acting(self)
            except AgentChatError as error:
                self.acted = refused(number, error)
                return
        try:
            swept = await verbs.configuration.sweep()
            acted = Acted(number, _swept(swept.runs))
        except Exception as error:
            acted = refused(number, error)
        async with self:
            self.acted = acted


def _swept(runs: int) -> str:
    if runs < 2:
        return words_settings.SWEPT_ONE if runs else words_settings.SWEPT_NONE
    return words_settings.SWEPT.format(number=f"{runs:,}")
