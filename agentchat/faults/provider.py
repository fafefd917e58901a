"""A model that can be made to fail as models do."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta

from agentchat.errors import ConnectionLost, RateLimited
from agentchat.faults.kinds import FaultKind
from agentchat.faults.switches import Switches
from agentchat.llm.base import Chunk, ModelRequest, Provider, Text
from agentchat.llm.wrapped import Wrapped

SAID_BEFORE_CUT = 3
"""How many pieces of text an answer may have before it is cut."""


class Faulty(Wrapped):
    """A model whose calls go wrong as long as the fault for it is on."""

    def __init__(self, provider: Provider, switches: Switches) -> None:
        super().__init__(provider)
        self._switches = switches

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk, None]:
        """See :meth:`agentchat.llm.base.Provider.stream`."""
        self._strike_call()
        said = 0
        async with aclosing(self._provider.stream(request)) as chunks:
            async for chunk in chunks:
                if said >= SAID_BEFORE_CUT or not isinstance(chunk, Text):
                    self._strike_answer()
                if (slow := self._switches.of(FaultKind.SLOW)) is not None:
                    await slow.hold_up(timedelta(milliseconds=slow.view.amount))
                said += isinstance(chunk, Text)
                yield chunk

    def _strike_call(self) -> None:
        if (refused := self._switches.of(FaultKind.REFUSE)) is not None:
            refused.count()
            raise ConnectionLost(f"{self.label} refused the connection (a fault that is on)")
        if (limited := self._switches.of(FaultKind.LIMIT)) is not None:
            raise RateLimited(
                f"{self.label} is limiting how often we may ask (a fault that is on)",
                retry_after=timedelta(seconds=limited.view.amount),
            )

    def _strike_answer(self) -> None:
        if (cut := self._switches.of(FaultKind.CUT)) is not None:
            cut.count()
            raise ConnectionLost(f"{self.label} dropped the connection (a fault that is on)")


def faulty(provider: Provider, switches: Switches | None) -> Provider:
    """The model, with faults where they may be switched on; else the model itself."""
    return provider if switches is None else Faulty(provider, switches)
