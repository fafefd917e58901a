"""``kill -9`` again and again while agents answer, with servers of both wire formats."""

from __future__ import annotations

import asyncio
import json
import random
import select
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from agentchat.durable.clock import SystemClock
from agentchat.models import AskStatus, MessageStatus
from agentchat.store.database import Database
from agentchat.verbs.inbox import Inbox
from agentchat.views import Actor
from tests.durability import agents_program
from tests.durability.agents_program import BOOKED, Settings, thread_of
from tests.durability.processes import READY_SECONDS, Parent, Tables, until
from tests.fake_provider import FakeProvider, Reply, Request
from tests.guards import open_to_all
from tests.long import LONG_ON_POSTGRES
from tests.waiting import eventually

THREADS = 3
KILLS = 16
LONGEST = 0.1
"""How long a process lives, in seconds, once it has come to something."""
FINISH = 60.0
BOB = Actor("bob", "Bob")


class AgentsParent(Parent):
    """The warm process of the program with agents."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", agents_program.__name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parent.parent.parent,
        )
        self._started = []
        assert self._process.stdout is not None
        ready = select.select([self._process.stdout], [], [], READY_SECONDS)[0]
        if not ready or self._read() != "warm":
            self.close()
            raise AssertionError("the parent of the processes could not begin")


@pytest.fixture(scope="module")
def agents_parent() -> Iterator[Parent]:
    made = AgentsParent()
    yield made
    made.close()


class Thinking(FakeProvider):
    """A model server that says what :func:`tests.durability.agents_program.says` says."""

    def _refusal(self, request: Request) -> Reply | None:
        refused = super()._refusal(request)
        if refused is not None:
            return refused
        said = agents_program.says(*asked_of(request.json))
        calls = tuple((name, json.dumps(arguments)) for name, arguments in said.calls)
        return Reply(said.text, calls=calls, reasoning=said.reasoning, pace=0.003)


def asked_of(body: dict[str, Any]) -> tuple[str, int]:
    """The instructions and how often tools were called, in either format."""
    messages = body["messages"]
    if "system" in body:
        system = body["system"]
        text = system if isinstance(system, str) else system[0]["text"]
        blocks = [one["content"] for one in messages if isinstance(one["content"], list)]
        called = [any(block["type"] == "tool_use" for block in some) for some in blocks]
        return text, sum(called)
    return messages[0]["content"], sum(bool(one.get("tool_calls")) for one in messages)


async def approve(url: str, chance: random.Random, decided: Counter[str]) -> None:
    """A person who approves whatever is asked, sooner or later."""
    database = Database(url)
    database.open()
    inbox = Inbox(database, SystemClock(), lambda _agent, _tool: None, open_to_all())
    try:
        while True:
            for ask in await inbox.waiting(actor=BOB):
                if chance.random() < 0.3:
                    await inbox.approve(ask.id, input_hash=ask.input_hash, actor=BOB)
                    decided[ask.message_id] += 1
            await asyncio.sleep(0.03)
    finally:
        await database.close()


def answered(tables: Tables) -> int:
    """How many of the threads have their answer."""
    wanted = {thread_of(number) for number in range(THREADS)}
    return sum(
        row["role"] == "assistant" and row["finished_at"] is not None
        for row in tables.all("messages")
        if row["thread_id"] in wanted
    )


@LONG_ON_POSTGRES
@pytest.mark.parametrize("model", ["openai", pytest.param("anthropic", marks=pytest.mark.long)])
async def test_killed_at_any_moment_agents_answer_as_if_nothing_had_happened(
    agents_parent: Parent, database_url: str, tmp_path: Path, model: str
) -> None:
    chance, kills, decided = random.Random(f"{model} 1"), 0, Counter[str]()
    witness = tmp_path / "witness"
    with Tables(database_url) as tables:
        async with Thinking() as server, asyncio.TaskGroup() as group:
            settings = Settings(
                database_url,
                str(witness),
                str(tmp_path / "log"),
                look=0.03,
                model=model,
                server=server.openai_url if model == "openai" else server.anthropic_url,
                threads=THREADS,
            )
            approving = group.create_task(approve(database_url, chance, decided))

            def done() -> int:
                return len(server.requests) + len(agents_program.lines(witness))

            while kills < KILLS and answered(tables) < THREADS:
                process, so_far = agents_parent.start(settings), done()
                with suppress(TimeoutError):
                    # It may be that it has nothing to do but wait for approval.
                    await eventually(lambda so_far=so_far: done() > so_far, 2)  # type: ignore[misc]
                await asyncio.sleep(chance.uniform(0, LONGEST))
                process.kill()
                kills += 1
            before = answered(tables)
            agents_parent.start(settings)
            try:
                await until(lambda: answered(tables) == THREADS, FINISH, "all are answered")
            finally:
                approving.cancel()
                agents_parent.end_all()
        print(f"{kills} kills, {before} answers before the last, {len(server.requests)} requests")
        assert server.rejected == []
        check(tables, witness, kills)
        # It did hit something: else it would prove nothing.
        assert kills > 5
        assert len(server.requests) > 6 * THREADS
        assert sum(decided.values()) == THREADS


def check(tables: Tables, witness: Path, kills: int) -> None:
    """All is as after answers that nothing has disturbed."""
    messages = tables.all("messages")
    by_thread = defaultdict(list)
    for row in messages:
        about = (row["role"], row["status"], row["author"], row["text"])
        by_thread[row["thread_id"]].append(about)
    right = [
        ("user", MessageStatus.DONE, "you", agents_program.QUESTION),
        ("assistant", MessageStatus.DONE, "closer", agents_program.WORDS),
    ]
    inner = [
        ("assistant", MessageStatus.DONE, "helper", "Helped."),
        ("user", MessageStatus.DONE, "lead", "Help me."),
    ]
    for number in range(THREADS):
        found = by_thread.pop(thread_of(number))
        assert sorted(found) == sorted(right)
    assert [sorted(found) for found in by_thread.values()] == [inner] * THREADS
    assert tables.all("deltas") == []
    assert {row["status"] for row in tables.all("asks")} == {AskStatus.APPROVED}
    assert {row["status"] for row in tables.all("workflows")} == {"done"}
    parts = Counter((row["kind"], row["name"], row["status"]) for row in tables.all("parts"))
    assert {about: number / THREADS for about, number in parts.items()} == {
        ("reasoning", "", "done"): 1,
        ("text", "", "done"): 2,
        ("tool", "count", "done"): 1,
        ("tool", "outside", "done"): 1,
        ("tool", "pay", "done"): 1,
        ("tool", "no_tool", "failed"): 1,
        ("tool", "ask_helper", "done"): 1,
        ("tool", "errand", "done"): 1,
        ("tool", "book", "done"): 3,
        ("agent", "helper", "done"): 1,
        ("hand_over", "closer", "done"): 1,
    }
    booked = Counter(
        row["title"].removeprefix("booked ")
        for row in tables.all("threads")
        if row["owner_id"] == "booked"
    )
    assert booked == Counter(BOOKED * THREADS)
    did = Counter(agents_program.lines(witness))
    assert Counter(one.split()[0] for one in did) == {
        "count": THREADS,
        "outside": THREADS,
        "errand": THREADS,
    }
    assert all(times <= 1 + kills for times in did.values())
    # Each call that came to an end is counted once, whatever the crashes.
    done = Counter(row["message_id"] for row in tables.all("spendings") if row["outcome"] == "done")
    assert sorted(done.values()) == [2] * THREADS + [4] * THREADS
