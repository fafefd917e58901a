"""The vectors of users where the database itself finds the nearest: nothing is kept in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

import numpy as np

from agentchat.llm.embedder import Vectors
from agentchat.store import memory_vectors
from agentchat.store.database import Database

WIDER = 2
"""How many times as many as asked for the database chooses, for it counts in 16 bits."""


class SearchedVectors:
    """What :class:`~agentchat.agents.memory.vectors.VectorCache` gives, asked for when needed."""

    def __init__(self, database: Database, embedder: str, dim: int) -> None:
        self._database = database
        self._embedder = embedder
        self._dim = dim

    @asynccontextmanager
    async def using(self, user_id: str) -> AsyncIterator[SearchedUser]:
        """The vectors of a user as they are now."""
        yield SearchedUser(self._database, self._embedder, self._dim, user_id)


class SearchedUser:
    """The vectors of one user in the database, and what was read of them so far."""

    def __init__(self, database: Database, embedder: str, dim: int, user_id: str) -> None:
        self._database = database
        self._embedder = embedder
        self._dim = dim
        self._user_id = user_id
        self._read: dict[str, Vectors] = {}

    async def nearest(
        self, question: Vectors, agents: Sequence[str], *, limit: int, least: float
    ) -> list[tuple[str, float]]:
        """The ids nearest to a vector (dim,) and how near (cosine), nearest first, among those
        of these agents and no farther than ``least``.
        """
        rows = await self._database.read(
            memory_vectors.nearest,
            question.tolist(),
            user_id=self._user_id,
            agents=agents,
            embedder=self._embedder,
            limit=WIDER * limit,
        )
        if not rows:
            return []
        ids = [memory_id for memory_id, _ in rows]
        matrix = np.stack([np.frombuffer(vector, "<f4") for _, vector in rows])
        self._read.update(zip(ids, matrix, strict=True))
        near = matrix @ question
        best = [place for place in np.argsort(-near, kind="stable") if near[place] >= least]
        return [(ids[place], float(near[place])) for place in best[:limit]]

    async def of(self, ids: Iterable[str]) -> dict[str, Vectors]:
        """The vectors (dim,) of those among these memories that have one."""
        wanted = list(ids)
        unread = [memory_id for memory_id in wanted if memory_id not in self._read]
        if unread:
            rows = await self._database.read(memory_vectors.of_ids, unread, user_id=self._user_id)
            for memory_id, embedder, vector in rows:
                if embedder == self._embedder and len(vector) == 4 * self._dim:
                    self._read[memory_id] = np.frombuffer(vector, "<f4")
        return {found: self._read[found] for found in wanted if found in self._read}
