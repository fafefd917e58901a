"""Memories that PostgreSQL finds by meaning: made where it can be, right whoever writes."""

from __future__ import annotations

import asyncio
import struct
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, event, make_url, text
from sqlmodel import SQLModel

from agentchat.agents.memory.searched import SearchedVectors
from agentchat.agents.memory.vectors import VectorCache
from agentchat.agents.memory.verbs import Memories
from agentchat.llm.embedder import HashEmbedder, Vectors
from agentchat.store import memories as rows
from agentchat.store import memory_index, schema
from agentchat.store.database import Database, connect
from agentchat.store.writer import Tx
from agentchat.views import Actor
from tests.conftest import fresh_postgres
from tests.integration.memory_places import PLAIN, SEARCHING, place, run, searches

ANN = Actor("ann-0001", "Ann")
BEN = Actor("ben's %s \\ :x", "Ben")
NOW = datetime(2026, 1, 1, tzinfo=UTC)

on_searching = pytest.mark.parametrize("database_url", [SEARCHING], indirect=True)


@pytest.fixture(params=[SEARCHING, PLAIN])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """PostgreSQL with pgvector and without."""
    return place(request, tmp_path)


@pytest.fixture
def own_url(postgres: str) -> str:
    """An empty database on the server, nothing made in it."""
    return fresh_postgres(postgres)


async def by_meaning(memories: Memories, query: str, actor: Actor, agent: str = "") -> list[str]:
    """The texts near to a question, whatever its words."""
    memories._least_share = 2
    found = await memories.recall(query, actor=actor, agent=agent, limit=50)
    return [one.text for one in found]


def new(number: int, said: str, vector: bytes, user: Actor, agent: str = "") -> rows.NewMemory:
    embedded = rows.Embedded(vector, "hash-256")
    return rows.NewMemory(
        f"memory-{number}", user.id, agent, "message", said, f"s{number}", embedded=embedded
    )


def add_all(tx: Tx, made: list[rows.NewMemory]) -> None:
    for one in made:
        rows.add(tx, one, now=NOW)


async def opened(url: str) -> Database:
    database = Database(url)
    database.open()
    return database


async def test_where_the_database_searches_the_process_holds_nothing(database: Database) -> None:
    async with Memories(database, HashEmbedder()) as memories:
        await memories.remember("apple pie", actor=ANN)
        assert await by_meaning(memories, "apple", ANN) == ["apple pie"]
        kind = SearchedVectors if searches(database.url) else VectorCache
        assert type(memories.vectors) is kind
        assert (memories._cache.reads == 0) == searches(database.url)


# What the database computes


@on_searching
def test_numbers_are_computed_as_numpy_reads_them(database_url: str) -> None:
    bits = np.random.default_rng(5).integers(0, 2**32, 4000, np.uint32).view(np.float32)
    wide = bits[np.abs(bits) < 65504]
    usual = np.random.default_rng(6).standard_normal(800).astype(np.float32) / 20
    special = np.array([0.0, -0.0, 1.0, -1.0, 65504, 1e-45, -6e-8, 2**-14, 0.1], np.float32)
    numbers = np.concatenate([wide, usual, special])
    engine = connect(database_url)
    with engine.connect() as connection:
        shown = connection.scalar(
            text("SELECT agentchat_embedding(:b)::text"), {"b": numbers.astype("<f4").tobytes()}
        )
    engine.dispose()
    computed = np.array(shown[1:-1].split(","), np.float32)
    assert len(wide) > 500
    np.testing.assert_array_equal(computed, numbers.astype(np.float16).astype(np.float32))


@on_searching
@pytest.mark.parametrize(
    "odd",
    [
        b"",
        b"abc",
        b"\0" * 70_000,
        struct.pack("<2f", float("nan"), 1),
        struct.pack("<2f", float("inf"), 1),
        struct.pack("<2f", -1e6, 1),
        struct.pack("<2f", 0.6, 0.8),
    ],
    ids=["empty", "no number", "many", "nan", "inf", "large", "another size"],
)
async def test_no_memory_is_refused_for_its_vector_and_no_question_for_that_memory(
    database: Database, odd: bytes
) -> None:
    async with Memories(database, HashEmbedder()) as memories:
        await memories.remember("apple pie", actor=ANN)
        await database.write(rows.add, new(1, "plum tart", odd, ANN), now=NOW)
        assert await by_meaning(memories, "apple", ANN) == ["apple pie"]
        assert await by_meaning(memories, "plum", ANN) == ["plum tart"], "by its words"


