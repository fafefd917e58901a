"""One's own account: the name, and where one is logged in."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import reflex as rx

from agentchat.accounts import reads
from agentchat.accounts.tokens import is_token
from agentchat.chat import AgentChat
from agentchat.errors import AgentChatError
from agentchat.ui import words, words_accounts
from agentchat.ui.browsers import browser_in_words
from agentchat.ui.live import LiveState, live
from agentchat.ui.visits import accounts_of, token_among, token_of, who_acts
from agentchat.views import LOCAL

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoginLine:
    """A browser in which one is logged in; ``current`` is this one. Times are ISO 8601."""

    id: str
    browser: str
    address: str
    current: bool
    created_at: str
    seen_at: str


@dataclass(frozen=True)
class Acted:
    """What came of the attempt of this number: ``said``, or a ``problem``, in words. ``link`` is
    one that was made, good until ``until`` (ISO 8601).
    """

    attempt: int = 0
    said: str = ""
    problem: str = ""
    link: str = ""
    until: str = ""


async def _logins(chat: AgentChat, cookies: str) -> AsyncGenerator[tuple[LoginLine, ...], None]:
    if chat.open_to_all:
        yield ()
        return
    actor, token = who_acts(chat), token_among(chat, cookies)
    found = chat.follow_query(reads.logins, actor, token, datetime.now(UTC))
    async with aclosing(found) as outcomes:
        async for outcome in outcomes:
            if outcome.error is not None:
                raise outcome.error
            yield tuple(
                LoginLine(
                    one.id,
                    browser_in_words(one.browser),
                    one.address,
                    one.current,
                    one.created_at.isoformat(),
                    one.seen_at.isoformat(),
                )
                for one in outcome.value
            )


class AccountState(LiveState):
    """One's own account. ``renamed`` is what came of the last name, ``acted`` of the last login
    that was ended.
    """

    logins: list[LoginLine] = live(_logins, "cookies")
    renamed: Acted = Acted()
    acted: Acted = Acted()

    @property
    def cookies(self) -> str:
        """What the browser sent when it connected."""
        return str(self.router.headers.cookie)

    @rx.event
    def arrive(self):
        """A page begins as if nothing had been done."""
        self.renamed, self.acted = Acted(self.renamed.attempt), Acted(self.acted.attempt)

    @rx.event
    async def rename(self, name: str, attempt: int):
        """Be seen under another name."""
        try:
            accounts, actor = await accounts_of(self)
            if actor == LOCAL:
                # Whoever picks a name is somebody of their own from then on.
                if not is_token(token_of(self)):
                    self.renamed = Acted(attempt, problem=words_accounts.NO_COOKIES)
                    return
                actor = accounts.guest(token_of(self))
            await accounts.rename(actor, name)
        except Exception as error:
            self.renamed = refused(attempt, error)
        else:
            self.renamed = Acted(attempt, said=words_accounts.RENAMED)

    @rx.event
    async def end(self, login_id: str, attempt: int):
        """End a login of one's own; all others but this, if there is no id."""
        try:
            accounts, actor = await accounts_of(self)
            if login_id:
                await accounts.revoke(login_id, actor)
                said = words_accounts.ENDED_ONE
            else:
                ended = await accounts.revoke_others(actor, token_of(self))
                said = words_accounts.ended(ended)
        except Exception as error:
            self.acted = refused(attempt, error)
        else:
            self.acted = Acted(attempt, said=said)


def refused(attempt: int, error: Any) -> Acted:
    """Why an attempt came to nothing, in words."""
    if isinstance(error, AgentChatError):
        return Acted(attempt, problem=str(error))
    logger.error("Something could not be done to an account", exc_info=error)
    return Acted(attempt, problem=words.WENT_WRONG)
