"""Agents: declared by name and instructions; asking a model on their behalf."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field

from agentchat.agents.history import fitting, turns_of
from agentchat.agents.streams import Streams
from agentchat.durable.context import Context
from agentchat.llm.base import Finished, ModelRequest, Provider, StopReason, Text
from agentchat.llm.prices import cost_of
from agentchat.llm.tokens import tokens
from agentchat.models import Message
from agentchat.store.messages import Answer


@dataclass(frozen=True, slots=True)
class Agent:
    """Someone who answers in a thread.

    ``instructions`` are what every call to the model begins with: keep them constant, so
    that the model's prompt cache holds.
    """

    name: str
    instructions: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Generated:
    """A complete answer of a model; ``cut`` when it reached the length limit.

    Its text is in the deltas of its message, not here: a journal that repeats every answer
    would double the database.
    """

    characters: int
    input_tokens: int
    output_tokens: int
    estimated: bool
    cut: bool = False


async def generate(
    agent: Agent,
    provider: Provider,
    streams: Streams,
    ctx: Context,
    answer: Answer,
    history: list[Message],
) -> Generated:
    """Ask the model to answer ``history``, its words going into rows as they come.

    Raises the provider's :class:`~agentchat.errors.ModelError`. Leaving it early, by a
    stop or a lost lease, closes the connection to the provider.
    """
    turns = turns_of(history)
    room = provider.context_tokens
    if room is not None:
        room -= provider.max_output_tokens + tokens(len(agent.instructions))
    request = ModelRequest(
        instructions=agent.instructions,
        turns=fitting(turns, room),
        max_tokens=provider.max_output_tokens,
        idempotency_key=ctx.idempotency_key,
    )
    characters = 0
    finished: Finished | None = None
    async with (
        streams.open(answer, ctx.hold.attempt, ctx.tries) as stream,
        aclosing(provider.stream(request)) as chunks,
    ):
        async for chunk in chunks:
            if isinstance(chunk, Text):
                characters += len(chunk.text)
                stream.write(chunk.text)
            else:
                finished = chunk
    assert finished is not None, "a provider ends every stream with Finished"
    usage = finished.usage
    ctx.spend(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cost_usd=cost_of(provider.id, usage),
        estimated=usage.estimated,
    )
    return Generated(
        characters=characters,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        estimated=usage.estimated,
        cut=finished.reason is StopReason.LENGTH,
    )
