"""What people did, for those who look after the app: ``chat.operations.audits``."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from agentchat.errors import InvalidInput
from agentchat.guard import Guard
from agentchat.operations.redact import redacted
from agentchat.operations.shown import iso
from agentchat.store import audits
from agentchat.store.database import Database
from agentchat.store.live import paced
from agentchat.views import LOCAL, Actor

KINDS = ("run", "workflow", "schedule", "fault", "account", "thread")
PAGE = 100
PACE = 0.5
"""What is followed is read again after so many seconds at the earliest."""


@dataclass(frozen=True)
class AuditEntry:
    """Who did what, to what and when (ISO 8601). ``subject`` is the id of a run, a schedule, a
    thread, a person …, or the name that was typed where a login failed; ``detail`` is JSON, with
    what may be secret redacted.
    """

    id: int
    kind: str
    subject: str
    action: str
    by: str
    by_id: str
    at: str
    detail: str = "{}"


@dataclass(frozen=True)
class AuditPage:
    """Entries, the newest first; ``earlier`` is the id before which there are more, 0 if there
    are none.
    """

    entries: tuple[AuditEntry, ...] = ()
    earlier: int = 0


class Audits:
    """What people did: rows that nothing changes or removes. For administrators; raises NotAllowed
    for others.
    """

    def __init__(self, database: Database, guard: Guard) -> None:
        self._database = database
        self._guard = guard

    async def page(
        self, *, kind: str = "", by_id: str = "", before: int = 0, actor: Actor = LOCAL
    ) -> AuditPage:
        """The newest hundred: of this kind, by the person of this id, before the entry of this
        id, where they are given. Raises InvalidInput for a kind that is none.
        """
        self._guard.operator(actor)
        return await self._database.read(_page, _kind(kind), by_id, before)

    def follow(
        self, *, kind: str = "", by_id: str = "", before: int = 0, actor: Actor = LOCAL
    ) -> AsyncGenerator[AuditPage, None]:
        """Yield what :meth:`page` gives, now and whenever it changes."""
        self._guard.operator(actor)
        return self._database.live.follow(_page, _kind(kind), by_id, before)

    async def exported(self, *, actor: Actor = LOCAL) -> AsyncGenerator[str, None]:
        """Yield all entries, the newest first, each a line of JSON."""
        self._guard.operator(actor)
        before = 0
        while True:
            page = await self._database.read(_page, "", "", before)
            for entry in page.entries:
                yield (
                    json.dumps(
                        {**entry.__dict__, "detail": json.loads(entry.detail)}, ensure_ascii=False
                    )
                    + "\n"
                )
            before = page.earlier
            if not before:
                return


def _kind(kind: str) -> str:
    if kind and kind not in KINDS:
        raise InvalidInput(f"{kind!r} is none of {', '.join(KINDS)}.")
    return kind


@paced(PACE)
def _page(session: Session, kind: str, by_id: str, before: int) -> AuditPage:
    rows = audits.newest(session, kind=kind, by_id=by_id, before=before, limit=PAGE + 1)
    entries = tuple(map(_entry, rows[:PAGE]))
    return AuditPage(entries, entries[-1].id if len(rows) > PAGE else 0)


def _entry(row: Any) -> AuditEntry:
    return AuditEntry(
        row.id,
        row.kind,
        row.subject_id,
        row.action,
        row.by,
        row.by_id,
        iso(row.created_at),
        json.dumps(redacted(row.detail or {}), ensure_ascii=False),
    )
