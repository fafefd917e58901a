"""What the benchmarks may ask a server about itself: routes beside the app's, under ``/bench``."""

from __future__ import annotations

import asyncio
import cProfile
import gc
import io
import json
import os
import pstats
import time
import weakref
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

import psutil  # type: ignore[import-untyped]
from starlette.types import ASGIApp, Receive, Scope, Send

from agentchat.ui import bridge
from tests.benchmarks.tabs.bare import TICKS
from tests.benchmarks.tabs.commits import Commits
from tests.benchmarks.tabs.lag import Lag
from tests.benchmarks.tabs.provider import StampingProvider

PREFIX = "/bench/"
WATCHED = ("ThreadState", "BareState", "_Query", "_Follower", "EventFuture", "AsyncSocket")
"""Classes of which there must not be more and more."""
LINGERING = "agentchat-presence"
"""A task that comes with the first tab, and goes some seconds after the last."""


class Look:
    """An app with routes that tell what goes on inside it."""

    def __init__(
        self, app: ASGIApp, provider: StampingProvider, commits: Commits, facts: dict[str, Any]
    ) -> None:
        self._app = app
        self._provider = provider
        self._commits = commits
        self._facts = facts
        self._profile: cProfile.Profile | None = None
        self._lag: Lag | None = None
        self._pauses: list[float] = []
        gc.callbacks.append(self._note_collection)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what is asked under ``/bench``; all else is the app's."""
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        asked = dict(parse_qsl(scope["query_string"].decode()))
        route: Callable[..., Awaitable[Any]] = getattr(self, scope["path"].removeprefix(PREFIX))
        body = json.dumps(await route(**asked)).encode()
        head = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": body})

    async def facts(self) -> dict[str, Any]:
        """What a tab has to know to speak like a page."""
        return self._facts

    async def counts(self) -> dict[str, int]:
        """How much of everything there is."""
        for _ in range(3):
            gc.collect()
        found = gc.get_objects()
        kinds = Counter(type(one).__name__ for one in found)
        # A connection of sqlite3 keeps up to two hundred dead ones before it drops them all.
        weak = sum(type(one) is weakref.ReferenceType for one in found)
        return {
            "tasks": sum(task.get_name() != LINGERING for task in asyncio.all_tasks()),
            "live": len(bridge.chat()._database.live),
            "objects": len(found) - weak,
            "rss": int(psutil.Process(os.getpid()).memory_info().rss),
            **{name: kinds[name] for name in WATCHED},
        }

    async def kinds(self) -> dict[str, int]:
        """The kinds of object of which there are most."""
        gc.collect()
        return dict(
            Counter(
                f"{type(one).__module__}.{type(one).__qualname__}" for one in gc.get_objects()
            ).most_common(400)
        )

    async def stamps(self) -> dict[str, Any]:
        """When each mark was said and committed, since this was asked last."""
        said = {**self._provider.said, **TICKS.said}
        self._lag = self._lag or Lag()
        pauses, self._pauses = self._pauses, []
        answer = {
            "lag": self._lag.take(),
            "pauses": pauses,
            "said": said,
            "committed": self._commits.at,
            "deltas": self._commits.deltas,
        }
        self._provider.said, TICKS.said, self._commits.at, self._commits.deltas = {}, {}, {}, 0
        return answer

    def _note_collection(self, phase: str, _: object) -> None:
        if phase == "start":
            self._collecting = time.perf_counter()
        else:
            self._pauses.append(time.perf_counter() - self._collecting)

    async def tick(self, name: str, updates: str, pace: str, size: str) -> None:
        """Let the bare page say so many sentences; answers when it has."""
        await TICKS.run(name, int(updates), float(pace), int(size))

    async def profile(self) -> str:
        """Begin to profile the event loop; asked again, what was found."""
        if self._profile is None:
            self._profile = cProfile.Profile()
            self._profile.enable()
            return ""
        self._profile.disable()
        text = io.StringIO()
        stats = pstats.Stats(self._profile, stream=text)
        self._profile = None
        stats.sort_stats("tottime").print_stats(45)
        stats.sort_stats("cumtime").print_stats(80)
        return text.getvalue()
