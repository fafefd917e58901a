"""Whoever a thing is not open to gets nothing of it: every verb, tried by everybody.

What is expected stands in strangers_table.py; which verbs there are is found in the code.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from itertools import count
from typing import Any

import pytest
from sqlalchemy import event

from agentchat import LOCAL, Actor, Agent, AgentChat, Tx, tool
from agentchat.errors import AgentChatError, NotAllowed, NotFound, ThreadNotFound
from agentchat.rights import visitor
from tests.integration.people_stage import (
    ANN,
    BOB,
    PEOPLE,
    SAM,
    SECRET,
    THREAD,
    People,
    add_person,
    people_on,
)
from tests.integration.strangers_table import (
    ABOUT_ANN,
    ABOUT_ANN_HEAD,
    FOR_ANN,
    NO_VERBS,
    NOTHING,
    OF_NOBODY,
    OK,
    ONLY_ANNS,
    ROLES,
    TABLE,
    Row,
    errand,
)
from tests.integration.strangers_world import ANNS, PRIVATE, WORDS, World, everything
from tests.long import LONG_ON_POSTGRES

SEES = {
    SECRET: {"viewer", "member", "owner", "admin"},
    ANNS: {"owner", "admin"},
    PRIVATE: {"owner"},
}
"""Who may ever be shown a word."""
UNKNOWN = World(99_999)


@tool
def pay(tx: Tx, to: str) -> str:
    """Pay somebody."""
    return "paid"


CLERK = Agent("clerk", "x", tools=(pay,))
OPTIONS: dict[str, Any] = {"workflows": [errand], "fault_panel": True}


async def at_rest(chat: AgentChat) -> None:
    """Let nothing be carried out: only the verbs change anything."""
    for name in ("reply", "remember", "follow_up", "bulk", "errand"):
        await chat.runs.by(LOCAL).pause_workflow(name)


@pytest.fixture
async def people(database_url: str) -> AsyncIterator[People]:
    async with people_on(database_url) as people:
        yield people


@pytest.fixture
async def chat(people: People) -> AgentChat:
    chat = await people.open(CLERK, **OPTIONS)
    for person in PEOPLE:
        await add_person(chat._database, person)
    await at_rest(chat)
    return chat


def verbs_of(thing: Any, path: str = "") -> Iterator[str]:
    """What is public of an app and can be called, wherever it hangs on it."""
    for name in dir(thing):
        if name.startswith("_") or path + name in NO_VERBS:
            continue
        found = getattr(thing, name)
        if inspect.isroutine(found):
            yield path + name
        elif type(found).__module__.split(".")[0] == "agentchat":
            yield from verbs_of(found, f"{path}{name}.")


class Hands:
    """An app in the hands of somebody, who is named for verbs on accounts."""

    def __init__(self, chat: AgentChat, actor: Actor) -> None:
        self.actor = actor
        self._verbs = chat.by(actor)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._verbs, name)


async def outcome(row: Row, chat: AgentChat, actor: Actor, world: World) -> Any:
    """What a call comes to: its value, the first that it yields, or the error that it raises."""
    try:
        async with asyncio.timeout(20):
            found = row.call(Hands(chat, actor), world)
            if inspect.isasyncgen(found):
                async with aclosing(found):
                    return await anext(found)
            if hasattr(found, "__aenter__"):
                async with found:
                    return None
            return await found if inspect.isawaitable(found) else found
    except AgentChatError as error:
        return error


class Written:
    """Whether anybody has tried to write anything since it was asked last."""

    def __init__(self, chat: AgentChat) -> None:
        self._database = chat._database
        self._tried = True
        event.listen(self._database._writing, "before_cursor_execute", self._note)

    def _note(self, _c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        self._tried |= statement.lstrip()[:6].upper() in ("INSERT", "UPDATE", "DELETE")

    async def anything(self) -> bool:
        # Behind whatever was posted.
        await self._database.write(lambda tx: None)
        tried, self._tried = self._tried, False
        return tried


class Worlds:
    """Gives a world in which nothing has been done yet."""

    def __init__(self, chat: AgentChat) -> None:
        self._database = chat._database
        self._numbers = count(1)
        self._world = UNKNOWN
        self._written = Written(chat)

    async def fresh(self) -> World:
        if await self._written.anything():
            self._world = World(next(self._numbers))
            await self._database.write(self._world.write)
            await self._written.anything()
        return self._world


def allowed(row: Row, role: str) -> bool:
    return bool(row.expected[role] == OK)


def rows() -> Iterator[tuple[str, Row, str, Actor]]:
    """Each row of the table with each of the six who try it."""
    for verb, several in TABLE.items():
        for number, row in enumerate(several):
            for role, actor in ROLES.items():
                yield f"{verb} [{number}] by {role}", row, role, actor


async def test_every_verb_is_in_the_table_and_nothing_else_is(chat: AgentChat) -> None:
    assert {*TABLE, *OF_NOBODY} == {*verbs_of(chat)}
    assert not {*TABLE} & {*OF_NOBODY}
    for path in NO_VERBS:
        thing: Any = chat
        for name in path.split("."):
            thing = getattr(thing, name)


async def test_whoever_may_not_is_refused_and_nothing_changes(chat: AgentChat) -> None:
    world, database, wrong = World(0), chat._database, []
    await database.write(world.write)
    before, written = await database.read(everything), Written(chat)
    assert all(word in repr(before) for word in WORDS)
    for what, row, role, actor in rows():
        if allowed(row, role):
            continue
        expected = row.expected[role]
        found = await outcome(row, chat, actor, world)
        unknown = await outcome(row, chat, actor, UNKNOWN)
        if expected != NOTHING and not isinstance(found, expected):
            wrong.append(f"{what}: {expected.__name__} expected, but {found!r:.200}")
        # What is closed to them is as if it had never been.
        hidden = expected == NOTHING or expected is NotFound
        told, never = repr(found).replace("00000", "99999"), repr(unknown)
        if hidden and told != never:
            wrong.append(f"{what}: {told:.200} instead of {never:.200}")
        if any(word in repr(found) and role not in SEES[word] for word in WORDS):
            wrong.append(f"{what}: it tells {found!r:.300}")
        after = await database.read(everything) if await written.anything() else before
        for table in before:
            if before[table] != after[table]:
                changed = set(before[table]) ^ set(after[table])
                wrong.append(f"{what}: {table} has changed: {sorted(changed)!r:.300}")
        before = after
    assert wrong == []


@LONG_ON_POSTGRES
@pytest.mark.timeout(600)
async def test_whoever_may_is_let_in_and_shown_nothing_that_is_closed_to_them(
    chat: AgentChat,
) -> None:
    wrong, worlds = [], Worlds(chat)
    for what, row, role, actor in rows():
        if not allowed(row, role):
            continue
        found = await outcome(row, chat, actor, await worlds.fresh())
        if isinstance(found, AgentChatError):
            wrong.append(f"{what}: {found!r:.200}")
        if any(word in repr(found) and role not in SEES[word] for word in WORDS):
            wrong.append(f"{what}: it tells {found!r:.300}")
    assert wrong == []


FOR_VISITORS = ("files.get", "follow", "presence.follow", "presence.here")
"""What somebody may do who comes with a public link."""
TELLING = ("files.get", "follow")
"""What of that tells what is in the thread."""


async def test_who_comes_by_a_public_link_reads_the_thread_and_does_nothing_else(
    chat: AgentChat,
) -> None:
    world, database, wrong = World(0), chat._database, []
    await database.write(world.write)
    before, bearer = await database.read(everything), visitor(world.public)
    for verb, several in TABLE.items():
        for row in several:
            found = await outcome(row, chat, bearer, world)
            # Of their own there is nothing: no logins.
            refused = isinstance(found, NotAllowed | NotFound) or found in ((), 0)
            if refused == (verb in FOR_VISITORS):
                wrong.append(f"{verb}: {found!r:.200}")
            if verb not in TELLING and any(word in repr(found) for word in WORDS):
                wrong.append(f"{verb}: it tells {found!r:.300}")
    await database.write(lambda tx: None)
    assert await database.read(everything) == before
    assert wrong == []


@LONG_ON_POSTGRES
async def test_in_an_open_app_everybody_with_a_name_may_do_everything(
    people: People,
) -> None:
    chat = await people.open(CLERK, auth="open", **OPTIONS)
    for person in PEOPLE:
        await add_person(chat._database, person)
    await at_rest(chat)
    wrong, worlds = [], Worlds(chat)
    for verb, several in TABLE.items():
        if verb.startswith("accounts.") or verb == "sharing.leave":
            # There are none, and nobody leaves what is everybody's.
            continue
        for row in several:
            world = await worlds.fresh()
            found = await outcome(row, chat, SAM, world)
            # But for what is about what another person said.
            alone = row.expected in (ABOUT_ANN, ABOUT_ANN_HEAD, ONLY_ANNS, FOR_ANN)
            if isinstance(found, NotAllowed | NotFound) and not alone:
                wrong.append(f"{verb}: {found!r:.200}")
            nobody = await outcome(row, chat, ROLES["nobody"], world)
            if not isinstance(nobody, NotAllowed):
                wrong.append(f"{verb} by nobody: {nobody!r:.200}")
    assert wrong == []


async def test_what_a_stranger_follows_never_holds_a_word_of_a_thread(people: People) -> None:
    chat = await people.shared(CLERK, replies=[f"All about {SECRET}"] * 8, **OPTIONS)
    world = World(0)
    seen: dict[str, list[str]] = {}

    async def follow(verb: str, row: Row, actor: Actor) -> None:
        heard = seen.setdefault(f"{verb} by {actor.name}", [])
        with contextlib.suppress(AgentChatError):
            async with aclosing(row.call(Hands(chat, actor), world)) as values:
                async for value in values:
                    heard.append(repr(value))

    tasks = [
        asyncio.create_task(follow(verb, row, actor))
        for verb, several in TABLE.items()
        if "follow" in verb and verb != "accounts.follow_people"
        for row in several
        for actor in (SAM, ANN, ROLES["nobody"])
        if not isinstance(_created(row, chat, actor, world), AgentChatError)
    ]
    try:
        await chat._database.write(world.write)
        for number in range(3):
            await chat.send_message(THREAD, f"{SECRET} {number}", actor=ANN)
            async with aclosing(chat.follow(THREAD, actor=ANN)) as views:
                async for view in views:
                    if not view.live and len(view.messages) == 2 * number + 2:
                        break
        await asyncio.sleep(0.6)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    assert any(SECRET in "".join(heard) for name, heard in seen.items() if "by Ann" in name)
    for name, heard in seen.items():
        if "by Ann" not in name:
            assert not any(word in "".join(heard) for word in WORDS), name
    assert sum(bool(heard) for name, heard in seen.items() if "by Sam" in name) > 8


def _created(row: Row, chat: AgentChat, actor: Actor, world: World) -> Any:
    """What is refused before it is followed."""
    try:
        return row.call(Hands(chat, actor), world)
    except AgentChatError as error:
        return error


async def test_a_member_who_is_removed_is_shown_nothing_more(
    people: People,
) -> None:
    chat = await people.shared(CLERK, **OPTIONS)
    views = [
        chat.follow(THREAD, actor=BOB),
        chat.sharing.follow_members(THREAD, actor=BOB),
        chat.presence.follow(THREAD, actor=BOB),
        chat.spent.follow_thread(THREAD, actor=BOB),
    ]
    for one in views:
        await anext(one)
    await chat.sharing.remove(THREAD, BOB.id, actor=ANN)
    for one in views:
        async with asyncio.timeout(30):
            with pytest.raises(ThreadNotFound):
                await anext(one)


@pytest.mark.parametrize("verb", ["send_message", "stop", "inbox.deny", "runs.cancel"])
async def test_a_role_that_is_taken_away_takes_its_verbs_with_it(
    chat: AgentChat, verb: str
) -> None:
    world = World(0)
    await chat._database.write(world.write)
    for row in TABLE[verb]:
        if row.expected["viewer"] is not NotAllowed:
            continue
        await chat.sharing.change_role(world.thread, BOB.id, "viewer", actor=ANN)
        assert isinstance(await outcome(row, chat, BOB, world), NotAllowed)
        await chat.sharing.remove(world.thread, BOB.id, actor=ANN)
        assert isinstance(await outcome(row, chat, BOB, world), NotFound)
        await chat.sharing.add(world.thread, BOB.id, "member", actor=ANN)
        assert not isinstance(await outcome(row, chat, BOB, world), NotAllowed | NotFound)
