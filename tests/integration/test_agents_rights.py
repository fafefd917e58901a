"""What the app's own code says of people and calls: it may be slow, and may change meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest

from agentchat import Actor, Agent, AgentChat, ToolContext, Tx, tool
from agentchat.agents import rights
from agentchat.agents.calls import Calls
from agentchat.agents.tools import Tool
from agentchat.durable.context import Context
from agentchat.llm.scripted import ScriptedProvider
from agentchat.store import threads
from tests.integration.agents_stage import (
    ANN,
    AgentStage,
    answered,
    asked,
    call,
    settled,
    tools_of,
    until,
)


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[AgentStage]:
    async with AsyncExitStack() as stack:
        yield AgentStage(database_url, stack)


class Guard:
    """Says who may use an agent: as long as it is ``shut``, it says nothing at all."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.answers.set()
        self.reached = threading.Event()
        self.threads: set[threading.Thread] = set()

    def __call__(self, actor: Actor) -> bool:
        self.threads.add(threading.current_thread())
        self.reached.set()
        return self.answers.wait(30)


@pytest.fixture
def guard() -> Iterator[Guard]:
    made = Guard()
    yield made
    made.answers.set()


async def test_whoever_does_not_say_who_may_use_an_agent_holds_nothing_up(
    stage: AgentStage, guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It is waited for longer than the test.
    monkeypatch.setattr(rights, "PATIENCE", timedelta(hours=1))
    chat = await stage.open(
        Agent("all", "x"), Agent("mine", "y", allowed=guard), replies=["Hi."] * 3
    )
    thread, other = await chat.create_thread(actor=ANN), await chat.create_thread(actor=ANN)
    await chat.choose_agent(thread.id, "mine", actor=ANN)
    guard.answers.clear()
    guard.reached.clear()
    await chat.send_message(thread.id, "Hello", actor=ANN)
    assert await asyncio.to_thread(guard.reached.wait, 30)
    # Everything else is written as ever.
    async with asyncio.timeout(30):
        for n in range(20):
            await chat.rename_thread(other.id, f"Thread {n}", actor=ANN)
    guard.answers.set()
    assert (await settled(chat, thread.id)).text == "Hi."


@pytest.mark.parametrize("how", ["slow", "broken"])
async def test_who_is_not_said_to_may_use_an_agent_may_not(
    stage: AgentStage, guard: Guard, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rights, "PATIENCE", rights.PATIENCE / 20)

    def breaks(_actor: Actor) -> bool:
        raise RuntimeError("the directory is down")

    allowed = guard if how == "slow" else breaks
    chat = await stage.open(
        Agent("all", "For all."), Agent("mine", "Mine.", allowed=allowed), replies=["Hi."] * 3
    )
    thread = await chat.create_thread(actor=ANN)
    await chat._database.write(threads.choose, thread.id, agent="mine")
    guard.answers.clear()
    await chat.send_message(thread.id, "Hello", actor=ANN)
    message = await settled(chat, thread.id)
    assert message.status == "failed"
    assert "You may not use the agent 'mine'" in message.words
    assert stage.provider.requests == []


async def test_no_run_and_no_verb_waits_for_it_where_others_would_wait(
    stage: AgentStage, guard: Guard
) -> None:
    """It is asked in threads of its own, not in that which writes, nor in the event loop's."""
    other = Agent("other", "Other.", allowed=guard)
    lead = Agent("lead", "Lead.", asks=("other",), hand_overs=("other",))
    replies = [
        [call("ask_other", task="Do")],
        "Inner.",
        [call("hand_over_to_other")],
        "From the other.",
    ]
    chat = await stage.open(lead, other, replies=replies)
    message = await answered(chat, "@lead Go")
    assert message.text == "From the other."
    await answered(chat, "@other Hi")
    assert {one.name for one in guard.threads} == {"agentchat-tool"}


async def test_who_may_use_an_agent_is_decided_once_for_an_answer(stage: AgentStage) -> None:
    """A run that is taken up again goes on with whom it began."""
    asked_: list[str] = []
    rights_ = {"mine": True}

    def allowed(_actor: Actor) -> bool:
        asked_.append("mine")
        return rights_["mine"]

    @tool(approval=True)
    def act() -> str:
        """Act."""
        return "acted"

    agents = [Agent("all", "x"), Agent("mine", "y", tools=(act,), allowed=allowed)]
    chat = await stage.open(*agents, replies=[[call("act")], "Done."])
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Hello", agent="mine", actor=ANN)
    [ask] = await asked(chat)
    rights_["mine"] = False
    await chat.inbox.approve(ask.id, input_hash=ask.input_hash, actor=ANN)
    message = await settled(chat, thread.id)
    assert (message.text, message.author) == ("Done.", "mine")


async def test_a_rule_of_approval_that_does_not_answer_asks_a_person(
    stage: AgentStage, guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rights, "PATIENCE", rights.PATIENCE / 20)
    guard.answers.clear()

    def rule(amount: int) -> bool:
        return not guard.answers.wait(30)

    @tool(approval=rule)
    def pay(amount: int) -> str:
        """Pay."""
        return "paid"

    chat = await stage.open(
        Agent("clerk", "x", tools=(pay,)), replies=[[call("pay", amount=1)], "Done."]
    )
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Go", actor=ANN)
    [ask] = await asked(chat)
    await chat.inbox.deny(ask.id, actor=ANN)
    assert [part.status for part in tools_of(await settled(chat, thread.id))] == ["denied"]


# Approvals that other code wants


class Shop:
    """A tool of each kind that pays."""

    def __init__(self) -> None:
        self.paid: list[str] = []
        self.held = asyncio.Event()
        self.begun = asyncio.Event()

        @tool(name="pay", timeout=None)
        async def act() -> str:
            """Pay."""
            self.begun.set()
            await self.held.wait()
            self.paid.append("action")
            return "paid"

        @tool(name="pay")
        def transact(_tx: Tx, _context: ToolContext) -> str:
            """Pay."""
            self.paid.append("transaction")
            return "paid"

        @tool(name="pay")
        async def last(ctx: Context) -> str:
            """Pay."""

            async def pay() -> str:
                self.paid.append("durable")
                return "paid"

            return await ctx.step("pay", pay)

        self.tools: dict[str, Tool] = {"action": act, "transaction": transact, "durable": last}


@pytest.mark.parametrize("kind", ["action", "transaction", "durable"])
async def test_a_call_that_waits_is_not_made_by_code_that_would_have_asked(
    stage: AgentStage, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, reached = Shop(), asyncio.Event()
    shop.held.set()
    carry_out = Calls.carry_out

    async def stand_still(*_: Any) -> None:
        reached.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(Calls, "carry_out", stand_still)
    agent = Agent("clerk", "x", tools=(shop.tools[kind],))
    chat = AgentChat(
        stage.settings,
        agents=[agent],
        provider=ScriptedProvider("instant", replies=[[call("pay")]]),
    )
    async with chat:
        thread = await chat.create_thread(actor=ANN)
        await chat.send_message(thread.id, "Pay", actor=ANN)
        await asyncio.wait_for(reached.wait(), 30)
    monkeypatch.setattr(Calls, "carry_out", carry_out)
    await goes_on(stage, shop, thread.id, shop.tools[kind], kind)


async def goes_on(stage: AgentStage, shop: Shop, thread_id: str, pay: Tool, kind: str) -> None:
    """By code that asks: the model hears of it, calls again, and a person decides."""
    agent = Agent("clerk", "x", tools=(pay.with_approval(),))
    chat = await stage.open(agent, replies=[[call("pay")], "Done."])
    [ask] = await asked(chat)
    assert shop.paid == []
    [refused, waiting] = tools_of((await until(chat, thread_id, lambda view: view.live)).live[0])
    assert (refused.status, waiting.status) == ("failed", "asked")
    assert "needs approval now" in refused.text
    await chat.inbox.approve(ask.id, input_hash=ask.input_hash, actor=ANN)
    assert (await settled(chat, thread_id)).text == "Done."
    assert shop.paid == [kind]


async def test_a_call_that_was_cut_off_is_not_made_again_by_code_that_would_have_asked(
    stage: AgentStage,
) -> None:
    shop = Shop()
    agent = Agent("clerk", "x", tools=(shop.tools["action"],))
    provider = ScriptedProvider("instant", replies=[[call("pay")]])
    async with AgentChat(stage.settings, agents=[agent], provider=provider) as chat:
        thread = await chat.create_thread(actor=ANN)
        await chat.send_message(thread.id, "Pay", actor=ANN)
        await asyncio.wait_for(shop.begun.wait(), 30)
        # Long enough to be written down as begun.
        await asyncio.sleep(0.3)
    shop.held.set()
    await goes_on(stage, shop, thread.id, shop.tools["action"], "action")
