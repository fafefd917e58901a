"""``python -m tests.benchmarks.memory [--quick]``: recalling among 100,000 memories of one user.

On PostgreSQL twice: with pgvector, and as if it had none, the vectors in the process. Cold is the
first recall of a new process, connecting included. From 200,000 on (``--count``), pgvector has
an index; how many of the exact nearest it finds is told, of random vectors fewer than of texts.

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
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import numpy as np
from sqlalchemy import insert

from agentchat.agents.memory.verbs import POOL, Memories
from agentchat.llm.embedder import Vectors
from agentchat.models import Memory
from agentchat.store import memory_index, memory_words, schema
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


@asynccontextmanager
async def opened(url: str, *, held: bool) -> AsyncIterator[Memories]:
    """As a process that starts has them; ``held`` keeps the vectors in it in any case."""
    database = Database(url)
    database.open()
    try:
        async with Memories(database, Table()) as memories:
            if held:
                memories.vectors = memories._cache
            yield memories
    finally:
        await database.close()


async def prepare(url: str, name: str, count: int) -> bool:
    """Fill a database; whether it searches by itself."""
    database = Database(url)
    database.open()
    began = time.perf_counter()
    await fill(database, count)
    filled = time.perf_counter() - began
    searches = await database.read(memory_index.searchable)
    await database.close()
    began = time.perf_counter()
    schema.upgrade(url)
    made = time.perf_counter() - began
    print(f"{name}: {count:,} memories, filled in {filled:.0f} s, upgraded in {made:.0f} s")
    return searches


async def measure(url: str, name: str, count: int, times: int, *, held: bool) -> None:
    """Measure one way of one database and print its lines."""
    matrix = np.stack([vector_of(text_of(number)) for number in range(count)])
    questions = [vector_of(f"question {number}") for number in range(times)]

    async def floor(number: int) -> None:
        near = matrix @ questions[number]
        best = np.argpartition(-near, POOL)[:POOL]
        best[np.argsort(-near[best])]

    async def right(memories: Memories, number: int) -> None:
        found = await memories.recall(f"what about ORD-{number * 7 % count} question")
        assert found[0].text.endswith(f"ORD-{number * 7 % count}")

    async def cold(number: int) -> None:
        began = time.perf_counter()
        async with opened(url, held=held) as memories:
            await right(memories, number)
            first.append((time.perf_counter() - began) * 1000)

    first: list[float] = []
    for number in range(max(3, times // 10)):
        await cold(number)
    async with opened(url, held=held) as memories:
        await asyncio.wait_for(memories.embedding.idle.wait(), 60)

        async def recall(number: int) -> None:
            await right(memories, number)

        async def common(number: int) -> None:
            await memories.recall(f"the {COMMON[number % len(COMMON)]} {WORDS[number]}")

        async def near(number: int) -> None:
            async with memories.vectors.using(LOCAL.id) as vectors:
                nearest = await vectors.nearest(questions[number], [""], limit=POOL, least=-1)
            exact = np.argpartition(-(matrix @ questions[number]), POOL)[:POOL]
            missed = {f"memory-{place}" for place in exact} - {one for one, _ in nearest}
            found.append(1 - len(missed) / POOL)

        async def written(number: int) -> None:
            said = f"ORD-{number} was changed by ORD-X{number}"
            made.append((await memories.remember(said, kind="message")).id)
            began = time.perf_counter()
            await memories.recall(f"what about ORD-X{number}")
            after.append((time.perf_counter() - began) * 1000)

        made: list[str] = []
        after: list[float] = []
        found: list[float] = []
        base = await timed(times, floor)
        lines = [
            ("numpy alone", base),
            ("recall, cold", first),
            ("recall by a rare name", await timed(times, recall)),
            ("recall by a common word", await timed(times, common)),
        ]
        await timed(times, near)
        await timed(max(3, times // 2), written)
        for memory_id in made:
            await memories.forget(memory_id)
        lines.append(("recall after a write", after))
        lines.append(("numpy alone, again", await timed(times, floor)))
        size = memories._cache.bytes / 2**20
    middle = statistics.median([*base, *lines[-1][1]])
    print(f"{name + (', vectors held' if held else ', pgvector'):34} {'p50 ms':>9} {'p95 ms':>9}")
    for label, took in lines:
        ordered = sorted(took)
        p50, p95 = statistics.median(ordered), ordered[round(0.95 * (len(ordered) - 1))]
        print(f"{label:34} {p50:9.1f} {p95:9.1f} {p50 / middle:9.1f}x numpy")
    print(f"found of the exact nearest {POOL}: {statistics.mean(found):.1%}")
    print(f"vectors in memory: {size:.0f} MB\n", flush=True)


def main() -> None:
    """Measure SQLite and PostgreSQL and print tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.memory", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} memories")
    parser.add_argument("--only", choices=["sqlite", "postgresql"], help="only this database")
    parser.add_argument("--count", type=int, help="so many memories")
    asked = parser.parse_args()
    count, times = (QUICK, 20) if asked.quick else (FULL, 50)
    with places({asked.only} if asked.only else {"sqlite", "postgresql"}) as found:
        for place in found:
            url = place.fresh()
            searches = asyncio.run(prepare(url, place.name, asked.count or count))
            for held in (False, True) if searches else (True,):
                asyncio.run(measure(url, place.name, asked.count or count, times, held=held))


if __name__ == "__main__":
    main()
