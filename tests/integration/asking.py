"""Helpers of the provider tests: how to make a provider, and how to ask it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import pytest

from agentchat.errors import ModelError
from agentchat.llm.anthropic import AnthropicProvider
from agentchat.llm.base import (
    Chunk,
    Finished,
    ModelRequest,
    Provider,
    Reasoning,
    Text,
    ToolSpec,
    Turn,
)
from agentchat.llm.openai import OpenAIProvider

KEY = "sk-test-0123456789abcdef"
QUESTION = ModelRequest("Be brief.", (Turn("user", "Hello?"),), max_tokens=99)
SHORT = timedelta(seconds=1)
LONG = timedelta(seconds=60)

NUMBERS = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    "required": ["a", "b"],
    "additionalProperties": False,
}
ADD = ToolSpec("add", "Adds two numbers.", NUMBERS)
CLOCK = ToolSpec("clock", "Tells the time.", {})

Make = Callable[[str, str, timedelta], Provider]


def openai_at(openai_url: str, anthropic_url: str, read_timeout: timedelta) -> Provider:
    return OpenAIProvider("fake", KEY, openai_url, read_timeout=read_timeout)


def anthropic_at(openai_url: str, anthropic_url: str, read_timeout: timedelta) -> Provider:
    return AnthropicProvider("fake", KEY, anthropic_url, read_timeout=read_timeout)


async def ask(provider: Provider, request: ModelRequest = QUESTION) -> tuple[str, Finished]:
    chunks = await chunks_of(provider, request)
    assert all(isinstance(chunk, Text | Reasoning) for chunk in chunks[:-1])
    assert isinstance(chunks[-1], Finished)
    return "".join(chunk.text for chunk in of(Text, chunks)), chunks[-1]


async def chunks_of(provider: Provider, request: ModelRequest = QUESTION) -> list[Chunk]:
    return [chunk async for chunk in provider.stream(request)]


ChunkT = TypeVar("ChunkT", bound=Chunk)


def of(kind: type[ChunkT], chunks: list[Chunk]) -> list[ChunkT]:
    return [chunk for chunk in chunks if isinstance(chunk, kind)]


def sse(*events: object) -> str:
    """The body of an answer that is made of these events and nothing else."""
    return "".join(
        f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"
        if isinstance(event, dict) and "type" in event
        else f"data: {json.dumps(event)}\n\n"
        for event in events
    )


async def text_until_the_end(provider: Provider) -> str:
    """The text of an answer; a failure carries what came before it in its notes."""
    text = ""
    try:
        async for chunk in provider.stream(QUESTION):
            text += chunk.text if isinstance(chunk, Text) else ""
    except ModelError as error:
        error.add_note(text)
        raise
    return text


async def failure(provider: Provider, request: ModelRequest = QUESTION) -> ModelError:
    with pytest.raises(ModelError) as caught:
        await ask(provider, request)
    return caught.value
