"""Answers in OpenAI's chat completions format, from its chunks to ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agentchat.llm.base import Chunk, Reasoning, StopReason, Text, ToolCall, Usage
from agentchat.llm.thinking import ThinkSplitter
from agentchat.llm.wire import object_in, seal

if TYPE_CHECKING:
    from openai.types import CompletionUsage
    from openai.types.chat import ChatCompletionChunk

_STOP_REASONS = {"length": StopReason.LENGTH, "content_filter": StopReason.REFUSAL}


@dataclass(slots=True)
class _Call:
    """A call while it comes."""

    index: int | None
    id: str = ""
    name: str = ""
    arguments: str = ""


class CallAssembler:
    """Puts calls together that come in pieces, from servers that keep the format and others.

    OpenAI gives id and name with the first piece and an index with each. Others send whole
    calls, leave out the index or the id, give every call the same index, or repeat the name.
    """

    def __init__(self, ids: Iterator[str]) -> None:
        """``ids`` are for calls whose server gives none."""
        self._ids = ids
        self._calls: list[_Call] = []

    def feed(self, index: int | None, id: str, name: str, arguments: str) -> None:
        """Take one more piece."""
        call = self._find(index, id)
        if call is None or not _continues(call, id, name, arguments):
            call = _Call(index)
            self._calls.append(call)
        call.id = call.id or id
        if name != call.name:
            call.name += name
        call.arguments += arguments

    def calls(self) -> list[ToolCall]:
        """All calls, each with an id of its own."""
        made: list[ToolCall] = []
        for call in self._calls:
            given = call.id if call.id not in {other.id for other in made} else ""
            made.append(ToolCall(given or next(self._ids), call.name, call.arguments or "{}"))
        return made

    def _find(self, index: int | None, id: str) -> _Call | None:
        """The latest call that a piece may belong to."""
        if index is not None:
            fitting = [call for call in self._calls if call.index == index]
        else:
            fitting = [call for call in self._calls if id and call.id == id] or self._calls
        return fitting[-1] if fitting else None


class AnswerReader:
    """Reads the chunks of one answer. ``reason`` is None until the model said why it stopped.

    ``said`` tells whether there was any text; ``characters`` counts all that was written.
    """

    def __init__(self, sealer: tuple[str, str] | None, ids: Iterator[str], *, tags: bool) -> None:
        """``sealer`` seals reasoning that has to go back with the calls it led to; ``tags``
        says that the text may begin with thoughts between tags.
        """
        self.reason: StopReason | None = None
        self.refusal = ""
        self.usage: Usage | None = None
        self.characters = 0
        self.said = False
        self._sealer = sealer
        self._splitter = ThinkSplitter() if tags else None
        self._assembler = CallAssembler(ids)
        self._thoughts: dict[str, str] = {}

    def read(self, chunk: ChatCompletionChunk) -> Iterator[Chunk]:
        """What ``chunk`` adds to the answer."""
        self.usage = _usage(chunk.usage) or self.usage
        for choice in chunk.choices or ():
            if choice.delta is not None:
                yield from self._grow(choice.delta)
            if choice.finish_reason:
                self.reason = _STOP_REASONS.get(choice.finish_reason, StopReason.END)

    def finish(self) -> Iterator[Chunk]:
        """What is left once the model has stopped.

        Calls come only now: one that the length limit cut off may look whole. What the server
        says of the reason is not enough: some say "stop" when there are calls.
        """
        if self._splitter is not None:
            yield from self._told(self._splitter.end())
        if self.refusal:
            self.reason = StopReason.REFUSAL
        calls = self._assembler.calls() if self.reason is StopReason.END else []
        if calls:
            self.reason = StopReason.TOOLS
            if self._sealer is not None and self._thoughts:
                yield Reasoning("", seal(*self._sealer, self._thoughts))
        yield from calls

    def _grow(self, delta: Any) -> Iterator[Chunk]:
        yield from self._think(delta)
        if delta.content:
            self.characters += len(delta.content)
            split = self._splitter.feed if self._splitter else lambda text: [Text(text)]
            yield from self._told(split(delta.content))
        self.refusal += delta.refusal or ""
        for part in delta.tool_calls or ():
            self._call(part.index, part.id, part.function)
        if delta.function_call is not None:
            self._call(None, None, delta.function_call)

    def _think(self, delta: Any) -> Iterator[Chunk]:
        # Fields that OpenAI does not have; where a server sends both, they say the same.
        for name in ("reasoning_content", "reasoning"):
            thought = getattr(delta, name, None)
            if isinstance(thought, str) and thought:
                self.characters += len(thought)
                self._thoughts[name] = self._thoughts.get(name, "") + thought
                yield Reasoning(thought)
                return

    def _told(self, chunks: list[Text | Reasoning] | list[Text]) -> Iterator[Chunk]:
        for chunk in chunks:
            self.said |= isinstance(chunk, Text) and bool(chunk.text.strip())
            yield chunk

    def _call(self, index: int | None, id: str | None, function: Any) -> None:
        name = getattr(function, "name", None) or ""
        arguments = getattr(function, "arguments", None) or ""
        if not isinstance(arguments, str):
            arguments = json.dumps(arguments)
        self.characters += len(name) + len(arguments)
        self._assembler.feed(index, id or "", name, arguments)


def _continues(call: _Call, id: str, name: str, arguments: str) -> bool:
    if id and call.id:
        return id == call.id
    # Whoever names another tool after whole arguments begins another call.
    return not (name and arguments and object_in(call.arguments) is not None)


def _usage(said: CompletionUsage | None) -> Usage | None:
    if said is None or not (said.prompt_tokens or said.completion_tokens):
        return None
    read = said.prompt_tokens or 0
    details = said.prompt_tokens_details
    return Usage(
        input_tokens=read,
        output_tokens=said.completion_tokens or 0,
        cached_tokens=min(getattr(details, "cached_tokens", None) or 0, read),
        cache_written_tokens=min(getattr(details, "cache_write_tokens", None) or 0, read),
    )
