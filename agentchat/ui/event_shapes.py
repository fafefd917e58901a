"""Whether an event of a page has the shape that its handler takes.

Reflex lets any socket call every handler with anything. What a call may do is for the verbs to
check; here is only whether it is one.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, Union

_MOST_ADDRESS: Final = 16_000
# Reflex adds it to every state, for pages that have no handlers of their own. Ours do.
_NOT_FOR_PAGES: Final = frozenset({"setvar"})
_PLAIN: Final = (str, bool, int, float)
# A list is the rest of an address that no page has.
_PARAMETER: Final = str | list[str] | None


def wrong_with_event(event: Any, handlers: Mapping[str, Any]) -> str:
    """What is wrong with an event as it came over the socket; empty if nothing is.

    *handlers* are Reflex's registered handlers by name. The words name no value of the event.
    """
    if not isinstance(event, dict):
        return "it is no event"
    name = event.get("name")
    registered = handlers.get(name) if isinstance(name, str) else None
    if registered is None or str(name).rpartition(".")[2] in _NOT_FOR_PAGES:
        return "there is no such handler"
    if wrong := _wrong_address(event.get("router_data")):
        return wrong
    payload = event.get("payload")
    if payload is not None and not isinstance(payload, dict):
        return "its arguments have no names"
    return _wrong_arguments(registered.handler.fn, payload or {})


def _wrong_address(said: Any) -> str:
    """What is wrong with where the page says that it is."""
    if said is None:
        return ""
    if not isinstance(said, dict):
        return "its address is none"
    for part in ("pathname", "asPath"):
        text = said.get(part, "")
        if not isinstance(text, str) or len(text) > _MOST_ADDRESS:
            return "its address is none"
    query = said.get("query", {})
    if not isinstance(query, dict) or not all(_fits(one, _PARAMETER) for one in query.values()):
        return "the parameters of its address are no text"
    return ""


def _wrong_arguments(fn: Callable[..., Any], payload: Mapping[str, Any]) -> str:
    takes, needs, gives = _signature(fn)
    # Reflex takes each public method of a state for a handler.
    if gives in _PLAIN:
        return f"{fn.__qualname__} is no handler"
    if not payload.keys() <= takes.keys():
        return f"{fn.__qualname__} takes no such argument"
    if not needs <= payload.keys():
        return f"{fn.__qualname__} lacks an argument"
    for name, value in payload.items():
        if not _fits(value, takes[name]):
            return f"{fn.__qualname__} takes another {name}"
    return ""


@lru_cache(maxsize=1000)
def _signature(fn: Callable[..., Any]) -> tuple[Mapping[str, Any], frozenset[str], Any]:
    """The type of each argument after the state, those that have to be there, and what is
    given back.
    """
    try:
        hints = typing.get_type_hints(fn)
    except NameError:
        # Some of Reflex's name what only its type checker knows.
        hints = {}
    _state, *given = inspect.signature(fn).parameters.values()
    takes = {one.name: hints.get(one.name, Any) for one in given}
    needs = frozenset(one.name for one in given if one.default is one.empty)
    return takes, needs, hints.get("return")


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value of JSON is one of a type; true for types that JSON does not know."""
    origin = typing.get_origin(hint)
    if origin in (Union, types.UnionType):
        return any(_fits(value, one) for one in typing.get_args(hint))
    if origin is list:
        [item] = typing.get_args(hint) or (Any,)
        return isinstance(value, list) and all(_fits(one, item) for one in value)
    if dict in (origin, hint):
        return isinstance(value, dict)
    if hint is type(None):
        return value is None
    if hint not in _PLAIN:
        return True
    if hint is float:
        hint = (int, float)
    return isinstance(value, hint) and (hint is bool or not isinstance(value, bool))
