"""The least that fits a JSON schema: what a script answers when it is asked for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_STRINGS = {
    "date": "2000-01-01",
    "date-time": "2000-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "PT0S",
    "email": "a@example.com",
    "hostname": "example.com",
    "uri": "https://example.com",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
_DEEPEST = 20


def sample_of(schema: Mapping[str, Any]) -> Any:
    """A small value that fits ``schema``: the first choice, nothing optional, no more than asked.

    Patterns, and combinations that only a search could satisfy, are not looked at.
    """
    return _sample(schema, schema, 0)


def _sample(schema: Any, root: Mapping[str, Any], depth: int) -> Any:
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return None
    if isinstance(reference := schema.get("$ref"), str):
        return _sample(_resolved(reference, root), root, depth + 1)
    for fixed in ("const", "default"):
        if fixed in schema:
            return schema[fixed]
    if schema.get("enum"):
        return schema["enum"][0]
    for union in ("anyOf", "oneOf"):
        if options := schema.get(union):
            nothing = (option for option in options if option.get("type") == "null")
            return _sample(next(nothing, options[0]), root, depth + 1)
    if parts := schema.get("allOf"):
        samples = [_sample(part, root, depth + 1) for part in parts]
        whole: dict[str, Any] = {}
        for sample in samples:
            whole |= sample if isinstance(sample, dict) else {}
        return whole or samples[0]
    kind = schema.get("type", "object" if "properties" in schema else "null")
    return _of_type(kind[0] if isinstance(kind, list) else kind, schema, root, depth)


def _of_type(kind: str, schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> Any:
    match kind:
        case "object":
            properties = schema.get("properties", {})
            wanted = schema.get("required", ())
            return {name: _sample(properties.get(name, {}), root, depth + 1) for name in wanted}
        case "array":
            first = [*schema.get("prefixItems", ())]
            rest = max(schema.get("minItems", 0) - len(first), 0)
            parts = [*first, *[schema.get("items", {})] * rest]
            return [_sample(part, root, depth + 1) for part in parts]
        case "string":
            text = _STRINGS.get(schema.get("format", ""), "text")
            return text.ljust(schema.get("minLength", 0), ".")[: schema.get("maxLength")]
        case "integer" | "number":
            return _number(schema)
        case "boolean":
            return False
    return None


def _number(schema: Mapping[str, Any]) -> float:
    bounds = ("minimum", "exclusiveMinimum", "exclusiveMaximum", "maximum")
    ends: list[float] = [schema[name] for name in bounds if name in schema]
    beside = [end + more for end in ends for more in (1, -1)]
    tries: list[float] = [0, *ends, *beside, sum(ends) / 2]
    if step := schema.get("multipleOf"):
        tries = [value // step * step + more for value in tries for more in (0, step)]
    return next((value for value in tries if _within(value, schema)), tries[0])


def _within(value: float, schema: Mapping[str, Any]) -> bool:
    return bool(
        schema.get("minimum", value) <= value <= schema.get("maximum", value)
        and schema.get("exclusiveMinimum", value - 1) < value
        and value < schema.get("exclusiveMaximum", value + 1)
    )


def _resolved(reference: str, root: Mapping[str, Any]) -> Any:
    found: Any = root
    for part in reference.removeprefix("#").strip("/").split("/"):
        if part:
            found = found.get(part.replace("~1", "/").replace("~0", "~"), {})
    return found
