"""What a search finds, as a person is shown it: frozen values. How they are made is pure."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from agentchat.agents.untrusted import visible
from agentchat.store.words import folded, spaced
from agentchat.store.words import places as places_of

SNIPPET: Final = 180
"""How many characters of a message are shown, around the first word that was found."""
_BEFORE: Final = 50
_MOST_MARKS: Final = 12
_STEP: Final = SNIPPET
_LINE: Final = 5 * _STEP

Marks = re.Pattern[str] | None
"""Finds what was asked for in a folded and spaced text; None finds nothing."""


@dataclass(frozen=True)
class SnippetPiece:
    """Some words of what was found; those that were asked for are ``marked``."""

    text: str
    marked: bool = False


@dataclass(frozen=True)
class MessageHit:
    """A message that holds what was asked for. ``created_at`` is an aware UTC time."""

    id: str
    role: str
    author: str
    created_at: datetime
    snippet: tuple[SnippetPiece, ...]


@dataclass(frozen=True)
class ThreadHit:
    """A thread that was found by its title, or by ``messages`` in it: the newest of them, newest
    first. ``more`` says that there are others, ``archived`` that the reader put it away.
    """

    id: str
    title: tuple[SnippetPiece, ...]
    updated_at: datetime
    messages: tuple[MessageHit, ...] = ()
    more: bool = False
    archived: bool = False


@dataclass(frozen=True)
class SearchView:
    """A page of what was found. ``skip`` is what to ask the next page with, -1 if this is the
    last; then ``cut`` says that there may be older ones that were not looked at.
    """

    threads: tuple[ThreadHit, ...] = ()
    skip: int = -1
    cut: bool = False


def marked(text: str, marks: Marks) -> tuple[SnippetPiece, ...]:
    """The whole text on one line, with what ``marks`` finds in it marked."""
    return _pieces(_one_line(text), marks)


def snippet(text: str, marks: Marks) -> tuple[SnippetPiece, ...]:
    """So much of a long text as is around the first of what is marked."""
    start, line, first = _first(text, marks)
    begin = max(0, first - _BEFORE)
    if begin:
        # Not in the middle of a word, where words are set apart.
        space = line.find(" ", begin, begin + 20)
        begin = space + 1 if 0 <= space < first else begin
    part = line[begin : begin + SNIPPET]
    before = "…" if begin or start else ""
    after = "…" if begin + SNIPPET < len(line) or start + _LINE < len(text) else ""
    return _pieces(f"{before}{part}{after}", marks)


def _first(text: str, marks: Marks) -> tuple[int, str, int]:
    """A line of the text with the first of what is marked: where it starts, and where in it that
    is.
    """
    for place in range(0, len(text), _STEP) if marks else ():
        # What is cut in two stands whole in the part before or after.
        if marks and marks.search(spaced(folded(text[place : place + 2 * _STEP]))):
            start = max(0, place - _STEP)
            line = _one_line(text[start : start + _LINE])
            said, places = places_of(line[: place - start + 2 * _STEP])
            if found := marks.search(said):
                return start, line, places[found.start()]
    return 0, _one_line(text[:_LINE]), 0


def _pieces(line: str, marks: Marks) -> tuple[SnippetPiece, ...]:
    text, places = places_of(line)
    found: list[SnippetPiece] = []
    end = 0
    for match in marks.finditer(text) if marks else ():
        first = max(places[match.start()], end)
        last = places[bisect_right(places, places[match.end() - 1])]
        if len(found) >= 2 * _MOST_MARKS:
            break
        if first > end:
            found.append(SnippetPiece(line[end:first]))
        if last > first:
            found.append(SnippetPiece(line[first:last], marked=True))
        end = last
    if end < len(line):
        found.append(SnippetPiece(line[end:]))
    return tuple(found)


def _one_line(text: str) -> str:
    return " ".join(visible(text).split())
