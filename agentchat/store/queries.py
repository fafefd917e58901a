"""What is known of live queries, for whoever wants to know why they run."""

from __future__ import annotations

from dataclasses import dataclass

from agentchat.store.changes import Rows


@dataclass(frozen=True, slots=True)
class QueryView:
    """A followed query, for whoever wants to know why it runs."""

    name: str
    """Module and name of the function."""
    arguments: str
    """What it is called with, as in a call."""
    followers: int
    runs: int
    idle_runs: int
    """How many of its runs came to what the one before had come to."""
    reads: tuple[Rows, ...]
    """What it read when it last ran."""
    reason: str
    """Why it last ran."""
    settled: bool
    """Whether nothing that it reads has changed since it last read."""


@dataclass(slots=True)
class Tally:
    """How often a query ran in the life of this process, whoever followed it."""

    runs: int = 0
    idle_runs: int = 0
