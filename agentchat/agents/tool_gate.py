"""Which tools the small built-in model is offered: for "hello" it would take any of them."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence

from agentchat.agents.nearest import MOST_CHARACTERS, Nearest
from agentchat.agents.tools import Tool
from agentchat.llm.embedder import Embedder

logger = logging.getLogger(__name__)

LEAST = 0.42
"""The least cosine of MiniLM at which a message is like a phrase: see test_assistants.py."""
MOST_TOOLS = 3
"""How many tools are offered at once, the nearest."""


class ToolGate:
    """Offers a tool only for messages that are near one of its ``phrases``, which are given by
    its name, or in which the regular expression among ``cues`` is found that is. A tool without
    phrases is always offered. While the embedder is being loaded, or when it is missing, the
    cues alone decide.
    """

    def __init__(
        self,
        embedder: Embedder,
        phrases: Mapping[str, Sequence[str]],
        cues: Mapping[str, str] | None = None,
        *,
        least: float = LEAST,
    ) -> None:
        self._nearest = Nearest(embedder)
        self._phrases = {name: tuple(some) for name, some in phrases.items() if some}
        self._cues = {name: re.compile(one, re.IGNORECASE) for name, one in (cues or {}).items()}
        self._least = least

    def load(self) -> None:
        """Begin to embed the phrases, in the background."""
        self._nearest.load(_all(self._phrases.values()))

    async def offered(self, tools: Mapping[str, Tool], text: str) -> dict[str, Tool]:
        """Those of the tools that a message may need; raises nothing but control flow."""
        asked = {name: self._phrases[name] for name in tools if name in self._phrases}
        scores: dict[str, float] | None = None
        try:
            scores = await self._nearest.scores(text, asked) if asked else {}
        except Exception as error:
            logger.warning("a message cannot be compared with phrases: %r", error)
        found = {name: score for name, score in (scores or {}).items() if score >= self._least}
        found |= {name: 1.0 for name in asked if name in self._cues and self._cued(name, text)}
        near = sorted(found, key=lambda name: -found[name])[:MOST_TOOLS]
        return {name: one for name, one in tools.items() if name in near or name not in asked}

    def _cued(self, name: str, text: str) -> bool:
        return self._cues[name].search(text[:MOST_CHARACTERS]) is not None

    async def close(self) -> None:
        """End what is under way."""
        await self._nearest.close()


def _all(many: Iterable[Sequence[str]]) -> list[str]:
    return [one for some in many for one in some]
