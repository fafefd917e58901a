"""``kill -9`` in the middle of an answer, without a browser, on both databases."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from contextlib import aclosing
from datetime import timedelta

from sqlmodel import Session

from agentchat import AgentChat, Settings
from agentchat.durable import identity
from agentchat.durable.worker import LEASE
from agentchat.llm.scripted import ScriptedProvider
from agentchat.models import Run
from agentchat.store import journal

ANSWERS = """
import asyncio, sys
from agentchat import AgentChat, Settings
from agentchat.llm.scripted import ScriptedProvider

async def main():
    async with AgentChat(Settings(db_url=sys.argv[1]), provider=ScriptedProvider("slow")) as chat:
        await chat.send_message("t" * 32, "Hello", create_thread=True)
        async for view in chat.follow("t" * 32):
            if view.live and "Sentence 2." in view.live[0].text:
                print("growing", flush=True)

asyncio.run(main())
"""


async def test_a_killed_process_is_followed_by_one_that_finishes_its_answer(
    database_url: str,
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ANSWERS, database_url, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"growing\n"
    process.kill()
    await process.communicate()
    provider = ScriptedProvider("slow", pace=timedelta(0))
    settings = Settings(db_url=database_url)
    # Sooner than the lease lapses: the worker's process is known to be gone.
    async with (
        asyncio.timeout(LEASE.total_seconds() - 5),
        AgentChat(settings, provider=provider) as chat,
        aclosing(chat.follow("t" * 32)) as views,
    ):
        async for view in views:
            if not view.running:
                break

        def after(session: Session) -> tuple[Run | None, list[tuple[str, int]]]:
            run_id = view.settled[-1].run_id
            steps = journal.load(session, run_id)
            return session.get(Run, run_id), [(step.name, step.attempt) for step in steps]

        run, steps = await chat._database.read(after)
    assert view.settled[-1].text == " ".join(f"Sentence {n}." for n in range(1, 41))
    assert run is not None
    assert (run.attempt, run.crashes) == (2, 1)
    assert steps == [("prepare", 1), ("generate", 2), ("finish", 2)]


def test_only_a_process_of_this_machine_that_is_gone_counts_as_dead() -> None:
    mine = identity.new_worker()
    machine, _, random = mine.split(":")
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    with subprocess.Popen([sys.executable, "-c", ""]) as over:
        # It has ended, and nobody has asked how.
        os.waitid(os.P_PID, over.pid, os.WEXITED | os.WNOWAIT)
        assert identity.is_dead(f"{machine}:{over.pid}:{random}")
    assert not identity.is_dead(mine)
    assert identity.is_dead(f"{machine}:{gone.pid}:{random}")
    assert not identity.is_dead(f"elsewhere:{gone.pid}:{random}")
    assert not identity.is_dead(f"{machine}:1:{random}")
    assert not identity.is_dead("garbage")
    assert str(os.getpid()) in mine
