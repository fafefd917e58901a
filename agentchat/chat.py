"""AgentChat: every verb that the outside may use. A page, a script and a test call these.

Who may do what is decided here and nowhere else: see :meth:`AgentChat._authorize`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar, TypeVarTuple

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from agentchat import reads, turns
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
from agentchat.errors import InvalidInput, NotAllowed
from agentchat.faults import Faults
from agentchat.files import Files, NewFile
from agentchat.inbox import Inbox
from agentchat.inputs import checked_id, checked_text, checked_title
from agentchat.llm.base import Provider
from agentchat.llm.embedder import Embedder
from agentchat.models import SecondMessage
from agentchat.observing import Health
from agentchat.opening import Given, allow_run, opened
from agentchat.operations import Operations
from agentchat.reading import checked_files
from agentchat.settings import Settings, load_settings
from agentchat.spent import Spendings
from agentchat.store import schema, threads
from agentchat.store.live import Outcome as Outcome
from agentchat.store.live import QueryView
from agentchat.store.messages import Answer
from agentchat.tool_servers import ToolServers
from agentchat.turns import Ending, Send
from agentchat.views import (
    LOCAL,
    Actor,
    AgentView,
    MessageView,
    ModelView,
    ThreadSummary,
    ThreadView,
)

if TYPE_CHECKING:
    from agentchat.observing.metrics import Metrics

P = ParamSpec("P")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")

LIST_PACE = timedelta(seconds=0.5)
"""Each change of any thread changes the list, in every tab."""


class AgentChat:
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
        url = settings.database_url
        await asyncio.to_thread(schema.upgrade if url.startswith("sqlite") else schema.check, url)
        self._opened = await opened(self._given, settings, clock, self._authorize)
        self._team, self._durable = self._opened.team, self._opened.durable
        self._database = database = self._team.database
        self._checked_files = partial(checked_files, settings=settings)
        self.runs, self.schedules = self._durable.runs, self._durable.schedules
        allow = partial(allow_run, self._authorize)
        self.operations = Operations(database, clock, allow, self.runs)
        self.memories = self._opened.memories
        self.inbox = Inbox(database, clock, self._tool, self._authorize)
        self.files = Files(database, self._authorize)
        self.spent = Spendings(database, clock, self._authorize)
        self.tool_servers = ToolServers(self._team, self._authorize)
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
        await self._opened.close()

    def _tool(self, agent: str, name: str) -> Tool | None:
        who = self._team.agents.get(agent)
        return None if who is None else tools_of(self._team, who, None, 0).get(name)

    # Threads

    async def create_thread(
        self, title: str = "", *, actor: Actor = LOCAL, thread_id: str | None = None
    ) -> ThreadSummary:
        """Make an empty thread."""
        self._authorize(actor)
        thread_id, title, now = checked_id(thread_id), checked_title(title), self._clock.now()
        await self._database.write(
            threads.create, thread_id, owner_id=actor.id, title=title, now=now
        )
        return ThreadSummary(thread_id, title, now)

    async def rename_thread(self, thread_id: str, title: str, *, actor: Actor = LOCAL) -> None:
        """Give a thread another title; raises InvalidInput and ThreadNotFound."""
        self._authorize(actor)
        title = checked_title(title)
        if not title:
            raise InvalidInput("A thread needs a name.")
        await self._database.write(threads.rename, checked_id(thread_id), title)

    async def delete_thread(self, thread_id: str, *, actor: Actor = LOCAL) -> None:
        """Stop what runs in a thread and take it away; raises ThreadNotFound."""
        self._authorize(actor)
        self._interrupt(
            await self._database.write(
                turns.delete_thread, checked_id(thread_id), self._ending(actor)
            )
        )

    async def choose_agent(self, thread_id: str, agent: str, *, actor: Actor = LOCAL) -> None:
        """Let this agent answer in a thread from now on; empty lets each message find its own.

        Raises ThreadNotFound and AgentNotFound.
        """
        self._authorize(actor)
        if agent:
            await self._team.chosen(agent, actor)
        await self._database.write(threads.choose, checked_id(thread_id), agent=agent)

    async def choose_second_message(
        self, thread_id: str, second: SecondMessage | str, *, actor: Actor = LOCAL
    ) -> None:
        """Say what a message does that is sent while the thread is being answered: queue,
        steer, interrupt or replace. Raises InvalidInput and ThreadNotFound.
        """
        self._authorize(actor)
        try:
            chosen = SecondMessage(second)
        except ValueError:
            known = ", ".join(SecondMessage)
            raise InvalidInput(f"{second!r} is none of {known}.") from None
        await self._database.write(threads.choose, checked_id(thread_id), second_message=chosen)

    def agents(self, *, actor: Actor = LOCAL) -> tuple[AgentView, ...]:
        """The agents that this person may use."""
        self._authorize(actor)
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
        self._authorize(actor)
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
        )
        try:
            sent = await self._database.write(turns.send, sending)
        except IntegrityError:
            # Another process sent the same at the same moment: now it is there to be found.
            sent = await self._database.write(turns.send, sending)
        self._interrupt(sent.stopped)
        return reads.message_view(sent.message, sent.message.text)

    async def retry(self, message_id: str, *, actor: Actor = LOCAL) -> None:
        """Ask again for an answer that failed or was stopped; what it held is replaced.

        Raises MessageNotFound, ThreadNotFound, and InvalidInput if it is not over.
        """
        self._authorize(actor)
        await self._database.write(
            turns.retry,
            checked_id(message_id),
            run_id=checked_id(None),
            workflow=self._team.reply,
            by=actor,
            now=self._clock.now(),
        )

    async def stop(self, thread_id: str, *, actor: Actor = LOCAL) -> int:
        """Stop every answer of a thread that waits or grows, and say how many there were.

        What came so far is kept; nothing is added afterwards. Raises ThreadNotFound.
        """
        self._authorize(actor)

        stopped = await self._database.write(turns.stop, checked_id(thread_id), self._ending(actor))
        self._interrupt(stopped)
        return len(stopped)

    # Following

    def follow(
        self, thread_id: str, *, actor: Actor = LOCAL, window: int = reads.WINDOW
    ) -> AsyncGenerator[ThreadView, None]:
        """Yield the thread now and whenever something in it changes.

        Raises ThreadNotFound at once, or when the thread is deleted.
        """
        self._authorize(actor)
        return _views(
            self._database.live.fold(reads.thread_view, thread_id, self._opened.model_id, window)
        )

    def follow_threads(
        self, *, actor: Actor = LOCAL
    ) -> AsyncGenerator[tuple[ThreadSummary, ...], None]:
        """Yield the list of threads now and whenever it changes, up to twice a second."""
        self._authorize(actor)
        return _paced(self._database.live.follow(reads.thread_list), LIST_PACE)

    def follow_model(self, *, actor: Actor = LOCAL) -> AsyncGenerator[ModelView, None]:
        """Yield the model that answers, now and whenever its state changes."""
        self._authorize(actor)
        return self._database.live.follow(
            reads.model_view, self._opened.model_id, self._team.provider.label
        )

    def follow_query(
        self, query: Callable[[Session, *Ts], T], /, *args: *Ts, actor: Actor = LOCAL
    ) -> AsyncGenerator[Outcome[T], None]:
        """Yield what a read function of your own comes to, now and whenever that changes.

        It is called as ``query(session, *args)``, must only read, and decides itself what
        the caller may see: give it whom it reads for as an argument. An error of the query
        is an outcome too; it runs again when what it had read changes. Arguments must be
        hashable. Raises NotAllowed.
        """
        self._authorize(actor)
        return self._database.live.outcomes(query, *args)

    def live_queries(self, *, actor: Actor = LOCAL) -> tuple[QueryView, ...]:
        """What is followed in this process: how often each query ran, what it read, and which
        change made it run last.
        """
        self._authorize(actor)
        return self._database.live.inspect()

    # Inside

    def _authorize(self, actor: Actor) -> None:
        """Raise NotAllowed unless the actor may do this.

        The app listens to its own machine only (``Settings.host``) and has no accounts:
        whoever reaches it may do everything, under a name.
        """
        if not actor.id or not actor.name:
            raise NotAllowed

    def _ending(self, actor: Actor) -> Ending:
        return Ending(actor, self._clock.now(), self._team.price)

    def _interrupt(self, run_ids: Iterable[str]) -> None:
        for run_id in run_ids:
            self._durable.interrupt(run_id)


async def _paced(followed: AsyncGenerator[T, None], pace: timedelta) -> AsyncGenerator[T, None]:
    """What came meanwhile is skipped: only the newest value is ever waiting."""
    async with aclosing(followed):
        async for value in followed:
            yield value
            await asyncio.sleep(pace.total_seconds())


async def _views(followed: AsyncGenerator[reads.Shown, None]) -> AsyncGenerator[ThreadView, None]:
    async with aclosing(followed):
        async for shown in followed:
            yield shown.view
