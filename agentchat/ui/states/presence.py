"""Who looks at the thread on the page, and who types in it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from itertools import islice
from typing import Final

import reflex as rx

from agentchat.chat import AgentChat
from agentchat.errors import AgentChatError
from agentchat.ui.live import LiveState, live
from agentchat.ui.states.thread import thread_of
from agentchat.ui.visits import acting, who_acts
from agentchat.verbs.presence import HereView


@dataclass(frozen=True)
class Looker:
    """Somebody else who looks at the thread."""

    id: str
    name: str
    typing: bool


MOST_NAMED: Final = 20
"""How many people a page is told the names of: each of many is told all of them."""
MOST_TYPING: Final = 3
"""How many more of those who type: from there on it is several."""


@dataclass(frozen=True)
class Here:
    """Who looks at the thread but oneself: people, how many ``more``, and in how many tabs
    visitors.
    """

    people: tuple[Looker, ...] = ()
    more: int = 0
    visitors: int = 0


async def _here(chat: AgentChat, thread_id: str, tab_id: str) -> AsyncGenerator[Here, None]:
    """Be there, and see who else is, as long as this is followed."""
    if not thread_id:
        yield Here()
        return
    me = who_acts(chat).id
    async with (
        chat.presence.here(thread_id, tab_id),
        aclosing(chat.presence.follow(thread_id)) as views,
    ):
        async for view in views:
            yield _seen_by(me, view)


def _seen_by(me: str, view: HereView) -> Here:
    others = [one for one in view.people if one.id != me]
    named = others[:MOST_NAMED]
    # Whoever types is told of, however many came before.
    named += islice((one for one in others[MOST_NAMED:] if one.typing), MOST_TYPING)
    people = tuple(Looker(one.id, one.name, one.typing) for one in named)
    return Here(people, len(others) - len(people), view.visitors)


class PresenceState(LiveState):
    """Who else is in the thread on the page, in which this tab is seen while it is open."""

    here: Here = live(_here, "thread", "tab", default=Here())

    @property
    def thread(self) -> str:
        """The thread of the address, empty on other pages."""
        return thread_of(self.router.url.path)

    @property
    def tab(self) -> str:
        """What tells this tab from others."""
        return str(self.router.session.client_token)

    @rx.event
    async def typing(self, thread_id: str):
        """Say that the person behind this tab types in a thread."""
        try:
            await (await acting(self)).presence.typing(thread_id, self.tab)
        except AgentChatError:
            # What is typed is not lost by it: to send it says what is wrong.
            return
