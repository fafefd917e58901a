"""``python -m tests.benchmarks.memory [--quick]``: recalling among 100,000 memories of one user.

The floor is numpy alone: the dot product of the same vectors with the same question, and the
sort of its best. Ratios to it hold on other machines; times do not. Vectors are random of a
fixed seed, texts made of lists, the embedder a table: what is measured is the search.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

import numpy as np
from sqlalchemy import insert

from agentchat.agents.memory.verbs import POOL, Memories
from agentchat.llm.embedder import Vectors
from agentchat.models import Memory
from agentchat.store import memory_words
from agentchat.store.database import Database
from agentchat.store.writer import Tx
from agentchat.views import LOCAL
from tests.benchmarks.places import places

DIM = 384
FULL, QUICK = 100_000, 5_000
BATCH = 1000
WORDS = [f"{a}{b}" for a in ("her", "bas", "jun", "lan", "qua", "saf") for b in range(400)]
COMMON = ["project", "ticket", "customer", "meeting", "budget", "deadline"]


class Table:
    """An embedder that makes up a vector for each text, always the same one."""

    id = "table"
    dim = DIM

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """See :meth:`agentchat.llm.embedder.Embedder.embed`."""
        return np.stack([vector_of(text) for text in texts])


def vector_of(text: str) -> Vectors:
    """A random vector of length 1, told by the text."""
    seed = int.from_bytes(text.encode()[-8:], "big")
    vector: Vectors = np.random.default_rng(seed).standard_normal(DIM, np.float32)
    vector /= np.linalg.norm(vector)
    return vector


def text_of(number: int) -> str:
    """A text of a few rare words, a common one and a number of its own."""
    chance = random.Random(number)
    said = " ".join([chance.choice(COMMON), *chance.choices(WORDS, k=6)])
    return f"{said} of ORD-{number}"


async def fill(database: Database, count: int) -> None:
    """Remember ``count`` texts, a thousand a commit."""
    now = datetime.now(UTC)

    def add(tx: Tx, start: int) -> None:
        held = {n: text_of(n) for n in range(start, min(count, start + BATCH))}
        tx.execute(
            insert(Memory),
            [
                {
                    "id": f"memory-{number}",
                    "user_id": LOCAL.id,
                    "agent": "",
                    "kind": "fact",
                    "text": text,
                    "text_hash": str(number),
                    "source_id": "",
                    "thread_id": "",
                    "vector": vector_of(text).tobytes(),
                    "embedder": Table.id,
                    "created_at": now,
                    "updated_at": now,
                }
                for number, text in held.items()
            ],
        )
        for number, text in held.items():
            memory_words.index(tx, f"memory-{number}", user_id=LOCAL.id, agent="", text=text)

    for start in range(0, count, BATCH):
        await database.write_soon(add, start)


async def timed(times: int, what: Callable[[int], Awaitable[object]]) -> list[float]:
    """How many milliseconds each took."""
    took = []
    for number in range(times):
        began = time.perf_counter()
        await what(number)
        took.append((time.perf_counter() - began) * 1000)
    return took


async def measure(url: str, name: str, count: int, times: int) -> None:
    """Measure one database and print its lines."""
    database = Database(url)
    database.open()
    began = time.perf_counter()
    await fill(database, count)
    filled = time.perf_counter() - began
    print(f"{name}: {count:,} memories, filled in {filled:.0f} s", flush=True)
    matrix = np.stack([vector_of(text_of(number)) for number in range(count)])
    questions = [vector_of(f"question {number}") for number in range(times)]

    async def floor(number: int) -> None:
        near = matrix @ questions[number]
        best = np.argpartition(-near, POOL)[:POOL]
        best[np.argsort(-near[best])]

    async with Memories(database, Table()) as memories:
        await asyncio.wait_for(memories.embedding.idle.wait(), 60)

        async def recall(number: int) -> None:
            found = await memories.recall(f"what about ORD-{number * 7 % count} question")
            assert found[0].text.endswith(f"ORD-{number * 7 % count}")

        async def common(number: int) -> None:
            await memories.recall(f"the {COMMON[number % len(COMMON)]} {WORDS[number]}")

        async def cold(number: int) -> None:
            memories.vectors._users.clear()
            await recall(number)

        async def written(number: int) -> None:
            await memories.remember(f"ORD-{number} was changed by ORD-X{number}", kind="message")
            began = time.perf_counter()
            await memories.recall(f"what about ORD-X{number}")
            after.append((time.perf_counter() - began) * 1000)

        after: list[float] = []
        base = await timed(times, floor)
        lines = [
            ("numpy alone", base),
            ("recall, cold", await timed(max(3, times // 10), cold)),
            ("recall by a rare name", await timed(times, recall)),
            ("recall by a common word", await timed(times, common)),
        ]
        await timed(max(3, times // 2), written)
        lines.append(("recall after a write", after))
        lines.append(("numpy alone, again", await timed(times, floor)))
        size = memories.vectors.bytes / 2**20
    await database.close()
    middle = statistics.median([*base, *lines[-1][1]])
    print(f"{'':26} {'p50 ms':>9} {'p95 ms':>9} {'p50/numpy':>10}")
    for label, took in lines:
        ordered = sorted(took)
        p50, p95 = statistics.median(ordered), ordered[round(0.95 * (len(ordered) - 1))]
        print(f"{label:26} {p50:9.1f} {p95:9.1f} {p50 / middle:9.1f}x")
    print(f"vectors in memory: {size:.0f} MB\n", flush=True)


def main() -> None:
    """Measure SQLite and PostgreSQL and print tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.memory", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} memories")
    parser.add_argument("--sqlite", action="store_true", help="only SQLite")
    asked = parser.parse_args()
    count, times = (QUICK, 20) if asked.quick else (FULL, 50)
    with places({"sqlite"} if asked.sqlite else {"sqlite", "postgresql"}) as found:
        for place in found:
            asyncio.run(measure(place.fresh(), place.name, count, times))


if __name__ == "__main__":
    main()
