"""Events with a type, shared by those who send and those who wait."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from agentchat.columns import json_text
from agentchat.durable.values import small_enough
from agentchat.errors import InvalidInput
from agentchat.inputs import checked_json, problems_of

T = TypeVar("T")


@dataclass(frozen=True)
class EventType(Generic[T]):
    """The name of an event and the type of its payload: ``Rating = EventType("rating", int)``.

    With it in ``wait_for`` and in ``send_event`` a wrong payload is found by the type
    checker, and refused by the call.
    """

    name: str
    payload: type[T]

    def stored(self, payload: T) -> Any:
        """The payload as JSON; raises :class:`~agentchat.errors.InvalidInput`."""
        try:
            checked = self._adapter.validate_python(payload)
        except ValidationError as error:
            raise InvalidInput(
                f"The payload of event {self.name!r} does not fit: {problems_of(error)}"
            ) from error
        return checked_json(
            self._adapter.dump_python(checked, mode="json"), f"The payload of event {self.name!r}"
        )

    def loaded(self, payload: Any) -> T:
        """The payload of a stored event; raises :class:`~agentchat.errors.InvalidInput`."""
        try:
            value: T = self._adapter.validate_json(json_text(payload))
        except ValidationError as error:
            raise InvalidInput(
                f"The event {self.name!r} has a payload that does not fit: {problems_of(error)}"
            ) from error
        return value

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        return TypeAdapter(self.payload)


def prepared(event: EventType[Any] | str, payload: Any) -> tuple[str, Any]:
    """The name of an event and its payload as JSON; raises InvalidInput for one that does not
    fit, cannot be stored or is too large.
    """
    if isinstance(event, EventType):
        name, stored = event.name, event.stored(payload)
    else:
        name, stored = event, checked_json(payload, f"The payload of event {event!r}")
    small_enough(stored, f"The payload of event {name!r}")
    return name, stored
