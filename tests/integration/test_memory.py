"""Memories: remembered once, recalled by their person alone, edited, forgotten, kept fresh."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text
from sqlmodel import Session, func, select

from agentchat.agents.memory import vectors as memory_vectors
from agentchat.agents.memory.rank import K, fused
from agentchat.agents.memory.verbs import MOST_RECALLED, Memories
from agentchat.agents.memory.views import MOST_CHARACTERS, MemoryView
from agentchat.durable.clock import ManualClock
from agentchat.errors import ConfigError, InvalidInput, NotAllowed, NotFound
from agentchat.llm.embedder import HashEmbedder, Vectors
from agentchat.models import Memory
from agentchat.store import memories as rows
from agentchat.store import memory_vectors as stored_vectors
from agentchat.store import memory_words, schema, threads
from agentchat.store.database import Database
from agentchat.store.memory_words import Match
from agentchat.store.writer import Tx
from agentchat.views import Actor
from tests.integration.memory_places import KINDS, held_in_memory, place
from tests.waiting import eventually

ANN = Actor("ann-0001", "Ann")
BEN = Actor("ben-0001", "Ben")


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of each kind; on PostgreSQL with pgvector and without."""
    return place(request, tmp_path)


@pytest.fixture
async def memories(database: Database) -> AsyncIterator[Memories]:
    async with Memories(database, HashEmbedder(), ManualClock()) as opened:
        yield opened


async def all_of(memories: Memories, actor: Actor) -> tuple[MemoryView, ...]:
    return await anext(aiter(memories.follow(actor=actor)))


async def texts(memories: Memories, query: str, actor: Actor = ANN, agent: str = "") -> list[str]:
    found = await memories.recall(query, actor=actor, agent=agent, limit=MOST_RECALLED)
    return [one.text for one in found]


# Remembering


async def test_what_is_remembered_is_recalled_with_where_it_came_from(memories: Memories) -> None:
    made = await memories.remember(
        "  The heron project ships in May. ",
        source_id="message-1",
        thread_id="thread-01",
        actor=ANN,
    )
    [found] = await memories.recall("When does the heron ship?", actor=ANN)
    assert (found.id, found.text) == (made.id, "The heron project ships in May.")
    assert (found.kind, found.source_id, found.thread_id) == ("fact", "message-1", "thread-01")
    assert found.by == "both"


async def test_the_same_said_again_is_one_memory(memories: Memories) -> None:
    for said in ("I like red wine.", "I like  RED wine."):
        for kind in ("fact", "message"):
            await memories.remember(said, kind=kind, actor=ANN)
    assert len(await all_of(memories, ANN)) == 1


async def test_a_fact_that_says_nearly_the_same_takes_the_place_of_the_older(
    memories: Memories,
) -> None:
    words = "my budget for the new kitchen with the big window and the oak table is now about"
    old = await memories.remember(f"{words} 500", thread_id="thread-01", actor=ANN)
    new = await memories.remember(f"{words} 600", thread_id="thread-02", actor=ANN)
    assert new.id == old.id
    assert (new.text, new.thread_id) == (f"{words} 600", "thread-02")
    assert await texts(memories, "kitchen budget") == [f"{words} 600"]


async def test_what_names_another_thing_is_another_fact(memories: Memories) -> None:
    words = "is waiting for a signature of the customer in the far north of the country since"
    for key in ("ORD-4471", "ORD-4472"):
        await memories.remember(f"{key} {words} {words}", actor=ANN)
    assert len(await all_of(memories, ANN)) == 2
    assert len(await texts(memories, "signature of the customer")) == 2


