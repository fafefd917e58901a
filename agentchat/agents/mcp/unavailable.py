"""Why a call did not reach its server, or its answer did not come back."""

from __future__ import annotations

from typing import ClassVar

from agentchat.errors import AgentChatError


class McpUnavailable(AgentChatError):
    """The MCP server cannot be reached just now.

    ``sent`` is whether the call had been sent, so that it may have had an effect.
    """

    retryable: ClassVar[bool] = True

    def __init__(self, message: str = "", *, sent: bool = False) -> None:
        super().__init__(message)
        self.sent = sent


class SessionOver(McpUnavailable):
    """The MCP server does not know this session any more; it has not looked at the call."""
