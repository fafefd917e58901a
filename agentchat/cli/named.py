"""Objects that a person names on the command line: MODULE:NAME."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from agentchat.errors import ConfigError


def named(name: str, option: str) -> Any:
    """What MODULE:NAME stands for, None if the module has no such name.

    Raises :class:`ConfigError` in words that begin with the ``option``.
    """
    module_name, _, attribute = name.partition(":")
    if not module_name or not attribute:
        raise ConfigError(f"{option} {name!r} is not MODULE:NAME, such as myapp.flows:survey.")
    if "" not in sys.path:
        # Where the command is called, as python -m would.
        sys.path.insert(0, "")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise ConfigError(f"{option} {name!r}: {error}.") from error
    return getattr(module, attribute, None)
