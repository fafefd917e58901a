"""How often a person may do what costs money or others' attention."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Literal

from agentchat.errors import TooManyTries

Deed = Literal["send", "decide", "start", "share", "upload", "search", "test"]

WITHIN: Final = timedelta(minutes=1)
MOST_PEOPLE = 10_000
"""Whose deeds are remembered at most; the others begin anew, whoever was least lately here."""
_WORDS: Final[dict[Deed, str]] = {
    "send": "sent {number} messages",
    "decide": "decided {number} times",
    "start": "started {number} runs",
    "share": "shared {number} times",
    "upload": "uploaded {number} files",
    "search": "searched {number} times",
    "test": "tested models {number} times",
}
_OFTENER: Final[dict[Deed, int]] = {"upload": 4, "search": 10}
"""How many times as often something may be done: a message has several files, and each letter that
is typed searches anew."""


class Paces:
    """Counts what each person does in this process, and refuses what is more than ``most`` a
    minute, or as many times that as the deed may be done oftener; 0 is no limit.
    """

    def __init__(self, now: Callable[[], datetime], most: int) -> None:
        self._now = now
        self._most = most
        self._done: OrderedDict[tuple[str, Deed], deque[datetime]] = OrderedDict()

    def take(self, user_id: str, deed: Deed) -> None:
        """Count one; raises :class:`~agentchat.errors.TooManyTries`, and then it does not count."""
        if not self._most:
            return
        now, key = self._now(), (user_id, deed)
        done = self._done.setdefault(key, deque())
        self._done.move_to_end(key)
        while len(self._done) > MOST_PEOPLE:
            self._done.popitem(last=False)
        while done and done[0] <= now - WITHIN:
            done.popleft()
        most = self._most * _OFTENER.get(deed, 1)
        if len(done) >= most:
            left = done[0] + WITHIN - now
            seconds = max(1, round(left.total_seconds()))
            did = _WORDS[deed].format(number=most)
            words = f"You have {did} within a minute, which is the most. Wait {seconds} seconds."
            raise TooManyTries(words, retry_after=left)
        done.append(now)
