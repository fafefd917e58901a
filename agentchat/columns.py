"""Kinds of columns that the schema uses, and plain tables for plain statements."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar

from pydantic_core import from_json, to_json
from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Integer,
    Table,
    Text,
    TypeDecorator,
)
from sqlalchemy.orm import ClassManager, class_mapper
from sqlalchemy.orm.attributes import manager_of_class
from sqlalchemy.types import TypeEngine
from sqlmodel import Field, SQLModel

M = TypeVar("M", bound=SQLModel)


class Instant(TypeDecorator[datetime]):
    """An aware UTC time in every database; SQLite itself would forget the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Value(TypeDecorator[Any]):
    """Any JSON value. A number in a JSON column of SQLite would be kept as a number of its
    own, which is not always the same one: 10**20, or a float's last digit.
    """

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else JSON())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return json_text(value) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return value if value is None or dialect.name != "sqlite" else from_json(value)


class Encoded:
    """A value of a JSON column that is JSON already."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


def json_text(value: Any) -> str:
    """The JSON of a value, as the database stores it."""
    if isinstance(value, Encoded):
        return value.text
    return to_json(value, fallback=_decoded).decode()


def _decoded(value: Any) -> Any:
    if isinstance(value, Encoded):
        # Within another value, which is rare: it is written out anew.
        return from_json(value.text)
    raise TypeError(f"{type(value).__name__} is not JSON")


def table_of(model: type[SQLModel]) -> Table:
    """The Core table of a model, for statements that want plain rows."""
    table = model.metadata.tables[str(model.__tablename__)]
    return table


def of_row(model: type[M], row: Mapping[Any, Any]) -> M:
    """An instance that holds a row of the model's own table, which no session knows."""
    # A fortieth of the time that model(**row) takes, which looks at every value.
    instance: M = model.__new__(model)
    instance.__dict__.update(row)
    object.__setattr__(instance, "__pydantic_fields_set__", set(row))
    _instances(model).setup_instance(instance)
    return instance


@cache
def _instances(model: type[SQLModel]) -> ClassManager[Any]:
    class_mapper(model)
    return manager_of_class(model)


def serial() -> Any:
    """A key that the database counts up, for rows of which there are very many."""
    # SQLite counts only a column of exactly this type, and counts in 64 bits anyway.
    kind = BigInteger().with_variant(Integer(), "sqlite")
    return Field(default=None, sa_column=Column(kind, primary_key=True))
