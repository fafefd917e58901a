"""How well the right memory is found: by meaning, by words, and by both. Prints a table.

R@k is the share of questions whose right memory is among the first k; MRR the mean of 1 / its
rank (0 if it is not found). Floors are a little below what was measured.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from agentchat.agents.memory.verbs import POOL, Memories
from agentchat.llm.embedder import MiniLM, Vectors
from agentchat.store import memory_words
from agentchat.store.database import Database
from agentchat.views import LOCAL
from tests.integration.memory_places import KINDS, place, searches
from tests.integration.recall_set import STRANGE, labelled
from tests.long import LONG_ON_POSTGRES

MARGIN = 0.02
FLOORS = {"vector": (0.63, 0.88, 0.74), "text": (0.44, 0.86, 0.58), "both": (0.81, 0.96, 0.87)}
"""Of each way: R@1, R@5 and MRR over all questions."""
MOST_STRANGE = 0.25
"""Of the questions that have nothing to do with anything, how many may recall something."""


class Once(MiniLM):
    """Embeds each text once for all tests here."""

    known: ClassVar[dict[str, Vectors]] = {}

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """See :meth:`MiniLM.embed`."""
        new = [text for text in dict.fromkeys(texts) if text not in self.known]
        self.known.update(zip(new, await super().embed(new), strict=True))
        return np.stack([self.known[text] for text in texts])


Figures = tuple[float, float, float]


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of each kind; on PostgreSQL with pgvector and without."""
    return place(request, tmp_path)


def figures(ranks: Sequence[int]) -> Figures:
    """R@1, R@5 and MRR of the ranks from 1, 0 for what was not found."""
    count = len(ranks)
    return (
        sum(rank == 1 for rank in ranks) / count,
        sum(0 < rank <= 5 for rank in ranks) / count,
        sum(1 / rank for rank in ranks if rank) / count,
    )


@LONG_ON_POSTGRES
async def test_both_ways_together_find_more_than_each_alone(database: Database) -> None:
    told, questions = labelled()
    embedder = Once()
    ranks: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    async with Memories(database, embedder) as memories:
        ids = [(await memories.remember(text)).id for text in told]
        assert len(set(ids)) == len(told), "no two memories of the set are one"
        assert (memories.vectors is not memories._cache) == searches(database.url)
        for question in questions:
            vector = (await memories.embedding.of([question.text]))[question.text]
            async with memories.vectors.using(LOCAL.id) as held:
                near = await held.nearest(vector, [""], limit=POOL, least=-1)
            if memories.vectors is not memories._cache:
                async with memories._cache.using(LOCAL.id) as held:
                    numpy = await held.nearest(vector, [""], limit=POOL, least=-1)
                assert [one for one, _ in near] == [one for one, _ in numpy]
                assert dict(near) == pytest.approx(dict(numpy), abs=1e-6)
            worded = await database.read(
                memory_words.matching, question.text, user_id=LOCAL.id, agents=[""], limit=POOL
            )
            found = {
                "vector": [one for one, _ in near],
                "text": [match.id for match in worded],
                "both": [one.id for one in await memories.recall(question.text, limit=POOL)],
            }
            right = ids[question.right]
            for way, order in found.items():
                rank = order.index(right) + 1 if right in order else 0
                ranks[question.group, way].append(rank)
                ranks["all", way].append(rank)
        recalled = [question for question in STRANGE if await memories.recall(question)]
    await embedder.close()

    print(f"\n{len(told)} memories, {len(questions)} questions")
    for (group, way), ordered in ranks.items():
        shown = "  ".join(f"{figure:.3f}" for figure in figures(ordered))
        print(f"{group:9} {way:7} {len(ordered):4}   R@1, R@5, MRR  {shown}")
    print(f"strange questions that recall something: {len(recalled)} of {len(STRANGE)}")

    of = {way: figures(ranks["all", way]) for way in FLOORS}
    for way, floors in FLOORS.items():
        assert all(mine >= floor for mine, floor in zip(of[way], floors, strict=True)), way
    for way in ("vector", "text"):
        assert all(
            both >= alone - MARGIN for both, alone in zip(of["both"], of[way], strict=True)
        ), way
    assert figures(ranks["ids", "both"])[0] == 1, "an exact name is found first"
    assert len(recalled) <= MOST_STRANGE * len(STRANGE)


@LONG_ON_POSTGRES
@pytest.mark.parametrize("count", [300])
async def test_the_right_one_is_found_after_the_embedder_was_away(
    tmp_path: Path, database: Database, count: int
) -> None:
    told, questions = labelled()
    away = MiniLM(tmp_path / "none")
    async with Memories(database, away) as memories:
        ids = [(await memories.remember(text)).id for text in told[-60:]]
        found = await memories.recall("What happened to ORD-4400?")
        assert all(one.by == "text" for one in found)
    await away.close()
    embedder = Once()
    async with Memories(database, embedder) as memories:
        await memories.embedding.idle.wait()
        right = questions[-1]
        found = await memories.recall(right.text)
        assert ids[right.right - len(told)] in [one.id for one in found[:3]]
        assert found[0].by != "text"
    await embedder.close()
