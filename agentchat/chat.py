"""AgentChat: every verb that the outside may use. A page, a script and a test call these.

Who may do what is decided here and nowhere else: see :meth:`AgentChat._authorize`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar, TypeVarTuple, cast

from sqlalchemy.exc import IntegrityError

from agentchat import reads, turns, variants
from agentchat.accounts import Accounts
from agentchat.acting import Acting
from agentchat.agents.agent import Agent
from agentchat.agents.memory import Memories
from agentchat.agents.router import Router
from agentchat.agents.team import Allowance, checked
from agentchat.agents.toolbox import tools_of
from agentchat.agents.tools import Tool
from agentchat.assistants import Kit
from agentchat.durable.clock import Clock, SystemClock
from agentchat.durable.runs import Runs
from agentchat.durable.schedules import Schedules
from agentchat.durable.workflow import Workflow
from agentchat.errors import InvalidInput
from agentchat.faults import Faults
from agentchat.files import Files, NewFile
from agentchat.followed import Following
from agentchat.guard import Guard
from agentchat.inbox import Inbox
from agentchat.inputs import checked_id, checked_text, checked_title
from agentchat.llm.base import Provider
from agentchat.llm.embedder import Embedder
from agentchat.message_views import message_view
from agentchat.models import SecondMessage
from agentchat.observing import Health
from agentchat.opening import Given, opened
from agentchat.operations import Operations
from agentchat.presence import Presence
from agentchat.reading import checked_files
from agentchat.rights import Right
from agentchat.settings import Settings, load_settings
from agentchat.sharing import Sharing
from agentchat.spent import Spendings
from agentchat.store import schema, threads
from agentchat.store.live import Outcome as Outcome
from agentchat.store.messages import Answer
from agentchat.store.writer import Tx
from agentchat.tool_servers import ToolServers
from agentchat.turns import Ending, Send, Sent
from agentchat.views import (
    LOCAL,
    Actor,
    AgentView,
    MessageView,
    ThreadSummary,
)

if TYPE_CHECKING:
    from agentchat.observing.metrics import Metrics

P = ParamSpec("P")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class AgentChat(Following):
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
        self._most_held = settings.person_files_mb * 1e6
        self.runs, self.schedules = self._durable.runs, self._durable.schedules
        self.operations = Operations(database, clock, guard, self.runs)
        self.accounts = Accounts(database, clock, settings)
        self.sharing = Sharing(database, clock, guard, public_links=settings.public_links)
        self.presence = Presence(database, clock, guard)
        self.memories = self._opened.memories
        self.inbox = Inbox(database, clock, self._tool, guard)
        self.files = Files(database, guard)
        self.spent = Spendings(database, clock, guard)
        self.tool_servers = ToolServers(self._team, guard)
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
        return None if who is None else tools_of(self._team, who, None, 0).get(name)

    # Threads

    async def create_thread(
        self, title: str = "", *, actor: Actor = LOCAL, thread_id: str | None = None
    ) -> ThreadSummary:
        """Make an empty thread."""
        self._guard.person(actor)
        thread_id, title, now = checked_id(thread_id), checked_title(title), self._clock.now()
        await self._database.write(
            threads.create, thread_id, owner_id=actor.id, title=title, now=now
        )
        return ThreadSummary(thread_id, title, now)

    async def rename_thread(self, thread_id: str, title: str, *, actor: Actor = LOCAL) -> None:
        """Give a thread another title; raises InvalidInput and ThreadNotFound."""
        self._guard.person(actor)
        title = checked_title(title)
        if not title:
            raise InvalidInput("A thread needs a name.")
        rename = self._guard.in_thread(threads.rename, actor, Right.WRITE)
        await self._database.write(rename, checked_id(thread_id), title)

    async def delete_thread(self, thread_id: str, *, actor: Actor = LOCAL) -> None:
        """Stop what runs in a thread and take it away; raises ThreadNotFound."""
        self._guard.person(actor)
        delete = self._guard.in_thread(turns.delete_thread, actor, Right.OWN)
        ending = self._ending(actor)
        self._interrupt(await self._database.write(delete, checked_id(thread_id), ending))

    async def choose_agent(self, thread_id: str, agent: str, *, actor: Actor = LOCAL) -> None:
        """Let this agent answer in a thread from now on; empty lets each message find its own.

        Raises ThreadNotFound and AgentNotFound.
        """
        self._guard.person(actor)
        if agent:
            await self._team.chosen(agent, actor)
        choose = self._guard.in_thread(threads.choose, actor, Right.WRITE)
        await self._database.write(choose, checked_id(thread_id), agent=agent)

    async def choose_second_message(
        self, thread_id: str, second: SecondMessage | str, *, actor: Actor = LOCAL
    ) -> None:
        """Say what a message does that is sent while the thread is being answered: queue,
        steer, interrupt or replace. Raises InvalidInput and ThreadNotFound.
        """
        self._guard.person(actor)
        try:
            chosen = SecondMessage(second)
        except ValueError:
            known = ", ".join(SecondMessage)
            raise InvalidInput(f"{second!r} is none of {known}.") from None
        choose = self._guard.in_thread(threads.choose, actor, Right.WRITE)
        await self._database.write(choose, checked_id(thread_id), second_message=chosen)

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
            )
            for agent in usable
        )

    # Messages

    async def send_message(
        self,
        thread_id: str,
        text: str,
        *,
        actor: Actor = LOCAL,
        message_id: str | None = None,
        create_thread: bool = False,
        agent: str = "",
        second: SecondMessage | None = None,
        files: Sequence[NewFile] = (),
    ) -> MessageView:
        """Say something in a thread; the answer arrives through :meth:`follow`.

        One transaction: the message, the pending answer and its run. The same
        ``message_id`` (made by the client) is one message however often it is sent.
        ``create_thread`` makes the thread, with this id, if there is none.

        ``agent`` answers; without it the one that the text begins with (``@name``), or the
        one picked for the thread, or the one that the router finds. While the thread is being
        answered, ``second`` says what the message does, or the thread's own choice; it steers only
        an answer to the same person, and only if no agent was named. Raises
        InvalidInput, ThreadNotFound and AgentNotFound; then nothing was written.
        """
        self._guard.person(actor)
        self._guard.pace(actor, "send")
        if agent:
            await self._team.chosen(agent, actor)
        sending = Send(
            message_id=checked_id(message_id),
            text=checked_text(text),
            actor=actor,
            answer=Answer(checked_id(None), checked_id(thread_id), checked_id(None), 0),
            workflow=self._team.reply,
            agent=agent or await self._team.mentioned(text, actor),
            first_agent=self._team.first.name if self._team.router is None else "",
            now=self._clock.now(),
            price=self._team.price,
            create_thread=create_thread,
            second=second,
            files=await self._checked_files(files),
            most_held=int(self._most_held),
        )

        def send(tx: Tx) -> Sent:
            if not create_thread or threads.known(tx, sending.answer.thread_id):
                self._guard.thread(tx, sending.answer.thread_id, actor, Right.WRITE)
            return turns.send(tx, sending)

        try:
            sent = await self._database.write(send)
        except IntegrityError:
            # Another process sent the same at the same moment: now it is there to be found.
            sent = await self._database.write(send)
        self._interrupt(sent.stopped)
        return message_view(sent.message, sent.message.text)

    async def retry(self, message_id: str, *, actor: Actor = LOCAL) -> None:
        """Ask again for an answer that failed or was stopped; what it held is replaced.

        Raises MessageNotFound, ThreadNotFound, and InvalidInput if it is not over.
        """
        self._guard.person(actor)
        self._guard.pace(actor, "send")
        await self._database.write(
            self._guard.of_message(turns.retry, actor, Right.WRITE),
            checked_id(message_id),
            run_id=checked_id(None),
            workflow=self._team.reply,
            by=actor,
            now=self._clock.now(),
        )

    async def regenerate(
        self, message_id: str, *, agent: str = "", actor: Actor = LOCAL, new_id: str | None = None
    ) -> str:
        """Ask for an answer once more, beside the one that is there, and return the id of the new
        one: both are seen until somebody keeps one. ``agent`` answers, or the one of before. The
        same ``new_id`` (of its run, made by the client) is one.

        Raises MessageNotFound, ThreadNotFound, AgentNotFound, and InvalidInput if there are very
        many answers there already.
        """
        self._guard.person(actor)
        self._guard.pace(actor, "send")
        message_id, run_id, now = checked_id(message_id), checked_id(new_id), self._clock.now()
        may = partial(self._guard.message, message_id=message_id, actor=actor, right=Right.WRITE)
        await self._database.read(may)
        asked = await variants.asked_again(self._team, message_id, agent, actor, run_id, now)

        def ask(tx: Tx) -> str:
            may(tx)
            return asked(tx)

        return await self._database.write(ask)

    async def keep(self, message_id: str, *, actor: Actor = LOCAL) -> None:
        """Let this be the answer at its place, of several: what is told to models, searched and
        shown first from now on. The others stay beside it. What was said since stays as it is.

        Raises MessageNotFound and ThreadNotFound.
        """
        self._guard.person(actor)
        keep = self._guard.of_message(variants.keep, actor, Right.WRITE)
        await self._database.write(keep, checked_id(message_id), actor, self._clock.now())

    async def stop(self, thread_id: str, *, actor: Actor = LOCAL) -> int:
        """Stop every answer of a thread that waits or grows, and say how many there were.

        What came so far is kept; nothing is added afterwards. Raises ThreadNotFound.
        """
        self._guard.person(actor)

        stop = self._guard.in_thread(turns.stop, actor, Right.WRITE)
        stopped = await self._database.write(stop, checked_id(thread_id), self._ending(actor))
        self._interrupt(stopped)
        return len(stopped)

    # Inside

    def _ending(self, actor: Actor) -> Ending:
        return Ending(actor, self._clock.now(), self._team.price)

    def _interrupt(self, run_ids: Iterable[str]) -> None:
        for run_id in run_ids:
            self._durable.interrupt(run_id)
