"""Anthropic's models, and every server that speaks its messages format."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from agentchat.llm.base import (
    Chunk,
    Finished,
    ModelRequest,
    ModelState,
    ModelStatus,
    StopReason,
    Text,
    Usage,
)
from agentchat.llm.connection import (
    READ_TIMEOUT,
    LazyClient,
    checked_key,
    checked_url,
    http_client,
    idempotency_headers,
    vendor_at,
)
from agentchat.llm.failures import Endpoint, explain
from agentchat.llm.tokens import estimated_usage

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic
    from anthropic.types import MessageDeltaUsage, MessageParam
    from anthropic.types import Usage as MessageUsage

ANTHROPIC_URL = "https://api.anthropic.com"

_STOP_REASONS = {
    "max_tokens": StopReason.LENGTH,
    "model_context_window_exceeded": StopReason.LENGTH,
    "refusal": StopReason.REFUSAL,
}


class AnthropicProvider:
    """A model behind Anthropic's API, or behind a compatible ``base_url``.

    Raises :class:`~agentchat.errors.ConfigError` for a key or an address that cannot
    be used at all; nothing is imported or connected before ``start`` or ``stream``.
    """

    embedded = False
    context_tokens: int | None = None

    def __init__(
        self,
        name: str,
        api_key: str,
        base_url: str | None = None,
        *,
        max_output_tokens: int = 4096,
        read_timeout: timedelta = READ_TIMEOUT,
    ) -> None:
        self.id = f"anthropic:{name}"
        self.label = name
        self.max_output_tokens = max_output_tokens
        self._name = name
        self._base_url = checked_url(base_url or ANTHROPIC_URL)
        vendor = vendor_at(self._base_url, ANTHROPIC_URL, "Anthropic")
        self._key = checked_key(api_key, vendor)
        self._endpoint = Endpoint(vendor, name, self._key)
        self._read_timeout = read_timeout
        self._client = LazyClient("anthropic", self._make_client)

    async def start(self, report: Callable[[ModelStatus], None]) -> None:
        """Report READY; the SDK is loaded in the background, to spare the first answer."""
        report(ModelStatus(ModelState.READY))
        self._client.warm()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk, None]:
        """See :meth:`agentchat.llm.base.Provider.stream`."""
        client = await self._client.get()
        import anthropic

        reason: StopReason | None = None
        usage = Usage()
        request_id: str | None = None
        characters = 0
        try:
            answer = await client.messages.create(
                model=self._name,
                max_tokens=min(request.max_tokens, self.max_output_tokens),
                system=request.instructions or anthropic.omit,
                messages=_messages(request),
                stream=True,
                extra_headers=idempotency_headers(request),
            )
            request_id = answer.response.headers.get("request-id")
            async with answer:
                async for event in answer:
                    if event.type == "message_start":
                        usage = _usage(event.message.usage, usage)
                    elif event.type == "content_block_delta" and event.delta.type == "text_delta":
                        characters += len(event.delta.text)
                        yield Text(event.delta.text)
                    elif event.type == "message_delta":
                        usage = _usage(event.usage, usage)
                        if event.delta.stop_reason:
                            reason = _STOP_REASONS.get(event.delta.stop_reason, StopReason.END)
        except Exception as error:
            # Once the model has said that it is done, what breaks after takes nothing away.
            if reason is None:
                raise explain(
                    error, self._endpoint, sdk=anthropic, request_id=request_id
                ) from error
        if reason is None:
            raise self._endpoint.truncated(request_id)
        if reason is StopReason.REFUSAL and not characters:
            raise self._endpoint.refused("", request_id)
        if not usage.output_tokens:
            usage = estimated_usage(request, characters)
        yield Finished(reason, usage, request_id)

    async def close(self) -> None:
        """Close every connection. Safe to call twice."""
        await self._client.close()

    def _make_client(self) -> AsyncAnthropic:
        from anthropic import AsyncAnthropic

        return AsyncAnthropic(
            api_key=self._key,
            base_url=self._base_url,
            max_retries=0,
            open_telemetry=False,
            http_client=http_client(self._base_url, self._read_timeout),
        )


def _messages(request: ModelRequest) -> list[MessageParam]:
    return [
        {"role": "user", "content": turn.text}
        if turn.role == "user"
        else {"role": "assistant", "content": turn.text}
        for turn in request.turns
    ]


def _usage(said: MessageUsage | MessageDeltaUsage | None, before: Usage) -> Usage:
    """What was said so far: the input comes at the start, the output grows to the end."""
    if said is None:
        return before
    cached = (said.cache_creation_input_tokens or 0) + (said.cache_read_input_tokens or 0)
    return Usage(
        input_tokens=(said.input_tokens or 0) + cached or before.input_tokens,
        output_tokens=said.output_tokens or before.output_tokens,
    )
