"""What people give a fork of an answer instead of what was there: other words, another agent, other
arguments or results. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python

from agentchat.agents.called import Wish
from agentchat.agents.generate import Generated
from agentchat.errors import InvalidInput
from agentchat.inputs import checked_text, problems_of, storable
from agentchat.models import Step
from agentchat.views import Actor

_GENERATED = TypeAdapter(Generated)
MOST_RESULT = 100_000
"""How many characters a person may give as the result of a tool."""


@dataclass(frozen=True, slots=True)
class AskedOf:
    """Who is to be asked at a call of the model, and with which words of a person besides."""

    agent: str
    words: str = ""


def asked_of(given: Sequence[Any], round_: int) -> AskedOf:
    """The input of a call of the model: its round, the agent, and words of one's own, if any."""
    match given:
        case [int() as number, str() as agent] if number == round_ and agent:
            return AskedOf(agent)
        case [int() as number, str() as agent, str() as words] if number == round_ and agent:
            return AskedOf(agent, checked_text(words) if words.strip() else "")
    raise InvalidInput(
        f'A call of the model is given [{round_}, "agent"], or [{round_}, "agent", "words of'
        ' yours"]: only the agent may be another, and words added.'
    )


def pick(steps: Sequence[Step], picks: Sequence[Step], agent: str) -> None:
    """Let the last of ``picks`` have picked this agent."""
    picks[-1].result = {**picks[-1].result, "agent": agent}
    for step in steps:
        # Some are told who goes on.
        step.args_hash = ""


@dataclass(frozen=True, slots=True)
class Before:
    """What a model had said: the result of its step, if it was done, and its text."""

    result: Any
    text: str


def said(given: Any, before: Before, by: Actor) -> tuple[str, dict[str, Any]]:
    """The text and the result of a call of the model that a person writes: a text is all that is
    said; an object has the fields that differ, and its ``text``.

    A call of a tool that the model had not asked for just so waits for an approval.
    """
    if isinstance(given, str):
        given = {"text": given, "wishes": [], "thoughts": []}
    if not isinstance(given, Mapping):
        raise InvalidInput("What a model said is a text, or an object with its text and wishes.")
    held = dict(before.result) if isinstance(before.result, Mapping) else {}
    text = given.get("text", before.text)
    if not isinstance(text, str):
        raise InvalidInput("The text that a model said is a text.")
    text = storable(text)
    nobody = {"input_tokens": 0, "output_tokens": 0, "estimated": False, "cached_tokens": 0}
    own = {"model": "", "cost_usd": None, "label": f"written by {by.name}", "asked": 0}
    told = {"cut": False, "refused": False, "problem": "", "characters": len(text)}
    allowed = {name: given[name] for name in ("wishes", "thoughts") if name in given}
    try:
        made = _GENERATED.validate_python({**held, **allowed, **nobody, **own, **told})
        asked = _GENERATED.validate_python(held).wishes if held else []
    except ValidationError as error:
        raise InvalidInput(f"This is not what a model may say: {problems_of(error)}") from error
    if not text.strip() and not made.wishes:
        raise InvalidInput("Write what the model is to have said.")
    made = replace(made, wishes=[_approved(wish, asked) for wish in made.wishes])
    return text, to_jsonable_python(made)


def _approved(wish: Wish, asked: Sequence[Wish]) -> Wish:
    return wish if wish in asked else replace(wish, approval=True)


def closing(begun: Mapping[str, Any]) -> str:
    """The name of the step that writes down what a call has come to."""
    word = "told" if begun["kind"] == "durable" else "tool"
    return f"{word} {begun['name']}"


def arguments_of(given: Sequence[Any], position: int) -> Any:
    """The arguments in the input of a tool's step: its part, and they."""
    match given:
        case [int() as part, dict() as arguments] if part == position:
            return arguments
    raise InvalidInput(
        f"A call of a tool is given [{position}, {{its arguments}}]: only they may be others."
    )


def told(result: Any) -> str:
    """What the model is told that a tool came to: a text, or else JSON."""
    text = result if isinstance(result, str) else json.dumps(result, indent=1, ensure_ascii=False)
    text = storable(text)
    if len(text) > MOST_RESULT:
        raise InvalidInput(
            f"A result has at most {MOST_RESULT:,} characters; this has {len(text):,}."
        )
    return text


def rename(steps: Sequence[Step], ids: Mapping[str, str]) -> None:
    """Let steps name what was asked by its new ids."""
    if not ids:
        return
    for step in steps:
        for before, now in ids.items():
            step.name = step.name.replace(before, now)
            step.event = step.event and step.event.replace(before, now)
        held = json.dumps([step.input, step.result], ensure_ascii=False)
        new = held
        for before, now in ids.items():
            new = new.replace(before, now)
        if new != held:
            step.input, step.result = json.loads(new)
        if new != held or step.input is None:
            # Its arguments name what was asked, or may do so.
            step.args_hash = ""
