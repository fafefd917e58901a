"""Words as a search compares them: without case, accents and the signs between them, in every
script, the same on every database.

The index that each database has of messages (migration 0016) holds :func:`keys` of their texts:
it only narrows down what is looked at. What a text holds is said here alone. A change of what is
a key therefore needs a migration that makes the indexes again.

Ranges of characters are written as regular expressions of Python and of PostgreSQL both have
them, and do not depend on a locale.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Final

MOST: Final = 100_000
"""How many characters of a message are looked through: more may not fit into PostgreSQL's index."""
LONGEST: Final = 64
"""Of a longer word, so many characters are in the index."""

MARKS: Final = (
    r"\u00ad\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    r"\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed"
    r"\u1ab0-\u1aff\u1dc0-\u1dff\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20d0-\u20ff"
    r"\ufe00-\ufe0f\ufe20-\ufe2f\ufeff"
)
"""What only colours a letter: accents, points of Hebrew and Arabic, joiners, directions."""
BETWEEN: Final = (
    r"\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00a1\u00ab\u00b7\u00bb\u00bf\u055a-\u055f"
    r"\u0589\u058a\u05be\u05c0\u05c3\u05c6\u05f3\u05f4\u0609-\u060d\u061b-\u061f\u066a-\u066d"
    r"\u06d4\u0700-\u070d\u0964\u0965\u0970\u10fb\u1360-\u1368\u17d4-\u17da\u1800-\u180a"
    r"\u2010-\u205f\u2e00-\u2e7f\u3000-\u3004\u3008-\u3020\u3030\u303d\u30a0\u30fb\ufd3e\ufd3f"
)
"""What stands between words. Capital letters are no exception: there are none any more."""
SIGNS: Final = (
    r"\u00a2-\u00a9\u00ac\u00ae-\u00b6\u00d7\u00f7\u20a0-\u20cf\u2100-\u2bff"
    r"\U0001f000-\U0001faff"
)
"""Each a word of its own: currencies, arrows, mathematics, emoji."""
UNSPACED: Final = (
    r"\u0e00-\u0fff\u1000-\u109f\u1100-\u11ff\u1780-\u17d3\u17db-\u17ff\u2e80-\u2fff\u3005-\u3007"
    r"\u3021-\u302f\u3031-\u303c\u3040-\u309f\u30a1-\u30fa\u30fc-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Scripts that do not set words apart: Thai to Khmer, Japanese, Chinese; and Korean, that adds to
them at both ends.
"""
SPELLINGS: Final = (
    *(("ß", "ss"), ("æ", "ae"), ("œ", "oe"), ("ø", "o"), ("đ", "d"), ("ð", "d"), ("ħ", "h")),
    *(("\u0131", "i"), ("ł", "l"), ("ŧ", "t"), ("þ", "th"), ("ς", "\u03c3")),
)
"""Letters that are no accented ones and that people without their keyboard write otherwise."""

_LETTER = re.compile(rf"[^\u0000{BETWEEN}{SIGNS}{UNSPACED}]")
_MARKS = re.compile(rf"[{MARKS}]+")
_PIECES = re.compile(rf"[{UNSPACED}]+|[{SIGNS}]|{_LETTER.pattern}+")
_UNSPACED = re.compile(rf"[{UNSPACED}]")
_OTHERS = re.compile(rf"[{SIGNS}{UNSPACED}]+")
_BETWEEN = re.compile(rf"[\u0000{BETWEEN}]")


def folded(text: str) -> str:
    """The text as it is compared: without case, accents and what only looks otherwise."""
    if text.isascii():
        return text.lower()
    text = _MARKS.sub("", unicodedata.normalize("NFKD", text))
    text = unicodedata.normalize("NFC", text).lower()
    for letter, spelling in SPELLINGS:
        text = text.replace(letter, spelling)
    return text


def pieces(text: str) -> list[str]:
    """The words of a folded text, its signs, and what is written without spaces, in a row."""
    return _PIECES.findall(text)


def keys(text: str) -> str:
    """What the index holds of a text, with spaces between: its words, shortened, and of scripts
    without spaces each two characters that stand side by side.
    """
    found: dict[str, None] = {}
    for piece in pieces(folded(text[:MOST])[:MOST]):
        if is_unspaced(piece):
            found.update(dict.fromkeys(map("".join, pairwise(piece))))
            found[piece[-1]] = None
        else:
            found[piece[:LONGEST]] = None
    return " ".join(found)


def is_unspaced(piece: str) -> bool:
    """Whether a piece of :func:`pieces` is of a script that does not set words apart."""
    return _UNSPACED.match(piece) is not None


def is_letters(piece: str) -> bool:
    """Whether it is a word, or a letter or digit of one."""
    return _LETTER.match(piece) is not None


def spaced(text: str) -> str:
    """A folded text in which spaces stand around each word, each sign, and each character of
    scripts without spaces: exactly two between those that stand side by side.
    """
    return f" {_spaced(text)} "


def _spaced(text: str) -> str:
    if not text.isascii():
        text = _OTHERS.sub(_apart, text)
    return _BETWEEN.sub(" ", text)


def _apart(run: re.Match[str]) -> str:
    return f" {'  '.join(run[0])} "


def places(text: str) -> tuple[str, list[int]]:
    """The folded and spaced text, and of each of its characters where it comes from."""
    if text.isascii():
        return spaced(folded(text)), [0, *range(len(text)), len(text)]
    parts: list[str] = []
    starts: list[int] = [0]
    for start, cluster in _clusters(text):
        part = _part(cluster)
        parts.append(part)
        starts += [start] * len(part)
    return f" {''.join(parts)} ", [*starts, len(text)]


@lru_cache(maxsize=4096)
def _part(cluster: str) -> str:
    return _spaced(folded(cluster))


def _clusters(text: str) -> Iterator[tuple[int, str]]:
    """Characters with what belongs to them, which are folded together."""
    start = 0
    for place in range(1, len(text)):
        sign = text[place]
        if sign < "\u0300" or not _goes_on(sign):
            yield start, text[start:place]
            start = place
    if text:
        yield start, text[start:]


@lru_cache(maxsize=4096)
def _goes_on(sign: str) -> bool:
    # Marks, and the vowels and ends of Korean syllables.
    sign = unicodedata.normalize("NFKD", sign)[0]
    return "\u1160" <= sign <= "\u11ff" or unicodedata.category(sign)[0] == "M"


def forms(word: str) -> tuple[str, ...]:
    """An English word, and as it is with other ends: of "running", also "run" and "runs"."""
    if not (word.isascii() and word.isalpha() and len(word) > 2):
        return (word,)
    found = {word: None}
    for base in _bases(word):
        found.update(dict.fromkeys(_inflected(base)))
    return tuple(found)


_VOWELS = "aeiou"
_HISSING = ("s", "x", "z", "ch", "sh", "o")


def _bases(word: str) -> list[str]:
    """What a word may be a form of."""
    if len(word) > 4 and word.endswith(("ies", "ied")):
        return [word[:-3] + "y"]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        stem = word[:-2]
        hissing = len(stem) > 2 and word.endswith("es") and stem.endswith(_HISSING)
        return [stem, word[:-1]] if hissing else [word[:-1]]
    for end in ("ing", "ed"):
        stem = word.removesuffix(end)
        is_one = len(stem) > 2 or (len(stem) == 2 and stem[-1] in "oe" and end == "ing")
        if stem != word and is_one and any(one in "aeiouy" for one in stem):
            if end == "ed" and stem[-1] == "e":
                return [word]
            if len(stem) > 2 and stem[-1] == stem[-2] and stem[-1] not in "lsz":
                return [stem[:-1]]
            return [stem + "e"] if _is_doubled(stem) else [stem, stem + "e"]
    return [word]


def _is_doubled(base: str) -> bool:
    """Whether its last letter is doubled before an ending: "run", "stop"."""
    if len(base) < 3 or base[-1] in _VOWELS + "wxy" or base[-2] not in _VOWELS:
        return False
    return base[-3] not in _VOWELS and not any(one in _VOWELS for one in base[:-2])


def _inflected(base: str) -> tuple[str, ...]:
    if base.endswith("y") and base[-2:-1] not in _VOWELS:
        return base, base[:-1] + "ies", base[:-1] + "ied", base + "ing"
    if base.endswith("e"):
        if len(base) < 4:
            return base, base + "s", base + "ing"
        stem = base if base.endswith(("ee", "oe", "ye")) else base[:-1]
        return base, base + "s", base + "d", stem + "ing"
    stem = base + base[-1] if _is_doubled(base) else base
    return base, base + ("es" if base.endswith(_HISSING) else "s"), stem + "ed", stem + "ing"
