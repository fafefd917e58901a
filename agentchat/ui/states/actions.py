"""What a person does with messages of the thread on the page, and what they think of answers."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass

import reflex as rx

from agentchat.chat import AgentChat
from agentchat.errors import AgentChatError
from agentchat.ui import words, words_actions
from agentchat.ui.live import LiveState, live
from agentchat.ui.spans import around
from agentchat.ui.states.notice import NoticeState
from agentchat.ui.states.thread import thread_of
from agentchat.ui.visits import acting
from agentchat.verbs.ratings import RatingView
from agentchat.verbs.waiting import WaitingView

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Edited:
    """What became of an edit: ``new_id`` and ``attempt`` tell of which; no ``words`` mean that it
    was sent.
    """

    new_id: str = ""
    attempt: int = 0
    words: str = ""


@dataclass(frozen=True)
class Found:
    """Where a message is that an address names: the ``span`` of an address that shows it."""

    message: str = ""
    span: str = ""


async def _mine(chat: AgentChat, thread_id: str) -> AsyncGenerator[tuple[RatingView, ...], None]:
    if not thread_id:
        yield ()
        return
    async with aclosing(chat.follow_ratings(thread_id)) as views:
        async for view in views:
            yield view


async def _line(chat: AgentChat, thread_id: str) -> AsyncGenerator[WaitingView, None]:
    if not thread_id:
        yield WaitingView()
        return
    async with aclosing(chat.follow_waiting(thread_id)) as views:
        async for view in views:
            yield view


class ActionsState(LiveState):
    """What is done with messages. ``ratings`` are what this person thinks of answers; ``line`` is
    what waits to be answered, and what was taken back of what they said.
    """

    edited: Edited = Edited()
    found: Found = Found()
    ratings: tuple[RatingView, ...] = live(_mine, "thread", default=())
    line: WaitingView = live(_line, "thread", default=WaitingView())

    @property
    def thread(self) -> str:
        """The thread on the page, empty for none."""
        return thread_of(self.router.url.path)

    @rx.event
    async def edit(
        self, message_id: str, text: str, new_id: str, attempt: int, waiting: bool = False
    ):
        """Say something else instead of a message, under the id the page made for it; in one that
        is ``waiting``, at its place.
        """
        problem = ""
        try:
            chat = await acting(self)
            if waiting:
                await chat.edit_waiting(message_id, text)
            else:
                await chat.edit_message(message_id, text, new_id=new_id)
        except AgentChatError as error:
            problem = str(error)
        except Exception:
            # Whatever happened, the person must not be left with "Sending".
            logger.exception("A message could not be edited")
            problem = words.SOMETHING_WRONG
        self.edited = Edited(str(new_id)[:64], attempt if isinstance(attempt, int) else 0, problem)

    @rx.event
    async def take_back(self, message_id: str):
        """Withdraw a message that waits; its words come by ``line``."""
        try:
            await (await acting(self)).take_back(message_id)
        except AgentChatError as error:
            return NoticeState.say(str(error))

    @rx.event
    async def send_now(self, message_id: str):
        """Let a message that waits join the answer that is being written."""
        try:
            await (await acting(self)).send_now(message_id)
        except AgentChatError as error:
            return NoticeState.say(str(error))

    @rx.event
    async def collect(self, message_id: str):
        """The page has the words of a message that was taken back; another tab may have, too."""
        with suppress(AgentChatError):
            await (await acting(self)).collect(message_id)

    @rx.event
    async def show_branch(self, thread_id: str, branch: int):
        """Show another version of a message, and what came after that."""
        try:
            await (await acting(self)).show_branch(thread_id, branch)
        except AgentChatError as error:
            return NoticeState.say(str(error))

    @rx.event
    async def rate(self, message_id: str, good: bool | None, reason: str = ""):
        """Say what one thinks of an answer; None takes it back."""
        try:
            await (await acting(self)).rate(message_id, good, reason)
        except AgentChatError as error:
            return NoticeState.say(str(error))

    @rx.event
    async def fork(self, message_id: str, new_id: str):
        """Begin a thread of one's own with what is shown up to a message, and go there."""
        try:
            made = await (await acting(self)).fork_thread(message_id, new_id=new_id)
        except AgentChatError as error:
            return NoticeState.say(str(error))
        return rx.redirect(f"/t/{made.id}")

    @rx.event
    async def go_on(self, message_id: str):
        """Have an answer go on that was cut off."""
        try:
            await (await acting(self)).continue_answer(message_id)
        except AgentChatError as error:
            return NoticeState.say(str(error))

    @rx.event
    async def find(self, message_id: str):
        """Find out where a message is that is not on the page."""
        self.found = Found()
        try:
            place = await (await acting(self)).place_of(message_id)
        except AgentChatError:
            return NoticeState.say(words_actions.GONE)
        if not place.shown or place.thread_id != self.thread:
            return NoticeState.say(words_actions.NOT_SHOWN)
        self.found = Found(message_id, around(place.position, place.after).address)
