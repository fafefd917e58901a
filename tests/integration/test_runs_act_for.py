"""For whom runs act: with the rights of the person who started them, as they are by then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from agentchat import (
    Actor,
    Agent,
    AgentChat,
    Context,
    Every,
    ManualClock,
    MessageView,
    Settings,
    ToolContext,
    Tx,
    tool,
    workflow,
)
from agentchat.llm.scripted import ScriptedProvider
from agentchat.models import Run
from agentchat.operations.list_views import BulkView
from agentchat.store import users
from tests.integration.agents_stage import call, settled, tools_of
from tests.integration.people_stage import (
    ADA,
    ANN,
    BOB,
    SAM,
    THREAD,
    People,
    people_on,
    rows,
)
from tests.long import LONG_ON_POSTGRES

pytestmark = LONG_ON_POSTGRES

REVOKED = "Bob may not write in this thread any more, so this was not answered."
GONE = "Bob has no account here any more, so this was not done."


@pytest.fixture
async def people(database_url: str) -> AsyncIterator[People]:
    async with people_on(database_url) as people:
        yield people


class Effects:
    """Tools of each kind that note for whom they were called, and one that changes rights."""

    def __init__(self) -> None:
        self.seen: list[Actor] = []
        self.change: Callable[[], Awaitable[None]] | None = None

        @tool(approval=True)
        def ask_first(tx: Tx, context: ToolContext) -> str:
            """Do something that somebody approves."""
            return self.note(context)

        @tool
        async def change_rights() -> str:
            """Change what somebody may do."""
            assert self.change is not None
            await self.change()
            return "changed"

        @tool
        def transact(tx: Tx, context: ToolContext) -> str:
            """Change rows."""
            return self.note(context)

        @tool
        async def act(context: ToolContext) -> str:
            """Do something elsewhere."""
            return self.note(context)

        @tool
        async def last(ctx: Context, context: ToolContext) -> str:
            """Do something that takes long."""
            return self.note(context)

        self.agent = Agent("clerk", "x", tools=(ask_first, change_rights, transact, act, last))

    def note(self, context: ToolContext) -> str:
        self.seen.append(context.actor)
        return "done"


@pytest.fixture
def effects() -> Effects:
    return Effects()


async def deactivate(chat: AgentChat, actor: Actor) -> None:
    await chat._database.write(users.change, actor.id, active=False)


async def last_of(chat: AgentChat) -> MessageView:
    """The answer that is over."""
    async with asyncio.timeout(20), aclosing(chat.follow(THREAD, actor=ANN)) as views:
        async for view in views:
            if view.settled and not view.live:
                return view.messages[-1]
    raise AssertionError("it was never over")


async def asked_by_bob(chat: AgentChat, text: str = "go") -> str:
    """What Bob's answer waits for."""
    await chat.send_message(THREAD, text, actor=BOB)
    async with asyncio.timeout(20), aclosing(chat.inbox.follow(actor=ANN)) as inboxes:
        async for waiting in inboxes:
            if waiting:
                return waiting[0].id
    raise AssertionError("nothing was ever asked")


async def run_of(chat: AgentChat, workflow: str, *statuses: str) -> Run:
    """The only run of a workflow, once it has one of these statuses: nobody is told when one has
    let go.
    """
    async with asyncio.timeout(20):
        while True:
            found: list[Run] = await rows(chat._database, Run)
            [run] = [one for one in found if one.workflow == workflow]
            if run.status in statuses:
                return run
            await asyncio.sleep(0.01)


async def test_an_answer_that_waited_is_not_gone_on_with_for_whom_it_is_not_any_more(
    people: People, effects: Effects
) -> None:
    chat = await people.shared(effects.agent, replies=[[call("ask_first")], "never"])
    ask = await asked_by_bob(chat)
    await run_of(chat, "reply", "waiting")
    await chat.sharing.change_role(THREAD, BOB.id, "viewer", actor=ANN)
    await chat.inbox.approve(ask, actor=ANN)
    message = await last_of(chat)
    assert (message.status, message.words) == ("failed", REVOKED)
    assert effects.seen == []
    [run] = await rows(chat._database, Run)
    assert (run.status, run.error, run.error_kind) == ("failed", REVOKED, "NotAllowed")
    # Somebody else may ask for it instead, with their own rights.
    await chat.sharing.add(THREAD, BOB.id, "member", actor=ANN)
    await chat.runs.by(ANN).retry(run.id)
    message = await last_of(chat)
    assert (message.status, message.text) == ("done", "never")
    assert [one.id for one in effects.seen] == [BOB.id]


