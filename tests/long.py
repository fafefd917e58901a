"""Tests that take long: ``make prove`` runs them, ``make test`` leaves them out."""

from __future__ import annotations

import pytest

LONG_ON_POSTGRES = pytest.mark.parametrize(
    "database_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)], indirect=True
)
"""The same on both databases, which is proved on the quicker one each time."""
