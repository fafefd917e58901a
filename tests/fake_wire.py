"""The two wire formats of :mod:`tests.fake_provider`, as server-sent events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Protocol

from tests.fake_history import anthropic_complaint, openai_complaint

PROMPT_TOKENS = 11


class Wire(Protocol):
    """How one vendor says each thing, in one answer: make one for each."""

    request_id_header: str

    def complaint(self, body: Mapping[str, object]) -> str | None: ...
    def opening(self, request_id: str, usage: bool, cached: int) -> bytes: ...
    def piece(self, text: str) -> bytes: ...
    def reasoning(self, text: str) -> bytes: ...
    def refusal(self, text: str) -> bytes: ...
    def call(self, name: str, arguments: list[str]) -> list[bytes]: ...
    def ending(self, finish: str | None, characters: int, usage: bool) -> list[bytes]: ...
    def garbage(self) -> bytes: ...
    def error_event(self, error: Mapping[str, object]) -> bytes: ...
    def error_body(self, status: int, message: str | None = None) -> object: ...


class OpenAIWire:
    request_id_header = "x-request-id"

    def __init__(self) -> None:
        self._request_id = ""
        self._calls = 0
        self._cached = 0

    def complaint(self, body: Mapping[str, object]) -> str | None:
        return openai_complaint(body)

    def opening(self, request_id: str, usage: bool, cached: int) -> bytes:
        self._request_id, self._cached = request_id, cached
        return self._delta({"role": "assistant", "content": ""})

    def piece(self, text: str) -> bytes:
        return self._delta({"content": text})

    def reasoning(self, text: str) -> bytes:
        return self._delta({"reasoning_content": text, "reasoning": text, "content": None})

    def refusal(self, text: str) -> bytes:
        return self._delta({"refusal": text})

    def call(self, name: str, arguments: list[str]) -> list[bytes]:
        """Id and name come with the first piece alone."""
        index, self._calls = self._calls, self._calls + 1
        id = f"call_{self._request_id}_{index}"
        first: dict[str, object] = {
            "id": id,
            "type": "function",
            "function": {"name": name, "arguments": ""},
        }
        pieces = [first]
        pieces += [{"function": {"arguments": piece}} for piece in arguments]
        return [self._delta({"tool_calls": [{"index": index, **piece}]}) for piece in pieces]

    def ending(self, finish: str | None, characters: int, usage: bool) -> list[bytes]:
        events = [self._delta({}, finish or ("tool_calls" if self._calls else "stop"))]
        if usage:
            tokens: dict[str, object] = {
                "prompt_tokens": PROMPT_TOKENS,
                "completion_tokens": characters,
                "total_tokens": PROMPT_TOKENS + characters,
                "prompt_tokens_details": {"cached_tokens": self._cached},
            }
            events.append(_event({**self._chunk, "choices": [], "usage": tokens}))
        return [*events, b"data: [DONE]\n\n"]

    def garbage(self) -> bytes:
        return b'data: {"id": "chatcmpl-fake", "choi\n\n'

    def error_event(self, error: Mapping[str, object]) -> bytes:
        return _event({"error": error})

    def error_body(self, status: int, message: str | None = None) -> object:
        if message is not None:
            refused = {"type": "invalid_request_error", "param": None, "code": None}
            return {"error": {"message": message, **refused}}
        return {"error": {"message": f"fake {status}", "type": "fake_error", "code": None}}

    _chunk = {  # noqa: RUF012
        "id": "chatcmpl-fake",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": "fake",
    }

    def _delta(self, delta: Mapping[str, object], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return _event({**self._chunk, "choices": [choice]})


class AnthropicWire:
    request_id_header = "request-id"

    def __init__(self) -> None:
        self._request_id = ""
        self._calls = 0
        self._index = -1
        self._open = ""
        """The type of the block that is being written; empty between two."""

    def complaint(self, body: Mapping[str, object]) -> str | None:
        return anthropic_complaint(body)

    def opening(self, request_id: str, usage: bool, cached: int) -> bytes:
        self._request_id = request_id
        tokens = {"input_tokens": PROMPT_TOKENS - cached, "output_tokens": 1} if usage else {}
        tokens |= {"cache_read_input_tokens": cached} if cached else {}
        message = {"id": "msg_fake", "type": "message", "role": "assistant", "model": "fake"}
        rest: dict[str, object] = {"content": [], "stop_reason": None, "usage": tokens}
        start = self._event("message_start", message={**message, **rest})
        return start + self._event("ping")

    def piece(self, text: str) -> bytes:
        begun = self._begin({"type": "text", "text": ""})
        return begun + self._delta({"type": "text_delta", "text": text})

    def reasoning(self, text: str) -> bytes:
        """A whole thought, with the signature that it is to come back with."""
        begun = self._begin({"type": "thinking", "thinking": "", "signature": ""})
        thought = self._delta({"type": "thinking_delta", "thinking": text})
        return begun + thought + self._delta({"type": "signature_delta", "signature": "signed"})

    def refusal(self, text: str) -> bytes:
        return b""  # Anthropic refuses with a stop reason alone

    def call(self, name: str, arguments: list[str]) -> list[bytes]:
        self._calls += 1
        id = f"toolu_{self._request_id}_{self._calls}"
        begun = self._end() + self._begin({"type": "tool_use", "id": id, "name": name, "input": {}})
        deltas = [self._delta({"type": "input_json_delta", "partial_json": ""})]
        deltas += [
            self._delta({"type": "input_json_delta", "partial_json": piece}) for piece in arguments
        ]
        return [begun, *deltas]

    def ending(self, finish: str | None, characters: int, usage: bool) -> list[bytes]:
        reason = finish or ("tool_use" if self._calls else "end_turn")
        delta = {"stop_reason": reason, "stop_sequence": None}
        tokens = {"output_tokens": characters} if usage else {"output_tokens": 0}
        return [
            self._end() + self._event("message_delta", delta=delta, usage=tokens),
            self._event("message_stop"),
        ]

    def garbage(self) -> bytes:
        return b'event: content_block_delta\ndata: {"type": "conte\n\n'

    def error_event(self, error: Mapping[str, object]) -> bytes:
        return self._event("error", error=error)

    def error_body(self, status: int, message: str | None = None) -> object:
        kind = "fake_error" if message is None else "invalid_request_error"
        said = {"type": kind, "message": message or f"fake {status}"}
        return {"type": "error", "error": said}

    def _begin(self, block: Mapping[str, object]) -> bytes:
        """Nothing when a block of the same type is being written."""
        if self._open == block["type"]:
            return b""
        ended = self._end()
        self._open = str(block["type"])
        self._index += 1
        return ended + self._event("content_block_start", index=self._index, content_block=block)

    def _end(self) -> bytes:
        if not self._open:
            return b""
        self._open = ""
        return self._event("content_block_stop", index=self._index)

    def _delta(self, delta: Mapping[str, object]) -> bytes:
        return self._event("content_block_delta", index=self._index, delta=delta)

    def _event(self, kind: str, **data: object) -> bytes:
        return _event({"type": kind, **data}, kind)


def _event(data: object, name: str | None = None) -> bytes:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data)}\n\n".encode()


WIRES: Mapping[str, type[OpenAIWire] | type[AnthropicWire]] = {
    "/v1/chat/completions": OpenAIWire,
    "/v1/messages": AnthropicWire,
}
