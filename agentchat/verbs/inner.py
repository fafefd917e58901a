"""What an open app has inside, for its verbs to work with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import timedelta

from agentchat.agents.team import Team
from agentchat.durable.clock import Clock
from agentchat.guard import Guard
from agentchat.opening import Opened
from agentchat.store.database import Database
from agentchat.verbs.files import Files, NewFile
from agentchat.verbs.turns import Ending
from agentchat.views import Actor


class Inner:
    """The base of the classes of verbs that make up :class:`~agentchat.chat.AgentChat`."""

    files: Files
    _database: Database
    _team: Team
    _opened: Opened
    _guard: Guard
    _clock: Clock
    _deleted_for: timedelta
    _checked_files: Callable[[Sequence[NewFile]], Awaitable[tuple[NewFile, ...]]]

    def _ending(self, actor: Actor) -> Ending:
        return Ending(actor, self._clock.now(), self._team.price)

    def _interrupt(self, run_ids: Iterable[str]) -> None:
        for run_id in run_ids:
            self._opened.durable.interrupt(run_id)
