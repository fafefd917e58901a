"""Live queries: a read function is followed, and runs again when rows it read change.

The author of a query names no topics. Running it notes what it read; a commit tells what
it changed; where they touch, the query runs again and its followers get the new value if
it differs. One run serves all followers of the same function and arguments.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, cast

from sqlmodel import Session

from agentchat.store.away import is_away
from agentchat.store.changes import EVERYTHING, Rows
from agentchat.store.queries import QueryView as QueryView
from agentchat.store.queries import Tally
from agentchat.store.told import Told

P = ParamSpec("P")
T = TypeVar("T")
Q = TypeVar("Q", bound=Callable[..., Any])

logger = logging.getLogger(__name__)

AGAIN = timedelta(seconds=1)
"""How long to wait before reading again from a database that does not answer."""


REST = 2.0
"""For how many times as long as it took to read, a query is not run again."""
LONGEST_REST = 0.5
"""The longest such rest, in seconds."""

MOST_CHANGES = 1000
"""How many changes are kept while a read takes long; more of them are everything."""


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What a run of a query came to: its value, or the error that it raised."""

    value: T | None = None
    error: Exception | None = None


def paced(seconds: float) -> Callable[[Q], Q]:
    """Let a query that is followed be run again after so many seconds at the earliest."""

    def mark(query: Q) -> Q:
        query.live_pace = seconds  # type: ignore[attr-defined]
        return query

    return mark


class _Read(Protocol):
    def __call__(
        self, query: Callable[[Session], Any], /
    ) -> Awaitable[tuple[Outcome[Any], tuple[Rows, ...]]]: ...


