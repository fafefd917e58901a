"""The whole app with agents of its own, whose model does what it is told: a program to serve.

It has the same pages as every other, so the same built frontend serves it. ``gate`` in its data
folder is a file that lets the tool ``search`` end; ``paid`` holds a line for each payment.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path
from typing import Any

from agentchat import Agent, AgentChat, HandOver, Limits, ToolError, frontend, tool
from agentchat.agents.router import Routed
from agentchat.agents.toolbox import ask_person
from agentchat.agents.tools import Source, ToolOutput
from agentchat.llm.base import Chunk, Finished, ModelRequest, Reasoning, ToolCall, Usage
from agentchat.llm.scripted import Answer, ScriptedProvider
from agentchat.settings import Settings, load_settings
from agentchat.store import schema

SENTENCES = 40


def folder() -> Path:
    return Path(os.environ["AGENTCHAT_DATA_DIR"])


@tool
async def search(query: str) -> ToolOutput:
    """Search for something, for as long as the gate is closed."""
    while not (folder() / "gate").exists():  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    return ToolOutput(
        f"Three pages about {query}.\n\n1. Where they nest\n2. What they eat\n3. How they fly",
        sources=(
            Source("Where herons nest", "https://birds.example/nests"),
            Source("What herons eat, and when they eat it", "https://www.food.example/herons"),
            Source("Not a page", "javascript:alert(1)"),
        ),
    )


@tool(approval=True)
async def pay(amount: int, to: str, note: str = "") -> str:
    """Pay somebody from the common account."""
    with (folder() / "paid").open("a") as paid:
        paid.write(f"{amount} {to}\n")
    return f"paid {amount} to {to}"


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@tool
def refuse() -> str:
    """Refuse to do anything."""
    raise ToolError("It is closed on Sundays. Try it on Monday.")


def call(name: str, number: int = 1, **arguments: Any) -> ToolCall:
    return ToolCall(f"c{number}", name, json.dumps(arguments))


TEAM = ("north", "south", "west")
ANSWERS: dict[str, Answer] = {
    "search": [
        Reasoning("They want to know about herons, so I look for pages about them first."),
        "Let me look that up.",
        call("search", query="herons"),
    ],
    "twice": [call("search", query="herons")],
    "pay": [
        "I need an approval for this.",
        call("pay", amount=50, to="Bo", note="For the boat, as agreed on Monday."),
    ],
    "choose": [
        call(
            "ask_person",
            question="Which colour is the boat to have?",
            choices=["Red", "Blue", "As it is now"],
        )
    ],
    "team": [call(f"ask_{name}", n, task=f"Count in the {name}") for n, name in enumerate(TEAM)],
    "fleet": [call(f"ask_{TEAM[n % 3]}", n, task=f"Count, part {n + 1}") for n in range(10)],
    "mixed": [call(f"ask_{name}", n, task="hello") for n, name in enumerate(("north", "broker"))],
    "nested": [call("ask_north", task="pay Bo")],
    "bill": [call("hand_over_to_writer", reason="It is about a text.")],
    "refuse": [call("refuse")],
    "sum": [call("add", n, a=n, b=n) for n in range(2)],
    "long": " ".join(f"This is sentence {n}." for n in range(1, 200)),
}


class Told(ScriptedProvider):
    """Does what the first word says it is to do, and then says that it has."""

    def _answer(self, request: ModelRequest) -> Answer:
        last = request.turns[-1]
        rounds = [turn.results for turn in request.turns if turn.results]
        if last.results and len(rounds) == 1 and request.turns[0].text.startswith("twice"):
            return [call("search", 2, query="gulls")]
        if last.results:
            said = "; ".join(result.text for result in last.results)
            return f"That is done. I was told: {said[:300]}"
        words = [word for word in last.text.lower().split() if not word.startswith("@")]
        word = words[0].strip(",") if words else ""
        if word == "count":
            who = request.instructions
            return " ".join(f"{who} counts {n}." for n in range(1, SENTENCES + 1))
        return ANSWERS.get(word, f"You said: {last.text}")


class Priced(Told):
    """One whose price is known, and that says what a call took."""

    def __init__(self) -> None:
        super().__init__("instant")
        self.id, self.label = "openai:gpt-4o-mini", "GPT-4o mini"

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk, None]:
        async with aclosing(super().stream(request)) as chunks:
            async for chunk in chunks:
                if isinstance(chunk, Finished):
                    chunk = Finished(chunk.reason, Usage(12_000, 800, cached_tokens=9_000))
                yield chunk


class Words:
    """Routes by a word."""

    async def route(self, ctx: Any, agents: Sequence[Agent], said: Sequence[Any]) -> Routed:
        others: dict[str, float | None] = {"writer": 0.41, "clerk": 0.2}
        why = "it asks for something to be looked up"
        if said[-1].text.startswith("search"):
            return Routed("researcher", "example", why, others)
        return Routed("clerk", "default", "nobody else is for this", {})


def agents() -> list[Agent]:
    clerk = Agent(
        "clerk",
        "The clerk",
        description="Pays, asks, and lets others work.",
        tools=(search, pay, ask_person, refuse),
        asks=(*TEAM, "broker"),
        hand_overs=(HandOver("writer", "about texts"),),
    )
    researcher = Agent(
        "researcher", "The researcher", description="Looks things up.", tools=(search,)
    )
    writer = Agent("writer", "The writer", description="Writes and mends texts.")
    frugal = Agent(
        "frugal",
        "The frugal one",
        description="Does little before it asks whether to go on.",
        tools=(add,),
        limits=Limits(tool_calls=1),
    )
    others = [
        Agent(name, name.capitalize(), description=f"Knows the {name}.", tools=(pay,))
        for name in TEAM
    ]
    broker = Agent("broker", "The broker", description="Has a model of its own.", model=Priced())
    return [clerk, researcher, writer, frugal, *others, broker]


def chat_of(settings: Settings) -> AgentChat:
    pace = float(os.environ.get("TOLD_PACE", "0.03"))
    provider = Told("instant", pace=timedelta(seconds=pace))
    return AgentChat(settings, agents=agents(), router=Words(), provider=provider)


def main() -> None:
    logging.basicConfig(level=logging.WARNING)
    settings = load_settings()
    schema.upgrade(settings.database_url)
    frontend.serve(settings, chat_of(settings))


if __name__ == "__main__":
    main()
