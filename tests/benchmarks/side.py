"""What the engine and the yardstick both can do, so that they are measured alike."""

from __future__ import annotations

import random
import string
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

GATE = "gate"
"""The step in which runs are interrupted, and whose beginning is what latency ends with."""


@lru_cache(maxsize=64)
def _text(seed: int, size: int) -> str:
    return "".join(random.Random(seed).choices(string.ascii_letters + string.digits, k=size))


def payload(n: int, size: int) -> str:
    """What the nth step returns: the same in each process, and nothing that compresses well."""
    return RESULT if size == len(RESULT) else _text(n % 64, size)


RESULT = _text(0, 200)


@dataclass(frozen=True, slots=True)
class Recovery:
    """How interrupted runs were finished: times are from the start call."""

    first: float
    """When the first step that was not remembered was entered."""
    last: float
    """When no run was unfinished any more."""
    repeated: int
    """How many finished steps ran again."""


class System(Protocol):
    """A side that is at work on a database."""

    async def run(self, run_id: str, steps: int, size: int = ...) -> list[float]:
        """One run from its start to its end; how long each step took."""
        ...

    async def latency(self, run_id: str) -> float:
        """From asking for a run until its first step is entered."""
        ...


class Side(Protocol):
    """The engine, or the yardstick."""

    name: str

    def open(self, url: str, /) -> AbstractAsyncContextManager[System]:
        """Start to work on a migrated database."""
        ...

    async def interrupt(self, url: str, /, runs: int, before: int, after: int) -> None:
        """Leave runs behind of ``before`` finished steps, the next one under way."""
        ...

    async def recover(self, url: str, /, runs: int, before: int, after: int) -> Recovery:
        """Finish what :meth:`interrupt` left."""
        ...
