"""What people did, as the address asks for it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

from agentchat.chat import AgentChat
from agentchat.operations.audit_filters import audits_asked
from agentchat.operations.audits import AuditPage
from agentchat.ui.live import LiveState, live
from agentchat.ui.states.configuration import looks_after


@dataclass(frozen=True)
class ShownAudits:
    """A page of audits, and the query string that it was asked for with; ``problems`` are what of
    that was ignored and why, in words.
    """

    asked: str = ""
    page: AuditPage = field(default_factory=AuditPage)
    problems: tuple[str, ...] = ()
    ready: bool = False


async def _shown(chat: AgentChat, query: str) -> AsyncGenerator[ShownAudits, None]:
    if not looks_after(chat):
        yield ShownAudits(query)
        return
    asked, audits = audits_asked(query), chat.operations.audits
    if asked.before:
        # What is earlier stays as it is.
        page = await audits.page(asked.wanted, before=asked.before)
        yield ShownAudits(query, page, asked.problems, ready=True)
        return
    async with aclosing(audits.follow(asked.wanted)) as pages:
        async for page in pages:
            yield ShownAudits(query, page, asked.problems, ready=True)


class AuditsState(LiveState):
    """The page of audits of one tab."""

    shown: ShownAudits = live(_shown, "asked", keep=True, default=ShownAudits())

    @property
    def asked(self) -> str:
        """What the address asks for."""
        return str(self.router.url.query)
