"""The verbs by which runs are looked at: ``chat.operations``."""

from __future__ import annotations

from collections.abc import Callable

from agentchat.durable.clock import Clock
from agentchat.durable.runs import Runs
from agentchat.models import Run
from agentchat.operations.details import RunDetails
from agentchat.operations.lists import RunLists
from agentchat.operations.overview import Overview
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
        runs: Runs,
    ) -> None:
        self.lists = RunLists(database, clock, allow)
        self.overview = Overview(database, clock, allow)
        self.details = RunDetails(database, clock, allow, runs)
