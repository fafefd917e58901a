"""The calls that a model asks for, as it wrote them: read, checked, and whether they may be made
without asking a person."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from agentchat.agents import rights
from agentchat.agents.tools import UNTRUSTED, Tool
from agentchat.errors import InvalidInput
from agentchat.inputs import checked_json, storable
from agentchat.llm.base import ToolCall

MOST_CALLS = 32
"""How many tools a model may call at once; what it asks for beyond is told to be too much."""
MOST_LISTED = 1_000
"""How many calls of one answer are told of at all."""
MOST_ASKED = 300_000
"""How many bytes all calls of one answer may have together: the journal keeps them."""
MOST_PROBLEM = 2_000


@dataclass(frozen=True, slots=True)
class Wish:
    """A tool that the model wants to be called. ``problem`` says why it cannot be."""

    id: str
    name: str
    arguments: Any
    problem: str = ""
    approval: bool = False


async def wishes_of(
    calls: Sequence[ToolCall],
    tools: Mapping[str, Tool],
    untrusted: Callable[[], Awaitable[bool]],
) -> list[Wish]:
    """What a model wants that is offered these tools; ``untrusted`` tells, if that matters,
    whether text from outside may have led it.
    """
    room, found = MOST_ASKED, []
    led: bool | None = None
    for number, call in enumerate(calls[:MOST_LISTED]):
        wish = _wish(call, number, room, tools)
        room -= len(to_json(wish))
        if not wish.problem:
            tool = tools[wish.name]
            if led is None and tool.approval == UNTRUSTED:
                led = await untrusted()
            asks = await rights.needs_approval(tool, wish.arguments, untrusted=led is not False)
            wish = Wish(wish.id, wish.name, wish.arguments, approval=asks)
        found.append(wish)
    return found


def _wish(call: ToolCall, number: int, room: int, tools: Mapping[str, Tool]) -> Wish:
    call_id, name = storable(call.id)[:200], storable(call.name)[:200]
    if room <= 0:
        words = "Not called: this is too much at once."
        return Wish(call_id[:40], name[:64], {}, words)
    try:
        arguments = _parsed(call.arguments, room)
    except InvalidInput as error:
        kept = {"text": storable(call.arguments[:MOST_PROBLEM])}
        return Wish(call_id, name, kept, str(error)[:MOST_PROBLEM])
    tool = tools.get(call.name)
    if tool is None:
        known = ", ".join(tools) or "none"
        return Wish(call_id, name, arguments, f"There is no tool {name!r}. Tools: {known}.")
    if number >= MOST_CALLS:
        words = f"Not called: at most {MOST_CALLS} tools are called at once."
        return Wish(call_id, name, arguments, words)
    try:
        arguments = tool.check(arguments)
    except InvalidInput as error:
        return Wish(call_id, name, arguments, str(error)[:MOST_PROBLEM])
    return Wish(call_id, name, arguments)


def _parsed(text: str, room: int) -> Any:
    """The arguments of a call, as they can be stored; raises InvalidInput in words for the
    model.
    """
    if len(text.encode("utf-8", "replace")) > room:
        raise InvalidInput(f"The arguments are too long: there is room for {room:,} bytes.")
    try:
        value = json.loads(storable(text).strip() or "{}")
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"The arguments are not JSON: {error}") from error
    return checked_json(value, "The arguments")
