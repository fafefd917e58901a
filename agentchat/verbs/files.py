"""Files that are sent with messages, checked at the edge, and the verbs on them."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import AsyncIterable, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import Any

from sqlmodel import Session

from agentchat.durable.clock import Clock
from agentchat.errors import FileTooLarge, InvalidInput, NotFound, ThreadNotFound
from agentchat.guard import Guard
from agentchat.inputs import checked_id, storable
from agentchat.models import Attachment
from agentchat.rights import Right
from agentchat.store import attachments, uploads
from agentchat.store.database import Database
from agentchat.store.writer import Tx
from agentchat.views import LOCAL, Actor, FileContent, FileText, FileView

MOST_NAME = 200
MOST_PREVIEW = 20_000
"""How many characters of a file are shown beside its message."""
IN_MEMORY = 262_144
"""How many bytes of a file that is still coming are held in memory; the rest is on the disk."""
AT_ONCE = 2
"""How many files that have come are whole in memory at once, to be looked into and stored."""
_ESCAPES = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks that make a name look like another: "gpj.exe" read from the right."""


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that is sent with a message. What its sender says that it is counts for nothing:
    ``media_type`` is found from its content, and ``text``, which is what can be read of it, is
    read from that, when it is sent.
    """

    name: str
    media_type: str
    content: bytes = field(repr=False)
    text: str = field(default="", repr=False)

    def row(self) -> dict[str, Any]:
        """Its columns, without those of its place."""
        return {
            "id": checked_id(None),
            "name": storable(self.name)[:MOST_NAME],
            "media_type": self.media_type[:200],
            "size": len(self.content),
            "content": self.content,
            "text": storable(self.text),
        }


@dataclass(frozen=True, slots=True)
class FileLimits:
    """How many files a message takes, how many bytes each may have, and how many bytes of files
    a person may keep; of those 0 is no limit.
    """

    most: int
    most_bytes: int
    most_held: int


def check_files(files: Sequence[NewFile], *, most: int, most_bytes: int) -> None:
    """Raise :class:`~agentchat.errors.InvalidInput` for too many files, one that is empty or
    larger than ``most_bytes``, and what is no file at all.
    """
    check_number(len(files), most)
    for file in files:
        if not isinstance(file.content, bytes):
            raise InvalidInput(f"A file is bytes, not {type(file.content).__name__}.")
        name = checked_name(file.name)
        if not file.content:
            raise InvalidInput(f"The file {name} is empty.")
        check_size(name, len(file.content), most_bytes)


def check_number(number: int, most: int) -> None:
    """Raise :class:`~agentchat.errors.InvalidInput` if a message takes fewer files than these."""
    if number > most:
        raise InvalidInput(
            f"A message takes {most} files at most; these are {number}."
            " Send the others with another message."
        )


def check_size(name: str, size: int, most_bytes: int, *, at_least: bool = False) -> None:
    """Raise :class:`~agentchat.errors.FileTooLarge` for a file of more bytes than are taken;
    ``at_least`` says that nobody has seen its end.
    """
    if size > most_bytes:
        has = "more" if at_least else f"{size / 1e6:,.1f} MB"
        raise FileTooLarge(
            f"The file {name} has {has}; {most_bytes / 1e6:,.0f} MB is the most."
            " Send a smaller one, or a part of it."
        )


def check_room(held: int, more: int, *, most_bytes: int) -> None:
    """Raise :class:`~agentchat.errors.InvalidInput` if a person whose files have ``held`` bytes
    already has no room for ``more``; 0 is no limit.
    """
    if most_bytes and held + more > most_bytes:
        raise InvalidInput(
            f"Your files have {held / 1e6:,.1f} MB, and these {more / 1e6:,.1f} MB more;"
            f" {most_bytes / 1e6:,.0f} MB is the most. Delete threads with files that you do not"
            " need any more for good, or files that you have not sent."
        )


def checked_uploads(ids: Sequence[str]) -> tuple[str, ...]:
    """The ids of files that go with a message; raises :class:`~agentchat.errors.InvalidInput` for
    what is no list of ids.
    """
    if not isinstance(ids, list | tuple):
        raise InvalidInput("The files of a message are a list of ids.")
    # Anybody may send anything, also None, of which a new id would be made.
    return tuple(checked_id(one if isinstance(one, str) else "") for one in ids)


def checked_name(name: str) -> str:
    """The name of a file without the folders before it; raises
    :class:`~agentchat.errors.InvalidInput` for one that nobody could read, or that would not
    be what it seems.
    """
    if not isinstance(name, str):
        raise InvalidInput(f"The name of a file is text, not {type(name).__name__}.")
    last = unicodedata.normalize("NFC", storable(name)).replace("\\", "/").split("/")[-1]
    last = " ".join(last.split())
    if not last.strip(". "):
        raise InvalidInput(f"{name[:80]!r} is not a name for a file.")
    if any(unicodedata.category(one) == "Cc" or one in _ESCAPES for one in last):
        raise InvalidInput(f"The name {last[:80]!r} holds characters that cannot be seen.")
    if len(last) > MOST_NAME:
        raise InvalidInput(f"The name of a file has {MOST_NAME} characters at most.")
    return last


class Files:
    """The files of messages, and those that are brought for one: ``chat.files``.

    A file that was uploaded is its owner's alone until a message takes it
    (:meth:`~agentchat.chat.AgentChat.send_message`, with its id in ``uploads``); one that is never
    sent is removed after a day.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        guard: Guard,
        limits: FileLimits,
        checked: Callable[[Sequence[NewFile]], Awaitable[tuple[NewFile, ...]]],
    ) -> None:
        self.limits = limits
        self._database = database
        self._clock = clock
        self._guard = guard
        self._checked = checked
        self._looking = asyncio.Semaphore(AT_ONCE)

    async def get(self, attachment_id: str, *, actor: Actor = LOCAL) -> FileContent:
        """A file with what is in it; raises :class:`~agentchat.errors.NotFound`.

        Whoever hands it to a browser must do so as a download: it may be a page with scripts.
        """
        self._guard.reader(actor)
        found = await self._database.read(_find, checked_id(attachment_id), self._guard, actor)
        if found is None:
            raise NotFound(_GONE)
        return FileContent(found.name, found.media_type, found.content)

    async def preview(self, attachment_id: str, *, actor: Actor = LOCAL) -> FileText:
        """The beginning of what can be read of a file, as models are told it; raises
        :class:`~agentchat.errors.NotFound`.
        """
        self._guard.person(actor)

        def read(session: Session) -> str | None:
            found = attachments.head_of(session, attachment_id)
            if found is None or not _may_read(session, found.thread_id, self._guard, actor):
                return None
            return attachments.text_of(session, attachment_id, most=MOST_PREVIEW + 1)

        checked_id(attachment_id)
        text = await self._database.read(read)
        if text is None:
            raise NotFound(_GONE)
        return FileText(text[:MOST_PREVIEW], len(text) > MOST_PREVIEW)

    async def upload(
        self,
        name: str,
        content: bytes | AsyncIterable[bytes],
        *,
        size: int | None = None,
        actor: Actor = LOCAL,
    ) -> FileView:
        """Bring a file for a message to come. ``content`` may come in pieces, of ``size`` bytes
        together if that is known; what it is is found from it.

        Raises :class:`~agentchat.errors.FileTooLarge` as soon as it is known to be,
        :class:`~agentchat.errors.InvalidInput` for one that is empty or badly named, or without
        room for it, and :class:`~agentchat.errors.TooManyTries`; then nothing is kept, as if
        whoever sends the pieces goes away.
        """
        self._guard.person(actor)
        self._guard.pace(actor, "upload")
        name, limits = checked_name(name), self.limits
        expected = len(content) if isinstance(content, bytes) else size or 0
        check_number(1, limits.most)
        check_size(name, expected, limits.most_bytes)
        held = await self._database.read(uploads.held, actor.id)
        check_room(held, max(expected, 1), most_bytes=limits.most_held)
        if isinstance(content, bytes):
            return await self._keep(name, lambda: content, actor)
        with SpooledTemporaryFile(max_size=IN_MEMORY) as spool:
            came = 0
            async for piece in content:
                came += len(piece)
                check_size(name, came, limits.most_bytes, at_least=True)
                spool.write(piece)
            spool.seek(0)
            return await self._keep(name, spool.read, actor)

    async def _keep(self, name: str, content: Callable[[], bytes], actor: Actor) -> FileView:
        async with self._looking:
            [file] = await self._checked([NewFile(name, "", await asyncio.to_thread(content))])
            now = self._clock.now()
            row = {**file.row(), "user_id": actor.id, "created_at": now}

            def keep(tx: Tx) -> None:
                uploads.lock(tx, actor.id)
                held = uploads.held(tx, actor.id)
                check_room(held, row["size"], most_bytes=self.limits.most_held)
                uploads.add(tx, row)

            await self._database.write(keep)
        return FileView(row["id"], row["name"], row["media_type"], row["size"])

    async def unsent(self, *, actor: Actor = LOCAL) -> tuple[FileView, ...]:
        """What this person has uploaded and not sent yet, oldest first."""
        self._guard.person(actor)
        found = await self._database.read(uploads.of_person, actor.id)
        return tuple(FileView(row.id, row.name, row.media_type, row.size) for row in found)

    async def get_unsent(self, upload_id: str, *, actor: Actor = LOCAL) -> FileContent:
        """A file that this person has not sent yet, with what is in it; raises
        :class:`~agentchat.errors.NotFound`.
        """
        self._guard.person(actor)
        found = await self._database.read(uploads.get, checked_id(upload_id), actor.id)
        if found is None:
            raise NotFound(_GONE)
        return FileContent(found.name, found.media_type, found.content)

    async def discard(self, upload_id: str, *, actor: Actor = LOCAL) -> None:
        """Remove a file that this person has not sent; raises
        :class:`~agentchat.errors.NotFound`.
        """
        self._guard.person(actor)
        if not await self._database.write(uploads.discard, checked_id(upload_id), actor.id):
            raise NotFound(_GONE)


_GONE = "This file does not exist, or it was deleted."


def _find(session: Session, attachment_id: str, guard: Guard, actor: Actor) -> Attachment | None:
    head = attachments.head_of(session, attachment_id)
    if head is None or not _may_read(session, head.thread_id, guard, actor):
        return None
    return attachments.get(session, attachment_id)


def _may_read(session: Session, thread_id: str, guard: Guard, actor: Actor) -> bool:
    with suppress(ThreadNotFound):
        guard.thread(session, thread_id, actor, Right.READ)
        return True
    return False
