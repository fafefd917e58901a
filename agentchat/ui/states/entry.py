"""What the pages have to know on which somebody comes in: before anybody is logged in."""

from __future__ import annotations

import logging
from typing import Any

import reflex as rx

from agentchat.errors import AgentChatError, NotFound
from agentchat.ui import words
from agentchat.ui.visits import beginning, link

logger = logging.getLogger(__name__)


class EntryState(rx.State):
    """What an app says to whoever comes in. ``problem`` is why it cannot be said.

    ``link`` is what a link is for that somebody came with: invite, reset, or none if it is good
    for nothing; empty until that is known. ``name`` is whose password a reset changes, ``admin``
    whether who is invited becomes an admin.
    """

    loaded: bool = False
    arrival: int = 0
    """How often somebody arrived: what a link is for is asked once for each."""
    open: bool = False
    no_accounts: bool = False
    may_sign_up: bool = False
    provider: str = ""
    link: str = ""
    name: str = ""
    admin: bool = False
    problem: str = ""

    @rx.event
    async def arrive(self):
        """Find out who may come in, and how."""
        self.link = self.name = self.problem = ""
        try:
            told = await beginning()
        except Exception as error:
            self.problem = _words_of(error)
            return
        self.open = told.mode == "open"
        self.no_accounts, self.may_sign_up = told.no_accounts, told.may_sign_up
        self.provider = told.provider
        self.loaded = True
        self.arrival += 1

    @rx.event
    async def look(self, token: str):
        """Find out what a link is for."""
        self.problem = ""
        try:
            found = await link(token)
        except NotFound:
            self.link = "none"
        except Exception as error:
            self.problem = _words_of(error)
        else:
            self.link, self.name, self.admin = found.kind, found.name, found.admin


def _words_of(error: Any) -> str:
    if isinstance(error, AgentChatError):
        return str(error)
    logger.error("It could not be found out who may come in", exc_info=error)
    return words.WENT_WRONG
