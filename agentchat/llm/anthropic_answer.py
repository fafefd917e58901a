"""Answers in Anthropic's messages format, from its events to our chunks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from agentchat.llm.base import Chunk, Reasoning, StopReason, Text, ToolCall, Usage
from agentchat.llm.wire import own_id, seal

if TYPE_CHECKING:
    from anthropic.types import MessageDeltaUsage, RawMessageStreamEvent
    from anthropic.types import Usage as MessageUsage

_STOP_REASONS = {
    "max_tokens": StopReason.LENGTH,
    "model_context_window_exceeded": StopReason.LENGTH,
    # Only tools that run at Anthropic pause a turn; who offers none cannot go on with it.
    "pause_turn": StopReason.LENGTH,
    "refusal": StopReason.REFUSAL,
}


@dataclass(slots=True)
class _Block:
    """A part of the answer while it comes. ``text`` is of whatever kind the part is."""

    kind: Literal["text", "thinking", "redacted_thinking", "tool_use", "other"]
    text: str = ""
    signature: str = ""
    data: str = ""
    id: str = ""
    name: str = ""
    whole_input: dict[str, object] = field(default_factory=dict)


class AnswerReader:
    """Reads the events of one answer. ``reason`` is None until the model said why it stopped.

    ``said`` tells whether there was any text; ``characters`` counts all that was written.
    """

    def __init__(self, sealer: tuple[str, str], ids: Iterator[str], answer: str | None) -> None:
        """``answer`` names the tool whose arguments are the answer's text, if one is used."""
        self.reason: StopReason | None = None
        self.refusal = ""
        self.usage = Usage()
        self.characters = 0
        self.said = False
        self._sealer = sealer
        self._ids = ids
        self._answer = answer
        self._answered = False
        self._held = ""
        self._calls: list[ToolCall] = []
        self._open: dict[int, _Block] = {}
        self._spent: dict[str, int] = {}

    def read(self, event: RawMessageStreamEvent) -> Iterator[Chunk]:
        """What ``event`` adds to the answer."""
        if event.type == "message_start":
            self._count(event.message.usage)
        elif event.type == "content_block_start":
            yield from self._begin(event.index, event.content_block)
        elif event.type == "content_block_delta":
            yield from self._grow(event.index, event.delta)
        elif event.type == "content_block_stop":
            yield from self._end(event.index)
        elif event.type == "message_delta":
            self._count(event.usage)
            if event.delta.stop_reason:
                self.reason = _STOP_REASONS.get(event.delta.stop_reason, StopReason.END)
            if event.delta.stop_details is not None:
                self.refusal = event.delta.stop_details.explanation or ""

    def finish(self) -> Iterator[Chunk]:
        """What is left once the model has stopped.

        Calls come only now: one that the length limit cut off looks whole when it has no
        arguments.
        """
        for index in list(self._open):
            yield from self._end(index)
        # Whoever answers by a tool may say something beside it, which is not the answer.
        if self._held and not self._answered:
            yield from self._text(self._held)
        if self.reason is StopReason.END:
            yield from self._calls
            if self._calls:
                self.reason = StopReason.TOOLS

    def _begin(self, index: int, block: Any) -> Iterator[Chunk]:
        kinds = ("text", "thinking", "redacted_thinking", "tool_use")
        begun = self._open[index] = _Block(block.type if block.type in kinds else "other")
        if begun.kind == "text" and block.text:
            yield from self._say(block.text)
        elif begun.kind == "thinking":
            begun.signature = block.signature or ""
            if block.thinking:
                yield self._think(begun, block.thinking)
        elif begun.kind == "redacted_thinking":
            begun.data = block.data
        elif begun.kind == "tool_use":
            begun.id, begun.name = block.id or "", block.name or ""
            begun.whole_input = block.input or {}

    def _grow(self, index: int, delta: Any) -> Iterator[Chunk]:
        block = self._open.setdefault(index, _Block("text"))
        if delta.type == "text_delta":
            yield from self._say(delta.text)
        elif delta.type == "thinking_delta":
            block.kind = "thinking"
            yield self._think(block, delta.thinking)
        elif delta.type == "signature_delta":
            block.signature = delta.signature
        elif delta.type == "input_json_delta":
            self.characters += len(delta.partial_json)
            block.text += delta.partial_json

    def _end(self, index: int) -> Iterator[Chunk]:
        block = self._open.pop(index, None)
        if block is None:
            return
        if block.kind == "thinking" and block.signature:
            thought = {"thinking": block.text, "signature": block.signature}
            yield Reasoning("", seal(*self._sealer, {"type": "thinking", **thought}))
        elif block.kind == "redacted_thinking":
            thought = {"type": "redacted_thinking", "data": block.data}
            yield Reasoning("", seal(*self._sealer, thought))
        elif block.kind == "tool_use":
            yield from self._called(block)

    def _called(self, block: _Block) -> Iterator[Chunk]:
        arguments = block.text or json.dumps(block.whole_input)
        if self._answer is not None and block.name == self._answer:
            self._answered = True
            yield from self._text(arguments)
            return
        id = own_id(block.id, {call.id for call in self._calls}, self._ids)
        self._calls.append(ToolCall(id, block.name, arguments))

    def _say(self, text: str) -> Iterator[Chunk]:
        self.characters += len(text)
        if self._answer is not None:
            self._held += text
        else:
            yield from self._text(text)

    def _text(self, text: str) -> Iterator[Chunk]:
        if text:
            self.said |= bool(text.strip())
            yield Text(text)

    def _think(self, block: _Block, text: str) -> Reasoning:
        self.characters += len(text)
        block.text += text
        return Reasoning(text)

    def _count(self, said: MessageUsage | MessageDeltaUsage | None) -> None:
        """Input is told at the start, output as it grows; what is left out is as before."""
        for name in (
            "input_tokens",
            "output_tokens",
            "cache_read_input_tokens",
            "cache_creation_input_tokens",
        ):
            if count := getattr(said, name, None):
                self._spent[name] = count
        read = self._spent.get("cache_read_input_tokens", 0)
        written = self._spent.get("cache_creation_input_tokens", 0)
        self.usage = Usage(
            input_tokens=self._spent.get("input_tokens", 0) + read + written,
            output_tokens=self._spent.get("output_tokens", 0),
            cached_tokens=read,
            cache_written_tokens=written,
        )
