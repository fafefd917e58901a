"""OpenAI, and every server that speaks its chat completions format."""

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
    from openai import AsyncOpenAI
    from openai.types import CompletionUsage
    from openai.types.chat import ChatCompletionMessageParam

OPENAI_URL = "https://api.openai.com/v1"

_STOP_REASONS = {"length": StopReason.LENGTH, "content_filter": StopReason.REFUSAL}


class OpenAIProvider:
    """A model behind OpenAI's API, or behind any compatible ``base_url``.

    ``api_key`` may be None for a server that wants none. The embedded model is one
    more such server: its provider holds one of these and delegates to it.

    Raises :class:`~agentchat.errors.ConfigError` for a key or an address that cannot
    be used at all; nothing is imported or connected before ``start`` or ``stream``.
    """

    def __init__(
        self,
        name: str,
        api_key: str | None,
        base_url: str | None,
        *,
        id_prefix: str = "openai",
        label: str | None = None,
        embedded: bool = False,
        context_tokens: int | None = None,
        max_output_tokens: int = 4096,
        read_timeout: timedelta = READ_TIMEOUT,
    ) -> None:
        self.id = f"{id_prefix}:{name}"
        self.label = label or name
        self.embedded = embedded
        self.context_tokens = context_tokens
        self.max_output_tokens = max_output_tokens
        self._name = name
        self._base_url = checked_url(base_url or OPENAI_URL)
        vendor = vendor_at(self._base_url, OPENAI_URL, "OpenAI")
        self._official = vendor == "OpenAI"
        vendor = "The built-in model" if embedded else vendor
        self._key = None if api_key is None else checked_key(api_key, vendor)
        self._endpoint = Endpoint(vendor, name, self._key)
        self._read_timeout = read_timeout
        self._client = LazyClient("openai", self._make_client)

    async def start(self, report: Callable[[ModelStatus], None]) -> None:
        """Report READY; the SDK is loaded in the background, to spare the first answer."""
        report(ModelStatus(ModelState.READY))
        self._client.warm()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk, None]:
        """See :meth:`agentchat.llm.base.Provider.stream`."""
        client = await self._client.get()
        import openai

        reason: StopReason | None = None
        usage: Usage | None = None
        request_id: str | None = None
        refusal, characters = "", 0
        try:
            answer = await client.chat.completions.create(
                model=self._name,
                messages=_messages(request),
                stream=True,
                stream_options={"include_usage": True},
                extra_headers=idempotency_headers(request),
                extra_body={self._limit_name: min(request.max_tokens, self.max_output_tokens)},
            )
            request_id = answer.response.headers.get("x-request-id")
            async with answer:
                async for chunk in answer:
                    usage = _usage(chunk.usage) or usage
                    for choice in chunk.choices or ():
                        # Reasoning arrives as other fields of the delta and is no answer.
                        refusal += choice.delta.refusal or ""
                        if choice.delta.content:
                            characters += len(choice.delta.content)
                            yield Text(choice.delta.content)
                        if choice.finish_reason:
                            reason = _STOP_REASONS.get(choice.finish_reason, StopReason.END)
        except Exception as error:
            # Once the model has said that it is done, what breaks after takes nothing away.
            if reason is None:
                raise explain(error, self._endpoint, sdk=openai, request_id=request_id) from error
        if reason is None:
            raise self._endpoint.truncated(request_id)
        if refusal:
            reason = StopReason.REFUSAL
        if reason is StopReason.REFUSAL and not characters:
            raise self._endpoint.refused(refusal, request_id)
        yield Finished(reason, usage or estimated_usage(request, characters), request_id)

    async def close(self) -> None:
        """Close every connection. Safe to call twice."""
        await self._client.close()

    def _make_client(self) -> AsyncOpenAI:
        from openai import AsyncOpenAI

        return AsyncOpenAI(
            # With None the SDK would look for a key in the environment.
            api_key=self._key or "none",
            base_url=self._base_url,
            max_retries=0,
            http_client=http_client(self._base_url, self._read_timeout),
        )

    @property
    def _limit_name(self) -> str:
        # OpenAI's newer models refuse max_tokens; many compatible servers know no other.
        return "max_completion_tokens" if self._official else "max_tokens"


def _messages(request: ModelRequest) -> list[ChatCompletionMessageParam]:
    messages: list[ChatCompletionMessageParam] = []
    if request.instructions:
        messages.append({"role": "system", "content": request.instructions})
    for turn in request.turns:
        if turn.role == "user":
            messages.append({"role": "user", "content": turn.text})
        else:
            messages.append({"role": "assistant", "content": turn.text})
    return messages


def _usage(said: CompletionUsage | None) -> Usage | None:
    if said is None or not (said.prompt_tokens or said.completion_tokens):
        return None
    return Usage(input_tokens=said.prompt_tokens or 0, output_tokens=said.completion_tokens or 0)
