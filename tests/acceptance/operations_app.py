"""The whole app with workflows to be scheduled, paused and held: a program to serve.

``SHIFT`` is which code of the workflow ``shift`` it has: other code does not fit its runs. With the
argument ``worker`` it serves nothing, and only carries runs out.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Literal

from sqlalchemy import insert

from agentchat import AgentChat, Cron, frontend
from agentchat.durable.context import Context
from agentchat.durable.workflow import workflow
from agentchat.llm.scripted import ScriptedProvider
from agentchat.models import Spending
from agentchat.settings import Settings, load_settings
from agentchat.store import schema
from agentchat.store.writer import Tx
from agentchat.views import Actor

ANN = Actor("ann", "Ann")


def folder() -> Path:
    return Path(os.environ["AGENTCHAT_DATA_DIR"])


@workflow(name="digest")
async def digest(
    ctx: Context,
    topic: str,
    pages: int = 3,
    tone: Literal["calm", "lively"] = "calm",
    loud: bool = False,
    readers: list[str] | None = None,
) -> str:
    """Sum up what is new about a subject.

    It is sent to its readers.
    """
    return f"{pages} pages about {topic}"


async def fail() -> None:
    raise ValueError("There was nothing to import.")


@workflow(name="import")
async def import_orders(ctx: Context) -> None:
    """Fetch the orders."""
    await ctx.step("fetch", fail)


@workflow(name="nap")
async def nap(ctx: Context, hours: int = 1) -> None:
    """Sleep for a while."""
    await ctx.sleep("sleep", timedelta(hours=hours))


async def nothing() -> None:
    return None


if os.environ.get("SHIFT", "1") == "1":

    @workflow(name="shift")
    async def shift(ctx: Context) -> None:
        await ctx.step("open the shop", nothing)
        await ctx.sleep("all day", timedelta(hours=8))

else:

    @workflow(name="shift")
    async def shift(ctx: Context) -> None:
        await ctx.step("open the market", nothing)
        await ctx.sleep("all day", timedelta(hours=8))


class Seeded(AgentChat):
    """Has some runs and some costs, and a schedule that it declares at each start."""

    async def __aenter__(self) -> Seeded:
        await super().__aenter__()
        await self.schedules.add(
            "nightly", Cron("0 3 * * *", timezone="America/New_York"), digest, "herons"
        )
        if not (folder() / "seeded").exists():
            await self._seed()
            (folder() / "seeded").touch()
        return self

    async def _seed(self) -> None:
        runs = self.runs.by(ANN)
        ids = [await runs.start(digest, "herons") for _ in range(6)]
        ids += [await runs.start(import_orders) for _ in range(2)]
        for run_id in ids:
            await runs.result(run_id)
        for one in (shift, nap):
            run_id = await runs.start(one)
            async for run in runs.follow(run_id):
                if run.status == "waiting":
                    break
        priced, unpriced = ("openai:gpt-4o-mini", 0.0125), ("local:small", None)
        calls = [priced, priced, unpriced]
        await self._database.write(_spend, list(zip(ids, calls, strict=False)), self._clock.now())


def _spend(tx: Tx, calls: list[tuple[str, tuple[str, float | None]]], now: object) -> None:
    rows = [
        {
            "run_id": run_id,
            "thread_id": "",
            "message_id": "",
            "user_id": "ann",
            "agent": "editor",
            "model": model,
            "outcome": "done",
            "input_tokens": 12_000,
            "output_tokens": 800,
            "cost_usd": cost,
            "created_at": now,
        }
        for run_id, (model, cost) in calls
    ]
    tx.execute(insert(Spending), rows)


def chat_of(settings: Settings) -> AgentChat:
    return Seeded(
        settings,
        workflows=[digest, import_orders, nap, shift],
        provider=ScriptedProvider("instant", pace=timedelta(seconds=0.01)),
    )


async def work(settings: Settings) -> None:
    async with chat_of(settings):
        await asyncio.Event().wait()


def main() -> None:
    logging.basicConfig(level=logging.WARNING)
    settings = load_settings()
    if sys.argv[1:] == ["worker"]:
        asyncio.run(work(settings))
        return
    schema.upgrade(settings.database_url)
    frontend.serve(settings, chat_of(settings))


if __name__ == "__main__":
    main()
