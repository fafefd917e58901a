"""The vectors of users in memory, kept as the database has them: for a database that cannot
search them itself (``searched.py``).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

import numpy as np
from sqlmodel import Session

from agentchat.llm.embedder import Vectors
from agentchat.store import memory_vectors
from agentchat.store.changes import EVERYTHING, Rows
from agentchat.store.database import Database

MOST_BYTES = 256 * 2**20
"""How much memory the vectors of all users take at most; 100,000 of MiniLM are 160 MB."""
MOST_CHANGES = 1000
"""How many changes of one user are kept by id; more, and all are compared."""
INLINE = 2000
"""So many vectors are gone through on the spot; more of them in a thread."""
_ENTRY_BYTES = 400
"""What an id and its mark take beside the vector."""

Row = tuple[str, str, str, str, bytes | None]
"""Id, agent, mark of the change, embedder, vector."""


class UserVectors:
    """All vectors of one user in one array, the first ``len(ids)`` rows of ``matrix``."""

    def __init__(self, embedder: str, dim: int) -> None:
        self._embedder = embedder
        self._dim = dim
        self.lock = asyncio.Lock()
        self.changed: set[str] = set()
        self.uncertain = True
        """Whether anything may have changed, not only ``changed``."""
        self.stamps: dict[str, str] = {}
        """Of each memory, also of one without a vector, the mark of its last change."""
        self._ids: list[str] = []
        self._places: dict[str, int] = {}
        self._agents: dict[str, int] = {}
        self._matrix: Vectors = np.empty((0, dim), np.float32)
        self._owners = np.empty(0, np.int32)

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def bytes(self) -> int:
        """How much memory it takes, about."""
        return self._matrix.nbytes + self._owners.nbytes + _ENTRY_BYTES * len(self.stamps)

    def put(self, row: Row) -> None:
        """Take in a memory as it is now."""
        memory_id, agent, stamp, embedder, vector = row
        self.drop(memory_id)
        self.stamps[memory_id] = stamp
        if vector is None or embedder != self._embedder or len(vector) != 4 * self._dim:
            return
        place = len(self._ids)
        if place == len(self._matrix):
            self._resize(max(64, place * 5 // 4))
        self._ids.append(memory_id)
        self._places[memory_id] = place
        self._owners[place] = self._agents.setdefault(agent, len(self._agents))
        self._matrix[place] = np.frombuffer(vector, np.float32)

    def drop(self, memory_id: str) -> None:
        """Forget a memory, if it is known; the last row takes its place."""
        self.stamps.pop(memory_id, None)
        place = self._places.pop(memory_id, None)
        if place is None:
            return
        last = self._ids.pop()
        if last != memory_id:
            self._ids[place] = last
            self._places[last] = place
            self._matrix[place] = self._matrix[len(self._ids)]
            self._owners[place] = self._owners[len(self._ids)]

    def trim(self) -> None:
        """Keep little more room than is needed."""
        self._resize(len(self._ids) * 21 // 20 + 8)

    def _resize(self, rows: int) -> None:
        matrix = np.empty((rows, self._dim), np.float32)
        owners = np.empty(rows, np.int32)
        count = len(self._ids)
        matrix[:count], owners[:count] = self._matrix[:count], self._owners[:count]
        self._matrix, self._owners = matrix, owners

    async def nearest(
        self, question: Vectors, agents: Sequence[str], *, limit: int, least: float
    ) -> list[tuple[str, float]]:
        """The ids nearest to a vector (dim,) and how near (cosine), nearest first, among those
        of these agents and no farther than ``least``.
        """
        if len(self) <= INLINE:
            return self._nearest(question, agents, limit, least)
        return await asyncio.to_thread(self._nearest, question, agents, limit, least)

    def _nearest(
        self, question: Vectors, agents: Sequence[str], limit: int, least: float
    ) -> list[tuple[str, float]]:
        count = len(self._ids)
        near = self._matrix[:count] @ question
        allowed = [self._agents[agent] for agent in agents if agent in self._agents]
        if len(allowed) < len(self._agents):
            near[~np.isin(self._owners[:count], allowed)] = -np.inf
        places = np.arange(count)
        if count > limit:
            places = np.argpartition(-near, limit)[:limit]
        places = places[near[places] >= least]
        best = places[np.argsort(-near[places], kind="stable")]
        return [(self._ids[place], float(near[place])) for place in best]

    async def of(self, ids: Iterable[str]) -> dict[str, Vectors]:
        """The vectors (dim,) of those among these memories that have one."""
        places = ((memory_id, self._places.get(memory_id)) for memory_id in ids)
        return {found: self._matrix[place] for found, place in places if place is not None}


class VectorCache:
    """The vectors of the users who asked last, read when somebody asks and kept fresh by what
    commits tell, also those of other processes. Takes at most ``most_bytes``.
    """

    def __init__(
        self, database: Database, embedder: str, dim: int, *, most_bytes: int = MOST_BYTES
    ) -> None:
        self._database = database
        self._embedder = embedder
        self._dim = dim
        self._most_bytes = most_bytes
        self._users: OrderedDict[str, UserVectors] = OrderedDict()
        self.reads = 0
        """How many vectors were read from the database so far."""

    @property
    def bytes(self) -> int:
        """How much memory it takes, about."""
        return sum(user.bytes for user in self._users.values())

    def listen(self) -> None:
        """Begin to be told of commits; needed before the first use."""
        self._database.live.listen(self._notice)

    def close(self) -> None:
        """Be told no more, and let go of everything."""
        self._database.live.unlisten(self._notice)
        self._users.clear()

    @asynccontextmanager
    async def using(self, user_id: str) -> AsyncIterator[UserVectors]:
        """The vectors of a user as they are now, for one who asks at a time."""
        while True:
            held = self._users.get(user_id)
            if held is None:
                held = self._users[user_id] = UserVectors(self._embedder, self._dim)
            self._users.move_to_end(user_id)
            async with held.lock:
                if self._users.get(user_id) is not held:
                    # It had to make room meanwhile, and is told of nothing any more.
                    continue
                await self._refresh(user_id, held)
                self._make_room()
                yield held
                return

    async def _refresh(self, user_id: str, held: UserVectors) -> None:
        if not (held.uncertain or held.changed):
            return
        # What is told from here on is for the next time: this read may miss it.
        uncertain, held.uncertain = held.uncertain, False
        changed, held.changed = held.changed, set()
        try:
            await self._database.read(self._update, user_id, held, None if uncertain else changed)
        except BaseException:
            held.uncertain = True
            raise

    def _update(
        self, session: Session, user_id: str, held: UserVectors, changed: set[str] | None
    ) -> None:
        ids: list[str] | None
        if changed is not None:
            ids, gone = list(changed), set(changed)
        elif held.stamps:
            now = dict(memory_vectors.stamps(session, user_id=user_id))
            ids = [found for found, stamp in now.items() if held.stamps.get(found) != stamp]
            gone = held.stamps.keys() - now.keys()
        else:
            ids, gone = None, set()
        for row in memory_vectors.vectors(session, ids, user_id=user_id):
            held.put(row)
            gone.discard(row[0])
            self.reads += 1
        for memory_id in gone:
            held.drop(memory_id)
        if ids is None:
            held.trim()

    def _make_room(self) -> None:
        while self.bytes > self._most_bytes and self._users:
            # Whoever uses it just now goes on with it.
            self._users.popitem(last=False)

    def _notice(self, changes: list[Rows]) -> None:
        for change in changes:
            if change.table not in ("memories", EVERYTHING):
                continue
            known = dict(change.known)
            user_id, memory_id = known.get("user_id"), known.get("id")
            held = self._users.values() if user_id is None else (self._users.get(user_id),)
            for one in held:
                if one is None:
                    continue
                if memory_id is None or len(one.changed) >= MOST_CHANGES:
                    one.uncertain = True
                else:
                    one.changed.add(memory_id)
