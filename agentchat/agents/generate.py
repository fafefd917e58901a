"""Asking a model on an agent's behalf: its words go into rows as they come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json, to_json

from agentchat.agents.agent import Agent, InputFilter
from agentchat.agents.called import MOST_PROBLEM, Wish, wishes_of
from agentchat.agents.history import Said, turns_of, valid, without_tools
from agentchat.agents.router import Routed
from agentchat.agents.team import Team
from agentchat.agents.tools import Tool
from agentchat.agents.untrusted import MARK
from agentchat.agents.window import Counted, Window, fixed_size
from agentchat.durable.context import Context
from agentchat.errors import ContextTooLong, InvalidInput
from agentchat.inputs import checked_json, problems_of, storable
from agentchat.llm.base import (
    Finished,
    ModelRequest,
    Provider,
    Reasoning,
    StopReason,
    Text,
    ToolCall,
    Turn,
    Usage,
)
from agentchat.llm.prices import cost_of
from agentchat.llm.tokens import estimated_usage
from agentchat.store import lost_calls, parts, runs, spendings
from agentchat.store.messages import Answer
from agentchat.store.writer import Tx

SMALLER_TRIES = 3
"""How often a model is asked with less whose own count says that it was too much."""
MOST_THOUGHT = 150_000
"""How many bytes of its reasoning are kept: so many go into the journal."""
MOST_OUTPUT = 900_000
"""How many bytes of JSON structured output may have: it is the result of its run, which the
journal keeps."""


@dataclass(frozen=True, slots=True)
class Thought:
    """Reasoning, as its provider wants it back, and how long it took."""

    text: str
    sealed: str = ""
    seconds: float = 0


@dataclass(frozen=True, slots=True)
class Generated:
    """What a model said; ``cut`` when it reached the length limit.

    Its text is in the deltas of its message, not here: a journal that repeats every answer
    would double the database. ``problem`` says why structured output does not fit.
    """

    characters: int
    input_tokens: int
    output_tokens: int
    estimated: bool
    cut: bool = False
    cached_tokens: int = 0
    cost_usd: float | None = None
    model: str = ""
    label: str = ""
    wishes: list[Wish] = field(default_factory=list)
    thoughts: list[Thought] = field(default_factory=list)
    problem: str = ""
    refused: bool = False
    instead_of: str = ""
    """The model that was to be asked, if it is not offered any more."""
    asked: int = 0
    """How large the request was, in bytes: with ``input_tokens``, what the next is counted by."""


@dataclass(frozen=True)
class Asking:
    """One question to a model for one answer."""

    team: Team
    agent: Agent
    provider: Provider
    answer: Answer
    user_id: str
    root_id: str
    tools: Mapping[str, Tool]
    instructions: str
    late: str = ""
    """What is told after the history, because it differs from answer to answer: what is
    remembered, what time it is. The beginning stays the same, for the provider's cache."""
    filter: InputFilter | None = None
    """What the agent is told of the history, if it was handed over to it."""

    async def window(self) -> Window:
        """The model's window, by what it counted last in this thread."""
        answer, provider = self.answer, self.provider
        if provider.embedded:
            # It is asked twice where there are tools: its count is not of one request.
            return Window.of(provider)
        counted = await self.team.database.read(
            spendings.last_counted, answer.thread_id, answer.position, provider.id
        )
        return Window.of(provider, Counted(*counted))

    def request(self, said: Sequence[Said], window: Window, key: str) -> ModelRequest:
        """What is asked, fitting into the model's window."""
        adapter = self.agent.adapter
        schema = None if adapter is None else adapter.json_schema()
        specs = tuple(tool.spec for tool in self.tools.values())
        summary = next((Turn("user", one.text) for one in said if one.summary), None)
        turns = turns_of(one for one in said if not one.summary)
        if self.filter is not None:
            before = () if summary is None else (summary,)
            turns, summary = valid(self.filter(valid((*before, *turns)))), None
        if not specs:
            turns = without_tools(turns)
        if self.late:
            turns = _with_late(turns, self.late)
        fixed = fixed_size(self.instructions, specs, schema)
        return ModelRequest(
            instructions=self.instructions,
            turns=window.fitted(turns, fixed, summary=summary),
            max_tokens=window.output,
            idempotency_key=key,
            tools=specs,
            schema=schema,
            agent=self.agent.name,
        )

    async def ask(self, ctx: Context, said: Sequence[Said], round_: int) -> Generated:
        """The answer of the model in its step, its text in the deltas of the message.

        Raises the provider's :class:`~agentchat.errors.ModelError`. Leaving it early, by a
        stop or a lost lease, closes the connection to the provider. What a failed call cost
        is counted as far as it can be known, also one that ended with its process. Where the
        model finds that it was told too much, it is asked again with less.
        """
        window = await self.window()
        request = self.request(said, window, ctx.idempotency_key)
        if ctx.hold.attempt > 1:
            await self._count_lost(ctx, request, round_)
        for tries in range(1, 1 + SMALLER_TRIES):
            try:
                return await self._ask(ctx, request, window, round_)
            except ContextTooLong:
                window = window.smaller(request)
                less = self.request(said, window, f"{ctx.idempotency_key}:{tries}")
                if less.turns == request.turns:
                    raise
                ctx.log("The model found this too long; it is told less.", level="warning")
                request = less
        return await self._ask(ctx, request, window, round_)

    async def _ask(
        self, ctx: Context, request: ModelRequest, window: Window, round_: int
    ) -> Generated:
        text: list[str] = []
        began = self.team.clock.now()
        thoughts: list[Thought] = []
        calls: list[ToolCall] = []
        finished: Finished | None = None
        try:
            async with (
                self.team.streams.open(self.answer, ctx.hold.attempt, ctx.tries) as stream,
                aclosing(self.provider.stream(request)) as chunks,
            ):
                async for chunk in chunks:
                    ctx.heartbeat()
                    if isinstance(chunk, Text):
                        text.append(chunk.text)
                        stream.write(chunk.text)
                    elif isinstance(chunk, Reasoning):
                        took = (self.team.clock.now() - began).total_seconds()
                        thoughts.append(Thought(chunk.text, chunk.sealed, took))
                    elif isinstance(chunk, ToolCall):
                        calls.append(chunk)
                    else:
                        finished = chunk
        except BaseException as error:
            written = sum(map(len, text)) + sum(len(one.text) for one in thoughts)
            written += sum(len(one.name) + len(one.arguments) for one in calls)
            spending = self._lost(ctx, request, written, error, f"generate {round_}")
            if spending is not None:
                # Not awaited: a stop waits for nobody.
                attempt = ctx.hold.attempt
                self.team.database.post(
                    spendings.add_cut, self.answer, spending, attempt=attempt, since=began
                )
            raise
        assert finished is not None, "a provider ends every stream with Finished"
        said_text = "".join(text)
        usage, refused = finished.usage, finished.reason is StopReason.REFUSAL
        cost = self.spend(ctx, usage)
        return Generated(
            characters=len(said_text),
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            estimated=usage.estimated,
            cut=finished.reason is StopReason.LENGTH,
            cached_tokens=usage.cached_tokens,
            cost_usd=cost,
            model=self.provider.id,
            label=self.provider.label,
            wishes=await wishes_of(calls, self.tools, self._untrusted),
            thoughts=_joined(thoughts),
            problem="" if calls or refused else self._problem(said_text),
            refused=refused,
            asked=window.size(request),
        )

    async def _untrusted(self) -> bool:
        return await self.team.database.read(parts.any_framed, self.root_id, MARK)

    def count(self, tx: Tx, generated: Generated, step: str) -> None:
        """Write down what the call cost, in the transaction that makes use of it; nothing for
        what a person wrote instead.
        """
        if not generated.model:
            return
        spendings.add(
            tx,
            {
                **self._spending(step, "done"),
                "model": generated.model,
                "input_tokens": generated.input_tokens,
                "output_tokens": generated.output_tokens,
                "cached_tokens": generated.cached_tokens,
                "cost_usd": generated.cost_usd,
                "estimated": generated.estimated,
            },
        )

    def _lost(
        self, ctx: Context, request: ModelRequest, written: int, error: BaseException, step: str
    ) -> dict[str, Any] | None:
        """What a call cost that failed or was cut off after so many characters; None for what
        nobody charges for: it was refused, or never reached.
        """
        failed = isinstance(error, Exception)
        if failed and not written:
            return None
        usage = estimated_usage(request, written)
        cost = self.spend(ctx, usage)
        return self.lost(usage, cost, "failed" if failed else "stopped", step)

    async def _count_lost(self, ctx: Context, request: ModelRequest, round_: int) -> None:
        """Count the call that was under way when the process before this one ended: about what
        is asked now, and as much of its answer as is there.
        """
        database, attempt = self.team.database, ctx.hold.attempt
        lost = await database.read(lost_calls.before, self.answer, attempt, ctx.lost_at)
        if lost is None:
            return
        usage = estimated_usage(request, lost.written)
        cost = cost_of(self.provider.id, usage)
        spending = self.lost(usage, cost, "failed", f"generate {round_}")
        spending["created_at"] = lost.since

        def add(tx: Tx) -> None:
            runs.check(tx, ctx.hold)
            spendings.add_lost(tx, ctx.hold, spending)

        await database.write(add)

    def lost(
        self, usage: Usage, cost: float | None, outcome: str, step: str = "compact"
    ) -> dict[str, Any]:
        """The row of a call that came to nothing, its cost estimated."""
        return {
            **self._spending(step, outcome),
            "model": self.provider.id,
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "cached_tokens": 0,
            "cost_usd": cost,
            "estimated": True,
        }

    def spend(self, ctx: Context, usage: Usage) -> float | None:
        """Count a call for its step and its run; what it cost in US dollars, if that is known."""
        cost = cost_of(self.provider.id, usage)
        ctx.spend(
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cost_usd=cost,
            estimated=usage.estimated,
        )
        return cost

    def _spending(self, step: str, outcome: str) -> dict[str, Any]:
        return {
            "run_id": self.answer.run_id,
            "thread_id": self.root_id,
            "message_id": self.answer.message_id,
            "user_id": self.user_id,
            "agent": self.agent.name,
            "step": step,
            "outcome": outcome,
            "created_at": self.team.clock.now(),
        }

    def _problem(self, text: str) -> str:
        """Why structured output cannot be the result of a run, in words for the model."""
        adapter = self.agent.adapter
        if adapter is None:
            return ""
        text = storable(text)
        try:
            adapter.validate_json(text)
            # As it will be kept: the JSON itself, not what the type makes of it.
            size = len(to_json(checked_json(from_json(text), "It")))
        except ValidationError as error:
            return f"The answer does not fit: {storable(problems_of(error))[:MOST_PROBLEM]}"
        except (InvalidInput, ValueError) as error:
            return f"The answer does not fit: {storable(str(error))[:MOST_PROBLEM]}"
        if size > MOST_OUTPUT:
            return f"The answer is too long: {size:,} bytes of JSON, {MOST_OUTPUT:,} at most."
        return ""


