"""The list of threads as it is sent to a page: the part that is looked at, whole once, then what
has changed of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from agentchat.shown.thread_lists import MOST_KEPT, ThreadPlace, ThreadSummary


@dataclass(frozen=True)
class ThreadLine:
    """A line of the list: no more than is shown. ``at`` is when it was last used, in seconds."""

    id: str
    title: str
    at: float
    running: bool = False
    asks: bool = False
    unread: bool = False
    pinned: bool = False
    folder: str = ""
    role: str = "owner"


@dataclass(frozen=True)
class Window:
    """What of a list is sent: the lines at its front, and those behind a place where somebody has
    scrolled to. ``after`` is that place, empty if there is none; ``gap`` the id of the last line
    at the front, if some are left out behind it. ``more`` says that there are threads behind all
    of these, ``unlisted`` that there are more that are pinned or in folders than are listed.
    """

    lines: tuple[ThreadLine, ...] = ()
    more: bool = False
    after: str = ""
    gap: str = ""
    unlisted: bool = False


@dataclass(frozen=True, eq=False)
class ListChange:
    """How a list comes from the one before: the lines that are new or another than they were, and
    the ids of those that are ``gone``. ``mark`` names the list that comes out, ``base`` the one
    it comes from, empty if it is whole. The rest is as in :class:`Window`.

    Two are equal if the same list comes out, so that who has it is not sent it once more.
    """

    mark: str = ""
    base: str = ""
    lines: tuple[ThreadLine, ...] = ()
    gone: tuple[str, ...] = ()
    more: bool = False
    after: str = ""
    gap: str = ""
    unlisted: bool = False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ListChange) and other.mark == self.mark

    def __hash__(self) -> int:
        return hash(self.mark)


@dataclass
class Sent:
    """What a page holds of the list. ``key`` tells one page's lists from those after it has missed
    something: then all is sent anew.
    """

    key: str
    mark: str = ""
    lines: Mapping[str, ThreadLine] = field(default_factory=dict)

    def change(self, window: Window) -> ListChange:
        """What is to be sent, for the page to hold this; the page is taken to hold it then."""
        new = {line.id: line for line in window.lines}
        mark = f"{self.key}:{hash(window) & _BITS:x}"
        base, before = self.mark, self.lines
        self.mark, self.lines = mark, new
        changed = tuple(line for line in window.lines if before.get(line.id) != line)
        gone = tuple(before.keys() - new.keys())
        about = (window.more, window.after, window.gap, window.unlisted)
        if not base or len(changed) + len(gone) > len(new) // 2:
            return ListChange(mark, "", window.lines, (), *about)
        return ListChange(mark, base, changed, gone, *about)


def window_of(threads: Sequence[ThreadSummary], size: int, name: str = "") -> Window:
    """What is shown of threads in their order: ``size`` of them at the front, as many behind the
    place of this name, if there is one, and those that are pinned or in folders, up to
    :data:`MOST_KEPT`. One more of each tells what there is besides.
    """
    after = place_of(name)
    kept = [one for one in threads if one.pinned or one.folder]
    dated = [one for one in threads if not (one.pinned or one.folder)]
    front, rest = dated[:size], dated[size:]
    if after is None:
        behind, gap, more = [], "", bool(rest)
    else:
        behind = [one for one in dated if _order(one.place) > _order(after)]
        more = len(behind) > size
        behind = behind[:size]
        gap = front[-1].id if rest and _order(rest[0].place) <= _order(after) else ""
    shown = {one.id for one in (*kept[:MOST_KEPT], *front, *behind)}
    lines = tuple(line_of(one) for one in threads if one.id in shown)
    return Window(lines, more, name, gap, len(kept) > MOST_KEPT)


def named(place: ThreadPlace) -> str:
    """A place as a page names it."""
    return f"{place.at.timestamp()!r} {place.id}"


def place_of(name: str) -> ThreadPlace | None:
    """The place of this name; None if it is empty, or none."""
    at, _, thread_id = name.partition(" ")
    try:
        return ThreadPlace(datetime.fromtimestamp(float(at), UTC), thread_id)
    except (ValueError, OverflowError, OSError):
        return None


def _order(place: ThreadPlace) -> tuple[float, str]:
    return -place.at.timestamp(), place.id


_BITS: Final = 2**64 - 1


def line_of(thread: ThreadSummary) -> ThreadLine:
    """The line that shows a thread."""
    return ThreadLine(
        thread.id,
        thread.title,
        thread.updated_at.timestamp(),
        thread.running,
        thread.asks,
        thread.unread,
        thread.pinned,
        thread.folder,
        thread.role,
    )
