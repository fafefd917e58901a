"""What runs wait for from people: how many, which, and what a person decides."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import reflex as rx

from agentchat.chat import AgentChat
from agentchat.errors import AgentChatError, InvalidInput
from agentchat.ui import words
from agentchat.ui.live import LiveState, live
from agentchat.ui.states.notice import NoticeState
from agentchat.ui.visits import acting
from agentchat.views import AskView

logger = logging.getLogger(__name__)

MOST_REFUSED = 20
MOST_ARGUMENTS = 200_000
_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


async def _number(chat: AgentChat) -> AsyncGenerator[int, None]:
    async with aclosing(chat.inbox.follow()) as inboxes:
        async for waiting in inboxes:
            yield len(waiting)


async def _waiting(chat: AgentChat) -> AsyncGenerator[tuple[AskView, ...], None]:
    async with aclosing(chat.inbox.follow()) as inboxes:
        async for waiting in inboxes:
            yield waiting


class WaitingState(LiveState):
    """How much waits for the person: on every page."""

    number: int = live(_number)


class InboxState(LiveState):
    """What waits for the person, the oldest first."""

    waiting: list[AskView] = live(_waiting)


@dataclass(frozen=True)
class Refused:
    """Why a decision was not taken, and which attempt that answers. ``here`` says that it is
    to be mended where it was made.
    """

    attempt: int
    words: str
    here: bool


class DecisionState(rx.State):
    """What a person decides. What came of it comes with the thread and the inbox."""

    refused: dict[str, Refused] = {}

    @rx.event
    async def approve(self, ask_id: str, input_hash: str, arguments: str, attempt: int):
        """Let it be done as it was shown, or with other arguments, given as JSON."""

        async def approve() -> None:
            inbox = (await acting(self)).inbox
            await inbox.approve(
                ask_id, arguments=_arguments(arguments), input_hash=_text(input_hash)
            )

        return await self._decide(ask_id, attempt, approve)

    @rx.event
    async def deny(self, ask_id: str, reason: str, attempt: int):
        """Do not let it be done, or go on."""

        async def deny() -> None:
            await (await acting(self)).inbox.deny(ask_id, _text(reason))

        return await self._decide(ask_id, attempt, deny)

    @rx.event
    async def answer(self, ask_id: str, text: str, attempt: int):
        """Answer a question, or say something instead of approving."""

        async def answer() -> None:
            await (await acting(self)).inbox.answer(ask_id, _text(text))

        return await self._decide(ask_id, attempt, answer)

    async def _decide(
        self, ask_id: str, attempt: int, decide: Callable[[], Awaitable[None]]
    ) -> Any:
        try:
            await decide()
        except InvalidInput as error:
            return self._refuse(ask_id, Refused(attempt, str(error), here=True))
        except AgentChatError as error:
            return self._refuse(ask_id, Refused(attempt, str(error), here=False))
        except Exception:
            logger.exception("A decision could not be taken")
            return self._refuse(ask_id, Refused(attempt, words.WENT_WRONG, here=False))
        if ask_id in self.refused:
            del self.refused[ask_id]

    def _refuse(self, ask_id: str, refused: Refused) -> Any:
        """Keep a refusal. Anybody may decide anything, so within reason."""
        known = isinstance(ask_id, str) and _ID.fullmatch(ask_id)
        if known and isinstance(refused.attempt, int):
            if ask_id not in self.refused and len(self.refused) >= MOST_REFUSED:
                del self.refused[next(iter(self.refused))]
            self.refused[ask_id] = refused
        return None if refused.here and known else NoticeState.say(refused.words)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidInput(words.NOT_TEXT)
    return value


def _arguments(text: object) -> dict[str, Any] | None:
    """The arguments that a person wrote; None if they are those that were shown."""
    written = _text(text)
    if not written:
        return None
    if len(written) > MOST_ARGUMENTS:
        raise InvalidInput(words.ASKS["tooLong"])
    try:
        arguments = json.loads(written)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{words.ASKS['notJson']} {error}") from None
    # Without this, null would mean: as it was shown.
    if not isinstance(arguments, dict):
        raise InvalidInput(words.ASKS["notObject"])
    return arguments
