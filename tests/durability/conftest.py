"""One warm parent of all processes of these tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.durability import processes
from tests.durability.processes import Parent


@pytest.fixture(scope="package")
def warm_parent() -> Iterator[Parent]:
    with processes.parent() as made:
        yield made


@pytest.fixture
def parent(warm_parent: Parent) -> Iterator[Parent]:
    """Starts processes, which are gone when the test is over."""
    yield warm_parent
    warm_parent.end_all()
