"""What a search asks for: words taken apart as those of texts are (:mod:`~agentchat.store.words`),
what of them an index can be asked for, and whether a text holds them.

What is asked is data: only letters, digits and signs go into a query language, quoted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Final

from agentchat.store.memory_words import terms_of
from agentchat.store.words import (
    LONGEST,
    MOST,
    folded,
    forms,
    is_letters,
    is_unspaced,
    pieces,
    spaced,
)

MOST_WORDS: Final = 32
"""How many words of a query are looked for, the first; a question has fewer."""
MOST_PIECES: Final = 6
"""Of how many words something like ``ORD-4471/b`` is looked for as a whole."""
AROUND = "\"'`()[]{}<>.,;:!?*"
"""What stands around words and says nothing of them."""


@dataclass(frozen=True, slots=True)
class Key:
    """One of these words is in the index of a text; ``begun``, one that begins with the only
    one or is one of the others.
    """

    words: tuple[str, ...]
    begun: bool = False


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a query: the index has all of its ``keys`` for a text that holds it. Whether it
    does is said by ``literal``, which the folded text must have, and by the ``pattern``, of the
    spaced text, unless the literal ``suffices``; of what ``is_known`` the index says it already.
    Where it is marked, ``rest`` follows it.
    """

    keys: tuple[Key, ...]
    pattern: str
    rest: str = ""
    literal: str = ""
    suffices: bool = False
    is_known: bool = False


@dataclass(frozen=True)
class Asked:
    """What a query asks for: all of these words."""

    words: tuple[Word, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.words)

    @cached_property
    def keys(self) -> tuple[Key, ...]:
        """What the index of a text must have."""
        return tuple(dict.fromkeys(key for word in self.words for key in word.keys))

    @property
    def is_known(self) -> bool:
        """Whether a text of which the index has the keys needs not be looked at."""
        return all(word.is_known for word in self.words)

    @cached_property
    def _patterns(self) -> list[re.Pattern[str]]:
        return [re.compile(one.pattern) for one in self._sorted]

    @cached_property
    def _sorted(self) -> list[Word]:
        return sorted(self.words, key=lambda word: -len(word.pattern))

    def is_in(self, text: str) -> bool:
        """Whether a text holds all words."""
        text = folded(text[:MOST])[:MOST]
        if not all(_has(text, word.literal) for word in self._sorted):
            return False
        return all(word.suffices for word in self._sorted) or self._held(text) == len(self.words)

    def held(self, text: str) -> int:
        """How many of the words a text holds."""
        return self._held(folded(text[:MOST])[:MOST])

    def _held(self, text: str) -> int:
        said = spaced(text)
        return sum(
            pattern.search(said) is not None and _has(text, word.literal)
            for pattern, word in zip(self._patterns, self._sorted, strict=True)
        )

    @cached_property
    def marks(self) -> re.Pattern[str] | None:
        """Finds each of the words in a spaced text; None if there are none."""
        # The longest first: of two that begin alike, the whole one is marked.
        found = [word.pattern + word.rest for word in self._sorted]
        return re.compile("|".join(found)) if found else None


def _has(text: str, literal: str) -> bool:
    place = text.find(literal)
    while place > 0 and is_letters(literal[0]) and is_letters(text[place - 1]):
        place = text.find(literal, place + 1)
    return place >= 0


def asked_of(query: str) -> Asked:
    """What to look for, the last word perhaps unfinished; nothing if there is no more than a
    letter.
    """
    written = folded(query).split()[:MOST_WORDS]
    unfinished = bool(written) and not query[-1].isspace()
    found: dict[Word, None] = {}
    for place, one in enumerate(written, 1):
        word = _word(one, begun=unfinished and place == len(written))
        if word is not None:
            found[word] = None
    return Asked(tuple(found))


def telling(query: str) -> Asked:
    """The words of a query that tell something, and ``ORD-4471`` also as a whole."""
    found: dict[Word, None] = {}
    for written in folded(query).split():
        some = pieces(written)
        if 1 < len(some) <= MOST_PIECES:
            found[_phrase(some, begun=False)] = None
        found.update((_phrase([one], begun=False), None) for one in some if terms_of(one))
        if len(found) >= MOST_WORDS:
            break
    return Asked(tuple(found)[:MOST_WORDS])


def _word(written: str, *, begun: bool) -> Word | None:
    found = pieces(written)
    sign = written.strip(AROUND)
    if not found:
        return None
    # C++ and C#, but neither a letter in quotes nor a sign between words.
    if written.isascii() and len(sign) > 1 and all(len(one) == 1 for one in found[:2]):
        phrase = _phrase(found[:MOST_PIECES], begun=begun)
        return replace(phrase, literal=sign, is_known=False)
    if begun and len(found) == 1 and len(found[0]) == 1 and found[0].isascii():
        return None
    return _phrase(found[-MOST_PIECES:] if begun else found[:MOST_PIECES], begun=begun)


def _phrase(found: list[str], *, begun: bool) -> Word:
    last = found[-1]
    rest = "[^ ]*" if begun and is_letters(last) else ""
    if len(found) > 1 or not is_letters(last):
        patterns = [_pattern(one, whole=not begun or one is not last) for one in found]
        keys, is_one = _keys(found, begun=begun), len(found) == 1
        return Word(
            keys,
            " +".join(patterns),
            rest,
            last if is_one else "",
            suffices=is_one,
            is_known=is_one and len(last) < 3,
        )
    others = forms(last)
    whole = rf"(?:{'|'.join(others)})(?= )"
    keys = (Key(tuple(one[:LONGEST] for one in others), begun),)
    pattern = f"(?<= )(?:{last}|{whole})" if begun else f"(?<= ){whole}"
    return Word(keys, pattern, rest, is_known=len(last) < LONGEST)


def _pattern(piece: str, *, whole: bool) -> str:
    if is_unspaced(piece):
        return "  ".join(piece)
    return f"(?<= ){piece}" + ("(?= )" if whole else "")


def _keys(found: list[str], *, begun: bool) -> tuple[Key, ...]:
    keys: list[Key] = []
    for place, piece in enumerate(found, 1):
        if not is_unspaced(piece):
            keys.append(
                Key((piece[:LONGEST],), begun and place == len(found) and is_letters(piece))
            )
        elif len(piece) == 1:
            keys.append(Key((piece,), begun=True))
        else:
            keys += [Key((first + second,)) for first, second in pairwise(piece)]
    return tuple(dict.fromkeys(keys))
