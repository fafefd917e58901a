"""The lists of threads, live in every tab."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

import reflex as rx

from agentchat.chat import AgentChat
from agentchat.errors import AgentChatError, InvalidInput
from agentchat.ui import words
from agentchat.ui.live import LiveState, live
from agentchat.ui.states.notice import NoticeState
from agentchat.ui.thread_lines import (
    ListChange,
    Sent,
    ThreadLine,
    line_of,
    named,
    place_of,
    window_of,
)
from agentchat.ui.visits import acting

PAGE = 150
"""How many threads a list shows at its front, and as many where somebody has scrolled to."""
LISTED = 100
"""How many the pages of archived and deleted threads show at a time."""
MOST_NAMED = 100
"""How long the name of a place in a list may be."""


async def _changes(chat: AgentChat, after: str, missed: int) -> AsyncGenerator[ListChange, None]:
    sent = Sent(str(missed))
    async with aclosing(chat.follow_threads(limit=PAGE + 1, after=place_of(after))) as lists:
        async for threads in lists:
            yield sent.change(window_of(threads, PAGE, after))


@dataclass(frozen=True)
class ArchivedPage:
    """Some of the archived threads: those behind a place, and whether there are more."""

    lines: tuple[ThreadLine, ...] = ()
    more: bool = False
    after: str = ""


async def _archived(chat: AgentChat, after: str) -> AsyncGenerator[ArchivedPage, None]:
    found = chat.follow_threads(archived=True, limit=LISTED + 1, after=place_of(after))
    async with aclosing(found) as lists:
        async for threads in lists:
            lines = tuple(map(line_of, threads[:LISTED]))
            yield ArchivedPage(lines, len(threads) > LISTED, after)


@dataclass(frozen=True)
class DeletedLine:
    """A deleted thread; times are ISO 8601. What comes after it is asked for with its place."""

    id: str
    title: str
    at: str
    until: str
    place: str


@dataclass(frozen=True)
class DeletedPage:
    """Some of the deleted threads: those behind a place, and whether there are more."""

    lines: tuple[DeletedLine, ...] = ()
    more: bool = False
    after: str = ""


async def _deleted(chat: AgentChat, after: str) -> AsyncGenerator[DeletedPage, None]:
    found = chat.follow_deleted(limit=LISTED + 1, after=place_of(after))
    async with aclosing(found) as lists:
        async for threads in lists:
            lines = tuple(
                DeletedLine(
                    one.id,
                    one.title,
                    one.deleted_at.isoformat(),
                    one.until.isoformat(),
                    named(one.place),
                )
                for one in threads[:LISTED]
            )
            yield DeletedPage(lines, len(threads) > LISTED, after)


@dataclass(frozen=True)
class Done:
    """What was done last that can be undone: ``action`` is delete, archive or leave (which
    cannot). ``number`` is that of the attempt, which the page made.
    """

    number: int = 0
    action: str = ""
    thread: str = ""
    undo: bool = False


class ThreadsState(LiveState):
    """What the sidebar shows. ``change`` is sent for each change, and put together by the page;
    one that it cannot use, it has ``missed``.
    """

    after: str = ""
    missed: int = 0
    change: ListChange = live(_changes, "after", "missed", default=ListChange(), keep=True)
    done: Done = Done()

    @rx.event
    def look(self, after: str):
        """Show what is behind a place besides the front, or with none the front alone."""
        self.after = _place(after)

    @rx.event
    def miss(self):
        """Send the whole list anew: the page has missed a change."""
        self.missed += 1

    @rx.event
    async def rename(self, thread_id: str, title: str):
        """Give a thread another title; every tab sees it through its list."""
        try:
            await (await acting(self)).rename_thread(thread_id, title)
        except AgentChatError as error:
            return NoticeState.say(str(error))
        return NoticeState.dismiss

    @rx.event
    async def mark(self, action: str, thread_id: str, folder: str):
        """Do something to a thread that only this person sees."""
        try:
            await _mark(await acting(self), str(action), thread_id, folder)
        except AgentChatError as error:
            # The page says by itself what is read, also of a thread that is not there.
            return None if action == "read" else NoticeState.say(str(error))

    @rx.event
    async def put_away(self, action: str, thread_id: str, number: int):
        """Delete, archive or leave a thread, and offer to undo it."""
        try:
            verbs = await acting(self)
            undo = await _put_away(verbs, str(action), thread_id)
        except AgentChatError as error:
            self.done = Done(number)
            return NoticeState.say(str(error))
        self.done = Done(number, action, thread_id, undo)
        return NoticeState.dismiss

    @rx.event
    async def bring_back(self, action: str, thread_id: str):
        """Undo that a thread was deleted or archived."""
        try:
            verbs = await acting(self)
            if action == "archive":
                await verbs.archive_thread(thread_id, False)
            else:
                await verbs.restore_thread(thread_id)
        except AgentChatError as error:
            return NoticeState.say(str(error))
        return NoticeState.dismiss


async def _mark(verbs: AgentChat, action: str, thread_id: str, folder: str) -> None:
    if action in ("pin", "unpin"):
        await verbs.pin_thread(thread_id, action == "pin")
    elif action in ("read", "unread"):
        await verbs.read_thread(thread_id, action == "read")
    elif action == "move":
        await verbs.move_thread(thread_id, folder)
    else:
        raise InvalidInput(words.NOT_TEXT)


async def _put_away(verbs: AgentChat, action: str, thread_id: str) -> bool:
    """Whether it can be undone."""
    if action == "archive":
        await verbs.archive_thread(thread_id)
    elif action == "delete":
        await verbs.delete_thread(thread_id)
        return bool(verbs.settings and verbs.settings.deleted_days)
    elif action == "leave":
        await verbs.sharing.leave(thread_id)
        return False
    else:
        raise InvalidInput(words.NOT_TEXT)
    return True


class ArchiveState(LiveState):
    """The page of archived threads."""

    after: str = ""
    page: ArchivedPage = live(_archived, "after", default=ArchivedPage(), keep=True)

    @rx.event
    def look(self, after: str):
        """Show what is behind a place, or with none the first."""
        self.after = _place(after)


class DeletedState(LiveState):
    """The page of deleted threads that can be had back."""

    after: str = ""
    page: DeletedPage = live(_deleted, "after", default=DeletedPage(), keep=True)

    @rx.event
    def look(self, after: str):
        """Show what is behind a place, or with none the first."""
        self.after = _place(after)

    @rx.event
    async def empty(self, thread_id: str):
        """Remove a deleted thread for good."""
        try:
            await (await acting(self)).empty_thread(thread_id)
        except AgentChatError as error:
            return NoticeState.say(str(error))
        return NoticeState.dismiss


def _place(name: object) -> str:
    # Anybody may send anything.
    return name if isinstance(name, str) and len(name) <= MOST_NAMED and place_of(name) else ""
