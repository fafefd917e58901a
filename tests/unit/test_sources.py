"""Where settings come from, and what is shown of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentchat.configuration.sources import SettingView, settings_in_force
from agentchat.settings import Settings, load_settings

NAMES = (
    *("AGENTCHAT_PORT", "AGENTCHAT_KEEP_DAYS", "AGENTCHAT_KEEP_RUNS", "AGENTCHAT_AUTH"),
    "OPENAI_API_KEY",
)
KEY = "sk-abcdefghijklmnopqrstuvwxyz-9876"


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shown(settings: Settings) -> dict[str, SettingView]:
    return {one.variable: one for one in settings_in_force(settings)}


def test_each_value_says_whether_it_is_from_the_environment_the_file_code_or_nobody(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (nowhere / ".env").write_text("AGENTCHAT_PORT=4000\nAGENTCHAT_KEEP_DAYS=7\nOPENAI_API_KEY=\n")
    monkeypatch.setenv("AGENTCHAT_KEEP_DAYS", "8")
    monkeypatch.setenv("agentchat_keep_runs", "9")
    found = shown(load_settings())
    assert {name: (found[name].value, found[name].source) for name in NAMES} == {
        "AGENTCHAT_PORT": ("4000", ".env"),
        "AGENTCHAT_KEEP_DAYS": ("8", "environment"),
        "AGENTCHAT_KEEP_RUNS": ("9", "environment"),
        "AGENTCHAT_AUTH": ("open", "default"),
        "OPENAI_API_KEY": ("", "default"),
    }
    # What code gives wins, also where the environment says something else or the same field.
    given = shown(Settings(port=5000, keep_days=1, keep_runs=9))
    assert (given["AGENTCHAT_PORT"].value, given["AGENTCHAT_PORT"].source) == ("5000", "code")
    assert (given["AGENTCHAT_KEEP_DAYS"].value, given["AGENTCHAT_KEEP_DAYS"].source) == (
        "1",
        "code",
    )


def test_settings_that_code_gives_are_shown_where_the_environment_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = Settings(port=5000)
    monkeypatch.setenv("AGENTCHAT_PORT", "no number")
    assert shown(given)["AGENTCHAT_PORT"].source == "code"


def test_every_setting_is_there_under_the_name_by_which_it_is_set() -> None:
    found = shown(Settings())
    assert len(found) == len(Settings.model_fields)
    assert {"AGENTCHAT_HOST", "ANTHROPIC_API_KEY", "OPENAI_BASE_URL", "TAVILY_API_KEY"} <= {*found}


def test_of_secrets_no_more_than_four_characters_are_shown_and_of_short_ones_none() -> None:
    settings = Settings(
        auth="password",
        openai_api_key=KEY,
        brave_api_key="sixteen-chars-xx",
        metrics_token="short",
    )
    found = shown(settings)
    assert found["OPENAI_API_KEY"].value == "set, ends in 9876"
    assert found["BRAVE_API_KEY"].value == "set"
    assert found["AGENTCHAT_METRICS_TOKEN"].value == "set"
    assert found["ANTHROPIC_API_KEY"].value == ""
    secret = {name for name, one in found.items() if one.secret}
    assert secret == {
        *("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "BRAVE_API_KEY", "TAVILY_API_KEY"),
        *("AGENTCHAT_METRICS_TOKEN", "AGENTCHAT_OIDC_CLIENT_SECRET"),
    }
    whole = repr(found)
    assert not any(word in whole for word in (KEY[:-4], "sixteen", "short"))


@pytest.mark.parametrize(
    ("url", "value"),
    [
        ("postgresql://ann:p4ss@host:5432/chat", "postgresql://…@host:5432/chat"),
        ("postgresql://ann:p@4:ss@host/chat", "postgresql://…@host/chat"),
        ("postgresql://host/chat?password=p4ss", "postgresql://host/chat?…"),
        ("postgresql:///chat", "postgresql:///chat"),
    ],
)
def test_an_address_shows_no_password(url: str, value: str) -> None:
    assert shown(Settings(db_url=url))["AGENTCHAT_DB_URL"].value == value
    base = shown(Settings(openai_base_url=url.replace("postgresql", "https")))["OPENAI_BASE_URL"]
    assert base.value == value.replace("postgresql", "https")
