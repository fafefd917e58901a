"""What people did, for those who look after the app: ``chat.operations.audits``."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from sqlmodel import Session

from agentchat.durable.clock import Clock
from agentchat.errors import InvalidInput
from agentchat.guard import Guard
from agentchat.operations.redact import redacted
from agentchat.operations.shown import iso
from agentchat.store import audits
from agentchat.store.audits import KINDS, Entry, Wanted
from agentchat.store.database import Database
from agentchat.store.live import paced
from agentchat.views import LOCAL, Actor

PAGE = 100
EXPORTED = 1_000
"""How many are read at a time for a file."""
LOOKED_AT = 20_000
"""Among how many of the newest is looked for a page."""
PACE = 0.5
"""What is followed is read again after so many seconds at the earliest."""

ALL = Wanted()


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
    """Entries, the newest first; ``earlier`` is the id before which there may be more, 0 if there
    are none. ``looked_at`` is among how many was looked, if that ended the page; 0 otherwise.
    """

    entries: tuple[AuditEntry, ...] = ()
    earlier: int = 0
    looked_at: int = 0


class Audits:
    """What people did: rows that nothing changes or removes. For administrators; raises NotAllowed
    for others.
    """

    def __init__(self, database: Database, clock: Clock, guard: Guard) -> None:
        self._database = database
        self._clock = clock
        self._guard = guard

    async def page(
        self, wanted: Wanted = ALL, *, before: int = 0, actor: Actor = LOCAL
    ) -> AuditPage:
        """The newest hundred that are ``wanted``, before the entry of this id if one is given. A
        page for which 20,000 entries were looked at may hold fewer. Raises InvalidInput for a
        kind that is none.
        """
        self._guard.operator(actor)
        return await self._database.read(_page, _known(wanted), before)

    def follow(
        self, wanted: Wanted = ALL, *, before: int = 0, actor: Actor = LOCAL
    ) -> AsyncGenerator[AuditPage, None]:
        """Yield what :meth:`page` gives, now and whenever it changes."""
        self._guard.operator(actor)
        return self._database.live.follow(_page, _known(wanted), before)

    async def exported(
        self,
        wanted: Wanted = ALL,
        *,
        form: Literal["jsonl", "csv"] = "jsonl",
        actor: Actor = LOCAL,
    ) -> AsyncGenerator[str, None]:
        """Yield all entries that are ``wanted``, the newest first, some at a time: each a line of
        JSON, or of CSV below a line with the names. That it was exported is the first of them.
        """
        self._guard.operator(actor)
        lines = _FORMS[form]
        asked = {name: str(value) for name, value in asdict(_known(wanted)).items() if value}
        entry = Entry("app", "audits", "export", actor, {"form": form, **asked})
        await self._database.write(audits.add, entry, now=self._clock.now())
        if form == "csv":
            yield _csv([[field.name for field in fields(AuditEntry)]])
        before = 0
        while True:
            page = await self._database.read(_page, wanted, before, EXPORTED)
            if page.entries:
                yield lines(page.entries)
            before = page.earlier
            if not before:
                return


def _known(wanted: Wanted) -> Wanted:
    if wanted.kind and wanted.kind not in KINDS:
        raise InvalidInput(f"{wanted.kind!r} is none of {', '.join(KINDS)}.")
    return wanted


@paced(PACE)
def _page(session: Session, wanted: Wanted, before: int, most: int = PAGE) -> AuditPage:
    found = audits.newest(session, wanted, before=before, limit=most, looked_at=LOOKED_AT)
    looked_at = LOOKED_AT if found.earlier and not found.whole else 0
    return AuditPage(tuple(map(_entry, found.rows)), found.earlier, looked_at)


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


def _json_lines(entries: Iterable[AuditEntry]) -> str:
    return "".join(
        json.dumps({**asdict(entry), "detail": json.loads(entry.detail)}, ensure_ascii=False) + "\n"
        for entry in entries
    )


def _csv_lines(entries: Iterable[AuditEntry]) -> str:
    return _csv([[_cell(value) for value in asdict(entry).values()] for entry in entries])


def _csv(lines: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return text.getvalue()


def _cell(value: object) -> object:
    # Spreadsheets carry out what begins so, and anybody may have typed it.
    dangerous = isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r")
    return f"'{value}" if dangerous else value


_FORMS: dict[str, Callable[[Iterable[AuditEntry]], str]] = {
    "jsonl": _json_lines,
    "csv": _csv_lines,
}
