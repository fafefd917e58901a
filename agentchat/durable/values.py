"""Results of steps as they go into the journal: encoded once, checked, and not too large."""

from __future__ import annotations

import json
import math
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from agentchat.columns import Encoded
from agentchat.errors import InvalidInput, JournalMismatch
from agentchat.inputs import problems_of

MOST_BYTES = 1_000_000
"""The largest result that a journal keeps; larger things belong elsewhere, by id."""
MOST_INPUT = 16_000
"""Up to how many bytes the arguments of a step are kept beside their hash, to be looked at."""


def encoded(adapter: TypeAdapter[Any], value: Any, what: str) -> tuple[Encoded, Any]:
    """The value as JSON, and as it is read back from it: what a replay will see.

    Raises :class:`~agentchat.errors.InvalidInput`, which begins with ``what``, if it is not
    of its type, cannot be stored, or is too large.
    """
    try:
        data = to_json(
            adapter.dump_python(value, mode="json", warnings=False), inf_nan_mode="constants"
        )
        if b"NaN" in data or b"Infinity" in data:
            json.loads(data, parse_constant=_no_number)
        if b"null" in data:
            _check_numbers(value)
        if len(data) > MOST_BYTES:
            raise InvalidInput(
                f"{what} is {len(data):,} bytes as JSON; {MOST_BYTES:,} is the most that is"
                " kept. Store it elsewhere and return its id."
            )
        return Encoded(data.decode()), adapter.validate_json(data)
    except ValidationError as error:
        raise InvalidInput(f"{what} is not of its type: {problems_of(error)}") from error
    except (PydanticSerializationError, ValueError) as error:
        raise InvalidInput(f"{what} cannot be stored as JSON: {error}") from error


def decoded(adapter: TypeAdapter[Any], value: str | None, step: str) -> Any:
    """A remembered value, of its type, from its JSON; raises JournalMismatch if the type has
    changed.
    """
    try:
        return adapter.validate_json("null" if value is None else value)
    except ValidationError as error:
        raise JournalMismatch(
            f"Step {step!r} remembers a result that does not fit the code any more:"
            f" {problems_of(error)}"
        ) from error


def small_enough(value: Any, what: str) -> None:
    """Raise InvalidInput, which begins with ``what``, for what is too large to be kept."""
    if (size := len(to_json(value))) > MOST_BYTES:
        raise InvalidInput(
            f"{what} is {size:,} bytes as JSON; {MOST_BYTES:,} is the most that is kept."
            " Store it elsewhere and pass its id."
        )


def input_of(data: bytes) -> Encoded | None:
    """The arguments of a step, if they are small enough to be kept."""
    return Encoded(data.decode()) if len(data) <= MOST_INPUT else None


def _check_numbers(value: Any) -> None:
    # Where the type is not told, pydantic makes null of what is no number.
    if isinstance(value, float) and not math.isfinite(value):
        _no_number("NaN" if math.isnan(value) else "Infinity")
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple | set | frozenset):
        for one in value:
            _check_numbers(one)


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is not a number in JSON")