async def test_a_role_that_only_reads_or_an_account_that_is_off_is_not_enough(
    people: People, effects: Effects
) -> None:
    chat = await people.shared(effects.agent, replies=[[call("ask_first")], [call("ask_first")]])
    ask = await asked_by_bob(chat)
    await run_of(chat, "reply", "waiting")
    await chat.sharing.change_role(THREAD, BOB.id, "viewer", actor=ANN)
    await chat.inbox.approve(ask, actor=ANN)
    assert (await last_of(chat)).words == REVOKED
    await chat.sharing.change_role(THREAD, BOB.id, "member", actor=ANN)
    await deactivate(chat, BOB)
    [run] = await rows(chat._database, Run)
    await chat.runs.by(ANN).retry(run.id)
    assert (await last_of(chat)).words == GONE
    assert effects.seen == []


async def test_what_was_queued_is_not_begun_for_whom_it_is_not_any_more(
    people: People, effects: Effects
) -> None:
    chat = await people.shared(effects.agent, replies=["never"])
    await chat.runs.by(ADA).pause_workflow("reply")
    await chat.send_message(THREAD, "hello", actor=BOB)
    await chat.sharing.change_role(THREAD, BOB.id, "viewer", actor=ANN)
    await chat.runs.by(ADA).resume_workflow("reply")
    message = await last_of(chat)
    assert (message.status, message.words) == ("failed", REVOKED)
    assert message.text == ""


@pytest.mark.parametrize("kind", ["transact", "act"])
async def test_a_call_is_refused_to_whom_the_thread_is_closed_since_the_answer_began(
    people: People, effects: Effects, kind: str
) -> None:
    chat = await people.shared(
        effects.agent,
        replies=[[call(kind), call("change_rights", "c2")], [call(kind)], "So be it."],
    )
    effects.change = lambda: chat.sharing.change_role(THREAD, BOB.id, "viewer", actor=ANN)
    await chat.send_message(THREAD, "go", actor=BOB)
    message = await last_of(chat)
    assert [(one.name, one.status) for one in tools_of(message)] == [
        (kind, "done"),
        ("change_rights", "done"),
        (kind, "failed"),
    ]
    assert tools_of(message)[-1].text == REVOKED
    assert len(effects.seen) == 1


async def test_a_call_that_takes_long_is_not_begun_for_them_and_ends_the_answer(
    people: People, effects: Effects
) -> None:
    chat = await people.shared(
        effects.agent, replies=[[call("change_rights")], [call("last")], "So be it."]
    )
    effects.change = lambda: chat.sharing.change_role(THREAD, BOB.id, "viewer", actor=ANN)
    await chat.send_message(THREAD, "go", actor=BOB)
    message = await last_of(chat)
    assert (message.status, message.words, effects.seen) == ("failed", REVOKED, [])
    # When they may again, it goes on from there.
    await chat.sharing.add(THREAD, "bob", "member", actor=ANN)
    [run] = await rows(chat._database, Run)
    await chat.runs.by(BOB).retry(run.id)
    message = await last_of(chat)
    assert (message.status, message.text) == ("done", "So be it.")
    assert len(effects.seen) == 1


async def test_tools_are_told_whether_somebody_is_an_admin_now(
    people: People, effects: Effects
) -> None:
    names = ("transact", "act", "last")
    calls = [call(name, name) for name in names]
    chat = await people.shared(effects.agent, replies=[calls, [call("change_rights")], calls, "."])

    async def promote() -> None:
        await chat._database.write(users.change, BOB.id, admin=True)

    effects.change = promote
    await chat.send_message(THREAD, "go", actor=BOB)
    assert (await last_of(chat)).status == "done"
    assert [one.admin for one in effects.seen] == [False] * 3 + [True] * 3
    assert {one.name for one in effects.seen} == {"Bob"}


