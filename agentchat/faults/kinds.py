"""The kinds of faults, what may be asked of each, and how one that is on is shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from agentchat.errors import InvalidInput

MOST_SECONDS = 60
"""How long any fault may last."""


class FaultKind(StrEnum):
    """What can be made to go wrong.

    ``worker``: the worker of this process dies, and another starts at the end. ``refuse``:
    calls of the models are not connected. ``cut``: their answers are cut. ``slow``: each piece
    of an answer takes longer. ``limit``: calls are refused as too many. ``lock``: another
    connection holds a write transaction on the database.
    """

    WORKER = "worker"
    REFUSE = "refuse"
    CUT = "cut"
    SLOW = "slow"
    LIMIT = "limit"
    LOCK = "lock"


AMOUNTS = {
    FaultKind.REFUSE: (0, 100, 0),
    FaultKind.CUT: (0, 100, 0),
    FaultKind.SLOW: (10, 5_000, 300),
    FaultKind.LIMIT: (1, 60, 3),
}
"""Least, most and usual: calls after which it is over (0: only its time ends it), milliseconds
for each piece, seconds after which the provider wants to be asked again."""


@dataclass(frozen=True, slots=True)
class FaultView:
    """A fault that is on: ``amount`` as in :data:`AMOUNTS`, ``by`` the name of who switched it
    on, ``until`` when it ends at the latest.
    """

    id: str
    kind: FaultKind
    seconds: int
    amount: int
    by: str
    until: datetime


def checked_kind(kind: object) -> FaultKind:
    """The kind of this name; raises InvalidInput if there is none."""
    try:
        return FaultKind(str(kind))
    except ValueError:
        raise InvalidInput(f"There is no such fault; use one of {', '.join(FaultKind)}.") from None


def checked_seconds(seconds: object) -> int:
    """How long a fault is to last; raises InvalidInput unless it is 1 to 60 seconds."""
    return _within(seconds, 1, MOST_SECONDS, "A fault lasts a whole number of seconds")


def checked_amount(kind: FaultKind, amount: object) -> int:
    """The amount of a fault, the usual one for None; raises InvalidInput if it does not fit."""
    if kind not in AMOUNTS:
        if amount is not None:
            raise InvalidInput("This fault has no amount.")
        return 0
    least, most, usual = AMOUNTS[kind]
    if amount is None:
        return usual
    return _within(amount, least, most, "The amount is a whole number")


def _within(value: object, least: int, most: int, words: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise InvalidInput(f"{words} from {least} to {most}.")
    return value
