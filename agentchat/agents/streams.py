"""Answers while they grow: text is gathered in memory and written at every tick, for all
streams of the process in one transaction.

Writing per token costs a process its capacity (a message update per chunk cannot carry
ten streams); one transaction per tick carries hundreds. A crash loses at most a tick of
text, which the next attempt writes again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from agentchat.agents.sentences import settled
from agentchat.durable.clock import Clock
from agentchat.errors import LeaseLost
from agentchat.inputs import storable
from agentchat.store import messages
from agentchat.store.database import Database
from agentchat.store.messages import Answer, Piece

logger = logging.getLogger(__name__)

TICK = timedelta(milliseconds=100)


class Stream:
    """One growing answer, written by one try of one attempt of its run."""

    def __init__(self, answer: Answer, attempt: int, tries: int, clock: Clock) -> None:
        self.answer = answer
        self.lost = False
        self._attempt = attempt
        self._tries = tries
        self._clock = clock
        self._waiting = ""
        self._since: datetime | None = None

    def write(self, text: str) -> None:
        """Add text; raises :class:`LeaseLost` once the run is no longer this attempt's."""
        if self.lost:
            raise LeaseLost
        self._waiting += text
        self._since = self._since or self._clock.now()

    def take(self, *, everything: bool = False) -> Piece | None:
        """Take the text that is due to be written, if there is some."""
        if self._since is None:
            return None
        waited = self._clock.now() - self._since
        size = len(self._waiting) if everything else settled(self._waiting, waited)
        if size and not everything and "\ud800" <= self._waiting[size - 1] <= "\udbff":
            # Half a character: a provider may send the other half with the next piece.
            size -= 1
        if not size:
            return None
        text, self._waiting = self._waiting[:size], self._waiting[size:]
        self._since = self._clock.now() if self._waiting else None
        return Piece(self.answer, self._attempt, self._tries, storable(text))

    def give_back(self, piece: Piece) -> None:
        """Put back text that could not be written, before what came since."""
        self._waiting = piece.text + self._waiting
        self._since = self._since or self._clock.now()


class Streams:
    """All growing answers of the process."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._open: set[Stream] = set()
        self._ticking: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def open(self, answer: Answer, attempt: int, tries: int) -> AsyncIterator[Stream]:
        """A stream for one try of an attempt; whatever is left is written when it is closed, also
        when it is closed by an error.
        """
        stream = Stream(answer, attempt, tries, self._clock)
        self._open.add(stream)
        if self._ticking is None or self._ticking.done():
            self._ticking = asyncio.create_task(self._tick(), name="agentchat-streams")
        try:
            yield stream
        finally:
            self._open.discard(stream)
            # After the tick at hand: what it could not write is given back, and comes first.
            async with self._writing:
                rest = stream.take(everything=True)
                if rest is not None and not stream.lost:
                    await self._append([rest])

    def drop(self) -> None:
        """Nothing more is written of the answers that grow: as if their worker was killed."""
        for stream in self._open:
            stream.lost = True
        self._open.clear()

    async def _tick(self) -> None:
        while self._open:
            await asyncio.sleep(TICK.total_seconds())
            async with self._writing:
                taken = [(s, piece) for s in self._open if (piece := s.take()) is not None]
                if not taken:
                    continue
                try:
                    lost = await self._append([piece for _, piece in taken])
                except Exception:
                    logger.exception("text could not be written; trying again at the next tick")
                    for stream, piece in taken:
                        stream.give_back(piece)
                    continue
                for stream, piece in taken:
                    stream.lost = stream.lost or piece.answer.run_id in lost

    async def _append(self, pieces: list[Piece]) -> set[str]:
        return await self._database.write_soon(messages.append, pieces, now=self._clock.now())
