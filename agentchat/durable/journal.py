"""Replay: what a run has already done, matched to what its workflow asks for. Pure."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from pydantic_core import to_json

from agentchat.errors import InvalidInput, JournalMismatch
from agentchat.models import Step, StepKind, step_key
from agentchat.store.journal import Remembered, parallel

UNCHECKED = ""
"""The hash of a step whose arguments may change between replays."""


class Key(NamedTuple):
    """Which step of a run: the branch it is in, its name, and how many of that name were
    asked for in that branch before.
    """

    branch: str
    name: str
    occurrence: int

    def __str__(self) -> str:
        return step_key(self.branch, self.name, self.occurrence)


class Journal:
    """The remembered steps of one run.

    Keys are given out in the order in which the workflow asks, apart in each branch of
    gather and race: so a step keeps its key whatever the order in which branches go on.
    """

    def __init__(self, run_id: str, steps: Iterable[Remembered | Step]) -> None:
        self.mismatch: JournalMismatch | None = None
        """What did not fit; it ends the run, also if the workflow swallows it."""
        self._run_id = run_id
        self._steps = {Key(step.branch, step.name, step.occurrence): step for step in steps}
        self._ahead = dict.fromkeys(self._steps)
        self._asked: Counter[tuple[str, str]] = Counter()

    def key(self, branch: str, name: str) -> Key:
        """The key of the step that the workflow asks for now."""
        key = Key(branch, name, self._asked[branch, name])
        self._asked[branch, name] += 1
        return key

    def next(self, branch: str, name: str) -> Key:
        """The key that the next step of this name will get."""
        return Key(branch, name, self._asked[branch, name])

    def recorded(self, key: Key, args_hash: str) -> Remembered | Step | None:
        """A step that is over, or one that is begun, or None.

        Raises :class:`JournalMismatch` if it was asked for with other arguments.
        """
        if self.mismatch is not None:
            # Whatever the workflow made of it: nothing after it can be trusted.
            raise self.mismatch
        step = self._steps.get(key)
        if step is None:
            return None
        if UNCHECKED not in (step.args_hash, args_hash) and step.args_hash != args_hash:
            self.mismatch = JournalMismatch(
                f"Run {self._run_id}: step {str(key)!r} was done with other arguments than the"
                f" workflow now gives it (journal {step.args_hash[:12]}, code {args_hash[:12]})."
                " The code changed under a run, or the workflow decides by something that is"
                " not in its journal, such as the time."
            )
            raise self.mismatch
        self._ahead.pop(key, None)
        return step

    def is_ahead(self, branch: str) -> bool:
        """Whether the run has been further than this place in a branch."""
        return any(
            _after(key.branch, branch) and self._steps[key].kind != StepKind.PATCH
            for key in self._ahead
        )

    def pass_over(self, branches: Iterable[str]) -> None:
        """The steps of these branches will not be asked for: they lost a race."""
        lost = tuple(branches)
        for key in [key for key in self._ahead if any(_within(key.branch, b) for b in lost)]:
            del self._ahead[key]

    def left_over(self) -> list[Remembered]:
        """The finished steps that the workflow has not asked for so far."""
        steps = (self._steps[key] for key in self._ahead)
        return [step for step in steps if isinstance(step, Remembered)]


def _within(branch: str, of: str) -> bool:
    return not of or branch == of or branch.startswith(f"{of}/")


def _after(branch: str, here: str) -> bool:
    """Whether steps of ``branch`` not asked for yet come after those of ``here`` so far: they
    do unless the two are at work at the same time.
    """
    return _within(branch, here) or not parallel(branch, here)


def hash_of(name: str, args: tuple[Any, ...]) -> tuple[str, bytes]:
    """A hash of a step's arguments, and they as JSON; raises :class:`InvalidInput` if they
    are not data.
    """
    try:
        encoded = to_json(_in_order(args), inf_nan_mode="constants")
        if b"NaN" in encoded or b"Infinity" in encoded:
            json.loads(encoded, parse_constant=_no_number)
    except ValueError as error:
        raise InvalidInput(
            f"Step {name!r} was given an argument that cannot be stored: {error}"
        ) from error
    return hashlib.sha256(encoded).hexdigest(), encoded


def _in_order(value: Any) -> Any:
    """The value with its sets as lists, whose order is the same in each process."""
    if isinstance(value, set | frozenset):
        return sorted((_in_order(one) for one in value), key=to_json)
    if isinstance(value, list | tuple) and value:
        return [_in_order(one) for one in value]
    if type(value) is dict:
        return {key: _in_order(one) for key, one in value.items()}
    return value


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is not a number in JSON")
