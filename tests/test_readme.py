"""What the README says is true."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from agentchat.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()


SCRIPTS = re.findall(r"<!-- runs in the test suite -->\n```python\n(.*?)```", README, re.S)
PRINTS = [
    "> Why is the sky blue?",
    "Herons of the Elbe ['route', 'tool']",
    "done three things about herons: 5 stars",
]


@pytest.mark.parametrize(("script", "prints"), list(zip(SCRIPTS, PRINTS, strict=True)))
def test_a_script_in_the_readme_runs(script: str, prints: str, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "AGENTCHAT_DATA_DIR": str(tmp_path),
        "AGENTCHAT_MODEL": "scripted:instant",
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    assert prints in done.stdout


def test_every_setting_is_in_the_readme() -> None:
    for name, field in Settings.model_fields.items():
        variable = field.validation_alias or f"AGENTCHAT_{name.upper()}"
        assert f"`{variable}`" in README, variable


def test_every_path_that_the_readme_names_exists() -> None:
    named = re.findall(r"`((?:agentchat|alembic|tests|assets)/[\w/.]*)`", README)
    named += [f"agentchat/{path}" for path in re.findall(r"\(`([\w/]+\.(?:py|jsx))`", README)]
    named += re.findall(r"\]\((assets/[^)]+)\)", README)
    table = README.partition("## Where to look for what")[2].partition("\n## ")[0]
    for line in re.findall(r"^\| (`.+?) \|", table, re.M):
        first, *beside = re.findall(r"`([^`]+)`", line)
        named += [first, *(_there(name, Path(first).parent) for name in beside)]
    assert named
    for path in named:
        assert (ROOT / path).exists(), path


def _there(name: str, folder: Path) -> str:
    """Where this is: beside what its line names first, in the package, or at the top."""
    places = [folder / name, Path("agentchat") / name, Path(name)]
    return str(next((place for place in places if (ROOT / place).exists()), name))
