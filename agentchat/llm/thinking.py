"""Thoughts that a model writes into its answer, between ``<think>`` and ``</think>``."""

from __future__ import annotations

from agentchat.llm.base import Reasoning, Text

_OPEN, _CLOSE = "<think>", "</think>"


class ThinkSplitter:
    """Tells thoughts from the answer while both come in pieces of any size.

    Only an answer that begins with the tag has thoughts: in the middle of one, the tag is
    something that the answer speaks of.
    """

    def __init__(self) -> None:
        self._held = ""
        self._state: str = "start"

    def feed(self, piece: str) -> list[Text | Reasoning]:
        """What is certain now, with ``piece``."""
        self._held += piece
        found: list[Text | Reasoning] = []
        if self._state == "start":
            self._start()
        if self._state == "thinking":
            found += self._think()
        if self._state == "after" and (rest := self._held.lstrip()):
            self._held, self._state = rest, "text"
        if self._state == "text":
            found.append(Text(self._held))
            self._held = ""
        return found

    def end(self) -> list[Text | Reasoning]:
        """What was held back in case that it became a tag."""
        if not self._held or self._state == "after":
            return []
        return [Reasoning(self._held) if self._state == "thinking" else Text(self._held)]

    def _start(self) -> None:
        begun = self._held.lstrip()
        if begun.startswith(_OPEN):
            self._held, self._state = begun.removeprefix(_OPEN), "thinking"
        elif not _OPEN.startswith(begun):
            self._state = "text"

    def _think(self) -> list[Text | Reasoning]:
        thought, closed, rest = self._held.partition(_CLOSE)
        if closed:
            self._held, self._state = rest, "after"
        else:
            keep = _overlap(thought)
            thought, self._held = thought[: len(thought) - keep], thought[len(thought) - keep :]
        return [Reasoning(thought)] if thought else []


def _overlap(text: str) -> int:
    """How many characters at the end of ``text`` may be the begin of the closing tag."""
    return next((size for size in range(len(_CLOSE) - 1, 0, -1) if text.endswith(_CLOSE[:size])), 0)
