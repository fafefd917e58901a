"""AgentChat: every verb that the outside may use. A page, a script and a test call these.

Who may do what is decided in these verbs and nowhere else: each asks the
:class:`~agentchat.guard.Guard`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar, TypeVarTuple, cast

from agentchat.accounts import Accounts
from agentchat.agents.agent import Agent
from agentchat.agents.memory import Memories
from agentchat.agents.router import Router
from agentchat.agents.team import Allowance, checked
from agentchat.agents.toolbox import every_tool, tools_of
from agentchat.agents.tools import Tool
from agentchat.assistants import Kit
from agentchat.configuration import Configuration
from agentchat.configuration.models import Models
from agentchat.durable.clock import Clock, SystemClock
from agentchat.durable.runs import Runs
from agentchat.durable.schedules import Schedules
from agentchat.durable.workflow import Workflow
from agentchat.faults import Faults
from agentchat.guard import Guard
from agentchat.llm.base import Provider
from agentchat.llm.embedder import Embedder
from agentchat.observing import Health
from agentchat.opening import Given, opened, owned
from agentchat.operations import Operations
from agentchat.settings import Settings, load_settings
from agentchat.shown import thread as reads
from agentchat.store import schema
from agentchat.store.live import Outcome as Outcome
from agentchat.verbs.acting import Acting
from agentchat.verbs.edits import EditVerbs
from agentchat.verbs.files import Files
from agentchat.verbs.following import Following
from agentchat.verbs.inbox import Inbox
from agentchat.verbs.losing import Losing
from agentchat.verbs.marks import MarkVerbs
from agentchat.verbs.messages import MessageVerbs
from agentchat.verbs.models import ModelVerbs
from agentchat.verbs.presence import Presence
from agentchat.verbs.ratings import RatingVerbs
from agentchat.verbs.reading import checked_files, file_limits
from agentchat.verbs.searching import Searching
from agentchat.verbs.sharing import Sharing
from agentchat.verbs.spent import Spendings
from agentchat.verbs.threads import ThreadVerbs
from agentchat.verbs.tool_servers import ToolServers
from agentchat.verbs.transfers import TransferVerbs
from agentchat.verbs.waiting import WaitingVerbs
from agentchat.views import (
    LOCAL,
    Actor,
    AgentView,
)

if TYPE_CHECKING:
    from agentchat.observing.metrics import Metrics

P = ParamSpec("P")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class AgentChat(
    Following,
    ThreadVerbs,
    MarkVerbs,
    MessageVerbs,
    WaitingVerbs,
    EditVerbs,
    ModelVerbs,
    RatingVerbs,
    TransferVerbs,
    Searching,
):
    """A running agentchat: ``async with AgentChat() as chat``.

    ``runs`` are the verbs on workflows (:class:`~agentchat.durable.runs.Runs`), and
    ``schedules`` those that start them again and again; ``operations`` is what is seen of them.

    Opening it brings the embedded database up to date, starts the worker that carries runs
    out, and lets the model get ready. Leaving it hands runs under way back to the queue.

    ``settings`` are read from the environment unless given; ``provider`` is chosen by them
    unless given; ``agents`` are those that are shipped, with their ``router``, unless given
    (or made by a function of what an app has: :class:`~agentchat.assistants.Kit`).
    ``strict`` refuses to start on runs that the code would break, instead of holding them.
    Raises :class:`~agentchat.errors.ConfigError` and
    :class:`~agentchat.errors.SchemaMismatch` on entry.
    """

    runs: Runs
    schedules: Schedules
    operations: Operations
    accounts: Accounts
    configuration: Configuration
    sharing: Sharing
    presence: Presence
    inbox: Inbox
    memories: Memories
    files: Files
    spent: Spendings
    tool_servers: ToolServers
    faults: Faults
    settings: Settings | None = None
    """What it was opened with last."""
    health: Health | None = None
    """Whether this process can do its work; None while it is not open."""
    metrics: Metrics | None = None
    """What it counts, as Prometheus reads it; None if that is switched off."""

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        agents: Sequence[Agent] | Callable[[Kit], Sequence[Agent]] | None = None,
        router: Router | None = None,
        allowance: Allowance | None = None,
        workflows: Sequence[Workflow[..., Any]] = (),
        provider: Provider | None = None,
        embedder: Embedder | None = None,
        clock: Clock | None = None,
        strict: bool = False,
    ) -> None:
        if agents is not None and not callable(agents):
            checked(agents)
        self._settings = settings
        self._given = Given(
            agents,
            router,
            allowance,
            workflows,
            provider,
            embedder,
            strict,
        )
        self._clock = clock or SystemClock()

    async def __aenter__(self) -> Self:
        settings, clock = self._settings or load_settings(), self._clock
        self.settings = settings
        self._guard = guard = Guard(
            clock.now, everybody=settings.auth == "open", minute_most=settings.minute_most
        )
        url = settings.database_url
        await asyncio.to_thread(schema.upgrade if url.startswith("sqlite") else schema.check, url)
        self._opened = await opened(self._given, settings, clock, guard)
        self._team, self._durable = self._opened.team, self._opened.durable
        self._database = database = self._team.database
        self._checked_files = partial(checked_files, settings=settings)
        self._deleted_for = timedelta(days=settings.deleted_days)
        limits = file_limits(settings)
        self.runs, self.schedules = self._durable.runs, self._durable.schedules
        self.operations = Operations(database, clock, guard, self.runs)
        losing = Losing(owned(self._team))
        self.accounts = Accounts(database, clock, settings, losing=losing)
        self.sharing = Sharing(database, clock, guard, losing, public_links=settings.public_links)
        self.presence = Presence(database, clock, guard)
        self.memories = self._opened.memories
        self.inbox = Inbox(database, clock, self._tool, guard)
        self.files = Files(database, clock, guard, limits, self._checked_files)
        self.spent = Spendings(database, clock, guard)
        self.tool_servers = ToolServers(self._team, guard)
        models = Models(
            self._team, self._opened.embedder, settings, given=self._given.provider is not None
        )
        self.configuration = Configuration(
            database, clock, guard, settings, models, self._durable, self._opened.model_id
        )
        await self.configuration.begin()
        self.metrics, self.faults = self._opened.observing.metrics, self._opened.faults
        model = partial(
            reads.model_view, model_id=self._opened.model_id, label=self._team.provider.label
        )
        self.health = Health(database, clock, lambda: self._durable.worker, model)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.health = None
        await self.presence.close()
        await self._opened.close()

    @property
    def open_to_all(self) -> bool:
        """Whether whoever reaches the app may do everything: it has no accounts."""
        return self._guard.everybody

    def by(self, actor: Actor) -> Self:
        """The same verbs, done by ``actor`` unless they are given another; also those of ``runs``,
        ``schedules`` and the other attributes, but for ``accounts``, whose verbs always name one.
        """
        return cast(Self, Acting(self, actor))

    def _tool(self, agent: str, name: str) -> Tool | None:
        who = self._team.agents.get(agent)
        return every_tool(self._team, who).get(name)

    def agents(self, *, actor: Actor = LOCAL) -> tuple[AgentView, ...]:
        """The agents that this person may use."""
        self._guard.person(actor)
        team = self._team
        usable = team.usable_by(actor)
        names = [one.name for one in usable]
        return tuple(
            AgentView(
                agent.name,
                agent.description,
                team.provider_of(agent).label,
                tuple(tools_of(team, agent, names, 0)),
                tuple(sorted(team.provider_of(agent).media_types)),
            )
            for agent in usable
        )
