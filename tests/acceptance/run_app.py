"""The whole app with workflows to be looked at and repaired: a program to serve.

A file ``start/KEY.json`` in its data folder, with ``workflow`` and ``data``, starts a run whose
id is then in ``started/KEY``. The file ``gate`` lets steps end that wait for it; the file
``broken`` makes the step ``send`` fail.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from agentchat import Agent, AgentChat, frontend, tool
from agentchat.durable.context import Context
from agentchat.durable.event_type import EventType
from agentchat.durable.retry import RetryPolicy
from agentchat.durable.workflow import Workflow, workflow
from agentchat.llm.base import ModelRequest
from agentchat.llm.scripted import Answer, ScriptedProvider
from agentchat.settings import Settings, load_settings
from agentchat.store import schema
from agentchat.store.writer import Tx
from tests.acceptance.agents_app import call, folder, pay, search

SIGNED = EventType("signed", str)
AT_ONCE = RetryPolicy(attempts=3, first=timedelta(milliseconds=50))


async def gate() -> str:
    while not (folder() / "gate").exists():  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    return "open"


async def send(to: str) -> str:
    if (folder() / "broken").exists():
        raise ConnectionError(f"No line to {to}; tried with password=hunter22")
    return f"sent to {to}"


def book(_tx: Tx, customer: str, amount: int) -> dict[str, Any]:
    return {"booked": amount, "for": customer, "api_key": "key-of-the-bank"}


async def greet(name: str) -> str:
    return f"Dear {name}"


@workflow(name="letter")
async def letter(ctx: Context, name: str) -> str:
    return await ctx.step("greet", greet, name)


@workflow(name="paperwork", events=(SIGNED,), cleanup=timedelta(seconds=7))
async def paperwork(ctx: Context, customer: str, amount: int, note: str = "") -> str:
    ctx.log(f"begun for {customer}", amount=amount, token="secret-token-1")
    booked = await ctx.transaction("book", book, customer, amount)
    ctx.log("booked", level="warning", booked=booked["booked"])
    greeting = await ctx.run(letter, customer)
    signed = await ctx.wait_for(SIGNED)
    ctx.log(f"signed by {signed}", level="error")
    sent = await ctx.step("send", send, customer, retry=AT_ONCE)
    return f"{greeting}: {sent}, {amount}, signed by {signed}"


@workflow(name="held")
async def held(ctx: Context) -> str:
    await ctx.step("before", greet, "you")
    return await ctx.step("gate", gate)


@workflow(name="long")
async def long(ctx: Context, steps: int, fails: int = -1) -> int:
    async def item(number: int) -> int:
        if number == fails:
            raise ValueError(f"item {number} is broken")
        return number

    done = 0
    for number in range(steps):
        try:
            done += await ctx.step(f"item {number}", item, number) >= 0
        except Exception:
            ctx.log(f"item {number} failed", level="error")
    return done


WORKFLOWS: tuple[Workflow[..., Any], ...] = (letter, paperwork, held, long)


@tool
def note(text: str) -> str:
    """Note something down."""
    return f"noted: {text}"


class Told(ScriptedProvider):
    """Calls the tool that the first word names, and then says that it has."""

    def _answer(self, request: ModelRequest) -> Answer:
        last = request.turns[-1]
        if last.results:
            return f"That is done. I was told: {last.results[-1].text}"
        calls = {
            "note": call("note", text="Herons nest in March."),
            "search": call("search", query="herons"),
            "pay": call("pay", amount=50, to="Bo"),
        }
        word = last.text.split()[0].lower()
        return ["One moment.", calls[word]] if word in calls else f"You said: {last.text}"


class Served(AgentChat):
    """Starts the runs that it finds asked for, as long as it is open."""

    _starting: asyncio.Task[None]

    async def __aenter__(self) -> Served:
        await super().__aenter__()
        self._starting = asyncio.create_task(self._start())
        return self

    async def __aexit__(self, *error: Any) -> None:
        self._starting.cancel()
        await super().__aexit__(*error)

    async def _start(self) -> None:
        wanted, made = folder() / "start", folder() / "started"
        known = {one.name: one for one in WORKFLOWS}
        for place in (wanted, made):
            place.mkdir(exist_ok=True)
        while True:
            for file in sorted(wanted.glob("*.json")):
                asked = json.loads(file.read_text())
                flow = known[asked["workflow"]]
                run_id = await self.runs.start_once(file.stem, flow, **asked["data"])
                file.unlink()
                _put(made / file.stem, run_id)
            await asyncio.sleep(0.05)


def _put(file: Path, text: str) -> None:
    """Written as a whole: whoever finds it, finds all of it."""
    draft = file.with_suffix(".draft")
    draft.write_text(text)
    os.replace(draft, file)


def chat_of(settings: Settings) -> AgentChat:
    clerk = Agent("clerk", "The clerk", description="Does it.", tools=(note, search, pay))
    provider = Told("instant", pace=timedelta(milliseconds=20))
    return Served(settings, agents=[clerk], provider=provider, workflows=WORKFLOWS)


def main() -> None:
    logging.basicConfig(level=logging.WARNING)
    settings = load_settings()
    schema.upgrade(settings.database_url)
    frontend.serve(settings, chat_of(settings))


if __name__ == "__main__":
    main()
