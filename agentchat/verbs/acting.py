"""The verbs of an app in the hands of one person."""

from __future__ import annotations

import inspect
from functools import lru_cache, partial
from typing import Any, Final

from agentchat.views import Actor

_LOOKED_AT = ("operations", "details", "lists", "overview", "audits", "spent", "tool_servers")
_PARTS: Final = {
    *_LOOKED_AT,
    "configuration",
    "inbox",
    "memories",
    "files",
    "faults",
    "sharing",
    "presence",
}
"""Attributes that have verbs of their own."""


class Acting:
    """Has the attributes of what it is made of; every verb is done by ``actor``."""

    def __init__(self, verbs: Any, actor: Actor) -> None:
        self._verbs = verbs
        self._actor = actor

    @property
    def actor(self) -> Actor:
        """By whom the verbs are done."""
        return self._actor

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._verbs, name)
        if name in _PARTS:
            return Acting(found, self._actor)
        if callable(by := getattr(found, "by", None)):
            return by(self._actor)
        if inspect.ismethod(found) and _takes_actor(found.__func__):
            return partial(found, actor=self._actor)
        return found


@lru_cache(maxsize=1_000)
def _takes_actor(function: Any) -> bool:
    found = inspect.signature(function).parameters.get("actor")
    return found is not None and found.kind is inspect.Parameter.KEYWORD_ONLY
