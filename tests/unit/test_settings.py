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
        ("AGENTCHAT_HOST", "0.0.0.0", "AGENTCHAT_AUTH=password"),
        ("AGENTCHAT_HOST", "example.org", "AGENTCHAT_HOST is 'example.org'.*tunnel"),
        ("AGENTCHAT_PUBLIC_URL", "https://chat.example.org", "AGENTCHAT_PUBLIC_URL is .*=password"),
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


@pytest.mark.parametrize(
    ("host", "public_url", "words"),
    [
        ("127.0.0.1", "", ""),
        ("127.0.0.1", "https://chat.example.org", ""),
        ("0.0.0.0", "https://chat.example.org", ""),
        ("127.0.0.1", "http://localhost:8080", ""),
        ("0.0.0.0", "", "say with AGENTCHAT_PUBLIC_URL"),
        ("0.0.0.0", "http://chat.example.org", "without TLS"),
        ("127.0.0.1", "http://chat.example.org", "without TLS"),
    ],
)
def test_with_accounts_others_may_reach_it_through_tls(
    host: str, public_url: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTCHAT_AUTH", "password")
    monkeypatch.setenv("AGENTCHAT_HOST", host)
    monkeypatch.setenv("AGENTCHAT_PUBLIC_URL", public_url)
    monkeypatch.setenv("AGENTCHAT_FAULT_PANEL", "true")
    if words:
        with pytest.raises(ConfigError, match=words):
            load_settings()
        return
    others = "example.org" in public_url
    assert load_settings().faults_allowed == (not others)
    assert load_settings().secure_cookies == others


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


@pytest.mark.parametrize(
    ("url", "origin", "secure"),
    [
        ("https://Chat.Example.org", "https://chat.example.org", True),
        ("https://chat.example.org:443/", "https://chat.example.org", True),
        ("https://chat.example.org:8443", "https://chat.example.org:8443", True),
        ("http://localhost:80", "http://localhost", False),
        ("http://[::1]:3000", "http://[::1]:3000", False),
    ],
)
def test_where_people_reach_the_app_is_the_one_origin_as_browsers_write_it(
    url: str, origin: str, secure: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTCHAT_AUTH", "password")
    monkeypatch.setenv("AGENTCHAT_PUBLIC_URL", url)
    settings = load_settings()
    assert settings.origins == (origin,)
    assert settings.base_url == origin
    assert settings.secure_cookies is secure


@pytest.mark.parametrize(
    "url", ["chat.example.org", "https://a.org/chat", "https://a.org?x", "ftp://a", "https://ä.org"]
)
def test_what_is_no_origin_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTCHAT_PUBLIC_URL", url)
    with pytest.raises(ConfigError, match=r"AGENTCHAT_PUBLIC_URL: .*where people reach the app"):
        load_settings()
