"""Who is behind the tab: on every page."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

import reflex as rx

from agentchat.accounts.tokens import is_token
from agentchat.chat import AgentChat
from agentchat.ui.live import LiveState, live
from agentchat.ui.visits import LOG_IN, token_among
from agentchat.views import LOCAL, Actor


@dataclass(frozen=True)
class Who:
    """A person as they see themselves. ``operator`` says whether they look after the app, and
    ``open`` that nobody logs in; there ``named`` says whether this browser has picked a name, and
    ``nameable`` whether it could.
    """

    id: str = ""
    name: str = ""
    operator: bool = False
    open: bool = False
    named: bool = False
    nameable: bool = False


async def _who(chat: AgentChat, cookies: str) -> AsyncGenerator[Who, None]:
    token, everybody = token_among(chat, cookies), chat.open_to_all

    def seen(actor: Actor) -> Who:
        return Who(
            actor.id,
            actor.name,
            operator=everybody or actor.admin,
            open=everybody,
            named=actor.id != LOCAL.id,
            nameable=everybody and is_token(token),
        )

    if everybody and not is_token(token):
        yield seen(LOCAL)
        return
    async with aclosing(chat.accounts.follow_login(token)) as actors:
        async for actor in actors:
            yield seen(actor)


class AuthState(LiveState):
    """Who is behind the tab, as long as they are logged in."""

    who: Who = live(_who, "cookies", default=Who())

    @property
    def cookies(self) -> str:
        """What the browser sent when it connected."""
        return str(self.router.headers.cookie)

    @rx.var
    def over(self) -> bool:
        """Whether nobody is logged in here any more."""
        return self.problem == LOG_IN
