"""The verbs that write threads into files, and take them in again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlmodel import Session

from agentchat.errors import InvalidInput
from agentchat.inputs import checked_id
from agentchat.rights import Right
from agentchat.shown.thread_lists import ThreadSummary
from agentchat.store import audits, emptying, transfers, uploads
from agentchat.store.audits import Entry
from agentchat.store.transfers import Made, Outline
from agentchat.store.writer import Tx
from agentchat.transfer import taken, written
from agentchat.transfer.form import MessageHeld, ThreadFile
from agentchat.verbs.files import NewFile, check_room
from agentchat.verbs.inner import Inner
from agentchat.views import LOCAL, Actor

_SWEPT_AFTER: Final = timedelta(hours=1)
"""However short deleted threads are kept, none is emptied while it is still being made."""


@dataclass(frozen=True)
class ImportedView:
    """The threads that were made of a file, and what of it was left out, in words."""

    threads: tuple[ThreadSummary, ...] = ()
    left_out: tuple[str, ...] = ()


class TransferVerbs(Inner):
    """What :class:`~agentchat.chat.AgentChat` lets the outside do with files of threads."""

    async def export_thread(
        self,
        thread_id: str,
        form: Literal["json", "markdown"] = "json",
        *,
        actor: Actor = LOCAL,
    ) -> AsyncGenerator[str, None]:
        """Yield a thread as a file, piece by piece: as JSON with all its versions, answers side by
        side and files (:class:`~agentchat.transfer.form.ThreadFile`), which :meth:`import_threads`
        takes; or as Markdown with what is shown, to be read.

        What was remembered of people is not in it. Raises ThreadNotFound and InvalidInput before
        the first piece.
        """
        self._guard.person(actor)
        if form not in ("json", "markdown"):
            raise InvalidInput(f"{form!r} is none of json, markdown.")
        thread_id, now = checked_id(thread_id), self._clock.now()

        def look(session: Session) -> Outline:
            self._guard.thread(session, thread_id, actor, Right.READ)
            return transfers.outline(session, thread_id)

        outline, read = await self._database.read(look), self._database.read
        entry = Entry("thread", thread_id, "export", actor, {"form": form})
        await self._database.write(audits.add, entry, now=now)
        pieces = (
            written.as_json(read, outline, now)
            if form == "json"
            else written.as_markdown(read, outline)
        )
        async for piece in pieces:
            yield piece

    async def import_threads(self, content: bytes, *, actor: Actor = LOCAL) -> ImportedView:
        """Make threads of this person's own from a file that :meth:`export_thread` wrote as JSON,
        or the ``conversations.json`` of ChatGPT or Claude. All of them are made, or none.

        Who somebody is, and what they may do, is not taken from the file: what was said under
        this person's name is theirs, all else is nobody's. Raises InvalidInput, which says what
        is wrong with the file, and TooManyTries.
        """
        self._guard.person(actor)
        self._guard.pace(actor, "upload")
        if not isinstance(content, bytes):
            raise InvalidInput(f"A file is bytes, not {type(content).__name__}.")
        now = self._clock.now()
        wanted = await asyncio.to_thread(taken.read_file, content, now)
        left_out = wanted.left_out
        agents = await self._team.may_use(actor)
        made = []
        for file in wanted.threads:
            files = {one.id: await self._files_of(one) for one in file.messages if one.files}
            left_out["files that were not in it"] += _missing(file)
            made.append(await asyncio.to_thread(taken.made_of, file, files, actor, agents, now))
        done: list[str] = []
        try:
            for one in made:
                # Each by itself: of many together everybody else would have to wait. Until all
                # are there they are deleted ones, which nobody finds if the process dies.
                one.thread["deleted_at"] = now + _SWEPT_AFTER
                # One whose writing nobody waits for any more is written nevertheless.
                done.append(one.thread["id"])
                await self._database.write(self._put, one, actor, now=now)
            await self._database.write(transfers.show, done)
        except BaseException:
            for thread_id in done:
                await self._database.write(emptying.empty, thread_id, now=now)
            raise
        return ImportedView(
            tuple(
                ThreadSummary(one.thread["id"], one.thread["title"], one.thread["updated_at"])
                for one in made
            ),
            tuple(f"{count:,} {what}" for what, count in sorted((+left_out).items())),
        )

    async def _files_of(self, message: MessageHeld) -> tuple[NewFile, ...]:
        held = [NewFile(one.name, "", one.content) for one in message.files if one.content]
        return await self._checked_files(held) if held else ()

    def _put(self, tx: Tx, made: Made, actor: Actor, *, now: datetime) -> None:
        if made.files:
            uploads.lock(tx, actor.id)
            more, held = sum(one["size"] for one in made.files), uploads.held(tx, actor.id)
            check_room(held, more, most_bytes=self.files.limits.most_held)
        transfers.put(tx, made)
        entry = Entry("thread", made.thread["id"], "import", actor)
        audits.add(tx, entry, now=now)


def _missing(file: ThreadFile) -> int:
    return sum(not one.content for message in file.messages for one in message.files)
