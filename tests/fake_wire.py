"""The two wire formats of :mod:`tests.fake_provider`, as server-sent events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Protocol


class Wire(Protocol):
    """How one vendor says each thing."""

    request_id_header: str

    def opening(self, request_id: str, usage: bool) -> bytes: ...
    def piece(self, text: str) -> bytes: ...
    def reasoning(self, text: str) -> bytes: ...
    def refusal(self, text: str) -> bytes: ...
    def ending(self, finish: str | None, characters: int, usage: bool) -> list[bytes]: ...
    def garbage(self) -> bytes: ...
    def error_event(self, error: Mapping[str, object]) -> bytes: ...
    def error_body(self, status: int) -> object: ...


class OpenAIWire:
    request_id_header = "x-request-id"

    def opening(self, request_id: str, usage: bool) -> bytes:
        return self._delta({"role": "assistant", "content": ""})

    def piece(self, text: str) -> bytes:
        return self._delta({"content": text})

    def reasoning(self, text: str) -> bytes:
        return self._delta({"reasoning_content": text, "reasoning": text, "content": None})

    def refusal(self, text: str) -> bytes:
        return self._delta({"refusal": text})

    def ending(self, finish: str | None, characters: int, usage: bool) -> list[bytes]:
        events = [self._delta({}, finish or "stop")]
        if usage:
            tokens = {"prompt_tokens": 11, "completion_tokens": characters}
            total = {"usage": {**tokens, "total_tokens": 11 + characters}}
            events.append(_event({**self._chunk, "choices": [], **total}))
        return [*events, b"data: [DONE]\n\n"]

    def garbage(self) -> bytes:
        return b'data: {"id": "chatcmpl-fake", "choi\n\n'

    def error_event(self, error: Mapping[str, object]) -> bytes:
        return _event({"error": error})

    def error_body(self, status: int) -> object:
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

    def opening(self, request_id: str, usage: bool) -> bytes:
        block = {"type": "text", "text": ""}
        tokens = {"input_tokens": 11, "output_tokens": 1} if usage else {}
        message = {"id": "msg_fake", "type": "message", "role": "assistant", "model": "fake"}
        rest: dict[str, object] = {"content": [], "stop_reason": None, "usage": tokens}
        return (
            self._event("message_start", message={**message, **rest})
            + self._event("ping")
            + self._event("content_block_start", index=0, content_block=block)
        )

    def piece(self, text: str) -> bytes:
        return self._delta({"type": "text_delta", "text": text})

    def reasoning(self, text: str) -> bytes:
        return self._delta({"type": "thinking_delta", "thinking": text})

    def refusal(self, text: str) -> bytes:
        return b""  # Anthropic refuses with a stop reason alone

    def ending(self, finish: str | None, characters: int, usage: bool) -> list[bytes]:
        delta = {"stop_reason": finish or "end_turn", "stop_sequence": None}
        tokens = {"output_tokens": characters} if usage else {"output_tokens": 0}
        return [
            self._event("content_block_stop", index=0)
            + self._event("message_delta", delta=delta, usage=tokens),
            self._event("message_stop"),
        ]

    def garbage(self) -> bytes:
        return b'event: content_block_delta\ndata: {"type": "conte\n\n'

    def error_event(self, error: Mapping[str, object]) -> bytes:
        return self._event("error", error=error)

    def error_body(self, status: int) -> object:
        return {"type": "error", "error": {"type": "fake_error", "message": f"fake {status}"}}

    def _delta(self, delta: Mapping[str, object]) -> bytes:
        return self._event("content_block_delta", index=0, delta=delta)

    def _event(self, kind: str, **data: object) -> bytes:
        return _event({"type": kind, **data}, kind)


def _event(data: object, name: str | None = None) -> bytes:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data)}\n\n".encode()


WIRES: Mapping[str, Wire] = {
    "/v1/chat/completions": OpenAIWire(),
    "/v1/messages": AnthropicWire(),
}
