"""The yardstick's rows through the app's own writer: what the writer alone costs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Executable

from agentchat.store.changes import Rows, rows
from agentchat.store.database import Database
from agentchat.store.writer import Tx
from tests.benchmarks.floor import ADD_STEP, Floor


class Written(Floor):
    """Writes runs and their steps through :class:`~agentchat.store.database.Database`."""

    name = "engine"

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._database = Database(url)

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str) -> AsyncIterator[Written]:
        """The app's database, open."""
        written = cls(url)
        written._database.open()
        yield written
        await written._database.close()
        written._engine.dispose()

    def _write(self, statement: Executable, params: dict[str, Any]) -> Awaitable[None]:
        about = (
            Rows("steps", (("run_id", params["run_id"]),))
            if statement is ADD_STEP
            else rows("workflows", {"id": params.get("run", params.get("id")), "thread_id": None})
        )
        return self._database.write(_run, statement, params, about)


def _run(tx: Tx, statement: Executable, params: dict[str, Any], about: Rows) -> None:
    tx.execute(statement, params, about=about)