async def test_of_messages_that_say_the_same_one_is_recalled(memories: Memories) -> None:
    for source in ("message-1", "message-2"):
        await memories.remember("Hello there", kind="message", source_id=source, actor=ANN)
    assert len(await all_of(memories, ANN)) == 2
    assert await texts(memories, "hello") == ["Hello there"]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("", "nothing to remember"),
        (" \x00 ", "nothing to remember"),
        ("x" * (MOST_CHARACTERS + 1), "at most 4,000"),
        ("My password is hunter2", "password"),
        (5, "is text, not int"),
    ],
)
async def test_what_cannot_be_remembered_is_refused(
    memories: Memories, said: str, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        await memories.remember(said, actor=ANN)
    made = await memories.remember("Something", actor=ANN)
    with pytest.raises(InvalidInput, match=words):
        await memories.edit(made.id, said, actor=ANN)


async def test_names_that_no_row_could_hold_are_refused(memories: Memories) -> None:
    with pytest.raises(InvalidInput, match="no kind"):
        await memories.remember("A", kind="rumour", actor=ANN)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="no name"):
        await memories.remember("A", agent="x" * 65, actor=ANN)
    with pytest.raises(NotAllowed):
        await memories.remember("A", actor=Actor("", "nobody"))


# Whose they are


