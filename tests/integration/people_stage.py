"""An app in which people log in, and a thread of one of them that is shared with others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session, SQLModel, select

from agentchat import Actor, Agent, AgentChat, Settings
from agentchat.llm.scripted import ScriptedProvider
from agentchat.models import Audit, MemberRole
from agentchat.store import users
from agentchat.store.database import Database

NOBODY = Actor("", "")
ANN, BOB = Actor("user-ann", "Ann"), Actor("user-bob", "Bob")
VERA, SAM = Actor("user-vera", "Vera"), Actor("user-sam", "Sam")
ADA = Actor("user-ada", "Ada", admin=True)
PEOPLE = (ANN, BOB, VERA, SAM, ADA)
THREAD = "thread-of-ann"
SECRET = "zanzibar"
"""A word of the thread, which nobody may ever read who may not read the thread."""


async def add_person(database: Database, actor: Actor, *, account: bool = True) -> None:
    """Somebody with an account, or a guest of an open app."""
    await database.write(
        users.add,
        actor.id,
        name=actor.name.lower(),
        display_name=actor.name,
        password_hash="not a hash" if account else None,
        admin=actor.admin,
        now=datetime.now(UTC),
    )


@dataclass
class People:
    """Opens apps on one database."""

    url: str
    stack: AsyncExitStack

    async def open(self, *agents: Agent, replies: Any = (), **options: Any) -> AgentChat:
        """An app in which people log in, whose model says these things in order."""
        given = {name: options.pop(name) for name in [*options] if name in Settings.model_fields}
        settings = Settings(db_url=self.url, **{"auth": "password", "minute_most": 0, **given})
        provider = options.pop("provider", None) or ScriptedProvider("instant", replies=replies)
        chat = AgentChat(settings, agents=agents or None, provider=provider, **options)
        return await self.stack.enter_async_context(chat)

    async def shared(self, *agents: Agent, **options: Any) -> AgentChat:
        """The same with a thread of Ann's: Bob may write in it, Vera read it, Sam neither, and
        Ada looks after the app.
        """
        chat = await self.open(*agents, **options)
        for person in PEOPLE:
            await add_person(chat._database, person)
        await chat.create_thread(f"About {SECRET}", actor=ANN, thread_id=THREAD)
        await chat.sharing.add(THREAD, "bob", MemberRole.MEMBER, actor=ANN)
        await chat.sharing.add(THREAD, VERA.id, "viewer", actor=ANN)
        return chat


@asynccontextmanager
async def people_on(url: str) -> AsyncIterator[People]:
    """Closes what was opened."""
    async with AsyncExitStack() as stack:
        yield People(url, stack)


async def rows(database: Database, table: type[SQLModel]) -> list[Any]:
    """All rows of a table."""

    def read(session: Session) -> list[Any]:
        return list(session.exec(select(table)))

    return await database.read(read)


async def audited(chat: AgentChat) -> list[tuple[str, str]]:
    """What was written down about threads, oldest first: what was done, and by whom."""
    found: list[Audit] = await rows(chat._database, Audit)
    return [(one.action, one.by) for one in sorted(found, key=_id) if one.kind == "thread"]


def _id(audit: Audit) -> int:
    return audit.id or 0
