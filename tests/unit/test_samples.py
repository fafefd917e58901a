"""The least that fits a schema, and whether OpenAI takes one strictly."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from pydantic import BaseModel, ConfigDict, Field

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
        ({"type": "array", "items": CLOSED}, False),
        ({"anyOf": [CLOSED]}, False),
    ],
)
def test_a_schema_is_strict_only_if_every_object_in_it_is_closed(
    schema: dict[str, Any], strict: bool
) -> None:
    assert is_strict(schema) is strict
