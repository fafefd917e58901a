"""Everything that one execution of a run writes goes through here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Concatenate, TypeVar

from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from agentchat.durable.clock import Clock
from agentchat.durable.hand import cleaning
from agentchat.durable.journal import Key
from agentchat.errors import Fenced, LeaseLost, StorageUnavailable
from agentchat.store import journal
from agentchat.store.database import Database
from agentchat.store.runs import Hold
from agentchat.store.writer import Tx

T = TypeVar("T")

logger = logging.getLogger(__name__)

AGAIN = 0.1
LONGEST = 5.0
"""Seconds between tries to write to a database that cannot be used: growing, up to this."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's claim on a run."""

    worker: str
    hold: Hold


class Ledger:
    """Writes for one claim, fenced; with each goes what has gathered of log and attempts.

    A database that cannot be used is waited for, as long as the run is ours. ``tried`` is told
    of each attempt.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        claim: Claim,
        *,
        tried: Callable[[dict[str, Any]], None] = lambda _row: None,
    ) -> None:
        self.claim = claim
        self.clock = clock
        self.begun: set[Key] = set()
        """What is begun in the journal and not over."""
        self.dead = False
        """Whether the worker has died: then nothing more is written, and LeaseLost is raised."""
        self._database = database
        self._tried = tried
        self._lines: list[dict[str, Any]] = []
        self._attempts: list[dict[str, Any]] = []
        self._unsure = False

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self.claim.hold.run_id

    def line(self, row: dict[str, Any]) -> None:
        """Add a line to the log with the next write."""
        self._lines.append(row)

    def attempt(self, row: dict[str, Any]) -> None:
        """Add a try that came to nothing with the next write."""
        self._tried(row)
        self._attempts.append(row)

    @property
    def gathered(self) -> bool:
        """Whether something waits for the next write."""
        return bool(self._lines or self._attempts)

    async def write(
        self, unit: Callable[Concatenate[Tx, Hold, ...], T], *args: Any, **values: Any
    ) -> T:
        """The value of ``unit(tx, hold, ...)`` after a durable commit; it may be run again
        when the answer of the database is lost. Raises LeaseLost if the run is not ours.
        """
        lines, self._lines = self._lines, []
        attempts, self._attempts = self._attempts, []
        hold, again, self._unsure = self.claim.hold, self._unsure, False

        def whole(tx: Tx) -> T:
            value = unit(tx, hold, *args, **values)
            if attempts:
                journal.add_attempts(tx, attempts)
            if lines:
                journal.add_logs(tx, lines, again=again)
            return value

        delay = 0.0
        try:
            while True:
                if self.dead:
                    raise LeaseLost("The worker has died.")
                try:
                    return await self._database.write(whole)
                except Fenced as error:
                    raise LeaseLost(str(error)) from error
                except StorageUnavailable as error:
                    if not delay:
                        logger.error("run %s cannot be written down yet: %s", self.run_id, error)
                    delay, again = min(LONGEST, delay * 2 or AGAIN), True
                    await asyncio.sleep(delay)
                except Exception:
                    # Undone by an error of the unit itself: they go with what is written of that.
                    self._put_back(lines, attempts, unsure=again)
                    raise
        except asyncio.CancelledError:
            # It may be committed all the same, or never.
            self._put_back(lines, attempts, unsure=bool(lines))
            raise

    def _put_back(
        self, lines: list[dict[str, Any]], attempts: list[dict[str, Any]], *, unsure: bool
    ) -> None:
        """Let it go with the next write, which looks what is there already if it is unsure."""
        self._lines, self._attempts = lines + self._lines, attempts + self._attempts
        self._unsure = self._unsure or unsure

    async def read(self, query: Callable[[Session, str], T]) -> T:
        """The value of ``query(session, run_id)``; a database that does not answer is asked
        again.
        """
        delay = 0.0
        while True:
            try:
                return await self._database.read(query, self.run_id)
            except DBAPIError as error:
                logger.debug("run %s cannot be read yet: %s", self.run_id, error)
                delay = min(LONGEST, delay * 2 or AGAIN)
                await asyncio.sleep(delay)

    def row(self, key: Key, started: datetime, **values: Any) -> dict[str, Any]:
        """A row of the journal, by column."""
        return {
            "run_id": self.run_id,
            "branch": key.branch,
            "name": key.name,
            "occurrence": key.occurrence,
            "attempt": self.claim.hold.attempt,
            "worker": self.claim.worker,
            "cleanup": cleaning.get(),
            "started_at": started,
            "finished_at": self.clock.now(),
            **values,
        }
