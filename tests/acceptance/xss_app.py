"""The whole app, full of texts that would run: a program to serve.

What strangers can write is written, by every way that there is: said by people, by a model, by
tools, by steps that fail. ``seeded.json`` in its data folder says where it can be looked at.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from datetime import timedelta
from typing import Any

from agentchat import Agent, AgentChat, ToolError, frontend, tool
from agentchat.agents.toolbox import ask_person
from agentchat.agents.tools import Source, ToolOutput
from agentchat.durable.context import Context
from agentchat.durable.event_type import EventType
from agentchat.durable.triggers import Every
from agentchat.durable.workflow import workflow
from agentchat.errors import InvalidInput
from agentchat.llm.base import ModelRequest, Reasoning
from agentchat.llm.scripted import Answer, ScriptedProvider
from agentchat.settings import load_settings
from agentchat.store import schema
from agentchat.verbs.files import NewFile
from tests.acceptance.agents_app import call, folder
from tests.acceptance.xss_payloads import PAYLOADS, SHORT, in_messages

TEXTS = in_messages()
ALL = "\n\n".join(PAYLOADS)
NAMES = SHORT[::9]
ADDRESSES = [one for one in SHORT if "script" in one.lower()]
SOURCES = tuple(
    Source(title, address)
    for title, address in zip(SHORT, [*ADDRESSES, "https://evil.example/source"] * 9, strict=False)
)[:150]
HURT = EventType("hurt", str)


@tool
def hurt(text: str) -> ToolOutput:
    """Do what is said."""
    return ToolOutput(ALL[:30_000], sources=SOURCES)


@tool
def fail(text: str) -> str:
    """Fail in the same words."""
    raise ToolError(text)


@tool(approval=True)
def approve(text: str, other: str = "") -> str:
    """Do it, if a person says so."""
    return text


async def broken() -> str:
    raise ValueError(ALL[:20_000])


async def same(value: Any) -> Any:
    return value


@workflow(name="hurting", events=(HURT,))
async def hurting(ctx: Context, data: list[str], key: dict[str, str]) -> list[str]:
    for one in SHORT[::5]:
        ctx.log(one, level="warning", value=one, **{"<img src=x onerror=__xss(1)>": one})
    await ctx.step("<img src=x onerror=__xss(2)>", same, data)
    await ctx.wait_for(HURT)
    await ctx.step("javascript:__xss(3)", broken)
    return data


class Hostile(ScriptedProvider):
    """Says and calls what its first word tells it to."""

    def _answer(self, request: ModelRequest) -> Answer:
        last = request.turns[-1]
        said = next(turn.text for turn in reversed(request.turns) if turn.text)
        if last.results:
            return ALL[:40_000]
        what, _, number = said.partition(" ")
        if what == "say":
            return TEXTS[int(number)]
        if what == "think":
            return [Reasoning(ALL[:60_000]), "I thought."]
        if what == "call":
            return [
                ALL[:20_000],
                call("hurt", 1, text=ALL[:10_000]),
                call("fail", 2, text=ALL[:10_000]),
                call("<img src=x onerror=__xss(4)>", 3, text="x"),
            ]
        if what == "ask":
            one, two, three = SHORT[int(number) : int(number) + 3]
            question = f"{one} {two}"
            return [call("ask_person", question=question, choices=[one, two, three])]
        if what == "approve":
            return [call("approve", text=ALL[:5_000], other=SHORT[int(number)])]
        return "Well."


class Seeded(AgentChat):
    """Full of them before anybody is let in."""

    async def __aenter__(self) -> Seeded:
        await super().__aenter__()
        places = await self._seed()
        (folder() / "seeded.json").write_text(json.dumps(places))
        return self

    async def _seed(self) -> dict[str, Any]:
        run = await self.runs.start(hurting, list(SHORT), {one: one for one in SHORT[:100]})
        threads: dict[str, str] = {}
        for about, texts in {
            "person": TEXTS,
            "model": [f"say {number}" for number in range(len(TEXTS))],
            "parts": ["think 0", "call 0"],
            "asks": ["ask 5", "ask 200", "ask 300", "approve 20"],
            "files": ["files"],
        }.items():
            thread = await self.create_thread()
            threads[about] = thread.id
            for text in texts:
                files = (
                    [
                        NewFile(_file_name(one), "text/html", b"<script>__xss(5)</script>")
                        for one in SHORT[::60]
                    ]
                    if about == "files"
                    else []
                )
                await self.send_message(thread.id, text, files=files)
        for name in NAMES:
            titled = await self.create_thread()
            await self.send_message(titled.id, "titled")
            await self.rename_thread(titled.id, name)
            with contextlib.suppress(InvalidInput):
                # Some look like passwords, which are not remembered.
                await self.memories.remember(f"{name} {name}")
            await self.operations.lists.save_view(name, "status=failed")
            await self.schedules.create(
                name, Every(timedelta(days=9)), "hurting", {"data": [name], "key": {name: name}}
            )
        async with asyncio.timeout(60):
            for about in ("person", "model", "parts", "files"):
                await self._settled(threads[about])
        await self.runs.send_event(run, HURT, SHORT[7])
        return {"threads": threads, "run": run}

    async def _settled(self, thread_id: str) -> None:
        async for view in self.follow(thread_id):
            if view.messages and all(one.status in ("done", "failed") for one in view.messages):
                return


def _file_name(text: str) -> str:
    return "".join(one for one in text if one.isprintable() and one not in "/\\") + ".html"


def main() -> None:
    logging.basicConfig(level=logging.WARNING)
    settings = load_settings()
    schema.upgrade(settings.database_url)
    agents = [
        Agent(
            "clerk",
            "The clerk",
            description=" ".join(SHORT[:20]),
            tools=(hurt, fail, approve, ask_person),
        ),
        Agent("scribe", "The scribe", description="<img src=x onerror=__xss(6)>"),
    ]
    chat = Seeded(
        settings,
        agents=agents,
        provider=Hostile("instant", pace=timedelta(0)),
        workflows=[hurting],
    )
    frontend.serve(settings, chat)


if __name__ == "__main__":
    main()
