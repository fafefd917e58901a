"""Live vars: a state's var that shows what a query reads, in every tab, as rows change.

    class Titles(LiveState):
        limit: int = 5
        titles: list[str] = live(newest_titles, "limit")

    app.add_page(index, on_load=Titles.follow)

Following starts with the page and ends with it. When an argument changes, the query is
followed with the new one; what the old one gave goes at once.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar, cast

import reflex as rx
from reflex_base.vars.base import BaseStateMeta, ComputedVar

from agentchat.ui.bridge import serving
from agentchat.ui.following import Following, followings, forget_changed
from agentchat.ui.live_query import Ask, LiveField, live

__all__ = ["LiveState", "live", "serving"]


class _ArgumentsVar(ComputedVar[int]):
    """Depends on all that the arguments of a state's live vars come from.

    Reflex tells a computed var when something changed that it depends on, also in a parent
    state or behind a property.
    """

    def _deps(self, objclass: Any, obj: Any = None) -> dict[str, set[str]]:
        # A reset of the state must be noticed too.
        found = {objclass.get_full_name(): {"_asked"}}
        for name in {name for ask in objclass._asks.values() for name in ask.attributes}:
            attribute = inspect.getattr_static(objclass, name)
            read = (
                super()._deps(objclass, cast(Any, attribute.fget))
                if isinstance(attribute, property)
                else {objclass.get_full_name(): {name}}
            )
            for state, names in read.items():
                found.setdefault(state, set()).update(names)
        return found

    def mark_dirty(self, instance: Any) -> None:
        super().mark_dirty(instance)
        forget_changed(instance, type(instance))
        following = followings.get(instance._follower)
        if following is not None and following.differs(instance):
            following.news.set()


class _LiveMeta(BaseStateMeta):
    """Makes ``class Titles(LiveState)`` a state by itself: of mixins alone comes a mixin."""

    def __new__(
        cls,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        mixin: bool = False,
        **kwargs: Any,
    ) -> type:
        states = [base for base in bases if issubclass(base, rx.State)]
        if not mixin and all(base._mixin for base in states):
            bases = (*bases, rx.State)
        return super().__new__(cls, name, bases, namespace, mixin=mixin, **kwargs)


class LiveState(rx.State, mixin=True, metaclass=_LiveMeta):
    """A state with live vars: see :func:`live`.

    ``follow`` is the event for ``on_load``: it follows all live vars of the state as long as
    the page is open. ``loaded`` is true as soon as each has its first value or error;
    ``problem`` is empty, or says what is wrong with one of them.
    """

    problem: str = ""
    loaded: bool = False

    follow: ClassVar[Any]

    _asked: tuple[tuple[str, Any], ...] = ()
    """Of each var that shows something: the arguments that this belongs to."""
    _follower: str = ""
    """Which following shows values here. Last, so that a reset still finds it."""
    _asks: ClassVar[Mapping[str, Ask]] = {}

    @_ArgumentsVar
    def _arguments(self) -> int:
        return 0

    @classmethod
    def __init_subclass__(cls, **kwargs: Any) -> None:
        declared = {
            name: found for name, found in cls.__fields__.items() if isinstance(found, LiveField)
        }
        above = [base for base in cls.__mro__[1:] if isinstance(base, _LiveMeta)]
        parent = next((base for base in above if not base._mixin), None)
        if parent is not None:
            declared = {name: declared[name] for name in cls.__own_fields__ if name in declared}
            if declared:
                raise TypeError(
                    f"{cls.__name__} derives from {parent.__name__}, which follows its live vars"
                    f" already. Declare {', '.join(declared)} there, or derive from LiveState."
                )
        if not cls._mixin:
            for name, found in declared.items():
                if found.lacks_default:
                    raise TypeError(
                        f"{cls.__name__}.{name} needs something to show before its first value:"
                        f" give it a type with an empty value, or live(..., default=...)."
                    )
                found.ask.check(cls, name)
            cls._asks = {name: found.ask for name, found in declared.items()}
            if parent is None:
                cls.follow = _follow_event(cls)
        super().__init_subclass__(**kwargs)


def _follow_event(cls: Any) -> Any:
    @rx.event(background=True, supersedes=True)
    async def follow(self):
        """Show the live vars as they change, as long as the page is open."""
        await Following(cls).show_in(self)

    follow.__qualname__ = f"{cls.__name__}.follow"
    return follow
