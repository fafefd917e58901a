"""The verbs on what a thread is to one person: pinned, archived, in a folder, read."""

from __future__ import annotations

from typing import Any

from agentchat.errors import InvalidInput
from agentchat.inputs import checked_id, storable
from agentchat.rights import Right
from agentchat.store import thread_marks
from agentchat.verbs.inner import Inner
from agentchat.views import LOCAL, Actor

MOST_FOLDER = 80


class MarkVerbs(Inner):
    """What :class:`~agentchat.chat.AgentChat` lets whoever may read a thread do with it for
    themselves: nobody else sees it. All raise ThreadNotFound.
    """

    async def pin_thread(
        self, thread_id: str, pinned: bool = True, *, actor: Actor = LOCAL
    ) -> None:
        """Keep a thread above all others in one's list, or no longer."""
        await self._mark(thread_id, actor, pinned_at=self._clock.now() if pinned else None)

    async def archive_thread(
        self, thread_id: str, archived: bool = True, *, actor: Actor = LOCAL
    ) -> None:
        """Put a thread out of one's list, into that of archived ones, or back."""
        await self._mark(thread_id, actor, archived_at=self._clock.now() if archived else None)

    async def move_thread(self, thread_id: str, folder: str, *, actor: Actor = LOCAL) -> None:
        """Put a thread into one of one's folders, or out of them with an empty name; a folder is
        there as long as something is in it. Raises InvalidInput.
        """
        await self._mark(thread_id, actor, folder=checked_folder(folder))

    async def read_thread(self, thread_id: str, read: bool = True, *, actor: Actor = LOCAL) -> None:
        """Say that all in a thread is read that is there by now; or without ``read``, that the
        newest is to be read again that somebody else said, or an agent.
        """
        self._guard.person(actor)
        mark = thread_marks.read if read else thread_marks.unread
        allowed = self._guard.in_thread(mark, actor, Right.READ)
        await self._database.write_soon(allowed, checked_id(thread_id), actor.id)

    async def _mark(self, thread_id: str, actor: Actor, **values: Any) -> None:
        self._guard.person(actor)
        put = self._guard.in_thread(thread_marks.put, actor, Right.READ)
        await self._database.write(put, checked_id(thread_id), actor.id, **values)


def checked_folder(name: str) -> str:
    """The name of a folder on one line, which may be empty; raises InvalidInput."""
    if not isinstance(name, str):
        raise InvalidInput(f"The name of a folder is text, not {type(name).__name__}.")
    name = " ".join(storable(name).split())
    if len(name) > MOST_FOLDER:
        raise InvalidInput(
            f"A folder's name has at most {MOST_FOLDER} characters; this has {len(name)}."
        )
    return name
