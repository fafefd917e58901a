"""Tests that take long: ``make prove`` runs them, ``make test`` leaves them out."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

LONG_ON_POSTGRES = pytest.mark.long_on_postgres
"""The same on both databases, which is proved on the quicker one each time."""


def mark_long_on_postgres(items: Sequence[pytest.Item]) -> None:
    """Make those long that have this mark and are about PostgreSQL."""
    for item in items:
        values = item.callspec.params.values() if hasattr(item, "callspec") else ()
        if item.get_closest_marker("long_on_postgres") and any(
            str(value).startswith("postgresql") for value in values
        ):
            item.add_marker(LONG)


def spread(
    name: str, values: Sequence[object], *, sqlite: int | None = None, postgresql: int
) -> pytest.MarkDecorator:
    """The values of an argument on both databases: on each so many of them, evenly spread, are
    proved each time, and the others are long. On SQLite it is all of them unless it is said.
    """
    often = {"sqlite": len(values) if sqlite is None else sqlite, "postgresql": postgresql}
    return pytest.mark.parametrize(
        ("database_url", name),
        [
            pytest.param(kind, value, marks=() if _chosen(at, number, len(values)) else LONG)
            for kind, number in often.items()
            for at, value in enumerate(values)
        ],
        indirect=["database_url"],
    )


LONG = pytest.mark.long


def _chosen(at: int, number: int, of: int) -> bool:
    """Whether it is one of so many that are spread over all."""
    return at * number // of != (at - 1) * number // of
