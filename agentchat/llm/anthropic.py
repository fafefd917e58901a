"""Anthropic's models, and every server that speaks its messages format."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from agentchat.llm import anthropic_wire as wire
from agentchat.llm.anthropic_answer import AnswerReader
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
from agentchat.llm.remote import Connection, connection_of
from agentchat.llm.tokens import estimated_usage
from agentchat.llm.wire import IMAGES, PDF, fresh_ids

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic, AsyncStream
    from anthropic.types import OutputConfigParam, RawMessageStreamEvent, ToolParam

ANTHROPIC_URL = "https://api.anthropic.com"


class AnthropicProvider:
    """A model behind Anthropic's API, or behind a compatible ``base_url``.

    Raises :class:`~agentchat.errors.ConfigError` for a key or an address that cannot
    be used at all; nothing is imported or connected before ``start`` or ``stream``.

    A compatible server is asked for no more than all of them know: it is offered no PDFs, told
    of no cache, and gives an answer of a schema as the arguments of a tool. Its ``id`` begins
    with ``compatible:``, because Anthropic's prices are not its own.
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
        self.label = name
        self.max_output_tokens = max_output_tokens
        self._name = name
        self._base_url = checked_url(base_url or ANTHROPIC_URL)
        vendor = vendor_at(self._base_url, ANTHROPIC_URL, "Anthropic")
        self._official = vendor == "Anthropic"
        self.id = f"{'anthropic' if self._official else 'compatible'}:{name}"
        self.media_types = IMAGES | {PDF} if self._official else IMAGES
        self._key = checked_key(api_key, vendor)
        self._endpoint = Endpoint(vendor, name, self._key)
        self._read_timeout = read_timeout
        self._client = LazyClient("anthropic", self._make_client)

    @property
    def connection(self) -> Connection:
        """See :meth:`agentchat.llm.remote.Remote.connection`."""
        return connection_of("anthropic", self._base_url, self._key)

    async def model_names(self) -> tuple[str, ...]:
        """See :meth:`agentchat.llm.remote.Remote.model_names`."""
        client = await self._client.get()
        import anthropic

        try:
            page = await client.models.list()
            return tuple(model.id for model in page.data)
        except Exception as error:
            raise explain(error, self._endpoint, sdk=anthropic) from error

    async def start(self, report: Callable[[ModelStatus], None]) -> None:
        """Report READY; the SDK is loaded in the background, to spare the first answer."""
        report(ModelStatus(ModelState.READY))
        self._client.warm()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk, None]:
        """See :meth:`agentchat.llm.base.Provider.stream`."""
        client = await self._client.get()
        import anthropic

        output = self._output_config(request)
        tool = wire.answer_tool(request) if request.schema is not None and not output else None
        reader = AnswerReader(self._sealer, fresh_ids(request.turns), tool and tool["name"])
        request_id: str | None = None
        try:
            answer = await self._ask(client, request, output, tool)
            request_id = answer.response.headers.get("request-id")
            async with answer:
                async for event in answer:
                    for chunk in reader.read(event):
                        yield chunk
        except Exception as error:
            # Once the model has said that it is done, what breaks after takes nothing away.
            if reader.reason is None:
                raise explain(
                    error, self._endpoint, sdk=anthropic, request_id=request_id
                ) from error
        if reader.reason is None:
            raise self._endpoint.truncated(request_id)
        for chunk in reader.finish():
            yield chunk
        if reader.reason is StopReason.REFUSAL and not reader.said:
            raise self._endpoint.refused(reader.refusal, request_id)
        usage = reader.usage
        if not usage.output_tokens:
            usage = estimated_usage(request, reader.characters)
        yield Finished(reader.reason, usage, request_id)

    async def close(self) -> None:
        """Close every connection. Safe to call twice."""
        await self._client.close()

    @property
    def _sealer(self) -> tuple[str, str]:
        return self._endpoint.vendor, self._name

    async def _ask(
        self,
        client: AsyncAnthropic,
        request: ModelRequest,
        output: OutputConfigParam | None,
        answer_tool: ToolParam | None,
    ) -> AsyncStream[RawMessageStreamEvent]:
        from anthropic import omit

        # The prefix that is cached holds the tools, then the instructions, then the history.
        cache = self._official
        return await client.messages.create(
            model=self._name,
            max_tokens=min(request.max_tokens, self.max_output_tokens),
            system=wire.system_of(request, cache=cache) if request.instructions.strip() else omit,
            messages=wire.messages_of(request, self.media_types, self._sealer, cache=cache),
            tools=wire.tools_of(request, answer_tool, cache=cache) or omit,
            tool_choice=wire.choice_of(request, answer_tool) or omit,
            output_config=output or omit,
            stream=True,
            extra_headers=idempotency_headers(request),
        )

    def _output_config(self, request: ModelRequest) -> OutputConfigParam | None:
        """How to ask for an answer of the schema, where the model itself can be held to it."""
        if request.schema is None or not self._official:
            return None
        if not wire.knows_output_format(self._name) or not wire.is_closed(request.schema):
            return None
        from anthropic import transform_schema

        try:
            schema = transform_schema(dict(request.schema))
        except (ValueError, AssertionError):
            return None
        return {"format": {"type": "json_schema", "schema": schema}}

    def _make_client(self) -> AsyncAnthropic:
        from anthropic import AsyncAnthropic

        return AsyncAnthropic(
            api_key=self._key,
            base_url=self._base_url,
            max_retries=0,
            open_telemetry=False,
            http_client=http_client(self._base_url, self._read_timeout),
        )
