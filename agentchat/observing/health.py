"""Whether a process is alive, and whether it can do its work: for whoever restarts it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlmodel import Session

from agentchat.durable.clock import Clock
from agentchat.durable.watch import words
from agentchat.errors import AgentChatError
from agentchat.observing.shared import Shared
from agentchat.store import gauges, schema
from agentchat.store.database import Database
from agentchat.views import ModelView

PATIENCE = 2.0
"""For how many seconds the database may take to answer a probe."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at, in words for people."""

    ok: bool
    words: str


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether runs can be carried out here, and what was looked at, by name. The state of the
    model is told and not required: what is asked meanwhile waits for it.
    """

    ready: bool
    checks: dict[str, Check] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Seen:
    revision: str | None
    beat_seconds: float | None
    model: ModelView


class Health:
    """The health of one process. ``worker`` tells the name of its worker, ``model`` reads how far
    its model is.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        worker: Callable[[], str],
        model: Callable[[Session], ModelView],
    ) -> None:
        self._database = database
        self._clock = clock
        self._worker = worker
        self._model = model
        self._opened_at = time.monotonic()
        self._fitting: str | None = None
        self._look = Shared(self._seen_now, patience=PATIENCE)

    async def alive(self) -> dict[str, object]:
        """That the event loop moves: it answers at all. How long it is open, and how long one
        turn of the loop took.
        """
        began = time.perf_counter()
        await asyncio.sleep(0)
        return {
            "uptime_seconds": round(time.monotonic() - self._opened_at, 1),
            "loop_turn_ms": round((time.perf_counter() - began) * 1000, 2),
        }

    async def ready(self) -> Readiness:
        """Whether the database answers and fits, and the worker is at work."""
        try:
            seen = await self._look.value()
        except TimeoutError:
            late = Check(False, f"The database has not answered for {PATIENCE:g} seconds.")
            return Readiness(False, {"database": late})
        except Exception as error:
            return Readiness(
                False, {"database": Check(False, f"It cannot be read: {words(error)}")}
            )
        checks = {
            "database": Check(True, "The database answers."),
            "schema": await self._schema(seen.revision),
            "worker": _worker(seen.beat_seconds),
        }
        ready = all(check.ok for check in checks.values())
        model = seen.model
        said = f"{model.label}: {model.state}. {model.detail}".strip()
        return Readiness(ready, checks | {"model": Check(model.state == "ready", said)})

    async def _seen_now(self) -> _Seen:
        return await self._database.read(self._read)

    def _read(self, session: Session) -> _Seen:
        beat, now = gauges.beat_of(session, self._worker()), self._clock.now()
        age = None if beat is None else max((now - beat).total_seconds(), 0)
        return _Seen(schema.revision(session), age, self._model(session))

    async def _schema(self, revision: str | None) -> Check:
        """Looked at in full when it is not what it was when it was looked at last."""
        if revision is None or revision != self._fitting:
            try:
                await asyncio.to_thread(schema.check, self._database.url)
            except AgentChatError as error:
                return Check(False, str(error))
            self._fitting = revision
        return Check(True, f"The schema is that of this version ({revision}).")


def _worker(age: float | None) -> Check:
    if age is None:
        return Check(False, "The worker has given no sign of life.")
    ok = age < gauges.SILENT.total_seconds()
    return Check(ok, f"The worker gave a sign of life {age:.0f} seconds ago.")
