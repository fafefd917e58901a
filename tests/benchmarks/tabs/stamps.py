"""Marks in the text of answers, by which a tab tells which update a frame brought.

They are looked for in whatever the frames carry: how a page is sent its text is not known here.
"""

from __future__ import annotations

import random
import re
import string
from dataclasses import dataclass

_STAMP = re.compile(r"\[\[(\w+:\d+)\]\]")
_ORDER = re.compile(r"order name=(\w+) updates=(\d+) pace=([\d.]+) size=(\d+)")
_WORDS = "".join(
    random.Random(1).choices(string.ascii_lowercase + "      ", k=200_000)  # no markdown in it
)


def stamp(name: str, n: int) -> str:
    """The nth mark of a name."""
    return f"[[{name}:{n}]]"


def stamps_in(text: str) -> list[str]:
    """All marks in a text, without their brackets."""
    return _STAMP.findall(text)


def sentence(name: str, n: int, size: int) -> str:
    """A sentence of ``size`` characters that begins with a mark; ready to be shown at once."""
    # Never the same words: the socket compresses, and would show too few bytes.
    begin = hash((name, n)) % (len(_WORDS) - size)
    return f"{stamp(name, n)} {_WORDS[begin : begin + size]}"[: size - 2] + ". "


@dataclass(frozen=True, slots=True)
class Order:
    """What the scripted model is asked for: so many updates, one every ``pace`` seconds."""

    name: str
    updates: int
    pace: float
    size: int = 80

    def __str__(self) -> str:
        return f"order name={self.name} updates={self.updates} pace={self.pace:f} size={self.size}"

    @classmethod
    def of(cls, text: str) -> Order | None:
        """The order that a message holds, if it holds one."""
        found = _ORDER.search(text)
        if found is None:
            return None
        name, updates, pace, size = found.groups()
        return cls(name, int(updates), float(pace), int(size))