class Live:
    """All followed queries of one database."""

    def __init__(self, read: _Read) -> None:
        self._read = read
        self._queries: dict[Hashable, _Query] = {}
        self._listeners: list[Callable[[list[Rows]], None]] = []
        self.tallies: dict[str, Tally] = {}
        """By the name of the query."""

    def __len__(self) -> int:
        return len(self._queries)

    def publish(self, changes: list[Rows]) -> None:
        """Tell the queries what a commit changed; called in the event loop after it."""
        told = Told(changes)
        for query in tuple(self._queries.values()):
            query.notice(told)
        for listener in tuple(self._listeners):
            listener(changes)

    def listen(self, listener: Callable[[list[Rows]], None]) -> None:
        """Call ``listener`` with the rows of each commit, in the event loop."""
        self._listeners.append(listener)

    def unlisten(self, listener: Callable[[list[Rows]], None]) -> None:
        """Stop calling ``listener``."""
        self._listeners.remove(listener)

    def follow(
        self, query: Callable[Concatenate[Session, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> AsyncGenerator[T, None]:
        """Yield the value of ``query(session, ...)`` now, and each new one as it changes.

        A slow follower skips to the newest value. An error of the query ends the
        following with that error. Arguments must be hashable. A value is shared by all who
        follow: do not change it.
        """
        return _values(self.outcomes(query, *args, **kwargs))

    def outcomes(
        self, query: Callable[Concatenate[Session, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> AsyncGenerator[Outcome[T], None]:
        """Like :meth:`follow`, but an error of the query is an outcome like any other.

        After one it runs again when something changes that it had read until it failed.
        """

        def run(session: Session, _last: T | None) -> T:
            return query(session, *args, **kwargs)

        return self._outcomes("follow", query, run, args, kwargs)

    def fold(
        self,
        query: Callable[Concatenate[Session, T | None, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> AsyncGenerator[T, None]:
        """Like :meth:`follow`, for a query that builds on its last value.

        It is called as ``query(session, last, ...)`` and needs to read only what is new;
        ``last`` is None the first time. What it does not read again wakes it no more. It
        must make a new value, not change the last.
        """

        def run(session: Session, last: T | None) -> T:
            return query(session, last, *args, **kwargs)

        return _values(self._outcomes("fold", query, run, args, kwargs))

    def inspect(self) -> tuple[QueryView, ...]:
        """All followed queries: how often they ran, what they read, and why they last ran."""
        return tuple(query.view() for query in self._queries.values())

    async def close(self) -> None:
        """End every following as if its task had been cancelled."""
        tasks = [query.end() for query in self._queries.values()]
        self._queries.clear()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _outcomes(
        self,
        mode: str,
        query: Callable[..., T],
        run: Callable[[Session, T | None], T],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> AsyncGenerator[Outcome[T], None]:
        named = tuple(sorted(kwargs.items()))
        # With the types: 1, 1.0 and True are equal, and not the same to a query.
        kinds = tuple(type(value) for value in (*args, *kwargs.values()))
        key = (mode, query, args, named, kinds)
        running = self._queries.get(key)
        if running is None or running.ended:
            name = _name(query)
            tally = self.tallies.setdefault(name, Tally())
            running = _Query(name, _call(args, named), run, self._read, tally)
            running.pace = getattr(query, "live_pace", 0.0)
            self._queries[key] = running
        follower = running.join()
        try:
            while True:
                yield await follower.next()
        finally:
            if running.leave(follower) and self._queries.get(key) is running:
                del self._queries[key]


async def _values(outcomes: AsyncGenerator[Outcome[T], None]) -> AsyncGenerator[T, None]:
    async with aclosing(outcomes):
        while True:
            # Nothing is kept in a name: whoever does not look again would hold it.
            yield _value(await anext(outcomes))


def _value(outcome: Outcome[T]) -> T:
    if outcome.error is not None:
        raise outcome.error
    return cast(T, outcome.value)


class _Query:
    """One query, kept fresh for its followers by one task."""

    def __init__(
        self,
        name: str,
        arguments: str,
        run: Callable[[Session, Any], Any],
        read: _Read,
        tally: Tally,
    ) -> None:
        self._name = name
        self._arguments = arguments
        self._run = run
        self._read = read
        self._tally = tally
        self.pace = 0.0
        self._reads: tuple[Rows, ...] = ()
        self._during: dict[Rows, None] | None = None
        self._stale = asyncio.Event()
        self._followers: set[_Follower] = set()
        self._outcome: Outcome[Any] | None = None
        self._runs = 0
        self._idle_runs = 0
        self._reason: str | tuple[Rows, Rows] = "first run"
        self._task = asyncio.create_task(self._refresh())

    @property
    def _settled(self) -> bool:
        return self._runs > 0 and self._during is None and not self._stale.is_set()

    @property
    def ended(self) -> bool:
        return self._task.done()

    def view(self) -> QueryView:
        return QueryView(
            self._name,
            self._arguments,
            len(self._followers),
            self._runs,
            self._idle_runs,
            self._reads,
            _words(self._reason),
            self._settled,
        )

    def join(self) -> _Follower:
        follower = _Follower(self._runs)
        if self._settled:
            follower.offer(self._outcome)
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

    def notice(self, told: Told) -> None:
        if self._during is not None:
            # What this run reads is not known yet: it is compared when it is.
            self._during.update(told.rows)
            if len(self._during) > MOST_CHANGES:
                self._during = {Rows(EVERYTHING): None}
        elif not self._stale.is_set() and (found := told.touching(self._reads)):
            self._reason = found
            self._stale.set()

    async def _refresh(self) -> None:
        try:
            while True:
                began = time.monotonic()
                await self._run_once()
                # The busier the machine, the more changes one run is for.
                rest = min(REST * (time.monotonic() - began), LONGEST_REST)
                await asyncio.sleep(max(rest, self.pace))
                await self._stale.wait()
                if logger.isEnabledFor(logging.DEBUG):
                    words = _words(self._reason)
                    logger.debug("%s(%s) runs again: %s", self._name, self._arguments, words)
        except BaseException as error:
            # None may wait for a query that has ended, whatever has ended it.
            for follower in self._followers:
                follower.fail(error)
            if not isinstance(error, Exception):
                raise

    async def _run_once(self) -> None:
        """Run the query for its followers; it is stale already if something changed meanwhile."""
        self._stale.clear()
        self._during = {}
        self._runs += 1
        self._tally.runs += 1
        last = None if self._outcome is None else self._outcome.value
        outcome, reads = await self._read(lambda session: self._run(session, last))
        if outcome.error is not None and is_away(outcome.error):
            # The database is away, not the value: a page must not stand still for it.
            logger.warning("a live query could not read; trying again", exc_info=outcome.error)
            await asyncio.sleep(AGAIN.total_seconds())
            self._reason = "the database was away"
            self._stale.set()
            return
        during, self._during, self._reads = self._during, None, reads
        new = not _same(outcome, self._outcome)
        if new:
            self._outcome = outcome
        else:
            self._idle_runs += 1
            self._tally.idle_runs += 1
        missed = Told(during).touching(reads)
        for follower in self._followers:
            # Who came while this run was under way may have written what it missed.
            if (new or not follower.served) and (not missed or follower.joined < self._runs):
                follower.offer(self._outcome)
        if missed:
            self._reason = missed
            self._stale.set()


class _Follower:
    """The newest outcome that one follower has not seen yet."""

    def __init__(self, joined: int) -> None:
        self.joined = joined
        """How many times the query had been run when this follower came."""
        self.served = False
        """Whether it was given an outcome yet."""
        self._waiting = asyncio.Event()
        self._outcome: Any = None
        self._error: BaseException | None = None

    def offer(self, outcome: Outcome[Any] | None) -> None:
        self.served = True
        self._outcome = outcome
        self._waiting.set()

    def fail(self, error: BaseException) -> None:
        self._error = error
        self._waiting.set()

    async def next(self) -> Any:
        await self._waiting.wait()
        self._waiting.clear()
        if self._error is not None:
            raise self._error
        outcome, self._outcome = self._outcome, None
        return outcome


def _same(outcome: Outcome[Any], last: Outcome[Any] | None) -> bool:
    if last is None or (outcome.error is None) != (last.error is None):
        return False
    if outcome.error is not None:
        mine, theirs = outcome.error, last.error
        return type(mine) is type(theirs) and str(mine) == str(theirs)
    try:
        return bool(outcome.value == last.value)
    except Exception:
        # Some values, such as arrays, cannot say it: then they count as new.
        return False


def _name(query: Callable[..., Any]) -> str:
    name = getattr(query, "__qualname__", None)
    return type(query).__name__ if name is None else f"{query.__module__}.{name}"


def _call(args: tuple[Any, ...], named: tuple[tuple[str, Any], ...]) -> str:
    return ", ".join((*map(repr, args), *(f"{name}={value!r}" for name, value in named)))


def _words(reason: str | tuple[Rows, Rows]) -> str:
    if isinstance(reason, str):
        return reason
    change, read = reason
    return f"a change of {change} touched its read of {read}"
