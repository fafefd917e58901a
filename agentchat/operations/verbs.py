"""The verbs by which runs are looked at: ``chat.operations``."""

from __future__ import annotations

from collections.abc import Callable

from agentchat.durable.clock import Clock
from agentchat.models import Run
from agentchat.store.database import Database
from agentchat.views import Actor


class Operations:
    """What an operator sees. What an operator does are the verbs of ``chat.runs`` and
    ``chat.schedules``.

    ``allow`` raises NotAllowed unless the actor may look at this run, or at any.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        allow: Callable[[Actor, Run | None], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._allow = allow
