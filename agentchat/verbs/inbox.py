"""What runs wait for from people: the verbs that decide."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any

from sqlmodel import Session

from agentchat.agents.asking import hash_of
from agentchat.agents.tools import Tool
from agentchat.columns import json_text
from agentchat.durable.clock import Clock
from agentchat.errors import AskNotFound, InvalidInput, NotAllowed, WrongState
from agentchat.guard import Guard
from agentchat.inputs import checked_id, checked_text
from agentchat.models import Ask, AskKind, AskStatus
from agentchat.shown.parts import ask_view
from agentchat.store import asks, audits
from agentchat.store.audits import Entry
from agentchat.store.database import Database
from agentchat.store.writer import Tx
from agentchat.views import LOCAL, Actor, AskView

MOST_WAITING = 200
MOST_REASON = 2_000
MOST_ARGUMENTS = 200_000
_DECIDED = {
    AskStatus.APPROVED: "approved it",
    AskStatus.DENIED: "denied it",
    AskStatus.ANSWERED: "answered",
}
_AUDITED = {
    AskStatus.APPROVED: "approve",
    AskStatus.DENIED: "deny",
    AskStatus.ANSWERED: "answer",
}


class Inbox:
    """Decide what runs wait for. Each verb takes effect in one transaction, which also wakes
    the run; when two people press at once, the first has decided, and the other is told who
    that was.

    All raise :class:`~agentchat.errors.AskNotFound`, :class:`~agentchat.errors.NotAllowed` for
    somebody who was not asked, and :class:`~agentchat.errors.WrongState` when it is decided,
    or its answer has ended.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        tool_of: Callable[[str, str], Tool | None],
        guard: Guard,
    ) -> None:
        self._database = database
        self._clock = clock
        self._tool_of = tool_of
        self._guard = guard

    def follow(self, *, actor: Actor = LOCAL) -> AsyncGenerator[tuple[AskView, ...], None]:
        """Yield what waits for this person, oldest first, now and whenever that changes."""
        self._guard.person(actor)
        return self._database.live.follow(_waiting, actor.id, self._whose(actor))

    async def waiting(self, *, actor: Actor = LOCAL) -> tuple[AskView, ...]:
        """What waits for this person now, oldest first."""
        self._guard.person(actor)
        return await self._database.read(_waiting, actor.id, self._whose(actor))

    async def approve(
        self,
        ask_id: str,
        *,
        arguments: Any = None,
        input_hash: str | None = None,
        actor: Actor = LOCAL,
    ) -> None:
        """Let a tool run as it was shown, or with other ``arguments``; or let a run go on that
        has reached a limit.

        ``input_hash`` is that of what the person was shown: if something else would run, it
        raises WrongState. Raises InvalidInput for arguments that do not fit the tool.
        """
        self._guard.person(actor)
        self._guard.pace(actor, "decide")
        checked = await self._checked(ask_id, arguments, actor)

        def approve(tx: Tx) -> None:
            ask = self._open(tx, ask_id, actor)
            if ask.kind == AskKind.QUESTION:
                raise InvalidInput("This is a question: answer it.")
            shown = ask.input_hash if input_hash is None else input_hash
            if ask.input_hash != shown or (ask.tool and hash_of(ask.input) != ask.input_hash):
                raise WrongState("What would run is not what you were shown. Look again.")
            self._decide(tx, ask, AskStatus.APPROVED, actor, answer=checked)

        await self._database.write(approve)

    async def deny(self, ask_id: str, reason: str = "", *, actor: Actor = LOCAL) -> None:
        """Do not let a tool run, or a run go on; the agent is told the reason."""
        self._guard.person(actor)
        self._guard.pace(actor, "decide")
        words = checked_text(reason)[:MOST_REASON] if reason.strip() else ""

        def deny(tx: Tx) -> None:
            ask = self._open(tx, ask_id, actor)
            if ask.kind == AskKind.QUESTION:
                raise InvalidInput("This is a question: answer it.")
            self._decide(tx, ask, AskStatus.DENIED, actor, reason=words)

        await self._database.write(deny)

    async def answer(self, ask_id: str, text: str, *, actor: Actor = LOCAL) -> None:
        """Answer a question; or, instead of approving, tell the agent something: then the tool
        does not run. Raises InvalidInput for an empty answer.
        """
        self._guard.person(actor)
        self._guard.pace(actor, "decide")
        words = checked_text(text)

        def answer(tx: Tx) -> None:
            ask = self._open(tx, ask_id, actor)
            if ask.kind == AskKind.LIMIT:
                raise InvalidInput("Say whether it may go on.")
            self._decide(tx, ask, AskStatus.ANSWERED, actor, answer=words)

        await self._database.write(answer)

    async def _checked(self, ask_id: str, arguments: Any, actor: Actor) -> Any:
        if arguments is None:
            return None
        ask = await self._database.read(_find, checked_id(ask_id), self._guard, actor)
        tool = self._tool_of(ask.agent, ask.tool)
        if tool is None:
            raise WrongState(f"The tool {ask.tool!r} is not there any more.")
        checked = tool.check(arguments)
        if len(json_text(checked)) > MOST_ARGUMENTS:
            raise InvalidInput(f"The arguments are longer than {MOST_ARGUMENTS:,} characters.")
        return checked

    def _whose(self, actor: Actor) -> str | None:
        """In whose threads to look, None for all."""
        return None if self._guard.everybody else actor.id

    def _open(self, tx: Tx, ask_id: str, actor: Actor) -> Ask:
        ask = asks.lock(tx, checked_id(ask_id))
        if ask is None:
            raise AskNotFound
        self._guard.ask(tx, ask, actor)
        if ask.asked_of and ask.asked_of != actor.id:
            raise NotAllowed("Somebody else was asked.")
        if ask.status in _DECIDED:
            raise WrongState(f"{ask.decided_by} {_DECIDED[AskStatus(ask.status)]} already.")
        if ask.status != AskStatus.OPEN:
            raise WrongState("It is not waited for any more.")
        if ask.deadline is not None and ask.deadline <= self._clock.now():
            raise WrongState("It is too late: the time to decide is over.")
        return ask

    def _decide(self, tx: Tx, ask: Ask, status: AskStatus, actor: Actor, **what: Any) -> None:
        now, action = self._clock.now(), _AUDITED[status]
        audits.add(tx, Entry("run", ask.run_id, action, actor, _asked(ask)), now=now)
        asks.decide(tx, ask, status=status, by=actor.name, by_id=actor.id, now=now, **what)


def _find(session: Session, ask_id: str, guard: Guard, actor: Actor) -> Ask:
    found = session.get(Ask, ask_id)
    if found is None:
        raise AskNotFound
    guard.ask(session, found, actor)
    return found


def _asked(ask: Ask) -> dict[str, str]:
    """What was decided, without what was in it."""
    return {"ask": ask.id, "about": ask.tool or ask.kind}


def _waiting(session: Session, user_id: str, writer_id: str | None) -> tuple[AskView, ...]:
    found = asks.waiting(session, user_id, writer_id=writer_id, limit=MOST_WAITING)
    return tuple(ask_view(row, row.title) for row in found)
