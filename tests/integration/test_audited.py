"""What has to be written down when somebody does it: each thing, who did it and to what."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress

import pytest

from agentchat import Actor, Agent, AgentChat, Settings, ToolContext, Tx, tool
from agentchat.durable.clock import SystemClock
from agentchat.errors import AgentChatError, ModelRefused, WrongPassword
from agentchat.llm.scripted import ScriptedProvider
from agentchat.models import Audit, Run, RunStatus
from tests.integration.accounts_stage import accounts_on
from tests.integration.agents_stage import ANN, BOB, AgentStage, HeldUp, asked, call, settled
from tests.integration.people_stage import add_person, rows

Done = tuple[str, str, str]


@tool(approval=True)
def pay(tx: Tx, context: ToolContext, to: str) -> str:
    """Pay somebody."""
    return "paid"


CLERK = Agent("clerk", "x", tools=(pay,))


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[AgentStage]:
    async with AsyncExitStack() as stack:
        yield AgentStage(database_url, stack)


async def done(chat: AgentChat, kind: str = "run") -> list[Done]:
    """What was written down about this kind, oldest first: what, by whom, to what."""
    found: list[Audit] = await rows(chat._database, Audit)
    found.sort(key=lambda one: one.id or 0)
    return [(one.action, one.by, one.subject_id) for one in found if one.kind == kind]


@pytest.mark.parametrize("decision", ["approve", "deny", "answer"])
async def test_a_decision(stage: AgentStage, decision: str) -> None:
    chat = await stage.open(CLERK, replies=[[call("pay", to="Zoe")], "Done."])
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Pay Zoe", actor=ANN)
    [ask] = await asked(chat)
    words = {"approve": (), "deny": ("too much",), "answer": ("Ask me later",)}[decision]
    await getattr(chat.inbox, decision)(ask.id, *words, actor=BOB)
    message = await settled(chat, thread.id)
    assert await done(chat) == [(decision, "Bob", message.run_id)]
    # Decided once: who comes too late has done nothing.
    with pytest.raises(AgentChatError):
        await chat.inbox.approve(ask.id, actor=ANN)
    assert len(await done(chat)) == 1
    [audit] = [one for one in await rows(chat._database, Audit) if one.kind == "run"]
    assert audit.detail == {"ask": ask.id, "about": "pay"}


async def test_an_answer_that_is_stopped_tried_again_and_asked_for_again(stage: AgentStage) -> None:
    model = HeldUp("First. And more.", "Second.", "Third.")
    chat = await stage.open(CLERK, provider=model)
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "hello", actor=ANN)
    assert await chat.stop(thread.id, actor=BOB) == 1
    # There is nothing left to stop.
    assert await chat.stop(thread.id, actor=ANN) == 0
    stopped = await settled(chat, thread.id)
    model.held.set()
    await chat.retry(stopped.id, actor=ANN)
    retried = await settled(chat, thread.id)
    await chat.regenerate(retried.id, actor=BOB)
    await settled(chat, thread.id)
    assert await done(chat) == [
        ("cancel", "Bob", stopped.run_id),
        ("retry", "Ann", stopped.run_id),
        ("rerun", "Bob", retried.run_id),
    ]


async def test_a_run_that_is_cancelled_retried_and_forked(stage: AgentStage) -> None:
    model = ScriptedProvider("instant", faults=[ModelRefused("no")])
    chat = await stage.open(CLERK, provider=model)
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "hello", actor=ANN)
    run_id = (await settled(chat, thread.id)).run_id
    assert run_id
    await chat.runs.by(BOB).retry(run_id)
    await settled(chat, thread.id)
    await chat.runs.by(ANN).rerun(run_id)
    await settled(chat, thread.id)
    await chat.runs.pause_workflow("reply")
    await chat.send_message(thread.id, "again", actor=ANN)
    [waiting] = await queued(chat)
    await chat.runs.by(BOB).cancel(waiting)
    assert {(action, by) for action, by, subject in await done(chat) if subject == run_id} >= {
        ("retry", "Bob"),
        ("rerun", "Ann"),
    }
    assert ("cancel", "Bob", waiting) in await done(chat)


async def queued(chat: AgentChat) -> list[str]:
    runs: list[Run] = await rows(chat._database, Run)
    return [run.id for run in runs if run.status == RunStatus.QUEUED]


async def test_a_thread_that_is_shared_and_deleted(stage: AgentStage) -> None:
    stage.settings = stage.settings.model_copy(update={"auth": "password", "minute_most": 0})
    chat = await stage.open(CLERK)
    for person in (ANN, BOB):
        await add_person(chat._database, person)
    thread = (await chat.create_thread(actor=ANN)).id
    await chat.sharing.add(thread, BOB.id, "member", actor=ANN)
    await chat.sharing.remove(thread, BOB.id, actor=ANN)
    with suppress(AgentChatError):
        await chat.delete_thread(thread, actor=BOB)
    await chat.delete_thread(thread, actor=ANN)
    actions = [(action, by) for action, by, _ in await done(chat, "thread")]
    assert actions[0][1] == actions[1][1] == "Ann"
    assert actions[-1] == ("delete", "Ann")
    assert len(actions) == 3


async def test_who_comes_goes_and_changes_something_about_accounts(stage: AgentStage) -> None:
    stage.settings = stage.settings.model_copy(update={"auth": "password"})
    chat = await stage.open(CLERK)
    accounts = accounts_on(chat._database, SystemClock())
    await accounts.sign_up("ann", "herons fly at dusk", "Ann")
    with pytest.raises(WrongPassword):
        await accounts.log_in("ann", "not this one", "192.0.2.7", "")
    token = await accounts.log_in("ann", "herons fly at dusk", "192.0.2.7", "")
    ann = await accounts.who(token)
    assert isinstance(ann, Actor)
    await accounts.rename(ann, "Ann Heron")
    made = await accounts.invite(ann)
    [link] = [one for one in await accounts.invitations(ann) if one.kind == "invite"]
    await accounts.revoke_invitation(link.id, ann)
    assert made.url
    await accounts.change_password(ann, "herons fly at dusk", "otters swim at dawn", token=token)
    await accounts.log_out(token)
    actions = [action for action, *_ in await done(chat, "account")]
    assert actions[0] == "sign_up"
    assert {"log_in", "log_out", "rename", "invite"} <= {*actions}
    assert any("fail" in action for action in actions)
    assert any("password" in action for action in actions)
    assert any("revoke" in action for action in actions)
    whole = repr(await rows(chat._database, Audit))
    assert not any(secret in whole for secret in ("herons fly", "otters swim", "not this", token))


async def test_a_start_with_other_settings(database_url: str) -> None:
    key = "sk-abcdefghijklmnopqrstuvwxyz-9876"
    first = Settings(db_url=database_url, keep_days=7, brave_api_key=key)
    other = first.model_copy(update={"keep_days": 8, "brave_api_key": None, "port": 4000})
    for settings in (first, first, other, other):
        async with AgentChat(settings, provider=ScriptedProvider("instant")) as chat:
            found = await rows(chat._database, Audit)
    assert [(one.kind, one.subject_id, one.action, one.by) for one in found] == [
        ("app", "settings", "change", "the environment")
    ] * 2
    began, changed = (one.detail["changed"] for one in found)
    assert {"setting": "AGENTCHAT_KEEP_DAYS", "from": "", "to": "7"} in began
    assert changed == [
        {"setting": "AGENTCHAT_KEEP_DAYS", "from": "7", "to": "8"},
        {"setting": "BRAVE_API_KEY", "from": "set", "to": ""},
    ]
    assert "9876" not in repr(found)
