"""What a tool is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from agentchat.durable.context import Context
from agentchat.errors import InvalidInput
from agentchat.views import Actor


@dataclass(frozen=True, slots=True)
class ToolContext:
    """For whom, where and on whose behalf a tool is called.

    ``actor`` is the person whose message is answered: a tool must do nothing that this
    person may not do. ``agent`` is the name of the agent that calls; ``part`` the place of
    the call within the answer.

    A durable tool (one that takes a :class:`~agentchat.durable.context.Context`) may also
    ask a person or other agents, and wait for them for as long as it takes.
    """

    actor: Actor
    thread_id: str
    message_id: str
    agent: str
    part: int
    _run: Context = field(repr=False)
    _desk: Desk | None = field(default=None, repr=False)

    @property
    def run_id(self) -> str:
        """The id of the run that answers."""
        return self._run.run_id

    @property
    def idempotency_key(self) -> str:
        """A key that is the same each time this call is made: to be passed on to whoever can
        tell a repetition by it. A tool without a transaction may be called again after a crash.
        """
        return f"{self.run_id}:{self.part}"

    @property
    def tries(self) -> int:
        """Which try this is, from 1."""
        return self._run.tries

    def heartbeat(self) -> None:
        """Tell that a long call is alive, for the ``idle`` limit of its retry policy."""
        self._run.heartbeat()

    def log(self, text: str, *, level: str = "info", **fields: Any) -> None:
        """Write a line to the run's log."""
        self._run.log(text, level=level, **fields)

    async def ask_person(
        self, question: str, choices: Sequence[str] = (), *, deadline: timedelta | None = None
    ) -> str | None:
        """Ask in the thread, and wait for the answer of whoever comes first: one of the
        ``choices``, or other words. None if nobody answered by the deadline.

        Only in a durable tool; raises InvalidInput elsewhere.
        """
        return await self._at_desk.ask_person(self, question, choices, deadline)

    async def ask_agent(self, agent: str, task: str) -> str:
        """Let another agent of the app do something, in a run and a thread of its own, and
        return its answer. Raises :class:`~agentchat.errors.ToolError` if it failed.

        Only in a durable tool; raises InvalidInput elsewhere.
        """
        return await self._at_desk.ask_agent(self, agent, task)

    @property
    def _at_desk(self) -> Desk:
        if self._desk is None:
            raise InvalidInput("Only a durable tool, one that takes a Context, can ask and wait.")
        return self._desk


class Desk(Protocol):
    """Where durable tools ask: the answer that is being written."""

    async def ask_person(
        self,
        context: ToolContext,
        question: str,
        choices: Sequence[str],
        deadline: timedelta | None,
    ) -> str | None: ...

    async def ask_agent(self, context: ToolContext, agent: str, task: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Source:
    """Where something was found: shown under the answer."""

    title: str
    url: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """What a call came to: what the model is told, and what people are shown beside it.

    ``memories`` are the ids of those that were made, or that the text tells of: once one is
    forgotten, so is the text.
    """

    text: str
    sources: tuple[Source, ...] = ()
    failed: bool = False
    memories: tuple[str, ...] = ()
