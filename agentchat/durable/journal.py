"""Replay: what a run has already done, matched to what its workflow asks for. Pure."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic_core import PydanticSerializationError, to_json

from agentchat.errors import InvalidInput, JournalMismatch
from agentchat.models import Step


@dataclass(frozen=True, slots=True)
class Key:
    """Which step of a run: its name, and how many of that name were asked for before."""

    name: str
    occurrence: int

    def __str__(self) -> str:
        return self.name if not self.occurrence else f"{self.name}#{self.occurrence + 1}"


class Journal:
    """The remembered steps of one run.

    Keys are given out in the order in which the workflow asks, so that steps under way at
    once keep theirs whatever the order in which they finish.
    """

    def __init__(self, run_id: str, steps: Iterable[Step]) -> None:
        self._run_id = run_id
        self._steps = {Key(step.name, step.occurrence): step for step in steps}
        self._asked: Counter[str] = Counter()

    def key(self, name: str) -> Key:
        """The key of the step that the workflow asks for now."""
        key = Key(name, self._asked[name])
        self._asked[name] += 1
        return key

    def recorded(self, key: Key, args_hash: str) -> Step | None:
        """The remembered step, or None if it has not been done.

        Raises :class:`JournalMismatch` if it was done with other arguments.
        """
        step = self._steps.get(key)
        if step is not None and step.args_hash != args_hash:
            raise JournalMismatch(
                f"Run {self._run_id}: step {str(key)!r} was done with other arguments than the"
                f" workflow now gives it (journal {step.args_hash[:12]}, code {args_hash[:12]})."
                " The code changed under a run, or the workflow decides by something that is"
                " not in its journal, such as the time."
            )
        return step


def hash_of(name: str, args: tuple[Any, ...]) -> str:
    """A hash of a step's arguments; raises :class:`InvalidInput` if they are not data."""
    try:
        return hashlib.sha256(to_json(args)).hexdigest()
    except PydanticSerializationError as error:
        raise InvalidInput(
            f"Step {name!r} was given an argument that cannot be stored: {error}"
        ) from error
