"""The agents that are shipped: who they are, what they may, and what the built-in model may not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any, cast

import pytest

from agentchat import Agent, AgentChat, Settings, ToolContext, Workflow, tool
from agentchat.agents.tool_gate import ToolGate
from agentchat.agents.tools import Tool
from agentchat.assistants import Kit, shipped
from agentchat.durable.clock import SystemClock
from agentchat.llm.base import ModelRequest
from agentchat.llm.embedder import HashEmbedder, MiniLM, Vectors
from agentchat.llm.scripted import ScriptedProvider
from agentchat.store.database import Database
from agentchat.tools.phrases import CUES, PHRASES
from agentchat.tools.search import Hit, OfflineSearch
from agentchat.workflows.follow_up import follow_up_workflow
from tests.integration.agents_stage import ANN, answered, call, results, settled, tools_of


class BuiltIn(ScriptedProvider):
    """Stands for the small built-in model."""

    embedded = True
    context_tokens = 4096
    max_output_tokens = 512


class Apps:
    """Opens apps on one database, with the agents that are shipped."""

    def __init__(self, url: str, stack: AsyncExitStack) -> None:
        self.url, self._stack = url, stack

    async def open(self, provider: ScriptedProvider, **options: Any) -> AgentChat:
        chat = AgentChat(Settings(db_url=self.url), provider=provider, **options)
        return await self._stack.enter_async_context(chat)


@pytest.fixture
async def apps(database_url: str) -> AsyncIterator[Apps]:
    async with AsyncExitStack() as stack:
        yield Apps(database_url, stack)


def scripted(*replies: Any) -> ScriptedProvider:
    return ScriptedProvider("instant", replies=replies)


def built_in(*replies: Any) -> BuiltIn:
    return BuiltIn("instant", replies=replies)


def kit_with(database: Database, provider: ScriptedProvider, **more: Any) -> Kit:
    def no_team() -> Any:
        raise AssertionError("nothing is posted here")

    follow_up: Workflow[..., Any] = follow_up_workflow(no_team)
    return Kit(provider, database, follow_up, SystemClock(), **more)


def names(tools: Sequence[Any]) -> list[str]:
    return [tool.name for tool in tools]


async def test_four_agents_answer_out_of_the_box(apps: Apps) -> None:
    chat = await apps.open(scripted())
    agents = {agent.name: agent for agent in chat.agents(actor=ANN)}
    assert list(agents) == ["assistant", "researcher", "analyst", "planner"]
    assert all(agent.description for agent in agents.values())
    assert {"calculate", "current_time", "search_messages", "schedule_follow_up", "ask_person"} <= {
        *agents["assistant"].tools
    }
    assert "fetch_page" in agents["researcher"].tools
    assert "run_python" in agents["analyst"].tools
    assert {"ask_agents", "ask_researcher", "ask_analyst"} <= {*agents["planner"].tools}


async def test_a_plain_message_is_one_call_of_the_model(apps: Apps) -> None:
    provider = scripted("Hi.")
    chat = await apps.open(provider)
    message = await answered(chat, "Hello")
    assert (message.author, message.text, message.parts) == ("assistant", "Hi.", ())
    assert len(provider.requests) == 1
    mentioned = await answered(chat, "@analyst hello")
    assert mentioned.author == "analyst"
    assert len(provider.requests) == 2


async def test_the_router_finds_the_agent_without_a_call_of_the_model(apps: Apps) -> None:
    provider = scripted("On it.")
    chat = await apps.open(provider, embedder=HashEmbedder())
    message = await answered(chat, "Run this Python code")
    assert message.author == "analyst"
    assert [part.kind for part in message.parts] == ["route"]
    assert provider.requests[0].instructions.startswith("You are an analyst.")
    assert "run_python" in names(provider.requests[0].tools)


async def test_what_a_model_is_told_first_is_the_same_each_time(apps: Apps) -> None:
    provider = scripted("One.", "Two.")
    chat = await apps.open(provider)
    thread = await chat.create_thread(actor=ANN)
    for text in ("Hello", "Hello again"):
        await chat.send_message(thread.id, text, actor=ANN)
        await settled(chat, thread.id)
    first, second = provider.requests
    assert (first.instructions, first.tools) == (second.instructions, second.tools)
    assert second.turns[: len(first.turns)] == first.turns


async def test_an_embedder_that_takes_long_does_not_hold_the_first_answer_up(apps: Apps) -> None:
    gate = asyncio.Event()

    class Slow(HashEmbedder):
        async def embed(self, texts: Sequence[str]) -> Vectors:
            await gate.wait()
            return await super().embed(texts)

    chat = await apps.open(built_in("Hi."), embedder=Slow())
    # It is waited for a moment.
    message = await answered(chat, "Calculate the mean of these numbers")
    assert (message.author, message.text) == ("assistant", "Hi.")
    gate.set()


async def test_the_planner_lets_the_others_work_and_combines(apps: Apps) -> None:
    def play(request: ModelRequest) -> Any:
        told = results(request)
        who = request.instructions.split(".")[0].split()[-1]
        if who != "planner":
            return f"The {who} did it."
        tasks = [{"agent": name, "task": "Your part"} for name in ("researcher", "analyst")]
        return [call("ask_agents", tasks=tasks)] if not told else f"All: {told[0][1]}"

    chat = await apps.open(scripted(*[play] * 4))
    message = await answered(chat, "Plan it", agent="planner")
    assert "The researcher did it." in message.text
    assert "The analyst did it." in message.text
    assert sorted(part.name for part in message.parts if part.kind == "agent") == [
        "analyst",
        "researcher",
    ]


async def test_the_researcher_searches_if_there_is_a_search(database: Database) -> None:
    hits = [Hit("Sleep", "https://example.org/sleep", "Sleep is good")]
    provider = scripted()
    without, _ = shipped(kit_with(database, provider))
    within, router = shipped(kit_with(database, provider, search=OfflineSearch(hits)))
    assert names(without[1].tools) == ["fetch_page"]
    assert names(within[1].tools) == ["web_search", "fetch_page"]
    assert router is None
    _, by_model = shipped(kit_with(database, provider, route_by="model"))
    assert by_model is not None


# The built-in model


@tool
def launch(context: ToolContext) -> str:
    """Tell the time when rockets are launched."""
    raise AssertionError("it must never be called")


async def test_the_built_in_model_gets_only_tools_that_change_nothing(apps: Apps) -> None:
    phrases = ["What are my reminders?", "What time is it?", "What do you remember about me?"]
    provider = built_in(*["Hm."] * 4)
    chat = await apps.open(provider, embedder=HashEmbedder())
    assert "planner" not in [agent.name for agent in chat.agents(actor=ANN)]
    assistant = next(agent for agent in chat.agents(actor=ANN) if agent.name == "assistant")
    consequential = {"schedule_follow_up", "cancel_follow_up", "remember", "ask_person"}
    assert not consequential & {*assistant.tools}
    for text in phrases:
        await answered(chat, text, agent="assistant")
    offered = [names(request.tools) for request in provider.requests]
    assert "list_follow_ups" in offered[0]
    assert "current_time" in offered[1]
    assert all(len(some) <= 3 for some in offered)
    assert not consequential & {name for some in offered for name in some}


async def test_the_built_in_model_is_offered_no_tools_for_a_greeting(apps: Apps) -> None:
    provider = built_in("Hi.", "Sky.")
    # So many numbers that no two words of these share one.
    chat = await apps.open(provider, embedder=HashEmbedder(1 << 16))
    for text in ("hello", "Compose rhymes concerning autumn"):
        message = await answered(chat, text)
        assert message.status == "done"
        assert provider.requests[-1].tools == ()


async def test_what_the_built_in_model_was_not_offered_is_never_done(apps: Apps) -> None:
    replies = [[call("launch"), call("schedule_follow_up", when="2099-01-01", text="x")], "Well."]
    provider = built_in(*replies)
    agent = Agent("assistant", "x", tools=(launch,))
    chat = await apps.open(provider, embedder=HashEmbedder(), agents=[agent])
    message = await answered(chat, "When are rockets launched?")
    assert message.status == "done"
    assert provider.requests[0].tools == ()
    assert [part.status for part in tools_of(message)] == ["failed", "failed"]
    assert all("There is no tool" in part.text for part in tools_of(message))


NO_TOOL = (
    *("hello", "Hi, how are you?", "thanks", "Tell me a joke", "Why is the sky blue?"),
    *("Write a poem about autumn", "Explain what a durable workflow is in 3 sentences"),
    *("Translate good morning to French", "Who are you?", "How do airplanes fly?"),
    *("My name is Priya and I am going to Lisbon in May", "Good night!", "What is love?"),
    *("Write a polite e-mail to a supplier", "Summarise this: the company lost money last year"),
)
A_TOOL = {
    "What is 17 * 23?": "calculate",
    "how much is 20 percent of 350": "calculate",
    "Divide 144 by 12": "calculate",
    "what's the time": "current_time",
    "What day is it today?": "current_time",
    "How many days are there from 2026-01-01 to 2026-03-01?": "days_between",
    "What date is 30 days after 2026-02-01?": "add_to_date",
    "show my reminders": "list_follow_ups",
    "what do you know about me": "recall",
    "Read https://python.org and summarise it": "fetch_page",
    "Run some Python that prints primes": "run_python",
    "search the web for durable execution": "web_search",
    "3.5*2": "calculate",
}


async def test_the_gate_is_right_for_nearly_all_messages_with_the_real_embedder() -> None:
    embedder = MiniLM()
    gate = ToolGate(embedder, PHRASES, CUES)
    tools = cast(dict[str, Tool], dict.fromkeys(PHRASES))
    gate.load()
    assert gate._nearest._task is not None
    await gate._nearest._task
    gate._nearest._patience = timedelta(seconds=30)
    offered = {text: list(await gate.offered(tools, text)) for text in (*NO_TOOL, *A_TOOL)}
    await gate.close()
    await embedder.close()
    for_nothing = {text: offered[text] for text in NO_TOOL if offered[text]}
    missing = {text: offered[text] for text, name in A_TOOL.items() if name not in offered[text]}
    assert for_nothing == {}, json.dumps(for_nothing)
    assert missing == {}, json.dumps(missing)


async def test_a_tool_without_phrases_is_always_offered_and_nothing_fails() -> None:
    class Broken(HashEmbedder):
        async def embed(self, texts: Sequence[str]) -> Vectors:
            raise RuntimeError("no weights")

    tools = cast(dict[str, Tool], {"fetch_page": None, "mine": None})
    for embedder in (Broken(), HashEmbedder()):
        gate = ToolGate(embedder, PHRASES, CUES)
        assert list(await gate.offered(tools, "hello")) == ["mine"]
        assert list(await gate.offered(tools, "Read https://x.org")) == ["fetch_page", "mine"]
        await gate.close()
