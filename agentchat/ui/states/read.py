"""The thread behind a public link, as whoever comes with the link reads it."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import aclosing
from typing import Any

import reflex as rx

from agentchat.errors import AgentChatError, NotAllowed, NotFound
from agentchat.ui import words
from agentchat.ui.following import tab_is_gone
from agentchat.ui.growth import Piece, without_text
from agentchat.ui.spans import FIRST_SHOWN, MORE, Gap, Span, cut
from agentchat.ui.states.thread import fresh_tail
from agentchat.ui.visits import may_open, token_of, until, visiting
from agentchat.views import MessageView, ThreadView

logger = logging.getLogger(__name__)

_news: dict[str, asyncio.Event] = {}
"""Of each tab that reads in this process: set when something else is to be shown."""


class ReadState(rx.State):
    """A thread that anybody reads who has its link, which is behind the # of the address: the page
    hands its token over, and no var that is sent holds it.

    ``link`` is good, or none if it is good for nothing (any more); empty until that is known.
    ``problem`` is why it cannot be said. ``key`` is the name of the link, under which its files
    are, ``by`` who made it. ``own`` is where the thread is for who is logged in here, empty if it
    is not open to them. The messages are in vars as those of
    :class:`~agentchat.ui.states.thread.ThreadState`.
    """

    arrival: int = 0
    """Another at each arrival: the page hands the token over once for each."""
    link: str = ""
    problem: str = ""
    key: str = ""
    by: str = ""
    own: str = ""
    title: str = ""
    far: list[MessageView] = []
    older: list[MessageView] = []
    settled: list[MessageView] = []
    live: list[MessageView] = []
    tail: list[Piece] = []
    gap: Gap = Gap()
    more_before: bool = False
    _token: str | None = None
    _span: Span = Span()
    _back: Span | None = None
    _on: Span | None = None

    @rx.event
    def arrive(self):
        """Have the page say which link it came with."""
        # Never one of before: of a state that has expired nobody knows how far it was.
        self.arrival = time.time_ns() // 1_000_000

    @rx.event
    def look(self, token: str):
        """Read with this link from now on."""
        if token != self._token:
            self._token, self._span = token, Span()
            self._wake()

    @rx.event
    def further_back(self):
        """Show messages from before those that are shown."""
        self._look_at(self._back)

    @rx.event
    def further_on(self):
        """Show messages that come after those far back."""
        self._look_at(self._on)

    @rx.event
    def from_end(self):
        """Show the newest messages and more of what comes before them, nothing else."""
        self._look_at(Span(FIRST_SHOWN + MORE))

    def _look_at(self, span: Span | None) -> None:
        if span is not None and span != self._span:
            self._span = span
            self._wake()

    @rx.event
    def catch_up(self):
        """Send all anew: the page has missed something, or it could not be read."""
        self._wake()

    @rx.event(background=True, supersedes=True)
    async def follow(self):
        """Show the thread of the link as it changes, as long as the page is open."""
        async with self:
            tab, login = str(self.router.session.client_token), token_of(self)
        token: str | None = None
        news = _news[tab] = asyncio.Event()
        try:
            while not tab_is_gone():
                news.clear()
                async with self:
                    token = token if self._token is None else self._token
                    span = self._span
                changed = asyncio.ensure_future(news.wait())
                try:
                    if token is not None:
                        await _show(self, token, span, changed, tab=tab, login=login)
                    await changed
                finally:
                    changed.cancel()
        finally:
            if _news.get(tab) is news:
                del _news[tab]

    def _wake(self) -> None:
        if (news := _news.get(str(self.router.session.client_token))) is not None:
            news.set()

    def _take(self, shown: dict[str, Any], **values: Any) -> None:
        """Take over what differs from what was ``shown``; an assigned var is sent."""
        for name, value in values.items():
            if (shown[name] if name in shown else getattr(self, name)) != value:
                setattr(self, name, value)
            shown[name] = value


async def _show(
    state: Any, token: str, span: Span, changed: asyncio.Future[Any], *, tab: str, login: str
) -> None:
    """Show what a link opens, until something else is to be shown, or the link ends."""
    shown: dict[str, Any] = {}
    tail = fresh_tail()
    try:
        verbs, visit = await visiting(token)
        own = f"/t/{visit.thread_id}" if await may_open(login, visit.thread_id) else ""
        about = {"link": "good", "key": visit.link_id, "by": visit.by, "own": own, "problem": ""}
        followed = verbs.follow(visit.thread_id, window=span.window, far=span.far)
        async with (
            verbs.presence.here(visit.thread_id, tab),
            aclosing(followed),
            aclosing(until(changed, followed)) as views,
        ):
            async for view in views:
                tail.grow((*view.far, *view.live))
                async with state:
                    state._take(shown, **about, **_vars(view, span), tail=tail.pieces)
                if tab_is_gone():
                    return
    except (NotFound, NotAllowed):
        async with state:
            state._take(shown, **_NOTHING | {"link": "none"})
    except Exception as error:
        known = isinstance(error, AgentChatError)
        if not known:
            logger.exception("What a public link opens could not be read")
        async with state:
            problem = str(error) if known else words.WENT_WRONG
            state._take(shown, **_NOTHING | {"problem": problem})


def _vars(view: ThreadView, span: Span) -> dict[str, Any]:
    parts = cut(view, span)
    return {
        "title": view.title,
        "far": [without_text(one) for one in parts.far],
        "older": parts.older,
        "settled": parts.recent,
        "live": [without_text(one) for one in view.live],
        "gap": parts.gap,
        "more_before": parts.back is not None,
        "_back": parts.back,
        "_on": parts.on,
    }


_NOTHING: dict[str, Any] = {
    **_vars(ThreadView("", ""), Span()),
    **{"tail": [], "key": "", "by": "", "own": "", "problem": "", "link": ""},
}
