"""Settings as people write them: left empty, in files of other programs, with slips."""

from __future__ import annotations

import codecs
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agentchat.cli import app
from agentchat.configuration.sources import Source, misspelt, settings_in_force, variable_of
from agentchat.errors import ConfigError
from agentchat.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without a ``.env``, where the settings are read."""
    monkeypatch.chdir(tmp_path)
    for name in {*os.environ, *map(variable_of, Settings.model_fields)}:
        if name.startswith("AGENTCHAT_") or name in map(variable_of, Settings.model_fields):
            monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.parametrize("empty", ["", "  "])
def test_every_setting_may_be_left_empty(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.setenv(variable_of(name), empty)
    settings = load_settings()
    for name, field in Settings.model_fields.items():
        assert getattr(settings, name) == field.get_default(), name
    assert {one.source for one in settings_in_force(settings)} == {Source.DEFAULT}


def test_an_empty_variable_hides_that_of_the_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ".env").write_text("AGENTCHAT_PORT=4000\nOPENAI_API_KEY=sk-file\n")
    monkeypatch.setenv("AGENTCHAT_PORT", "")
    monkeypatch.setenv("OPENAI_API_KEY", "")
    assert (load_settings().port, load_settings().openai_api_key) == (3000, None)


def test_a_file_that_is_no_utf8_is_named(folder: Path) -> None:
    # As `echo … > .env` writes it in PowerShell.
    (folder / ".env").write_bytes(codecs.BOM_UTF16_LE + "AGENTCHAT_PORT=4000\n".encode("utf-16-le"))
    with pytest.raises(ConfigError, match=r"\.env cannot be read: it is not UTF-8"):
        load_settings()


def test_a_mark_at_the_beginning_of_the_file_does_no_harm(folder: Path) -> None:
    (folder / ".env").write_bytes(codecs.BOM_UTF8 + b"AGENTCHAT_PORT=4000\n")
    assert load_settings().port == 4000


@pytest.mark.parametrize("value", ["nonsense", "example.org:8080", "ftp://example.org", "http://"])
def test_where_to_search_is_an_address(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTCHAT_SEARCH_URL", value)
    with pytest.raises(ConfigError, match=r"AGENTCHAT_SEARCH_URL: .*such as http://"):
        load_settings()


def test_a_name_that_is_no_setting_is_told_with_the_one_that_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ".env").write_text("AGENTCHAT_AUHT=password\nPROT=3\n")
    monkeypatch.setenv("AGENTCHAT_PROT", "4000")
    monkeypatch.setenv("AGENTCHAT_VERSION_OF_MY_IMAGE", "7")
    monkeypatch.setenv("AGENTCHAT_PORT", "4000")
    assert misspelt() == {
        "AGENTCHAT_AUHT": "AGENTCHAT_AUTH",
        "AGENTCHAT_PROT": "AGENTCHAT_PORT",
        "AGENTCHAT_VERSION_OF_MY_IMAGE": "",
    }
    told = CliRunner().invoke(app, ["config"])
    assert "AGENTCHAT_AUHT is no setting. AGENTCHAT_AUTH is." in told.stderr
    assert "AUHT" not in told.stdout
