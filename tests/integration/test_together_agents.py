"""Agents side by side: ten at once, failures, crashes, stops, and what people see of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest

from agentchat import Agent, AgentChat, Limits, ManualClock, MessageView, ToolError, tool
from agentchat.agents.parallel import ask_agents_tool
from agentchat.durable.worker import LEASE
from agentchat.errors import ModelRefused
from agentchat.llm.base import Chunk, ModelRequest
from agentchat.llm.scripted import ScriptedProvider
from agentchat.views import PartView
from tests.integration.agents_stage import (
    ANN,
    AgentStage,
    answered,
    asked,
    call,
    results,
    settled,
    tools_of,
    until,
)
from tests.long import LONG_ON_POSTGRES
from tests.waiting import eventually

pytestmark = LONG_ON_POSTGRES

TEN = [{"agent": "helper", "task": f"Task {n}"} for n in range(10)]


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[AgentStage]:
    async with AsyncExitStack() as stack:
        yield AgentStage(database_url, stack)


class Team(ScriptedProvider):
    """The lead asks for ``tasks``; helpers answer "Done: …", fail at ``fails``, and wait at the
    gate for those that are held.
    """

    def __init__(self, tasks: list[dict[str, str]], *, fails: str = "", held: Any = ()) -> None:
        super().__init__("instant")
        self.tasks, self.fails, self.held = tasks, fails, held
        self.gate = asyncio.Event()
        self.asked: Counter[str] = Counter()
        self.told: list[tuple[str, str, bool]] = []

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk, None]:
        text = request.turns[-1].text
        self.asked[text or "lead"] += 1
        if request.instructions == "Lead.":
            if told := results(request):
                self.told = told
                self._replies.append("All done.")
            else:
                self._replies.append([call("ask_agents", tasks=self.tasks)])
        else:
            if text in self.held:
                await self.gate.wait()
            if text == self.fails:
                raise ModelRefused("I will not do that.")
            self._replies.append(f"Done: {text}")
        async for chunk in super().stream(request):
            yield chunk


def lead(on_failure: Any = "some", **options: Any) -> Agent:
    return Agent("lead", "Lead.", tools=(ask_agents_tool(["helper"], on_failure),), **options)


HELPER = Agent("helper", "Help.")


def agents_of(message: MessageView) -> list[PartView]:
    return [part for part in message.parts if part.kind == "agent"]


async def test_ten_agents_work_side_by_side_and_all_are_seen(stage: AgentStage) -> None:
    provider = Team(TEN, held=[f"Task {n}" for n in range(10)])
    chat = await stage.open(lead(), HELPER, provider=provider)
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Go", actor=ANN)
    await eventually(lambda: sum(provider.asked.values()) == 11, 20)
    view = await until(chat, thread.id, lambda view: len(agents_of(view.messages[-1])) == 10)
    assert "Waiting for helper" in view.live[0].words
    provider.gate.set()
    message = await settled(chat, thread.id)
    assert message.text == "All done."
    found = agents_of(message)
    assert {part.text for part in found} == {f"Task {n}" for n in range(10)}
    assert {part.status for part in found} == {"done"}
    for part in found:
        assert part.answer is not None
        assert part.answer.text == f"Done: {part.text}"
    [(name, told, failed)] = provider.told
    assert (name, failed) == ("ask_agents", False)
    assert "## Task 3, helper\n\nDone: Task 2" in told


@pytest.mark.parametrize("policy", ["some", "all"])
async def test_one_of_ten_fails_and_the_policy_decides(stage: AgentStage, policy: str) -> None:
    provider = Team(TEN, fails="Task 4")
    chat = await stage.open(lead(policy), HELPER, provider=provider)
    message = await answered(chat, "Go")
    assert (message.status, message.text) == ("done", "All done.")
    statuses = {part.text: part.status for part in agents_of(message)}
    assert statuses.pop("Task 4") == "failed"
    assert set(statuses.values()) == {"done"}
    [failed_one] = [part for part in agents_of(message) if part.status == "failed"]
    assert failed_one.answer is not None
    assert failed_one.answer.status == "failed"
    [(_, told, failed)] = provider.told
    assert "1 of 10 tasks failed: 5 (helper failed: I will not do that.)." in told
    assert failed == (policy == "all")
    assert ("Done: Task 3" in told) == (policy == "some")
    assert tools_of(message)[0].status == ("failed" if policy == "all" else "done")


async def test_a_call_in_which_all_fail_has_failed(stage: AgentStage) -> None:
    provider = Team(TEN[:1], fails="Task 0")
    chat = await stage.open(lead(), HELPER, provider=provider)
    message = await answered(chat, "Go")
    assert message.status == "done"
    assert tools_of(message)[0].status == "failed"


async def test_more_than_ten_tasks_and_strangers_are_refused_in_words(stage: AgentStage) -> None:
    replies = [
        [call("ask_agents", tasks=[*TEN, *TEN])],
        [call("ask_agents", tasks=[{"agent": "boss", "task": "x"}])],
        "Well.",
    ]
    chat = await stage.open(lead(), HELPER, replies=replies)
    message = await answered(chat, "Go")
    assert [part.status for part in tools_of(message)] == ["failed", "failed"]
    assert agents_of(message) == []
    with pytest.raises(ValueError, match="Not a name"):
        ask_agents_tool(["Not a name"])


async def test_a_crash_in_the_middle_asks_nobody_twice_who_was_done(stage: AgentStage) -> None:
    clock = ManualClock()
    held = [f"Task {n}" for n in range(5, 10)]
    provider = Team(TEN, held=held)
    first = AgentChat(stage.settings, agents=[lead(), HELPER], provider=provider, clock=clock)
    async with first as chat:
        thread = await chat.create_thread(actor=ANN)
        await chat.send_message(thread.id, "Go", actor=ANN)

        def half(view: Any) -> bool:
            found = agents_of(view.messages[-1])
            return sum(part.status == "done" for part in found) == 5 and all(
                provider.asked[text] for text in held
            )

        await until(chat, thread.id, half)
        # As if the process had died: nothing is handed back, the leases go on.
        chat._durable._worker.name = "nobody"
    again = Team([])
    chat = await stage.open(lead(), HELPER, provider=again, clock=clock)
    clock.advance(LEASE + timedelta(seconds=1))
    message = await settled(chat, thread.id, within=40)
    assert (message.status, message.text) == ("done", "All done.")
    assert again.asked == Counter({**dict.fromkeys(held, 1), "lead": 1})
    found = agents_of(message)
    assert len(found) == 10
    assert {part.status for part in found} == {"done"}
    [(_, told, _)] = again.told
    assert all(f"Done: Task {n}" in told for n in range(10))


async def test_a_stop_ends_all_ten(stage: AgentStage) -> None:
    provider = Team(TEN, held=[task["task"] for task in TEN])
    chat = await stage.open(lead(), HELPER, provider=provider)
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Go", actor=ANN)
    await eventually(lambda: sum(provider.asked.values()) == 11, 20)
    await chat.stop(thread.id, actor=ANN)
    message = await settled(chat, thread.id)
    assert message.words == "Stopped by Ann"
    found = agents_of(message)
    assert {part.status for part in found} == {"interrupted"}
    answers = [part.answer for part in found]
    assert len(answers) == 10
    assert {one.words for one in answers if one is not None} == {"Stopped by Ann"}
    provider.gate.set()
    await asyncio.sleep(0.1)
    assert await settled(chat, thread.id) == message, "nothing comes afterwards"


async def test_a_sub_agent_may_hand_over(stage: AgentStage) -> None:
    helper = Agent("helper", "Help.", hand_overs=("expert",))
    expert = Agent("expert", "Expert.")
    replies = [
        [call("ask_agents", tasks=TEN[:1])],
        [call("hand_over_to_expert", reason="hard")],
        "The expert did it.",
        "Done.",
    ]
    chat = await stage.open(lead(), helper, expert, replies=replies)
    message = await answered(chat, "Go")
    [part] = agents_of(message)
    assert part.answer is not None
    assert (part.name, part.answer.author, part.answer.text) == (
        "helper",
        "expert",
        "The expert did it.",
    )
    [(_, told, _)] = results(stage.provider.requests[3])
    assert told == "## Task 1, helper\n\nThe expert did it."


async def test_agents_that_ask_too_deep_are_told_so(stage: AgentStage) -> None:
    again = ask_agents_tool(["lead", "helper"])
    deep = Limits(depth=2)
    boss = Agent("lead", "Lead.", tools=(again,), limits=deep)
    helper = Agent("helper", "Help.", tools=(again,), limits=deep)

    def play(request: ModelRequest) -> Any:
        if told := results(request):
            return f"I was told: {told[-1][1]}"
        other = "helper" if request.instructions == "Lead." else "lead"
        return [call("ask_agents", tasks=[{"agent": other, "task": "Go on"}])]

    chat = await stage.open(boss, helper, replies=[play] * 20)
    message = await answered(chat, "Go")
    assert message.status == "done"
    assert "Agents may not ask agents more than 2 deep. Do it yourself." in message.text


async def test_what_a_sub_agent_asks_for_is_in_the_inbox(stage: AgentStage) -> None:
    @tool(approval=True)
    def pay(amount: int) -> str:
        """Pay."""
        return f"paid {amount}"

    def play(request: ModelRequest) -> Any:
        if request.instructions == "Lead.":
            return "Done." if results(request) else [call("ask_agents", tasks=TEN[:2])]
        told = results(request)
        return told[-1][1] if told else [call("pay", amount=int(request.turns[-1].text[-1]))]

    helper = Agent("helper", "Help.", tools=(pay,))
    chat = await stage.open(lead(), helper, replies=[play] * 10)
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Go", actor=ANN)
    asks = await asked(chat, 2)
    assert {(one.agent, one.tool) for one in asks} == {("helper", "pay")}
    first, second = sorted(asks, key=lambda one: one.input)
    await chat.inbox.approve(first.id, actor=ANN)
    await chat.inbox.deny(second.id, "Too much", actor=ANN)
    message = await settled(chat, thread.id)
    answers = {part.text: part.answer for part in agents_of(message)}
    paid, denied = answers["Task 0"], answers["Task 1"]
    assert paid is not None
    assert paid.text == "paid 0"
    assert denied is not None
    assert "Too much" in denied.text


async def test_an_agent_that_the_person_may_not_use_is_not_asked(stage: AgentStage) -> None:
    helper = Agent("helper", "Help.", allowed=lambda actor: actor.id == "bob")
    replies = [[call("ask_agents", tasks=TEN[:1])], "Well."]
    chat = await stage.open(lead(), helper, replies=replies)
    message = await answered(chat, "Go")
    assert agents_of(message) == []
    [(_, told, failed)] = results(stage.provider.requests[1])
    assert failed
    assert "You may not use the agent 'helper'." in told


async def test_a_tool_error_of_a_helper_is_its_own_business(stage: AgentStage) -> None:
    @tool
    def burst() -> str:
        """Burst."""
        raise ToolError("No paper.")

    def play(request: ModelRequest) -> Any:
        if request.instructions == "Lead.":
            return "Done." if results(request) else [call("ask_agents", tasks=TEN[:1])]
        told = results(request)
        return f"It said: {told[-1][1]}" if told else [call("burst")]

    helper = Agent("helper", "Help.", tools=(burst,))
    chat = await stage.open(lead(), helper, replies=[play] * 6)
    message = await answered(chat, "Go")
    [part] = agents_of(message)
    assert part.answer is not None
    assert (part.status, part.answer.text) == ("done", "It said: No paper.")
