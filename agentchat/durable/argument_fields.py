"""The arguments of a workflow as fields of a form, from the function's signature. Pure."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from pydantic import PydanticSchemaGenerationError, TypeAdapter
from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic_core import PydanticSerializationError

from agentchat.durable.results import arguments_of
from agentchat.durable.workflow import Workflow

Kind: TypeAlias = Literal["text", "integer", "number", "switch", "choice", "json"]

_KINDS: dict[str, Kind] = {
    "string": "text",
    "integer": "integer",
    "number": "number",
    "boolean": "switch",
}
_WORDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "nothing",
}
_BOUNDS = {
    "exclusiveMinimum": "more than",
    "exclusiveMaximum": "less than",
    "multipleOf": "a multiple of",
}
MOST_PATTERN = 40
"""How long a pattern may be that people are shown."""


@dataclass(frozen=True)
class ArgumentField:
    """One argument: how it may be asked for (``kind``), and ``words`` that say what it takes.

    ``required`` is set if there is no default; else ``default`` is that, as JSON. ``choices``
    are all values that there are, as JSON, of the kind choice. Where ``empty`` is set, it may
    also be nothing (null).
    """

    name: str
    kind: Kind = "json"
    words: str = ""
    required: bool = True
    default: str = ""
    choices: tuple[str, ...] = ()
    empty: bool = False


def fields_of(workflow: Workflow[..., Any]) -> tuple[ArgumentField, ...]:
    """The arguments that a workflow is started with, in their order."""
    arguments = arguments_of(workflow.function)
    return tuple(
        _field(parameter, arguments.adapter(parameter.name)) for parameter in arguments.parameters
    )


def _field(parameter: inspect.Parameter, adapter: TypeAdapter[Any]) -> ArgumentField:
    required = parameter.default is parameter.empty
    default = "" if required else _json(adapter, parameter.default)
    schema, empty = _without_null(_schema(adapter))
    choices = tuple(json.dumps(one, ensure_ascii=False) for one in _choices(schema))
    kind: Kind = "choice" if choices else _KINDS.get(str(schema.get("type")), "json")
    words = _describe(schema) if kind != "choice" else ""
    return ArgumentField(parameter.name, kind, words, required, default, choices, empty)


def _schema(adapter: TypeAdapter[Any]) -> dict[str, Any]:
    try:
        schema = adapter.json_schema()
    except (PydanticInvalidForJsonSchema, PydanticSchemaGenerationError):
        # Such as a type of the workflow's own: the form takes any JSON, and binding checks it.
        return {}
    definitions = schema.get("$defs", {})
    return _resolved(schema, definitions)


def _resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
    found = dict(definitions.get(name, {}) if name else schema)
    for key in ("anyOf", "items"):
        inner = found.get(key)
        if isinstance(inner, list):
            found[key] = [_shallow(one, definitions) for one in inner]
        elif isinstance(inner, dict):
            found[key] = _shallow(inner, definitions)
    return found


def _shallow(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
    return dict(definitions.get(name, {}) if name else schema)


def _without_null(schema: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    options = schema.get("anyOf", [])
    others = [one for one in options if one.get("type") != "null"]
    if len(others) == len(options):
        return schema, False
    return (others[0] if len(others) == 1 else {**schema, "anyOf": others}), True


def _choices(schema: Mapping[str, Any]) -> list[Any]:
    return [schema["const"]] if "const" in schema else list(schema.get("enum", []))


def _describe(schema: Mapping[str, Any]) -> str:
    if options := schema.get("anyOf"):
        return " or ".join(dict.fromkeys(filter(None, map(_describe, options))))
    words = _WORDS.get(str(schema.get("type")), "")
    if schema.get("type") == "array" and (of := _describe(schema.get("items") or {})):
        words = f"{words} of {of.removeprefix('a ').removeprefix('an ')}"
    if schema.get("type") == "object" and (inner := schema.get("properties")):
        words = f"{words} with {', '.join(inner)}"
    if shape := schema.get("format"):
        words = f"{words} ({shape})"
    return ", ".join(filter(None, (words, *_limits(schema))))


def _limits(schema: Mapping[str, Any]) -> list[str]:
    found = [
        _between(schema.get(least), schema.get(most), unit)
        for least, most, unit in (
            ("minimum", "maximum", ""),
            ("minLength", "maxLength", " characters"),
            ("minItems", "maxItems", " of them"),
        )
    ]
    for name, words in _BOUNDS.items():
        if name in schema:
            found.append(f"{words} {_told(schema[name])}")
    pattern = str(schema.get("pattern", ""))
    if 0 < len(pattern) <= MOST_PATTERN:
        found.append(f"like {pattern}")
    return found


def _between(least: Any, most: Any, unit: str) -> str:
    if least is None or most is None:
        words = "at least" if most is None else "at most"
        bound = most if least is None else least
        return "" if bound is None else f"{words} {_told(bound)}{unit}"
    return f"from {_told(least)} to {_told(most)}{unit}"


def _told(bound: Any) -> str:
    return f"{bound:,}" if isinstance(bound, int) else str(bound)


def _json(adapter: TypeAdapter[Any], value: Any) -> str:
    try:
        return json.dumps(adapter.dump_python(value, mode="json"), ensure_ascii=False)
    except (PydanticSerializationError, TypeError, ValueError):
        return ""
