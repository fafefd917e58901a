"""The verbs on messages."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sqlalchemy.exc import IntegrityError

from agentchat.inputs import checked_id, checked_text
from agentchat.models import SecondMessage
from agentchat.rights import Right
from agentchat.shown.messages import message_view
from agentchat.store import threads
from agentchat.store.messages import Answer
from agentchat.store.writer import Tx
from agentchat.verbs import turns, variants
from agentchat.verbs.files import NewFile, check_number, checked_uploads
from agentchat.verbs.inner import Inner
from agentchat.verbs.turns import Send, Sent
from agentchat.views import LOCAL, Actor, MessageView


class MessageVerbs(Inner):
    """What :class:`~agentchat.chat.AgentChat` lets the outside do with what is said in one."""

    async def send_message(
        self,
        thread_id: str,
        text: str,
        *,
        actor: Actor = LOCAL,
        message_id: str | None = None,
        create_thread: bool = False,
        agent: str = "",
        model: str = "",
        second: SecondMessage | None = None,
        files: Sequence[NewFile] = (),
        uploads: Sequence[str] = (),
    ) -> MessageView:
        """Say something in a thread; the answer arrives through :meth:`follow`.

        One transaction: the message, the pending answer and its run. The same
        ``message_id`` (made by the client) is one message however often it is sent.
        ``create_thread`` makes the thread, with this id, if there is none; then ``model``, one
        that is offered, is chosen for it.

        ``agent`` answers; without it the one that the text begins with (``@name``), or the
        one picked for the thread, or the one that the router finds. While the thread is being
        answered, ``second`` says what the message does, or the thread's own choice; it steers only
        an answer to the same person, and only if no agent was named.

        ``files`` go with it, and after them those that this person has uploaded (``uploads``, by
        their ids), which are not uploads any more then. Raises InvalidInput, ThreadNotFound and
        AgentNotFound; then nothing was written.
        """
        self._guard.person(actor)
        self._guard.pace(actor, "send")
        if agent:
            await self._team.chosen(agent, actor)
        self._team.check_offered(model)
        uploads = checked_uploads(uploads)
        check_number(len(files) + len(uploads), self.files.limits.most)
        sending = Send(
            message_id=checked_id(message_id),
            text=checked_text(text),
            actor=actor,
            answer=Answer(checked_id(None), checked_id(thread_id), checked_id(None), 0),
            workflow=self._team.reply,
            agent=agent or await self._team.mentioned(text, actor),
            first_agent=self._team.first.name if self._team.router is None else "",
            now=self._clock.now(),
            price=self._team.price,
            create_thread=create_thread,
            model=model,
            second=second,
            files=await self._checked_files(files),
            uploads=uploads,
            most_held=self.files.limits.most_held,
        )

        def send(tx: Tx) -> Sent:
            if not create_thread or threads.known(tx, sending.answer.thread_id):
                self._guard.thread(tx, sending.answer.thread_id, actor, Right.WRITE)
            return turns.send(tx, sending)

        try:
            sent = await self._database.write(send)
        except IntegrityError:
            # Another process sent the same at the same moment: now it is there to be found.
            sent = await self._database.write(send)
        self._interrupt(sent.stopped)
        return message_view(sent.message, sent.message.text)

    async def retry(self, message_id: str, *, actor: Actor = LOCAL) -> None:
        """Ask again for an answer that failed or was stopped; what it held is replaced.

        Raises MessageNotFound, ThreadNotFound, and InvalidInput if it is not over.
        """
        self._guard.person(actor)
        self._guard.pace(actor, "send")
        await self._database.write(
            self._guard.of_message(turns.retry, actor, Right.WRITE),
            checked_id(message_id),
            run_id=checked_id(None),
            workflow=self._team.reply,
            by=actor,
            now=self._clock.now(),
        )

    async def regenerate(
        self,
        message_id: str,
        *,
        agent: str = "",
        model: str | None = None,
        actor: Actor = LOCAL,
        new_id: str | None = None,
    ) -> str:
        """Ask for an answer once more, beside the one that is there, and return the id of the new
        one: both are seen until somebody keeps one. ``agent`` answers, or the one of before, by
        this ``model`` (one that is offered, or empty for the agent's own), or by that of the
        thread. The same ``new_id`` (of its run, made by the client) is one.

        Raises MessageNotFound, ThreadNotFound, AgentNotFound, and InvalidInput if there are very
        many answers there already, or no such model is offered.
        """
        self._guard.person(actor)
        self._guard.pace(actor, "send")
        message_id, run_id, now = checked_id(message_id), checked_id(new_id), self._clock.now()
        may = partial(self._guard.message, message_id=message_id, actor=actor, right=Right.WRITE)
        await self._database.read(may)
        wanted = (message_id, agent, model, actor, run_id, now)
        asked = await variants.asked_again(self._team, *wanted)

        def ask(tx: Tx) -> str:
            may(tx)
            return asked(tx)

        return await self._database.write(ask)

    async def keep(self, message_id: str, *, actor: Actor = LOCAL) -> None:
        """Let this be the answer at its place, of several: what is told to models, searched and
        shown first from now on. The others stay beside it. What was said since stays as it is.

        Raises MessageNotFound and ThreadNotFound.
        """
        self._guard.person(actor)
        keep = self._guard.of_message(variants.keep, actor, Right.WRITE)
        await self._database.write(keep, checked_id(message_id), actor, self._clock.now())

    async def stop(self, thread_id: str, *, actor: Actor = LOCAL) -> int:
        """Stop every answer of a thread that waits or grows, and say how many there were.

        What came so far is kept; nothing is added afterwards. Raises ThreadNotFound.
        """
        self._guard.person(actor)

        stop = self._guard.in_thread(turns.stop, actor, Right.WRITE)
        stopped = await self._database.write(stop, checked_id(thread_id), self._ending(actor))
        self._interrupt(stopped)
        return len(stopped)
