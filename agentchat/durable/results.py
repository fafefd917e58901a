"""How values are written to rows and read again, by their types, and what marks code."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from types import CodeType
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from agentchat.columns import json_text
from agentchat.errors import InvalidInput
from agentchat.inputs import problems_of

_results: dict[Hashable, TypeAdapter[Any]] = {}
_arguments: dict[Hashable, Arguments] = {}


def result_of(function: Callable[..., Any]) -> TypeAdapter[Any]:
    """For the result of ``function``, by its return type; any JSON value if it says none."""
    mark = _mark(function)
    if mark is not None and mark in _results:
        return _results[mark]
    adapter = TypeAdapter(_hints(function).get("return", Any))
    if mark is not None:
        _results[mark] = adapter
    return adapter


def arguments_of(function: Callable[..., Any], *, skip: int = 1) -> Arguments:
    """For the arguments of ``function`` after the first ``skip``, by their annotations."""
    mark = _mark(function)
    if mark is not None and (mark, skip) in _arguments:
        return _arguments[mark, skip]
    arguments = Arguments(function, skip)
    if mark is not None:
        _arguments[mark, skip] = arguments
    return arguments


class Arguments:
    """The arguments of a function, to and from JSON."""

    def __init__(self, function: Callable[..., Any], skip: int) -> None:
        signature = inspect.signature(function)
        parameters = list(signature.parameters.values())[skip:]
        self._signature = signature.replace(parameters=parameters)
        hints = _hints(function)
        self._adapters = {
            parameter.name: TypeAdapter(hints.get(parameter.name, Any))
            for parameter in parameters
            if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        }

    @property
    def parameters(self) -> tuple[inspect.Parameter, ...]:
        """The parameters, in their order."""
        return tuple(self._signature.parameters.values())

    def adapter(self, name: str) -> TypeAdapter[Any]:
        """How the argument of this name is stored and read."""
        return self._adapters[name]

    def stored(self, of: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """By name, as JSON; raises TypeError if they do not fit the signature, and
        InvalidInput, which begins with ``of``, if one is not of its type.
        """
        arguments = self._signature.bind(*args, **kwargs)
        # A run keeps the defaults that it was started with.
        arguments.apply_defaults()
        bound = dict(arguments.arguments)
        found = {}
        for name, value in bound.items():
            adapter = self._adapters.get(name)
            try:
                if adapter is None:
                    found[name] = value
                else:
                    found[name] = adapter.dump_python(adapter.validate_python(value), mode="json")
            except (ValidationError, PydanticSerializationError) as error:
                raise InvalidInput(
                    f"The argument {name!r} of {of} does not fit: {problems_of(error)}"
                ) from error
        return found

    def loaded(self, of: str, stored: Mapping[str, Any]) -> dict[str, Any]:
        """What :meth:`stored` gave, of the function's types; raises InvalidInput."""
        found = dict(stored)
        for name, adapter in self._adapters.items():
            if name in found:
                try:
                    # As JSON: some types make a difference.
                    found[name] = adapter.validate_json(json_text(found[name]))
                except ValidationError as error:
                    raise InvalidInput(
                        f"The stored argument {name!r} of {of} does not fit the code:"
                        f" {problems_of(error)}"
                    ) from error
        return found

    def positional(self, of: str, values: list[Any]) -> list[Any]:
        """Stored values in the order of the parameters, of the function's types."""
        names = list(self._adapters)[: len(values)]
        named = self.loaded(of, dict(zip(names, values, strict=False)))
        return [*named.values(), *values[len(names) :]]


def code_of(function: Callable[..., Any]) -> str:
    """A mark of what a function does: of its code and that of the functions in it."""
    digest = hashlib.sha256()

    def add(code: CodeType) -> None:
        digest.update(code.co_code)
        digest.update(repr((code.co_names, code.co_varnames)).encode())
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                add(constant)
            elif isinstance(constant, frozenset):
                # Its order is another in each process.
                digest.update(repr(sorted(map(repr, constant))).encode())
            else:
                digest.update(repr(constant).encode())

    code = _code(function)
    if code is not None:
        add(code)
    return digest.hexdigest()[:16]


def _code(function: Callable[..., Any]) -> CodeType | None:
    code: CodeType | None = getattr(inspect.unwrap(function), "__code__", None)
    return code


def _mark(function: Callable[..., Any]) -> Hashable:
    """What tells the types of a function: not itself, since a workflow's inner functions are
    made anew for every run; nor its code alone, which may be that of others of other types.
    """
    code = _code(function)
    types = getattr(function, "__annotations__", {})
    mark = (code, getattr(function, "__module__", ""), *types.items())
    try:
        hash(mark)
    except TypeError:
        return None
    return None if code is None else mark


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    while isinstance(function, partial):
        function = function.func
    if not hasattr(function, "__annotations__"):
        function = getattr(function, "__call__", function)  # noqa: B004
    try:
        # With what Annotated says: limits hold, and types may be stored in a way of their own.
        return get_type_hints(getattr(function, "__func__", function), include_extras=True)
    except NameError:
        # A type that is known only where the function was written.
        return {}
