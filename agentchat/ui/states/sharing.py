"""With whom the thread on the page is shared, and the links that lead into it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import reflex as rx

from agentchat.chat import AgentChat
from agentchat.errors import InvalidInput, NotFound
from agentchat.ui import words, words_sharing
from agentchat.ui.live import LiveState, live
from agentchat.ui.states.account import Acted, refused
from agentchat.ui.states.thread import thread_of
from agentchat.ui.visits import acting, public_links, who_acts


@dataclass(frozen=True)
class MemberLine:
    """Somebody who may see the thread; ``me`` is who looks at it. ``since`` is ISO 8601."""

    id: str
    name: str
    role: str
    since: str
    active: bool
    me: bool


@dataclass(frozen=True)
class ShareLine:
    """A link into the thread, good until a time (ISO 8601), for ever if that is empty."""

    id: str
    role: str
    public: bool
    by: str
    created_at: str
    expires_at: str


async def _members(chat: AgentChat, thread_id: str) -> AsyncGenerator[tuple[MemberLine, ...], None]:
    if chat.open_to_all or not thread_id:
        yield ()
        return
    me = who_acts(chat).id
    async with aclosing(chat.sharing.follow_members(thread_id)) as lists:
        async for members in lists:
            yield tuple(
                MemberLine(
                    one.id, one.name, one.role, one.since.isoformat(), one.active, one.id == me
                )
                for one in members
            )


async def _links(
    chat: AgentChat, thread_id: str, members: tuple[MemberLine, ...]
) -> AsyncGenerator[tuple[ShareLine, ...], None]:
    owns = who_acts(chat).admin or any(one.me and one.role == "owner" for one in members)
    if chat.open_to_all or not thread_id or not members or not owns:
        yield ()
        return
    async with aclosing(chat.sharing.follow_links(thread_id)) as lists:
        async for links in lists:
            yield tuple(
                ShareLine(
                    one.id,
                    one.role,
                    one.public,
                    one.by,
                    one.created_at.isoformat(),
                    one.expires_at.isoformat() if one.expires_at else "",
                )
                for one in links
            )


class SharingState(LiveState):
    """People and links of the thread on the page; nothing where everybody may do everything, and
    no links for whom they are not. What came of the last attempt: ``added`` of one to add
    somebody, ``acted`` of one to change a member, ``linked`` of one about links, whose ``link`` is
    the path of one that was made, with the token behind its #. ``public_links`` says whether there
    are links with which anybody reads.
    """

    members: list[MemberLine] = live(_members, "thread")
    links: list[ShareLine] = live(_links, "thread", "members", keep=True)
    added: Acted = Acted()
    acted: Acted = Acted()
    linked: Acted = Acted()
    public_links: bool = False

    @property
    def thread(self) -> str:
        """The thread of the address, empty on other pages."""
        return thread_of(self.router.url.path)

    @rx.event
    def arrive(self):
        """A page begins as if nothing had been done."""
        self.added, self.acted = Acted(self.added.attempt), Acted(self.acted.attempt)
        self.linked = Acted(self.linked.attempt)
        self.public_links = public_links()

    @rx.event
    def hide_link(self):
        """A link that was shown is shown no more."""
        # That the attempt was answered stays true.
        self.linked = Acted(self.linked.attempt)

    @rx.event
    async def add(self, thread_id: str, who: str, role: str, attempt: int):
        """Share the thread with somebody."""
        try:
            verbs = (await acting(self)).sharing
            await verbs.add(thread_id, who.strip(), role)
        except Exception as error:
            self.added = refused(attempt, error)
        else:
            self.added = Acted(attempt, words_sharing.ADDED)

    @rx.event
    async def act(self, action: str, thread_id: str, subject: str, attempt: int):
        """Do something to a member, or leave; the verbs say who may."""
        try:
            verbs = (await acting(self)).sharing
            said = await _act(verbs, action, thread_id, subject)
        except Exception as error:
            self.acted = refused(attempt, error)
        else:
            self.acted = Acted(attempt, said)
            if action == "leave":
                return rx.redirect("/")
        return None

    @rx.event
    async def make_link(self, thread_id: str, role: str, hours: float, attempt: int):
        """Make a link that is good for so many hours, for ever if there are none; a ``public`` one
        is a role of its own here.
        """
        public = role == "public"
        path = words_sharing.READ_PATH if public else words_sharing.JOIN_PATH
        try:
            verbs = (await acting(self)).sharing
            token = await verbs.make_link(
                thread_id, "viewer" if public else role, public, hours or None
            )
        except Exception as error:
            self.linked = refused(attempt, error)
        else:
            self.linked = Acted(attempt, words_sharing.MADE, link=f"{path}#{token}")

    @rx.event
    async def revoke_link(self, thread_id: str, link_id: str, attempt: int):
        """Make a link good for nothing."""
        try:
            await (await acting(self)).sharing.revoke_link(thread_id, link_id)
        except Exception as error:
            self.linked = refused(attempt, error)
        else:
            self.linked = Acted(attempt, words_sharing.REVOKED)


async def _act(verbs: Any, action: str, thread_id: str, subject: str) -> str:
    if action in ("viewer", "member"):
        await verbs.change_role(thread_id, subject, action)
    elif action == "remove":
        await verbs.remove(thread_id, subject)
    elif action == "owner":
        await verbs.hand_over(thread_id, subject)
    elif action == "leave":
        await verbs.leave(thread_id)
    else:
        raise InvalidInput(words.NOT_TEXT)
    return words_sharing.DONE[action]


class JoinState(rx.State):
    """The link that somebody came with: ``link`` is good or none, empty until that is known;
    ``problem`` is why it cannot be said. ``by`` is who made it, ``role`` what it makes people.
    """

    arrival: int = 0
    """How often somebody arrived: what a link is for is asked once for each."""
    link: str = ""
    by: str = ""
    role: str = ""
    problem: str = ""
    acted: Acted = Acted()

    @rx.event
    def arrive(self):
        """Forget the link of another visit."""
        self.link = self.by = self.role = self.problem = ""
        self.acted = Acted(self.acted.attempt)
        self.arrival += 1

    @rx.event
    async def look(self, token: str):
        """Find out what a link is for."""
        self.problem = ""
        try:
            found = await (await acting(self)).sharing.link(token)
        except NotFound:
            self.link = "none"
        except Exception as error:
            self.problem = refused(0, error).problem
        else:
            self.link, self.by, self.role = "good", found.by, found.role

    @rx.event
    async def join(self, token: str, attempt: int):
        """Become what the link makes people, and go to the thread."""
        try:
            thread_id = await (await acting(self)).sharing.join(token)
        except Exception as error:
            self.acted = refused(attempt, error)
            return None
        return rx.redirect(f"/t/{thread_id}")
