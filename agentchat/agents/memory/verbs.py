"""Memories: the verbs that remember, recall, edit and forget."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Row
from sqlmodel import Session

from agentchat.agents.memory.embedding import Embedding
from agentchat.agents.memory.rank import distinct, fused, say_the_same
from agentchat.agents.memory.searched import SearchedVectors
from agentchat.agents.memory.vectors import MOST_BYTES, VectorCache
from agentchat.agents.memory.views import (
    MOST_CHARACTERS,
    Kind,
    MemoryView,
    Recalled,
    check_place,
    checked_memory,
    recalled_of,
    view_of,
)
from agentchat.durable.clock import Clock, SystemClock
from agentchat.errors import NotAllowed
from agentchat.inputs import checked_id, storable
from agentchat.llm.embedder import Embedder, Vectors
from agentchat.store import memories, memory_index, memory_texts, memory_words
from agentchat.store.database import Database
from agentchat.store.memories import NewMemory
from agentchat.store.memory_words import Match
from agentchat.views import LOCAL, Actor

MOST_RECALLED = 50
SHOWN = 200
"""How many memories a page shows, the newest."""
POOL = 50
"""How many candidates each way of looking gives."""
LEAST_NEAR = 0.3
"""The least cosine of MiniLM at which a memory has to do with a question: see test_recall.py."""
LEAST_SHARE = 0.3
"""The least share of a question's words by which they alone bring a memory back."""


