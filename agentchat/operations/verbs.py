"""The verbs by which runs are looked at: ``chat.operations``."""

from __future__ import annotations

from agentchat.durable.clock import Clock
from agentchat.durable.runs import Runs
from agentchat.guard import Guard
from agentchat.operations.audits import Audits
from agentchat.operations.details import RunDetails
from agentchat.operations.lists import RunLists
from agentchat.operations.overview import Overview
from agentchat.store.database import Database


class Operations:
    """What an operator sees. What an operator does are the verbs of ``chat.runs`` and
    ``chat.schedules``.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        guard: Guard,
        runs: Runs,
    ) -> None:
        self.lists = RunLists(database, clock, guard)
        self.overview = Overview(database, clock, guard)
        self.details = RunDetails(database, clock, guard, runs)
        self.audits = Audits(database, clock, guard)
