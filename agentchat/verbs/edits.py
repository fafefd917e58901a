"""The verbs that say something otherwise: edit a message, and show what was there before."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from agentchat.errors import MessageNotFound
from agentchat.inputs import checked_id, checked_text
from agentchat.rights import Right
from agentchat.shown.messages import message_view
from agentchat.shown.thread_lists import ThreadSummary
from agentchat.store import branches as places
from agentchat.store.messages import Answer
from agentchat.verbs import branches, continuing, thread_copies
from agentchat.verbs.inner import Inner
from agentchat.verbs.thread_copies import Copy
from agentchat.verbs.turns import Send
from agentchat.views import LOCAL, Actor, MessageView


@dataclass(frozen=True)
class PlaceView:
    """Where a message is: in which thread, at which ``position`` from 0 on, and how many are shown
    ``after`` it. ``shown`` is false for one of a version that is not.
    """

    thread_id: str
    after: int
    shown: bool
    position: int


class EditVerbs(Inner):
    """What :class:`~agentchat.chat.AgentChat` lets the outside do with what was said."""

    async def edit_message(
        self,
        message_id: str,
        text: str,
        *,
        actor: Actor = LOCAL,
        new_id: str | None = None,
        agent: str = "",
    ) -> MessageView:
        """Say something else instead of a message, and have that answered. It goes with the files
        of the one before. What came after that one is not shown any more, nor told to models; it
        can be had back with :meth:`show_branch`. What was being answered there ends, with what
        it has come to.

        One transaction; the same ``new_id`` (of the new message, made by the client) is one.
        ``agent`` answers, as for a message that is sent. Raises MessageNotFound, NotAllowed for
        what somebody else wrote (but in an app without accounts), InvalidInput, AgentNotFound, and
        WrongState for a message that is not shown any more; then nothing was written.
        """
        self._guard.person(actor)
        self._guard.pace(actor, "send")
        if agent:
            await self._team.chosen(agent, actor)
        sending = Send(
            message_id=checked_id(new_id),
            text=checked_text(text),
            actor=actor,
            answer=Answer(checked_id(None), "", checked_id(None), 0),
            workflow=self._team.reply,
            agent=agent or await self._team.mentioned(text, actor),
            first_agent=self._team.first.name if self._team.router is None else "",
            now=self._clock.now(),
            price=self._team.price,
            most_held=self.files.limits.most_held,
        )
        message_id = checked_id(message_id)
        edit = self._guard.of_message(branches.edit, actor, Right.WRITE)
        anybody = self._guard.everybody
        try:
            sent = await self._database.write(edit, message_id, sending, anybody=anybody)
        except IntegrityError:
            # Another process did the same at the same moment: now it is there to be found.
            sent = await self._database.write(edit, message_id, sending, anybody=anybody)
        self._interrupt(sent.stopped)
        return message_view(sent.message, sent.message.text)

    async def show_branch(self, thread_id: str, branch: int, *, actor: Actor = LOCAL) -> None:
        """Show another of the ways that a thread went, one of the ``branches`` of a message, to
        everybody who may read it; models are told what is shown, too.

        Raises ThreadNotFound, InvalidInput if there is no such, and WrongState while an answer is
        under way that would not be shown any more.
        """
        self._guard.person(actor)
        show = self._guard.in_thread(branches.show, actor, Right.WRITE)
        await self._database.write(show, checked_id(thread_id), branch, self._ending(actor))

    async def continue_answer(self, message_id: str, *, actor: Actor = LOCAL) -> None:
        """Have an answer go on from its last words that was stopped, failed, or reached its model's
        length limit; nothing if it is being written.

        Raises MessageNotFound, InvalidInput for one that is complete, and WrongState if it is not
        shown any more.
        """
        self._guard.person(actor)
        self._guard.pace(actor, "send")
        await self._database.write(
            self._guard.of_message(continuing.continue_answer, actor, Right.WRITE),
            checked_id(message_id),
            run_id=checked_id(None),
            workflow=self._team.reply,
            by=actor,
            now=self._clock.now(),
        )

    async def place_of(self, message_id: str, *, actor: Actor = LOCAL) -> PlaceView:
        """Where a message is; raises MessageNotFound."""
        self._guard.person(actor)

        def place(session: Session, message_id: str) -> PlaceView:
            self._guard.message(session, message_id, actor, Right.READ)
            found = places.of_message(session, message_id)
            if found is None:
                raise MessageNotFound
            return PlaceView(*found)

        return await self._database.read(place, checked_id(message_id))

    async def fork_thread(
        self, message_id: str, *, actor: Actor = LOCAL, new_id: str | None = None
    ) -> ThreadSummary:
        """Make a thread of this person's own that begins with what is shown of another one up to
        a message: its messages with what was done for them and their files, which count as this
        person's. What happens in either does not touch the other. Below the last of them a line
        leads back; its title counts on: "Herons (2)". The same ``new_id`` (made by the client) is
        one.

        Raises MessageNotFound, WrongState while one of them is being written or if it is not shown
        any more, and InvalidInput for more than 10,000 messages, or without room for their files.
        """
        self._guard.person(actor)
        self._guard.pace(actor, "send")
        thread_id, now = checked_id(new_id), self._clock.now()
        fork = self._guard.of_message(thread_copies.fork, actor, Right.READ)
        copy = Copy(thread_id, actor, self.files.limits.most_held, now)
        title = await self._database.write(fork, checked_id(message_id), copy)
        return ThreadSummary(thread_id, title, now)
