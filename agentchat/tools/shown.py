"""Values from a sandbox as text, never more of it than was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_MOST_DIGITS = 4_000
_DEPTH = 50
_BRACKETS: Mapping[type, str] = {list: "[]", tuple: "()", set: "{}", frozenset: "{}"}


def shown(value: Any, most: int) -> str:
    """``value`` as ``repr`` would show it, a text as it is, cut after ``most`` characters.

    Not by ``repr``: a list of two lists of two lists, fifty deep, is small in memory and
    would never end being written.
    """
    if isinstance(value, str):
        pieces: Iterator[str] = iter([value])
    else:
        pieces = _pieces(value, most, 0)
    kept: list[str] = []
    length = 0
    for piece in pieces:
        kept.append(piece)
        length += len(piece)
        if length > most:
            return "".join(kept)[:most] + " [cut here]"
    return "".join(kept)


def _pieces(value: Any, most: int, depth: int) -> Iterator[str]:
    kind = type(value)
    if kind is int and value.bit_length() > 3 * _MOST_DIGITS:
        yield f"<an integer of about {value.bit_length() * 0.30103:,.0f} digits>"
    elif kind in (str, bytes):
        yield repr(value[: most + 1])
    elif depth > _DEPTH:
        yield "…"
    elif kind is dict:
        yield from _joined(value.items(), "{}", most, depth)
    elif kind in _BRACKETS:
        if not value and kind in (set, frozenset):
            yield "set()"
            return
        yield from _joined(value, _BRACKETS[kind], most, depth)
    elif kind.__module__ == "pydantic_monty":
        yield f"<{kind.__name__} {getattr(value, 'name', '')}>"
    else:
        yield repr(value)[: most + 1]


def _joined(values: Any, brackets: str, most: int, depth: int) -> Iterator[str]:
    yield brackets[0]
    for number, one in enumerate(values):
        if number:
            yield ", "
        if brackets == "{}" and isinstance(one, tuple) and isinstance(values, type({}.items())):
            yield from _pieces(one[0], most, depth + 1)
            yield ": "
            one = one[1]
        yield from _pieces(one, most, depth + 1)
    if brackets == "()" and len(values) == 1:
        yield ","
    yield brackets[1]