@on_searching
async def test_vectors_of_different_embedders_are_not_compared(database: Database) -> None:
    async with Memories(database, HashEmbedder()) as memories:
        await asyncio.wait_for(memories.embedding.idle.wait(), 30)
        apple = (await memories.embedding.of(["apple"]))["apple"].tobytes()
        for number, embedder in enumerate(("hash-256", "other")):
            made = new(number, f"plum {embedder}", apple, ANN)
            embedded = rows.Embedded(apple, embedder)
            await database.write(rows.add, replace(made, embedded=embedded), now=NOW)
        assert await by_meaning(memories, "apple", ANN) == ["plum hash-256"]


@on_searching
async def test_what_others_write_into_the_bytes_is_found(database: Database) -> None:
    async with Memories(database, HashEmbedder()) as memories:
        made = await memories.remember("apple pie", actor=ANN)
        pear = (await memories.embedding.of(["pear"]))["pear"]
        # As an older version of this app does it, which knows of no such column.
        run(
            database.url,
            f"UPDATE memories SET vector = '\\x{pear.tobytes().hex()}' WHERE id = '{made.id}'",
        )
        assert await by_meaning(memories, "apple", ANN) == []
        assert await by_meaning(memories, "pear", ANN) == ["apple pie"]


# Where it is made


async def test_the_extension_may_come_after_the_memories(own_url: str) -> None:
    schema.upgrade(own_url)
    run(own_url, "DROP EXTENSION vector CASCADE")
    found = []
    for searching in (False, True):
        database = await opened(own_url)
        async with Memories(database, HashEmbedder()) as memories:
            assert isinstance(memories.vectors, SearchedVectors) == searching
            if not searching:
                for number in range(30):
                    await memories.remember(f"apple {'pie ' * (number % 5)}x{number}", actor=ANN)
            found.append(set(await by_meaning(memories, "apple pie", ANN)))
        await database.close()
        schema.upgrade(own_url)
    assert len(found[0]) == 30
    assert found[0] == found[1]


async def test_who_may_not_make_the_extension_goes_on_without(own_url: str) -> None:
    run(
        own_url,
        "DO $$ BEGIN CREATE ROLE plain LOGIN; EXCEPTION WHEN duplicate_object THEN END $$",
        "GRANT CREATE, USAGE ON SCHEMA public TO plain",
    )
    plain = make_url(own_url).set(username="plain").render_as_string(hide_password=False)
    for allowed in (False, True):
        if allowed:
            run(own_url, "CREATE EXTENSION vector")
        schema.upgrade(plain)
        schema.check(plain)
        assert searches(plain) == allowed
        database = await opened(plain)
        async with Memories(database, HashEmbedder()) as memories:
            await memories.remember("apple pie", actor=ANN)
            assert await by_meaning(memories, "apple", ANN) == ["apple pie"]
        await database.close()


def test_who_may_only_write_rows_starts_all_the_same(own_url: str) -> None:
    schema.upgrade(own_url)
    run(
        own_url,
        "DROP FUNCTION agentchat_embedding CASCADE",
        "DO $$ BEGIN CREATE ROLE writer LOGIN; EXCEPTION WHEN duplicate_object THEN END $$",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO writer",
    )
    schema.upgrade(make_url(own_url).set(username="writer").render_as_string(hide_password=False))
    assert not searches(own_url)
    schema.upgrade(own_url)
    assert searches(own_url)


async def test_a_restore_which_looks_into_no_schema_computes_it_too(own_url: str) -> None:
    schema.upgrade(own_url)
    database = await opened(own_url)
    await database.write(rows.add, new(1, "apple pie", vectors(1, 1).tobytes(), ANN), now=NOW)
    await database.close()
    run(
        own_url,
        "SET search_path = ''",
        "CREATE TABLE public.kept AS SELECT * FROM public.memories",
        "ALTER TABLE public.kept DROP COLUMN embedding, DROP COLUMN words",
        "DELETE FROM public.memories",
        "INSERT INTO public.memories (id, user_id, agent, kind, text, text_hash, source_id,"
        " thread_id, vector, embedder, created_at, updated_at) SELECT id, user_id, agent, kind,"
        " text, text_hash, source_id, thread_id, vector, embedder, created_at, updated_at"
        " FROM public.kept",
    )
    engine = connect(own_url)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT vector_dims(embedding) FROM memories")) == 256
    engine.dispose()


def test_processes_that_start_at_once_make_it_once(own_url: str) -> None:
    schema.upgrade(own_url)
    run(own_url, "DROP EXTENSION vector CASCADE")
    code = f"from agentchat.store import schema; schema.upgrade({own_url!r})"
    started = [
        subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) for _ in range(2)
    ]
    assert [(one.communicate()[1], one.returncode) for one in started] == [(b"", 0)] * 2
    assert searches(own_url)


