"""Settings: read from the environment, each checked, each mistake explained."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentchat.errors import ConfigError
from agentchat.settings import load_settings


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_nothing_has_to_be_set() -> None:
    settings = load_settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 3000)
    assert settings.database_url.startswith("sqlite:////")


def test_old_runs_are_not_kept_for_ever_unless_that_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = load_settings()
    assert (settings.keep_days, settings.keep_runs) == (30, 10_000)
    monkeypatch.setenv("AGENTCHAT_KEEP_DAYS", "0")
    monkeypatch.setenv("AGENTCHAT_KEEP_RUNS", "0")
    settings = load_settings()
    assert (settings.keep_days, settings.keep_runs) == (0, 0)


def test_the_environment_wins_over_the_file(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (nowhere / ".env").write_text("AGENTCHAT_PORT=4000\nAGENTCHAT_MODEL=scripted:demo\n")
    monkeypatch.setenv("AGENTCHAT_PORT", "5000")
    assert (load_settings().port, load_settings().model) == (5000, "scripted:demo")


def test_an_empty_value_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTCHAT_MODEL", "")
    monkeypatch.setenv("OPENAI_API_KEY", " ")
    assert load_settings().model is None
    assert load_settings().openai_api_key is None


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("AGENTCHAT_PORT", "http", "AGENTCHAT_PORT"),
        ("AGENTCHAT_PORT", "0", "AGENTCHAT_PORT"),
        ("AGENTCHAT_HOST", "0.0.0.0", "no login yet"),
        ("AGENTCHAT_HOST", "example.org", "loopback"),
        ("AGENTCHAT_DB_URL", "mysql://x", "postgresql://USER"),
        ("AGENTCHAT_KEEP_DAYS", "a month", "AGENTCHAT_KEEP_DAYS: .*integer"),
        ("AGENTCHAT_KEEP_DAYS", "-1", "AGENTCHAT_KEEP_DAYS: .*greater than or equal to 0"),
        ("AGENTCHAT_KEEP_DAYS", "1000000", "AGENTCHAT_KEEP_DAYS: .*less than or equal to 36500"),
        ("AGENTCHAT_KEEP_RUNS", "-1", "AGENTCHAT_KEEP_RUNS: .*greater than or equal to 0"),
        ("AGENTCHAT_MODEL", "gpt-4o", "PROVIDER:NAME"),
        ("AGENTCHAT_MODEL", "mistral:large", "PROVIDER:NAME"),
        ("AGENTCHAT_MODEL", "anthropic:claude", "ANTHROPIC_API_KEY must be set"),
        ("AGENTCHAT_MODEL", "openai:gpt-4o", "OPENAI_API_KEY must be set"),
    ],
)
def test_a_wrong_value_is_named_and_explained(
    name: str, value: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=words):
        load_settings()


def test_a_key_never_shows_in_a_printout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-secret")
    assert "sk-ant-secret" not in repr(load_settings())


def test_a_postgres_url_gets_its_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTCHAT_DB_URL", "postgres://u:p@db/chat")
    assert load_settings().database_url == "postgresql+psycopg://u:p@db/chat"


def test_only_this_machine_is_an_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTCHAT_PORT", "3001")
    assert set(load_settings().origins) == {
        "http://localhost:3001",
        "http://127.0.0.1:3001",
        "http://[::1]:3001",
    }
