"""Every handler of the pages, called over the socket of a real server by those who may not: with
the ids of what is somebody else's.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
import reflex as rx
from sqlalchemy import insert

from agentchat.accounts.tokens import digest, new_token
from agentchat.app import app
from agentchat.columns import table_of
from agentchat.models import Login, PausedWorkflow
from agentchat.store import schema
from agentchat.store.database import Database
from agentchat.store.writer import Tx
from agentchat.views import Actor
from tests.benchmarks.tabs.server import TabServer, tab_servers
from tests.benchmarks.tabs.tab import Tab
from tests.integration.people_stage import ADA, ANN, BOB, PEOPLE, SAM, SECRET, VERA, add_person
from tests.integration.strangers_world import ANNS, PRIVATE, World, everything

assert app, "all states are known once the app is"

WORLD = World(1)
NEW = "new-thing-of-nobody"
TOKENS: Final = {person.id: new_token() for person in PEOPLE}
NOBODY = Actor("", "")
QUIET = 0.4
"""Seconds without a frame after which all has been said."""

FORM = {
    "name": "Mine", "workflow": "remember", "trigger": "cron", "cron": "0 9 * * *",
    "timezone": "UTC", "arguments": {},
}  # fmt: skip

OWN: Final[dict[str, Any]] = {}
"""Without an argument: what a tab is shown, or forgets, by its address alone."""

HANDLERS: dict[str, dict[str, Any]] = {
    "account.arrive": OWN,
    "account.end": {"login_id": WORLD.login, "attempt": 1},
    "account.follow": OWN,
    "account.rename": {"name": "Mallory", "attempt": 1},
    "actions.collect": {"message_id": WORLD.returned},
    "actions.edit": {"message_id": WORLD.said, "text": "Mine", "new_id": NEW, "attempt": 1},
    "actions.find": {"message_id": WORLD.answer},
    "actions.follow": OWN,
    "actions.fork": {"message_id": WORLD.said, "new_id": NEW},
    "actions.go_on": {"message_id": WORLD.answer},
    "actions.rate": {"message_id": WORLD.answer, "good": True, "reason": "Mine"},
    "actions.send_now": {"message_id": WORLD.queued},
    "actions.take_back": {"message_id": WORLD.queued},
    "actions.show_branch": {"thread_id": WORLD.thread, "branch": 1},
    "agents.tell": OWN,
    "archive.follow": OWN,
    "archive.look": {"after": f"1.5 {WORLD.thread}"},
    "audits.follow": OWN,
    "auth.follow": OWN,
    "build.tell": OWN,
    "decision.answer": {"ask_id": WORLD.ask, "text": "Yes", "attempt": 1},
    "decision.approve": {"ask_id": WORLD.ask, "input_hash": "", "arguments": "", "attempt": 1},
    "decision.deny": {"ask_id": WORLD.ask, "reason": "", "attempt": 1},
    "deleted.empty": {"thread_id": WORLD.deleted},
    "deleted.follow": OWN,
    "deleted.look": {"after": f"1.5 {WORLD.deleted}"},
    "entry.arrive": OWN,
    "entry.look": {"token": "t" * 43},
    "fault_switch.end": {"fault_id": WORLD.fault},
    "fault_switch.switch_on": {"form": {"kind": "kill", "seconds": "1"}},
    "faults.follow": OWN,
    "inbox.follow": OWN,
    "join.arrive": OWN,
    "join.join": {"token": "t" * 43, "attempt": 1},
    "join.look": {"token": "t" * 43},
    "limits.follow": OWN,
    "memories.arrive": OWN,
    "memories.ask": {"asked": True},
    "memories.edit": {"memory_id": WORLD.memory},
    "memories.follow": OWN,
    "memories.forget": {"memory_id": WORLD.memory},
    "memories.forget_all": OWN,
    "memories.save": {"form": {"text": "Mine now"}},
    "memories.search": {"words": ""},
    "memories.undo": OWN,
    "model.follow": OWN,
    "models.arrive": OWN,
    "models.follow": OWN,
    "models.test": {"key": "app", "attempt": 1},
    "notice.dismiss": OWN,
    "notice.say": {"words": "Hello"},
    "overview.follow": OWN,
    "overview.pause": {"workflow": "other", "attempt": 1},
    "overview.resume": {"workflow": "reply", "attempt": 1},
    "overview.resume_run": {"run_id": WORLD.paused, "attempt": 1},
    "people.act": {"action": "deactivate", "subject": ANN.id, "attempt": 1},
    "people.arrive": OWN,
    "people.follow": OWN,
    "people.invite": {"admin": True, "attempt": 1},
    "presence.follow": OWN,
    "presence.typing": {"thread_id": WORLD.thread},
    "read.arrive": OWN,
    "read.catch_up": OWN,
    "read.follow": OWN,
    "read.look": {"token": WORLD.token},
    "read.further_back": OWN,
    "read.further_on": OWN,
    "read.from_end": OWN,
    "retention.arrive": OWN,
    "retention.follow": OWN,
    "retention.sweep": {"attempt": 1},
    "run.follow": OWN,
    "run_actions.act": {"run_id": WORLD.paused, "action": "cancel", "attempt": 1},
    "run_actions.fork": {
        "run_id": WORLD.run, "step": "look", "mode": "", "value": "", "new_id": NEW, "attempt": 1,
    },
    "run_actions.rerun": {"run_id": WORLD.broken, "data": "", "new_id": NEW, "attempt": 1},
    "run_actions.send": {
        "run_id": WORLD.paused, "name": "heard", "payload": "1", "key": NEW, "attempt": 1,
    },
    "run_tab.follow": OWN,
    "run_whole.hide": OWN,
    "run_whole.raw": {"of": "all"},
    "run_whole.show": {"of": "one", "step": "look", "what": "result"},
    "runs.arrive": OWN,
    "runs.confirm": {"bulk_id": NEW},
    "runs.delete": {"view_id": WORLD.view},
    "runs.follow": OWN,
    "runs.hold": OWN,
    "runs.plan": {"action": "cancel", "run_ids": [WORLD.paused, WORLD.errand], "attempt": 1},
    "runs.release": OWN,
    "runs.rename": {"view_id": WORLD.view, "name": "Mine"},
    "runs.save": {"name": "Mine", "query": ""},
    "schedules.act": {"action": "delete", "schedule_id": WORLD.schedule, "attempt": 1},
    "schedules.arrive": OWN,
    "schedules.change": {
        "form": json.dumps(FORM), "schedule_id": WORLD.schedule, "seen": WORLD.mark, "attempt": 1,
    },
    "schedules.create": {"form": json.dumps(FORM), "new_id": NEW, "attempt": 1},
    "schedules.follow": OWN,
    "schedules.preview": {"form": "{}", "schedule_id": WORLD.schedule, "number": 1},
    "search.look": {"text": SECRET, "skip": 0, "number": 1},
    "search.rename": {"thread_id": WORLD.thread, "title": "Mine now"},
    "sharing.act": {
        "action": "member", "thread_id": WORLD.thread, "subject": VERA.id, "attempt": 1,
    },
    "sharing.add": {
        "thread_id": WORLD.thread, "who": SAM.id, "role": "viewer", "attempt": 1,
    },
    "sharing.arrive": OWN,
    "sharing.follow": OWN,
    "sharing.hide_link": OWN,
    "sharing.make_link": {
        "thread_id": WORLD.thread, "role": "viewer", "hours": 1, "attempt": 1,
    },
    "sharing.revoke_link": {"thread_id": WORLD.thread, "link_id": WORLD.link, "attempt": 1},
    "spent.follow": OWN,
    "spent.show": {"message_id": WORLD.answer},
    "thread.catch_up": OWN,
    "thread.choose_model": {"thread_id": WORLD.thread, "model": ""},
    "thread.choose_agent": {"thread_id": WORLD.thread, "agent": ""},
    "thread.choose_second": {"thread_id": WORLD.thread, "second": "steer"},
    "thread.follow": OWN,
    "thread.keep": {"message_id": WORLD.other},
    "thread.regenerate": {"message_id": WORLD.answer, "new_id": NEW},
    "thread.retry": {"message_id": WORLD.answer},
    "thread.send": {
        "thread_id": WORLD.thread, "message_id": NEW, "text": "Mine", "create": True, "attempt": 1,
        "agent": "", "files": [WORLD.upload],
    },
    "thread.stop": {"thread_id": WORLD.thread},
    "thread.stop_one": {"run_id": WORLD.asking},
    "threads.bring_back": {"action": "delete", "thread_id": WORLD.deleted},
    "threads.follow": OWN,
    "threads.look": {"after": f"1.5 {WORLD.thread}"},
    "threads.mark": {"action": "pin", "thread_id": WORLD.thread, "folder": ""},
    "threads.miss": OWN,
    "threads.put_away": {"action": "delete", "thread_id": WORLD.thread, "number": 1},
    "threads.rename": {"thread_id": WORLD.thread, "title": "Mine"},
    "tool_servers.follow": OWN,
    "waiting.follow": OWN,
}  # fmt: skip

NO_HANDLERS = {"setvar"}
"""What Reflex makes of each state, and takes for one: refused before a state is loaded."""

PAGES = (
    f"/t/{WORLD.thread}", f"/read#{WORLD.token}", "/runs", f"/runs/{WORLD.run}",
    f"/runs/{WORLD.errand}", f"/runs/{WORLD.remembering}", "/overview",
    f"/schedules?schedule={WORLD.schedule}", "/memory", "/inbox", "/settings", "/faults",
    "/settings/logins", "/settings/people", "/settings/models", "/settings/limits",
    "/settings/retention", "/settings/audits",
)  # fmt: skip


def states(state: Any = rx.State) -> Iterator[Any]:
    """All states of the pages."""
    if state.__module__.startswith("agentchat."):
        yield state
    for inner in state.get_substates():
        yield from states(inner)


def name_of(state: Any) -> str:
    return str(state.get_full_name()).rsplit("____", 1)[-1].removesuffix("_state")


WIRE = {
    f"{name_of(state)}.{handler}": f"{state.get_full_name()}.{handler}"
    for state in states()
    for handler in state.event_handlers
    if handler not in NO_HANDLERS
}


def test_every_handler_is_in_the_table_and_nothing_else_is() -> None:
    assert set(WIRE) == set(HANDLERS)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('strangers') / 'agentchat.db'}"
    schema.upgrade(url)
    asyncio.run(_fill(url))
    return url


async def _fill(url: str) -> None:
    database = Database(url)
    database.open()
    now = datetime.now(UTC)
    try:
        for person in PEOPLE:
            await add_person(database, person)
        await database.write(WORLD.write)

        def rest(tx: Tx) -> None:
            for person in PEOPLE:
                login = Login(
                    id=f"login-of-{person.id}",
                    user_id=person.id,
                    token_hash=digest(TOKENS[person.id]),
                    created_at=now,
                    seen_at=now,
                    expires_at=now + timedelta(days=1),
                )
                tx.execute(insert(table_of(Login)), login.model_dump())
            # Nothing is carried out: only handlers change anything.
            for name in ("reply", "remember", "follow_up", "bulk", "errand"):
                row = {"workflow": name, "paused_by": "Ann", "paused_at": now}
                tx.execute(insert(table_of(PausedWorkflow)), row)

        await database.write(rest)
    finally:
        await database.close()


@pytest.fixture(scope="module")
def server(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TabServer]:
    settings = {"AGENTCHAT_AUTH": "password", "AGENTCHAT_MINUTE_MOST": "0"}
    with tab_servers(url, settings) as [server]:
        yield server
        assert "Traceback" not in "".join(server.output), "".join(server.output)[-4_000:]


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    database = Database(url)
    database.open()
    yield database
    await database.close()


async def all_rows(database: Database) -> dict[str, list[str]]:
    """All that is in the database, but for which tabs are open."""
    rows = await database.read(everything)
    del rows["presences"]
    return rows


class Person(Tab):
    """A tab of somebody, or of nobody."""

    def __init__(self, server: TabServer, actor: Actor, path: str) -> None:
        token = TOKENS.get(actor.id)
        cookie = f"agentchat={token}" if token else ""
        thread_id = path.removeprefix("/t/") if path.startswith("/t/") else ""
        super().__init__(server.url, server.facts, path, thread_id=thread_id, cookie=cookie)

    async def settled(self) -> str:
        """All that was said, once nothing more is."""
        async with asyncio.timeout(20):
            await self.until(lambda: bool(self.frames))
            while time.time() - self.frames[-1].at < QUIET:  # noqa: ASYNC110
                await asyncio.sleep(QUIET / 4)
        return "".join(frame.text for frame in self.frames)


async def shown(server: TabServer, actor: Actor) -> str:
    """What somebody is shown on all pages."""

    async def on(path: str) -> str:
        async with Person(server, actor, path) as tab:
            return await tab.settled()

    return "".join(await asyncio.gather(*map(on, PAGES)))


@pytest.mark.parametrize(
    ("actor", "words"),
    [
        (NOBODY, set()),
        (SAM, set()),
        (VERA, {SECRET}),
        (BOB, {SECRET}),
        (ADA, {SECRET, ANNS}),
        (ANN, {SECRET, ANNS, PRIVATE}),
    ],
    ids=lambda value: value.name or "nobody" if isinstance(value, Actor) else "",
)
async def test_a_page_shows_what_its_visitor_may_see_and_nothing_else(
    server: TabServer, actor: Actor, words: set[str]
) -> None:
    said = await shown(server, actor)
    assert {word for word in (SECRET, ANNS, PRIVATE) if word in said} == words


@pytest.mark.parametrize("actor", [NOBODY, SAM, VERA], ids=["nobody", "stranger", "viewer"])
async def test_a_handler_does_nothing_for_those_who_may_not(
    server: TabServer, database: Database, actor: Actor
) -> None:
    before = await all_rows(database)
    said = ""
    for path in (f"/t/{WORLD.thread}", f"/runs/{WORLD.run}"):
        async with Person(server, actor, path) as tab:
            await tab.settled()
            for name, payload in HANDLERS.items():
                # What would make the tab follow another page's things is seen above.
                if not name.endswith(".follow"):
                    await tab.call(WIRE[name], payload)
            said += await tab.settled()
            assert tab.alive
    after = await all_rows(database)
    mark = WORLD.thread.rsplit("-", 1)[1]
    for table, rows in before.items():
        if table == "presences":
            # Who is there comes and goes by itself.
            continue
        if table == "thread_marks" and actor is VERA:
            # What a thread is to her is her own.
            continue
        if actor is NOBODY:
            assert after[table] == rows, table
        else:
            hers = [row for row in rows if mark in row]
            there = [row for row in after[table] if mark in row]
            if actor is VERA and table in ("parts", "ratings"):
                # What she thinks of an answer is her own, as is a thread that she forked.
                there = [row for row in there if row in rows or not {NEW, VERA.id} & names(row)]
            assert there == hers, table
    hidden = {ANNS, PRIVATE} if actor is VERA else {ANNS, PRIVATE, SECRET}
    assert not {word for word in hidden if word in said}


def names(row: str) -> set[str]:
    """Whom a row names of those whose things may be new."""
    return {one for one in (NEW, VERA.id) if one in row}


async def test_the_same_calls_have_their_effect_for_whom_it_is(
    server: TabServer, database: Database
) -> None:
    """Or else what is refused above might be refused for its form."""
    before = await all_rows(database)
    for path in (f"/t/{WORLD.thread}", f"/runs/{WORLD.run}"):
        async with Person(server, ANN, path) as tab:
            await tab.settled()
            for name, payload in HANDLERS.items():
                if not name.endswith(".follow") and name != "threads.put_away":
                    await tab.call(WIRE[name], payload)
            said = await tab.settled()
            assert SECRET in said
    # What is still being done when the pages are left is done all the same.
    wanted = {"asks", "memories", "messages", "schedules", "threads", "workflows"}
    wanted |= {"saved_views", "users", "logins", "branches", "ratings", "parts"}
    changed: set[str] = set()
    for _ in range(100):
        after = await all_rows(database)
        changed = {table for table, rows in before.items() if after[table] != rows}
        if changed >= wanted:
            break
        await asyncio.sleep(0.1)
    assert changed >= wanted