async def test_nobody_reaches_what_is_remembered_of_another(memories: Memories) -> None:
    made = await memories.remember("My heron is called Ida.", actor=ANN)
    for attempt in (
        memories.edit(made.id, "His", actor=BEN),
        memories.forget(made.id, actor=BEN),
        memories.get(made.id, actor=BEN),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert await memories.forget_all(actor=BEN) == 0
    assert await texts(memories, "heron", BEN) == []
    assert await all_of(memories, BEN) == ()
    assert await texts(memories, "heron") == ["My heron is called Ida."]


async def test_an_agent_recalls_its_own_and_what_is_for_all(memories: Memories) -> None:
    for agent in ("", "cook", "clerk"):
        await memories.remember(f"apple pie {agent or 'all'}", agent=agent, actor=ANN)
    assert sorted(await texts(memories, "apple pie", agent="cook")) == [
        "apple pie all",
        "apple pie cook",
    ]
    assert await texts(memories, "apple pie") == ["apple pie all"]
    assert await texts(memories, "apple pie", agent="gone") == ["apple pie all"]
    assert await memories.forget_all(agent="cook", actor=ANN) == 1
    assert await texts(memories, "apple pie", agent="cook") == ["apple pie all"]


async def test_each_way_of_looking_and_writing_asks_by_itself_whose_it_is(
    database: Database, memories: Memories
) -> None:
    made = await memories.remember("apple pie", agent="cook", actor=ANN)
    mine, theirs = [[made.id]], [[]]  # type: ignore[var-annotated]
    for person, agents, expected in (
        (ANN, ["", "cook"], mine),
        (ANN, ["", "clerk"], theirs),
        (BEN, ["", "cook"], theirs),
    ):
        worded = await database.read(
            memory_words.matching, "apple", user_id=person.id, agents=agents, limit=5
        )
        assert [[match.id for match in worded]] == expected
        async with memories.vectors.using(person.id) as held:
            vector = (await memories.embedding.of(["apple"]))["apple"]
            near = await held.nearest(vector, agents, limit=5, least=0)
        assert [[one for one, _ in near]] == expected
    with pytest.raises(NotFound):
        await database.write(
            rows.edit,
            made.id,
            "pear",
            user_id=BEN.id,
            embedded=rows.UNEMBEDDED,
            now=made.updated_at,
        )
    with pytest.raises(NotFound):
        await database.write(rows.forget, made.id, user_id=BEN.id)
    assert await texts(memories, "apple", agent="cook") == ["apple pie"]


async def test_a_word_that_very_many_hold_gives_way_to_rarer_ones(
    memories: Memories, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_words, "MOST_HELD", 5)
    for number in range(8):
        await memories.remember(f"apple thing-{number}", actor=ANN)

    async def found(query: str) -> list[str]:
        matches = await memories._database.read(
            memory_words.matching, query, user_id=ANN.id, agents=[""], limit=50
        )
        return [match.id for match in matches]

    [right] = await found("the apple of thing-3")
    assert (await memories.get(right, actor=ANN)).text == "apple thing-3"
    assert len(await found("apple")) == 8, "if there is no other, it has to do"


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_is_done_nothing_crosses_users_or_agents(
    database: Database, seed: int
) -> None:
    chance = random.Random(seed)
    people = [Actor(f"person-{n}", f"P{n}") for n in range(4)]
    agents = ["", "cook", "clerk"]
    kept: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
    words = ["apple", "pear", "fig", "plum"]
    # So little room that users drive each other out.
    async with Memories(database, HashEmbedder(), most_bytes=200_000) as memories:
        for step in range(120):
            person, agent = chance.choice(people), chance.choice(agents)
            mine = kept[person.id]
            said = f"{chance.choice(words)} {chance.choice(words)} thing-{step}"
            match chance.choice(["add"] * 4 + ["edit", "forget", "take", "recall", "all"]):
                case "add":
                    made = await memories.remember(said, agent=agent, actor=person)
                    mine[made.id] = (agent, made.text)
                case "edit" if mine:
                    memory_id = chance.choice(sorted(mine))
                    await memories.edit(memory_id, said, actor=person)
                    mine[memory_id] = (mine[memory_id][0], said)
                case "forget" if mine:
                    memory_id = chance.choice(sorted(mine))
                    await memories.forget(memory_id, actor=person)
                    del mine[memory_id]
                case "take":
                    others = [one for who in people if who != person for one in kept[who.id]]
                    for memory_id in others[:1]:
                        with pytest.raises(NotFound):
                            await memories.forget(memory_id, actor=person)
                case "all" if chance.random() < 0.2:
                    assert await memories.forget_all(actor=person) == len(mine)
                    mine.clear()
            person, agent = chance.choice(people), chance.choice(agents)
            word = chance.choice(words)
            found = await memories.recall(word, agent=agent, actor=person, limit=MOST_RECALLED)
            seen = {one.id: one.text for one in found}
            right = {
                memory_id: text
                for memory_id, (of, text) in kept[person.id].items()
                if of in ("", agent) and word in text
            }
            assert seen.items() <= right.items()
            if len(right) < MOST_RECALLED:
                assert seen == right
            shown = await all_of(memories, person)
            assert {one.id: (one.agent, one.text) for one in shown} == kept[person.id]


# Recalling by words


NASTY = [
    '"',
    "'",
    '""" OR 1=1 --',
    "apple AND",
    "NEAR(apple",
    "text:apple*",
    "owner : u",
    "apple:* & !pear | <->",
    "{apple} ^ (",
    "\\",
    "%_",
    "🙂 apple 🙂",
    "\uff21\uff30\uff30\uff2c\uff25 \u01c5 \u0130 ß",
    "\u0301\u200d\ufeff",
    "apple\x00pie",
    "\ud800",
    "中文 русский عربى हिन्दी",
    "apple " * 2000,
    "".join(map(chr, range(32, 10_032))),
    "a-b-c-d-e-f-g-h " * 50,
]


@pytest.mark.parametrize("query", NASTY, ids=range(len(NASTY)))
async def test_a_question_is_data_whatever_stands_in_it(memories: Memories, query: str) -> None:
    await memories.remember("apple pie", actor=ANN)
    await memories.remember("apple sauce", actor=BEN)
    assert set(await texts(memories, query)) <= {"apple pie"}
    assert [one.text for one in await anext(aiter(memories.follow(query, actor=ANN)))] in (
        [],
        ["apple pie"],
    )


@pytest.mark.parametrize("database_url", KINDS[:2], indirect=True)
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(query=st.text(max_size=200))
def test_no_text_breaks_the_search(search_url: str, query: str) -> None:
    engine = create_engine(search_url)
    with Session(engine) as session:
        query = query.replace("\x00", "").encode("utf-8", "ignore").decode()
        found = memory_words.matching(session, query, user_id="nobody", agents=["", "x"], limit=5)
    engine.dispose()
    assert found == []


@pytest.fixture
def search_url(database_url: str) -> str:
    return database_url


async def test_names_and_ids_are_found_by_their_words_and_other_forms_of_them(
    memories: Memories,
) -> None:
    said = "The running herons of ORD-4471 (mail ida@example.org) cost 1,200 in Zürich."
    await memories.remember(said, actor=ANN)
    for query in ("heron", "ord-4471", "4471", "ida@example.org", "Zürich", "run", "anna's heron"):
        found = await memories._database.read(
            memory_words.matching, query, user_id=ANN.id, agents=[""], limit=5
        )
        assert [match.share > 0.25 for match in found] == [True], query


async def test_nothing_is_recalled_for_what_has_nothing_to_do_with_it(memories: Memories) -> None:
    await memories.remember("apple pie with a little cinnamon", actor=ANN)
    assert await texts(memories, "volcano eruption forecast") == []
    # One shared word of many is not enough.
    assert await texts(memories, "forecast volcano eruption magma apple crater ash lava") == []
    assert await texts(memories, "") == []
    assert await memories.recall("apple", limit=0, actor=ANN) == ()


def test_two_rankings_become_one_as_the_paper_says() -> None:
    ranked = fused(["a", "b"], [Match("b", 1.0), Match("c", 0.5), Match("a", 0.5)])
    assert {one.id: one.by for one in ranked} == {"b": "both", "a": "both", "c": "text"}
    scores = {one.id: one.score for one in ranked}
    assert scores["b"] == pytest.approx(1 / (K + 2) + 1 / (K + 1))
    assert scores["a"] == pytest.approx(1 / (K + 1) + 0.5 / (K + 2)), "equal shares, equal rank"
    assert scores["c"] == pytest.approx(0.5 / (K + 2))
    assert [one.id for one in ranked] == ["b", "a", "c"]


# Editing and forgetting


async def test_an_edited_memory_is_found_by_what_it_says_now(memories: Memories) -> None:
    made = await memories.remember("I live in Lisbon", actor=ANN)
    await memories.remember("I own three cats", actor=ANN)
    edited = await memories.edit(made.id, "My home is Porto", actor=ANN)
    assert (edited.id, edited.text) == (made.id, "My home is Porto")
    assert edited.updated_at > made.updated_at
    assert await texts(memories, "Lisbon") == []
    assert await texts(memories, "Porto home") == ["My home is Porto"]


async def test_an_edit_to_what_is_known_already_leaves_one(memories: Memories) -> None:
    one = await memories.remember("apple", actor=ANN)
    await memories.remember("pear", actor=ANN)
    await memories.edit(one.id, "pear", actor=ANN)
    assert [(view.id, view.text) for view in await all_of(memories, ANN)] == [(one.id, "pear")]
    assert await texts(memories, "pear") == ["pear"]


async def test_what_is_forgotten_is_gone_and_can_be_remembered_again(memories: Memories) -> None:
    made = await memories.remember("apple pie", thread_id="thread-01", actor=ANN)
    was = await memories.forget(made.id, actor=ANN)
    assert (was.text, was.thread_id) == ("apple pie", "thread-01")
    assert await texts(memories, "apple") == []
    with pytest.raises(NotFound):
        await memories.forget(made.id, actor=ANN)
    await memories.remember(was.text, thread_id=was.thread_id, actor=ANN)
    assert await texts(memories, "apple") == ["apple pie"]


async def test_everything_can_be_forgotten_at_once(memories: Memories) -> None:
    for number in range(5):
        await memories.remember(f"apple number-{number}", agent="cook" * (number % 2), actor=ANN)
    await memories.remember("apple of Ben", actor=BEN)
    assert await texts(memories, "apple", agent="cook")
    assert await memories.forget_all(actor=ANN) == 5
    assert await texts(memories, "apple", agent="cook") == []
    assert await texts(memories, "apple", BEN) == ["apple of Ben"]
    if memories._database.url.startswith("sqlite"):
        left = await memories._database.read(
            lambda session: session.scalar(select(func.count()).select_from(memory_words._SEARCH))
        )
        assert left == 1


async def test_with_a_thread_goes_what_was_said_in_it(
    database: Database, memories: Memories
) -> None:
    await memories.remember("apple said", kind="message", thread_id="thread-01", actor=ANN)
    await memories.remember("apple fact", kind="fact", thread_id="thread-01", actor=ANN)
    await memories.remember("apple else", kind="message", thread_id="thread-02", actor=ANN)
    await database.write(rows.forget_thread, "thread-01")
    assert sorted(await texts(memories, "apple")) == ["apple else", "apple fact"]
    assert {one.text: one.thread_id for one in await all_of(memories, ANN)} == {
        "apple else": "thread-02",
        "apple fact": "",
    }


# Following


async def test_who_follows_sees_each_change_and_the_name_of_the_thread(
    database: Database, memories: Memories
) -> None:
    now = memories._clock.now()
    await database.write(threads.create, "thread-01", owner_id=ANN.id, title="Plans", now=now)
    shown: list[tuple[MemoryView, ...]] = []

    async def follow() -> None:
        async for views in memories.follow("APPLE", actor=ANN):
            shown.append(views)

    task = asyncio.create_task(follow())
    await eventually(lambda: shown == [()])
    made = await memories.remember("An apple", thread_id="thread-01", actor=ANN)
    await eventually(lambda: [one.thread_title for one in shown[-1]] == ["Plans"])
    await memories.remember("A pear", actor=ANN)
    await memories.remember("An apple", actor=BEN)
    await memories.edit(made.id, "Two apples", actor=ANN)
    await eventually(lambda: [one.text for one in shown[-1]] == ["Two apples"])
    await database.write(threads.delete, "thread-01", now=now)
    await eventually(lambda: [one.thread_title for one in shown[-1]] == [""])
    await memories.forget(made.id, actor=ANN)
    await eventually(lambda: shown[-1] == ())
    task.cancel()


# The vectors in memory


@held_in_memory
async def test_only_what_changed_is_read_again(memories: Memories) -> None:
    for number in range(20):
        await memories.remember(f"apple number-{number}", kind="message", actor=ANN)
    await texts(memories, "apple")
    before = memories._cache.reads
    await texts(memories, "apple")
    assert memories._cache.reads == before
    made = await memories.remember("apple pie", kind="message", actor=ANN)
    await memories.remember("apple of Ben", kind="message", actor=BEN)
    await texts(memories, "apple")
    assert memories._cache.reads == before + 1
    await memories.forget(made.id, actor=ANN)
    assert "apple pie" not in await texts(memories, "apple")
    assert memories._cache.reads == before + 1


async def test_what_another_process_wrote_is_recalled_and_what_it_forgot_is_not(
    database: Database, memories: Memories
) -> None:
    # No words in common: only vectors, which are in memory, can find these.
    memories._least_share = 2
    other_database = Database(database.url)
    other_database.open()
    async with Memories(other_database, HashEmbedder()) as other:
        other._least_share = 2
        first = await memories.remember("apple pie", actor=ANN)
        assert await texts(memories, "apple") == ["apple pie"]
        second = await other.remember("apple cake", actor=ANN)

        async def become(*expected: str) -> None:
            async with asyncio.timeout(30):
                while sorted(await texts(memories, "apple")) != sorted(expected):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)

        await become("apple pie", "apple cake")
        await other.edit(first.id, "apple tart", actor=ANN)
        await become("apple tart", "apple cake")
        await other.forget(second.id, actor=ANN)
        # At once: what is no row any more is never recalled.
        assert "apple cake" not in await texts(memories, "apple")
        await other.forget_all(actor=ANN)
        assert await texts(memories, "apple") == []
    await other_database.close()


