"""``agentchat config``: what is set, and where that came from."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from agentchat.cli import app

KEY = "sk-abcdefghijklmnopqrstuvwxyz-9876"


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def config(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["config", *arguments], env={"COLUMNS": "120"})


def test_it_shows_every_setting_and_no_secret(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (nowhere / ".env").write_text(f"OPENAI_API_KEY={KEY}\n")
    monkeypatch.setenv("AGENTCHAT_KEEP_DAYS", "7")
    done = config()
    assert done.exit_code == 0
    lines = {
        line.split()[0]: line.split(None, 1)[1].split("  ") for line in done.stdout.splitlines()
    }
    cells = {name: [cell.strip() for cell in line if cell.strip()] for name, line in lines.items()}
    assert cells["AGENTCHAT_KEEP_DAYS"] == ["7", "environment"]
    assert cells["AGENTCHAT_KEEP_RUNS"] == ["10000", "default"]
    assert cells["OPENAI_API_KEY"] == ["set, ends in 9876", ".env"]
    assert cells["ANTHROPIC_API_KEY"] == ["-", "default"]
    assert KEY[:-4] not in done.stdout
    # It only looks: nothing is made.
    assert [one.name for one in nowhere.iterdir()] == [".env"]


def test_only_what_was_changed_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    # What the suite itself has set.
    for name in [name for name in os.environ if name.startswith("AGENTCHAT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AGENTCHAT_KEEP_DAYS", "7")
    [line] = json.loads(config("--changed", "--json").stdout)
    assert line == {
        "name": "keep_days",
        "variable": "AGENTCHAT_KEEP_DAYS",
        "value": "7",
        "source": "environment",
        "secret": False,
    }


def test_a_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTCHAT_KEEP_DAYS", "a week")
    done = config()
    assert done.exit_code == 1
    assert "AGENTCHAT_KEEP_DAYS" in done.stderr
    assert done.stdout == ""
