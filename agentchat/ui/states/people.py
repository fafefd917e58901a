"""The people of an app and the links that let them in: for admins."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import reflex as rx

from agentchat.accounts import Accounts, reads
from agentchat.accounts.views import PersonView
from agentchat.chat import AgentChat
from agentchat.errors import InvalidInput, NotAllowed, NotFound
from agentchat.ui import words, words_accounts
from agentchat.ui.live import LiveState, live
from agentchat.ui.states.account import Acted, refused
from agentchat.ui.visits import acting, who_acts
from agentchat.views import Actor


@dataclass(frozen=True)
class PersonLine:
    """Somebody who has an account; ``me`` is who looks at it."""

    id: str
    name: str
    display_name: str
    admin: bool
    active: bool
    me: bool


@dataclass(frozen=True)
class LinkLine:
    """A link that is still good, until a time (ISO 8601). ``kind`` is invite or reset."""

    id: str
    kind: str
    name: str
    admin: bool
    expires_at: str


async def _people(chat: AgentChat) -> AsyncGenerator[tuple[PersonLine, ...], None]:
    actor = who_acts(chat)
    if chat.open_to_all or not actor.admin:
        yield ()
        return
    async with aclosing(chat.accounts.follow_people(actor)) as lists:
        async for people in lists:
            yield tuple(
                PersonLine(
                    one.id, one.name, one.display_name, one.admin, one.active, one.id == actor.id
                )
                for one in people
            )


async def _links(chat: AgentChat) -> AsyncGenerator[tuple[LinkLine, ...], None]:
    actor = who_acts(chat)
    if chat.open_to_all or not actor.admin:
        yield ()
        return
    found = chat.follow_query(reads.open_links, actor, datetime.now(UTC))
    async with aclosing(found) as outcomes:
        async for outcome in outcomes:
            if outcome.error is not None:
                raise outcome.error
            yield tuple(
                LinkLine(one.id, one.kind, one.name, one.admin, one.expires_at.isoformat())
                for one in outcome.value
            )


class PeopleState(LiveState):
    """All who have an account, and the links that are open; nothing for who is no admin.
    ``acted`` is what came of the last thing that was done.
    """

    people: list[PersonLine] = live(_people)
    links: list[LinkLine] = live(_links)
    acted: Acted = Acted()

    @rx.event
    def arrive(self):
        """A page begins as if nothing had been done; a link that was shown is shown no more."""
        # That the last attempt was answered stays true.
        self.acted = Acted(self.acted.attempt)

    @rx.event
    async def invite(self, admin: bool, attempt: int):
        """Make a link with which somebody makes an account."""
        try:
            accounts, actor = await _as_admin(self)
            made = await accounts.invite(actor, admin=admin)
        except Exception as error:
            self.acted = refused(attempt, error)
        else:
            said = words_accounts.INVITED_ADMIN if admin else words_accounts.INVITED
            self.acted = Acted(attempt, said, "", made.url, made.expires_at.isoformat())

    @rx.event
    async def act(self, action: str, subject: str, attempt: int):
        """Do something to a person, or to a link; the verbs say who may."""
        try:
            accounts, actor = await _as_admin(self)
            self.acted = await _act(accounts, actor, action, subject, attempt)
        except Exception as error:
            self.acted = refused(attempt, error)


async def _as_admin(state: Any) -> tuple[Accounts, Actor]:
    """The verbs and who does them; raises NotAllowed where nobody logs in, for what is done to
    accounts there would hold when people do.
    """
    verbs = await acting(state)
    if verbs.open_to_all:
        raise NotAllowed(words_accounts.OPEN_PEOPLE)
    return verbs.accounts, who_acts(verbs)


async def _act(accounts: Accounts, actor: Actor, action: str, subject: str, attempt: int) -> Acted:
    if action == "revoke":
        await accounts.revoke_invitation(subject, actor)
        return Acted(attempt, words_accounts.REVOKED)
    if action not in words_accounts.DONE:
        raise InvalidInput(words.NOT_TEXT)
    who = await _person(accounts, actor, subject)
    said = words_accounts.DONE[action].format(name=who.display_name)
    if action == "reset":
        made = await accounts.reset_link(who.id, actor)
        return Acted(attempt, said, "", made.url, made.expires_at.isoformat())
    if action in ("activate", "deactivate"):
        await accounts.set_active(who.id, action == "activate", actor)
    else:
        await accounts.set_admin(who.id, action == "admin", actor)
    return Acted(attempt, said)


async def _person(accounts: Accounts, actor: Actor, user_id: str) -> PersonView:
    people = await accounts.people(actor)
    found = next((one for one in people if one.id == user_id), None)
    if found is None:
        raise NotFound(words_accounts.NOBODY)
    return found
