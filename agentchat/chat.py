"""AgentChat: every verb that the outside may use. A page, a script and a test call these.

Who may do what is decided here and nowhere else: see :meth:`AgentChat._authorize`.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, aclosing
from datetime import timedelta
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar, TypeVarTuple

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from agentchat import reads, turns
from agentchat.agents.agent import Agent
from agentchat.agents.streams import Streams
from agentchat.assistants import ASSISTANT
from agentchat.durable.app import Durable
from agentchat.durable.clock import Clock, SystemClock
from agentchat.durable.keeper import Keep
from agentchat.durable.runs import Runs
from agentchat.durable.schedules import Schedules
from agentchat.durable.workflow import Workflow
from agentchat.errors import InvalidInput, NotAllowed
from agentchat.inputs import checked_id, checked_text, checked_title
from agentchat.llm.base import ModelStatus, Provider
from agentchat.llm.choose import choose_provider
from agentchat.settings import Settings, load_settings
from agentchat.store import providers, schema, threads
from agentchat.store.database import Database
from agentchat.store.live import Outcome as Outcome
from agentchat.store.live import QueryView
from agentchat.store.messages import Answer
from agentchat.turns import Send
from agentchat.views import (
    LOCAL,
    Actor,
    MessageView,
    ModelView,
    ThreadSummary,
    ThreadView,
)
from agentchat.workflows.reply import reply_workflow

P = ParamSpec("P")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")

LIST_PACE = timedelta(seconds=0.5)
"""Each change of any thread changes the list, in every tab."""

_STARTS = uuid.UUID("5b1f6a52-6d0c-4d2b-9d6e-0c8f6f1d2a77")
"""The namespace of the ids of runs that are started by a key."""


class AgentChat:
    """A running agentchat: ``async with AgentChat() as chat``.

    ``runs`` are the verbs on workflows (:class:`~agentchat.durable.runs.Runs`), and
    ``schedules`` those that start them again and again.

    Opening it brings the embedded database up to date, starts the worker that carries runs
    out, and lets the model get ready. Leaving it hands runs under way back to the queue.

    ``settings`` are read from the environment unless given; ``provider`` is chosen by
    them unless given. ``strict`` refuses to start on runs that the code would break, instead
    of holding them. Raises :class:`~agentchat.errors.ConfigError` and
    :class:`~agentchat.errors.SchemaMismatch` on entry.
    """

    runs: Runs
    schedules: Schedules

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        agent: Agent = ASSISTANT,
        workflows: Sequence[Workflow[..., Any]] = (),
        provider: Provider | None = None,
        clock: Clock | None = None,
        strict: bool = False,
    ) -> None:
        self._settings = settings
        self._agent = agent
        self._workflows = workflows
        self._given_provider = provider
        self._strict = strict
        self._clock = clock or SystemClock()

    async def __aenter__(self) -> Self:
        settings = self._settings or load_settings()
        url = settings.database_url
        embedded = url.startswith("sqlite")
        await asyncio.to_thread(schema.upgrade if embedded else schema.check, url)
        async with AsyncExitStack() as stack:
            self._database = Database(url)
            self._database.open()
            stack.push_async_callback(self._database.close)
            self._provider = self._given_provider or await choose_provider(settings)
            # The embedded model may turn out to be another one; its row stays the same.
            self._model_id = self._provider.id
            stack.push_async_callback(self._provider.close)
            await self._start_model(stack)
            await self._start_workflows(settings, stack)
            self._opened = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._opened.aclose()

    async def _start_model(self, stack: AsyncExitStack) -> None:
        self._status: ModelStatus | None = None
        self._status_changed = asyncio.Event()
        reporting = asyncio.create_task(self._report_model(), name="agentchat-model")
        stack.callback(reporting.cancel)
        await self._provider.start(self._note_status)

    async def _start_workflows(self, settings: Settings, stack: AsyncExitStack) -> None:
        streams = Streams(self._database, self._clock)
        self._reply = reply = reply_workflow(
            self._agent, self._provider, self._database, streams, self._clock
        )
        self._durable = Durable(
            self._database,
            [reply, *self._workflows],
            clock=self._clock,
            keep=Keep.of(days=settings.keep_days, runs=settings.keep_runs),
            strict=self._strict,
            allow=lambda actor, _run: self._authorize(actor),
            own={reply.name: "This run answers a message; stop or retry that instead."},
        )
        await stack.enter_async_context(self._durable)
        self.runs = self._durable.runs
        self.schedules = self._durable.schedules

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
                turns.delete_thread, checked_id(thread_id), by=actor, now=self._clock.now()
            )
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
    ) -> MessageView:
        """Say something in a thread; the answer arrives through :meth:`follow`.

        One transaction: the message, the pending answer and its run. The same
        ``message_id`` (made by the client) is one message however often it is sent.
        ``create_thread`` makes the thread, with this id, if there is none. Raises
        InvalidInput and ThreadNotFound; then nothing was written.
        """
        self._authorize(actor)
        sending = Send(
            message_id=checked_id(message_id),
            text=checked_text(text),
            actor=actor,
            answer=Answer(checked_id(None), checked_id(thread_id), checked_id(None), 0),
            workflow=self._reply,
            agent=self._agent.name,
            now=self._clock.now(),
            create_thread=create_thread,
        )
        try:
            message = await self._database.write(turns.send, sending)
        except IntegrityError:
            # Another process sent the same at the same moment: now it is there to be found.
            message = await self._database.write(turns.send, sending)
        return reads.message_view(message, message.text)

    async def retry(self, message_id: str, *, actor: Actor = LOCAL) -> None:
        """Ask again for an answer that failed or was stopped; what it held is replaced.

        Raises MessageNotFound, ThreadNotFound, and InvalidInput if it is not over.
        """
        self._authorize(actor)
        await self._database.write(
            turns.retry,
            checked_id(message_id),
            run_id=checked_id(None),
            workflow=self._reply,
            by=actor,
            now=self._clock.now(),
        )

    async def stop(self, thread_id: str, *, actor: Actor = LOCAL) -> int:
        """Stop every answer of a thread that waits or grows, and say how many there were.

        What came so far is kept; nothing is added afterwards. Raises ThreadNotFound.
        """
        self._authorize(actor)

        stopped = await self._database.write(
            turns.stop, checked_id(thread_id), by=actor, now=self._clock.now()
        )
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
            self._database.live.fold(reads.thread_view, thread_id, self._model_id, window)
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
        return self._database.live.follow(reads.model_view, self._model_id, self._provider.label)

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

    def _interrupt(self, run_ids: list[str]) -> None:
        for run_id in run_ids:
            self._durable.interrupt(run_id)

    def _note_status(self, status: ModelStatus) -> None:
        self._status = status
        self._status_changed.set()

    async def _report_model(self) -> None:
        """Write down the newest state of the model; states in between may be skipped."""
        while True:
            await self._status_changed.wait()
            self._status_changed.clear()
            status = self._status
            if status is not None:
                await self._database.write_soon(
                    providers.save,
                    self._model_id,
                    now=self._clock.now(),
                    label=self._provider.label,
                    embedded=self._provider.embedded,
                    state=status.state,
                    detail=status.detail[:500],
                    progress=status.progress,
                )


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
