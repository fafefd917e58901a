"""Agents with tools: the loop, its failures, and what people see of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from pydantic import BaseModel

from agentchat import Agent, HandOver, Limits, SecondMessage, ToolContext, ToolError, Tx, tool
from agentchat.agents.toolbox import ask_person
from agentchat.durable.context import Context
from agentchat.errors import AgentNotFound, InvalidInput, WrongState
from agentchat.llm.base import Reasoning
from tests.integration.agents_stage import (
    ANN,
    BOB,
    AgentStage,
    HeldUp,
    answered,
    asked,
    call,
    results,
    settled,
    tools_of,
    until,
)


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[AgentStage]:
    async with AsyncExitStack() as stack:
        yield AgentStage(database_url, stack)


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


async def test_a_tool_is_called_and_its_result_told_to_the_model(stage: AgentStage) -> None:
    said = ["Let me see. ", call("add", a=2, b=3)]
    chat = await stage.open(Agent("clerk", "Count.", tools=(add,)), replies=[said, "It is 5."])
    message = await answered(chat, "2 + 3?")
    assert (message.status, message.text, message.author) == ("done", "It is 5.", "clerk")
    assert [part.kind for part in message.parts] == ["text", "tool"]
    [part] = tools_of(message)
    assert (part.name, part.status, part.text) == ("add", "done", "5")
    first, second = stage.provider.requests
    assert [spec.name for spec in first.tools] == ["add"]
    assert results(second) == [("add", "5", False)]
    assert second.turns[1].text == "Let me see. "


async def test_calls_that_cannot_be_made_are_told_to_the_model_in_words(stage: AgentStage) -> None:
    said = [call("add", "c1", a="x", b=1), call("sub", "c2"), call("add", "c3", a=1, b=1)]
    chat = await stage.open(Agent("clerk", "Count.", tools=(add,)), replies=[said, "Done."])
    message = await answered(chat, "Go")
    assert [part.status for part in tools_of(message)] == ["failed", "failed", "done"]
    told = results(stage.provider.requests[1])
    assert [failed for _, _, failed in told] == [True, True, False]
    assert "a: " in told[0][1]
    assert "no tool 'sub'" in told[1][1]


async def test_a_tool_error_is_told_and_another_error_only_as_a_failure(stage: AgentStage) -> None:
    @tool
    def refuse() -> str:
        """Refuse."""
        raise ToolError("Try it on Monday.")

    @tool
    def burst() -> str:
        """Burst."""
        raise RuntimeError("secret detail")

    said = [call("refuse", "c1"), call("burst", "c2")]
    chat = await stage.open(Agent("clerk", "x", tools=(refuse, burst)), replies=[said, "Well."])
    message = await answered(chat, "Go")
    assert message.status == "done"
    told = results(stage.provider.requests[1])
    assert told == [("refuse", "Try it on Monday.", True), ("burst", "burst failed.", True)]


async def test_a_tool_whose_errors_fail_the_answer_fails_it(stage: AgentStage) -> None:
    @tool(on_error="fail")
    def burst() -> str:
        """Burst."""
        raise RuntimeError("no more paper")

    agent = Agent("clerk", "x", tools=(burst,))
    chat = await stage.open(agent, replies=[[call("burst")], "Not said."])
    message = await answered(chat, "Go")
    assert (message.status, message.words) == ("failed", "no more paper")
    assert tools_of(message)[0].status == "interrupted"


async def test_a_tool_knows_for_whom_it_is_called(stage: AgentStage) -> None:
    @tool
    async def whoami(context: ToolContext) -> str:
        """Say who asks."""
        return f"{context.actor.id} {context.actor.name} {context.agent}"

    agent = Agent("clerk", "x", tools=(whoami,))
    chat = await stage.open(agent, replies=[[call("whoami")], "Ann."])
    message = await answered(chat, "Who am I?")
    assert tools_of(message)[0].text == "ann Ann clerk"


async def test_reasoning_is_kept_and_sent_back_sealed(stage: AgentStage) -> None:
    thought = Reasoning("Two and three.", '{"seal": 1}')
    chat = await stage.open(
        Agent("clerk", "x", tools=(add,)), replies=[[thought, call("add", a=2, b=3)], "5"]
    )
    message = await answered(chat, "2 + 3?")
    assert message.parts[0].kind == "reasoning"
    assert message.parts[0].text == "Two and three."
    assert stage.provider.requests[1].turns[1].reasoning == (thought,)


async def test_structured_output_that_does_not_fit_is_asked_for_again(stage: AgentStage) -> None:
    class City(BaseModel):
        name: str
        people: int

    agent = Agent("clerk", "x", output=City)
    chat = await stage.open(agent, replies=['{"name": "Bonn"}', '{"name": "Bonn", "people": 3}'])
    message = await answered(chat, "Bonn?")
    assert (message.status, message.text) == ("done", '{"name": "Bonn", "people": 3}')
    assert "people" in stage.provider.requests[1].turns[-1].text
    run = await chat.runs.get(message.run_id)
    assert run.result == {"name": "Bonn", "people": 3}


async def test_structured_output_is_asked_for_again_only_so_often(stage: AgentStage) -> None:
    agent = Agent("clerk", "x", output=int, limits=Limits(repairs=1))
    chat = await stage.open(agent, replies=["no", "never", "3"])
    message = await answered(chat, "?")
    assert message.status == "failed"
    assert len(stage.provider.requests) == 2


# Approval


@tool(approval=lambda amount, to: amount > 10)
def pay(tx: Tx, context: ToolContext, amount: int, to: str) -> str:
    """Pay somebody."""
    return f"paid {amount} to {to}"


async def test_a_call_waits_for_approval_and_runs_as_it_was_shown(stage: AgentStage) -> None:
    chat = await stage.open(
        Agent("clerk", "x", tools=(pay,)), replies=[[call("pay", amount=50, to="Bo")], "Paid."]
    )
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Pay Bo 50", actor=ANN)
    [ask] = await asked(chat)
    assert (ask.kind, ask.tool, ask.agent) == ("approval", "pay", "clerk")
    assert '"amount": 50' in ask.input
    view = await until(chat, thread.id, lambda view: view.live)
    assert view.live[0].words == "Waiting for somebody to approve pay"
    await chat.inbox.approve(ask.id, input_hash=ask.input_hash, actor=BOB)
    message = await settled(chat, thread.id)
    [part] = tools_of(message)
    assert (part.status, part.text, part.by) == ("done", "paid 50 to Bo", "Bob")
    assert message.text == "Paid."
    with pytest.raises(WrongState, match="Bob approved it already"):
        await chat.inbox.deny(ask.id, actor=ANN)


async def test_a_call_below_the_limit_of_approval_just_runs(stage: AgentStage) -> None:
    chat = await stage.open(
        Agent("clerk", "x", tools=(pay,)), replies=[[call("pay", amount=5, to="Bo")], "Paid."]
    )
    message = await answered(chat, "Pay Bo 5")
    assert tools_of(message)[0].text == "paid 5 to Bo"


async def test_arguments_may_be_edited_and_must_fit(stage: AgentStage) -> None:
    chat = await stage.open(
        Agent("clerk", "x", tools=(pay,)), replies=[[call("pay", amount=50, to="Bo")], "Paid."]
    )
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Pay", actor=ANN)
    [ask] = await asked(chat)
    with pytest.raises(InvalidInput, match="amount"):
        await chat.inbox.approve(ask.id, arguments={"amount": "much", "to": "Bo"}, actor=ANN)
    with pytest.raises(WrongState, match="not what you were shown"):
        await chat.inbox.approve(ask.id, input_hash="other", actor=ANN)
    await chat.inbox.approve(ask.id, arguments={"amount": 20, "to": "Bo"}, actor=ANN)
    message = await settled(chat, thread.id)
    assert tools_of(message)[0].text == "paid 20 to Bo"


async def test_a_denied_call_does_not_run_and_the_model_learns_why(stage: AgentStage) -> None:
    chat = await stage.open(
        Agent("clerk", "x", tools=(pay,)), replies=[[call("pay", amount=50, to="Bo")], "No."]
    )
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Pay", actor=ANN)
    [ask] = await asked(chat)
    await chat.inbox.deny(ask.id, "too much", actor=ANN)
    message = await settled(chat, thread.id)
    [part] = tools_of(message)
    assert (part.status, part.why) == ("denied", "too much")
    [(_, told, failed)] = results(stage.provider.requests[1])
    assert failed
    assert told == "Ann did not allow this, so it was not done. The reason: too much"


async def test_words_instead_of_an_approval_are_told_to_the_model(stage: AgentStage) -> None:
    chat = await stage.open(
        Agent("clerk", "x", tools=(pay,)), replies=[[call("pay", amount=50, to="Bo")], "Ok."]
    )
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Pay", actor=ANN)
    [ask] = await asked(chat)
    await chat.inbox.answer(ask.id, "Ask Carol first", actor=ANN)
    await settled(chat, thread.id)
    [(_, told, _)] = results(stage.provider.requests[1])
    assert told == "This was not done. Ann answered instead: Ask Carol first"


async def test_two_people_at_once_have_one_effect(stage: AgentStage) -> None:
    chat = await stage.open(
        Agent("clerk", "x", tools=(pay,)), replies=[[call("pay", amount=50, to="Bo")], "Ok."]
    )
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Pay", actor=ANN)
    [ask] = await asked(chat)
    outcomes = await asyncio.gather(
        chat.inbox.approve(ask.id, actor=ANN),
        chat.inbox.deny(ask.id, actor=BOB),
        return_exceptions=True,
    )
    assert sum(isinstance(one, WrongState) for one in outcomes) == 1
    message = await settled(chat, thread.id)
    assert len(tools_of(message)) == 1


async def test_a_stop_withdraws_what_was_asked(stage: AgentStage) -> None:
    chat = await stage.open(
        Agent("clerk", "x", tools=(pay,)),
        replies=[[call("pay", amount=50, to="Bo")], "Again."],
    )
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Pay", actor=ANN)
    [ask] = await asked(chat)
    await chat.stop(thread.id, actor=ANN)
    message = await settled(chat, thread.id)
    assert (message.status, tools_of(message)[0].status) == ("stopped", "interrupted")
    with pytest.raises(WrongState, match="not waited for"):
        await chat.inbox.approve(ask.id, actor=ANN)
    await chat.send_message(thread.id, "And now?", actor=ANN)
    assert (await settled(chat, thread.id)).text == "Again."
    [(_, told, failed)] = results(stage.provider.requests[1])
    assert failed
    assert told.startswith("Interrupted")


# Asking a person


async def test_an_agent_asks_a_person_and_waits_for_the_answer(stage: AgentStage) -> None:
    said = [call("ask_person", question="Which one?", choices=["red", "blue"])]
    chat = await stage.open(Agent("clerk", "x", tools=(ask_person,)), replies=[said, "Blue it is."])
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Paint it", actor=ANN)
    [ask] = await asked(chat)
    assert (ask.kind, ask.text, ask.choices) == ("question", "Which one?", ("red", "blue"))
    with pytest.raises(InvalidInput):
        await chat.inbox.approve(ask.id, actor=ANN)
    await chat.inbox.answer(ask.id, "blue", actor=BOB)
    message = await settled(chat, thread.id)
    assert tools_of(message)[0].text == "blue"
    assert message.text == "Blue it is."


async def test_a_durable_tool_has_steps_of_its_own(stage: AgentStage) -> None:
    @tool
    async def book(ctx: Context, room: str) -> str:
        """Book a room."""

        async def hold(room: str) -> str:
            return f"held {room}"

        return await ctx.step("hold", hold, room)

    agent = Agent("clerk", "x", tools=(book,))
    chat = await stage.open(agent, replies=[[call("book", room="4")], "Ok"])
    message = await answered(chat, "Book 4")
    assert tools_of(message)[0].text == "held 4"
    steps = await chat.runs.steps(message.run_id)
    assert "hold" in [step.key.rpartition("/")[2] for step in steps]


# Agents together


async def test_an_answer_is_handed_over_and_the_other_goes_on(stage: AgentStage) -> None:
    desk = Agent("desk", "You are the desk.", hand_overs=(HandOver("bills", "about bills"),))
    bills = Agent("bills", "You are bills.", description="Knows bills.")
    said = [call("hand_over_to_bills", reason="a bill")]
    chat = await stage.open(desk, bills, replies=[said, "Bills here."])
    message = await answered(chat, "My bill?")
    assert (message.author, message.text) == ("bills", "Bills here.")
    assert [part.kind for part in message.parts] == ["hand_over"]
    assert [one.instructions for one in stage.provider.requests] == [
        "You are the desk.",
        "You are bills.",
    ]


async def test_ping_pong_ends_at_the_limit_with_words(stage: AgentStage) -> None:
    limits = Limits(hand_overs=3)
    ping = Agent("ping", "x", hand_overs=("pong",), limits=limits)
    pong = Agent("pong", "x", hand_overs=("ping",), limits=limits)

    def play(request: object) -> object:
        names = [spec.name for spec in request.tools]  # type: ignore[attr-defined]
        return [call(names[0])] if names else "I end it."

    chat = await stage.open(ping, pong, replies=[play] * 10)
    message = await answered(chat, "Play")
    assert message.text == "I end it."
    assert [part.kind for part in message.parts] == ["hand_over"] * 3 + ["note"]
    assert message.parts[-1].text == "Handed over 3 times, which is the most: pong answers."


async def test_an_agent_asks_another_in_a_thread_of_its_own(stage: AgentStage) -> None:
    lead = Agent("lead", "You lead.", asks=("helper",))
    helper = Agent("helper", "You help.")
    replies = [[call("ask_helper", task="Find it")], "Found it.", "He found it."]
    chat = await stage.open(lead, helper, replies=replies)
    message = await answered(chat, "Find it")
    assert message.text == "He found it."
    agent = next(part for part in message.parts if part.kind == "agent")
    assert agent.answer is not None
    assert (agent.name, agent.answer.text, agent.answer.author) == ("helper", "Found it.", "helper")
    inner = await until(chat, agent.thread_id, lambda view: view.settled)
    assert [one.text for one in inner.messages] == ["Find it", "Found it."]
    assert results(stage.provider.requests[2]) == [("ask_helper", "Found it.", False)]


async def test_a_person_may_use_only_agents_that_allow_it(stage: AgentStage) -> None:
    mine = Agent("mine", "x", allowed=lambda actor: actor.id == "bob")
    chat = await stage.open(Agent("all", "x"), mine, replies=["Hi."])
    assert [one.name for one in chat.agents(actor=ANN)] == ["all"]
    thread = await chat.create_thread(actor=ANN)
    with pytest.raises(AgentNotFound):
        await chat.send_message(thread.id, "Hi", agent="mine", actor=ANN)
    with pytest.raises(AgentNotFound):
        await chat.choose_agent(thread.id, "mine", actor=ANN)
    await chat.send_message(thread.id, "@mine hi", actor=ANN)
    assert (await settled(chat, thread.id)).author == "all"


# A second message


@pytest.mark.parametrize("second", ["interrupt", "replace"])
async def test_a_second_message_ends_the_answer_under_way(stage: AgentStage, second: str) -> None:
    gate = asyncio.Event()

    @tool
    async def wait() -> str:
        """Wait."""
        await gate.wait()
        return "over"

    agent = Agent("clerk", "x", tools=(wait,))
    chat = await stage.open(agent, replies=[["First. ", call("wait")], "Second."])
    thread = await chat.create_thread(actor=ANN)
    await chat.choose_second_message(thread.id, second, actor=ANN)
    await chat.send_message(thread.id, "One", actor=ANN)
    await until(chat, thread.id, lambda view: view.live and tools_of(view.live[0]))
    await chat.send_message(thread.id, "Two", actor=ANN)
    last = await settled(chat, thread.id)
    assert last.text == "Second."
    view = await until(chat, thread.id, lambda view: True)
    first = view.messages[1]
    assert first.status == "stopped"
    assert bool(first.parts) == (second == "interrupt")


async def test_a_message_that_steers_joins_at_the_next_step(stage: AgentStage) -> None:
    gate = asyncio.Event()

    @tool
    async def wait() -> str:
        """Wait."""
        await gate.wait()
        return "over"

    agent = Agent("clerk", "x", tools=(wait,))
    replies = [[call("wait", "c1")], [call("wait", "c2")], "Blue."]
    chat = await stage.open(agent, replies=replies)
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "One", actor=ANN)
    await until(chat, thread.id, lambda view: view.live and tools_of(view.live[0]))
    steering = SecondMessage.STEER
    said = await chat.send_message(thread.id, "In blue", actor=ANN, second=steering)
    assert said.joins
    gate.set()
    await settled(chat, thread.id)
    view = await until(chat, thread.id, lambda view: True)
    assert [one.text for one in view.messages] == ["One", "Blue.", "In blue"]
    assert "In blue" in stage.provider.requests[2].turns[-1].text
    assert [part.kind for part in view.messages[1].parts] == ["tool", "tool", "message"]


async def test_a_message_that_comes_too_late_to_steer_is_answered(stage: AgentStage) -> None:
    model = HeldUp("One done.", "Two done.")
    chat = await stage.open(Agent("clerk", "x"), provider=model)
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "One", actor=ANN)
    await until(chat, thread.id, lambda view: view.live and view.live[0].text)
    await chat.send_message(thread.id, "Two", actor=ANN, second=SecondMessage.STEER)
    model.held.set()
    view = await until(chat, thread.id, lambda view: len(view.messages) == 4 and not view.live)
    assert [one.text for one in view.messages] == ["One", "One done.", "Two", "Two done."]


# Limits


async def test_a_reached_limit_asks_whether_to_go_on(stage: AgentStage) -> None:
    agent = Agent("clerk", "x", tools=(add,), limits=Limits(tool_calls=2))
    said = [[call("add", f"c{n}", a=n, b=n)] for n in range(3)]
    chat = await stage.open(agent, replies=[*said, "Done."])
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Go", actor=ANN)
    [ask] = await asked(chat)
    assert ask.kind == "limit"
    assert ask.text == "It has reached a limit: 2 calls of tools for this answer."
    assert len(stage.provider.requests) == 2
    await chat.inbox.approve(ask.id, actor=ANN)
    assert (await settled(chat, thread.id)).text == "Done."


async def test_who_does_not_let_it_go_on_ends_it(stage: AgentStage) -> None:
    agent = Agent("clerk", "x", tools=(add,), limits=Limits(tool_calls=1))
    chat = await stage.open(agent, replies=[["So far. ", call("add", a=1, b=1)], "Done."])
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Go", actor=ANN)
    [ask] = await asked(chat)
    await chat.inbox.deny(ask.id, actor=BOB)
    message = await settled(chat, thread.id)
    assert (message.status, message.words) == ("stopped", "Stopped by Bob")
    assert [part.kind for part in message.parts] == ["text", "tool", "note"]
