"""People with accounts, on one database or on two that know of each other only by its rows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlmodel import Session, SQLModel, select

from agentchat import Actor, Settings
from agentchat.accounts import Accounts
from agentchat.accounts.passwords import Passwords
from agentchat.durable.clock import Clock
from agentchat.models import Audit
from agentchat.store.database import Database

ANN, BOB, CAT = "herons fly at dusk", "otters swim by night", "kites hang in the wind"
"""Passwords of the people of that name."""
HOME, AWAY, STRANGE = "203.0.113.1", "198.51.100.2", "192.0.2.66"


class Counting(Passwords):
    """Passwords that cost little, and count how often one was compared."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_kib=8)
        self.compared = 0

    async def matches(self, stored: str | None, password: object) -> bool:
        self.compared += 1
        return await super().matches(stored, password)


def accounts_on(
    database: Database, clock: Clock, passwords: Passwords | None = None, **settings: Any
) -> Accounts:
    """Accounts as a process has them; people log in unless the settings say otherwise."""
    chosen = Settings(**{"auth": "password", **settings})
    return Accounts(database, clock, chosen, passwords or Counting())


async def actor_of(accounts: Accounts, token: str) -> Actor:
    """Who holds this token, which is somebody's."""
    actor = await accounts.who(token)
    assert actor is not None
    return actor


async def becomes_nobodys(accounts: Accounts, token: str) -> None:
    """Return once nobody holds this token; TimeoutError if that is never."""
    async with asyncio.timeout(30):
        while await accounts.who(token) is not None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@asynccontextmanager
async def another(url: str) -> AsyncIterator[Database]:
    """Another process on the same database, as far as the database can tell."""
    database = Database(url)
    database.open()
    try:
        yield database
    finally:
        await database.close()


async def rows(database: Database, table: type[SQLModel]) -> list[Any]:
    """All rows of a table."""

    def read(session: Session) -> list[Any]:
        return list(session.exec(select(table)))

    return await database.read(read)


async def audited(database: Database) -> list[tuple[str, str]]:
    """What was written down about accounts, oldest first: what was done, and by whom."""
    found: list[Audit] = await rows(database, Audit)
    found.sort(key=lambda one: one.id or 0)
    return [(one.action, one.by) for one in found if one.kind == "account"]