def spent_on(routed: Routed) -> Generated:
    """The call in which a model picked the agent."""
    return Generated(
        0,
        routed.input_tokens,
        routed.output_tokens,
        routed.estimated,
        cost_usd=routed.cost_usd,
        model=routed.model,
    )


def _joined(thoughts: Sequence[Thought]) -> list[Thought]:
    """Pieces up to one that is sealed are one thought."""
    found: list[Thought] = []
    pieces: list[str] = []
    before = 0.0
    room = MOST_THOUGHT
    for piece in thoughts:
        pieces.append(piece.text)
        if piece.sealed or piece is thoughts[-1]:
            sealed = piece.sealed if len(piece.sealed) <= room else ""
            room -= len(sealed)
            kept = storable("".join(pieces)).encode()[:room].decode(errors="ignore")
            room -= len(kept.encode())
            if kept or sealed:
                found.append(Thought(kept, sealed, piece.seconds - before))
            pieces, before = [], piece.seconds
    return found


def _with_late(turns: tuple[Turn, ...], late: str) -> tuple[Turn, ...]:
    """The turns with something told before the last thing that the person said."""
    at = max(
        (n for n, one in enumerate(turns) if one.role == "user" and not one.results), default=-1
    )
    if at < 0:
        return turns
    turn = turns[at]
    told = Turn("user", f"{late}\n\n{turn.text}", files=turn.files)
    return (*turns[:at], told, *turns[at + 1 :])
