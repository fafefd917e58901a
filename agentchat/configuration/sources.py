"""Every setting with its value and where that came from, without secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

from pydantic import SecretStr
from pydantic_settings import DotEnvSettingsSource, EnvSettingsSource

from agentchat.errors import ConfigError
from agentchat.llm.remote import key_end
from agentchat.settings import Settings, load_settings

_PASSWORD = re.compile(r"(?<=://)([^/?#]*)@")
_QUERY = re.compile(r"\?.*$", re.DOTALL)


class Source(StrEnum):
    """Where a value came from: the environment, the file, the code that opened the app, or nobody
    has said anything.
    """

    ENVIRONMENT = "environment"
    FILE = ".env"
    CODE = "code"
    DEFAULT = "default"


@dataclass(frozen=True)
class SettingView:
    """A setting as it may be shown: ``value`` is empty if it is not set. Of what is ``secret`` it
    says only that it is there, and how it ends if it is long.
    """

    name: str
    variable: str
    value: str
    source: Source
    secret: bool = False


def settings_in_force(settings: Settings) -> tuple[SettingView, ...]:
    """Every setting, in the order in which they are declared. The environment and the file are
    read for it, to say whence a value came.
    """
    environment, file = EnvSettingsSource(Settings).env_vars, DotEnvSettingsSource(Settings)
    try:
        found = load_settings()
    except ConfigError:
        # Then none of these came from there.
        found = None
    return tuple(
        SettingView(
            name,
            variable := variable_of(name),
            _shown(getattr(settings, name)),
            _source(settings, found, name, variable.lower(), environment, file.env_vars),
            isinstance(getattr(settings, name), SecretStr) or _is_secret(name),
        )
        for name in Settings.model_fields
    )


def variable_of(name: str) -> str:
    """The variable of the environment that a setting is read from."""
    alias = Settings.model_fields[name].validation_alias
    return alias if isinstance(alias, str) else f"AGENTCHAT_{name.upper()}"


def misspelt() -> dict[str, str]:
    """Variables of the environment and the file that are named like settings and are none, each
    with the one that may be meant; empty if none is like it.
    """
    known = {variable_of(name) for name in Settings.model_fields}
    there = {*EnvSettingsSource(Settings).env_vars, *DotEnvSettingsSource(Settings).env_vars}
    said = (one.upper() for one in there if one.startswith("agentchat_"))
    return {
        one: next(iter(get_close_matches(one, known, 1, 0.85)), "")
        for one in sorted(said)
        if one not in known
    }


def _source(
    settings: Settings,
    found: Settings | None,
    name: str,
    variable: str,
    environment: Mapping[str, str | None],
    file: Mapping[str, str | None],
) -> Source:
    if name not in settings.model_fields_set:
        return Source.DEFAULT
    value = getattr(settings, name)
    if found is not None and getattr(found, name) == value:
        # The environment wins over the file.
        for source, known in ((Source.ENVIRONMENT, environment), (Source.FILE, file)):
            if variable in known:
                return source if (known[variable] or "").strip() else Source.DEFAULT
    return Source.CODE


def _is_secret(name: str) -> bool:
    return Settings.model_fields[name].annotation == (SecretStr | None)


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        end = key_end(value.get_secret_value())
        return f"set, ends in {end}" if end else "set"
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    if "://" in text:
        # Passwords stand before the @, and some put keys behind the question mark.
        return _QUERY.sub("?…", _PASSWORD.sub("…@", text))
    return text