@held_in_memory
async def test_vectors_take_no_more_memory_than_they_may(database: Database) -> None:
    async with Memories(database, HashEmbedder(), most_bytes=300_000) as memories:
        for number in range(8):
            person = Actor(f"person-{number}", "P")
            for one in range(30):
                await memories.remember(f"apple thing-{one}", kind="message", actor=person)
            assert len(await texts(memories, "apple", person)) == 30
            assert 0 < memories._cache.bytes <= 300_000
        # Room for three or so: the first comes back from the database.
        before = memories._cache.reads
        assert len(await texts(memories, "apple", Actor("person-0", "P"))) == 30
        assert memories._cache.reads == before + 30


@held_in_memory
async def test_one_with_more_than_fits_is_served_all_the_same(database: Database) -> None:
    async with Memories(database, HashEmbedder(), most_bytes=100) as memories:
        for one in range(5):
            await memories.remember(f"apple thing-{one}", actor=ANN)
        found = await asyncio.gather(*(texts(memories, "apple") for _ in range(5)))
        assert [len(one) for one in found] == [5] * 5
        assert memories._cache.bytes == 0


@held_in_memory
async def test_many_vectors_are_searched_beside_the_event_loop_with_the_same_result(
    memories: Memories, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(80):
        await memories.remember(f"apple {'pie ' * (number % 7)}thing-{number}", actor=ANN)
    here = await texts(memories, "apple pie")
    monkeypatch.setattr(memory_vectors, "INLINE", 10)
    assert await texts(memories, "apple pie") == here


# Embedders


async def test_memories_of_another_embedder_are_embedded_anew(database: Database) -> None:
    async with Memories(database, HashEmbedder(64)) as before:
        for number in range(40):
            await before.remember(f"apple pie thing-{number}", actor=ANN if number % 2 else BEN)
    async with Memories(database, HashEmbedder(128)) as memories:
        await asyncio.wait_for(memories.embedding.idle.wait(), 30)

        def held(session: Session) -> set[tuple[str, int]]:
            return {
                (one.embedder, len(one.vector or b"")) for one in session.exec(select(Memory)).all()
            }

        assert await database.read(held) == {("hash-128", 512)}
        found = await memories.recall("apple pie", actor=ANN, limit=MOST_RECALLED)
        assert [one.by for one in found] == ["both"] * 20


class Missing(HashEmbedder):
    """An embedder whose weights are not there."""

    async def embed(self, texts: object) -> Vectors:
        raise ConfigError("The weights are missing.")


async def test_without_an_embedder_memories_are_found_by_their_words(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    async with Memories(database, Missing()) as memories:
        made = await memories.remember("An apple pie", actor=ANN)
        await memories.edit(made.id, "An apple tart", actor=ANN)
        [found] = await memories.recall("apple", actor=ANN)
        assert (found.text, found.by) == ("An apple tart", "text")
    assert caplog.text.count("The weights are missing") == 1
    async with Memories(database, HashEmbedder()) as memories:
        await asyncio.wait_for(memories.embedding.idle.wait(), 30)
        [found] = await memories.recall("apple", actor=ANN)
        assert found.by == "both"


async def test_an_embedding_that_comes_late_does_not_undo_an_edit(
    database: Database, memories: Memories
) -> None:
    made = await memories.remember("apple", actor=ANN)
    await memories.edit(made.id, "pear", actor=ANN)
    await database.write(
        rows_embed, made.id, rows.text_hash("apple"), rows.Embedded(b"\0" * 1024, "hash-256")
    )
    assert await texts(memories, "pear") == ["pear"]
    [found] = await memories.recall("pear", actor=ANN)
    assert found.by == "both"


def rows_embed(tx: Tx, memory_id: str, said: str, embedded: rows.Embedded) -> None:
    stored_vectors.embed(tx, memory_id, user_id=ANN.id, text_hash=said, embedded=embedded)


# The schema


async def test_memories_from_before_the_index_are_found_by_their_words(tmp_path: Path) -> None:
    from alembic import command
    from tests.integration.test_migration import move

    url = f"sqlite:///{tmp_path / 'agentchat.db'}"
    schema.upgrade(url)
    database = Database(url)
    database.open()
    async with Memories(database, HashEmbedder()) as memories:
        await memories.remember("An apple pie", actor=ANN)
    await database.close()
    move(url, command.downgrade, "0004")
    schema.upgrade(url)
    database = Database(url)
    database.open()
    async with Memories(database, Missing()) as memories:
        assert await texts(memories, "apple") == ["An apple pie"]
    await database.close()


async def test_tidying_up_the_file_does_not_mix_up_the_words(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'agentchat.db'}"
    schema.upgrade(url)
    database = Database(url)
    database.open()
    async with Memories(database, Missing()) as memories:
        made = [await memories.remember(f"apple {word}", actor=ANN) for word in ("a1", "b2", "c3")]
        await memories.forget(made[0].id, actor=ANN)
        engine = create_engine(url)
        with engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM"))
        engine.dispose()
        await memories.edit(made[1].id, "pear", actor=ANN)
        assert await texts(memories, "apple") == ["apple c3"]
    await database.close()
