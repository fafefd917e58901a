"""One thread: what it holds, and what a person may do in it."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any

import reflex as rx

from agentchat.chat import AgentChat
from agentchat.errors import AgentChatError, NotAllowed, ThreadNotFound
from agentchat.ui import words
from agentchat.ui.following import tab_is_gone
from agentchat.ui.growth import Piece, Tail, without_text
from agentchat.ui.spans import Gap, Span, cut
from agentchat.ui.states.notice import NoticeState
from agentchat.ui.visits import acting, as_seen_by, token_of
from agentchat.views import MessageView, ThreadView

logger = logging.getLogger(__name__)

MOST_REFUSED = 20
_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_THREAD = re.compile(r"/t/([A-Za-z0-9_-]{1,64})/?")
_USUAL = Span()
_MENTION = re.compile(r"\s*@([A-Za-z][\w-]*)")


@dataclass(frozen=True)
class Refusal:
    """Why the server did not take a message, and which attempt that answers."""

    attempt: int
    words: str


class ThreadState(rx.State):
    """The thread on the page.

    ``shown`` names the thread the other vars are about: right after a navigation it is still
    the one before, and the page shows neither. Each var is sent whole when it changes, so
    what changes seldom (``older``), with each message (``settled``) and with each sentence
    (``tail``) is apart; ``live`` holds what waits or grows, whose text comes in ``tail``.
    ``far`` are messages from further back, between which and the others there is a ``gap``;
    ``back`` is the address at which the page shows more of what comes before all of these.
    ``others`` are the answers at the places of these that are not kept, which may grow, too.
    ``agent`` is who was picked to answer, ``model`` by which model, ``second`` what a message does
    while one is being answered, ``parent`` the thread that a sub-agent's thread belongs to.
    ``role`` is what the person who looks is in the thread: viewer, member or owner.
    """

    shown: str = ""
    title: str = ""
    far: list[MessageView] = []
    older: list[MessageView] = []
    settled: list[MessageView] = []
    live: list[MessageView] = []
    tail: list[Piece] = []
    others: list[MessageView] = []
    gap: Gap = Gap()
    back: str = ""
    missing: bool = False
    agent: str = ""
    model: str = ""
    second: str = "queue"
    parent: str = ""
    role: str = "owner"
    accepted: str = ""
    refused: dict[str, Refusal] = {}
    _missed: bool = False

    @rx.event(background=True, supersedes=True)
    async def follow(self):
        """Show the thread of the address as it changes, as long as the page is open."""
        async with self:
            thread_id = self.thread_id  # type: ignore[attr-defined]  # the route's own var
            asked = self.router.url.query_parameters
            span = Span.asked(asked.get("messages"), asked.get("from"), asked.get("to"))
            shown: dict[str, Any] = {}
            token = token_of(self)
            if self.shown != thread_id:
                self._show(ThreadView(thread_id, ""), shown)
        if not thread_id or tab_is_gone():
            return
        # One that is deleted, or not shared any more, is shown again once it is had back.
        while await _is_gone(self, thread_id, span, token, shown):
            async with self:
                self._show(ThreadView(thread_id, ""), shown, missing=True)
            there = partial(_access, thread_id=thread_id)
            try:
                async with aclosing(as_seen_by(token, there)) as found:
                    while not await anext(found):
                        pass
            except (StopAsyncIteration, NotAllowed):
                return
            if tab_is_gone():
                return

    def _show(
        self,
        view: ThreadView,
        shown: dict[str, Any],
        *,
        span: Span = _USUAL,
        tail: Sequence[Piece] = (),
        missing: bool = False,
    ) -> None:
        """Take over what differs; an assigned var is sent even if it is equal. ``shown`` is
        what this following has shown so far: asking the state is slow.

        Of another thread everything is sent: this state may be a new one, made after the old
        expired, and then it knows nothing of what the page still shows.
        """
        another = not shown and self.shown != view.id
        parts = cut(view, span)
        for name, value in (
            ("title", view.title),
            ("far", [without_text(message) for message in parts.far]),
            ("older", parts.older),
            ("settled", parts.recent),
            ("tail", list(tail)),
            ("live", [without_text(message) for message in view.live]),
            ("others", [without_text(message) for message in parts.others]),
            ("gap", parts.gap),
            ("back", parts.back.address if parts.back else ""),
            ("missing", missing),
            ("agent", view.agent),
            ("model", view.model),
            ("second", view.second_message),
            ("parent", view.parent_id),
            ("role", view.role),
            ("shown", view.id),
        ):
            if another or (shown[name] if name in shown else getattr(self, name)) != value:
                setattr(self, name, value)
            shown[name] = value

    @rx.event
    async def send(
        self,
        thread_id: str,
        message_id: str,
        text: str,
        create: bool,
        attempt: int,
        agent: str = "",
        files: list[str] | None = None,
        model: str = "",
    ):
        """Post a message under the id the page made, with files that were uploaded for it; the
        answer arrives through `follow`.

        A thread that it makes is given the ``agent`` and the ``model`` that were picked for it.
        """
        try:
            chat = await acting(self)
            await chat.send_message(
                thread_id,
                text,
                message_id=message_id,
                create_thread=create,
                agent="" if _mentions_an_agent(chat, text) else str(agent),
                model=str(model) if create else "",
                uploads=() if files is None else files,
            )
            if create and agent:
                await chat.choose_agent(thread_id, str(agent))
        except AgentChatError as error:
            _refuse(self.refused, message_id, Refusal(attempt, str(error)))
        except Exception:
            # Whatever happened, the person must not be left with "Sending".
            logger.exception("A message could not be sent")
            _refuse(self.refused, message_id, Refusal(attempt, words.SOMETHING_WRONG))
        else:
            self.accepted = message_id
            if message_id in self.refused:
                del self.refused[message_id]

    @rx.event
    async def catch_up(self):
        """Send growing texts whole: the page has missed a piece of one."""
        self._missed = True
        try:
            chat = await acting(self)
            async with aclosing(chat.follow(self.shown)) as views:
                view = await anext(views)
        except AgentChatError:
            return
        tail = fresh_tail()
        tail.grow((*view.far, *view.live, *view.others))
        self.tail = tail.pieces

    @rx.event
    async def choose_agent(self, thread_id: str, agent: str):
        """Let this agent answer in a thread from now on; empty for whoever fits."""
        try:
            await (await acting(self)).choose_agent(thread_id, str(agent))
        except AgentChatError as error:
            return NoticeState.say(str(error))

    @rx.event
    async def choose_model(self, thread_id: str, model: str):
        """Let this model answer in a thread from now on; empty for the agents' own."""
        try:
            await (await acting(self)).choose_model(thread_id, str(model))
        except AgentChatError as error:
            return NoticeState.say(str(error))

    @rx.event
    async def choose_second(self, thread_id: str, second: str):
        """Say what a message does that is sent while the thread is being answered."""
        try:
            await (await acting(self)).choose_second_message(thread_id, str(second))
        except AgentChatError as error:
            return NoticeState.say(str(error))

    @rx.event
    async def stop(self, thread_id: str):
        """Stop every answer that waits or grows in a thread."""
        try:
            await (await acting(self)).stop(thread_id)
        except AgentChatError as error:
            return NoticeState.say(str(error))

    @rx.event
    async def retry(self, message_id: str):
        """Ask again for a failed or stopped answer."""
        try:
            await (await acting(self)).retry(message_id)
        except AgentChatError as error:
            return NoticeState.say(str(error))

    @rx.event
    async def regenerate(
        self, message_id: str, new_id: str, agent: str = "", model: str | None = None
    ):
        """Ask for an answer once more, beside the one that is there; of this agent, if named, by
        this model, or without one by that of the thread.
        """
        try:
            chat = await acting(self)
            await chat.regenerate(message_id, new_id=new_id, agent=str(agent), model=model)
        except AgentChatError as error:
            return NoticeState.say(str(error))

    @rx.event
    async def keep(self, message_id: str):
        """Let this be the answer at its place."""
        try:
            await (await acting(self)).keep(message_id)
        except AgentChatError as error:
            return NoticeState.say(str(error))

    @rx.event
    async def stop_one(self, run_id: str):
        """Stop one of several answers."""
        try:
            await (await acting(self)).runs.cancel(run_id)
        except AgentChatError as error:
            return NoticeState.say(str(error))


