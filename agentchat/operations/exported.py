"""A whole run as JSON, for a file: without passwords and keys, and however large it is.

The format, of which the key ``format`` tells the version:

``run``
    its row: ``workflow``, ``version``, ``status``, ``data`` (the arguments), ``result``, ``error``,
    tokens, cost, times; the names are those of :class:`~agentchat.models.Run`.
``steps``, ``attempts``, ``events``, ``logs``
    the rows that belong to it, in the order in which they were written; the names are those of
    :class:`~agentchat.models.Step` and so on. Each step has its ``key``, too.
``audits``
    what people did to it, oldest first.

Times are ISO 8601 in UTC. Whatever looks like a password or a key is ``"[redacted]"``.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Row
from sqlmodel import Session

from agentchat.columns import table_of
from agentchat.models import Run
from agentchat.operations.detail_reads import Asker
from agentchat.operations.redact import redacted
from agentchat.operations.shown import key_of
from agentchat.store import audits, run_details

FORMAT = "agentchat.run/1"
ROWS = 200
"""How many rows are held in memory at a time."""
MOST_AUDITS = 1_000


class Read(Protocol):
    """Reads from the database, as :meth:`agentchat.store.database.Database.read` does."""

    def __call__(self, query: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Awaitable[Any]:
        """What the query returns."""
        ...


async def exported(
    read: Read, run_id: str, asker: Asker, *, now: datetime
) -> AsyncGenerator[str, None]:
    """Yield the JSON of a run piece by piece; together they are one document.

    Raises RunNotFound and NotAllowed before the first piece. A run under way is as
    it is when each piece is read.
    """
    run = await read(_run, asker, run_id)
    row = {column.name: getattr(run, column.name) for column in table_of(Run).columns}
    yield '{\n"format": ' + _json(FORMAT) + ',\n"exported_at": ' + _json(now)
    yield ',\n"run": ' + _json(row)
    for table in run_details.ALL:
        yield f',\n"{table}": ['
        after, first = 0, True
        while rows := await read(run_details.rows_after, table, run_id, after, limit=ROWS):
            yield ("\n" if first else ",\n") + ",\n".join(_row(table, one) for one in rows)
            after, first = rows[-1].id, False
        yield "]"
    done = await read(_audits, run_id)
    yield ',\n"audits": [' + ",".join("\n" + _json(dict(one._mapping)) for one in done) + "]\n}\n"


def _run(session: Session, asker: Asker, run_id: str) -> Run:
    return asker.run(session, run_id)


def _audits(session: Session, run_id: str) -> Sequence[Row[Any]]:
    return audits.of(session, "run", run_id, limit=MOST_AUDITS)[::-1]


def _row(table: str, row: Row[Any]) -> str:
    values = {name: value for name, value in row._mapping.items() if name != "run_id"}
    if table == "steps":
        values = {"key": key_of(row), **values}
    return _json(values)


def _json(value: Any) -> str:
    return json.dumps(redacted(value), ensure_ascii=False, default=_plain)


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
