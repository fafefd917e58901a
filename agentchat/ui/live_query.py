"""What a live var asks for: :func:`live` declares it, and this is what becomes of it."""

from __future__ import annotations

import copy
import functools
import inspect
import types
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    overload,
)

from reflex.istate.proxy import MutableProxy
from reflex_base.utils.types import get_default_value_for_type, is_optional
from reflex_base.vars.base import MISSING, ComputedVar, Field

from agentchat.chat import AgentChat, Outcome

if TYPE_CHECKING:
    from sqlmodel import Session

T = TypeVar("T")


@overload
def live(
    query: Callable[Concatenate[Session, ...], tuple[T, ...]],
    /,
    *names: str,
    default: list[T] = ...,
    keep: bool = ...,
    **named: str,
) -> list[T]: ...
@overload
def live(
    query: Callable[Concatenate[Session, ...], T],
    /,
    *names: str,
    default: T = ...,
    keep: bool = ...,
    **named: str,
) -> T: ...
@overload
def live(
    query: Callable[Concatenate[AgentChat, ...], AsyncGenerator[tuple[T, ...], None]],
    /,
    *names: str,
    default: list[T] = ...,
    keep: bool = ...,
    **named: str,
) -> list[T]: ...
@overload
def live(
    query: Callable[Concatenate[AgentChat, ...], AsyncIterator[T]],
    /,
    *names: str,
    default: T = ...,
    keep: bool = ...,
    **named: str,
) -> T: ...
def live(
    query: Callable[..., Any],
    /,
    *names: str,
    default: Any = MISSING,
    keep: bool = False,
    **named: str,
) -> Any:
    """Declare a var of a :class:`LiveState` that shows what ``query`` gives.

    ``query`` is a read function, called as ``query(session, ...)``, or a verb of AgentChat
    that follows something (``AgentChat.follow_threads``), called as ``verb(chat, ...)`` with the
    verbs of the person behind the tab.
    ``names`` are the attributes of the state (vars, backend vars, computed vars, properties)
    whose values are its arguments; ``named`` are those of keyword arguments, as in
    ``actor="reader"``. A read function is followed by that ``actor``, if there is one.

    Until the first value, after an error and when an argument changes, the var has its
    ``default``: the empty value of its type, unless given. With ``keep``, it keeps the value
    of the old arguments until that of the new ones is there. The class is refused, with a
    TypeError, if an attribute or a default is missing or the arguments do not fit.
    """
    declared = LiveField() if default is MISSING else LiveField(default_factory=_copies_of(default))
    declared.ask = Ask(query, names, tuple(named.items()), keep)
    return declared


class LiveField(Field[Any]):
    """A var and what is asked for it. Reflex copies ``ask`` along when it copies the field."""

    ask: Ask
    lacks_default = False

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        annotation = kwargs.get("annotated_type", MISSING)
        if annotation is not MISSING and kwargs.get("default_factory") is None:
            self.lacks_default = (
                kwargs.get("default", MISSING) is MISSING
                and get_default_value_for_type(annotation) is None
                and not is_optional(annotation)
            )

    def shaped(self, value: Any) -> Any:
        """The value as this var holds it: of its own, for it is shared by all who follow."""
        if isinstance(value, tuple) and _is_list(cast(Any, self).outer_type_):
            return list(value)
        return copy.copy(value) if isinstance(value, (list, dict, set)) else value


@dataclass(frozen=True)
class Ask:
    """A query and where its arguments come from."""

    query: Callable[..., Any]
    names: tuple[str, ...]
    named: tuple[tuple[str, str], ...]
    keep: bool

    @property
    def attributes(self) -> tuple[str, ...]:
        return (*self.names, *(attribute for _, attribute in self.named))

    @property
    def is_verb(self) -> bool:
        name = getattr(self.query, "__name__", "")
        return inspect.isasyncgenfunction(self.query) or self.query is getattr(
            AgentChat, name, None
        )

    def arguments(self, state: Any) -> Arguments:
        try:
            arguments = self._read(state)
            hash(arguments)
            if arguments != self._read(state):
                # Following it would never come to rest.
                raise TypeError(f"the arguments from {self.attributes} change with each look")
        except Exception as error:
            return Arguments(failure=f"{type(error).__name__}: {error}", error=error)
        return arguments

    def _read(self, state: Any) -> Arguments:
        return Arguments(
            tuple(_plain(getattr(state, name)) for name in self.names),
            tuple((key, _plain(getattr(state, name))) for key, name in self.named),
        )

    def outcomes(
        self, acting: AgentChat, arguments: Arguments
    ) -> AsyncGenerator[Outcome[Any], None]:
        """What the query comes to, asked with the verbs of ``acting``."""
        placed, named = arguments.placed, dict(arguments.named)
        if not self.is_verb:
            return acting.follow_query(self.query, *placed, **named)
        name = self.query.__name__
        if self.query is getattr(AgentChat, name, None):
            return _as_outcomes(getattr(acting, name)(*placed, **named))
        return _as_outcomes(self.query(acting, *placed, **named))

    def check(self, state: type, var: str) -> None:
        """Raise TypeError, in words to act on, unless this can be asked for that var."""
        where = f"{state.__name__}.{var}"
        if inspect.iscoroutinefunction(self.query):
            raise TypeError(
                f"{where} cannot follow {self.query.__name__}: a query is a plain function that"
                " reads, or a verb that follows something."
            )
        for name in self.attributes:
            found = inspect.getattr_static(state, name, None)
            if name == var or not isinstance(found, (Field, property, ComputedVar)):
                raise TypeError(
                    f"{where} takes an argument from {name!r}, but {state.__name__} has no var"
                    " or property of that name. Declare it in the class; for a part of the"
                    " address, write a property that reads self.router."
                )
        named = dict(self.named)
        if not self.is_verb:
            named.pop("actor", None)
        try:
            inspect.signature(self.query).bind(None, *self.names, **named)
        except TypeError as error:
            raise TypeError(f"{where} cannot ask its query: {error}") from None


@dataclass(frozen=True)
class Arguments:
    """What a query is asked with, or why that could not be found out."""

    placed: tuple[Any, ...] = ()
    named: tuple[tuple[str, Any], ...] = ()
    failure: str = ""
    error: Exception | None = field(default=None, compare=False)


async def _as_outcomes(values: AsyncIterator[Any]) -> AsyncGenerator[Outcome[Any], None]:
    try:
        async for value in values:
            yield Outcome(value)
    finally:
        if isinstance(values, AsyncGenerator):
            await values.aclose()


def _plain(value: Any) -> Any:
    """The value of a var as an argument, which must be hashable."""
    value = value.__wrapped__ if isinstance(value, MutableProxy) else value
    if isinstance(value, list):
        return tuple(value)
    return frozenset(value) if isinstance(value, set) else value


def _is_list(annotation: Any) -> bool:
    if get_origin(annotation) in (Union, types.UnionType):
        return any(_is_list(member) for member in get_args(annotation))
    return (get_origin(annotation) or annotation) is list


def _copies_of(default: Any) -> Callable[[], Any]:
    return functools.partial(copy.deepcopy, default)
