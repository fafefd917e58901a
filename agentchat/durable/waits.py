"""The waits of a run: what it waits for, and how it lets go and comes back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from agentchat.durable.journal import Key
from agentchat.models import Event, StepStatus
from agentchat.store import events, journal, runs
from agentchat.store.runs import Hold
from agentchat.store.writer import Tx


@dataclass(slots=True)
class Waits:
    """What one execution of a run has come to wait for.

    ``sent`` are the events that no wait has taken yet, oldest first.
    """

    sent: list[Event]
    _begun: list[dict[str, Any]] = field(default_factory=list)
    _keys: list[Key] = field(default_factory=list)
    _events: list[str] = field(default_factory=list)
    _times: list[datetime] = field(default_factory=list)

    def take(self, name: str | None) -> Event | None:
        """The oldest event of this name, which is then nobody else's."""
        for event in self.sent:
            if event.name == name:
                self.sent.remove(event)
                return event
        return None

    def add(self, key: Key, row: dict[str, Any], *, begun: bool) -> None:
        """The run waits here, for the event and until the time in ``row``; ``begun`` if the
        journal knows it already.
        """
        if not begun:
            self._begun.append({**row, "status": StepStatus.WAITING, "finished_at": None})
        self._keys.append(key)
        if row["event"] is not None:
            self._events.append(row["event"])
        if row["wake_at"] is not None:
            self._times.append(row["wake_at"])

    def suspend(self, tx: Tx, hold: Hold, *, now: datetime) -> None:
        """Write down the waits and let go of the run; raises :class:`Fenced`."""
        runs.suspend(tx, hold, step=str(self._keys[0]), due_at=min(self._times, default=None))
        for row in self._begun:
            journal.record(tx, row)
        # The run's row is ours until the commit: an event that came just now is seen here,
        # one that comes later sees a waiting run.
        if self._events and events.any_of(tx, hold, self._events):
            runs.wake(tx, hold, now=now)


def end(tx: Tx, hold: Hold, row: dict[str, Any], *, taken: Event | None) -> None:
    """A wait is over, by an event or by its time; raises :class:`Fenced`."""
    runs.change(tx, hold, step=row["name"])
    journal.end_wait(tx, row)
    if taken is not None and taken.id is not None:
        events.take(tx, taken.id, str(Key(row["name"], row["occurrence"])))
