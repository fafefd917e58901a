"""Watching what everything else relies on: that the event loop moves and the database answers."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection

from agentchat.errors import StorageUnavailable

logger = logging.getLogger(__name__)

STUCK = timedelta(seconds=5)
"""How long the event loop may stand still before somebody is told."""
LOOKS = 10
"""How often to look within that time."""
FRAMES = 8
"""How many of the innermost frames are told on the page; the log has all."""
FIRST_WAIT = timedelta(milliseconds=100)
LONGEST_WAIT = timedelta(seconds=5)
"""How long to wait before asking again a database that does not answer."""


class Watch:
    """A thread that notices when the event loop stands still, from :meth:`start` to
    :meth:`close`.

    ``told`` is called in that thread: with how many seconds it has stood and where, and with
    None when it moves again. It must not wait for the loop. ``late`` is called in the loop, a
    few times a second, with how late that was in seconds.
    """

    def __init__(
        self,
        told: Callable[[tuple[float, str] | None], None],
        late: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        self._told = told
        self._late = late
        self._ending = threading.Event()
        self._ticks = 0
        self._lag = 0.0

    def start(self) -> None:
        """Begin to watch the event loop that this is called in."""
        self._look = STUCK.total_seconds() / LOOKS
        self._loop = asyncio.get_running_loop()
        self._watched = threading.get_ident()
        self._ticking = asyncio.create_task(self._tick(), name="agentchat-tick")
        self._thread = threading.Thread(target=self._serve, name="agentchat-watch", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """End the thread."""
        self._ticking.cancel()
        self._ending.set()
        await asyncio.to_thread(self._thread.join)

    def lag(self) -> timedelta:
        """How late the loop was at most since this was last asked."""
        lag, self._lag = self._lag, 0.0
        return timedelta(seconds=lag)

    async def _tick(self) -> None:
        while True:
            due = self._loop.time() + self._look / 2
            await asyncio.sleep(self._look / 2)
            late = self._loop.time() - due
            self._lag = max(self._lag, late)
            self._late(late)
            self._ticks += 1

    def _serve(self) -> None:
        seen, still, said = self._ticks, 0, False
        # Looks are counted, not seconds: when the whole process is put to sleep, so is this.
        while not self._ending.wait(self._look):
            ticks = self._ticks
            still = still + 1 if ticks == seen else 0
            seen = ticks
            if still >= LOOKS and not said:
                said = True
                self._say(still * self._look)
            elif said and not still:
                said = False
                logger.warning("the event loop moves again")
                self._told(None)

    def _say(self, seconds: float) -> None:
        frame = sys._current_frames().get(self._watched)
        stack = traceback.format_stack(frame) if frame is not None else []
        task = asyncio.current_task(self._loop)
        doing = task.get_name() if task is not None else "a callback"
        logger.error(
            "the event loop has stood still for %.1f s in %s: something in it blocks and must"
            " be awaited or moved to a thread\n%s",
            seconds,
            doing,
            "".join(stack),
        )
        self._told((seconds, f"{doing}\n{''.join(stack[-FRAMES:])}"))


class Outage:
    """Says once that the database does not answer, and once that it does again.

    Each use is one try, and tells how long to wait before the next.
    """

    def __init__(self) -> None:
        self._since: float | None = None
        self._failing: set[str] = set()

    def over(self, what: str) -> None:
        """This went well."""
        self._failing.discard(what)
        if self._since is not None and not self._failing:
            seconds, self._since = time.monotonic() - self._since, None
            logger.warning("the database answers again, after %.1f s", seconds)

    def failed(self, what: str, error: Exception, waited: timedelta) -> timedelta:
        """This failed after waiting so long; how long to wait now."""
        known = what in self._failing
        self._failing.add(what)
        if not away(error):
            if not known:
                logger.error("could not %s; trying again", what, exc_info=error)
        elif self._since is None:
            self._since = time.monotonic()
            logger.error(
                "the database does not answer: could not %s (%s); trying until it does",
                what,
                words(error),
            )
        return min(max(waited * 2, FIRST_WAIT), LONGEST_WAIT)


def away(error: BaseException) -> bool:
    """Whether this is about the database as a whole: full, locked, restarted."""
    return isinstance(error, StorageUnavailable | DBAPIError | NoConnection)


def words(error: BaseException) -> str:
    """The first line of what the database said."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return (str(cause).strip() or type(cause).__name__).splitlines()[0]
