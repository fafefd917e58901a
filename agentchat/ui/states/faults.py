"""The faults that are on, in every tab, and the switches."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import reflex as rx

from agentchat.chat import AgentChat
from agentchat.errors import AgentChatError, InvalidInput
from agentchat.faults import FaultView
from agentchat.ui import words, words_faults
from agentchat.ui.live import LiveState, live
from agentchat.ui.states.notice import NoticeState
from agentchat.ui.visits import acting

logger = logging.getLogger(__name__)

MOST_DIGITS = 6


@dataclass(frozen=True)
class FaultLine:
    """A fault that is on: ``text`` says what, ``until`` is in milliseconds since 1970."""

    id: str
    kind: str
    text: str
    by: str
    seconds: int
    until: int


async def _on(chat: AgentChat) -> AsyncGenerator[tuple[FaultLine, ...], None]:
    if not chat.faults.allowed:
        yield ()
        return
    async with aclosing(chat.faults.follow()) as seen:
        async for faults in seen:
            yield tuple(_line(fault) for fault in faults)


async def _allowed(chat: AgentChat) -> AsyncGenerator[bool, None]:
    yield chat.faults.allowed


class FaultsState(LiveState):
    """What is on: on every page. ``allowed`` says whether anything may be."""

    on: list[FaultLine] = live(_on)
    allowed: bool = live(_allowed)

    @rx.var
    def kinds(self) -> list[str]:
        """The kinds that are on."""
        return [line.kind for line in self.on]


class FaultSwitchState(rx.State):
    """The switches. What came of one is on every page; these wait for nobody else in the tab."""

    @rx.event(background=True)
    async def switch_on(self, form: dict[str, Any]):
        """Switch on what a form says: ``kind``, ``seconds``, and ``amount`` for some."""

        async def switch_on() -> None:
            given = form if isinstance(form, dict) else {}
            amount = given.get("amount")
            await (await acting(self)).faults.switch_on(
                given.get("kind", ""),
                _number(given.get("seconds")),
                None if amount is None else _number(amount),
            )

        return await _done(switch_on)

    @rx.event(background=True)
    async def end(self, fault_id: str):
        """End a fault now."""

        async def end() -> None:
            await (await acting(self)).faults.end(fault_id)

        return await _done(end)


async def _done(do: Callable[[], Awaitable[None]]) -> Any:
    try:
        await do()
    except AgentChatError as error:
        return NoticeState.say(str(error))
    except Exception:
        logger.exception("A fault could not be switched")
        return NoticeState.say(words.WENT_WRONG)


def _number(text: object) -> int:
    written = str(text).strip()
    if not (written.isascii() and written.isdigit() and len(written) <= MOST_DIGITS):
        raise InvalidInput(words_faults.NOT_A_NUMBER)
    return int(written)


def _line(fault: FaultView) -> FaultLine:
    text = words_faults.NOW[fault.kind]
    if fault.kind in ("refuse", "cut") and fault.amount:
        calls = words_faults.NEXT_CALLS.get(fault.amount, words_faults.NEXT_CALLS[0])
        text = calls.replace("{fault}", text)
    return FaultLine(
        fault.id,
        fault.kind,
        text.format(amount=fault.amount),
        fault.by,
        fault.seconds,
        round(fault.until.timestamp() * 1000),
    )
