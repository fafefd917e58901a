"""What a started server says on its standard error: to the log, and not without end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from agentchat.agents.mcp.words import line

log = logging.getLogger(__name__)

MOST_LINES = 200
"""So many lines of a process are logged; what it says after that is read and forgotten."""
MOST_CHARACTERS = 500


class Stderr:
    """Reads, logs and forgets; ``last`` is the last line, for when the process has ended."""

    def __init__(self, name: str, cleaned: Callable[[str], str]) -> None:
        self.last = ""
        self._name = name
        self._cleaned = cleaned
        self._lines = 0

    async def read(self, stream: asyncio.StreamReader) -> None:
        """Read until the process has ended."""
        rest = b""
        while data := await stream.read(65_536):
            *lines, rest = (rest + data).split(b"\n")
            for one in lines:
                self._say(one)
            # A line without an end is not kept without end.
            rest = rest[-16 * MOST_CHARACTERS :]
        self._say(rest)

    def _say(self, raw: bytes) -> None:
        words = line(self._cleaned(raw.decode(errors="replace")), MOST_CHARACTERS)
        if not words:
            return
        self.last = words
        self._lines += 1
        if self._lines <= MOST_LINES:
            log.info("MCP server %s: %s", self._name, words)
        elif self._lines == MOST_LINES + 1:
            log.warning("MCP server %s says much; no more of it is logged", self._name)
