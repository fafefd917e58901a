"""Whether a JSON schema is one that OpenAI's models can be held to word by word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_KEYWORDS = frozenset(
    {
        "$defs",
        "$ref",
        "additionalProperties",
        "anyOf",
        "const",
        "description",
        "enum",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "format",
        "items",
        "maxItems",
        "maximum",
        "minItems",
        "minimum",
        "multipleOf",
        "pattern",
        "properties",
        "required",
        "title",
        "type",
    }
)
_FORMATS = frozenset(
    {"date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uuid"}
)


def is_strict(schema: Mapping[str, Any]) -> bool:
    """Whether OpenAI takes ``schema`` in strict mode: it refuses a request that says so falsely."""
    return schema.get("type") == "object" and "anyOf" not in schema and _fits(schema)


def _fits(schema: object) -> bool:
    if not isinstance(schema, Mapping) or not schema.keys() <= _KEYWORDS:
        return False
    if "$ref" in schema:
        return schema.keys() == {"$ref"}
    if not schema.keys() & {"type", "anyOf"}:
        return False
    if schema.get("format", "date") not in _FORMATS:
        return False
    kind, properties = schema.get("type"), schema.get("properties", {})
    kinds = kind if isinstance(kind, list) else [kind]
    if "object" in kinds and not (
        schema.get("additionalProperties") is False
        and "properties" in schema
        and set(schema.get("required", ())) == properties.keys()
    ):
        return False
    if "array" in kinds and "items" not in schema:
        return False
    parts = [*properties.values(), *schema.get("anyOf", ()), *schema.get("$defs", {}).values()]
    parts += [schema["items"]] if "items" in schema else []
    return all(_fits(part) for part in parts)
