"""Following what the live vars of a state ask for, and showing it in one tab."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from contextlib import aclosing
from datetime import timedelta
from functools import partial
from typing import Any

from reflex_base.config import get_config
from reflex_base.event.context import EventContext
from reflex_base.registry import RegistrationContext
from reflex_base.utils.exceptions import ReflexRuntimeError
from reflex_base.vars.base import MISSING

from agentchat.chat import Outcome
from agentchat.errors import AgentChatError
from agentchat.ui import words
from agentchat.ui.live_query import Arguments, Ask
from agentchat.ui.visits import as_seen_by, token_of

logger = logging.getLogger(__name__)

AGAIN = timedelta(seconds=1)
MOST_AGAIN = timedelta(seconds=30)
"""How long to wait before following again what ended with an error; it doubles up to this."""

followings: dict[str, Following] = {}
"""Those under way in this process, by their id."""


class Following:
    """What follows the live vars of one state of one tab, and shows them."""

    def __init__(self, cls: Any) -> None:
        self._cls = cls
        self._id = uuid.uuid4().hex
        self._begun = False
        self.news = asyncio.Event()
        self._sources = {
            name: _Source(f"{cls.__name__}.{name}", ask, self.news)
            for name, ask in cls._asks.items()
        }

    async def show_in(self, state: Any) -> None:
        """Follow until this task is cancelled or another following takes over."""
        followings[self._id] = self
        try:
            while not any(source.ended for source in self._sources.values()):
                async with state:
                    if not self._holds(state):
                        return
                    self._show(state)
                await self._until_news()
                if tab_is_gone():
                    return
        finally:
            del followings[self._id]
            await asyncio.gather(*(source.close() for source in self._sources.values()))

    def differs(self, state: Any) -> bool:
        """Whether something else is to be asked than is, or shown than is."""
        asked = dict(state._asked)
        return any(
            source.arguments != source.ask.arguments(state)
            or (source.outcome is not None and name not in asked)
            for name, source in self._sources.items()
        )

    async def _until_news(self) -> None:
        """Return when there is news, or when it is time to use the state.

        Reflex forgets a state that nobody has used for long, also of a tab that is open.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(get_config().redis_token_expiration / 3):
                await self.news.wait()
        self.news.clear()

    def _holds(self, state: Any) -> bool:
        """Whether this is the newest following; a state that was reset belongs to nobody."""
        if not self._begun or not state._follower:
            self._begun = True
            state._follower = self._id
        return bool(state._follower == self._id)

    def _show(self, state: Any) -> None:
        """Ask what is to be asked now, and take over what is new; an assigned var is sent."""
        forget_changed(state, self._cls)
        asked = dict(getattr(state, "_asked", ()))
        for name, source in self._sources.items():
            arguments = source.ask.arguments(state)
            if source.arguments != arguments:
                source.open(arguments, token_of(state))
            if source.outcome is None or not (source.fresh or name not in asked):
                continue
            source.fresh = False
            var = self._cls.__fields__[name]
            failed = source.outcome.error is not None
            value = var.default_value() if failed else var.shaped(source.outcome.value)
            asked[name] = arguments
            _assign(state, name, value)
        _assign(state, "_asked", tuple(asked.items()))
        sources = self._sources.values()
        _assign(state, "loaded", len(asked) == len(sources))
        problems = [source.problem for source in sources if source.problem]
        if problems or all(source.outcome is not None for source in sources):
            _assign(state, "problem", next(iter(problems), ""))


class _Source:
    """The newest outcome of one query, for as long as its arguments stay the same."""

    def __init__(self, name: str, ask: Ask, news: asyncio.Event) -> None:
        self.ask = ask
        self.arguments: Arguments | None = None
        self.outcome: Outcome[Any] | None = None
        self.fresh = False
        """Whether the outcome has not been shown yet."""
        self.ended = False
        """Whether the database is being closed."""
        self._name = name
        self._news = news
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def problem(self) -> str:
        """What is wrong, in words for a person; empty if nothing is."""
        error = self.outcome.error if self.outcome is not None else None
        if error is None or isinstance(error, AgentChatError):
            return str(error or "")
        # Not AgentChat's own: the log has the rest.
        return words.WENT_WRONG

    def open(self, arguments: Arguments, token: str) -> None:
        """Follow the query with these arguments, as whoever holds the token may, and nothing else
        any more.
        """
        for task in self._tasks:
            task.cancel()
        self.arguments, self.outcome, self.fresh = arguments, None, False
        if arguments.error is not None:
            self._take(arguments, Outcome(error=arguments.error))
            return
        pump = self._pump(arguments, token)
        task = asyncio.create_task(pump, name=f"agentchat-live-{self._name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        self.arguments = None
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _pump(self, arguments: Arguments, token: str) -> None:
        again = AGAIN
        while True:
            try:
                follow = partial(self.ask.outcomes, arguments=arguments)
                async with aclosing(as_seen_by(token, follow)) as outcomes:
                    async for outcome in outcomes:
                        again = AGAIN if outcome.error is None else again
                        self._take(arguments, outcome)
                return
            except asyncio.CancelledError:
                if self.arguments is arguments:
                    self.ended = True
                    self._news.set()
                raise
            except Exception as error:
                self._take(arguments, Outcome(error=error))
            await asyncio.sleep(again.total_seconds())
            again = min(2 * again, MOST_AGAIN)

    def _take(self, arguments: Arguments, outcome: Outcome[Any]) -> None:
        if self.arguments is not arguments or _same_error(self.outcome, outcome):
            return
        error = outcome.error
        if error is not None and not isinstance(error, AgentChatError):
            logger.error("The query of %s failed", self._name, exc_info=error)
        self.outcome, self.fresh = outcome, True
        self._news.set()


def forget_changed(state: Any, cls: Any) -> None:
    """Take away what belongs to arguments that are no longer those of the state."""
    asked = dict(getattr(state, "_asked", ()))
    changed = [
        name
        for name, ask in cls._asks.items()
        if name in asked and asked[name] != ask.arguments(state)
    ]
    if not changed:
        return
    # First, for a live var may be an argument of another.
    state._asked = tuple((name, at) for name, at in asked.items() if name not in changed)
    state.loaded = False
    _assign(state, "problem", "")
    for name in changed:
        if not cls._asks[name].keep:
            _assign(state, name, cls.__fields__[name].default_value())


def tab_is_gone() -> bool:
    """Whether the tab that is shown something is closed.

    Reflex ends a following with the page that began it. One that an event of its own began,
    or the last event of a tab that closed before it had loaded, would never end.
    """
    try:
        token = EventContext.get().token
        namespace = RegistrationContext.get().app.event_namespace
    except (LookupError, ReflexRuntimeError):
        return False
    return namespace is not None and token not in namespace.token_to_sid


def _assign(state: Any, name: str, value: Any) -> None:
    """Set an attribute unless it is that already; what is set is sent."""
    if getattr(state, name, MISSING) != value:
        setattr(state, name, value)


def _same_error(one: Outcome[Any] | None, other: Outcome[Any]) -> bool:
    return (
        one is not None
        and one.error is not None
        and type(one.error) is type(other.error)
        and str(one.error) == str(other.error)
    )
