"""A model within another: the same but for what a subclass does differently."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

from agentchat.llm.base import Chunk, ModelRequest, ModelStatus, Provider


class Wrapped:
    """Is and does what the model in it is and does."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    @property
    def inner(self) -> Provider:
        """The model in it."""
        return self._provider

    @property
    def id(self) -> str:
        return self._provider.id

    @property
    def label(self) -> str:
        return self._provider.label

    @property
    def embedded(self) -> bool:
        return self._provider.embedded

    @property
    def context_tokens(self) -> int | None:
        return self._provider.context_tokens

    @property
    def max_output_tokens(self) -> int:
        return self._provider.max_output_tokens

    @property
    def media_types(self) -> frozenset[str]:
        return self._provider.media_types

    async def start(self, report: Callable[[ModelStatus], None]) -> None:
        """See :meth:`agentchat.llm.base.Provider.start`."""
        await self._provider.start(report)

    def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk, None]:
        """See :meth:`agentchat.llm.base.Provider.stream`."""
        return self._provider.stream(request)

    async def close(self) -> None:
        """See :meth:`agentchat.llm.base.Provider.close`."""
        await self._provider.close()


def unwrapped(provider: Provider) -> Provider:
    """The model itself, whatever it is wrapped in."""
    while isinstance(provider, Wrapped):
        provider = provider.inner
    return provider
