"""What one execution of a run has come to wait for, and how it lets go and comes back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from agentchat.durable.journal import Key
from agentchat.models import Event, RunStatus, StepStatus
from agentchat.store import events, journal, runs
from agentchat.store.runs import Hold
from agentchat.store.writer import Tx


@dataclass(slots=True)
class _Wait:
    row: dict[str, Any]
    begun: bool
    """Whether the journal has its row already."""


@dataclass(slots=True)
class Waits:
    """The waits of one execution. ``sent`` are the events that no wait has taken yet,
    oldest first.
    """

    sent: list[Event]
    _open: dict[Key, _Wait] = field(default_factory=dict)
    _known: set[int | None] = field(default_factory=set)

    def take(self, name: str | None) -> Event | None:
        """The oldest event of this name, which is then nobody else's."""
        for event in self.sent:
            if event.name == name:
                self.sent.remove(event)
                self._known.add(event.id)
                return event
        return None

    def hear(self, sent: list[Event]) -> list[str]:
        """Take note of the events that are there now; the names of those that are new."""
        self._known.update(event.id for event in self.sent)
        new = [event for event in sent if event.id not in self._known]
        self.sent.extend(new)
        self._known.update(event.id for event in new)
        return [event.name for event in new]

    def close(self, key: Key) -> None:
        """This is not waited for any more."""
        self._open.pop(key, None)

    def add(self, key: Key, row: dict[str, Any], *, begun: bool) -> None:
        """The run waits here, for the event and until the time in ``row``; ``begun`` if the
        journal has the row already.
        """
        self._open[key] = _Wait(row, begun)

    def forget(self, branches: Iterable[str]) -> None:
        """The waits in these branches are not waited for any more."""
        lost = tuple(branches)
        for key in [k for k in self._open if any(f"{k.branch}/".startswith(f"{b}/") for b in lost)]:
            del self._open[key]

    def suspend(self, tx: Tx, hold: Hold, *, now: datetime) -> None:
        """Write down the waits and let go of the run; raises :class:`Fenced`."""
        waits = self._write(tx, hold)
        times = [wait.row["wake_at"] for wait in waits if wait.row["wake_at"] is not None]
        names = [wait.row["event"] for wait in waits if wait.row.get("event") is not None]
        runs.let_go(
            tx,
            hold,
            RunStatus.WAITING,
            step=str(next(iter(self._open))),
            due_at=min(times, default=None),
        )
        # The run's row is ours until the commit: an event that came just now is seen here,
        # one that comes later sees a waiting run.
        if names and events.any_of(tx, hold, names):
            runs.wake(tx, hold, now=now)

    def pause(self, tx: Tx, hold: Hold, *, now: datetime, **values: Any) -> None:
        """As :meth:`suspend`, for a run that goes on only when somebody resumes it: its
        sleeps go on meanwhile. Without an ``error_kind`` somebody has asked for it, and may
        have resumed it already.
        """
        self._write(tx, hold)
        wrong = "error_kind" in values
        status = RunStatus.PAUSED if wrong else RunStatus.QUEUED
        runs.let_go(tx, hold, status, due_at=now, **values)

    def _write(self, tx: Tx, hold: Hold) -> list[_Wait]:
        waits = list(self._open.values())
        for wait in waits:
            if not wait.begun:
                row = {"status": StepStatus.WAITING, **wait.row, "finished_at": None}
                journal.write(tx, hold, row)
        return waits


def end(tx: Tx, hold: Hold, row: dict[str, Any], *, taken: Event | None) -> None:
    """A wait is over, by an event or by its time; raises :class:`Fenced`."""
    journal.write(tx, hold, row)
    if taken is not None and taken.id is not None:
        events.take(tx, taken.id, str(Key(row["branch"], row["name"], row["occurrence"])))
