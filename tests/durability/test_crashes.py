"""``kill -9`` again and again, at any moment, over runs of every kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.durability import crashes
from tests.durability.processes import Parent
from tests.long import LONG_ON_POSTGRES


@LONG_ON_POSTGRES
@pytest.mark.parametrize("seed", [1])
async def test_whatever_is_killed_and_when_each_run_ends_as_if_nothing_had_happened(
    parent: Parent, database_url: str, tmp_path: Path, seed: int
) -> None:
    report = await crashes.crash(parent, database_url, tmp_path, kills=100, seed=seed)
    print(report)
    assert report.kills >= 100
    # It did hit something: else it would prove nothing.
    assert report.repeated > 10
    assert report.interrupted > 0


@pytest.mark.long
async def test_a_process_may_die_before_and_after_any_commit(
    parent: Parent, database_url: str, tmp_path: Path
) -> None:
    report = await crashes.crash(parent, database_url, tmp_path, kills=60, seed=1, commits=True)
    print(report)
    assert report.kills >= 60
    assert report.repeated > 5
