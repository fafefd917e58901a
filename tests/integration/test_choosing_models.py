"""The model that a thread asks: chosen of those that the settings offer, and kept by its runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing

import pytest

from agentchat import Agent, AgentChat, MessageView, Settings, tool
from agentchat.agents.team import Allowance
from agentchat.errors import ConfigError, InvalidInput, ThreadNotFound
from agentchat.llm.base import Chunk, Finished, ModelRequest, Usage
from agentchat.llm.scripted import ScriptedProvider
from agentchat.models import Run, Spending
from agentchat.verbs.models import ModelChoice
from tests.integration.agents_stage import (
    ANN,
    BOB,
    AgentStage,
    Jumping,
    answered,
    asked,
    call,
    die,
    settled,
    until,
)
from tests.integration.test_variants import beside, rows_of
from tests.long import LONG_ON_POSTGRES

OFFERED = "scripted:demo, scripted:slow,scripted:demo"
DEMO = "scripted:demo"
DEMO_LABEL, OWN_LABEL = "Scripted answers (demo)", "Scripted answers (instant)"


class Priced(ScriptedProvider):
    """Has a price, says what it took, and stands still after each piece until ``held`` is set."""

    def __init__(self, *replies: str, held: bool = False) -> None:
        super().__init__("instant", replies=replies)
        self.id, self.label = "openai:gpt-4o-mini", "GPT-4o mini"
        self.held = asyncio.Event()
        if not held:
            self.held.set()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk, None]:
        async with aclosing(super().stream(request)) as chunks:
            async for chunk in chunks:
                if isinstance(chunk, Finished):
                    chunk = Finished(chunk.reason, Usage(1_000_000, 0))
                yield chunk
                await self.held.wait()


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[AgentStage]:
    async with AsyncExitStack() as stack:
        stage = AgentStage(database_url, stack)
        stage.settings = Settings(db_url=database_url, models=OFFERED)
        yield stage


def offer(chat: AgentChat, provider: ScriptedProvider) -> None:
    """Let people choose a model that no settings can name."""
    chat._team.offered[provider.id] = provider  # type: ignore[index]


def notes(message: MessageView) -> list[str]:
    return [part.text for part in message.parts if part.kind == "note"]


async def test_a_model_is_chosen_for_a_thread_and_answers_from_then_on(stage: AgentStage) -> None:
    chat = await stage.open(Agent("clerk", "x"), replies=["By its own.", "By its own again."])
    assert chat.models(actor=ANN) == (
        ModelChoice(DEMO, DEMO_LABEL),
        ModelChoice("scripted:slow", "Scripted answers (slow)"),
    )
    message = await answered(chat, "One")
    assert message.model == OWN_LABEL
    [thread_id] = {run.thread_id for run in await rows_of(chat, Run)}
    await chat.choose_model(thread_id, DEMO, actor=BOB)
    view = await until(chat, thread_id, lambda view: view.model == DEMO)
    await chat.send_message(thread_id, "Two", actor=ANN)
    message = await settled(chat, thread_id)
    assert (message.model, notes(message)) == (DEMO_LABEL, [])
    assert message.text.startswith("> Two")
    await chat.choose_model(thread_id, "", actor=ANN)
    await chat.send_message(thread_id, "Three", actor=ANN)
    assert (await settled(chat, thread_id)).model == OWN_LABEL
    view = await until(chat, thread_id, lambda view: True)
    assert view.model == ""


async def test_what_is_not_offered_is_refused_in_words(stage: AgentStage) -> None:
    chat = await stage.open(Agent("clerk", "x"), replies=["One."])
    message = await answered(chat, "One")
    [thread_id] = {run.thread_id for run in await rows_of(chat, Run)}
    for wrong in ("openai:gpt-9", "scripted:instant", OWN_LABEL):
        with pytest.raises(InvalidInput, match="scripted:demo, scripted:slow"):
            await chat.choose_model(thread_id, wrong, actor=ANN)
        with pytest.raises(InvalidInput, match="There is no model"):
            await chat.regenerate(message.id, model=wrong, actor=ANN)
    with pytest.raises(ThreadNotFound):
        await chat.choose_model("no-such-thread", DEMO, actor=ANN)
    assert len(await rows_of(chat, Run)) == 1


async def test_another_answer_is_asked_of_another_model_or_of_the_agents_own(
    stage: AgentStage,
) -> None:
    chat = await stage.open(Agent("clerk", "x"), replies=["One.", "Two.", "Three."])
    message = await answered(chat, "One")
    [thread_id] = {run.thread_id for run in await rows_of(chat, Run)}
    await chat.regenerate(message.id, model=DEMO, actor=ANN)
    [other] = await beside(chat, thread_id)
    assert other.model == DEMO_LABEL
    await chat.choose_model(thread_id, DEMO, actor=ANN)
    await chat.regenerate(message.id, actor=ANN)
    await chat.regenerate(message.id, model="", actor=ANN)
    others = await beside(chat, thread_id, 3)
    assert [one.model for one in others] == [DEMO_LABEL, DEMO_LABEL, OWN_LABEL]


async def test_what_waits_keeps_the_model_that_it_was_sent_with(stage: AgentStage) -> None:
    chat = await stage.open(Agent("clerk", "x"), replies=["One."])
    await chat.runs.pause_workflow("reply")
    thread = await chat.create_thread("A thread", actor=ANN)
    await chat.choose_model(thread.id, DEMO, actor=ANN)
    await chat.send_message(thread.id, "One", actor=ANN)
    await chat.choose_model(thread.id, "", actor=ANN)
    await chat.runs.resume_workflow("reply")
    message = await settled(chat, thread.id)
    assert message.model == DEMO_LABEL
    [run] = await rows_of(chat, Run)
    assert run.data["model"] == DEMO


@tool(approval=True)
def pay() -> str:
    """Pay."""
    return "paid"


@pytest.mark.parametrize("offered", [True, False])
async def test_a_run_that_is_resumed_asks_the_same_model_or_says_that_it_cannot(
    stage: AgentStage, offered: bool
) -> None:
    agent, clock = Agent("clerk", "x", tools=(pay,)), Jumping()
    chat = await stage.open(agent, clock=clock)
    dear = ScriptedProvider("instant", replies=[[call("pay")]])
    dear.id, dear.label = "openai:dear", "Dear"
    offer(chat, dear)
    thread = await chat.create_thread("A thread", actor=ANN)
    await chat.choose_model(thread.id, "openai:dear", actor=ANN)
    await chat.send_message(thread.id, "Pay", actor=ANN)
    [ask] = await asked(chat)
    await die(chat, clock)
    chat = await stage.open(agent, clock=clock, replies=["It is paid."])
    if offered:
        again = ScriptedProvider("instant", replies=["It is paid."])
        again.id, again.label = "openai:dear", "Dear"
        offer(chat, again)
    await chat.inbox.approve(ask.id, input_hash=ask.input_hash, actor=ANN)
    message = await settled(chat, thread.id)
    assert message.text == "It is paid."
    if offered:
        assert (message.model, notes(message)) == ("Dear", [])
    else:
        assert message.model == OWN_LABEL
        assert notes(message) == [f"openai:dear is not offered any more: {OWN_LABEL} answers."]
    view = await until(chat, thread.id, lambda view: True)
    assert view.model == "openai:dear"


async def test_what_is_spent_and_its_limits_are_those_of_the_model_that_was_asked(
    stage: AgentStage,
) -> None:
    chat = await stage.open(Agent("clerk", "x"), allowance=Allowance(thread_usd=0.1))
    offer(chat, Priced("One."))
    thread = await chat.create_thread("A thread", actor=ANN)
    await chat.choose_model(thread.id, "openai:gpt-4o-mini", actor=ANN)
    await chat.send_message(thread.id, "One", actor=ANN)
    assert (await settled(chat, thread.id)).model == "GPT-4o mini"
    [spent] = await rows_of(chat, Spending)
    assert (spent.model, spent.cost_usd) == ("openai:gpt-4o-mini", pytest.approx(0.15))
    await chat.choose_model(thread.id, "", actor=ANN)
    await chat.send_message(thread.id, "Two", actor=ANN)
    [ask] = await asked(chat)
    assert ask.text == "It has reached a limit: $0.10 in this thread."


async def test_a_call_that_is_cut_costs_what_the_chosen_model_costs(stage: AgentStage) -> None:
    chat = await stage.open(Agent("clerk", "x"))
    offer(chat, Priced("One two three.", held=True))
    thread = await chat.create_thread("A thread", actor=ANN)
    await chat.choose_model(thread.id, "openai:gpt-4o-mini", actor=ANN)
    await chat.send_message(thread.id, "One", actor=ANN)
    await until(chat, thread.id, lambda view: view.live and view.live[0].text)
    await chat.stop(thread.id, actor=ANN)
    [spent] = await rows_of(chat, Spending)
    assert (spent.model, spent.outcome) == ("openai:gpt-4o-mini", "stopped")
    assert spent.cost_usd > 0


@LONG_ON_POSTGRES
async def test_a_stopped_answer_is_tried_again_and_forked_with_its_model(
    stage: AgentStage,
) -> None:
    chat = await stage.open(Agent("clerk", "x"))
    model = Priced("One two.", "Again.", "Forked.", held=True)
    offer(chat, model)
    thread = await chat.create_thread("A thread", actor=ANN)
    await chat.choose_model(thread.id, model.id, actor=ANN)
    await chat.send_message(thread.id, "One", actor=ANN)
    view = await until(chat, thread.id, lambda view: view.live and view.live[0].text)
    await chat.choose_model(thread.id, "", actor=ANN)
    await chat.stop(thread.id, actor=ANN)
    model.held.set()
    await chat.retry(view.live[0].id, actor=ANN)
    message = await settled(chat, thread.id)
    assert (message.text, message.model) == ("Again.", model.label)
    await chat.by(ANN).runs.rerun(message.run_id)
    [other] = await beside(chat, thread.id)
    assert (other.text, other.model) == ("Forked.", model.label)
    copy = await chat.fork_thread(message.id, actor=ANN)
    await chat.choose_model(thread.id, DEMO, actor=ANN)
    other_copy = await chat.fork_thread(message.id, actor=ANN)
    for made, chosen in ((copy, ""), (other_copy, DEMO)):
        assert (await until(chat, made.id, lambda view: True)).model == chosen


async def test_without_a_list_there_is_nothing_to_choose(stage: AgentStage) -> None:
    stage.settings = Settings(db_url=stage.settings.db_url)
    chat = await stage.open(Agent("clerk", "x"))
    assert chat.models(actor=ANN) == ()
    thread = await chat.create_thread("A thread", actor=ANN)
    with pytest.raises(InvalidInput, match="There are: none"):
        await chat.choose_model(thread.id, DEMO, actor=ANN)


async def test_a_model_that_cannot_work_stops_the_start(stage: AgentStage) -> None:
    stage.settings = Settings(db_url=stage.settings.db_url, models="scripted:nothing")
    with pytest.raises(ConfigError, match="scripted:nothing"):
        await stage.open(Agent("clerk", "x"))
    with pytest.raises(ValueError, match="is not PROVIDER:NAME"):
        Settings(models="scripted:demo,gpt-4o")
    with pytest.raises(ValueError, match="AGENTCHAT_MODELS names anthropic"):
        Settings(models="anthropic:claude-sonnet-5-5")
