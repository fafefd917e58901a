"""The whole app with workflows that do what a test wants: a program to serve.

It has the same pages as every other. ``gate`` in its data folder is a file that lets the step
``pass`` end, ``road`` one that lets ``drive`` succeed. ``SEED`` says what is started the first
time: pairs of a workflow and a number.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from agentchat import AgentChat, frontend
from agentchat.durable.context import Context
from agentchat.durable.retry import RetryPolicy
from agentchat.durable.workflow import workflow
from agentchat.llm.scripted import ScriptedProvider
from agentchat.settings import Settings, load_settings
from agentchat.store import schema
from agentchat.views import Actor

LOOK = 0.1
ANN = Actor("ann", "Ann")


def folder() -> Path:
    return Path(os.environ["AGENTCHAT_DATA_DIR"])


async def gate() -> str:
    """Stays until the gate is open."""
    while not (folder() / "gate").exists():  # noqa: ASYNC110
        await asyncio.sleep(LOOK)
    return "passed"


async def road() -> str:
    """Is closed until somebody opens it."""
    if not (folder() / "road").exists():
        raise ConnectionError("The road to the harbour is closed.")
    return "there"


@workflow(name="guard")
async def guard(ctx: Context) -> str:
    return await ctx.step("pass", gate)


@workflow(name="nap")
async def nap(ctx: Context, hours: int = 1) -> str:
    await ctx.sleep("sleep", timedelta(hours=hours))
    return "awake"


@workflow(name="delivery")
async def delivery(ctx: Context) -> str:
    return await ctx.step("drive", road)


@workflow(name="patient")
async def patient(ctx: Context) -> str:
    retry = RetryPolicy(attempts=5, first=timedelta(minutes=5), longest=timedelta(minutes=9))
    return await ctx.step("drive", road, retry=retry)


@workflow(name="letter")
async def letter(ctx: Context) -> str:
    return await ctx.wait_for("signed", str, timeout=timedelta(days=2))


@workflow(name="note")
async def note(ctx: Context, number: int = 0) -> int:
    return number


WORKFLOWS = {one.name: one for one in (guard, nap, delivery, patient, letter, note)}


class Seeded(AgentChat):
    """Starts what the files in its folder say: ``start-…`` holds a workflow and a number."""

    async def __aenter__(self) -> Seeded:
        await super().__aenter__()
        if not (folder() / "seeded").exists():
            for name, number in _asked_for(os.environ.get("SEED", "")):
                await self._begin(name, number)
            (folder() / "seeded").touch()
        self._watching = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *error: Any) -> None:
        self._watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._watching
        await super().__aexit__(*error)

    async def _watch(self) -> None:
        while True:
            for file in sorted(folder().glob("start-*")):
                asked_for = _asked_for(file.read_text())
                file.unlink()
                for name, number in asked_for:
                    await self._begin(name, number)
            await asyncio.sleep(LOOK)

    async def _begin(self, name: str, number: int) -> None:
        for _ in range(number):
            await self.runs.by(ANN).start(WORKFLOWS[name])


def _asked_for(text: str) -> list[tuple[str, int]]:
    return [(name, int(number)) for name, number in (one.split(":") for one in text.split())]


def chat_of(settings: Settings) -> AgentChat:
    return Seeded(
        settings,
        workflows=list(WORKFLOWS.values()),
        provider=ScriptedProvider("instant", pace=timedelta(seconds=0.01)),
    )


def main() -> None:
    logging.basicConfig(level=logging.WARNING)
    settings = load_settings()
    schema.upgrade(settings.database_url)
    frontend.serve(settings, chat_of(settings))


if __name__ == "__main__":
    main()
