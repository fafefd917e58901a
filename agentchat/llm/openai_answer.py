"""Answers in OpenAI's chat completions format, from its chunks to ours."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agentchat.llm.base import Chunk, Reasoning, StopReason, Text, ToolCall, Usage
from agentchat.llm.thinking import ThinkSplitter
from agentchat.llm.wire import object_in, own_id, seal

if TYPE_CHECKING:
    from openai.types import CompletionUsage
    from openai.types.chat import ChatCompletionChunk

_STOP_REASONS = {
    "length": StopReason.LENGTH,
    "model_length": StopReason.LENGTH,  # Mistral, when the context is full
    "content_filter": StopReason.REFUSAL,
}
# Words of OpenRouter, Mistral and DeepSeek for an answer that the server could not end.
_BROKEN_OFF = frozenset({"error", "insufficient_system_resource"})


@dataclass(slots=True)
class _Call:
    """A call while it comes."""

    index: int | None
    id: str = ""
    name: str = ""
    arguments: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


class CallAssembler:
    """Puts calls together that come in pieces, from servers that keep the format and others.

    OpenAI gives id and name with the first piece and an index with each. Others send whole
    calls, leave out the index or the id, give every call the same index, or repeat the name.
    """

    def __init__(self, ids: Iterator[str]) -> None:
        """``ids`` are for calls whose server gives none."""
        self._ids = ids
        self._calls: list[_Call] = []

    def feed(
        self, index: int | None, id: str, name: str, arguments: str, extra: dict[str, Any]
    ) -> None:
        """Take one more piece; ``extra`` is what the server wants back with the call."""
        call = self._find(index, id)
        if call is None or not _continues(call, id, name, arguments):
            call = _Call(index)
            self._calls.append(call)
        call.id = call.id or id
        if name != call.name:
            call.name += name
        call.arguments += arguments
        call.extra |= extra

    def calls(self) -> list[ToolCall]:
        """All calls, each with an id of its own."""
        made: list[ToolCall] = []
        for call in self._calls:
            id = own_id(call.id, {other.id for other in made}, self._ids)
            made.append(ToolCall(id, call.name, call.arguments or "{}"))
        return made

    def extras(self) -> list[dict[str, Any]]:
        """What each call is to go back with; empty where the server wants nothing."""
        extras = [call.extra for call in self._calls]
        return extras if any(extras) else []

    def _find(self, index: int | None, id: str) -> _Call | None:
        """The latest call that a piece may belong to."""
        if index is not None:
            fitting = [call for call in self._calls if call.index == index]
        else:
            fitting = [call for call in self._calls if call.id == id] or self._calls
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
        self._thoughts: dict[str, Any] = {}

    def read(self, chunk: ChatCompletionChunk) -> Iterator[Chunk]:
        """What ``chunk`` adds to the answer."""
        self.usage = _usage(chunk.usage) or self.usage
        for choice in chunk.choices or ():
            if choice.delta is not None:
                yield from self._grow(choice.delta)
            if choice.finish_reason and choice.finish_reason not in _BROKEN_OFF:
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
            extras = self._assembler.extras()
            back = self._thoughts | ({"tool_calls": extras} if extras else {})
            if self._sealer is not None and back:
                yield Reasoning("", seal(*self._sealer, back))
        yield from calls

    def _grow(self, delta: Any) -> Iterator[Chunk]:
        yield from self._think(delta)
        # Mistral's models that think send a list of parts.
        for part in delta.content if isinstance(delta.content, list) else [delta.content]:
            if text := _text_in(part):
                self.characters += len(text)
                thought = isinstance(part, dict) and part.get("type") == "thinking"
                yield from [Reasoning(text)] if thought else self._told(self._split(text))
        self.refusal += delta.refusal or ""
        for part in delta.tool_calls or ():
            # Gemini refuses a call that comes back without the signature it gave it here.
            extra = getattr(part, "extra_content", None)
            self._call(part.index, part.id, part.function, extra)
        if delta.function_call is not None:
            self._call(None, None, delta.function_call)

    def _split(self, text: str) -> Sequence[Text | Reasoning]:
        return [Text(text)] if self._splitter is None else self._splitter.feed(text)

    def _think(self, delta: Any) -> Iterator[Chunk]:
        # Fields that OpenAI does not have; where a server sends both, they say the same.
        for name in ("reasoning_content", "reasoning"):
            thought = getattr(delta, name, None)
            if isinstance(thought, str) and thought:
                self.characters += len(thought)
                self._thoughts[name] = self._thoughts.get(name, "") + thought
                yield Reasoning(thought)
                return

    def _told(self, chunks: Sequence[Text | Reasoning]) -> Iterator[Chunk]:
        for chunk in chunks:
            self.said |= isinstance(chunk, Text) and bool(chunk.text.strip())
            yield chunk

    def _call(self, index: int | None, id: str | None, function: Any, extra: object = None) -> None:
        name = getattr(function, "name", None) or ""
        arguments = getattr(function, "arguments", None) or ""
        if not isinstance(arguments, str):
            arguments = json.dumps(arguments)
        self.characters += len(name) + len(arguments)
        self._assembler.feed(
            index, id or "", name, arguments, {"extra_content": extra} if extra else {}
        )


def _continues(call: _Call, id: str, name: str, arguments: str) -> bool:
    # The name comes before the arguments: another one after them is that of another call.
    if name and name != call.name and call.arguments:
        return False
    if id and call.id:
        return id == call.id
    # So is the same one with more arguments after whole ones.
    return not (name and arguments and object_in(call.arguments) is not None)


def _text_in(part: Any) -> str:
    """The text of a part of an answer, which may hold other parts."""
    if isinstance(part, dict):
        part = part.get("thinking") or part.get("text")
    if isinstance(part, list):
        return "".join(map(_text_in, part))
    return part if isinstance(part, str) else ""


def _usage(said: CompletionUsage | None) -> Usage | None:
    if said is None or not (said.prompt_tokens or said.completion_tokens):
        return None
    read = said.prompt_tokens or 0
    # Gemini and others count what a model thought in the total alone.
    written = max(said.completion_tokens or 0, (said.total_tokens or 0) - read)
    details = said.prompt_tokens_details
    return Usage(
        input_tokens=read,
        output_tokens=written,
        cached_tokens=min(getattr(details, "cached_tokens", None) or 0, read),
        cache_written_tokens=min(getattr(details, "cache_write_tokens", None) or 0, read),
    )
