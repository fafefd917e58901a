"""The ways that a thread went, and which messages are on each of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

FIRST: Final = 0
"""The way that a thread went at first. It has no row."""
MOST: Final = 1_000
"""How many others a thread may have."""


class Fork(NamedTuple):
    """Where a branch leaves its parent: the first place that is its own."""

    parent: int
    position: int


Forks = Mapping[int, Fork]
"""The branches of a thread, by number."""


class Stretch(NamedTuple):
    """The places from ``first`` on that a path takes from a branch, up to before ``end``; to its
    end if that is None.
    """

    branch: int
    first: int
    end: int | None


def path(forks: Forks, branch: int) -> tuple[Stretch, ...]:
    """What a branch consists of, from the beginning of the thread on."""
    found: list[Stretch] = []
    end = None
    while branch != FIRST:
        parent, position = forks[branch]
        found.append(Stretch(branch, position, end))
        branch, end = parent, position
    return (Stretch(FIRST, 0, end), *reversed(found))


def parting(one: Sequence[Stretch], other: Sequence[Stretch]) -> int | None:
    """The first place at which two paths are not the same; None if they are."""
    for mine, theirs in zip(one, other, strict=False):
        if mine.branch != theirs.branch:
            return mine.first
        if mine.end != theirs.end:
            return min(end for end in (mine.end, theirs.end) if end is not None)
    return None


def fork_at(forks: Forks, branch: int, position: int) -> Fork:
    """Where a message leaves that is said instead of the one of ``branch`` at ``position``: all
    that are said instead of each other leave at the same.
    """
    own = forks.get(branch)
    return own if own is not None and own.position == position else Fork(branch, position)


def ways(forks: Forks, branch: int, position: int) -> tuple[int, ...]:
    """The branches whose messages at this place were said instead of each other, the oldest
    first; ``branch`` is the one of any of these messages.
    """
    fork = fork_at(forks, branch, position)
    return (fork.parent, *sorted(one for one, other in forks.items() if other == fork))


def newest(forks: Forks, branch: int, position: int) -> int:
    """The branch that somebody went last who once took the way ``branch`` at this place."""
    while later := [
        one for one, fork in forks.items() if fork.parent == branch and fork.position > position
    ]:
        branch = max(later)
    return branch
