"""Embedding memories: at once where somebody waits, in the background where they lack a vector."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlalchemy import Row

from agentchat.errors import AgentChatError, ConfigError
from agentchat.llm.embedder import BATCH, Embedder, Vectors
from agentchat.store import memories, memory_vectors
from agentchat.store.database import Database
from agentchat.store.memories import Embedded
from agentchat.store.writer import Tx

logger = logging.getLogger(__name__)

AGAIN_SECONDS = 30.0
"""How long to wait after an error that may pass."""


class Embedding:
    """An embedder beside a database. What cannot be embedded, because the embedder is missing,
    has no vector; that is logged once.
    """

    def __init__(self, database: Database, embedder: Embedder) -> None:
        self._database = database
        self._embedder = embedder
        self._missing = False
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.idle = asyncio.Event()
        """Set while no memory is known to lack a vector of this embedder."""

    def open(self) -> None:
        """Begin to embed what lacks a vector, in the background."""
        self.wanted()
        self._task = asyncio.create_task(self._serve(), name="agentchat-embedding")

    async def close(self) -> None:
        """End that."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def wanted(self) -> None:
        """There may be memories without a vector."""
        self.idle.clear()
        self._wanted.set()

    async def of(self, texts: Sequence[str]) -> dict[str, Vectors]:
        """The vectors (dim,) of texts; empty if the embedder is missing. One of a text that
        tells nothing, all zeros, is left out.
        """
        if self._missing:
            return {}
        try:
            made = await self._embedder.embed(list(dict.fromkeys(texts)))
        except ConfigError as error:
            self._missing = True
            logger.warning("memories are found by their words only: %s", error)
            return {}
        return {
            text: vector
            for text, vector in zip(dict.fromkeys(texts), made, strict=True)
            if vector.any()
        }

    def stored(self, text: str, vectors: dict[str, Vectors]) -> Embedded:
        """The vector of a text as it is stored."""
        if self._missing:
            return memories.UNEMBEDDED
        vector = vectors.get(text)
        if vector is None:
            # Embedded, to nothing: not to be tried again and again.
            vector = np.zeros(self._embedder.dim, np.float32)
        return Embedded(vector.astype("<f4").tobytes(), self._embedder.id)

    async def _serve(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                await self._embed_all()
            except AgentChatError:
                logger.warning("memories could not be embedded; trying again", exc_info=True)
                await asyncio.sleep(AGAIN_SECONDS)
                self._wanted.set()
            if not self._wanted.is_set():
                self.idle.set()

    async def _embed_all(self) -> None:
        after = ""
        if self._missing:
            return
        while rows := await self._database.read(
            memory_vectors.of_other_embedders, self._embedder.id, after=after, limit=BATCH
        ):
            vectors = await self.of([row.text for row in rows])
            if self._missing:
                return
            await self._database.write_soon(self._store, rows, vectors)
            after = rows[-1].id

    def _store(self, tx: Tx, rows: Sequence[Row[Any]], vectors: dict[str, Vectors]) -> None:
        for row in rows:
            embedded = self.stored(row.text, vectors)
            memory_vectors.embed(
                tx, row.id, user_id=row.user_id, text_hash=row.text_hash, embedded=embedded
            )