class Memories:
    """What is remembered about people: ``async with Memories(database, embedder) as memories``.

    Every verb is done by an ``actor`` and reaches only what is remembered for that person;
    the id of another's memory raises NotFound. An ``agent`` has a place of its own: what is
    remembered for it is recalled by it alone, what is remembered for none ("") by all.

    While it is open it gives vectors to memories that have none of this embedder. When the
    embedder cannot be loaded, memories are found by their words alone. ``allow`` raises
    NotAllowed for actors who may not do anything here.
    """

    def __init__(
        self,
        database: Database,
        embedder: Embedder,
        clock: Clock | None = None,
        *,
        allow: Callable[[Actor], None] | None = None,
        most_bytes: int = MOST_BYTES,
        least_near: float = LEAST_NEAR,
        least_share: float = LEAST_SHARE,
    ) -> None:
        self._database = database
        self._clock = clock or SystemClock()
        self._allow = allow or _named
        self._least_near = least_near
        self._least_share = least_share
        self.embedding = Embedding(database, embedder)
        self._searched = SearchedVectors(database, embedder.id, embedder.dim)
        self._cache = VectorCache(database, embedder.id, embedder.dim, most_bytes=most_bytes)
        self.vectors: SearchedVectors | VectorCache = self._cache

    async def __aenter__(self) -> Self:
        self._cache.listen()
        if await self._database.read(memory_index.searchable):
            self.vectors = self._searched
        self.embedding.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.embedding.close()
        self._cache.close()

    # Remembering

    async def remember(
        self,
        text: str,
        *,
        kind: Kind = "fact",
        agent: str = "",
        source_id: str = "",
        thread_id: str = "",
        actor: Actor = LOCAL,
    ) -> MemoryView:
        """Remember a text. The same again is one memory; a fact that says nearly what another
        says takes its place, for the newer is the truer.

        Raises InvalidInput if it is empty, longer than 4,000 characters, or looks as if it
        held a password or key.
        """
        self._allow(actor)
        text = checked_memory(text)
        check_place(kind, agent, source_id, thread_id)
        vectors = await self.embedding.of([text])
        known = (
            await self.known(text, vectors.get(text), agent=agent, user_id=actor.id)
            if kind == "fact"
            else ""
        )
        embedded = self.embedding.stored(text, vectors)
        new = NewMemory(
            checked_id(None), actor.id, agent, kind, text, source_id, thread_id, embedded
        )
        now = self._clock.now()
        memory_id = await self._database.write(memories.put, new, known, now=now)
        if embedded.vector is None:
            self.embedding.wanted()
        return await self.get(memory_id, actor=actor)

    async def known(self, text: str, vector: Vectors | None, *, agent: str, user_id: str) -> str:
        """The id of the user's fact that says nearly the same as ``text``; empty if none does."""
        if vector is None:
            return ""
        async with self.vectors.using(user_id) as held:
            near = dict(await held.nearest(vector, [agent], limit=POOL, least=0.9))
        rows = await self._read(memories.by_ids, list(near), user_id=user_id, agents=[agent])
        return next(
            (
                row.id
                for row in sorted(rows, key=lambda row: -near[row.id])
                if row.kind == "fact" and say_the_same(text, row.text, near[row.id])
            ),
            "",
        )

    async def edit(self, memory_id: str, text: str, *, actor: Actor = LOCAL) -> MemoryView:
        """Let a memory say something else; raises InvalidInput as :meth:`remember` does, and
        NotFound.
        """
        self._allow(actor)
        memory_id, text = checked_id(memory_id), checked_memory(text)
        embedded = self.embedding.stored(text, await self.embedding.of([text]))
        now = self._clock.now()
        await self._database.write(
            memories.edit, memory_id, text, user_id=actor.id, embedded=embedded, now=now
        )
        if embedded.vector is None:
            self.embedding.wanted()
        return await self.get(memory_id, actor=actor)

    async def forget(self, memory_id: str, *, actor: Actor = LOCAL) -> MemoryView:
        """Delete a memory, and return what it was; raises NotFound.

        Its text goes from wherever else it was written down: the sources under answers, the
        calls of tools that remembered or recalled it, the journals of runs. What was said
        stays in its thread: messages, and the text and reasoning of answers.
        """
        self._allow(actor)
        was = await self.get(memory_id, actor=actor)
        await self._database.write(memory_texts.forget, checked_id(memory_id), user_id=actor.id)
        return was

    async def forget_all(self, *, agent: str | None = None, actor: Actor = LOCAL) -> int:
        """Delete all that is remembered for a person, or for one of their agents, as
        :meth:`forget` does; how much it was.
        """
        self._allow(actor)
        return await self._database.write(memory_texts.forget_all, user_id=actor.id, agent=agent)

    # Recalling

    async def recall(
        self, query: str, *, agent: str = "", limit: int = 8, actor: Actor = LOCAL
    ) -> tuple[Recalled, ...]:
        """What is remembered that has to do with ``query``, best first, up to 50; nothing
        rather than what has not. Of those that say the same, the best.

        Search over vectors, by the database where it can, and the database's own over words;
        the two rankings become one by reciprocal rank fusion.
        """
        self._allow(actor)
        query = storable(query).strip()
        if not query or limit < 1:
            return ()
        agents = ["", agent] if agent else [""]
        question = (await self.embedding.of([query])).get(query)
        async with self.vectors.using(actor.id) as held:
            near = []
            if question is not None:
                near = await held.nearest(question, agents, limit=POOL, least=self._least_near)
            worded, rows = await self._database.read(
                _look, query, [found for found, _ in near], user_id=actor.id, agents=agents
            )
            vectors = await held.of(rows)
            close = [found for found, _ in near if found in rows]
            ranked = fused(close, self._fitting(worded, close, vectors))
            texts = {found: row.text for found, row in rows.items()}
            best = [
                one
                for _, one in zip(
                    range(min(limit, MOST_RECALLED)),
                    distinct(ranked, texts, vectors),
                    strict=False,
                )
            ]
        return tuple(recalled_of(one, rows[one.id]) for one in best)

    def _fitting(
        self, worded: Sequence[Match], close: Sequence[str], vectors: Mapping[str, Vectors]
    ) -> list[Match]:
        """Of the memories that share words with a question, those that have to do with it: one
        word of many is little, unless the meaning is near too.
        """
        return [
            match
            for match in worded
            if match.id in close or match.id not in vectors or match.share >= self._least_share
        ]

    async def get(self, memory_id: str, *, actor: Actor = LOCAL) -> MemoryView:
        """One memory as it is now; raises NotFound."""
        self._allow(actor)
        row = await self._database.read(memories.get, checked_id(memory_id), user_id=actor.id)
        return view_of(row)

    def follow(
        self,
        words: str = "",
        *,
        kind: Kind | None = None,
        limit: int = SHOWN,
        actor: Actor = LOCAL,
    ) -> AsyncGenerator[tuple[MemoryView, ...], None]:
        """Yield what is remembered for a person and holds ``words``, of one kind if given,
        newest first, now and whenever it changes.
        """
        self._allow(actor)
        words = storable(words).strip()[:MOST_CHARACTERS]
        return self._database.live.follow(_views, actor.id, words, kind or "", limit)

    async def _read(
        self, query: Callable[..., Iterable[Row[Any]]], *args: Any, **kwargs: Any
    ) -> list[Row[Any]]:
        return await self._database.read(lambda session: list(query(session, *args, **kwargs)))


def _named(actor: Actor) -> None:
    if not actor.id or not actor.name:
        raise NotAllowed


def _look(
    session: Session, query: str, near: Sequence[str], *, user_id: str, agents: Sequence[str]
) -> tuple[list[Match], dict[str, Row[Any]]]:
    worded = memory_words.matching(session, query, user_id=user_id, agents=agents, limit=POOL)
    ids = list(dict.fromkeys((*near, *(match.id for match in worded))))
    rows = {row.id: row for row in memories.by_ids(session, ids, user_id=user_id, agents=agents)}
    return [match for match in worded if match.id in rows], rows


def _views(
    session: Session, user_id: str, words: str, kind: str, limit: int
) -> tuple[MemoryView, ...]:
    rows = memories.of_user(session, user_id=user_id, words=words, kind=kind, limit=limit)
    return tuple(map(view_of, rows))