async def _is_gone(
    state: Any, thread_id: str, span: Span, token: str, shown: dict[str, Any]
) -> bool:
    """Show a thread for as long as it is there, or the page is; whether it was the thread that
    ended.
    """
    tail = fresh_tail()
    try:
        follow = partial(_follow, thread_id=thread_id, span=span)
        async with aclosing(as_seen_by(token, follow)) as views:
            async for view in views:
                async with state:
                    if state._missed:
                        state._missed, tail = False, fresh_tail()
                    tail.grow((*view.far, *view.live, *view.others))
                    state._show(view, shown, span=span, tail=tail.pieces)
                if tab_is_gone():
                    return False
    except (ThreadNotFound, NotAllowed):
        return True
    return False


def _follow(chat: AgentChat, *, thread_id: str, span: Span) -> AsyncGenerator[ThreadView, None]:
    return chat.follow(thread_id, window=span.window, far=span.far)


def _access(chat: AgentChat, *, thread_id: str) -> AsyncGenerator[bool, None]:
    return chat.follow_access(thread_id)


def _mentions_an_agent(chat: AgentChat, text: str) -> bool:
    """Whether a message says itself whom it is for, which counts more than who was picked."""
    # Anybody may send anything.
    found = _MENTION.match(text) if isinstance(text, str) else None
    return found is not None and found[1].lower() in {one.name for one in chat.agents()}


def _refuse(refused: dict[str, Refusal], message_id: str, refusal: Refusal) -> None:
    """Keep a refusal. Anybody may call `send` with anything, so within reason."""
    if not isinstance(message_id, str) or not _ID.fullmatch(message_id):
        return
    if message_id not in refused and len(refused) >= MOST_REFUSED:
        del refused[next(iter(refused))]
    refused[message_id] = refusal


def thread_of(path: str) -> str:
    """The thread that an address names, empty if it is of another page."""
    found = _THREAD.fullmatch(path)
    return found[1] if found else ""


def fresh_tail() -> Tail:
    """Numbered from the time in microseconds: a page gets no number twice."""
    return Tail(time.time_ns() // 1_000)
