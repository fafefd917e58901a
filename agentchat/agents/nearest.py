"""How near a text is to examples: for who answers it, and for which tools it needs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from agentchat.llm.embedder import Embedder, Vectors

logger = logging.getLogger(__name__)

MOMENT = timedelta(milliseconds=100)
"""How long an answer waits for an embedder that is being loaded."""
PATIENCE = timedelta(seconds=1)
"""How long it waits for the vector of a message: the embedder may be busy with other texts."""
MOST_CHARACTERS = 2_000
"""How much of a text is compared, its beginning: an embedder reads no more of it."""


class Nearest:
    """Compares texts with the examples of labels, by an embedder.

    :meth:`load` embeds the examples in the background. Nobody waits long for that: until it is
    done, and when the embedder is missing, there are no scores.
    """

    def __init__(
        self,
        embedder: Embedder,
        *,
        moment: timedelta = MOMENT,
        patience: timedelta = PATIENCE,
    ) -> None:
        self._embedder = embedder
        self._moment = moment
        self._patience = patience
        self._vectors: dict[str, Vectors] = {}
        self._wanted: set[str] = set()
        self._task: asyncio.Task[None] | None = None
        self._missing = False

    def load(self, examples: Iterable[str]) -> None:
        """Begin to embed examples that are not embedded yet."""
        self._wanted.update(text for text in examples if text not in self._vectors)
        if self._wanted and self._task is None and not self._missing:
            self._task = asyncio.create_task(self._load(), name="agentchat-examples")

    async def scores(
        self, text: str, examples: Mapping[str, Sequence[str]]
    ) -> dict[str, float] | None:
        """The cosine of the text and the nearest example of each label, none below 0; None if
        that cannot be told now.
        """
        self.load(one for some in examples.values() for one in some)
        if self._task is not None:
            await asyncio.wait([self._task], timeout=self._moment.total_seconds())
        if self._task is not None or self._missing:
            return None
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                [vector] = await self._embedder.embed([text[:MOST_CHARACTERS]])
        except TimeoutError:
            return None
        return {
            label: max((float(self._vectors[one] @ vector) for one in some), default=0.0)
            for label, some in examples.items()
        }

    async def close(self) -> None:
        """End what is under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _load(self) -> None:
        try:
            while texts := sorted(self._wanted - self._vectors.keys()):
                made = await self._embedder.embed(texts)
                self._vectors |= dict(zip(texts, made, strict=True))
            self._wanted.clear()
        except Exception as error:
            self._missing = True
            logger.warning("messages cannot be compared with examples: %s", error)
        finally:
            self._task = None
