"""What of a thread is on a page: its newest messages, and perhaps a stretch from further back.
Pure.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import Final

from agentchat.views import MessageView, ThreadView

FIRST_SHOWN: Final = 50
MORE: Final = 100
"""By how many messages a page goes on in one direction."""
STEP: Final = 20
"""By how many messages what is shown is cut at its beginning, and what changes seldom is cut
from what does not: cut by one, both would be another list after each message."""
MOST_SHOWN: Final = 1_000
"""How many of the newest messages a page shows in one piece; what is further back than that it
shows as a stretch of its own."""
MOST_FAR: Final = 500
"""How long such a stretch gets before it loses its other end."""
ROOM: Final = 40
"""How many messages are shown on both sides of one that somebody looks for."""
NEAR: Final = 200
"""How many messages from the end one is shown together with all that come after it."""
_NUMBER: Final = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True)
class Span:
    """About ``newest`` messages from the end of a thread, and those at the places from ``first``
    to before ``end``.
    """

    newest: int = FIRST_SHOWN
    first: int = 0
    end: int = 0

    @classmethod
    def asked(cls, newest: str | None, first: str | None, end: str | None) -> Span:
        """What the parts of an address wish for. Anybody writes them, so within reason."""
        if (start := _number(first)) is not None and (stop := _number(end)) is not None:
            return cls().stretched(start, stop)
        number = _number(newest)
        return cls(min(number, MOST_SHOWN)) if number else cls()

    def stretched(self, first: int, end: int) -> Span:
        """The usual newest messages, and the stretch that has these places in it."""
        first = max(0, first // STEP * STEP)
        end = min(math.ceil(end / STEP) * STEP, first + MOST_FAR)
        return Span(FIRST_SHOWN, first, max(first, end))

    @property
    def address(self) -> str:
        """What follows the address of a thread for this."""
        if self.first < self.end:
            return f"?from={self.first}&to={self.end}"
        return f"?messages={self.newest}"

    @property
    def window(self) -> int:
        """How many of the newest messages have to be read for this."""
        return self.newest + 2 * STEP

    @property
    def far(self) -> range:
        """The places of the others."""
        return range(self.first, self.end)


def around(position: int, after: int) -> Span:
    """The span to look at a message with, which has so many others ``after`` it."""
    if after < NEAR:
        return Span(newest=after + ROOM)
    return Span().stretched(position - ROOM, position + ROOM)


@dataclass(frozen=True)
class Gap:
    """``number`` messages that are not shown, just before the place ``before``. The page goes on
    from above with the span ``down``, and from below with ``up``; the addresses of those.
    """

    before: int = 0
    number: int = 0
    down: str = ""
    up: str = ""


@dataclass(frozen=True)
class Cut:
    """A thread as a page shows it: the messages of the stretch ``far`` back, those of the newest
    that change seldom, and the ``recent`` ones. ``back`` is the span that shows more of what comes
    before all of them, None if there is nothing.
    """

    far: list[MessageView]
    older: list[MessageView]
    recent: list[MessageView]
    others: list[MessageView]
    gap: Gap
    back: Span | None
    on: Span | None
    """The span that shows more of what comes after those far back."""


def cut(view: ThreadView, span: Span) -> Cut:
    """The messages of a thread that are on a page which shows this span of it."""
    recent, first = _cuts(view.length, span.newest)
    end = min(span.end, first)
    far = [one for one in (*view.far, *view.settled) if span.first <= one.position < end]
    begins = span.first if span.first < end else first
    on = _further_on(span, first, view.length) if begins < end < first else None
    return Cut(
        far=far,
        older=[one for one in view.settled if first <= one.position < recent],
        recent=[one for one in view.settled if one.position >= recent],
        others=[
            one for one in view.others if begins <= one.position < end or one.position >= first
        ],
        gap=Gap(first, first - end, on.address, Span(FIRST_SHOWN + MORE).address) if on else Gap(),
        back=_further_back(span, begins, first) if begins else None,
        on=on,
    )


def _cuts(length: int, newest: int) -> tuple[int, int]:
    """The place of the first message that is recent, and of the first of the newest."""
    recent = length // STEP - 1
    first = recent - math.ceil((newest - STEP) / STEP)
    return max(0, recent * STEP), max(0, min(first, recent) * STEP)


def _further_back(span: Span, begins: int, first: int) -> Span:
    if begins == first and span.newest + MORE <= MOST_SHOWN:
        return Span(span.newest + MORE)
    return span.stretched(begins - MORE, first + MOST_FAR if begins == first else span.end)


def _further_on(span: Span, first: int, length: int) -> Span:
    end = span.end + MORE
    if end >= first:
        return Span(newest=length - span.first)
    return replace(span, first=max(span.first, end - MOST_FAR), end=end)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and _NUMBER.fullmatch(text) else None
