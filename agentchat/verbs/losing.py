"""Losing a thread: what is written for somebody there ends with their right to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from agentchat.durable.own import Own
from agentchat.store import access
from agentchat.store.writer import Tx
from agentchat.views import Actor


@dataclass(frozen=True, slots=True)
class Losing:
    """Ends the answers that are being written for somebody. ``own`` says how runs end that belong
    to something else.
    """

    own: Mapping[str, Own] = field(default_factory=dict)

    def end(self, tx: Tx, user_id: str, by: Actor, now: datetime, *, thread_id: str = "") -> None:
        """End them in one thread, or in all. What they hold so far is kept, and ``by`` whom it
        was; their workers see that they have ended, and let go.
        """
        ends = {name: own.end for name, own in self.own.items() if own.end is not None}
        for run in access.acting_for(tx, user_id, tuple(ends), thread_id=thread_id):
            ends[run.workflow](tx, run, by, now)