async def test_who_may_use_an_agent_is_told_the_same(people: People) -> None:
    agent = Agent("clerk", "x", allowed=lambda actor: actor.admin)
    chat = await people.shared(agent, replies=["At your service."])
    await chat.send_message(THREAD, "hello", actor=BOB)
    assert (await last_of(chat)).status == "failed"
    await chat.send_message(THREAD, "hello", actor=ADA)
    assert (await last_of(chat)).text == "At your service."


async def test_a_promise_is_not_kept_in_a_thread_that_is_closed_to_whom_it_was_made(
    people: People,
) -> None:
    clock = ManualClock()
    at = (clock.now() + timedelta(hours=3)).isoformat()
    promise = [call("schedule_follow_up", when=at, text="Water the plants")]
    chat = await people.shared(clock=clock, replies=[promise, "I will.", "never"])
    await chat.send_message(THREAD, "Remind me", actor=BOB)
    assert (await last_of(chat)).text == "I will."
    await chat.sharing.remove(THREAD, BOB.id, actor=ANN)
    await run_of(chat, "follow_up", "waiting")
    clock.advance(timedelta(hours=4))
    run = await run_of(chat, "follow_up", "failed", "done")
    assert run.status == "failed"
    assert REVOKED in (run.error or "")
    assert (await last_of(chat)).text == "I will."


@workflow
async def errand(ctx: Context) -> str:
    await ctx.sleep("a while", timedelta(hours=1))
    return ctx.started_by


async def over(chat: AgentChat, bulk_id: str) -> BulkView:
    async with (
        asyncio.timeout(20),
        aclosing(chat.operations.lists.follow_bulk(bulk_id, actor=ADA)) as views,
    ):
        async for view in views:
            if view.over:
                return view
    raise AssertionError("it was never over")


async def test_an_action_on_many_runs_is_done_with_the_rights_of_then(people: People) -> None:
    chat = await people.shared(workflows=[errand])
    lists = chat.operations.lists
    runs = [await chat.runs.by(actor).start(errand) for actor in (ANN, BOB)]
    # The flag is looked up, not believed: in what the run was started with there is none.
    view = await over(chat, await lists.start("pause", runs, actor=ADA))
    assert (view.done, view.failed) == (2, 0)
    view = await over(chat, await lists.start("cancel", runs, actor=BOB))
    assert (view.done, [one.words for one in view.refused]) == (1, ["This run does not exist."])
    await chat.runs.by(ADA).pause_workflow("bulk")
    bulk_id = await lists.start("cancel", runs, actor=ADA)
    await chat._database.write(users.change, ADA.id, admin=False)
    await chat.runs.by(Actor(ADA.id, ADA.name, admin=True)).resume_workflow("bulk")
    view = await over(chat, bulk_id)
    assert (view.done, {one.words for one in view.refused}) == (0, {"This run does not exist."})


async def test_a_schedule_starts_nothing_for_whoever_has_no_account_any_more(
    people: People,
) -> None:
    chat = await people.shared(workflows=[errand])
    schedules = chat.schedules.by(SAM)
    schedule_id = await schedules.create("often", Every(timedelta(days=1)), "errand")
    await deactivate(chat, SAM)
    run_id = await chat.schedules.by(ADA).run_now(schedule_id)
    async with asyncio.timeout(20):
        run = await chat.runs.by(ADA).result(run_id)
    assert run.status == "failed"
    assert "has no account here any more" in run.error


async def test_in_an_open_app_nothing_is_looked_up(database_url: str, effects: Effects) -> None:
    settings = Settings(db_url=database_url)
    calls = [call(name, name) for name in ("transact", "act", "last")]
    replies: list[Any] = [calls, "Done."]
    provider = ScriptedProvider("instant", replies=replies)
    async with AgentChat(settings, agents=[effects.agent], provider=provider) as chat:
        thread = await chat.create_thread(actor=BOB)
        asked: list[str] = []

        def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
            asked.append(statement)

        for engine in (chat._database._reading, chat._database._writing):
            event.listen(engine, "before_cursor_execute", note)
        await chat.send_message(thread.id, "go", actor=BOB)
        assert (await settled(chat, thread.id)).status == "done"
        assert effects.seen == [BOB] * 3
        assert len(asked) > 10
        assert not [one for one in asked if " users" in one or "thread_members" in one]
