"""The least that fits a schema, and which schemas the vendors can hold a model to."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from pydantic import BaseModel, ConfigDict, Field

from agentchat.llm.anthropic_wire import is_closed
from agentchat.llm.samples import sample_of
from agentchat.llm.strict import is_strict


class Place(BaseModel):
    model_config = ConfigDict(extra="forbid")
    city: str = Field(min_length=9)
    kind: Literal["town", "village"]


class Node(BaseModel):
    value: int = Field(ge=3)
    next: Node | None


class Report(BaseModel):
    place: Place
    seen: list[Place] = Field(min_length=2)
    share: float = Field(gt=0, lt=1.5)
    note: str = "none"
    node: Node


@pytest.mark.parametrize(
    "schema",
    [
        Report.model_json_schema(),
        Node.model_json_schema(),
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a", "b"]},
        {"type": "array", "prefixItems": [{"const": 1}], "minItems": 2, "items": {"enum": ["x"]}},
        {"type": ["string", "null"], "format": "date"},
        {"allOf": [{"type": "object", "required": ["a"], "properties": {"a": {"type": "null"}}}]},
        {"oneOf": [{"type": "integer", "minimum": 7, "multipleOf": 5}]},
        {"type": "integer", "maximum": -4},
        {"type": "boolean"},
        {},
    ],
)
def test_a_sample_fits_its_schema(schema: dict[str, Any]) -> None:
    assert list(Draft202012Validator(schema).iter_errors(sample_of(schema))) == []


OBJECTS = [
    {"type": "object", "required": [name], "properties": {name: {"const": 1}}} for name in "ab"
]


@pytest.mark.parametrize(
    ("schema", "sample"),
    [
        ({"type": "string", "default": "as ever"}, "as ever"),
        ({"const": "this", "default": "that"}, "this"),
        ({"enum": [2, 1]}, 2),
        ({"anyOf": [{"const": 1}, {"const": 2}]}, 1),
        ({"anyOf": [{"const": 1}, {"type": "null"}]}, None),
        ({"oneOf": [{"const": 1}, {"const": 2}]}, 1),
        ({"allOf": OBJECTS}, {"a": 1, "b": 1}),
        ({"allOf": [{"type": "string"}, {"minLength": 2}]}, "text"),
        ({"properties": {"a": {"const": 1}}, "required": ["a"]}, {"a": 1}),
        ({"type": "object", "properties": {"a": {}, "b": {}}, "required": ["b"]}, {"b": None}),
        ({"type": "array", "items": {"const": 1}}, []),
        ({"type": "array", "prefixItems": [{"const": 1}], "minItems": 2}, [1, None]),
        ({"type": ["string", "null"]}, "text"),
        ({"type": "string", "maxLength": 2}, "te"),
        ({"type": "string", "minLength": 6}, "text.."),
        ({"type": "string", "format": "date-time"}, "2000-01-01T00:00:00Z"),
        ({"type": "boolean"}, False),
        ({"type": "integer"}, 0),
        ({"type": "integer", "minimum": -9, "maximum": 9}, 0),
        ({"type": "integer", "minimum": 3}, 3),
        ({"type": "integer", "maximum": -3}, -3),
        ({"type": "integer", "exclusiveMinimum": 3}, 4),
        ({"type": "integer", "exclusiveMaximum": 0}, -1),
        ({"type": "integer", "minimum": 7, "multipleOf": 5}, 10),
        ({"type": "integer", "maximum": -7, "multipleOf": 5}, -10),
        ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, 0.5),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 0.5}, 0.5),
        ({"$ref": "#/$defs/a~1b~0", "$defs": {"a/b~": {"const": 1}}}, 1),
        ({"$ref": "#/$defs/gone"}, None),
    ],
)
def test_a_sample_is_the_first_choice_and_no_more_than_asked(
    schema: dict[str, Any], sample: object
) -> None:
    assert sample_of(schema) == sample
    if "gone" not in str(schema):
        assert Draft202012Validator(schema).is_valid(sample)


def test_a_schema_that_never_ends_has_a_sample_that_does() -> None:
    schema = {"$ref": "#/$defs/a", "$defs": {"a": {"type": "array", "minItems": 1}}}
    schema["$defs"]["a"]["items"] = {"$ref": "#/$defs/a"}  # type: ignore[index]
    assert isinstance(sample_of(schema), list)


CLOSED = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        (Place.model_json_schema(), False),
        ({**Place.model_json_schema(), "title": "Place"}, False),
        (CLOSED, True),
        ({**CLOSED, "properties": {"a": {"$ref": "#/$defs/b"}}, "$defs": {"b": CLOSED}}, True),
        ({**CLOSED, "properties": {"a": {"anyOf": [CLOSED, {"type": "null"}]}}}, True),
        ({**CLOSED, "properties": {"a": {"type": "array", "items": CLOSED}}}, True),
        ({**CLOSED, "required": []}, False),
        ({**CLOSED, "additionalProperties": True}, False),
        ({**CLOSED, "default": {}}, False),
        ({**CLOSED, "properties": {"a": {}}}, False),
        ({**CLOSED, "properties": {"a": {"type": "array"}}}, False),
        ({**CLOSED, "properties": {"a": {"type": "object"}}}, False),
        ({**CLOSED, "properties": {"a": {"oneOf": [CLOSED]}}}, False),
        ({**CLOSED, "properties": {"a": {"type": "string", "format": "uri"}}}, False),
        ({**CLOSED, "properties": {"a": {"$ref": "#/$defs/b", "title": "x"}}}, False),
        ({**CLOSED, "$defs": {"b": {"type": "object"}}}, False),
        ({**CLOSED, "required": ["a", "b"]}, False),
        ({**CLOSED, "anyOf": [CLOSED]}, False),
        ({"type": "object", "additionalProperties": False}, False),
        ({name: CLOSED[name] for name in ("type", "properties", "required")}, False),
        ({**CLOSED, "properties": {"a": True}}, False),
        ({**CLOSED, "properties": {"a": {"enum": ["x"]}}}, False),
        ({**CLOSED, "properties": {"a": {"type": "string", "enum": ["x"]}}}, True),
        ({**CLOSED, "properties": {"a": {"anyOf": [{"type": "object"}]}}}, False),
        ({**CLOSED, "properties": {"a": {"type": "array", "items": {"type": "object"}}}}, False),
        ({**CLOSED, "properties": {"a": {"type": ["string", "null"]}}}, True),
        ({**CLOSED, "properties": {"a": {"type": ["array", "null"]}}}, False),
        ({**CLOSED, "properties": {"a": {"type": ["object", "null"]}}}, False),
        ({**CLOSED, "properties": {"a": {"$ref": "#/$defs/b", "$defs": {}}}}, False),
        ({"type": "array", "items": CLOSED}, False),
        ({"anyOf": [CLOSED]}, False),
    ],
)
def test_a_schema_is_strict_only_if_every_object_in_it_is_closed(
    schema: dict[str, Any], strict: bool
) -> None:
    assert is_strict(schema) is strict


OPEN = {"type": "object", "properties": {"a": {"type": "object"}}}


@pytest.mark.parametrize(
    ("schema", "closed"),
    [
        (CLOSED, True),
        ({"type": "object", "properties": {}}, True),
        ({"type": "object", "additionalProperties": False}, False),
        ({**CLOSED, "additionalProperties": True}, False),
        ({**CLOSED, "additionalProperties": {"type": "string"}}, False),
        (OPEN, False),
        ({**CLOSED, "properties": {"a": {"anyOf": [CLOSED, {"type": "null"}]}}}, True),
        ({**CLOSED, "properties": {"a": {"anyOf": [CLOSED, OPEN]}}}, False),
        ({**CLOSED, "properties": {"a": {"type": ["string", "null"]}}}, True),
        ({**CLOSED, "properties": {"a": {**CLOSED, "type": ["object", "null"]}}}, False),
        ({**CLOSED, "$defs": {"b": OPEN}}, False),
    ],
)
def test_a_schema_is_closed_only_if_no_object_in_it_may_hold_what_it_does_not_name(
    schema: dict[str, Any], closed: bool
) -> None:
    assert is_closed(schema) is closed
