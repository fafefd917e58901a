"""What of all that was found is recalled, and in which order. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from agentchat.llm.embedder import Vectors
from agentchat.store.memory_words import Match

By = Literal["vector", "text", "both"]

K = 60
"""Reciprocal rank fusion as of Cormack, Clarke and Büttcher 2009 ("Reciprocal Rank Fusion
outperforms Condorcet and individual Rank Learning Methods"): of the paper's pilot, kept."""
NEAR = 0.95
"""From this cosine on, two texts say the same, if they name the same things."""

_NAMED = re.compile(r"(?=[\w-]*\d)(?=[\w-]*[^\W\d_])[\w-]+")


@dataclass(frozen=True, slots=True)
class Ranked:
    """A memory that was found. ``score`` is what both ways of looking add up to."""

    id: str
    score: float
    by: By


def fused(near: Sequence[str], worded: Sequence[Match]) -> list[Ranked]:
    """Both rankings as one, best first; where two are equal, the nearer in meaning.

    Each adds 1 / (60 + rank). What words add counts by the share of the question that they
    are, and equal shares are of equal rank: of five texts about Heron, asked about Heron, none
    is better. Without the two, words made the answers worse (measured by test_recall.py).
    """
    scores = {found: 1 / (K + rank) for rank, found in enumerate(near, 1)}
    places = {found: place for place, found in enumerate(near)}
    rank, share = 0, math.inf
    for place, match in enumerate(worded, 1):
        if match.share < share:
            rank, share = place, match.share
        scores[match.id] = scores.get(match.id, 0) + match.share / (K + rank)
    by_words = {match.id for match in worded}
    order = sorted(scores, key=lambda found: (-scores[found], places.get(found, len(places))))
    return [Ranked(one, scores[one], _by(one in places, one in by_words)) for one in order]


def _by(near: bool, worded: bool) -> By:
    if near and worded:
        return "both"
    return "vector" if near else "text"


def identifiers(text: str) -> frozenset[str]:
    """What a text names by letters and digits together, such as ``ORD-4471``: texts that
    differ in these are near in meaning and about different things.
    """
    return frozenset(one.lower() for one in _NAMED.findall(text))


def say_the_same(one: str, other: str, cosine: float) -> bool:
    """Whether of two texts, so near to each other, one is enough."""
    return cosine > NEAR and identifiers(one) == identifiers(other)


def distinct(
    ranked: Iterable[Ranked], texts: Mapping[str, str], vectors: Mapping[str, Vectors]
) -> Iterator[Ranked]:
    """Those of which no better one says the same."""
    kept: list[str] = []
    for one in ranked:
        mine = vectors.get(one.id)
        if not any(
            texts[one.id] == texts[other]
            or (
                mine is not None
                and other in vectors
                and say_the_same(texts[one.id], texts[other], float(mine @ vectors[other]))
            )
            for other in kept
        ):
            kept.append(one.id)
            yield one