@pytest.mark.parametrize("version", ["0.7.4", "0.4", "unpackaged"])
def test_an_older_extension_is_left_alone(own_url: str, version: str) -> None:
    schema.upgrade(own_url)
    run(
        own_url,
        "DROP FUNCTION agentchat_embedding CASCADE",
        f"UPDATE pg_extension SET extversion = '{version}' WHERE extname = 'vector'",
    )
    schema.upgrade(own_url)
    assert not searches(own_url)


# A person with very many


@pytest.fixture
def very_many(monkeypatch: pytest.MonkeyPatch) -> int:
    """So many vectors that their person gets an index."""
    monkeypatch.setattr(memory_index, "MANY", 300)
    return 300


def vectors(count: int, seed: int) -> Vectors:
    made: Vectors = np.random.default_rng(seed).standard_normal((count, 256), np.float32)
    made[:, 8:] *= 0.1
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return made


def plan(database: Database, statement: tuple[str, Any]) -> str:
    """How the database would do a statement if it avoided to sort, as it is told to."""
    engine = connect(database.url)
    with engine.connect() as connection:
        connection.execute(text("SET LOCAL enable_sort = off"))
        found = connection.exec_driver_sql(f"EXPLAIN {statement[0]}", statement[1]).scalars()
        shown = "\n".join(found)
    engine.dispose()
    return shown


async def test_one_with_very_many_has_an_index_and_loses_nothing(
    own_url: str, very_many: int
) -> None:
    schema.upgrade(own_url)
    database = await opened(own_url)
    made = []
    for number, vector in enumerate(vectors(very_many + 50, 1)):
        agent = "cook" if number % 100 == 7 else ""
        made.append(new(number, f"mine {number}", vector.tobytes(), BEN, agent))
        if number % 10 == 0:
            made.append(new(number + 10_000, f"hers {number}", vector.tobytes(), ANN))
    await database.write(add_all, made)
    schema.upgrade(own_url)
    seen: list[tuple[str, Any]] = []

    def note(_c: Connection, _k: Any, statement: str, params: Any, _x: Any, _m: bool) -> None:
        if "<#>" in statement:
            seen.append((statement, params))

    event.listen(database._reading, "before_cursor_execute", note)
    async with Memories(database, HashEmbedder()) as memories:
        for person, count in ((BEN, very_many + 50), (ANN, 35)):
            for question in vectors(5, 2):
                for agents in ([""], ["", "cook"], ["cook"]):
                    seen.clear()
                    async with memories.vectors.using(person.id) as held:
                        found = await held.nearest(question, agents, limit=50, least=-1)
                    async with memories._cache.using(person.id) as held:
                        right = await held.nearest(question, agents, limit=50, least=-1)
                    assert [one for one, _ in found] == [one for one, _ in right]
                    assert dict(found) == pytest.approx(dict(right), abs=1e-6)
                    indexed = [
                        memory_index.index_of(person.id, "hash-256", 256) in plan(database, one)
                        for one in seen
                    ]
                    # What the index cannot fill is gone through.
                    few = agents == ["cook"]
                    expected = [True, False] if few else [True]
                    assert indexed == (expected if person is BEN else [False])
            assert len(memories._cache._users[person.id]) == count
    await database.close()
    engine = connect(own_url)
    with engine.connect() as connection:
        opts = {"compare_type": True, "include_object": schema.is_ours}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, SQLModel.metadata) == []
    engine.dispose()


async def test_what_one_with_very_many_edits_and_forgets_is_followed(
    own_url: str, very_many: int
) -> None:
    schema.upgrade(own_url)
    database = await opened(own_url)
    made = [new(n, f"{n}", one.tobytes(), BEN) for n, one in enumerate(vectors(very_many, 3))]
    await database.write(add_all, made)
    schema.upgrade(own_url)
    async with Memories(database, HashEmbedder()) as memories:
        assert await by_meaning(memories, "apple", BEN) == []
        told = await memories.remember("apple pie", actor=BEN)
        assert await by_meaning(memories, "apple", BEN) == ["apple pie"]
        await memories.edit(told.id, "pear pie", actor=BEN)
        assert await by_meaning(memories, "apple", BEN) == []
        assert await by_meaning(memories, "pear", BEN) == ["pear pie"]
        await memories.forget_all(actor=BEN)
        assert await by_meaning(memories, "pear", BEN) == []
        await memories.remember("apple tart", actor=BEN)
        assert await by_meaning(memories, "apple", BEN) == ["apple tart"]
    await database.close()
