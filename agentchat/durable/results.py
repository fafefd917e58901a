"""How values are written to the journal and read again, by their types."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import CodeType
from typing import Any, get_type_hints

from pydantic import TypeAdapter

_by_code: dict[CodeType, TypeAdapter[Any]] = {}


def result_of(function: Callable[..., Any]) -> TypeAdapter[Any]:
    """For the result of ``function``, by its return type; any JSON value if it says none."""
    # By code, not by function: a workflow's inner functions are made anew for every run.
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code in _by_code:
        return _by_code[code]
    try:
        returned = get_type_hints(getattr(function, "__func__", function)).get("return", Any)
    except NameError:
        # A type that is known only where the function was written.
        returned = Any
    adapter = TypeAdapter(returned)
    if code is not None:
        _by_code[code] = adapter
    return adapter
