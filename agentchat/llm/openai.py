"""OpenAI, and every server that speaks its chat completions format."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from agentchat.llm import openai_wire as wire
from agentchat.llm.base import Chunk, Finished, ModelRequest, ModelState, ModelStatus, StopReason
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
from agentchat.llm.openai_answer import AnswerReader
from agentchat.llm.remote import Connection, connection_of
from agentchat.llm.tokens import estimated_usage
from agentchat.llm.wire import IMAGES, PDF, fresh_ids

if TYPE_CHECKING:
    from openai import AsyncOpenAI, AsyncStream
    from openai.types.chat import ChatCompletionChunk

OPENAI_URL = "https://api.openai.com/v1"


class OpenAIProvider:
    """A model behind OpenAI's API, or behind any compatible ``base_url``.

    ``api_key`` may be None for a server that wants none. The embedded model is one
    more such server: its provider holds one of these and delegates to it.

    Raises :class:`~agentchat.errors.ConfigError` for a key or an address that cannot
    be used at all; nothing is imported or connected before ``start`` or ``stream``.

    The ``id`` of a model behind any other address than OpenAI's begins with
    ``compatible:``, whatever its name: OpenAI's prices are not its own.
    """

    def __init__(
        self,
        name: str,
        api_key: str | None,
        base_url: str | None,
        *,
        id_prefix: str | None = None,
        label: str | None = None,
        embedded: bool = False,
        context_tokens: int | None = None,
        max_output_tokens: int = 4096,
        read_timeout: timedelta = READ_TIMEOUT,
    ) -> None:
        self.label = label or name
        self.embedded = embedded
        self.context_tokens = context_tokens
        self.max_output_tokens = max_output_tokens
        self._name = name
        self._base_url = checked_url(base_url or OPENAI_URL)
        vendor = vendor_at(self._base_url, OPENAI_URL, "OpenAI")
        self._official = vendor == "OpenAI"
        self.id = f"{id_prefix or ('openai' if self._official else 'compatible')}:{name}"
        self.media_types = _media_types(official=self._official, embedded=embedded)
        vendor = "The built-in model" if embedded else vendor
        self._key = None if api_key is None else checked_key(api_key, vendor)
        self._endpoint = Endpoint(vendor, name, self._key)
        self._read_timeout = read_timeout
        self._client = LazyClient("openai", self._make_client)

    @property
    def connection(self) -> Connection:
        """See :meth:`agentchat.llm.remote.Remote.connection`."""
        return connection_of("openai", self._base_url, self._key)

    async def model_names(self) -> tuple[str, ...]:
        """See :meth:`agentchat.llm.remote.Remote.model_names`."""
        client = await self._client.get()
        import openai

        try:
            page = await client.models.list()
            return tuple(model.id for model in page.data)
        except Exception as error:
            raise explain(error, self._endpoint, sdk=openai) from error

    async def start(self, report: Callable[[ModelStatus], None]) -> None:
        """Report READY; the SDK is loaded in the background, to spare the first answer."""
        report(ModelStatus(ModelState.READY))
        self._client.warm()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk, None]:
        """See :meth:`agentchat.llm.base.Provider.stream`."""
        client = await self._client.get()
        import openai

        # OpenAI keeps its models' thoughts to itself; others show them, and some want them back.
        sealer = None if self._official else self._sealer
        reader = AnswerReader(sealer, fresh_ids(request.turns), tags=not self._official)
        request_id: str | None = None
        try:
            answer = await self._ask(client, request)
            request_id = answer.response.headers.get("x-request-id")
            async with answer:
                async for event in answer:
                    for chunk in reader.read(event):
                        yield chunk
        except Exception as error:
            # Once the model has said that it is done, what breaks after takes nothing away.
            if reader.reason is None:
                raise explain(error, self._endpoint, sdk=openai, request_id=request_id) from error
        if reader.reason is None:
            raise self._endpoint.truncated(request_id)
        for chunk in reader.finish():
            yield chunk
        if reader.reason is StopReason.REFUSAL and not reader.said:
            raise self._endpoint.refused(reader.refusal, request_id)
        usage = reader.usage or estimated_usage(request, reader.characters)
        yield Finished(reader.reason, usage, request_id)

    async def close(self) -> None:
        """Close every connection. Safe to call twice."""
        await self._client.close()

    @property
    def _sealer(self) -> tuple[str, str]:
        return self._endpoint.vendor, self._name

    async def _ask(
        self, client: AsyncOpenAI, request: ModelRequest
    ) -> AsyncStream[ChatCompletionChunk]:
        from openai import omit

        return await client.chat.completions.create(
            model=self._name,
            messages=wire.messages_of(request, self.media_types, self._sealer),
            tools=wire.tools_of(request) or omit,
            response_format=wire.response_format_of(request) or omit,
            stream=True,
            stream_options={"include_usage": True},
            extra_headers=idempotency_headers(request),
            extra_body={self._limit_name: min(request.max_tokens, self.max_output_tokens)},
        )

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


def _media_types(*, official: bool, embedded: bool) -> frozenset[str]:
    if embedded:
        return frozenset()
    return IMAGES | {PDF} if official else IMAGES
