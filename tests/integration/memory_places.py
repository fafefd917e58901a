"""Databases for memories: SQLite, PostgreSQL that finds them by meaning, and one that does not."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import Session

from agentchat.store import memory_index, schema
from agentchat.store.database import connect
from tests.conftest import fresh_postgres

SEARCHING, PLAIN = "postgresql", "postgresql without pgvector"
KINDS = ["sqlite", SEARCHING, PLAIN]
held_in_memory = pytest.mark.parametrize("database_url", ["sqlite", PLAIN], indirect=True)
"""For what only is where the process holds the vectors."""


def run(url: str, *statements: str) -> None:
    """Do statements in a transaction."""
    engine = connect(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def searches(url: str) -> bool:
    """Whether a database finds memories by meaning."""
    engine = connect(url)
    with Session(engine) as session:
        found = memory_index.searchable(session)
    engine.dispose()
    return found


def place(request: pytest.FixtureRequest, folder: Path) -> str:
    """The URL of a migrated database without memories, of the kind that the test is given."""
    kind: str = request.param
    if kind == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), folder / "agentchat.db")
        return f"sqlite:///{folder / 'agentchat.db'}"
    url = _on(request.getfixturevalue("postgres"), kind)
    run(url, "DELETE FROM memories", "DELETE FROM threads")
    assert searches(url) == (kind == SEARCHING)
    return url


@cache
def _on(server: str, kind: str) -> str:
    url = fresh_postgres(server)
    schema.upgrade(url)
    if kind == PLAIN:
        run(url, "DROP EXTENSION vector CASCADE")
    return url
