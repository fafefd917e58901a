"""Files that are sent with messages, checked at the edge, and the verbs on them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session

from agentchat.errors import InvalidInput, NotFound, ThreadNotFound
from agentchat.guard import Guard
from agentchat.inputs import checked_id, storable
from agentchat.models import Attachment
from agentchat.rights import Right
from agentchat.store import attachments
from agentchat.store.database import Database
from agentchat.views import LOCAL, Actor, FileContent

MOST_NAME = 200
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


def check_files(files: Sequence[NewFile], *, most: int, most_bytes: int) -> None:
    """Raise :class:`~agentchat.errors.InvalidInput` for too many files, one that is empty or
    larger than ``most_bytes``, and what is no file at all.
    """
    if len(files) > most:
        raise InvalidInput(
            f"A message takes {most} files at most; these are {len(files)}."
            " Send the others with another message."
        )
    for file in files:
        if not isinstance(file.content, bytes):
            raise InvalidInput(f"A file is bytes, not {type(file.content).__name__}.")
        name = checked_name(file.name)
        if not file.content:
            raise InvalidInput(f"The file {name} is empty.")
        if len(file.content) > most_bytes:
            size, limit = len(file.content) / 1e6, most_bytes / 1e6
            raise InvalidInput(
                f"The file {name} has {size:,.1f} MB; {limit:,.0f} MB is the most."
                " Send a smaller one, or a part of it."
            )


def check_room(held: int, files: Sequence[NewFile], *, most_bytes: int) -> None:
    """Raise :class:`~agentchat.errors.InvalidInput` if a person whose files have ``held`` bytes
    already has no room for these; 0 is no limit.
    """
    more = sum(len(file.content) for file in files)
    if most_bytes and held + more > most_bytes:
        raise InvalidInput(
            f"Your files have {held / 1e6:,.1f} MB, and these {more / 1e6:,.1f} MB more;"
            f" {most_bytes / 1e6:,.0f} MB is the most. Delete threads with files that you do not"
            " need any more."
        )


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
    """The files of messages: ``chat.files``."""

    def __init__(self, database: Database, guard: Guard) -> None:
        self._database = database
        self._guard = guard

    async def get(self, attachment_id: str, *, actor: Actor = LOCAL) -> FileContent:
        """A file with what is in it; raises :class:`~agentchat.errors.NotFound`.

        Whoever hands it to a browser must do so as a download: it may be a page with scripts.
        """
        self._guard.person(actor)
        found = await self._database.read(_find, checked_id(attachment_id), self._guard, actor)
        if found is None:
            raise NotFound("This file does not exist, or it was deleted.")
        return FileContent(found.name, found.media_type, found.content)


def _find(session: Session, attachment_id: str, guard: Guard, actor: Actor) -> Attachment | None:
    found = attachments.get(session, attachment_id)
    if found is not None:
        with suppress(ThreadNotFound):
            guard.thread(session, found.thread_id, actor, Right.READ)
            return found
    return None
