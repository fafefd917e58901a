"""What a page is sent of text that grows: only what it has not got yet. Pure.

A var of a page is sent whole whenever it changes, so the text of a growing message is in
none. Its pieces are, the last few of them and numbered; the page puts them together
(growth.js), and asks for everything anew if one is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from agentchat.views import MessageView, PartView

MOST_AGAIN = 1_000
"""Up to how many characters that were sent before go along with new ones: a page that draws
slowly may see only the last of several updates."""
GROWING = ("pending", "running")
"""The status of messages whose text is sent in pieces."""


@dataclass(frozen=True)
class Piece:
    """A part of the text of a growing message: the ``number``-th, which goes on from the one
    numbered before it, or all of it so far if it is ``whole``. One without ``text`` was sent
    before and is not sent again: a page that has not got it has missed it.
    """

    message: str
    number: int
    text: str | None
    whole: bool


class Tail:
    """What one page was sent of growing messages, from now on.

    Pieces are numbered from ``first``: a page must be given higher numbers each time it is
    sent everything anew, so that it never takes a piece for one that it has.
    """

    def __init__(self, first: int) -> None:
        self.pieces: list[Piece] = []
        """The newest pieces, with some before them."""
        self._highest = first
        self._sent: dict[str, tuple[int, int, int]] = {}

    def grow(self, messages: Iterable[MessageView]) -> None:
        """Take note of the messages as they are now."""
        new, sent = [], {}
        for message in growing(messages):
            revision, length, number = self._sent.get(message.id, (-1, 0, self._highest))
            whole = revision != message.revision
            text = message.text if whole else message.text[length:]
            if text or whole:
                number += 1
                self._highest = max(self._highest, number)
                new.append(Piece(message.id, number, text, whole))
            sent[message.id] = (message.revision, len(message.text), number)
        self._sent = sent
        if new or not sent:
            pieces = [*self._again(), *new]
            there = {piece.message for piece in pieces}
            # Else a page would never know: the message may not grow again for long.
            gone = [
                Piece(message_id, number, None, whole=False)
                for message_id, (_, _, number) in sent.items()
                if message_id not in there
            ]
            self.pieces = [*gone, *pieces]

    def _again(self) -> list[Piece]:
        room, kept = MOST_AGAIN, 0
        pieces = [
            piece for piece in self.pieces if piece.message in self._sent and piece.text is not None
        ]
        for piece in reversed(pieces):
            room -= len(piece.text or "")
            if room < 0:
                break
            kept += 1
        return pieces[len(pieces) - kept :]


def growing(messages: Iterable[MessageView]) -> Iterator[MessageView]:
    """Those whose text grows, and the answers of sub-agents in them that do."""
    for message in messages:
        if message.status in GROWING:
            yield message
        yield from growing(part.answer for part in message.parts if part.answer is not None)


def without_text(message: MessageView) -> MessageView:
    """The message as it is sent beside its pieces and those of its sub-agents."""
    if any(part.answer is not None for part in message.parts):
        message = replace(message, parts=tuple(map(_without_text, message.parts)))
    return replace(message, text="", revision=0) if message.status in GROWING else message


def _without_text(part: PartView) -> PartView:
    return part if part.answer is None else replace(part, answer=without_text(part.answer))
