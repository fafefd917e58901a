"""The verbs on threads."""

from __future__ import annotations

from agentchat.errors import InvalidInput, ThreadNotFound
from agentchat.inputs import checked_id, checked_title
from agentchat.models import SecondMessage, Thread
from agentchat.rights import Right
from agentchat.shown.thread_lists import ThreadSummary
from agentchat.store import audits, emptying, thread_marks, threads
from agentchat.store.audits import Entry
from agentchat.store.writer import Tx
from agentchat.verbs import turns
from agentchat.verbs.inner import Inner
from agentchat.views import LOCAL, Actor


class ThreadVerbs(Inner):
    """What :class:`~agentchat.chat.AgentChat` lets the outside do with a thread as a whole."""

    async def create_thread(
        self, title: str = "", *, actor: Actor = LOCAL, thread_id: str | None = None
    ) -> ThreadSummary:
        """Make an empty thread."""
        self._guard.person(actor)
        thread_id, title, now = checked_id(thread_id), checked_title(title), self._clock.now()
        by = threads.BY_PERSON if title else ""

        def create(tx: Tx) -> None:
            threads.create(tx, thread_id, owner_id=actor.id, title=title, titled_by=by, now=now)
            # From here on what others say is new.
            thread_marks.read(tx, thread_id, actor.id)

        await self._database.write(create)
        return ThreadSummary(thread_id, title, now)

    async def rename_thread(self, thread_id: str, title: str, *, actor: Actor = LOCAL) -> None:
        """Give a thread another title; raises InvalidInput and ThreadNotFound."""
        self._guard.person(actor)
        title = checked_title(title)
        if not title:
            raise InvalidInput("A thread needs a name.")
        rename = self._guard.in_thread(threads.rename, actor, Right.WRITE)
        await self._database.write(rename, checked_id(thread_id), title)

    async def delete_thread(self, thread_id: str, *, actor: Actor = LOCAL) -> None:
        """Stop what runs in a thread and take it away, for everybody; raises ThreadNotFound.

        Its owner can have it back for as long as the settings say: see :meth:`restore_thread`.
        """
        self._guard.person(actor)
        delete = self._guard.in_thread(turns.delete_thread, actor, Right.OWN)
        ending, for_good = self._ending(actor), not self._deleted_for
        stopped = await self._database.write(
            delete, checked_id(thread_id), ending, for_good=for_good
        )
        self._interrupt(stopped)

    async def restore_thread(self, thread_id: str, *, actor: Actor = LOCAL) -> None:
        """Have a deleted thread back, as it was, with those it is shared with; what was stopped
        stays so, and follow-ups that were due meanwhile come now. For its owner; raises
        ThreadNotFound, also when it is empty by now.
        """

        def restore(tx: Tx) -> None:
            deleted, now = self._deleted(tx, thread_id, actor), self._clock.now()
            emptying.restore(tx, deleted.id, now=now)
            audits.add(tx, Entry("thread", deleted.id, "restore", actor), now=now)

        await self._database.write(restore)

    async def empty_thread(self, thread_id: str, *, actor: Actor = LOCAL) -> None:
        """Remove a deleted thread for good, now; for its owner. Raises ThreadNotFound."""

        def empty(tx: Tx) -> None:
            deleted, now = self._deleted(tx, thread_id, actor), self._clock.now()
            emptying.empty(tx, deleted.id, now=now)
            audits.add(tx, Entry("thread", deleted.id, "delete for good", actor), now=now)

        await self._database.write(empty)

    def _deleted(self, tx: Tx, thread_id: str, actor: Actor) -> Thread:
        """A deleted thread of this person, which nobody else changes until the commit."""
        self._guard.person(actor)
        found = emptying.lock_deleted(tx, checked_id(thread_id))
        if found is None or found.parent_id is not None:
            raise ThreadNotFound
        self._guard.own(actor, found.owner_id, ThreadNotFound())
        return found

    async def choose_agent(self, thread_id: str, agent: str, *, actor: Actor = LOCAL) -> None:
        """Let this agent answer in a thread from now on; empty lets each message find its own.

        Raises ThreadNotFound and AgentNotFound.
        """
        self._guard.person(actor)
        if agent:
            await self._team.chosen(agent, actor)
        choose = self._guard.in_thread(threads.choose, actor, Right.WRITE)
        await self._database.write(choose, checked_id(thread_id), agent=agent)

    async def choose_second_message(
        self, thread_id: str, second: SecondMessage | str, *, actor: Actor = LOCAL
    ) -> None:
        """Say what a message does that is sent while the thread is being answered: queue,
        steer, interrupt or replace. Raises InvalidInput and ThreadNotFound.
        """
        self._guard.person(actor)
        try:
            chosen = SecondMessage(second)
        except ValueError:
            known = ", ".join(SecondMessage)
            raise InvalidInput(f"{second!r} is none of {known}.") from None
        choose = self._guard.in_thread(threads.choose, actor, Right.WRITE)
        await self._database.write(choose, checked_id(thread_id), second_message=chosen)
