"""A copy of the embedded database, also while the app writes to it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import make_url

from agentchat.errors import ConfigError


def backup(url: str, to: Path) -> None:
    """Write the database as it is at this moment into a file that is not there yet: whole, or not
    at all. Raises :class:`~agentchat.errors.ConfigError`.
    """
    file = make_url(url).database or ""
    if make_url(url).get_backend_name() != "sqlite":
        raise ConfigError("This is a PostgreSQL database: back it up with pg_dump.")
    if not Path(file).is_file():
        raise ConfigError(f"There is no database yet: {file}. Check AGENTCHAT_DATA_DIR.")
    if to.exists():
        raise ConfigError(f"{to} is there already. Name another file.")
    unfinished = to.with_name(f"{to.name}.{os.getpid()}")
    try:
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(unfinished)) as copy:
            source.backup(copy)
        unfinished.rename(to)
    except (sqlite3.Error, OSError) as error:
        unfinished.unlink(missing_ok=True)
        raise ConfigError(f"{file} cannot be copied to {to}: {error}") from error
