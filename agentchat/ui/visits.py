"""Who is behind a tab: pages do everything in the name of the person whose cookie the browser
sent when it connected, and of nobody else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, TypeVar, cast

from agentchat.accounts import Accounts
from agentchat.accounts.tokens import cookie_name, token_in
from agentchat.accounts.views import Beginning, InvitationView
from agentchat.chat import AgentChat
from agentchat.errors import NotAllowed, NotFound
from agentchat.shown.shares import Visit
from agentchat.ui.bridge import chat
from agentchat.verbs.acting import Acting
from agentchat.views import LOCAL, Actor

T = TypeVar("T")

LOG_IN = "Log in first."


async def acting(state: Any) -> AgentChat:
    """The verbs, done by the person behind a state's tab; raises NotAllowed if nobody is logged
    in.
    """
    return chat().by(await actor_of(chat(), token_of(state)))


async def accounts_of(state: Any) -> tuple[Accounts, Actor]:
    """The verbs on people, which always name who does them, and the person behind a state's tab;
    raises NotAllowed if nobody is logged in.
    """
    verbs = await acting(state)
    return verbs.accounts, who_acts(verbs)


def who_acts(verbs: AgentChat) -> Actor:
    """By whom the verbs are done that :func:`acting` gave, or a live var is asked with."""
    return cast(Acting, verbs).actor


async def beginning() -> Beginning:
    """What a page has to know before anybody is logged in."""
    return await chat().accounts.beginning()


async def link(token: str) -> InvitationView:
    """What a link is for, to whoever holds it; raises NotFound if it is good for nothing."""
    return await chat().accounts.link(token)


async def visiting(token: str) -> tuple[AgentChat, Visit]:
    """The verbs in the hands of whoever comes with a public link, and what it opens; raises
    NotFound if it is good for nothing.
    """
    found = await chat().sharing.visit(token)
    return chat().by(found.visitor), found


async def may_open(login: str, thread_id: str) -> bool:
    """Whether a thread is open to the person whose login this is."""
    try:
        await chat().sharing.members(thread_id, actor=await actor_of(chat(), login))
    except (NotAllowed, NotFound):
        return False
    return True


def public_links() -> bool:
    """Whether there are links with which anybody reads."""
    return chat().sharing.public_links


def token_of(state: Any) -> str:
    """What the cookie of the browser holds, empty without one. It is read from the request that
    opened the socket, which no event can change.
    """
    return token_among(chat(), state.router.headers.cookie)


def token_among(chat: AgentChat, cookies: str) -> str:
    """The token in a header of cookies, empty if there is none."""
    assert chat.settings is not None, "it is open while pages are served"
    return token_in(cookies, cookie_name(secure=chat.settings.secure_cookies))


async def actor_of(chat: AgentChat, token: str) -> Actor:
    """Who holds a token; raises NotAllowed if that is nobody."""
    found = await chat.accounts.who(token)
    if found is not None:
        return found
    if chat.open_to_all:
        return LOCAL
    raise NotAllowed(LOG_IN)


async def as_seen_by(
    token: str, follow: Callable[[AgentChat], AsyncGenerator[T, None]]
) -> AsyncGenerator[T, None]:
    """Yield what the holder of a token follows, with the rights they have at each moment; raises
    NotAllowed as soon as their login is over.
    """
    if chat().open_to_all:
        # Nobody can be shut out.
        async with aclosing(follow(chat().by(await actor_of(chat(), token)))) as values:
            async for value in values:
                yield value
        return
    async with aclosing(chat().accounts.follow_login(token)) as actors:
        who: asyncio.Future[Actor] = asyncio.ensure_future(anext(actors))
        try:
            while True:
                try:
                    actor = await asyncio.shield(who)
                except StopAsyncIteration:
                    raise NotAllowed(LOG_IN) from None
                who = asyncio.ensure_future(anext(actors))
                async with aclosing(follow(chat().by(actor))) as values:
                    async for value in until(who, values):
                        yield value
                # What has no more to say may have with other rights, and ends with the login.
        finally:
            who.cancel()
            await asyncio.gather(who, return_exceptions=True)


async def until(
    end: asyncio.Future[Any], values: AsyncGenerator[T, None]
) -> AsyncGenerator[T, None]:
    """The values that come before the end does."""
    while True:
        value: asyncio.Future[T] = asyncio.ensure_future(anext(values))
        try:
            await asyncio.wait((value, end), return_when=asyncio.FIRST_COMPLETED)
            if end.done() or not value.done():
                return
            try:
                found = value.result()
            except StopAsyncIteration:
                return
        finally:
            value.cancel()
            await asyncio.gather(value, return_exceptions=True)
        yield found
