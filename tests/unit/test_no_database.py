"""A file that is no database of this app is said to be none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentchat.errors import ConfigError
from agentchat.store import schema

JUNK = b"Photographs of herons, not a database. " * 500


@pytest.mark.parametrize("look", [schema.upgrade, schema.check])
def test_a_file_that_is_no_database_is_named(look: object, tmp_path: Path) -> None:
    assert callable(look)
    file = tmp_path / "agentchat.db"
    file.write_bytes(JUNK)
    with pytest.raises(ConfigError, match=rf"{file} cannot be used: file is not a database"):
        look(f"sqlite:///{file}")
    # It is somebody's: nothing is written over it.
    assert file.read_bytes() == JUNK


def test_commands_say_it_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "agentchat.db").write_bytes(JUNK)
    done = subprocess.run(
        [sys.executable, "-m", "agentchat", "runs", "list"],
        env={**os.environ, "AGENTCHAT_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "file is not a database" in done.stderr
    assert "Traceback" not in done.stderr
