"""The verbs on messages that wait to be answered: send now, edit, take back."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Row
from sqlmodel import Session

from agentchat.errors import MessageNotFound, NotAllowed
from agentchat.guard import Guard
from agentchat.inputs import checked_id, checked_text
from agentchat.models import MemberRole
from agentchat.rights import Right
from agentchat.store import messages
from agentchat.store import waiting as rows
from agentchat.store.writer import Tx
from agentchat.verbs import waiting_turns
from agentchat.verbs.inner import Inner
from agentchat.views import LOCAL, Actor, FileView

P = ParamSpec("P")
T = TypeVar("T")

_NOT_YOURS = "Only who wrote a message may do that."
_NOT_YOURS_OR_OWN = "Only who wrote a message, or the owner of the thread, may take it back."


@dataclass(frozen=True)
class WaitingMessage:
    """A message that waits: for its own answer, or, if it ``joins``, to be taken in by the one
    that is being written. ``mine`` says that who looks wrote it, ``may_take_back`` that they may
    take it back.
    """

    id: str
    joins: bool = False
    mine: bool = False
    may_take_back: bool = False


@dataclass(frozen=True)
class ReturnedView:
    """A message of who looks that was taken back, and when (ISO 8601). ``taken_by`` is the name of
    who did so, empty if it was themselves.
    """

    id: str
    text: str
    files: tuple[FileView, ...] = ()
    taken_by: str = ""
    at: str = ""


@dataclass(frozen=True)
class WaitingView:
    """What waits in a thread, oldest first, and what was given back to who looks."""

    waiting: tuple[WaitingMessage, ...] = ()
    returned: tuple[ReturnedView, ...] = ()


class WaitingVerbs(Inner):
    """What :class:`~agentchat.chat.AgentChat` lets the outside do with what still waits."""

    async def take_back(self, message_id: str, *, actor: Actor = LOCAL) -> None:
        """Withdraw a message before it is answered: it goes from the thread, and its words and
        files wait for who wrote it (see :meth:`follow_waiting` and :meth:`collect`). For who wrote
        it and for the owner of the thread.

        Raises MessageNotFound, NotAllowed, and WrongState if its answer has begun, or has taken it
        in: then nothing was changed.
        """
        self._guard.person(actor)
        take = self._of_author(waiting_turns.take_back, actor, or_owner=True)
        now = self._clock.now()
        stopped = await self._database.write(take, checked_id(message_id), by=actor, now=now)
        self._interrupt(stopped)

    async def send_now(self, message_id: str, *, actor: Actor = LOCAL) -> None:
        """Let a waiting message join the answer that is being written, at the agent's next step,
        as if the thread said *steer*; it is answered after that one if there is no next step. For
        who wrote it.

        Raises MessageNotFound, NotAllowed, and WrongState if its own answer has begun, or the one
        that is being written is for somebody else or of another agent than it names.
        """
        self._guard.person(actor)
        message_id = checked_id(message_id)
        named = bool(await self._named_in(message_id, actor))
        send = self._of_author(waiting_turns.send_now, actor)
        now = self._clock.now()
        stopped = await self._database.write(send, message_id, named=named, by=actor, now=now)
        self._interrupt(stopped)

    async def edit_waiting(self, message_id: str, text: str, *, actor: Actor = LOCAL) -> None:
        """Say something else in a message before it is answered: it keeps its place, and no other
        version of it stays. For who wrote it.

        Raises MessageNotFound, NotAllowed, InvalidInput, and WrongState if its answer has begun:
        then :meth:`~agentchat.chat.AgentChat.edit_message` says it anew.
        """
        self._guard.person(actor)
        self._guard.pace(actor, "send")
        message_id, text = checked_id(message_id), checked_text(text)
        before = await self._named_in(message_id, actor)
        agents = await self._team.mentioned(text, actor), before
        edit = self._of_author(waiting_turns.edit, actor)
        now = self._clock.now()
        await self._database.write(edit, message_id, text, agents=agents, by=actor, now=now)

    async def collect(self, message_id: str, *, actor: Actor = LOCAL) -> None:
        """Say that this person has the words of a message again that was taken back; they are not
        kept any more. Its files are uploads of theirs, to be sent with another message. Of several
        who say so only the first has had it: the others are told MessageNotFound.
        """
        self._guard.person(actor)
        if not await self._database.write(rows.collect, checked_id(message_id), actor.id):
            raise MessageNotFound

    def follow_waiting(
        self, thread_id: str, *, actor: Actor = LOCAL
    ) -> AsyncGenerator[WaitingView, None]:
        """Yield which messages of a thread wait, and which of this person's were taken back, now
        and whenever that changes; raises ThreadNotFound.
        """
        self._guard.person(actor)
        return self._database.live.follow(_waiting, checked_id(thread_id), self._guard, actor)

    async def _named_in(self, message_id: str, actor: Actor) -> str:
        """The agent that a message names."""

        def read(session: Session) -> str:
            self._guard.message(session, message_id, actor, Right.WRITE)
            found = messages.by_ids(session, [message_id])
            if not found:
                raise MessageNotFound
            return found[0].text

        return await self._team.mentioned(await self._database.read(read), actor)

    def _of_author(
        self,
        unit: Callable[Concatenate[Tx, str, P], T],
        actor: Actor,
        *,
        or_owner: bool = False,
    ) -> Callable[Concatenate[Tx, str, P], T]:
        """``unit(tx, message_id, ...)``, done only by who wrote the message."""

        def checked(tx: Tx, message_id: str, /, *args: P.args, **kwargs: P.kwargs) -> T:
            message = messages.find(tx, message_id)
            if message is None:
                raise MessageNotFound
            if not self._guard.everybody and message.user_id != actor.id:
                if not or_owner:
                    raise NotAllowed(_NOT_YOURS)
                access = self._guard.access(tx, message.thread_id)
                if self._guard.role(access, actor) != MemberRole.OWNER:
                    raise NotAllowed(_NOT_YOURS_OR_OWN)
            return unit(tx, message_id, *args, **kwargs)

        return self._guard.of_message(checked, actor, Right.WRITE)


def _waiting(session: Session, thread_id: str, guard: Guard, actor: Actor) -> WaitingView:
    guard.thread(session, thread_id, actor, Right.READ)
    found = rows.of_thread(session, thread_id)
    returned = rows.returned_to(session, thread_id, actor.id)
    role = None
    if found:
        role = guard.role(guard.access(session, thread_id), actor)
    writes, owns = role not in (None, MemberRole.VIEWER), role == MemberRole.OWNER

    def view(row: Row[Any]) -> WaitingMessage:
        mine = writes and (guard.everybody or row.user_id == actor.id)
        return WaitingMessage(row.id, bool(row.joins), mine, mine or owns)

    return WaitingView(tuple(map(view, found)), tuple(_returned(row, actor) for row in returned))


def _returned(row: Row[Any], actor: Actor) -> ReturnedView:
    files = tuple(FileView(**file) for file in row.files)
    by = "" if row.taken_by == actor.name else row.taken_by
    return ReturnedView(row.id, row.text, files, by, row.created_at.isoformat())
