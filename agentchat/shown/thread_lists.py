"""What the outside may see of lists of threads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

MOST_KEPT: Final = 500
"""How many threads a page lists at most that are pinned or in folders."""


class ThreadPlace(NamedTuple):
    """Where a thread stands in a list, by a time that is aware UTC."""

    at: datetime
    id: str


@dataclass(frozen=True)
class ThreadSummary:
    """One line of the list of threads. ``updated_at`` is an aware UTC time; ``asks`` says that
    a run in it waits for a person. ``unread``, ``pinned`` and ``folder`` (empty for none) are what
    it is to the person who looks, and ``role`` what they are in it: viewer, member or owner.
    """

    id: str
    title: str
    updated_at: datetime
    running: bool = False
    asks: bool = False
    unread: bool = False
    pinned: bool = False
    folder: str = ""
    role: str = "owner"

    @property
    def place(self) -> ThreadPlace:
        """What comes after it in the list is asked for with this."""
        return ThreadPlace(self.updated_at, self.id)


@dataclass(frozen=True)
class DeletedThread:
    """A deleted thread that its owner can have back until it is emptied. Aware UTC times."""

    id: str
    title: str
    deleted_at: datetime
    until: datetime

    @property
    def place(self) -> ThreadPlace:
        """What comes after it in the list is asked for with this."""
        return ThreadPlace(self.deleted_at, self.id)
