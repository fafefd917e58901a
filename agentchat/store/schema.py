"""Bringing the schema up to date, and refusing to start on one that does not fit."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock
from sqlalchemy import Connection, Engine, make_url, text
from sqlalchemy.exc import DatabaseError, DBAPIError
from sqlmodel import Session, SQLModel

import agentchat.models  # noqa: F401  the tables register themselves when imported
from agentchat.errors import ConfigError, SchemaMismatch
from agentchat.store import memory_index
from agentchat.store.database import connect

if TYPE_CHECKING:
    from alembic.config import Config

_PACKAGED = Path(__file__).resolve().parent.parent / "_alembic"
_CHECKOUT = Path(__file__).resolve().parent.parent.parent / "alembic"
_LOCK = 0x61676368
"""PostgreSQL advisory lock held while migrating, so that processes starting at once queue."""


_MIGRATING = threading.Lock()
"""Alembic keeps what it is at in globals: one at a time in a process."""
_SEARCH = re.compile(r"\w+_search(_\w+)?|ix_\w+_words")
"""The full-text indexes, which only migrations know: FTS5 tables, tsvector columns; and
of vectors (``store/memory_index.py``)."""


def is_ours(_item: Any, name: str | None, kind: str, _found: bool, _other: Any) -> bool:
    """Whether the models say what a table, column or index is like: for Alembic."""
    if kind == "column":
        return name not in ("words", "embedding")
    return name is None or not _SEARCH.fullmatch(name)


def upgrade(url: str) -> None:
    """Bring the database at ``url`` to the schema of this code, then :func:`check` it.

    Raises :class:`SchemaMismatch`, and ConfigError if it cannot be reached.
    """
    with _reachable(url):
        _upgrade(url)


def _upgrade(url: str) -> None:
    with _MIGRATING:
        _migrate(url)


def _migrate(url: str) -> None:
    engine = connect(url)
    file = engine.url.database if engine.url.get_backend_name() == "sqlite" else None
    try:
        with (
            FileLock(f"{file}.lock") if file else contextlib.nullcontext(),
            engine.connect() as connection,
        ):
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
                connection.commit()
            held = _held(connection)
            connection.commit()
            if held != newest():
                _run_migrations(connection)
                connection.commit()
            memory_index.ensure(connection)
            connection.commit()
        _check(engine)
    finally:
        engine.dispose()


def _run_migrations(connection: Connection) -> None:
    from alembic.util.exc import CommandError

    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise SchemaMismatch(
            f"The database was made by a newer agentchat ({error})."
            " Update agentchat, or use another AGENTCHAT_DATA_DIR."
        ) from error


def _config() -> Config:
    # Most starts find nothing to migrate: they do not wait for Alembic to be imported.
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_migrations()).replace("%", "%%"))
    return config


def _migrations() -> Path:
    return _CHECKOUT if _CHECKOUT.is_dir() else _PACKAGED


@cache
def newest() -> str:
    """The revision of this code: that of its last migration, whose file's name begins with it."""
    files = (_migrations() / "versions").glob("[0-9]*.py")
    return max(file.name.partition("_")[0] for file in files)


def _held(connection: Connection) -> str | None:
    try:
        with Session(connection) as session:
            return revision(session)
    except DBAPIError:
        # A database that has no tables yet; if it is anything else, migrating says what.
        connection.rollback()
        return None


def revision(session: Session) -> str | None:
    """The revision that the database says it is at; None if it says none."""
    held: str | None = session.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return held


def check(url: str) -> None:
    """Raise :class:`SchemaMismatch` naming each table and column that does not fit, and
    ConfigError if the database cannot be reached.
    """
    with _reachable(url):
        engine = connect(url)
        try:
            _check(engine)
        finally:
            engine.dispose()


@contextlib.contextmanager
def _reachable(url: str) -> Iterator[None]:
    try:
        yield
    except (DatabaseError, OSError) as error:
        cause = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        place = make_url(url).render_as_string(hide_password=True)
        raise ConfigError(
            f"The database {place} cannot be used: {cause}."
            " Check AGENTCHAT_DATA_DIR, or AGENTCHAT_DB_URL and whether its server runs."
        ) from error


_COLUMNS = {
    "sqlite": (
        'SELECT t.name, c.name, c."notnull", c.dflt_value IS NOT NULL'
        " FROM sqlite_master t JOIN pragma_table_xinfo(t.name) c WHERE t.type = 'table'"
    ),
    "postgresql": (
        "SELECT relname, attname, attnotnull, atthasdef OR attidentity <> ''"
        " FROM pg_attribute JOIN pg_class c ON c.oid = attrelid"
        " WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')"
        " AND attnum > 0 AND NOT attisdropped"
    ),
}
"""Asks for all tables at once: each start waits for the answer. Of each column: its table, its
name, whether it must be filled, and whether the database fills it.
"""


def _check(engine: Engine) -> None:
    there: dict[str, dict[str, tuple[bool, bool]]] = {}
    with engine.connect() as connection:
        for table_name, name, needed, filled in connection.execute(
            text(_COLUMNS[engine.dialect.name])
        ):
            there.setdefault(table_name, {})[name] = (needed, filled)
    problems = []
    for name, table in SQLModel.metadata.tables.items():
        if name not in there:
            problems.append(f"table {name!r} is missing")
            continue
        columns = there[name]
        for column in table.columns:
            held = columns.pop(column.name, None)
            if held is None:
                problems.append(f"column {name}.{column.name} is missing")
            elif not column.nullable and not held[0]:
                problems.append(f"column {name}.{column.name} allows NULL but must not")
        problems += [
            f"column {name}.{unknown} is not known to this code but must be filled"
            for unknown, (needed, filled) in columns.items()
            if needed and not filled
        ]
    if problems:
        raise SchemaMismatch(
            "The database does not match the code: "
            + "; ".join(problems)
            + f".\n{_revisions(engine)} Run 'agentchat db upgrade', or restore a backup."
        )


def _revisions(engine: Engine) -> str:
    with engine.connect() as connection:
        held = _held(connection)
    return f"The database is at revision {held}, the code at {newest()}."
