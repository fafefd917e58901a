"""What the tests of the pages begin with."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def migrated(sqlite_template: Path, tmp_path: Path) -> None:
    """An app whose data is in ``tmp_path`` finds its tables there."""
    shutil.copy(sqlite_template, tmp_path / "agentchat.db")
