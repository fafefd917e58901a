"""What is under way for long is told of, with one timer for all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count

LATE = 0.1
"""After how many seconds a step that is under way is written down. Shorter ones are written
once, when they are over."""


class Late:
    """Calls back for whatever has not ended :data:`LATE` seconds after it began.

    A timer for each costs more than most steps take on the loop; here there is one at a time,
    for what began first.
    """

    def __init__(self) -> None:
        self._under_way: dict[int, tuple[float, Callable[[], object]]] = {}
        self._numbers = count()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, call: Callable[[], object]) -> int:
        """Have ``call()`` called in the event loop at hand unless this has ended by then; the
        number to end it with.
        """
        loop = asyncio.get_running_loop()
        number, due = next(self._numbers), loop.time() + LATE
        self._under_way[number] = (due, call)
        if self._timer is None:
            self._timer = loop.call_at(due, self._tell, loop)
        return number

    def end(self, number: int) -> None:
        """It has ended."""
        self._under_way.pop(number, None)

    def _tell(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now = loop.time()
        while self._under_way:
            number, (due, call) = next(iter(self._under_way.items()))
            if due > now:
                # As many steps may have come and gone since: they needed no timer.
                self._timer = loop.call_at(due, self._tell, loop)
                return
            del self._under_way[number]
            call()
