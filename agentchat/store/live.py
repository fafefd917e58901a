"""Live queries: a read function is followed, and runs again when rows it read change.

The author of a query names no topics. Running it notes what it read; a commit tells what
it changed; where they touch, the query runs again and its followers get the new value if
it differs. One run serves all followers of the same function and arguments.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable
from datetime import timedelta
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from agentchat.store.changes import Rows

P = ParamSpec("P")
T = TypeVar("T")

logger = logging.getLogger(__name__)

AGAIN = timedelta(seconds=1)
"""How long to wait before reading again from a database that does not answer."""

_NOTHING = object()


class _Read(Protocol):
    def __call__(
        self, query: Callable[[Session], Any], /
    ) -> Awaitable[tuple[Any, tuple[Rows, ...]]]: ...


class Live:
    """All followed queries of one database."""

    def __init__(self, read: _Read) -> None:
        self._read = read
        self._queries: dict[Hashable, _Query] = {}
        self._listeners: list[Callable[[list[Rows]], None]] = []

    def __len__(self) -> int:
        return len(self._queries)

    def publish(self, changes: list[Rows]) -> None:
        """Tell the queries what a commit changed; called in the event loop after it."""
        for query in tuple(self._queries.values()):
            query.notice(changes)
        for listener in tuple(self._listeners):
            listener(changes)

    def listen(self, listener: Callable[[list[Rows]], None]) -> None:
        """Call ``listener`` with the rows of each commit, in the event loop."""
        self._listeners.append(listener)

    def unlisten(self, listener: Callable[[list[Rows]], None]) -> None:
        """Stop calling ``listener``."""
        self._listeners.remove(listener)

    async def follow(
        self, query: Callable[Concatenate[Session, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> AsyncGenerator[T, None]:
        """Yield the value of ``query(session, ...)`` now, and each new one as it changes.

        A slow follower skips to the newest value. An error of the query ends the
        following with that error. Arguments must be hashable.
        """
        key = (query, args, tuple(sorted(kwargs.items())))
        running = self._queries.get(key)
        if running is None or running.ended:
            running = _Query(lambda session: query(session, *args, **kwargs), self._read)
            self._queries[key] = running
        follower = running.join()
        try:
            while True:
                yield await follower.next()
        finally:
            if running.leave(follower) and self._queries.get(key) is running:
                del self._queries[key]

    async def close(self) -> None:
        """End every following as if its task had been cancelled."""
        tasks = [query.end() for query in self._queries.values()]
        self._queries.clear()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Query:
    """One query, kept fresh for its followers by one task."""

    def __init__(self, run: Callable[[Session], Any], read: _Read) -> None:
        self._run = run
        self._read = read
        self._reads: tuple[Rows, ...] = ()
        self._during: list[Rows] | None = None
        self._stale = asyncio.Event()
        self._followers: set[_Follower] = set()
        self._value: Any = _NOTHING
        self._run_no = 0
        self._task = asyncio.create_task(self._refresh())

    @property
    def ended(self) -> bool:
        return self._task.done()

    def join(self) -> _Follower:
        follower = _Follower(self._run_no)
        if self._value is not _NOTHING and self._during is None and not self._stale.is_set():
            follower.offer(self._value)
        self._followers.add(follower)
        return follower

    def leave(self, follower: _Follower) -> bool:
        """Forget a follower; true when nobody is left and the query has ended."""
        self._followers.discard(follower)
        if not self._followers:
            self._task.cancel()
        return not self._followers

    def end(self) -> asyncio.Task[None]:
        self._task.cancel()
        for follower in self._followers:
            follower.fail(asyncio.CancelledError())
        return self._task

    def notice(self, changes: list[Rows]) -> None:
        if self._during is not None:
            # What this run reads is not known yet: it is compared when it is.
            self._during.extend(changes)
        elif not self._stale.is_set() and _touch(changes, self._reads):
            self._stale.set()

    async def _refresh(self) -> None:
        try:
            while True:
                self._stale.clear()
                self._during = []
                self._run_no += 1
                try:
                    value, self._reads = await self._read(self._run)
                except DBAPIError:
                    # The database is away, not the value: a page must not stand still for it.
                    logger.warning("a live query could not read; trying again", exc_info=True)
                    await asyncio.sleep(AGAIN.total_seconds())
                    continue
                during, self._during = self._during, None
                new = value != self._value
                self._value = value
                fresh = not _touch(during, self._reads)
                for follower in self._followers:
                    # Who came while this run was under way may have written what it missed.
                    if (new or not follower.served) and (fresh or follower.joined < self._run_no):
                        follower.offer(value)
                if fresh:
                    await self._stale.wait()
        except Exception as error:
            for follower in self._followers:
                follower.fail(error)


class _Follower:
    """The newest value that one follower has not seen yet."""

    def __init__(self, joined: int) -> None:
        self.joined = joined
        """How many times the query had been run when this follower came."""
        self.served = False
        """Whether it was given a value yet."""
        self._waiting = asyncio.Event()
        self._value: Any = None
        self._error: BaseException | None = None

    def offer(self, value: Any) -> None:
        self.served = True
        self._value = value
        self._waiting.set()

    def fail(self, error: BaseException) -> None:
        self._error = error
        self._waiting.set()

    async def next(self) -> Any:
        await self._waiting.wait()
        self._waiting.clear()
        if self._error is not None:
            raise self._error
        return self._value


def _touch(changes: list[Rows], reads: tuple[Rows, ...]) -> bool:
    return any(change.touches(read) for change in changes for read in reads)
